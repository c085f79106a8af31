"""Who stands on the doctor's worklist, in which order, and for how long."""

from datetime import timedelta

import pytest
from flask import Flask

from intake import clock, consent, review, visits
from intake.access import Actor
from intake.db import transaction
from intake.i18n import clinic
from intake.review import Stage
from tests.builders import a_signed_visit, a_visit, answered
from tests.conftest import MONDAY_NOON
from tests.review.conftest import FLAGGED, PRESSED, sign_off


def test_the_worklist_shows_who_needs_a_doctor_first(app: Flask, doctor: Actor, other_doctor: Actor) -> None:
    done = a_signed_visit(app)
    sign_off(app, done, doctor)
    writing = a_visit(app)
    waiting = a_visit(app)
    answered(app, waiting, PRESSED)
    with clock.frozen(MONDAY_NOON.replace(minute=7)):
        reviewing = a_signed_visit(app, FLAGGED, questions=("C-09c",))
    theirs = a_signed_visit(app, letter="T")
    with clock.frozen(MONDAY_NOON.replace(minute=20)), app.test_request_context():
        own, everybody = review.worklist(doctor.id), review.worklist(None)
    assert [row.visit_id for row in own] == [waiting, reviewing, writing, done]
    assert {row.visit_id for row in everybody} == {done, writing, waiting, reviewing, theirs}
    assert [(row.minutes_waiting, row.flags, row.questions) for row in own[:2]] == [(20, 1, 0), (13, 2, 1)]
    assert [row.stage for row in own] == [Stage.TALK_FIRST, Stage.SIGNED, Stage.FILLING_IN, Stage.DECIDED]
    assert (own[0].token, own[0].doctor, own[0].age) == ("K 03", "Dr Ananya Rao", 58)


def test_the_worklist_keeps_what_nobody_decided_yesterday_and_drops_the_rest(app: Flask, doctor: Actor) -> None:
    undecided, finished, never_came = a_signed_visit(app), a_signed_visit(app), a_visit(app)
    sign_off(app, finished, doctor)
    with clock.frozen(MONDAY_NOON.replace(day=24)), app.test_request_context():
        rows = review.worklist(None)
    assert [row.visit_id for row in rows] == [undecided]
    assert not rows[0].is_today
    assert rows[0].minutes_waiting is None
    assert never_came not in {row.visit_id for row in rows}


@pytest.mark.parametrize("days", [2, 7, 8, 400])
def test_what_nobody_decided_stays_on_the_worklist_until_somebody_does(app: Flask, doctor: Actor, days: int) -> None:
    waits = a_visit(app)
    answered(app, waits, PRESSED)
    unreviewed = a_signed_visit(app)
    gone_on = a_visit(app)
    answered(app, gone_on)
    with clock.frozen(MONDAY_NOON + timedelta(days=days)):
        with app.test_request_context():
            assert set(consent.list_undecided()) == {waits, unreviewed, gone_on}
            rows = review.worklist(None)
        assert {row.visit_id: (row.days_ago, row.is_recent) for row in rows} == {
            waits: (days, days <= 7),
            unreviewed: (days, days <= 7),
        }, "who has only to read on and sign needs no doctor"
        with app.test_request_context(), transaction():
            review.postpone(clinic(), waits, "Never came back", by=doctor)
        sign_off(app, unreviewed, doctor)
        with app.test_request_context():
            assert review.worklist(None) == []


def test_somebody_who_left_before_answering_needs_no_doctor(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    with app.test_request_context(), transaction():
        visits.move(visit_id, visits.Move.LEFT, by=doctor)
    with app.test_request_context():
        assert review.worklist(None) == []
