"""What the desk works out: the order of the list, the one main action, steps, initials, and what may be typed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from intake.desk.rules import (
    Action,
    Standing,
    initials,
    is_form_key,
    left_with_tablet,
    main_action,
    may_search,
    minutes_since,
    next_to_call,
    read_name,
    step_from_events,
    waiting_order,
)
from intake.kiosk.rules import Hold
from intake.visits.rules import TokenState

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Someone:
    name: str
    state: TokenState
    minute: int
    needs_help: bool = False

    @property
    def since(self) -> datetime:
        return NOON + timedelta(minutes=self.minute)


def listed(*people: Someone) -> list[str]:
    ordered = waiting_order(people, lambda p: p.state, lambda p: p.needs_help, lambda p: p.since)
    return [person.name for person in ordered]


def test_people_are_listed_by_how_long_they_have_been_here() -> None:
    assert listed(
        Someone("third", TokenState.WAITING, 9),
        Someone("first", TokenState.READY, 1),
        Someone("second", TokenState.WITH_TABLET, 5),
    ) == ["first", "second", "third"]


def test_a_call_for_help_comes_before_everybody_who_came_earlier() -> None:
    assert listed(
        Someone("early", TokenState.READY, 1), Someone("calls", TokenState.WITH_TABLET, 9, needs_help=True)
    ) == ["calls", "early"]


def test_who_is_done_or_has_left_comes_last_even_with_an_old_call_for_help() -> None:
    assert listed(
        Someone("done", TokenState.DONE, 1, needs_help=True),
        Someone("left", TokenState.LEFT, 2),
        Someone("here", TokenState.WAITING, 9),
    ) == ["here", "done", "left"]


def test_the_next_to_be_called_is_the_ready_one_who_came_first() -> None:
    people = [
        Someone("not ready", TokenState.WAITING, 1),
        Someone("later", TokenState.READY, 8),
        Someone("sooner", TokenState.READY, 3),
        Someone("inside", TokenState.WITH_DOCTOR, 0),
    ]
    found = next_to_call(people, lambda p: p.state, lambda p: p.since)
    assert found is not None and found.name == "sooner"


def test_nobody_is_called_while_nobody_is_ready() -> None:
    people = [Someone("waits", TokenState.WAITING, 1)]
    assert next_to_call(people, lambda p: p.state, lambda p: p.since) is None


ACTIONS: list[tuple[Standing, Action]] = [
    (Standing(TokenState.WAITING, has_free_tablet=True, wants_tablet=True), Action.GIVE),
    (Standing(TokenState.WAITING, wants_tablet=True), Action.NONE),
    (Standing(TokenState.WAITING, needs_help=True, has_free_tablet=True), Action.HELP),
    (Standing(TokenState.WITH_TABLET, hold=Hold.OPEN), Action.NONE),
    (Standing(TokenState.WITH_TABLET, hold=Hold.LOCKED), Action.REOPEN),
    (Standing(TokenState.WITH_TABLET, hold=Hold.LOCKED, needs_help=True), Action.HELP),
    (Standing(TokenState.READY), Action.CALL),
    (Standing(TokenState.READY, has_free_tablet=True), Action.CALL),
    (Standing(TokenState.WITH_DOCTOR), Action.NONE),
    (Standing(TokenState.WITH_DOCTOR, wants_tablet=True, has_free_tablet=True), Action.GIVE),
    (Standing(TokenState.WITH_DOCTOR, wants_tablet=True), Action.NONE),
    (Standing(TokenState.DONE, needs_help=True, has_free_tablet=True, wants_tablet=True), Action.NONE),
    (Standing(TokenState.LEFT, needs_help=True, has_free_tablet=True, wants_tablet=True), Action.BACK),
]


@pytest.mark.parametrize(("standing", "action"), ACTIONS)
def test_each_token_has_at_most_one_main_action(standing: Standing, action: Action) -> None:
    assert main_action(standing) is action


@pytest.mark.parametrize(
    ("events", "had"),
    [
        ([], False),
        (["tablet.given", "tablet.taken_back"], False),
        (["tablet.given", "visit.left", "tablet.taken_back"], True),
        (["tablet.given", "tablet.taken_back", "visit.left"], False),
        (["visit.left", "tablet.taken_back", "visit.came_back", "tablet.put_back", "visit.left"], False),
    ],
)
def test_leaving_with_a_tablet_is_told_from_leaving_without(events: list[str], had: bool) -> None:
    assert left_with_tablet(events) is had


def test_minutes_are_whole_and_never_negative() -> None:
    assert minutes_since(NOON, NOON + timedelta(minutes=4, seconds=59)) == 4
    assert minutes_since(NOON, NOON - timedelta(minutes=4)) == 0


@pytest.mark.parametrize(
    ("events", "step"),
    [
        ([], 0),
        ([("token.issued", ""), ("tablet.given", "")], 0),
        ([("response.page_saved", "id")], 0),
        ([("response.page_saved", "id"), ("response.page_saved", "mh-1")], 1),
        ([("response.page_saved", "mh-1"), ("response.page_saved", "ph")], 2),
        ([("response.page_saved", "ph"), ("consent.presented", "")], 3),
        ([("consent.presented", ""), ("consent.page_answered", ""), ("consent.teach_back", "")], 3),
        ([("consent.teach_back", ""), ("response.submitted", "")], 4),
        ([("response.submitted", ""), ("consent.page_answered", "")], 3),
        ([("response.page_saved", "ph"), ("response.page_saved", "id")], 0),
    ],
)
def test_the_step_is_where_the_patient_last_saved(events: list[tuple[str, str]], step: int) -> None:
    assert step_from_events(events) == step


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Farida Sheikh", "F. S."),
        ("  anjali   desai ", "A. D."),
        ("K. R. Narayanan Iyer", "K. R. N."),
        ("शेख फरीदा", "शे. फ."),
        ("نورا العامري", "ن. ا."),
        ("O'Brien", "O."),
        ("(Ravi) Shetty", "R. S."),
        ("", "–"),
        ("???", "–"),
    ],
)
def test_initials_hint_at_a_person_in_any_script(name: str, short: str) -> None:
    assert initials(name) == short


def test_a_name_is_kept_as_written_without_stray_spaces_and_control_characters() -> None:
    assert read_name("  Farida \t Sheikh\x00\n") == "Farida Sheikh"
    assert read_name("فريدة 🌸") == "فريدة 🌸"
    assert read_name(" \n\t ") == ""


@pytest.mark.parametrize(
    ("name", "phone", "enough"),
    [
        ("far", "", True),
        ("fa", "", False),
        ("f a r", "", True),
        ("", "0421", True),
        ("", "421", False),
        ("", "00421", False),
        ("", "9840000421", True),
        ("farida", "042", False),
        ("", "", False),
        ("...", "", False),
    ],
)
def test_a_search_for_a_patient_must_say_enough(name: str, phone: str, enough: bool) -> None:
    assert may_search(name, phone) is enough


@pytest.mark.parametrize(
    ("key", "good"),
    [("A" * 22, True), ("a-_9" * 5 + "zz", True), ("A" * 21, False), ("A" * 21 + "é", False), ("", False)],
)
def test_a_form_key_is_what_our_pages_carry(key: str, good: bool) -> None:
    assert is_form_key(key) is good
