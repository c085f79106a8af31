"""Taking back: whole or in part, at once, by tablet or staff, each a sealed record of its own; nothing is changed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import audit, consent, jobs, records, visits
from intake.consent import TREATMENT, Force, Kind, Request, State
from intake.db import db, transaction
from intake.errors import Invalid, NotAllowed
from intake.i18n import clinic
from tests.builders import HEALTHY, TABLET, a_signed_visit, a_visit, answered
from tests.conftest import MONDAY_NOON
from tests.endings import a_filed_visit, countersigned, declined, doctor_of, work_done

MONDAY = MONDAY_NOON.date()
PHOTOS = dict(HEALTHY) | {"ph.rec": True, "ph.teach": True, "ph.pub": False}


def take_back(visit_id: UUID, *parts: str, reason: str = "", how: Request = Request.TABLET) -> bool:
    with transaction():
        return consent.withdraw(clinic(), visit_id, parts, reason, how, identity=["born_on"], language="en", by=TABLET)


def parts_of(visit_id: UUID) -> list[str]:
    return [part.id for part in consent.standing_of(visit_id, "en").parts]


@pytest.fixture
def visit_id(app: Flask) -> UUID:
    """A signed visit with two optional agreements given and one refused."""
    return a_signed_visit(app, PHOTOS)


def test_what_was_agreed_to_can_be_taken_back_and_a_no_is_nothing_to_take_back(in_app: Flask, visit_id: UUID) -> None:
    assert parts_of(visit_id) == [TREATMENT, "ph.rec", "ph.teach"]


def test_before_anything_is_signed_there_is_nothing_to_take_back(in_app: Flask) -> None:
    visit_id = a_visit(in_app)
    assert parts_of(visit_id) == []
    assert not take_back(visit_id, TREATMENT)
    assert consent.kinds_of(visit_id) == set()


def test_a_treatment_taken_back_before_the_doctor_decided_ends_the_visit(in_app: Flask, visit_id: UUID) -> None:
    assert take_back(visit_id, TREATMENT, reason="I slept over it")
    assert consent.state_of(visit_id) is State.WITHDRAWN
    with pytest.raises(NotAllowed) as refusal, transaction():
        consent.decide(clinic(), visit_id, Kind.COUNTERSIGNED, {}, by=doctor_of(visit_id))
    assert refusal.value.code == "consent.already_decided"
    assert work_done(in_app) == 1
    record = records.record_of_visit(visit_id)
    assert record is not None and record.outcome == "withdrawn"


def test_taken_back_twice_is_once(in_app: Flask, visit_id: UUID) -> None:
    assert take_back(visit_id, "ph.teach")
    assert not take_back(visit_id, "ph.teach")
    assert take_back(visit_id, TREATMENT, "ph.teach")
    assert not take_back(visit_id, TREATMENT)
    events = [entry.event for entry in audit.history_of(visit_id) if "withdrawn" in entry.event]
    assert events == ["consent.part_withdrawn", "consent.withdrawn"]


def test_what_was_never_agreed_to_is_refused_and_nothing_is_taken(in_app: Flask, visit_id: UUID) -> None:
    for parts in ((), ("ph.pub",), ("id.name",), (TREATMENT, "nonsense")):
        with pytest.raises(Invalid):
            take_back(visit_id, *parts)
    assert consent.kinds_of(visit_id) == {Kind.SIGNED}


def test_an_agreement_taken_back_leaves_the_treatment_to_the_doctor(app: Flask) -> None:
    visit_id = a_signed_visit(app, PHOTOS)
    with app.app_context():
        assert take_back(visit_id, "ph.teach", how=Request.PHONE)
    countersigned(app, visit_id)
    assert work_done(app) == 2
    with app.app_context():
        assert consent.force_of(visit_id, MONDAY) is Force.IN_FORCE
        assert parts_of(visit_id) == [TREATMENT, "ph.rec"]
        first, second = records.records_of_visit(visit_id)
        assert {first.outcome, second.outcome} == {"part_withdrawn", "countersigned"}
        outcome = records.record_of_visit(visit_id)
        assert outcome is not None and outcome.outcome == "countersigned"


def test_a_consent_taken_back_is_a_record_of_its_own_beside_the_first_which_stays_as_it_was(app: Flask) -> None:
    visit_id = a_filed_visit(app)
    with app.app_context():
        before = records.record_of_visit(visit_id)
        assert before is not None
        pdf = records.open_pdf(before.id)
        assert take_back(visit_id, TREATMENT, reason="Changed my mind", how=Request.LETTER)
        assert consent.force_of(visit_id, MONDAY) is Force.WITHDRAWN  # at once, before any record is made
    assert work_done(app) == 1
    with app.app_context():
        first, second = records.records_of_visit(visit_id)
        assert (first.id, records.open_pdf(first.id)) == (before.id, pdf)
        assert records.state_of(first) is records.RecordState.WITHDRAWN
        assert (second.outcome, records.state_of(second)) == ("withdrawn", records.RecordState.CURRENT)
        assert records.verify_record(second.id).is_genuine


def test_the_evidence_says_what_how_and_of_which_statements(in_app: Flask) -> None:
    visit_id = a_signed_visit(in_app, PHOTOS)
    take_back(visit_id, TREATMENT, "ph.rec", reason="No more needles", how=Request.PHONE)
    stated = consent.find_statement(visit_id, Kind.WITHDRAWN)
    signed = consent.find_statement(visit_id, Kind.SIGNED)
    assert stated is not None and signed is not None
    body: dict[str, Any] = stated.body
    assert [part["id"] for part in body["withdrawn"]] == [TREATMENT, "ph.rec"]
    assert body["request"] == {"how": "phone", "identity": ["born_on"]}
    assert (body["reason"], body["about"]) == ("No more needles", {"signed": signed.sha256})


def test_a_no_may_still_take_back_the_photos_that_were_agreed_to(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PHOTOS)
    declined(app, visit_id)
    with app.app_context():
        assert parts_of(visit_id) == ["ph.rec", "ph.teach"]
        assert take_back(visit_id, "ph.rec")
        assert consent.state_of(visit_id) is State.DECLINED


def test_a_later_consent_to_the_same_treatments_replaces_the_earlier_one(app: Flask, clock_at: Any) -> None:
    first = a_filed_visit(app)
    with app.app_context():
        patient_id = visits.get_visit(first).patient_id
    clock_at(MONDAY_NOON + timedelta(minutes=30))
    second = a_signed_visit(app, patient_id=patient_id)
    with app.app_context():
        assert consent.force_of(first, MONDAY) is Force.IN_FORCE
    countersigned(app, second)
    assert work_done(app) == 1
    with app.app_context():
        one, two = records.record_of_visit(first), records.record_of_visit(second)
        assert one is not None and two is not None
        assert records.state_of(one) is records.RecordState.REPLACED
        assert records.state_of(two) is records.RecordState.CURRENT
        take_back(second, TREATMENT)
        assert consent.force_of(second, MONDAY) is Force.WITHDRAWN
        # The patient's newer word had replaced the earlier one, and is now no: nothing comes back into force by it.
        assert consent.force_of(first, MONDAY) is Force.SUPERSEDED
        db.session.remove()


def test_a_withdrawal_that_cannot_be_filed_is_listed_with_the_day(app: Flask, visit_id: UUID) -> None:
    with app.app_context():
        take_back(visit_id, "ph.rec")
        [waiting] = records.unfiled(MONDAY)
        assert (waiting.kind, waiting.error, waiting.given_up) == ("part_withdrawn", "", False)
        assert [job.key.startswith(f"{visit_id}:") for job in jobs.list_unfinished()] == [True]
    assert work_done(app) == 1
    with app.app_context():
        assert records.unfiled(MONDAY) == []
