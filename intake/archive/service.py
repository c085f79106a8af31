"""One record: its facts, whether its file is what was sealed, handing it out. Every reading is an entry in the log."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from intake import audit, consent, records, staff
from intake.access import Actor
from intake.archive import search
from intake.errors import Damaged, NotFound


class Reading(StrEnum):
    """What somebody did with a record, as the log names it."""

    READ = "record.read"
    OPENED = "record.opened"
    DOWNLOADED = "record.downloaded"
    EXPORTED = "record.exported"
    BUNDLED = "record.bundled"
    VERIFIED = "record.verified"
    OPEN_FAILED = "record.open_failed"
    BUNDLE_FAILED = "record.bundle_failed"


@dataclass(frozen=True)
class Check:
    """What a check of a record's file found. `fault` is the code of what is wrong with the stored bytes."""

    fault: str = ""
    seals: int = 0
    is_intact: bool = False
    is_trusted: bool = False
    is_whole: bool = False
    signer: str = ""
    sealed_at: datetime | None = None
    doctor: str = ""
    problems: tuple[records.Fault, ...] = ()
    proof: records.Proof = records.Proof.CLOCK
    proved_at: datetime | None = None

    @property
    def is_genuine(self) -> bool:
        """Whether the bytes are those that were kept, and the signatures in them are the clinic's and all in order."""
        return not self.fault and bool(self.seals) and not set(self.problems) - {records.Fault.UNKNOWN_TIME_AUTHORITY}

    @property
    def is_root_unknown(self) -> bool:
        """Whether nothing is wrong with the file but that it was signed under a root that is not kept here."""
        return not self.fault and records.Fault.UNKNOWN_ROOT in self.problems and records.NOT_KEPT >= {*self.problems}

    @property
    def is_time_confirmed(self) -> bool:
        """Whether every time stamp in it, if there is any, is of an authority in the settings."""
        return records.Fault.UNKNOWN_TIME_AUTHORITY not in self.problems


@dataclass(frozen=True)
class Past:
    """Somebody read a record before."""

    event: Reading
    who: str
    at: datetime


@dataclass(frozen=True)
class Page:
    """A record as its page shows it. `waiting` is None, or it waits for its time stamp: the last try's error code.
    `worth` is None for a record that is no consent: that says what was, and stays true."""

    row: search.Row
    visit_id: UUID
    size: int
    check: Check
    past: list[Past]
    waiting: str | None = None
    worth: records.RecordState | None = None


def page_of(record_id: UUID) -> Page:
    """A record's facts, what it is worth now, a fresh check of its file, and who read it last. Raises NotFound."""
    row, record = search.row_of(record_id, search.doctor_names()), records.get_record(record_id)
    waiting = records.why_waiting(record_id)
    worth = records.state_of(record) if record.outcome == consent.Kind.COUNTERSIGNED else None
    return Page(row, record.visit_id, record.size, check(record_id), _past(record_id), waiting, worth)


def check(record_id: UUID) -> Check:
    """Whether the file is there, hashes to what was kept, and carries the clinic's whole seal. Raises NotFound."""
    return _checked(record_id)[1]


def _checked(record_id: UUID) -> tuple[bytes, Check]:
    """The file, and what a check of these very bytes found."""
    records.get_record(record_id)
    try:
        pdf, verdict = records.open_verified(record_id)
    except Damaged as error:
        return b"", Check(fault=error.code)
    except NotFound as error:
        if error.code != "storage.not_found":
            raise
        return b"", Check(fault=error.code)
    return pdf, Check(
        seals=len(verdict.signatures),
        problems=verdict.problems,
        doctor=next((one.who for one in verdict.signatures if one.role == "doctor"), ""),
        is_intact=verdict.intact,
        is_trusted=verdict.trusted,
        is_whole=verdict.covers_whole_file,
        signer=verdict.signer,
        sealed_at=verdict.sealed_at,
        proof=verdict.proof,
        proved_at=verdict.proved_at,
    )


def number_of(record_id: UUID) -> str:
    """The record's number. Raises NotFound."""
    return records.get_record(record_id).number


def open_file(record_id: UUID) -> bytes:
    """The sealed PDF, the very bytes that were checked. Raises Damaged where it is not what was sealed; its code says
    why. A time authority that is not in the settings is no change of the file."""
    pdf, found = _checked(record_id)
    if not found.is_genuine:
        broken = "archive.root_unknown" if found.is_root_unknown else "archive.seal_broken"
        raise Damaged(found.fault or broken, record_id=record_id)
    return pdf


def note(reading: Reading, record_id: UUID, *, by: Actor, **facts: bool | str) -> None:
    """Write down that somebody read, opened, took or checked a record, or tried to and could not."""
    audit.record(reading.value, record_id, by=by, **facts)


def _past(record_id: UUID) -> list[Past]:
    people = {f"staff:{member.id}": member.name for member in staff.list_members()}
    known = [e for e in audit.history_of(record_id) if e.event in list(Reading)]
    return [Past(Reading(e.event), people.get(e.actor, e.actor), e.at) for e in reversed(known[-5:])]
