"""When a call for help is over, and undoing "Left": the token stands where it stood, with its tablet."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from intake import kiosk, visits
from intake.db import transaction
from intake.desk import rules, service
from intake.desk.cards import Card
from intake.errors import NotAllowed
from intake.i18n import clinic
from intake.visits import Move, TokenState
from tests.builders import DESK, TABLET, a_signed_visit, a_tablet, a_visit, answered, signed, understood
from tests.conftest import MONDAY_NOON

ClockAt = Callable[[datetime], None]


def card(app: Flask, visit_id: UUID) -> Card:
    """A token as the desk sees it."""
    with app.test_request_context():
        return service.card_of(clinic(), visit_id)


def ask(app: Flask, visit: UUID) -> None:
    """The patient calls for help from a tablet."""
    with app.test_request_context(), transaction():
        visits.move(visit, Move.HELP_ASKED, by=TABLET)


def asks(app: Flask, visit: UUID) -> bool:
    """Whether the desk shows a call for help."""
    found = card(app, visit)
    assert (found.action is rules.Action.HELP) is (found.needs_help and not found.is_gone)
    return found.needs_help


def test_an_old_call_for_help_is_not_shown_once_the_patient_has_signed_but_a_new_one_is(app: Flask) -> None:
    visit = a_visit(app)
    ask(app, visit)
    answered(app, visit)
    understood(app, visit)
    assert asks(app, visit)
    signed(app, visit)
    assert not asks(app, visit) and card(app, visit).action is rules.Action.CALL
    ask(app, visit)
    assert asks(app, visit)


def test_an_old_call_for_help_is_not_shown_once_the_patient_was_called_in(app: Flask) -> None:
    visit = a_signed_visit(app)
    ask(app, visit)
    with app.test_request_context(), transaction():
        service.call(clinic(), visit, by=DESK)
    assert not asks(app, visit)


def test_a_call_for_help_ends_when_the_tablet_is_taken_back_and_may_come_again_on_the_next(app: Flask) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    ask(app, visit)
    assert asks(app, visit)
    with app.test_request_context(), transaction():
        service.take_tablet_back(visit, by=DESK)
    assert not asks(app, visit)
    a_tablet(app, visit, "T2")
    ask(app, visit)
    assert asks(app, visit)


def test_a_call_for_help_ends_when_the_patient_finishes_on_the_tablet(app: Flask) -> None:
    visit = a_visit(app)
    client = a_tablet(app, visit)
    ask(app, visit)
    client.get("/tablet")
    client.submit("/visit/finish")  # type: ignore[attr-defined]
    assert not asks(app, visit)


def test_a_tablet_that_locks_ends_no_call_for_help(app: Flask, clock_at: ClockAt) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    ask(app, visit)
    clock_at(MONDAY_NOON + timedelta(minutes=8))
    assert card(app, visit).tablet is not None and asks(app, visit)


def left_and_back(app: Flask, visit: UUID) -> kiosk.Tablet | None:
    """Left pressed by mistake, and taken back."""
    with app.test_request_context():
        with transaction():
            service.leave(clinic(), visit, by=DESK)
        assert card(app, visit).state is TokenState.LEFT
        with transaction():
            return service.come_back(clinic(), visit, by=DESK)


def test_who_came_back_stands_where_they_stood(app: Flask, clock_at: ClockAt) -> None:
    ready = a_signed_visit(app)
    inside = a_signed_visit(app, name="Anjali Desai")
    waits = a_visit(app, name="Meera Iyer")
    with app.test_request_context(), transaction():
        service.call(clinic(), inside, by=DESK)
    clock_at(MONDAY_NOON + timedelta(minutes=12))
    before = [card(app, visit) for visit in (ready, inside, waits)]
    for visit in (ready, inside, waits):
        assert left_and_back(app, visit) is None
    assert [card(app, visit) for visit in (ready, inside, waits)] == before
    assert [c.state for c in before] == [TokenState.READY, TokenState.WITH_DOCTOR, TokenState.WAITING]


def test_who_came_back_has_the_tablet_again_and_says_again_who_they_are(app: Flask, clock_at: ClockAt) -> None:
    visit = a_visit(app)
    client = a_tablet(app, visit)
    answered(app, visit, submit=False)
    client.get("/visit/identity")
    client.submit("/visit/identity", {"born-d": "4", "born-m": "3", "born-y": "1968"})  # type: ignore[attr-defined]
    clock_at(MONDAY_NOON + timedelta(minutes=3))
    before = card(app, visit)
    tablet = left_and_back(app, visit)
    after = card(app, visit)
    assert tablet is not None and tablet.name == "T1"
    assert (after.state, after.minutes, after.step) == (TokenState.WITH_TABLET, before.minutes, before.step)
    assert client.get("/visit/check").headers["Location"].endswith("/visit/next")
    assert client.get("/visit/next").headers["Location"].endswith("/visit/identity")


@pytest.mark.parametrize("meanwhile", ["wiped", "handed on", "out of use", "taken back before", "an hour over"])
def test_a_tablet_that_went_on_is_not_put_back(app: Flask, clock_at: ClockAt, meanwhile: str) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    with app.test_request_context():
        tablet_id = kiosk.tablets_of([visit])[visit].id
        if meanwhile == "taken back before":
            with transaction():
                service.take_tablet_back(visit, by=DESK)
        with transaction():
            service.leave(clinic(), visit, by=DESK)
    other = a_visit(app, name="Anjali Desai")
    with app.test_request_context():
        with transaction():
            if meanwhile in ("wiped", "handed on"):
                kiosk.wipe(tablet_id, by=DESK)
            if meanwhile == "handed on":
                kiosk.give(tablet_id, other, "en", by=DESK)
            if meanwhile == "out of use":
                service.take_out_of_use(tablet_id, by=DESK)
        if meanwhile == "an hour over":
            clock_at(MONDAY_NOON + timedelta(minutes=61))
        with transaction():
            assert service.come_back(clinic(), visit, by=DESK) is None
    assert card(app, visit).state is TokenState.WAITING
    if meanwhile == "handed on":
        assert card(app, other).state is TokenState.WITH_TABLET


def test_who_has_not_left_does_not_come_back_and_nobody_comes_back_to_another_day(
    app: Flask, clock_at: ClockAt
) -> None:
    here, gone = a_visit(app), a_visit(app, name="Anjali Desai")
    with app.test_request_context():
        with transaction():
            assert service.come_back(clinic(), here, by=DESK) is None
        assert visits.moves_of(here) == []
        with transaction():
            service.leave(clinic(), gone, by=DESK)
        clock_at(MONDAY_NOON + timedelta(days=1))
        with pytest.raises(NotAllowed, match=r"desk\.other_day"), transaction():
            service.come_back(clinic(), gone, by=DESK)
