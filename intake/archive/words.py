"""The archive's words for outcomes, faults of a file, readings and refusals."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from intake.archive.service import Reading
from intake.errors import DomainError
from intake.records import SENTENCES, Fault, Proof

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
    "records.hash_differs": _l("The PDF is not the one that was sealed under this number."),
}
READINGS = {
    Reading.READ: _l("Looked at"),
    Reading.OPENED: _l("PDF opened"),
    Reading.DOWNLOADED: _l("PDF downloaded"),
    Reading.EXPORTED: _l("Taken with the day's records"),
    Reading.VERIFIED: _l("Checked"),
    Reading.OPEN_FAILED: _l("Could not be opened: the file was damaged or gone"),
}


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


def fault(code: str) -> str:
    """What is wrong with a stored file; an unknown code speaks for itself, so that an administrator can look it up."""
    return str(FAULTS.get(code, code))


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
