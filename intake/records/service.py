"""The verbs of records: what is to be sealed, keep what was sealed, open it, verify it, list it."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from intake import audit, clock, consent, i18n, jobs, kiosk, staff, vault, visits
from intake.access import SYSTEM
from intake.db import db, new_id
from intake.errors import Damaged, NotFound
from intake.records import compose, rules
from intake.records.certificates import Doctor
from intake.records.models import Record
from intake.records.seal import the_sealer
from intake.records.verifying import Fault, Verdict
from intake.storage import the_storage

OUTCOMES = (consent.Kind.COUNTERSIGNED, consent.Kind.DECLINED, consent.Kind.POSTPONED, consent.Kind.CLOSED)


@dataclass(frozen=True)
class RecordView:
    """A record as other rooms see it."""

    id: UUID
    visit_id: UUID
    patient_id: UUID
    number: str
    outcome: str
    pdf_sha256: str
    sealed_at: datetime
    size: int


@dataclass(frozen=True)
class Unsealed:
    """An outcome that has no record yet, ready to render."""

    visit_id: UUID
    patient_id: UUID
    snapshot: rules.Snapshot
    evidence: bytes
    statement_sha256: str
    countersigner: tuple[UUID, Doctor] | None = None


@dataclass(frozen=True)
class Unfiled:
    """A decided visit of a day without a record: the job's error code where it failed."""

    visit_id: UUID
    token: str
    kind: str
    error: str
    given_up: bool


def unsealed(visit_id: UUID) -> Unsealed | None:
    """What is still to be sealed for a visit; None when there is no outcome yet or its record is kept already."""
    if record_of_visit(visit_id) is not None:
        return None
    outcome = next((found for kind in OUTCOMES if (found := consent.find_statement(visit_id, kind))), None)
    if outcome is None:
        return None
    signed = consent.find_statement(visit_id, consent.Kind.SIGNED)
    parts = [part for part in (signed, outcome) if part is not None]
    evidence = compose.bundle({part.kind.value: (part.data, part.signature) for part in parts})
    settings = i18n.settings()
    number = rules.new_number(settings.clinic.letters, secrets.token_bytes(5))
    given = compose.Given(
        number=number,
        sealed_at=clock.now(),
        zone=settings.clinic.zone,
        verify_url=f"{settings.origin}/verify/{number}",
        demo=settings.demo,
        people={f"staff:{member.id}": member.name for member in staff.list_members()} | {"system": "Intake"},
        tablets={f"tablet:{tablet.id}": tablet.name for tablet in kiosk.list_tablets()},
    )
    last = outcome.body
    first = signed.body if signed else last
    visit = visits.get_visit(visit_id)
    snapshot = compose.snapshot(first, last, evidence, given, i18n.translator(first["language"]))
    return Unsealed(visit_id, visit.patient_id, snapshot, evidence, outcome.sha256, _countersigner(last))


def _countersigner(outcome: Mapping[str, Any]) -> tuple[UUID, Doctor] | None:
    """Who signs the PDF beside the seal: the doctor who countersigned, as the evidence names them. Of the outcomes this
    alone was confirmed with the doctor's password (docs/decisions/0005)."""
    if outcome["type"] != f"intake/{consent.Kind.COUNTERSIGNED}":
        return None
    doctor = outcome["review"]["doctor"]
    return UUID(doctor["id"]), Doctor(doctor["name"], doctor["registration_no"])


def store(made: Unsealed, pdf: bytes) -> str:
    """Put the sealed PDF, encrypted for its patient, into the storage; gives its key. Bytes first, row second."""
    sealed = vault.seal(made.patient_id, f"record|pdf|{made.visit_id}", pdf)
    return the_storage().put(sealed)


def add(made: Unsealed, pdf: bytes, key: str) -> None:
    """Write the row of a stored record, once: if another worker was faster,
    its record stands and ours is a stray file."""
    visits.lock_visit(made.visit_id)
    if record_of_visit(made.visit_id) is not None:
        return
    row = Record(
        id=new_id(),
        visit_id=made.visit_id,
        patient_id=made.patient_id,
        number=made.snapshot.number,
        outcome=made.snapshot.outcome.value,
        statement_sha256=made.statement_sha256,
        pdf_sha256=rules.digest(pdf),
        storage_key=key,
        size=len(pdf),
        sealed_at=made.snapshot.sealed_at,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("record.sealed", made.visit_id, by=SYSTEM, record=str(row.id), pdf_sha256=row.pdf_sha256)


def get_record(record_id: UUID) -> RecordView:
    """A record by id. Raises NotFound."""
    return _view(_row(record_id))


def record_of_visit(visit_id: UUID) -> RecordView | None:
    """The visit's record, or None."""
    row = db.session.scalars(select(Record).where(Record.visit_id == visit_id)).first()
    return _view(row) if row else None


def find_by_number(typed: str) -> RecordView | None:
    """The record somebody means by a number, however it is written."""
    number = rules.read_number(typed)
    row = db.session.scalars(select(Record).where(Record.number == number)).first() if number else None
    return _view(row) if row else None


def records_of_patients(patient_ids: Iterable[UUID]) -> list[RecordView]:
    """Every record of these patients, newest first."""
    query = select(Record).where(Record.patient_id.in_(list(patient_ids))).order_by(Record.sealed_at.desc())
    return [_view(row) for row in db.session.scalars(query)]


def records_of_day(day: date) -> list[RecordView]:
    """The records of a day's visits, by token."""
    order = {visit.id: n for n, visit in enumerate(visits.list_day(day))}
    rows = db.session.scalars(select(Record).where(Record.visit_id.in_(list(order))))
    return sorted((_view(row) for row in rows), key=lambda record: order[record.visit_id])


def unfiled(day: date) -> list[Unfiled]:
    """The decided visits of a day that have no record yet, and why where a job failed."""
    filed = {record.visit_id for record in records_of_day(day)}
    waiting = {job.key: job for job in jobs.list_unfinished() if job.name == "records.seal"}
    found = []
    for visit in visits.list_day(day):
        decided = consent.kinds_of(visit.id) & set(OUTCOMES)
        if decided and visit.id not in filed:
            job = waiting.get(str(visit.id))
            found.append(
                Unfiled(
                    visit.id,
                    str(visit.token),
                    next(iter(decided)).value,
                    (job.error or "") if job else "",
                    bool(job and job.given_up_at),
                )
            )
    return found


def open_pdf(record_id: UUID) -> bytes:
    """The record's PDF, checked against both hashes. Raises Damaged where a byte differs,
    NotFound for no such record."""
    row = _row(record_id)
    pdf = vault.open_(row.patient_id, f"record|pdf|{row.visit_id}", the_storage().get(row.storage_key))
    if rules.digest(pdf) != row.pdf_sha256:
        raise Damaged("records.hash_differs", record_id=record_id)
    return pdf


def verify_record(record_id: UUID) -> Verdict:
    """Check a record's bytes and seal. Raises Damaged where the file itself is not what was stored, NotFound."""
    return the_sealer().verify(open_pdf(record_id))


def compared(verdict: Verdict) -> Verdict:
    """The verdict on a file of unknown origin, with what the clinic's own rows say of it: whether there is a record of
    its number, and whether this file is it. A broken file without a number is left as it is."""
    if verdict.problems and not verdict.number:
        return verdict
    row = db.session.scalars(select(Record).where(Record.number == verdict.number)).first()
    if row is None:
        found = Fault.UNKNOWN_RECORD
    elif row.pdf_sha256 != verdict.sha256 or (row.outcome, row.statement_sha256) != (
        verdict.outcome,
        verdict.statement_sha256,
    ):
        found = Fault.REPLACED
    else:
        return verdict
    return replace(verdict, problems=(*verdict.problems, found))


def _row(record_id: UUID) -> Record:
    if (row := db.session.get(Record, record_id)) is None:
        raise NotFound("records.unknown", record_id=record_id)
    return row


def _view(row: Record) -> RecordView:
    return RecordView(
        row.id, row.visit_id, row.patient_id, row.number, row.outcome, row.pdf_sha256, row.sealed_at, row.size
    )
