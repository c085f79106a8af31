"""How soon somebody has to do something, by days, minutes and bytes; every code has its words."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.health import rules, words
from intake.health.rules import Check, Level

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "is_ours", "level", "code"),
    [
        (90 * DAY, True, Level.GOOD, "seal.own.good"),
        (90 * DAY - MINUTE, True, Level.SOON, "seal.own.soon"),
        (14 * DAY, True, Level.SOON, "seal.own.soon"),
        (14 * DAY - MINUTE, True, Level.NOW, "seal.own.now"),
        (timedelta(0), True, Level.NOW, "seal.own.over"),
        (90 * DAY - MINUTE, False, Level.SOON, "seal.outside.soon"),
        (30 * DAY - MINUTE, False, Level.NOW, "seal.outside.now"),
        (-DAY, False, Level.NOW, "seal.outside.over"),
    ],
)
def test_the_seal_is_seen_to_in_time(left: timedelta, is_ours: bool, level: Level, code: str) -> None:
    found = rules.seal(NOW + left, NOW, is_ours=is_ours)
    assert (found.level, found.code) == (level, code)


def test_without_the_roots_key_the_seals_line_says_so() -> None:
    found = rules.seal(NOW + 60 * DAY, NOW, is_ours=True, has_root_key=False)
    assert (found.level, found.code) == (Level.SOON, "seal.own_without_root_key.soon")


@pytest.mark.parametrize(
    ("days", "level"), [(1095, Level.GOOD), (1094, Level.SOON), (365, Level.SOON), (364, Level.NOW)]
)
def test_the_root_is_planned_for_three_years_before_its_end(days: int, level: Level) -> None:
    assert rules.root(NOW + days * DAY, NOW).level is level


@pytest.mark.parametrize(
    ("days", "has_root_key", "level", "code"),
    [
        (59, True, Level.GOOD, "doctor.good"),
        (-1, True, Level.GOOD, "doctor.over"),
        (60, False, Level.GOOD, "doctor.without_root_key.good"),
        (59, False, Level.SOON, "doctor.without_root_key.soon"),
        (0, False, Level.NOW, "doctor.without_root_key.over"),
    ],
)
def test_a_doctors_certificate_needs_somebody_only_where_the_roots_key_is_kept_elsewhere(
    days: int, has_root_key: bool, level: Level, code: str
) -> None:
    found = rules.doctor("Dr Rao", NOW + days * DAY, NOW, has_root_key=has_root_key)
    assert (found.level, found.code, found.facts["doctor"]) == (level, code, "Dr Rao")


@pytest.mark.parametrize(
    ("minutes", "given_up", "level"),
    [(9, 0, Level.GOOD), (10, 0, Level.SOON), (59, 0, Level.SOON), (60, 0, Level.NOW), (1, 1, Level.NOW)],
)
def test_records_that_wait_long_or_were_given_up_are_to_be_seen_to(minutes: int, given_up: int, level: Level) -> None:
    waiting = [NOW - MINUTE, NOW - minutes * MINUTE]
    found = rules.unfiled(waiting, "seal.token_missing", NOW, given_up=given_up)
    assert (found.level, found.facts) == (
        level,
        {"count": 2, "minutes": max(1, minutes), "error": "seal.token_missing"},
    )


def test_no_record_that_waits_is_in_order() -> None:
    assert rules.unfiled([], "", NOW).level is Level.GOOD


@pytest.mark.parametrize(
    ("age", "newer", "level"),
    [(400 * DAY, 0, Level.GOOD), (MINUTE, 3, Level.GOOD), (120 * MINUTE, 3, Level.SOON), (DAY, 3, Level.NOW)],
)
def test_a_checkpoint_is_late_only_where_the_log_grew(age: timedelta, newer: int, level: Level) -> None:
    assert rules.checkpoint(NOW - age, newer, NOW).level is level


def test_a_log_that_was_never_signed_is_seen_to_soon() -> None:
    assert rules.checkpoint(None, 5, NOW).level is Level.SOON


@pytest.mark.parametrize(("minutes", "level"), [(59, Level.GOOD), (60, Level.SOON), (24 * 60, Level.NOW)])
@pytest.mark.parametrize("error", ["", "time_stamp.not_answered"])
def test_time_stamps_may_be_late_by_an_hour_and_not_by_a_day(minutes: int, level: Level, error: str) -> None:
    found = rules.time_stamps(2, NOW - minutes * MINUTE, error, NOW, has_service=True)
    assert (found.level, found.facts) == (level, {"count": 2, "minutes": minutes, "error": error})


def test_without_a_time_service_or_without_a_record_that_waits_all_is_in_order() -> None:
    assert rules.time_stamps(0, None, "", NOW, has_service=False).code == "time_stamps.no_service"
    assert rules.time_stamps(0, None, "", NOW, has_service=True).level is Level.GOOD


@pytest.mark.parametrize(("hours", "level"), [(25, Level.GOOD), (26, Level.SOON), (48, Level.NOW)])
def test_the_log_is_stamped_once_a_day(hours: int, level: Level) -> None:
    since = NOW - timedelta(hours=hours)
    assert rules.log_stamp(since, since, NOW).level is rules.log_stamp(None, since, NOW).level is level
    assert rules.log_stamp(since, None, NOW).level is Level.GOOD, "the log did not grow"
    assert rules.log_stamp(None, None, NOW).level is Level.GOOD


@pytest.mark.parametrize(
    ("left", "level"),
    [(timedelta(days=10), Level.GOOD), (timedelta(days=10) - MINUTE, Level.SOON), (timedelta(0), Level.SOON)],
)
def test_the_roots_list_ends_where_the_roots_key_is_kept_elsewhere(left: timedelta, level: Level) -> None:
    assert rules.root_list(NOW + left, NOW, has_root_key=False).level is level
    assert rules.root_list(NOW - MINUTE, NOW, has_root_key=False).level is Level.NOW
    assert rules.root_list(None, NOW, has_root_key=False).level is Level.NOW
    assert rules.root_list(NOW - left, NOW, has_root_key=True).level is Level.GOOD, "made anew at the next stamp"


def test_stamps_that_wait_for_the_roots_key_do_not_send_anybody_to_the_time_service() -> None:
    found = rules.time_stamps(2, NOW - timedelta(days=2), "seal.no_root_key", NOW, has_service=True)
    _says, do = words.words_of(found.code)
    assert found.level is Level.NOW and "root.key" in do and "time service" not in do


@pytest.mark.parametrize(("minutes", "level"), [(59, Level.GOOD), (60, Level.SOON), (24 * 60, Level.NOW)])
def test_a_backup_grows_old(minutes: int, level: Level) -> None:
    assert rules.backup(NOW - minutes * MINUTE, NOW).level is level
    assert rules.backup(None, NOW).level is Level.SOON


@pytest.mark.parametrize(
    ("free", "level"), [(5 * 10**9, Level.GOOD), (5 * 10**9 - 1, Level.SOON), (5 * 10**8 - 1, Level.NOW)]
)
def test_a_disk_fills(free: int, level: Level) -> None:
    assert rules.disk(free).level is level


@pytest.mark.parametrize(("minutes", "level"), [(119, Level.GOOD), (120, Level.NOW)])
def test_a_worker_that_is_silent_for_two_hours_is_gone(minutes: int, level: Level) -> None:
    assert rules.worker(NOW - minutes * MINUTE, NOW).level is level
    assert rules.worker(None, NOW).level is Level.NOW


def test_tables_of_another_version_and_missing_typefaces_are_to_be_seen_to_now() -> None:
    assert rules.migrations("0008", "0010").level is rules.drawing(["fonts"]).level is Level.NOW
    assert rules.migrations("0010", "0010").level is rules.drawing([]).level is Level.GOOD


MOMENTS = st.integers(-20_000_000, 20_000_000).map(lambda minutes: NOW + minutes * MINUTE)
COUNTS = st.integers(0, 10**13)


@given(
    moment=MOMENTS,
    count=COUNTS,
    yes=st.booleans(),
    error=st.sampled_from(["", "seal.wrong_pin", "seal.no_root_key", "x.unknown"]),
)
def test_whatever_is_found_there_are_words_for_it_with_every_gap_filled(
    moment: datetime, count: int, yes: bool, error: str
) -> None:
    found = [
        rules.seal(moment, NOW, is_ours=yes, has_root_key=count % 2 == 0),
        rules.root(moment, NOW),
        rules.root_list(moment if count % 2 else None, NOW, has_root_key=yes),
        rules.doctor("Dr Rao", moment, NOW, has_root_key=yes),
        rules.unfiled([moment] if yes else [], error, NOW, given_up=count % 2),
        rules.checkpoint(moment if yes else None, count, NOW),
        rules.time_stamps(count, moment if yes else None, error, NOW, has_service=count % 3 > 0),
        rules.log_stamp(moment if yes else None, moment if count % 2 else None, NOW),
        rules.backup(moment if yes else None, NOW),
        rules.disk(count),
        rules.migrations("0001" if yes else "", "0010"),
        rules.drawing(["fonts"] if yes else []),
        rules.worker(moment if yes else None, NOW),
        rules.key("seal", error),
    ]
    for check in found:
        says, do = words.words_of(check.code)
        assert check.code in words.WORDS or check.code == "x.unknown", check
        assert check.name in words.NAMES and says
        assert not re.search(r"%\(", words.filled(says, check.facts, check.code))
        assert not re.search(r"%\(", words.filled(do, check.facts, check.code))
        assert (check.level is Level.GOOD) or do, check
    assert rules.worst(found) is max((check.level for check in found), key=list(Level).index)


def test_the_worst_of_all_is_what_the_page_says() -> None:
    good, soon, now = (Check("disk", level, "disk.good") for level in Level)
    assert [rules.worst(found) for found in ([good], [good, soon], [soon, now, good])] == list(Level)
