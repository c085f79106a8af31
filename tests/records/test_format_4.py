"""What format 4 of the evidence adds to a record: how the pages with the risks were read, and with what was signed."""

from typing import Any

import pytest

from intake.records.compose import snapshot
from intake.records.rules import Fact, Words
from tests.records.statements import COUNTERSIGNED, GIVEN, SIGNED, made
from tests.records.test_format_3 import newer, words_of_pdf

STROKE = [[[10.0, 10.0, 0, 0.5], [90.0, 40.0, 16, 0.5]]]


def read(end: str, seconds: int | None = 100) -> dict[str, Any]:
    """Signed evidence of format 4, of pages read so."""
    risks = {"end": end} | ({} if seconds is None else {"seconds": seconds})
    return newer(format=4, reading={"pages": [], "risks": risks})


@pytest.mark.parametrize(
    ("end", "seconds", "words"),
    [
        ("seen", 100, "end seen, 1 min 40 s"),
        ("not_seen", 59, "end not seen on every page, 0 min 59 s"),
        ("not_known", None, "not known whether the end was seen, time not known"),
    ],
)
def test_one_line_says_how_the_pages_with_the_risks_were_read(end: str, seconds: int | None, words: str) -> None:
    assert made(read(end, seconds)).reading == (Fact(Words("Pages with the risks"), Words(words)),)


def test_it_stands_in_the_language_read_with_its_english() -> None:
    own = {
        "Pages with the risks": "P",
        "end seen, %(time)s": "E %(time)s",
        "%(minutes)s min %(seconds)s s": "%(minutes)s:%(seconds)s",
    }
    record = snapshot(read("seen"), COUNTERSIGNED, b"{}", GIVEN, lambda english: own.get(english, english))
    assert record.reading == (Fact(Words("P", "Pages with the risks"), Words("E 1:40", "end seen, 1 min 40 s")),)


@pytest.mark.parametrize(
    ("pointers", "words"),
    [
        (["pen"], "drawn on the clinic's tablet with a pen"),
        (["touch"], "drawn on the clinic's tablet with a finger"),
        (["mouse", "touch"], "drawn on the clinic's tablet"),
        ([], "drawn on the clinic's tablet"),
    ],
)
def test_a_drawn_signature_says_with_what_where_it_was_one_thing(pointers: list[str], words: str) -> None:
    drawn = {"width": 760, "height": 280, "strokes": STROKE, "pointers": pointers}
    record = made(SIGNED | {"signature": {"method": "drawn", "drawn": drawn}})
    assert record.signature.where == Words(words)


def test_evidence_of_the_formats_before_says_nothing_of_it() -> None:
    assert made(newer()).reading == () == made(SIGNED).reading
    old = made(SIGNED | {"signature": {"method": "drawn", "drawn": {"width": 760, "height": 280, "strokes": STROKE}}})
    assert old.signature.where == Words("drawn on the clinic's tablet")


def test_the_pdf_holds_it_in_words(tmp_path: Any) -> None:
    assert "Pageswiththerisksendseen,1min40s" in words_of_pdf(read("seen"), tmp_path)
