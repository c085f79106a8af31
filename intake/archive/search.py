"""Finding records: by number, by token, or by the blind index over names, phones and dates of birth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from intake import audit, clock, records, staff, visits
from intake.access import Actor
from intake.archive import rules
from intake.config import Clinic
from intake.errors import Invalid, NotFound

PAGE = 25
MOST_PATIENTS = 200


@dataclass(frozen=True)
class Row:
    """A record in a list, with the patient's name as it is known now."""

    record_id: UUID
    number: str
    outcome: str
    sealed_at: datetime
    pdf_sha256: str
    patient: str
    born_on: str
    day: date
    token: visits.Token
    doctor: str


@dataclass(frozen=True)
class Found:
    """A page of what was found, how much there is in all, and the record the next page follows."""

    rows: list[Row]
    total: int
    first: int
    next_after: UUID | None


@dataclass(frozen=True)
class _Hit:
    record_id: UUID
    day: date
    key: tuple[str, str]


def find(clinic: Clinic, typed: str, since: date | None, until: date | None, after: UUID | None, *, by: Actor) -> Found:
    """A page of the records a search means, newest first; the search is noted in the log, its words are not.

    Raises Invalid: "archive.too_short", "archive.too_many", "archive.dates_turned", "archive.token_dates".
    """
    if since and until and since > until:
        raise Invalid("archive.dates_turned")
    query = rules.read_query(typed)
    if not query.says_enough:
        raise Invalid("archive.too_short")
    hits = [_hit(record_id) for record_id in _candidates(query, since, until, clock.today(clinic.zone))]
    hits = sorted((h for h in hits if rules.is_within(h.day, since, until)), key=lambda hit: hit.key, reverse=True)
    audit.record("archive.searched", "archive", by=by, kinds=query.kinds, found=len(hits))
    start, end = rules.page_after([hit.key for hit in hits], _key_of(after), PAGE)
    names = doctor_names()
    page = [row_of(hit.record_id, names) for hit in hits[start:end]]
    return Found(page, len(hits), start + 1, page[-1].record_id if end < len(hits) else None)


def _candidates(query: rules.Query, since: date | None, until: date | None, today: date) -> Iterable[UUID]:
    if query.number and (record := records.find_by_number(query.number)):
        return [record.id]
    if not query.letter and not query.names_somebody:
        return []
    if query.letter:
        return _by_token(visits.Token(query.letter, query.count), rules.days_between(since, until, today))
    patients = visits.find_patients_by(name=query.name, phone=query.phone, born_on=query.born_on)
    if len(patients) > MOST_PATIENTS:
        raise Invalid("archive.too_many", found=len(patients))
    return [record.id for record in records.records_of_patients(patients)]


def _by_token(token: visits.Token, days: list[date]) -> list[UUID]:
    if len(days) > rules.MOST_DAYS:
        raise Invalid("archive.token_dates")
    held = [visit.id for day in days for visit in visits.list_day(day) if visit.token == token]
    return [record.id for visit_id in held for record in records.records_of_visit(visit_id)]


def _hit(record_id: UUID) -> _Hit:
    record = records.get_record(record_id)
    return _Hit(record_id, visits.get_visit(record.visit_id).day, (record.sealed_at.isoformat(), str(record_id)))


def _key_of(after: UUID | None) -> tuple[str, str] | None:
    if after is None:
        return None
    try:
        return _hit(after).key
    except NotFound:
        return None  # a cursor that means nothing begins at the beginning


def row_of(record_id: UUID, doctors: Mapping[UUID, str]) -> Row:
    """A record as a list shows it. Raises NotFound."""
    record = records.get_record(record_id)
    visit, facts = visits.get_visit(record.visit_id), visits.facts_of(record.patient_id)
    return Row(
        record_id=record.id,
        number=record.number,
        outcome=record.outcome,
        sealed_at=record.sealed_at,
        pdf_sha256=record.pdf_sha256,
        patient=facts.get(visits.Fact.NAME, ""),
        born_on=facts.get(visits.Fact.BORN_ON, ""),
        day=visit.day,
        token=visit.token,
        doctor=doctors.get(visit.doctor_id, ""),
    )


def rows_of_day(day: date) -> list[Row]:
    """The records of a day's visits, by token."""
    names = doctor_names()
    return [row_of(record.id, names) for record in records.records_of_day(day)]


def doctor_names() -> dict[UUID, str]:
    """Everybody's name by id."""
    return {member.id: member.name for member in staff.list_members()}
