"""How long a guesser waits, and which passwords are long enough."""

from datetime import UTC, datetime, timedelta

import pytest

from intake.staff.rules import FREE_TRIES, LONGEST_WAIT, is_long_enough, may_try_at

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def failures(count: int) -> list[datetime]:
    return [NOON + timedelta(seconds=n) for n in range(count)]


def wait_after(count: int) -> timedelta:
    tried = failures(count)
    again = may_try_at(tried)
    assert again is not None
    return again - tried[-1]


@pytest.mark.parametrize("count", range(FREE_TRIES))
def test_the_first_tries_are_free(count: int) -> None:
    assert may_try_at(failures(count)) is None


def test_after_five_failures_the_wait_doubles_from_two_seconds() -> None:
    waits = [wait_after(FREE_TRIES + n).total_seconds() for n in range(5)]
    assert waits == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("count", [20, 200, 5000])
def test_nobody_waits_longer_than_a_quarter_of_an_hour(count: int) -> None:
    assert wait_after(count) == LONGEST_WAIT == timedelta(minutes=15)


@pytest.mark.parametrize(("length", "good"), [(14, False), (15, True), (128, True), (129, False)])
def test_a_password_has_fifteen_characters_or_more_and_no_other_rule(length: int, good: bool) -> None:
    assert is_long_enough("é" * length) is good
