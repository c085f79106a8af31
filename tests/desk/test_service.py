"""The desk's verbs and its list, with the database and the real rooms below."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask

from intake import audit, consent, jobs, kiosk, records, staff, visits
from intake.access import Actor, Role
from intake.db import transaction
from intake.desk import rules, service
from intake.desk.cards import Card
from intake.errors import Invalid, NotAllowed, NotFound
from intake.i18n import clinic
from intake.visits import Move, TokenState
from tests.builders import DESK, HEALTHY, a_signed_visit, a_tablet, a_visit, answered
from tests.conftest import MONDAY_NOON

ClockAt = Callable[[datetime], None]
KEY = "a" * 22


def reception(name: str = "Sunita Patil") -> Actor:
    return Actor("staff", next(m.id for m in staff.list_members() if m.name == name), frozenset({Role.RECEPTION}))


def doctor_actor(letter: str) -> Actor:
    member = next(d for d in staff.list_doctors() if d.letter == letter)
    return Actor("staff", member.id, frozenset({Role.DOCTOR}))


def order(name: str = "Farida Sheikh", key: str = KEY, **more: object) -> service.NewToken:
    doctor = next(d.id for d in staff.list_doctors() if d.letter == "K")
    return service.NewToken(doctor_id=doctor, name=name, phone="", form_key=key, **more)  # type: ignore[arg-type]


def card(app: Flask, visit_id: UUID) -> Card:
    with app.test_request_context():
        return service.card_of(clinic(), visit_id)


def cards(app: Flask) -> list[Card]:
    with app.test_request_context():
        return service.board(clinic()).cards


def test_a_form_sent_twice_gives_one_token(app: Flask) -> None:
    with app.test_request_context():
        for _ in range(2):
            with transaction():
                visit = service.issue(clinic(), order(), by=DESK)
        assert [v.token for v in visits.list_day(visit.day)] == [visit.token]


def test_another_person_on_a_page_somebody_went_back_to_gets_a_token_of_their_own(app: Flask) -> None:
    with app.test_request_context():
        with transaction():
            first = service.issue(clinic(), order("Farida Sheikh"), by=DESK)
        with transaction():
            second = service.issue(clinic(), order("Anjali Desai"), by=DESK)
        assert first.patient_id != second.patient_id
        assert str(second.token) == "K 02"


def test_no_token_is_issued_for_a_patient_or_a_doctor_nobody_knows(app: Flask) -> None:
    with app.test_request_context():
        with pytest.raises(NotFound), transaction():
            service.issue(clinic(), order(patient_id=uuid4()), by=DESK)
        clerk = service.NewToken(reception().id or uuid4(), "Farida Sheikh", "", KEY)
        with pytest.raises(NotFound), transaction():
            service.issue(clinic(), clerk, by=DESK)


def test_a_known_patient_is_shown_by_initials_and_year_of_birth(app: Flask) -> None:
    a_signed_visit(app)
    with app.test_request_context():
        (match,) = service.find_matches(clinic(), "", "0421")
        assert (match.initials, match.born_in, match.last_day) == ("F. S.", "1968", MONDAY_NOON.date())


def test_a_known_patient_with_a_token_today_is_marked(app: Flask) -> None:
    a_visit(app)
    with app.test_request_context():
        (match,) = service.find_matches(clinic(), "farida", "")
        assert str(match.open_token) == "K 01"


def test_a_search_that_says_too_little_or_finds_too_many_is_refused(app: Flask) -> None:
    for number in range(service.MOST_MATCHES + 1):
        a_visit(app, name=f"Farida Number{number}", phone="")
    with app.test_request_context():
        with pytest.raises(Invalid, match=r"desk\.search_too_short"):
            service.find_matches(clinic(), "fa", "")
        with pytest.raises(Invalid, match=r"desk\.too_many_matches"):
            service.find_matches(clinic(), "farida", "")
        assert len(service.find_matches(clinic(), "farida number7", "")) == 1


def test_a_new_token_waits_for_a_tablet_and_is_offered_the_first_clean_one(app: Flask) -> None:
    a_tablet(app)
    visit = a_visit(app)
    found = card(app, visit)
    assert (found.state, found.action, found.step) == (TokenState.WAITING, rules.Action.GIVE, None)
    with app.test_request_context():
        tablet = service.board(clinic()).next_tablet
        assert tablet is not None and tablet.name == "T1"


def test_without_a_clean_tablet_there_is_nothing_to_do_for_who_waits(app: Flask) -> None:
    assert card(app, a_visit(app)).action is rules.Action.NONE


def test_a_patient_with_a_tablet_shows_the_step_and_nothing_of_the_answers(app: Flask) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    answered(app, visit, submit=False)
    found = card(app, visit)
    assert (found.state, found.action) == (TokenState.WITH_TABLET, rules.Action.NONE)
    assert found.step is not None and 0 <= found.step < 5
    assert "cheeks" not in repr(found)


def test_an_idle_tablet_is_locked_and_may_be_reopened(app: Flask, clock_at: ClockAt) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    clock_at(MONDAY_NOON + timedelta(minutes=8))
    assert card(app, visit).action is rules.Action.REOPEN


def test_a_signed_visit_is_ready_with_the_number_of_its_flags_and_questions(app: Flask, clock_at: ClockAt) -> None:
    visit = a_signed_visit(app, {**HEALTHY, "md.thin": ["asp"]}, questions=("C-09a",))
    clock_at(MONDAY_NOON + timedelta(minutes=31))
    found = card(app, visit)
    assert (found.state, found.action) == (TokenState.READY, rules.Action.CALL)
    assert (found.flags > 0, found.questions) == (True, 1)
    assert (found.minutes, found.is_late) == (31, True)


def test_half_an_hour_is_not_yet_late(app: Flask, clock_at: ClockAt) -> None:
    visit = a_signed_visit(app)
    clock_at(MONDAY_NOON + timedelta(minutes=30))
    assert not card(app, visit).is_late


def test_answers_given_but_not_signed_still_want_a_tablet_when_signing_comes_first(app: Flask) -> None:
    visit = a_visit(app)
    answered(app, visit)
    assert (card(app, visit).state, card(app, visit).wants_tablet) == (TokenState.WAITING, True)


def test_who_talks_with_the_doctor_first_is_ready_before_signing_and_wants_a_tablet_after(app: Flask) -> None:
    visit = a_visit(app)
    answered(app, visit, {**HEALTHY, "bi.own": "pressed"})
    assert (card(app, visit).state, card(app, visit).wants_tablet) == (TokenState.READY, False)
    with app.test_request_context(), transaction():
        service.call(clinic(), visit, by=DESK)
        visits.move(visit, Move.RELEASED, by=DESK)
    assert (card(app, visit).state, card(app, visit).wants_tablet) == (TokenState.WITH_DOCTOR, True)
    a_tablet(app)
    assert card(app, visit).action is rules.Action.GIVE


def test_a_decided_visit_is_done(app: Flask) -> None:
    visit = a_visit(app)
    with app.test_request_context(), transaction():
        consent.decline(clinic(), visit, "", by=DESK)
    assert (card(app, visit).state, card(app, visit).action) == (TokenState.DONE, rules.Action.NONE)


def test_the_list_puts_a_call_for_help_first_and_who_left_last(app: Flask, clock_at: ClockAt) -> None:
    first = a_visit(app, name="First")
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    second = a_visit(app, name="Second")
    clock_at(MONDAY_NOON + timedelta(minutes=2))
    third = a_visit(app, name="Third")
    with app.test_request_context():
        with transaction():
            visits.move(third, Move.HELP_ASKED, by=DESK)
        with transaction():
            service.leave(clinic(), first, by=DESK)
    assert [c.visit_id for c in cards(app)] == [third, second, first]


def test_going_to_help_ends_the_call_and_is_noted_once(app: Flask) -> None:
    visit = a_visit(app)
    with app.test_request_context():
        with transaction():
            visits.move(visit, Move.HELP_ASKED, by=DESK)
        for _ in range(2):
            with transaction():
                service.go_and_help(visit, by=DESK)
        assert visits.moves_of(visit) == ["help_asked", "help_met"]


def test_nobody_goes_where_nobody_called(app: Flask) -> None:
    visit = a_visit(app)
    with app.test_request_context():
        with transaction():
            service.go_and_help(visit, by=DESK)
        assert visits.moves_of(visit) == []


def test_of_two_who_call_a_token_the_second_learns_who_was_faster(app: Flask, clock_at: ClockAt) -> None:
    visit = a_signed_visit(app)
    with app.test_request_context():
        with transaction():
            assert service.call(clinic(), visit, by=reception()).result is service.Called.DONE
        called_at = MONDAY_NOON
        clock_at(MONDAY_NOON + timedelta(minutes=1))
        with transaction():
            late = service.call(clinic(), visit, by=reception())
        assert (late.result, late.who, late.at) == (service.Called.ALREADY, "Sunita Patil", called_at)
        assert visits.moves_of(visit) == ["called"]


def test_the_next_to_be_called_is_the_doctors_own_ready_token_that_came_first(app: Flask, clock_at: ClockAt) -> None:
    a_visit(app, name="Still waits")
    for minute, name in ((1, "Second"), (2, "Third")):
        clock_at(MONDAY_NOON + timedelta(minutes=minute))
        a_signed_visit(app, {**HEALTHY, "id.name": name}, name=name)
    a_signed_visit(app, {**HEALTHY, "id.name": "Other"}, name="Other", letter="T")
    with app.test_request_context():
        strips = {strip.doctor.letter: strip for strip in service.board(clinic()).strips}
        assert strips["K"].next is not None and strips["K"].next.name == "Second"
        assert strips["T"].next is not None and strips["T"].next.name == "Other"
        with transaction():
            service.call(clinic(), strips["K"].next.visit_id, by=DESK)
        strip = next(s for s in service.board(clinic()).strips if s.doctor.letter == "K")
        assert strip.now is not None and strip.now.name == "Second"
        assert strip.next is not None and strip.next.name == "Third"


def test_a_doctor_calls_only_their_own_patients(app: Flask) -> None:
    visit = a_signed_visit(app)
    with app.test_request_context():
        with pytest.raises(NotAllowed, match=r"desk\.not_your_patient"), transaction():
            service.call(clinic(), visit, by=doctor_actor("T"))
        with transaction():
            assert service.call(clinic(), visit, by=doctor_actor("K")).result is service.Called.DONE


def test_a_patient_who_holds_a_tablet_is_not_called(app: Flask) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    with app.test_request_context(), pytest.raises(NotAllowed, match=r"desk\.with_tablet"), transaction():
        service.call(clinic(), visit, by=DESK)


@pytest.mark.parametrize("verb", ["call", "leave", "give"])
def test_a_token_of_another_day_is_left_as_it_is(app: Flask, clock_at: ClockAt, verb: str) -> None:
    a_tablet(app)
    visit = a_visit(app)
    clock_at(MONDAY_NOON + timedelta(days=1))
    with app.test_request_context():
        tablet = kiosk.list_tablets()[0].id
        with pytest.raises(NotAllowed, match=r"desk\.other_day"), transaction():
            if verb == "give":
                service.give_tablet(clinic(), visit, tablet, "en", by=DESK)
            else:
                getattr(service, verb)(clinic(), visit, by=DESK)


def test_a_tablet_goes_out_in_a_language_that_is_offered(app: Flask) -> None:
    a_tablet(app)
    visit = a_visit(app)
    with app.test_request_context():
        assert service.languages() == ("en", "hi")
        with transaction():
            service.give_tablet(clinic(), visit, kiosk.list_tablets()[0].id, "tlh", by=DESK)
        assert kiosk.tablets_of([visit])[visit].name == "T1"


def test_who_leaves_gives_the_tablet_back_and_may_be_called_again(app: Flask) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    with app.test_request_context():
        with transaction():
            service.leave(clinic(), visit, by=DESK)
        assert kiosk.tablets_of([visit]) == {}
        assert kiosk.list_tablets()[0].needs_wipe
    assert card(app, visit).state is TokenState.LEFT
    with app.test_request_context(), transaction():
        assert service.call(clinic(), visit, by=DESK).result is service.Called.DONE


def test_closing_a_signed_visit_seals_a_record_that_says_so(app: Flask) -> None:
    visit = a_signed_visit(app)
    with app.test_request_context():
        with transaction():
            service.close_unreviewed(clinic(), visit, "The patient had to catch a train", by=reception())
        statement = consent.find_statement(visit, consent.Kind.CLOSED)
        assert statement is not None
        assert statement.body["review"] == {"words": "The patient had to catch a train"}
        assert jobs.run_due()
        record = records.record_of_visit(visit)
        assert record is not None and record.outcome == "closed"


def test_only_a_signed_and_undecided_visit_can_be_closed_and_only_with_a_reason(app: Flask) -> None:
    unsigned, visit = a_visit(app), a_signed_visit(app)
    with app.test_request_context():
        with pytest.raises(NotAllowed, match=r"consent\.not_signed"), transaction():
            service.close_unreviewed(clinic(), unsigned, "No reason", by=DESK)
        with pytest.raises(Invalid), transaction():
            service.close_unreviewed(clinic(), visit, " \n ", by=DESK)
        with transaction():
            service.close_unreviewed(clinic(), visit, "Left without a word", by=DESK)
        with pytest.raises(NotAllowed, match=r"consent\.already_decided"), transaction():
            service.close_unreviewed(clinic(), visit, "Again", by=DESK)


def test_a_visit_signed_yesterday_and_not_reviewed_is_listed_and_may_be_closed(app: Flask, clock_at: ClockAt) -> None:
    visit = a_signed_visit(app)
    clock_at(MONDAY_NOON + timedelta(days=1))
    with app.test_request_context():
        assert [row.visit_id for row in service.list_unreviewed()] == [visit]
        with transaction():
            service.close_unreviewed(clinic(), visit, "Nobody came back to it", by=DESK)
        assert service.list_unreviewed() == []


def test_what_the_desk_did_is_in_the_log_with_who_did_it(app: Flask) -> None:
    visit = a_signed_visit(app)
    with app.test_request_context():
        clerk = reception()
        with transaction():
            service.call(clinic(), visit, by=clerk)
        newest = audit.history_of(visit)[-1]
        assert (newest.event, newest.actor) == ("visit.called", clerk.label)
        assert audit.verify() is None
