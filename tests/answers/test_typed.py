"""Times, moments, amounts, addresses and words of one's own: what can be typed is read, or refused for a reason."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.answers.rules import Problem, Reading, other_code, read
from intake.answers.typed import is_address, read_number, read_time
from intake.definitions.rules import Item, ItemType, Option, Text

TODAY = date(2026, 11, 23)
ZONE = ZoneInfo("Asia/Kolkata")
SKIN = Item(
    "skin",
    ItemType.OPEN_CHOICE,
    options=(Option("dry", Text.of({"en": "Dry"})), Option("none", Text.of({"en": "None"}), exclusive=True)),
    repeats=True,
)
ONE_SKIN = Item("skin", ItemType.OPEN_CHOICE, options=SKIN.options, required=True, max_length=20)
OTHER = other_code(SKIN)
SEEN = Item("seen", ItemType.DATETIME)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_none(typed: str) -> None:
    assert read_time(typed) is None or isinstance(read_time(typed), time)


@given(st.times(), st.sampled_from([":", ".", " : "]), st.booleans())
def test_every_minute_of_a_day_can_be_written_in_both_ways(moment: time, mark: str, is_half: bool) -> None:
    minute = moment.replace(second=0, microsecond=0)
    hour = (minute.hour % 12 or 12) if is_half else minute.hour
    end = (" pm" if minute.hour >= 12 else " am") if is_half else ""
    assert read_time(f"{hour}{mark}{minute:%M}{end}") == minute


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("9:30", "09:30:00"),
        ("9.30", "09:30:00"),
        ("09:30", "09:30:00"),
        ("9:30 pm", "21:30:00"),
        ("9:30 P.M.", "21:30:00"),
        ("9pm", "21:00:00"),
        ("12 am", "00:00:00"),
        ("12:05pm", "12:05:00"),
        ("९:३०", "09:30:00"),
        ("٩:٣٠ م", "21:30:00"),
        ("23:59:58", "23:59:58"),
        ("24:00", ""),
        ("9", ""),
        ("13:00 pm", ""),
        ("0:30 am", ""),
        ("9:3", ""),
        ("9:60", ""),
        ("half past nine", ""),
    ],
)
def test_a_time_is_read_as_people_write_it(typed: str, found: str) -> None:
    reading = read(Item("t", ItemType.TIME), [typed], TODAY)
    assert reading == (Reading(({"valueTime": found},)) if found else Reading(problem=Problem.TIME))


def test_the_limits_of_a_time_hold() -> None:
    item = Item("t", ItemType.TIME, min="05:00:00", max="21:00:00")
    assert read(item, ["4:59"], TODAY) == Reading(problem=Problem.TOO_SMALL, limit="05:00:00")
    assert read(item, ["9:01 pm"], TODAY) == Reading(problem=Problem.TOO_LARGE, limit="21:00:00")
    assert read(item, ["21:00"], TODAY).values == ({"valueTime": "21:00:00"},)


@given(st.lists(st.text(max_size=12), max_size=5))
def test_any_four_boxes_are_a_moment_or_a_reason(boxes: list[str]) -> None:
    reading = read(SEEN, boxes, TODAY, ZONE)
    assert not (reading.values and reading.problem)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - a wall clock
def test_every_moment_is_stored_with_the_offset_of_the_clinics_clocks(moment: datetime) -> None:
    boxes = [str(moment.day), str(moment.month), str(moment.year), f"{moment:%H:%M}"]
    [value] = read(SEEN, boxes, TODAY, ZONE).values
    stored = datetime.fromisoformat(value["valueDateTime"])
    assert stored.replace(tzinfo=None) == moment.replace(second=0, microsecond=0)
    assert stored.utcoffset() == moment.replace(tzinfo=ZONE).utcoffset()


@pytest.mark.parametrize(
    ("boxes", "why"),
    [
        (["", "", "", ""], None),
        (["22", "11", "2026", ""], Problem.MOMENT_INCOMPLETE),
        (["", "", "", "9:30"], Problem.MOMENT_INCOMPLETE),
        (["22", "", "2026", "9:30"], Problem.DATE_INCOMPLETE),
        (["22", "11", "2026", "9"], Problem.TIME),
        (["24", "11", "2026", "9:30"], Problem.DATE_FUTURE),
        (["1", "1", "2020", "9:30"], Problem.TOO_SMALL),
        (["23", "11", "2026", "20:31"], Problem.TOO_LARGE),
        (["23", "11", "2026", "20:30"], None),
    ],
)
def test_moments_that_cannot_be(boxes: list[str], why: Problem | None) -> None:
    item = Item("seen", ItemType.DATETIME, past=True, min="2020-01-02", max="2026-11-23T15:00:00Z")
    assert read(item, boxes, TODAY, ZONE).problem is why


@given(st.decimals(-(10**8), 10**8, places=3))
def test_every_amount_can_be_written_with_a_point_or_a_comma(amount: Decimal) -> None:
    assert read_number(f"{amount:f}") == read_number(f"{amount:f}".replace(".", ",")) == amount


@given(st.text(max_size=20))
def test_any_text_is_an_amount_with_its_unit_or_a_reason(typed: str) -> None:
    item = Item("dose", ItemType.QUANTITY, unit="mg", unit_code={"unit": "mg", "code": "mg"}, required=True)
    reading = read(item, [typed], TODAY)
    assert bool(reading.values) != bool(reading.problem)
    assert all(value["valueQuantity"].items() >= item.unit_code.items() for value in reading.values)


@pytest.mark.parametrize(
    ("typed", "is_one"),
    [
        ("https://skin.example", True),
        ("HTTP://skin.example:8080/a?b=c#d", True),
        ("https://त्वचा.example/पता", True),
        ("https://[::1]/", True),
        ("skin.example", False),
        ("ftp://skin.example", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://:80", False),
        ("https://skin.example:port", False),
        ("https://[::1", False),
        ("https://skin .example", False),
    ],
)
def test_an_address_is_absolute_and_of_the_web(typed: str, is_one: bool) -> None:
    assert is_address(typed) is is_one


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_not(typed: str) -> None:
    assert is_address(f"https://{typed}") in (True, False)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (["Red", "dry", OTHER], [{"code": "dry"}, "Red"]),
        (["Red"], ["Red"]),
        (["Red", "dry"], [{"code": "dry"}]),
        (["", "dry"], [{"code": "dry"}]),
        (["  "], []),
        ([], []),
    ],
)
def test_words_of_ones_own_count_where_other_or_nothing_is_chosen(raw: list[str], kept: list[Any]) -> None:
    assert [next(iter(value.values())) for value in read(SKIN, raw, TODAY).values] == kept


@pytest.mark.parametrize(
    ("item", "raw", "why"),
    [
        (SKIN, ["", OTHER], Problem.MISSING_WORDS),
        (SKIN, ["Red", "none", OTHER], Problem.EXCLUSIVE),
        (SKIN, ["", "oily"], Problem.UNKNOWN_OPTION),
        (ONE_SKIN, ["Red", "dry", OTHER], Problem.UNKNOWN_OPTION),
        (ONE_SKIN, ["x" * 21, OTHER], Problem.TOO_LONG),
        (ONE_SKIN, [""], Problem.MISSING),
    ],
)
def test_words_of_ones_own_that_cannot_be_taken(item: Item, raw: list[str], why: Problem) -> None:
    assert read(item, raw, TODAY).problem is why


def test_own_words_that_are_an_option_of_plain_words_are_that_option() -> None:
    options = tuple(Option(code, Text.of({"en": code}), key="valueString") for code in ("Red", "Blue"))
    colours = Item("colours", ItemType.OPEN_CHOICE, options=options, repeats=True, min_occurs=2)
    red, blue = ({"valueString": option.code} for option in options)
    assert read(colours, ["Red", "Blue", OTHER], TODAY).values == (blue, red)
    assert read(colours, ["Red", "Red", OTHER], TODAY) == Reading(problem=Problem.TOO_FEW, limit="2"), (
        "one answer, twice"
    )


def test_own_words_that_are_an_option_which_stands_alone_stand_alone_too() -> None:
    options = (Option("Red", Text.of({"en": "Red"}), key="valueString"),)
    alone = Option("None", Text.of({"en": "None"}), key="valueString", exclusive=True)
    colours = Item("colours", ItemType.OPEN_CHOICE, options=(*options, alone), repeats=True)
    assert read(colours, ["None", "Red", OTHER], TODAY).problem is Problem.EXCLUSIVE


@pytest.mark.parametrize(
    ("limits", "typed", "why"),
    [
        ({"min": "09:30:00.5"}, "9:30", Problem.TOO_SMALL),
        ({"min": "09:30:00.5"}, "9:30:01", None),
        ({"min": "09:30:00.000"}, "9:30", None),
        ({"max": "18:00:00.0"}, "18:00", None),
        ({"max": "18:00:00"}, "18:01", Problem.TOO_LARGE),
    ],
)
def test_a_limit_of_a_time_may_be_finer_than_what_people_write(
    limits: dict[str, Any], typed: str, why: Problem | None
) -> None:
    assert read(Item("a", ItemType.TIME, **limits), [typed], TODAY).problem is why


def test_other_is_never_the_code_of_an_option() -> None:
    taken = Item("a", ItemType.OPEN_CHOICE, options=(Option("-other-", Text.of({"en": "Odd"})),))
    assert other_code(taken) not in [option.code for option in taken.options]


@pytest.mark.parametrize(
    ("key", "code", "value"),
    [
        ("valueInteger", "12", 12),
        ("valueDate", "2026-01-31", "2026-01-31"),
        ("valueTime", "09:30:00", "09:30:00"),
        ("valueString", "As a word", "As a word"),
    ],
)
def test_options_may_be_numbers_dates_times_and_words(key: str, code: str, value: object) -> None:
    item = Item("a", ItemType.CHOICE, options=(Option(code, Text.of({"en": code}), key=key),))
    assert read(item, [code], TODAY).values == ({key: value},)
