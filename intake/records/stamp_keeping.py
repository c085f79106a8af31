"""The verbs of trusted time: which records wait for a time stamp or need a new one, and keeping what was stamped.

How a file is stamped is left to stamping.py; a record without a stamp is a record all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased

from intake import audit, clock, jobs, vault
from intake.access import SYSTEM
from intake.db import db, fetch, new_id
from intake.errors import Damaged
from intake.records import rules
from intake.records.models import Record, RecordStamp
from intake.records.tongue import N_
from intake.storage import the_storage
from intake.time_stamps import Token, the_time_service

JOB = "records.time_stamp"
STAMPED = "record.time_stamped"
RENEWED_BEFORE = timedelta(days=365)
AT_A_TIME = 500  # jobs that are asked for at once
# Why there is no time stamp, as a part of a sentence.
WHY_NO_STAMP = {
    "time_stamp.no_answer": N_("the time service does not answer"),
    "time_stamp.too_large": N_("the time service answers with more than a stamp can be"),
    "time_stamp.not_a_token": N_("what the time service answers is no time stamp"),
    "time_stamp.broken": N_("the time service's stamp is damaged"),
    "time_stamp.other_digest": N_("the time service stamped something else"),
    "time_stamp.other_nonce": N_("the time service answered another question"),
    "time_stamp.time_far_off": N_("the time service's time and this computer's clock are far apart"),
    "time_stamp.unknown_authority": N_("the stamp is not from the authority in the settings"),
    "time_stamp.other_signer": N_("the time service changes its certificate with each answer"),
    "time_stamp.revoked": N_("the time service's certificate was taken back"),
    "time_stamp.no_list": N_("the list of revoked certificates could not be had"),
    "time_stamp.no_service": N_("no time service is set any more"),
}


@dataclass(frozen=True)
class Waiting:
    """How many records wait for their first time stamp, and since when the oldest of them is sealed."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class Unstamped:
    """A record's newest file, ready for a time stamp that is its `number`th; the one before ends at `good_until`."""

    record_id: UUID
    visit_id: UUID
    patient_id: UUID
    number: int
    pdf: bytes
    good_until: datetime | None


def ask_for_stamp(record_id: UUID) -> None:
    """Have a record's first time stamp set, in the open transaction; nothing where the clinic has no time service."""
    if the_time_service() is not None:
        jobs.enqueue(JOB, f"{record_id}|1", record=str(record_id), number="1")


def ask_for_all() -> int:
    """Ask for each record that waits for its first time stamp, and for each whose newest ends within a year; gives how
    many were asked for now. A renewal that could not be had is asked for again the next month."""
    if the_time_service() is None:
        return 0
    now = clock.now()
    first = [(record_id, 1, f"{record_id}|1") for record_id in fetch(select(Record.id).where(*_waits())).scalars()]
    ends_soon = _newest().where(RecordStamp.good_until < now + RENEWED_BEFORE)
    again = [
        (row.record_id, row.number + 1, f"{row.record_id}|{row.number + 1}|{now:%Y-%m}")
        for row in db.session.scalars(ends_soon)
    ]
    asked_for = jobs.keys_of(JOB)
    fresh = [one for one in (*first, *again) if one[2] not in asked_for][:AT_A_TIME]
    for record_id, number, key in fresh:
        jobs.enqueue(JOB, key, record=str(record_id), number=str(number))
    return len(fresh)


def unstamped(record_id: UUID, number: int) -> Unstamped | None:
    """A record's newest file, where it lacks its `number`th time stamp; None where that is there, or where the
    patient's key was destroyed. Raises Damaged where the file is not what was kept."""
    row, newest = db.session.get_one(Record, record_id), newest_stamp(record_id)
    had = newest.number if newest else 0
    if had + 1 != number or vault.is_erased(row.patient_id):
        return None
    pdf = open_newest(row, newest)
    return Unstamped(record_id, row.visit_id, row.patient_id, number, pdf, newest.good_until if newest else None)


def store_stamped(made: Unstamped, pdf: bytes) -> str:
    """Put the stamped file, encrypted for its patient, into the storage; gives its key. Bytes first, row second."""
    return the_storage().put(vault.seal(made.patient_id, f"record|pdf|{made.visit_id}", pdf))


def add_stamp(made: Unstamped, pdf: bytes, key: str, token: Token) -> None:
    """Write the row of a stored, stamped file, once, and its entry in the log."""
    newest = newest_stamp(made.record_id)
    if (newest.number if newest else 0) + 1 != made.number:
        return
    row = RecordStamp(
        id=new_id(),
        record_id=made.record_id,
        number=made.number,
        pdf_sha256=rules.digest(pdf),
        storage_key=key,
        size=len(pdf),
        stamped_at=token.at,
        authority=token.who,
        good_until=token.until,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        STAMPED,
        made.visit_id,
        by=SYSTEM,
        record=str(made.record_id),
        number=made.number,
        pdf_sha256=row.pdf_sha256,
    )


def newest_stamp(record_id: UUID) -> RecordStamp | None:
    """The newest stamped file's row, or None."""
    query = select(RecordStamp).where(RecordStamp.record_id == record_id)
    return db.session.scalars(query.order_by(RecordStamp.number.desc()).limit(1)).first()


def stamps_of(record_ids: Sequence[UUID]) -> dict[UUID, list[RecordStamp]]:
    """The stamped files of each of these records that has any, the newest last."""
    found: dict[UUID, list[RecordStamp]] = {}
    query = select(RecordStamp).where(RecordStamp.record_id.in_(record_ids)).order_by(RecordStamp.number)
    for row in db.session.scalars(query):
        found.setdefault(row.record_id, []).append(row)
    return found


def digests_of(record: Record) -> list[str]:
    """The SHA-256 of each file that was kept of a record, the sealed one first: each of them is genuine."""
    query = select(RecordStamp.pdf_sha256).where(RecordStamp.record_id == record.id).order_by(RecordStamp.number)
    return [record.pdf_sha256, *fetch(query).scalars()]


def open_newest(row: Record, newest: RecordStamp | None) -> bytes:
    """The newest file of a record, checked against both hashes. Raises Damaged where a byte differs."""
    kept = newest or row
    pdf = vault.open_(row.patient_id, f"record|pdf|{row.visit_id}", the_storage().get(kept.storage_key))
    if rules.digest(pdf) != kept.pdf_sha256:
        raise Damaged("records.hash_differs", record_id=row.id)
    return pdf


def count_awaiting_time_stamp() -> Waiting:
    """How many records wait for their first time stamp, and since when the oldest. None does where the clinic has no
    time service."""
    if the_time_service() is None:
        return Waiting(0, None)
    count, oldest = fetch(select(func.count(Record.id), func.min(Record.sealed_at)).where(*_waits())).one()
    return Waiting(count, oldest)


def why_waiting(record_id: UUID) -> str | None:
    """Whether a record waits for its first time stamp: the code of why the last try failed, empty where none did; None
    where it does not wait."""
    if the_time_service() is None or newest_stamp(record_id) is not None:
        return None
    found = (job.error or "" for job in jobs.list_unfinished() if (job.name, job.key) == (JOB, f"{record_id}|1"))
    return next(found, "")


def _waits() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """For a query over records: no time stamp yet, and the patient's key was not destroyed."""
    return ~select(RecordStamp.id).where(RecordStamp.record_id == Record.id).exists(), ~vault.erased(Record.patient_id)


def _newest() -> Select[RecordStamp]:
    """The newest stamped file of each record whose patient's key was not destroyed."""
    later = aliased(RecordStamp)
    is_later = (later.record_id == RecordStamp.record_id, later.number > RecordStamp.number)
    return (
        select(RecordStamp)
        .join(Record, Record.id == RecordStamp.record_id)
        .where(~select(later.id).where(*is_later).exists(), ~vault.erased(Record.patient_id))
    )
