"""The verbs of visits: issue a token, know a patient, note what happens at the desk. Doors open the transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, SQLColumnExpression, bindparam, func, select

from intake import audit, clock, staff, vault
from intake.access import Actor
from intake.config import Clinic
from intake.db import db, fetch, new_id, remembered, take_turns
from intake.errors import Fault, Invalid, NotAllowed, NotFound
from intake.visits import reading, rules
from intake.visits.models import Patient, PatientFact, Visit, VisitMove

VISITS = "visits"


_SEEN = (Visit.id, Visit.patient_id, Visit.day, Visit.letter, Visit.number, Visit.doctor_id, Visit.issued_at)
# With the key: who looks at a visit mostly opens what is sealed for its patient.
_VISIT = vault.with_key(select(*_SEEN), Visit.patient_id).where(Visit.id == bindparam("visit"))
_LOCKED_VISIT = _VISIT.with_for_update(of=Visit)


@dataclass(frozen=True)
class VisitView:
    """A visit as other rooms see it."""

    id: UUID
    patient_id: UUID
    day: date
    token: rules.Token
    doctor_id: UUID
    issued_at: datetime


def opening_now(clinic: Clinic) -> rules.Opening:
    """Whether tokens are given now, and if not, when again."""
    return rules.opening(clinic.hours, clinic.last_token, clock.now().astimezone(clinic.zone))


def next_number(letter: str, day: date) -> int:
    """The number the next token of this letter gets."""
    newest = db.session.scalar(select(func.max(Visit.number)).where(Visit.day == day, Visit.letter == letter))
    return (newest or 0) + 1


def issue_token(
    clinic: Clinic,
    *,
    doctor_id: UUID,
    name: str,
    phone: str = "",
    patient_id: UUID | None = None,
    override_reason: str = "",
    form_key: str | None = None,
    by: Actor,
) -> VisitView:
    """Begin a visit today. Outside opening hours it takes a reason, or NotAllowed("visits.closed") is raised.

    A new patient begins here, key first; a known one (`patient_id`) keeps their facts. Raises Invalid without a name.
    A `form_key` seen before gives the visit it began, and nothing else happens.
    """
    take_turns("token")  # two desks at once: each gets a number of its own, and the same form sent twice is one visit
    if form_key and (known := _begun_by(form_key)):
        return _view(known)
    opening, reason = opening_now(clinic), override_reason.strip()
    if not opening.is_open and not reason:
        raise NotAllowed("visits.closed", next_at=opening.next_at)
    letter = staff.get_member(doctor_id).letter
    if not letter:
        raise Invalid("visits.not_a_doctor")
    day = clock.today(clinic.zone)
    patient_id = patient_id or _register(name, by)
    _learn(patient_id, name, phone, by)
    token = rules.Token(letter, next_number(letter, day))
    visit = Visit(id=new_id(), patient_id=patient_id, day=day, doctor_id=doctor_id, form_key=form_key)
    visit.letter, visit.number = token.letter, token.number
    visit.issued_at, visit.issued_by, visit.override_reason = clock.now(), by.label, None
    if not opening.is_open:
        visit.override_reason = vault.seal(patient_id, f"visit|override_reason|{visit.id}", reason.encode())
    db.session.add(visit)
    db.session.flush()
    audit.record("token.issued", visit.id, by=by, token=str(token), override=not opening.is_open)
    return _view(visit)


def _begun_by(form_key: str) -> Visit | None:
    return db.session.scalars(select(Visit).where(Visit.form_key == form_key)).first()


def _learn(patient_id: UUID, name: str, phone: str, by: Actor) -> None:
    for kind, value in ((rules.Fact.NAME, name), (rules.Fact.PHONE, phone)):
        if value.strip():
            write_fact(patient_id, kind, value.strip(), by=by)


def _register(name: str, by: Actor) -> UUID:
    if not name.strip():
        raise Invalid("visits.no_name")
    patient_id = vault.new_patient_key()
    db.session.add(Patient(id=patient_id, created_at=clock.now()))
    db.session.flush()
    audit.record("patient.registered", patient_id, by=by)
    return patient_id


def get_visit(visit_id: UUID) -> VisitView:
    """A visit by id. Raises NotFound."""
    found: VisitView | None = remembered(VISITS).get(visit_id)
    return found or _look(_VISIT, visit_id)


def lock_visit(visit_id: UUID) -> VisitView:
    """The same, held until the transaction ends, so that two people cannot end one visit in two ways.
    Raises NotFound."""
    return _look(_LOCKED_VISIT, visit_id)


def list_day(day: date) -> list[VisitView]:
    """The visits of a day, in the order their tokens were issued."""
    return [_view(row) for row in db.session.scalars(select(Visit).where(Visit.day == day).order_by(Visit.issued_at))]


def visits_of_patients(patient_ids: Iterable[UUID]) -> list[VisitView]:
    """Every visit of these patients, newest first."""
    query = select(Visit).where(Visit.patient_id.in_(list(patient_ids))).order_by(Visit.issued_at.desc())
    return [_view(row) for row in db.session.scalars(query)]


def facts_of(patient_id: UUID) -> dict[rules.Fact, str]:
    """What is known of a patient: the newest value of each kind."""
    query = select(PatientFact).where(PatientFact.patient_id == patient_id).order_by(PatientFact.at)
    known: dict[rules.Fact, str] = {}
    for row in db.session.scalars(query):
        known[rules.Fact(row.kind)] = vault.open_(patient_id, f"patient_fact|value|{row.id}", row.value).decode()
    return known


def write_fact(patient_id: UUID, kind: rules.Fact, value: str, *, by: Actor) -> None:
    """Learn something of a patient; a value already known is not written again."""
    if facts_of(patient_id).get(kind) == value:
        return
    fact = PatientFact(id=new_id(), patient_id=patient_id, kind=kind.value, value=b"", at=clock.now(), by=by.label)
    fact.value = vault.seal(patient_id, f"patient_fact|value|{fact.id}", value.encode())
    db.session.add(fact)
    db.session.flush()
    if kind is rules.Fact.NAME:
        vault.index_patient(patient_id, name=value)
    elif kind is rules.Fact.PHONE:
        vault.index_patient(patient_id, phone=value)
    elif kind is rules.Fact.BORN_ON:
        vault.index_patient(patient_id, born_on=date.fromisoformat(value))
    audit.record("patient.fact_written", patient_id, by=by, kind=kind.value)


def check_birth_date(patient_id: UUID, born_on: date, *, by: Actor) -> bool:
    """Whether this is the patient's date of birth; the first one given for a new patient becomes the record."""
    known = facts_of(patient_id).get(rules.Fact.BORN_ON)
    if known is None:
        write_fact(patient_id, rules.Fact.BORN_ON, born_on.isoformat(), by=by)
        return True
    return known == born_on.isoformat()


def find_patients_by(*, name: str = "", phone: str = "", born_on: date | None = None) -> set[UUID]:
    """Patients found by the blind index; all given values must match."""
    return vault.find_patients(name=name, phone=phone, born_on=born_on)


def move(visit_id: UUID, kind: rules.Move, *, by: Actor) -> None:
    """Note what happened at the desk. Saying the same thing twice in a row is one move, and so is calling for help
    while a call stands."""
    lock_visit(visit_id)
    known = moves_of(visit_id)
    if rules.is_said(known, kind) or (kind is rules.Move.HELP_ASKED and needs_help(visit_id, known)):
        return
    db.session.add(
        VisitMove(id=new_id(), visit_id=visit_id, seq=len(known) + 1, kind=kind.value, at=clock.now(), by=by.label)
    )
    db.session.flush()
    audit.record(f"visit.{kind.value}", visit_id, by=by)


def moves_of(visit_id: UUID) -> list[str]:
    """What happened to a visit at the desk, oldest first."""
    return list(
        db.session.scalars(select(VisitMove.kind).where(VisitMove.visit_id == visit_id).order_by(VisitMove.seq))
    )


def needs_help(visit_id: UUID, moves: Sequence[str] | None = None) -> bool:
    """Whether the patient's call for help stands. `moves` are the visit's, where they are known already."""
    # Few ever call: the log is read for those alone.
    if rules.Move.HELP_ASKED not in (moves_of(visit_id) if moves is None else moves):
        return False
    return rules.needs_help([entry.event for entry in audit.history_of(visit_id)])


def page_sent(visit_id: UUID, page: str, end: reading.End, *, by: Actor) -> None:
    """Note that a page was sent, by the name under which it was shown, and whether the end of its words was seen."""
    audit.record(reading.SENT, visit_id, by=by, page=page, end=end.value)


def state_facts(
    visit_id: UUID, *, has_tablet: bool, is_submitted: bool, is_over: bool
) -> tuple[rules.TokenState, bool]:
    """The state of a visit's token, and whether it calls for help; what other rooms know is handed in."""
    moves: Sequence[str] = moves_of(visit_id)
    facts = rules.StateFacts(moves=moves, has_tablet=has_tablet, is_submitted=is_submitted, is_over=is_over)
    return rules.state(facts), needs_help(visit_id, moves)


def with_patient(
    query: Select[*tuple[Any, ...]], visit_id: SQLColumnExpression[UUID]
) -> tuple[Select[*tuple[Any, ...]], SQLColumnExpression[UUID]]:
    """A query joined to the visits of what it finds, and whose patient's each row is; as a part of another room's."""
    return query.outerjoin(Visit, Visit.id == visit_id), Visit.patient_id


def check_all(count: Counter[str]) -> Iterator[Fault]:
    """What of this room's rows is no longer what was kept: every fact and every reason must open. Counts them."""
    facts = select(PatientFact.id, PatientFact.value)
    yield from vault.check_each(facts, PatientFact.patient_id, "patient_fact|value", count)
    reasons = select(Visit.id, Visit.override_reason).where(Visit.override_reason.is_not(None))
    yield from vault.check_each(reasons, Visit.patient_id, "visit|override_reason", count)


def with_visit(query: Select[*tuple[Any, ...]], visit_id: SQLColumnExpression[UUID]) -> Select[*tuple[Any, ...]]:
    """A query that also asks for the visit it finds, for `remember`."""
    return vault.with_key(query.add_columns(*_SEEN).outerjoin(Visit, Visit.id == visit_id), Visit.patient_id)


def remember(told: Sequence[Any]) -> VisitView:
    """The visit that the last columns of `with_visit` tell of; this request need not look for it again."""
    visit_id, patient_id, day, letter, number, doctor_id, issued_at, wrapped = told
    vault.remember_key(patient_id, wrapped)
    seen: dict[UUID, VisitView] = remembered(VISITS)
    view = VisitView(visit_id, patient_id, day, rules.Token(letter, number), doctor_id, issued_at)
    return seen.setdefault(visit_id, view)


def _look(statement: Select[*tuple[Any, ...]], visit_id: UUID) -> VisitView:
    """A visit never changes, so a request asks for it once, and once more to hold it."""
    if (row := fetch(statement, visit=visit_id).first()) is None:
        raise NotFound("visits.unknown", visit_id=visit_id)
    return remember(row)


def _view(row: Visit) -> VisitView:
    return VisitView(row.id, row.patient_id, row.day, rules.Token(row.letter, row.number), row.doctor_id, row.issued_at)
