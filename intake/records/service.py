"""The verbs of records: what is to be sealed, keep what was sealed, open it, verify it, list it."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from intake import audit, clock, consent, i18n, jobs, kiosk, staff, vault, visits
from intake.access import SYSTEM
from intake.db import db, new_id
from intake.errors import NotFound, NotReady
from intake.records import compose, rules, stamp_keeping, worth
from intake.records.certificates import Doctor
from intake.records.models import Record, RecordStamp
from intake.records.seal import the_sealer
from intake.records.verdict import Fault, Verdict
from intake.storage import the_storage

ENDINGS = (consent.Kind.COUNTERSIGNED, consent.Kind.DECLINED, consent.Kind.POSTPONED, consent.Kind.CLOSED)


@dataclass(frozen=True)
class RecordView:
    """A record as other rooms see it: digest and size are those of its newest file. `stamped_at` is when a time service
    first saw it, `authority` which; until then the time is the clinic's clock."""

    id: UUID
    visit_id: UUID
    patient_id: UUID
    number: str
    outcome: str
    pdf_sha256: str
    sealed_at: datetime
    size: int
    stamped_at: datetime | None = None
    authority: str = ""


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


def unsealed(visit_id: UUID, of: str = "") -> Unsealed | None:
    """What is still to be sealed for a visit; None when there is no outcome yet or its record is kept already. `of` is
    the SHA-256 of the statement that takes something back, where the record is to be of that."""
    last = consent.find_by_digest(visit_id, of) if of else _ending_of(visit_id)
    if last is None or _record_of(visit_id, last.sha256) is not None:
        return None
    signed = consent.find_statement(visit_id, consent.Kind.SIGNED) if _ends_the_visit(visit_id, last) else None
    parts = [part for part in (signed, last) if part is not None]
    evidence = _evidence(parts)
    about = record_of_visit(visit_id) if of else None
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
        about=about.number if about else "",
    )
    first = signed.body if signed else last.body
    visit = visits.get_visit(visit_id)
    snapshot = compose.snapshot(first, last.body, evidence, given, i18n.translator(first["language"]))
    snapshot = replace(snapshot, patient_ref=str(visit.patient_id))
    return Unsealed(visit_id, visit.patient_id, snapshot, evidence, last.sha256, _countersigner(last.body))


def _evidence(parts: Sequence[consent.Stated]) -> bytes:
    """What is embedded. Raises NotReady where a statement waits for its signature, Damaged where none of the clinic's
    seals made it."""
    if not all(part.signature for part in parts):
        raise NotReady("seal.statement_not_signed")
    signed_by = {part.kind.value: the_sealer().signers_of(part.data, part.signature) for part in parts}
    return compose.bundle({part.kind.value: (part.data, part.signature) for part in parts}, signed_by)


def _ending_of(visit_id: UUID) -> consent.Stated | None:
    return next((found for kind in ENDINGS if (found := consent.find_statement(visit_id, kind))), None)


def _ends_the_visit(visit_id: UUID, last: consent.Stated) -> bool:
    """Whether a statement's record holds the patient's side too. What is taken back after the visit had its outcome, or
    in part, is a record by itself, beside the one that has it."""
    if last.kind is consent.Kind.WITHDRAWN:
        return consent.Kind.COUNTERSIGNED not in consent.kinds_of(visit_id)
    return last.kind not in consent.TAKEN_BACK


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
    if _record_of(made.visit_id, made.statement_sha256) is not None:
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
    stamp_keeping.ask_for_stamp(row.id)


def get_record(record_id: UUID) -> RecordView:
    """A record by id. Raises NotFound."""
    return _views([_row(record_id)])[0]


def record_of_visit(visit_id: UUID) -> RecordView | None:
    """The record of how the visit ended, or None. What was taken back later has records of its own."""
    found = [one for one in records_of_visit(visit_id) if one.outcome != rules.Outcome.PART_WITHDRAWN]
    return min(found, key=lambda one: one.outcome == rules.Outcome.WITHDRAWN, default=None)


def records_of_visit(visit_id: UUID) -> list[RecordView]:
    """Every record of a visit, in the order they were sealed; of one moment, what was taken back comes last."""
    found = _views(db.session.scalars(select(Record).where(Record.visit_id == visit_id)).all())
    taken_back = (rules.Outcome.WITHDRAWN, rules.Outcome.PART_WITHDRAWN)
    return sorted(found, key=lambda one: (one.sealed_at, one.outcome in taken_back))


def _record_of(visit_id: UUID, digest: str) -> Record | None:
    query = select(Record).where(Record.visit_id == visit_id, Record.statement_sha256 == digest)
    return db.session.scalars(query).first()


def state_of(record: RecordView) -> worth.RecordState:
    """What a record is worth today: current, replaced, expired, or taken back, whole or in part. What was taken back
    before the doctor countersigned, the record itself says."""
    today = clock.today(i18n.clinic().zone)
    outcome, force = rules.Outcome(record.outcome), consent.force_of(record.visit_id, today)
    return worth.state(outcome, force, is_in_part=consent.is_less_since(record.visit_id))


def find_by_number(typed: str) -> RecordView | None:
    """The record somebody means by a number, however it is written."""
    number = rules.read_number(typed)
    row = db.session.scalars(select(Record).where(Record.number == number)).first() if number else None
    return _views([row])[0] if row else None


def digests_of(record_id: UUID) -> list[str]:
    """The SHA-256 of each file that was kept under a record's number, the sealed one first, each time-stamped one after
    it. Raises NotFound."""
    return stamp_keeping.digests_of(_row(record_id))


def records_of_patients(patient_ids: Iterable[UUID]) -> list[RecordView]:
    """Every record of these patients, newest first."""
    query = select(Record).where(Record.patient_id.in_(list(patient_ids))).order_by(Record.sealed_at.desc())
    return _views(db.session.scalars(query).all())


def records_of_day(day: date) -> list[RecordView]:
    """The records of a day's visits, by token."""
    order = {visit.id: n for n, visit in enumerate(visits.list_day(day))}
    return sorted(_views(_rows_of_day(day)), key=lambda record: (order[record.visit_id], record.sealed_at))


def unfiled(day: date) -> list[Unfiled]:
    """The statements of a day's visits that end or take back something and have no record yet, and why where a job
    failed."""
    filed = {row.statement_sha256 for row in _rows_of_day(day)}
    waiting = {job.key: job for job in jobs.list_unfinished() if job.name == "records.seal"}
    found = []
    for visit in visits.list_day(day):
        for digest, kind in consent.digests_of(visit.id).items():
            if digest not in filed and (kind in ENDINGS or kind in consent.TAKEN_BACK):
                job = waiting.get(consent.filing_key(visit.id, kind, digest))
                error, given_up = (job.error or "", job.given_up_at is not None) if job else ("", False)
                found.append(Unfiled(visit.id, str(visit.token), kind.value, error, given_up))
    return found


def _rows_of_day(day: date) -> Sequence[Record]:
    held = [visit.id for visit in visits.list_day(day)]
    return db.session.scalars(select(Record).where(Record.visit_id.in_(held))).all()


def open_pdf(record_id: UUID) -> bytes:
    """The record's newest PDF, checked against both hashes. Raises Damaged where a byte differs,
    NotFound for no such record."""
    return stamp_keeping.open_newest(_row(record_id), stamp_keeping.newest_stamp(record_id))


def verify_record(record_id: UUID) -> Verdict:
    """Check a record's bytes and seal. Raises Damaged where the file itself is not what was stored, NotFound."""
    return open_verified(record_id)[1]


def open_verified(record_id: UUID) -> tuple[bytes, Verdict]:
    """The record's newest PDF and what can be said of these very bytes: a time stamp may be set between two readings.
    Raises as `open_pdf` does."""
    pdf = open_pdf(record_id)
    return pdf, the_sealer().verify(pdf)


def compared(verdict: Verdict) -> Verdict:
    """The verdict on a file of unknown origin, with what the clinic's own rows say of it: whether there is a record of
    its number, and whether this file is it, with or without its time stamps. A broken file without a number is left as
    it is."""
    if verdict.problems and not verdict.number:
        return verdict
    row = db.session.scalars(select(Record).where(Record.number == verdict.number)).first()
    if row is None:
        found = Fault.UNKNOWN_RECORD
    elif verdict.sha256 not in stamp_keeping.digests_of(row) or (row.outcome, row.statement_sha256) != (
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


def _views(rows: Sequence[Record]) -> list[RecordView]:
    stamps = stamp_keeping.stamps_of([row.id for row in rows])
    return [_view(row, stamps.get(row.id, [])) for row in rows]


def _view(row: Record, stamps: Sequence[RecordStamp]) -> RecordView:
    kept = stamps[-1] if stamps else row
    return RecordView(
        id=row.id,
        visit_id=row.visit_id,
        patient_id=row.patient_id,
        number=row.number,
        outcome=row.outcome,
        pdf_sha256=kept.pdf_sha256,
        sealed_at=row.sealed_at,
        size=kept.size,
        stamped_at=stamps[0].stamped_at if stamps else None,
        authority=stamps[0].authority if stamps else "",
    )
