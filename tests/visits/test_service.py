"""Issuing tokens, knowing a patient, and what happens at the desk, with the database."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from intake import audit, staff, vault, visits
from intake.config import Clinic
from intake.db import db, transaction
from intake.errors import Invalid, NotAllowed, NotFound
from intake.i18n import clinic
from intake.visits import Fact, Move
from tests.builders import DESK
from tests.conftest import MONDAY_NOON, SUNDAY_NOON

ClockAt = Callable[[datetime], None]


def doctor(letter: str = "K") -> UUID:
    return next(d.id for d in staff.list_doctors() if d.letter == letter)


def issue(name: str = "Farida Sheikh", *, letter: str = "K", **more: object) -> visits.VisitView:
    with transaction():
        return visits.issue_token(clinic(), doctor_id=doctor(letter), name=name, by=DESK, **more)  # type: ignore[arg-type]


def test_tokens_count_from_one_for_each_doctor(in_app: Flask) -> None:
    issued = [issue(letter="K"), issue(letter="K"), issue(letter="T"), issue(letter="K")]
    assert [str(visit.token) for visit in issued] == ["K 01", "K 02", "T 01", "K 03"]


def test_the_count_begins_again_each_day(in_app: Flask, clock_at: ClockAt) -> None:
    issue()
    clock_at(MONDAY_NOON + timedelta(days=1))
    assert str(issue().token) == "K 01"


def test_out_of_hours_a_token_is_refused_with_the_next_opening(in_app: Flask, clock_at: ClockAt) -> None:
    clock_at(SUNDAY_NOON)
    with pytest.raises(NotAllowed) as refused:
        issue()
    assert refused.value.code == "visits.closed"
    assert refused.value.facts["next_at"] == datetime(2026, 11, 23, 10, 0, tzinfo=clinic().zone)
    assert visits.list_day(SUNDAY_NOON.date()) == []


def test_a_reason_opens_the_closed_clinic_and_is_kept_sealed(in_app: Flask, clock_at: ClockAt) -> None:
    clock_at(SUNDAY_NOON)
    visit = issue(override_reason="  Fainted at the door ")
    kept = db.session.execute(text("SELECT override_reason FROM visit")).scalar_one()
    assert b"Fainted" not in bytes(kept)
    opened = vault.open_(visit.patient_id, f"visit|override_reason|{visit.id}", bytes(kept))
    assert opened == b"Fainted at the door"
    assert '"override":true' in _log(visit.id)[-1]


def test_a_reason_given_while_the_clinic_is_open_is_not_an_override(in_app: Flask) -> None:
    visit = issue(override_reason="In a hurry")
    assert db.session.execute(text("SELECT override_reason FROM visit")).scalar_one() is None
    assert '"override":false' in _log(visit.id)[-1]


def test_somebody_new_needs_a_name(in_app: Flask) -> None:
    with pytest.raises(Invalid):
        issue("   ")


def test_a_token_is_for_a_doctor(in_app: Flask) -> None:
    clerk = next(member.id for member in staff.list_members() if member.name == "Sunita Patil")
    with pytest.raises(Invalid), transaction():
        visits.issue_token(clinic(), doctor_id=clerk, name="Farida Sheikh", by=DESK)


def test_the_same_form_sent_twice_is_one_visit_and_one_patient(in_app: Flask) -> None:
    first, again = issue(form_key="k" * 64), issue(form_key="k" * 64)
    assert again == first
    assert len(visits.list_day(first.day)) == 1
    assert db.session.execute(text("SELECT count(*) FROM patient")).scalar_one() == 1


def test_a_form_sent_again_after_closing_time_still_gives_its_token(in_app: Flask, clock_at: ClockAt) -> None:
    first = issue(form_key="k" * 64)
    clock_at(MONDAY_NOON + timedelta(hours=8))
    assert issue(form_key="k" * 64) == first


def test_a_known_patient_keeps_what_is_known(in_app: Flask, clock_at: ClockAt) -> None:
    first = issue(phone="98400 00421")
    clock_at(MONDAY_NOON + timedelta(days=7))
    again = issue("", patient_id=first.patient_id)
    assert again.patient_id == first.patient_id
    assert visits.facts_of(again.patient_id) == {Fact.NAME: "Farida Sheikh", Fact.PHONE: "98400 00421"}


def test_nothing_known_of_a_patient_lies_in_the_database_in_the_clear(in_app: Flask) -> None:
    issue(phone="98400 00421")
    tables = db.session.execute(text("SELECT value FROM patient_fact")).scalars()
    assert all(b"Farida" not in bytes(value) and b"98400" not in bytes(value) for value in tables)


def test_the_newest_of_a_kind_counts_and_the_older_stays_findable(in_app: Flask) -> None:
    visit = issue("Farida Sheikh")
    with transaction():
        visits.write_fact(visit.patient_id, Fact.NAME, "Farida Khan", by=DESK)
    assert visits.facts_of(visit.patient_id)[Fact.NAME] == "Farida Khan"
    assert visits.find_patients_by(name="she") == visits.find_patients_by(name="kha") == {visit.patient_id}


def test_the_first_date_of_birth_given_becomes_the_record(in_app: Flask) -> None:
    visit = issue()
    with transaction():
        assert visits.check_birth_date(visit.patient_id, date(1968, 3, 4), by=DESK)
    with transaction():
        assert not visits.check_birth_date(visit.patient_id, date(1968, 4, 3), by=DESK)
    assert visits.find_patients_by(born_on=date(1968, 3, 4)) == {visit.patient_id}


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "Farida"},
        {"name": "FAR"},
        {"name": "sheikh farida"},
        {"phone": "0421"},
        {"phone": "+91 98400 00421"},
        {"phone": "९८४०० ००४२१"},
        {"name": "far", "phone": "0421"},
    ],
)
def test_a_patient_is_found_by_the_beginning_of_a_name_and_by_phone(in_app: Flask, asked: dict[str, str]) -> None:
    visit = issue(phone="98400 00421")
    issue("Anjali Desai", phone="98400 11111")
    assert visits.find_patients_by(**asked) == {visit.patient_id}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "asked", [{"name": "fa"}, {"name": "arida"}, {"phone": "421"}, {"name": "far", "phone": "1111"}, {}]
)
def test_a_patient_is_not_found_by_less(in_app: Flask, asked: dict[str, str]) -> None:
    issue(phone="98400 00421")
    issue("Anjali Desai", phone="98400 11111")
    assert visits.find_patients_by(**asked) == set()  # type: ignore[arg-type]


def test_a_move_said_twice_is_one_move(in_app: Flask) -> None:
    visit = issue()
    for kind in (Move.CALLED, Move.CALLED, Move.HELP_ASKED, Move.CALLED, Move.LEFT, Move.CALLED):
        with transaction():
            visits.move(visit.id, kind, by=DESK)
    assert visits.moves_of(visit.id) == ["called", "help_asked", "left", "called"]


def test_a_visit_nobody_knows_is_not_found(in_app: Flask) -> None:
    with pytest.raises(NotFound):
        visits.get_visit(UUID(int=1))
    with pytest.raises(NotFound), transaction():
        visits.move(UUID(int=1), Move.CALLED, by=DESK)


def test_opening_hours_are_those_of_the_clinics_own_wall_clock(in_app: Flask, clock_at: ClockAt) -> None:
    here: Clinic = clinic()
    clock_at(datetime.fromisoformat("2026-11-23T04:29:59+00:00"))
    assert not visits.opening_now(here).is_open
    clock_at(datetime.fromisoformat("2026-11-23T04:30:00+00:00"))
    assert visits.opening_now(here).is_open


def _log(visit_id: UUID) -> list[str]:
    return [entry.body.decode() for entry in audit.history_of(visit_id)]
