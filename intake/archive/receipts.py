"""What a patient takes home: the numbers of the visit's records, and a checkpoint that makes them a witness of the log.

No name, no treatment, no answer stands on it. Its words are in words.py; the paper is a page that is printed.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import segno
from markupsafe import Markup

from intake import audit, consent, i18n, records, visits
from intake.access import Actor

SEALED = "record.sealed"
SHOWN_HEX = 16  # of the root's 64 hex digits; docs/decisions/0011 says what that is worth


@dataclass(frozen=True)
class Numbered:
    """A record by its number, the address at which anybody may check it, and that address as a QR code (SVG)."""

    number: str
    address: str
    qr: Markup


@dataclass(frozen=True)
class Receipt:
    """A visit's receipt as of now, in the language the patient read. `size` is 0 before the first checkpoint, and
    `is_covered` says whether the checkpoint was signed after the last of these records was sealed."""

    visit_id: UUID
    day: date
    language: str
    records: tuple[Numbered, ...]
    size: int
    root_hex: str
    is_covered: bool


def receipt_of(visit_id: UUID) -> Receipt:
    """The receipt of a visit. Raises NotFound for no such visit. Changes nothing."""
    visit, newest = visits.get_visit(visit_id), audit.newest_checkpoint()
    sealed = [entry.seq for entry in audit.history_of(visit_id) if entry.event == SEALED]
    size = newest.size if newest else 0
    return Receipt(
        visit_id=visit_id,
        day=visit.day,
        language=_language(visit_id),
        records=tuple(_numbered(one.number) for one in records.records_of_visit(visit_id)),
        size=size,
        root_hex=newest.root.hex()[:SHOWN_HEX] if newest else "",
        is_covered=bool(sealed) and max(sealed) <= size,
    )


def note_shown(visit_id: UUID, *, by: Actor) -> None:
    """Write down that somebody opened a visit's receipt."""
    audit.record("receipt.shown", visit_id, by=by)


def _language(visit_id: UUID) -> str:
    """The language in which the patient was shown the risks, or said no before."""
    if (shown := consent.find_shown(visit_id)) is not None:
        return shown.language
    stated = (consent.find_by_digest(visit_id, digest) for digest in consent.digests_of(visit_id))
    return next((str(one.body["language"]) for one in stated if one and "language" in one.body), "en")


def _numbered(number: str) -> Numbered:
    address = f"{i18n.settings().origin}/verify/{number}"
    drawn = segno.make(address, micro=False, error="m").svg_inline(
        border=0, svgclass=None, lineclass=None, omitsize=True
    )
    return Numbered(number, address, Markup(drawn))  # noqa: S704  # drawn from an address that is ours alone
