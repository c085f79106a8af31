"""The record's exact forms: number, evidence, signature path, and text that can be printed."""

import math
import re
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake.errors import Invalid
from intake.records.rules import (
    ALPHABET,
    Outcome,
    Words,
    canonical,
    digest,
    direction_of,
    new_number,
    printable,
    read_number,
    strokes_to_path,
)
from tests.records.snapshots import a_declined_snapshot, a_snapshot


def everything(_letter: str) -> bool:
    return True


def test_a_number_is_the_clinics_letters_and_eight_characters_in_two_groups() -> None:
    assert new_number("KS", bytes(5)) == "KS-0000-0000"
    assert new_number("KS", b"\xff" * 5) == "KS-ZZZZ-ZZZZ"
    assert new_number("KS", bytes.fromhex("0123456789")) == "KS-04HM-ASW9"


@given(some.binary(min_size=5, max_size=5))
def test_a_number_uses_all_forty_random_bits_and_no_letter_that_is_misread(random: bytes) -> None:
    number = new_number("KS", random)
    assert not set(number[3:]) & set("ILOU")
    value = 0
    for letter in number[3:].replace("-", ""):
        value = value * 32 + ALPHABET.index(letter)
    assert value.to_bytes(5, "big") == random


@pytest.mark.parametrize(("prefix", "random"), [("ks", bytes(5)), ("K", bytes(5)), ("KS", bytes(4)), ("KS-", bytes(5))])
def test_a_number_is_not_made_from_other_parts(prefix: str, random: bytes) -> None:
    with pytest.raises(Invalid):
        new_number(prefix, random)


@pytest.mark.parametrize("typed", ["KS-7K02-M9X1", " ks 7ko2 m9xl ", "KS7KO2M9XI", "ks-7k02m9x1"])
def test_a_number_is_found_however_it_was_typed(typed: str) -> None:
    assert read_number(typed) == "KS-7K02-M9X1"


@pytest.mark.parametrize("typed", ["", "KS", "Farida", "KS-7K02-M9X", "KS-7K02-M9X12", "7K02-M9X1", "KS-7KU2-M9X1"])
def test_what_is_no_number_finds_nothing(typed: str) -> None:
    assert read_number(typed) is None


def test_canonical_evidence_is_the_one_byte_form_of_rfc_8785() -> None:
    evidence = {"b": [1.0, "हाँ", None], "a": {"\u20ac": True, "1": 1e21}}
    assert canonical(evidence) == '{"a":{"1":1e+21,"€":true},"b":[1,"हाँ",null]}'.encode()
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**60, "\ud800", object()])
def test_evidence_that_json_cannot_hold_exactly_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        canonical({"answer": value})


def numbers_of(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def test_a_signature_fits_its_box_keeps_its_shape_and_stands_in_the_middle() -> None:
    square = [[(0, 0), (900, 0), (900, 900), (0, 900)]]
    places = numbers_of(strokes_to_path(square, 300, 90))
    assert {min(x for x, _ in places), max(x for x, _ in places)} == {105.0, 195.0}
    assert {min(y for _, y in places), max(y for _, y in places)} == {0.0, 90.0}


def test_a_small_signature_is_not_blown_up() -> None:
    assert strokes_to_path([[(500, 500), (510, 500)]], 300, 90) == "M145.0 45.0L155.0 45.0"


def test_time_and_pressure_of_a_point_are_not_drawn() -> None:
    assert strokes_to_path([[(0, 0, 17, 0.5), (40, 0, 33, 0.7)]], 300, 90) == strokes_to_path(
        [[(0, 0), (40, 0)]], 300, 90
    )


def test_a_dot_is_drawn_as_a_dot() -> None:
    assert strokes_to_path([[(20, 20)]], 300, 90) == "M150.0 45.0h.01"


@pytest.mark.parametrize("strokes", [[], [[]], [[(1,)]], [[("a", 1)]], [[(math.nan, 1)]], [[(math.inf, 1)]], [[None]]])
def test_what_is_no_drawing_is_refused(strokes: object) -> None:
    with pytest.raises(Invalid):
        strokes_to_path(strokes, 300, 90)  # type: ignore[arg-type]


POINT = some.tuples(some.floats(-1e6, 1e6), some.floats(-1e6, 1e6))


@given(some.lists(some.lists(POINT, min_size=1, max_size=30), min_size=1, max_size=5))
def test_every_drawing_stays_inside_its_box_and_is_nothing_but_path_data(
    strokes: list[list[tuple[float, float]]],
) -> None:
    path = strokes_to_path(strokes, 300, 90)
    assert re.fullmatch(r"[MLQh\d. -]+", path)
    assert all(-0.1 <= x <= 300.1 and -0.1 <= y <= 90.1 for x, y in numbers_of(path))


def test_letters_without_a_glyph_become_visible_codes() -> None:
    assert printable("fine 😀", str.isascii) == "fine [U+1F600]"
    assert printable("a\x00b\u202ec\ufeffd", everything) == "a[U+0000]b[U+202E]c[U+FEFF]d"


def test_line_ends_and_spaces_of_every_kind_stay_line_ends_and_spaces() -> None:
    assert printable("a\r\nb\rc\u2028d\te\u2003f", everything) == "a\nb\nc\nd e f"


def test_joiners_stay_because_they_shape_letters() -> None:
    assert printable("क्\u200dष", everything) == "क्\u200dष"


@given(some.text())
def test_nothing_of_a_text_is_dropped_and_nothing_unseen_is_left(text: str) -> None:
    shown = printable(text, str.isascii)
    back = re.sub(r"\[U\+([0-9A-F]{4,6})\]", lambda code: chr(int(code[1], 16)), shown)
    for letter in unicodedata.normalize("NFC", text):
        assert letter in back or letter.isspace() or letter in "\r\x85"
    assert all(letter.isascii() or letter in "\u00a0\u200c\u200d" for letter in shown)
    assert "\x00" not in shown


def test_the_direction_of_a_text_is_that_of_its_first_letter_with_one() -> None:
    assert [direction_of(text) for text in ("14 Farida", "14 فريدة", "(נעם) Ltd", "123", "")] == [
        *("ltr", "rtl", "rtl", "ltr", "ltr")
    ]


def test_english_is_printed_under_a_text_only_where_it_differs() -> None:
    assert Words("नहीं", "No").has_english
    assert not Words("No", "No").has_english
    assert not Words("No").has_english


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"signature": None}, "signature"),
        ({"countersignature": None}, "countersignature"),
        ({"outcome": Outcome.WITHDRAWN}, "ending"),
        ({"outcome": Outcome.CLOSED}, "ending"),
        ({"outcome": Outcome.POSTPONED}, "ending"),
    ],
)
def test_a_record_does_not_claim_an_outcome_without_what_it_stands_on(changes: dict[str, object], missing: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_snapshot(**changes)
    assert refusal.value.facts["missing"] == missing


def test_a_decline_needs_no_signature_but_an_ending() -> None:
    assert a_declined_snapshot().outcome is Outcome.DECLINED
    with pytest.raises(Invalid):
        a_declined_snapshot(ending=None)


def test_a_record_without_a_time_zone_is_refused() -> None:
    with pytest.raises(Invalid):
        a_snapshot(sealed_at=datetime(2026, 11, 23, 13, 2))  # noqa: DTZ001


def test_the_record_room_never_names_rule_ids_or_severities_on_paper() -> None:
    template = (Path(__file__).parents[2] / "templates" / "records" / "record.html").read_text("utf-8")
    assert not re.search(r"severity|rule_id|finding\.id|R-[A-Z]{3}", template)
