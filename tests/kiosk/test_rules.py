"""The path on a tablet and when a tablet locks: pure rules."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from intake.kiosk.pages import mask
from intake.kiosk.rules import (
    GRACE,
    LONGEST_VISIT,
    OLD_COOKIE_LIFE,
    WARNING,
    Cookie,
    Hold,
    Path,
    Place,
    Renewal,
    Step,
    Use,
    hold,
    next_step,
    step_of,
    worth,
)
from tests.conftest import MONDAY_NOON

BEGUN = Path(
    identified=True,
    identity_tries=1,
    open_sections=["st", "id"],
    talk_first=False,
    submitted=False,
    released=False,
    open_pages=["what"],
    open_questions=["TB-1"],
    ended=False,
)
ANSWERED = replace(BEGUN, open_sections=[])
READ = replace(ANSWERED, open_pages=[], open_questions=[])
IDLE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (replace(BEGUN, identified=False), Step(Place.IDENTITY)),
        (replace(BEGUN, identified=False, identity_tries=3), Step(Place.STAFF)),
        (BEGUN, Step(Place.QUESTIONS, "st")),
        (ANSWERED, Step(Place.EFFECTS, "what")),
        (replace(ANSWERED, open_pages=[]), Step(Place.TEACH_BACK, "TB-1")),
        (READ, Step(Place.CHECK)),
        (replace(READ, submitted=True), Step(Place.SIGN)),
        (replace(READ, submitted=True, ended=True), Step(Place.THANKS)),
    ],
)
def test_signing_first_the_answers_are_checked_just_before_the_signature(path: Path, step: Step) -> None:
    assert next_step(path) == step


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (ANSWERED, Step(Place.CHECK)),
        (replace(ANSWERED, submitted=True), Step(Place.DOCTOR_FIRST)),
        (replace(ANSWERED, submitted=True, released=True), Step(Place.EFFECTS, "what")),
        (replace(READ, submitted=True, released=True), Step(Place.SIGN)),
    ],
)
def test_talking_first_nothing_is_read_or_signed_before_the_doctor_lets_it(path: Path, step: Step) -> None:
    assert next_step(replace(path, talk_first=True)) == step


def test_an_ended_visit_shows_the_thank_you_page_whoever_holds_it() -> None:
    assert next_step(replace(BEGUN, identified=False, ended=True)) == Step(Place.THANKS)


def use(opened: datetime = MONDAY_NOON, *, seen: datetime | None = None, locked: datetime | None = None) -> Use:
    """A tablet opened at a moment and touched then unless said otherwise."""
    return Use(opened_at=opened, seen_at=seen or opened, locked_at=locked, same_day=True)


def test_an_untouched_tablet_locks_after_its_idle_time_and_the_warning() -> None:
    assert hold(use(), IDLE, MONDAY_NOON + IDLE + WARNING + GRACE) is Hold.OPEN
    assert hold(use(), IDLE, MONDAY_NOON + IDLE + WARNING + GRACE + timedelta(seconds=1)) is Hold.LOCKED


def test_reopening_counts_only_locks_after_it() -> None:
    locked = MONDAY_NOON + timedelta(minutes=1)
    assert hold(use(locked=locked), IDLE, locked) is Hold.LOCKED
    reopened = locked + timedelta(seconds=1)
    assert hold(use(reopened, locked=locked), IDLE, reopened) is Hold.OPEN


def test_an_hour_after_it_was_opened_a_visit_leaves_the_tablet_even_when_touched() -> None:
    late = MONDAY_NOON + LONGEST_VISIT + timedelta(seconds=1)
    assert hold(use(seen=late), IDLE, late) is Hold.OVER


def test_on_another_day_a_visit_is_over() -> None:
    assert hold(replace(use(), same_day=False), IDLE, MONDAY_NOON) is Hold.OVER


def test_the_steps_only_go_forward_in_the_order_of_the_questions() -> None:
    order = [
        "st",
        "id",
        "ct",
        "tx",
        "tx-2",
        "td",
        "pr",
        "mh",
        "mh-2",
        "md",
        "al",
        "sk",
        "ex",
        "ls",
        "bi",
        "ft",
        "hr",
        "ph",
        "dc",
    ]
    steps = [step_of(Place.QUESTIONS, section) for section in order]
    assert steps == sorted(steps) and set(steps) == {0, 1, 2}
    assert [step_of(place, "") for place in (Place.EFFECTS, Place.TEACH_BACK, Place.CHECK, Place.SIGN)] == [3, 3, 4, 4]


@pytest.mark.parametrize(
    ("number", "shown"), [("98400 00421", "98•••• ••421"), ("+91 98400 00421", "91•••• ••421"), ("12345", "•••")]
)
def test_a_phone_number_is_masked_on_a_screen_others_may_see(number: str, shown: str) -> None:
    assert mask(number) == shown


C0, C1, C2 = (bytes([n]) * 32 for n in range(3))
LATER = MONDAY_NOON + OLD_COOKIE_LIFE


@pytest.mark.parametrize(
    ("shown", "renewal", "now", "what"),
    [
        (C1, None, MONDAY_NOON, Cookie.GOOD),
        (C0, None, MONDAY_NOON, None),
        (C0, Renewal(MONDAY_NOON, C0, None), MONDAY_NOON, Cookie.OLD),
        (C0, Renewal(MONDAY_NOON, C0, C2), LATER, Cookie.OLD),
        (C0, Renewal(MONDAY_NOON, C0, C2), LATER + timedelta(microseconds=1), None),
        (C1, Renewal(MONDAY_NOON, C0, None), MONDAY_NOON + timedelta(hours=9), Cookie.NEW),
        (C1, Renewal(MONDAY_NOON, C0, C2), MONDAY_NOON, Cookie.NEW),
        (C2, Renewal(MONDAY_NOON, C0, C2), MONDAY_NOON, Cookie.NEW),
        (C2, Renewal(MONDAY_NOON, None, C2), MONDAY_NOON, Cookie.GOOD),
        (C1, Renewal(MONDAY_NOON, None, C2), MONDAY_NOON, None),
        (C0, Renewal(MONDAY_NOON, None, C2), MONDAY_NOON, None),
    ],
)
def test_after_a_finish_the_first_new_cookie_to_come_back_is_the_only_one(
    shown: bytes, renewal: Renewal | None, now: datetime, what: Cookie | None
) -> None:
    assert worth(shown, C1, renewal, now) is what
