"""The archive's words for outcomes, faults of a file, readings, refusals and receipts."""

from collections.abc import Callable
from functools import partial

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from intake.archive.service import Reading
from intake.errors import DomainError
from intake.i18n import LANGUAGE_NAMES
from intake.records import SENTENCES, STATE_WORDS, WHY_NO_STAMP, Fault, Proof, RecordState

OUTCOMES = {
    "countersigned": _l("Countersigned"),
    "declined": _l("Declined"),
    "postponed": _l("Postponed"),
    "closed": _l("Closed without a doctor"),
    "withdrawn": _l("Withdrawn"),
    "part_withdrawn": _l("Withdrawn in part"),
}
FAULTS = {
    "storage.not_found": _l("The file is not there any more."),
    "storage.damaged": _l("The stored bytes are not those that were put there."),
    "storage.unreadable": _l("The disk cannot read the file any more."),
    "vault.not_intact": _l("The stored bytes cannot be opened: they were changed or moved."),
    "audit.log_cut_off": _l("Entries of the log that were signed are gone."),
    "audit.history_differs": _l("The log is not the one that was signed."),
    "records.hash_differs": _l("The PDF is not the one that was sealed under this number."),
    "archive.seal_broken": _l("The signatures in the file are not in order."),
    "archive.root_unknown": _l("It is signed under a root certificate that is not known here."),
    "records.not_taken_apart": _l("The signatures or certificates in the file are not those of a record."),
    "archive.statement_differs": _l("A statement in the file is not the one that was signed and kept."),
    "audit.no_checkpoint": _l("The log is not signed up to this record yet. Try again in a few minutes."),
    "checkpoint.stamp_wrong": _l("The time stamp of the log does not hold, or its authority is not in the settings."),
    "seal.no_root_key": _l("The root's key is not there; it is needed to give a certificate."),
}
READINGS = {
    Reading.READ: _l("Looked at"),
    Reading.OPENED: _l("PDF opened"),
    Reading.DOWNLOADED: _l("PDF downloaded"),
    Reading.EXPORTED: _l("Taken with the day's records"),
    Reading.BUNDLED: _l("Evidence bundle made"),
    Reading.VERIFIED: _l("Checked"),
    Reading.BUNDLE_FAILED: _l("The evidence bundle could not be made"),
    Reading.OPEN_FAILED: _l("Could not be opened: the file was damaged, gone, or not to be confirmed"),
}

RECEIPT = {
    "title": _l("Your receipt"),
    "day": _l("Day of your visit"),
    "number": _l("Number of your record"),
    "check": _l("Anybody can check the number here. The page says nothing about you or your health."),
    "not_sealed": _l(
        "Your record is not sealed yet, so it has no number. Please ask reception for a new receipt when it is ready."
    ),
    "checkpoint": _l("State of the clinic's log"),
    "not_covered": _l(
        "This line was signed before your record was sealed. Please ask reception for a new receipt in a few minutes."
    ),
    "why": _l(
        "Please keep this paper. The line is a fingerprint of all that the clinic had written down until then. If "
        "somebody changed any of it later, your paper would show it."
    ),
}


def receipt(language: str) -> dict[str, tuple[str, str]]:
    """The sentences of a receipt, each in a language and in English."""
    return {name: both(partial(str, words), language) for name, words in RECEIPT.items()}


def both(say: Callable[[], str], language: str) -> tuple[str, str]:
    """What is said in a language, and in English; twice the English where the interface does not know the language."""
    with force_locale(language if language in LANGUAGE_NAMES else "en"):
        own = say()
    with force_locale("en"):
        return own, say()


PROOFS = {
    Proof.CLOCK: _l("The time is the clinic's clock."),
    Proof.SIGNATURES: _l("A time service outside the clinic stamped each signature when it was set."),
    Proof.DOCUMENT: _l("A time service outside the clinic stamped the finished file."),
    Proof.ARCHIVE: _l(
        "A time service outside the clinic stamped each signature and the finished file, which holds what a check "
        "needs in later years."
    ),
}


def proof(found: Proof) -> str:
    """What stands behind the time in a record."""
    return str(PROOFS[found])


def outcome(code: str) -> str:
    """How a visit ended, in words."""
    return str(OUTCOMES.get(code, code))


def worth(state: RecordState) -> str:
    """What a record is worth now, as the public page of its number says it too."""
    return str(STATE_WORDS[state])


def fault(code: str) -> str:
    """What is wrong with a stored file; an unknown code speaks for itself, so that an administrator can look it up."""
    return str(FAULTS[code] if code in FAULTS else waiting(code))


def waiting(code: str) -> str:
    """Why a record has no time stamp yet, as a part of a sentence; an unknown code speaks for itself."""
    return str(_(WHY_NO_STAMP[code])) if code in WHY_NO_STAMP else str(FAULTS.get(code, code)).rstrip(".")


def problem(code: Fault) -> str:
    """What is wrong with a file that is not genuine, as `intake verify` says it too."""
    return str(_(SENTENCES[code]))


def reading(code: Reading) -> str:
    """What somebody did with a record."""
    return str(READINGS[code])


def refusal(error: DomainError) -> str:
    """Why a search was not made, and what to write instead."""
    words = {
        "archive.too_short": _(
            "Write at least 3 letters of a name, a whole number or its last 4 digits, or a date of birth"
        ),
        "archive.too_many": _("%(found)s people fit. Write more of the name", found=error.facts.get("found", "")),
        "archive.dates_turned": _("The first day is after the last"),
        "archive.token_dates": _("A token's number comes back every day. Choose at most 31 days"),
    }
    return str(words.get(error.code) or _("This search cannot be made"))
