"""What is typed as a date or a moment opens the same questions in the browser as on the server: months by their words,
days that are none, the clocks of every season."""

import json
import subprocess
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from intake.answers import conditions_for
from intake.answers.rules import read
from intake.answers.typed import MONTHS
from intake.definitions.rules import Item, ItemType
from tests.agreement.forms import when
from tests.agreement.pages import NODE, SEED
from tests.definitions.fhir import form, item, loaded

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: the browser's reading cannot be asked")

RUNNER = Path(__file__).with_name("typed.mjs")
ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "UTC")
LATEST = date(2100, 1, 1)


def by_the_browser(boxes: Sequence[Sequence[str]], zone: str = "UTC") -> list[str]:
    """What the browser compares for each row of boxes: day, month, year and perhaps a time."""
    rows = [dict(zip("dmyt", row, strict=False)) | {"zone": zone, "months": MONTHS} for row in boxes]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    run = subprocess.run([NODE or "node", RUNNER], input=lines, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in run.stdout.splitlines()]


def by_the_server(boxes: Sequence[Sequence[str]], zone: str = "UTC") -> list[str]:
    """What the server stores for each row of boxes, '' where it refuses them."""
    kinds = {3: ItemType.DATE, 4: ItemType.DATETIME}
    readings = [read(Item("d", kinds[len(row)]), row, LATEST, ZoneInfo(zone)) for row in boxes]
    return [str(next(iter(one.values[0].values()))) if one.values else "" for one in readings]


def test_every_word_for_a_month_is_read_in_the_browser_too() -> None:
    words = [spelt for word in MONTHS for spelt in (word, word.upper(), f"{word}.", word.title())]
    boxes = [("4", word, "1968") for word in words]
    found = by_the_browser(boxes)
    assert found == by_the_server(boxes)
    assert found == [f"1968-{MONTHS[word]:02}-04" for word in MONTHS for _spelt in range(4)]


@pytest.mark.parametrize(
    "boxes",
    [
        ("4", "3", "1968"),
        ("٤", "آذار", "١٩٦٨"),
        ("४", "मार्च", "१९६८"),
        ("29", "2", "2024"),
        ("29", "2", "2023"),
        ("31", "4", "2020"),
        ("0", "3", "1968"),
        ("32", "3", "1968"),
        ("4", "13", "1968"),
        ("4", "Marchember", "1968"),
        ("4", "constructor", "1968"),
        ("004", "3", "1968"),
        ("4", "3.", "1968"),
        ("4", "3", "68"),
        ("4", "3", "0968"),
        ("4", "3", "19680"),
        ("4", "-3", "1968"),
        ("4 ", " 3", "1968"),
        ("4th", "3", "1968"),
        ("4", "3", "1968", "9:30"),
        ("4", "March", "1968", "9 pm"),
        ("4", "March", "1968", "half past nine"),
        ("31", "2", "1968", "9:30"),
    ],
)
def test_a_date_is_one_on_both_sides_or_on_neither(boxes: tuple[str, ...]) -> None:
    row = [text.strip() for text in boxes]
    assert by_the_browser([row]) == by_the_server([boxes])


@pytest.mark.parametrize("zone", ZONES)
def test_a_moment_has_the_offset_of_its_own_season_also_while_the_clocks_change(zone: str) -> None:
    random, moments = Random(f"{SEED} {zone}"), []
    for year in (1985, 2024, 2027):
        start = datetime(year, 1, 1)  # noqa: DTZ001 - a wall clock
        days = [start + timedelta(days=n) for n in range(365)]
        changes = [
            day
            for day in days
            if day.replace(tzinfo=ZoneInfo(zone)).utcoffset()
            != (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).utcoffset()
        ]
        moments += [day + timedelta(minutes=15 * n) for day in changes for n in range(96)]
        moments += [random.choice(days) + timedelta(minutes=random.randrange(1440)) for _ in range(40)]
    boxes = [(str(at.day), str(at.month), str(at.year), f"{at:%H:%M}") for at in moments]
    found = by_the_browser(boxes, zone)
    assert found == by_the_server(boxes, zone)
    assert (len({text[19:] for text in found}) == 1) is (zone in ("Asia/Kolkata", "UTC"))


def test_the_words_for_months_go_only_to_a_page_on_which_something_depends_on_a_date() -> None:
    since, drinks = item("since", "date"), item("drinks", "boolean")
    by_day = loaded(form(since, item("b", enableWhen=[when("since", "<", answerDate="2020-01-01")])))
    by_word = loaded(form(since, drinks, item("b", enableWhen=[when("drinks", "=", answerBoolean=True)])))
    assert conditions_for(by_day, by_day.sections[0], {})["months"]["मार्च"] == 3
    assert "months" not in conditions_for(by_word, by_word.sections[0], {})
