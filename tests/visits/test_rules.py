"""Opening hours, the order of tokens, and what state a token is in."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.visits.rules import (
    LETTERS,
    Move,
    Opening,
    StateFacts,
    Token,
    TokenState,
    age_on,
    has_left,
    is_called,
    is_said,
    needs_help,
    opening,
    state,
)

ZONE = ZoneInfo("Asia/Kolkata")
HOURS = dict.fromkeys(range(6), (time(10), time(19)))
LAST = time(18, 15)
MONDAY = date(2026, 11, 23)


def on(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE)


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> Opening:
    return opening(HOURS, LAST, on(day, hour, minute, second))


def test_tokens_are_given_from_the_minute_the_clinic_opens() -> None:
    assert at(MONDAY, 10) == Opening(True, None)


def test_before_opening_the_next_tokens_are_the_same_morning() -> None:
    assert at(MONDAY, 9, 59, 59) == Opening(False, on(MONDAY, 10))


def test_the_last_token_is_given_just_before_a_quarter_past_six() -> None:
    assert at(MONDAY, 18, 14, 59).is_open
    assert at(MONDAY, 18, 15) == Opening(False, on(MONDAY + timedelta(days=1), 10))


def test_between_the_last_token_and_closing_no_token_is_given() -> None:
    assert not at(MONDAY, 18, 59).is_open


@pytest.mark.parametrize("hour", [0, 10, 14, 23])
def test_on_a_sunday_no_token_is_given_and_monday_morning_is_next(hour: int) -> None:
    sunday = MONDAY - timedelta(days=1)
    assert at(sunday, hour) == Opening(False, on(MONDAY, 10))


def test_after_saturday_evening_the_next_tokens_are_on_monday() -> None:
    saturday = MONDAY - timedelta(days=2)
    assert at(saturday, 18, 14).is_open
    assert at(saturday, 18, 15) == Opening(False, on(MONDAY, 10))


def test_a_last_token_time_after_closing_does_not_keep_the_clinic_open() -> None:
    assert not opening(HOURS, time(23), on(MONDAY, 19)).is_open
    assert opening(HOURS, time(23), on(MONDAY, 18, 59)).is_open


def test_a_last_token_time_before_opening_gives_no_tokens_that_day() -> None:
    assert opening(HOURS, time(8), on(MONDAY, 10)) == Opening(False, on(MONDAY + timedelta(days=1), 10))


def test_a_clinic_that_opens_one_day_a_week_answers_with_that_day_next_week() -> None:
    mondays = {0: (time(10), time(19))}
    assert opening(mondays, LAST, on(MONDAY, 20)) == Opening(False, on(MONDAY + timedelta(days=7), 10))


def test_a_clinic_without_hours_never_opens() -> None:
    assert opening({}, LAST, on(MONDAY, 12)) == Opening(False, None)


@pytest.mark.parametrize(("number", "words"), [(1, "K 01"), (14, "K 14"), (99, "K 99"), (100, "K 100")])
def test_a_token_is_a_letter_and_a_number_of_two_figures_or_more(number: int, words: str) -> None:
    assert str(Token("K", number)) == words


def test_no_token_letter_looks_like_a_figure_on_a_wall() -> None:
    assert not set(LETTERS) & set("IOQSZ")


STATES: list[tuple[StateFacts, TokenState]] = [
    (StateFacts(), TokenState.WAITING),
    (StateFacts(has_tablet=True), TokenState.WITH_TABLET),
    (StateFacts(has_tablet=True, is_submitted=True), TokenState.WITH_TABLET),
    (StateFacts(is_submitted=True), TokenState.READY),
    (StateFacts(["called"]), TokenState.WITH_DOCTOR),
    (StateFacts(["called"], is_submitted=True), TokenState.WITH_DOCTOR),
    (StateFacts(["called"], has_tablet=True, is_submitted=True), TokenState.WITH_TABLET),
    (StateFacts(["left"]), TokenState.LEFT),
    (StateFacts(["left"], has_tablet=True), TokenState.LEFT),
    (StateFacts(["left"], is_submitted=True), TokenState.LEFT),
    (StateFacts(["left", "called"], is_submitted=True), TokenState.WITH_DOCTOR),
    (StateFacts(["called", "left"], is_submitted=True), TokenState.LEFT),
    (StateFacts(["left", "came_back"]), TokenState.WAITING),
    (StateFacts(["left", "came_back"], is_submitted=True), TokenState.READY),
    (StateFacts(["left", "came_back"], has_tablet=True), TokenState.WITH_TABLET),
    (StateFacts(["called", "left", "came_back"]), TokenState.WITH_DOCTOR),
    (StateFacts(["left", "came_back", "left"]), TokenState.LEFT),
    (StateFacts(["left", "came_back", "left", "came_back"]), TokenState.WAITING),
    (StateFacts(["came_back"]), TokenState.WAITING),
    (StateFacts(["left", "came_back"], is_over=True), TokenState.DONE),
    (StateFacts(["help_asked"]), TokenState.WAITING),
    (StateFacts(["called", "help_asked", "help_met"], is_submitted=True), TokenState.WITH_DOCTOR),
    (StateFacts(is_over=True), TokenState.DONE),
    (StateFacts(["called", "left"], has_tablet=True, is_submitted=True, is_over=True), TokenState.DONE),
]


@pytest.mark.parametrize(("facts", "expected"), STATES)
def test_the_state_of_a_token_follows_from_what_happened(facts: StateFacts, expected: TokenState) -> None:
    assert state(facts) is expected


def test_every_state_of_a_token_is_in_the_table() -> None:
    assert {expected for _, expected in STATES} == set(TokenState)


ASKED = "visit.help_asked"


@pytest.mark.parametrize(
    ("events", "calls"),
    [
        ([], False),
        (["visit.called"], False),
        ([ASKED], True),
        ([ASKED, "page.shown", "response.page_saved", "response.submitted"], True),
        ([ASKED, "tablet.locked"], True),
        ([ASKED, "tablet.timed_out"], True),
        ([ASKED, "visit.help_met"], False),
        ([ASKED, "visit.called"], False),
        ([ASKED, "visit.left"], False),
        ([ASKED, "visit.left", "visit.came_back"], False),
        ([ASKED, "tablet.taken_back"], False),
        ([ASKED, "tablet.finished"], False),
        ([ASKED, "consent.signed"], False),
        ([ASKED, "consent.declined"], False),
        ([ASKED, "visit.help_met", ASKED], True),
        (["consent.signed", ASKED], True),
        ([ASKED, "tablet.taken_back", "tablet.given", ASKED], True),
    ],
)
def test_a_call_for_help_stands_until_somebody_came_or_the_patient_went_on(events: list[str], calls: bool) -> None:
    assert needs_help(events) is calls


@pytest.mark.parametrize(
    ("moves", "called", "left"),
    [
        ([], False, False),
        (["called"], True, False),
        (["called", "left"], False, True),
        (["left", "called"], True, False),
        (["called", "help_asked", "help_met"], True, False),
        (["called", "left", "came_back"], True, False),
        (["left", "came_back"], False, False),
    ],
)
def test_a_token_is_called_until_its_patient_leaves(moves: list[str], called: bool, left: bool) -> None:
    assert (is_called(moves), has_left(moves)) == (called, left)


@pytest.mark.parametrize(
    ("moves", "kind", "said"),
    [
        ([], Move.CALLED, False),
        (["called"], Move.CALLED, True),
        (["called", "left"], Move.CALLED, False),
        (["called", "left", "came_back"], Move.CALLED, True),
        (["left"], Move.LEFT, True),
        (["left", "came_back"], Move.LEFT, False),
        (["left"], Move.CAME_BACK, False),
        (["left", "came_back"], Move.CAME_BACK, True),
        ([], Move.CAME_BACK, True),
        (["help_asked", "help_met"], Move.HELP_MET, True),
        (["help_asked"], Move.HELP_MET, False),
    ],
)
def test_what_is_said_already_is_no_new_move(moves: list[str], kind: Move, said: bool) -> None:
    assert is_said(moves, kind) is said


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        (date(1968, 3, 4), date(2026, 3, 3), 57),
        (date(1968, 3, 4), date(2026, 3, 4), 58),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_age_is_counted_in_completed_years(born_on: date, day: date, age: int) -> None:
    assert age_on(born_on, day) == age
