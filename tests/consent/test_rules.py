"""The rules of consent: which statement may follow which, what a page asks, what counts as a signature."""

import itertools
import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake.canonical import canonical
from intake.consent.rules import (
    MOST_BYTES,
    MOST_POINTS,
    OUTCOMES,
    SETTING_OF,
    TAKEN_BACK,
    Force,
    Kind,
    State,
    Teach,
    check_move,
    fill,
    force,
    in_sentence,
    open_pages,
    parts_of,
    read_strokes,
    state,
    teach_state,
)
from intake.errors import Invalid, NotAllowed
from tests.builders import strokes

# ---- States and moves ----

MOVES = {
    frozenset[Kind](): {Kind.SIGNED, Kind.DECLINED, Kind.POSTPONED},
    frozenset({Kind.SIGNED}): {Kind.COUNTERSIGNED, Kind.POSTPONED, Kind.CLOSED},
}
"""What is taken back in part moves nothing else."""


def may_follow(kinds: frozenset[Kind], to: Kind) -> bool:
    if to is Kind.PART_WITHDRAWN:
        return bool(kinds)
    if to is Kind.WITHDRAWN:
        return state(kinds) in (State.SIGNED, State.COUNTERSIGNED)
    return to in MOVES.get(kinds - {Kind.PART_WITHDRAWN}, set())


@pytest.mark.parametrize(
    "kinds",
    [frozenset(c) for n in range(4) for c in itertools.combinations(Kind, n)],
    ids=lambda k: "-".join(sorted(k)),
)
@pytest.mark.parametrize("to", Kind)
def test_a_statement_follows_only_where_it_may(kinds: frozenset[Kind], to: Kind) -> None:
    if may_follow(kinds, to):
        check_move(kinds, to)
        return
    with pytest.raises(NotAllowed):
        check_move(kinds, to)


@pytest.mark.parametrize(
    ("kinds", "to", "code"),
    [
        ({Kind.SIGNED}, Kind.SIGNED, "consent.already_signed"),
        ({Kind.SIGNED}, Kind.DECLINED, "consent.already_signed"),
        (set(), Kind.COUNTERSIGNED, "consent.not_signed"),
        (set(), Kind.CLOSED, "consent.not_signed"),
        ({Kind.SIGNED, Kind.COUNTERSIGNED}, Kind.COUNTERSIGNED, "consent.already_decided"),
        ({Kind.DECLINED}, Kind.SIGNED, "consent.already_decided"),
        ({Kind.SIGNED, Kind.WITHDRAWN}, Kind.COUNTERSIGNED, "consent.already_decided"),
        ({Kind.SIGNED, Kind.COUNTERSIGNED, Kind.WITHDRAWN}, Kind.WITHDRAWN, "consent.nothing_to_withdraw"),
        ({Kind.DECLINED}, Kind.WITHDRAWN, "consent.nothing_to_withdraw"),
        (set(), Kind.PART_WITHDRAWN, "consent.nothing_to_withdraw"),
    ],
)
def test_a_refused_move_says_why(kinds: set[Kind], to: Kind, code: str) -> None:
    with pytest.raises(NotAllowed) as refusal:
        check_move(kinds, to)
    assert refusal.value.code == code


def test_no_outcome_is_ever_followed_by_another() -> None:
    for first, second in itertools.product(OUTCOMES, set(Kind) - TAKEN_BACK):
        with pytest.raises(NotAllowed):
            check_move({Kind.SIGNED, first}, second)


@pytest.mark.parametrize(
    ("kinds", "is_superseded", "days_left", "worth"),
    [
        (set(), False, None, Force.NONE),
        ({Kind.DECLINED}, False, None, Force.NONE),
        ({Kind.SIGNED, Kind.POSTPONED}, False, None, Force.NONE),
        ({Kind.SIGNED}, False, 10, Force.NOT_COUNTERSIGNED),
        ({Kind.SIGNED, Kind.COUNTERSIGNED}, False, None, Force.IN_FORCE),
        ({Kind.SIGNED, Kind.COUNTERSIGNED}, False, 0, Force.IN_FORCE),
        ({Kind.SIGNED, Kind.COUNTERSIGNED}, False, -1, Force.EXPIRED),
        ({Kind.SIGNED, Kind.COUNTERSIGNED}, True, 10, Force.SUPERSEDED),
        ({Kind.SIGNED, Kind.COUNTERSIGNED, Kind.PART_WITHDRAWN}, False, 10, Force.IN_FORCE),
        ({Kind.SIGNED, Kind.COUNTERSIGNED, Kind.WITHDRAWN}, True, -1, Force.WITHDRAWN),
        ({Kind.SIGNED, Kind.WITHDRAWN}, False, 10, Force.WITHDRAWN),
    ],
)
def test_what_a_consent_is_worth_today(
    kinds: set[Kind], is_superseded: bool, days_left: int | None, worth: Force
) -> None:
    today = date(2026, 11, 23)
    until = None if days_left is None else today + timedelta(days=days_left)
    assert force(kinds, is_superseded=is_superseded, valid_until=until, today=today) is worth


def test_every_way_through_ends_in_an_outcome_and_a_countersignature_has_a_signature_before_it() -> None:
    ways: list[tuple[Kind, ...]] = [()]
    ended = []
    while ways:
        way = ways.pop()
        # What is taken back in part ends nothing, and may be said as often as there is a part.
        allowed = [to for to in Kind if to is not Kind.PART_WITHDRAWN and _may(way, to)]
        ways += [(*way, to) for to in allowed]
        if not allowed:
            ended.append(way)
    assert {way[-1] for way in ended} == OUTCOMES - {Kind.COUNTERSIGNED}, "which can always be taken back"
    after_signing = (Kind.COUNTERSIGNED, Kind.CLOSED, Kind.WITHDRAWN)
    assert all(way[0] is Kind.SIGNED for way in ended if not set(after_signing).isdisjoint(way))
    assert max(map(len, ended)) == 3


def _may(way: tuple[Kind, ...], to: Kind) -> bool:
    try:
        check_move(frozenset(way), to)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("kinds", "stands"),
    [
        (set(), State.OPEN),
        ({Kind.SIGNED}, State.SIGNED),
        ({Kind.SIGNED, Kind.COUNTERSIGNED}, State.COUNTERSIGNED),
        ({Kind.SIGNED, Kind.CLOSED}, State.CLOSED),
        ({Kind.SIGNED, Kind.POSTPONED}, State.POSTPONED),
        ({Kind.POSTPONED}, State.POSTPONED),
        ({Kind.DECLINED}, State.DECLINED),
    ],
)
def test_the_state_is_worked_out_from_the_statements(kinds: set[Kind], stands: State) -> None:
    assert state(kinds) is stands


# ---- What a page asks ----


def clause(name: str, ack: str, *parts: str) -> dict[str, Any]:
    own = [{"id": part, "title": f"About {part}"} for part in parts]
    return {"id": name, "title": f"Title {name}", "ack": ack, "parts": own}


PAGE = {
    "id": "feel",
    "clauses": [clause("C1", "own"), clause("C2", "own", "itch", "red"), clause("C3", "none"), *(
        clause(name, "group") for name in ("C4", "C5")
    )],
}  # fmt: skip
READ_ONLY = {"id": "what", "clauses": [clause("C6", "none")]}


def test_own_clauses_ask_one_by_one_their_parts_each_and_group_clauses_together_last() -> None:
    assert parts_of(PAGE) == [
        {"id": "C1", "title": "Title C1"},
        {"id": "itch", "title": "About itch"},
        {"id": "red", "title": "About red"},
        {"id": "group-feel", "title": "Title C4; Title C5"},
    ]
    assert parts_of(READ_ONLY) == []


def test_a_page_is_open_until_its_last_part_is_answered_or_it_was_read() -> None:
    everything = {part["id"]: "understood" for part in parts_of(PAGE)}
    assert open_pages([READ_ONLY, PAGE], {}, frozenset()) == ["what", "feel"]
    assert open_pages([READ_ONLY, PAGE], everything, {"what"}) == []
    for missing in everything:
        rest = {part: reply for part, reply in everything.items() if part != missing}
        assert open_pages([READ_ONLY, PAGE], rest, {"what", "feel"}) == ["feel"]


@pytest.mark.parametrize(
    ("tries", "stands"),
    [
        ([], Teach.OPEN),
        (["b"], Teach.AGAIN),
        (["unsure"], Teach.AGAIN),
        (["a"], Teach.RIGHT),
        (["b", "a"], Teach.RIGHT),
        (["unsure", "a"], Teach.RIGHT),
        (["b", "b"], Teach.DOCTOR),
        (["unsure", "c"], Teach.DOCTOR),
        (["b", "c", "a"], Teach.DOCTOR),
    ],
)
def test_a_wrong_answer_is_explained_again_and_twice_wrong_is_the_doctors_to_explain(
    tries: list[str], stands: Teach
) -> None:
    assert teach_state("a", tries) is stands


# ---- Blanks ----


def test_a_blank_is_filled_wherever_it_stands() -> None:
    text = "Call {clinic_phone}. Again: {clinic_phone}, Dr {doctor_name}."
    blanks = {"clinic_phone": "98400", "doctor_name": "Rao", "unused": "x"}
    assert fill(text, blanks, ["clinic_phone", "doctor_name"]) == "Call 98400. Again: 98400, Dr Rao."
    assert fill("{not a blank} stays", {}, []) == "{not a blank} stays"


@pytest.mark.parametrize("value", [None, "", "   "])
@pytest.mark.parametrize("name", SETTING_OF)
def test_a_blank_nobody_filled_refuses_the_consent_and_names_the_setting(name: str, value: str | None) -> None:
    blanks = {} if value is None else {name: value}
    with pytest.raises(NotAllowed) as refusal:
        fill(f"See {{{name}}}", blanks, [name])
    assert refusal.value.code == "consent.blank_missing"
    assert refusal.value.facts == {"setting": SETTING_OF[name]}


# ---- Signatures ----


def pad(points: list[list[Any]], width: Any = 760, height: Any = 280) -> dict[str, Any]:
    keys = ("x", "y", "time", "pressure")
    return {
        "width": width,
        "height": height,
        "strokes": [{"points": [dict(zip(keys, p, strict=True)) for p in points]}],
    }


def refused(raw: Any, size: int = 100) -> str:
    with pytest.raises(Invalid) as refusal:
        read_strokes(raw, size)
    return refusal.value.code


LINE = [[10, 10, 0, 0.5], [90, 10, 16, 0.5]]


def test_a_signature_is_kept_as_points() -> None:
    drawn = read_strokes(json.loads(strokes()), 1000)
    assert (drawn.width, drawn.height, len(drawn.strokes), len(drawn.strokes[0])) == (760, 280, 1, 12)
    assert drawn.strokes[0][1] == (112, 140, 1016, 0.5)


def test_one_dot_is_no_signature_and_neither_are_many_nor_a_slip_of_the_finger() -> None:
    assert refused(pad([[10, 10, 0, 0.5]])) == "signature.too_short"
    assert refused(pad([[10, 10, n, 0.5] for n in range(500)])) == "signature.too_short"
    assert refused(pad([[10, 10, 0, 0.5], [49, 10, 1, 0.5]])) == "signature.too_short"
    assert read_strokes(pad([[10, 10, 0, 0.5], [50, 10, 1, 0.5]]), 100)
    many_dots = {"width": 760, "height": 280, "strokes": [pad([[n, n, n, 0.5]])["strokes"][0] for n in range(100)]}
    assert refused(many_dots) == "signature.too_short", "lifting the pen between dots draws no line"


def test_twenty_thousand_points_are_taken_and_one_more_is_not() -> None:
    most = [[n % 700, n % 200, n, 0.5] for n in range(MOST_POINTS)]
    assert sum(map(len, read_strokes(pad(most), 100).strokes)) == 20_000
    assert refused(pad([*most, [1, 1, 1, 0.5]])) == "signature.too_large"


def test_a_quarter_of_a_megabyte_is_taken_and_one_byte_more_is_not() -> None:
    assert read_strokes(pad(LINE), MOST_BYTES)
    assert refused(pad(LINE), MOST_BYTES + 1) == "signature.too_large"
    assert refused(None, 10 * 1024 * 1024) == "signature.too_large", "before anything of it is read"


NONSENSE: list[Any] = [
    *(None, 7, "", "strokes", [], {}, True, [1, 2], {"width": 760}, {"width": 760, "height": 280}),
    {"width": 760, "height": 280, "strokes": None},
    {"width": 760, "height": 280, "strokes": 7},
    {"width": 760, "height": 280, "strokes": {"points": []}},
    {"width": 760, "height": 280, "strokes": [None]},
    {"width": 760, "height": 280, "strokes": [{"points": 7}]},
    {"width": 760, "height": 280, "strokes": [{"points": [7]}]},
    {"width": 760, "height": 280, "strokes": [{"points": [{"x": 1}]}]},
    {"width": 760, "height": 280, "strokes": [[[1, 2, 3, 4]]]},
    *(pad(LINE, width=width) for width in (0, -760, 49, 5001, "wide", None, float("nan"), float("inf"), 10**400)),
    *(pad(LINE, height=height) for height in (0, float("nan"), [280])),
    *(pad([[x, 10, 0, 0.5], *LINE]) for x in (float("nan"), float("inf"), -10_000, 1e300, 10**400, "left", None, {})),
    *(pad([[10, 10, time, 0.5], *LINE]) for time in (-1, float("nan"), float("inf"), 1e15)),
    *(pad([[10, 10, 0, pressure], *LINE]) for pressure in (-0.1, 1.1, float("nan"))),
]


@pytest.mark.parametrize("raw", NONSENSE, ids=range(len(NONSENSE)))
def test_what_is_no_drawing_is_refused_as_unreadable(raw: Any) -> None:
    assert refused(raw) == "signature.unreadable"


def test_an_empty_drawing_is_too_short() -> None:
    assert refused({"width": 760, "height": 280, "strokes": []}) == "signature.too_short"
    assert refused({"width": 760, "height": 280, "strokes": [{"points": []}]}) == "signature.too_short"


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(some.sampled_from(["width", "height", "strokes", "points", "x", "y"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_json_arrives_it_is_a_drawing_or_refused(raw: Any) -> None:
    try:
        read_strokes(raw, 10)
    except Invalid as refusal:
        assert refusal.code.startswith("signature.")


NUMBER = some.floats(0, 700, allow_nan=False)
POINT = some.tuples(NUMBER, NUMBER, some.integers(0, 10**9), some.floats(0, 1)).map(list)


@given(some.lists(POINT, max_size=40))
def test_a_drawing_read_is_canonical_and_the_same_when_read_again(points: list[list[Any]]) -> None:
    try:
        drawn = read_strokes(pad(points), 10)
    except Invalid:
        return
    evidence = {"strokes": [[list(point) for point in stroke] for stroke in drawn.strokes]}
    assert canonical(json.loads(canonical(evidence))) == canonical(evidence)
    again = read_strokes(pad([list(point) for point in drawn.strokes[0]]), 10)
    assert again.strokes == drawn.strokes


# ---- Names inside a sentence ----


@pytest.mark.parametrize(
    ("name", "language", "inside"),
    [
        ("Mesotherapy for dark spots", "en", "mesotherapy for dark spots"),
        ("Mid-scalp", "en-IN", "mid-scalp"),
        ("Under the chin", "en_GB", "under the chin"),
        ("A small stubborn area", "en", "a small stubborn area"),
        ("PRP for hair loss", "en", "PRP for hair loss"),
        ("NCTF135 for the face", "en", "NCTF135 for the face"),
        ("I want the doctor to advise", "en", "I want the doctor to advise"),
        ("lips", "en", "lips"),
        ("", "en", ""),
        (" ", "en", " "),
        ("होंठ", "hi", "होंठ"),
        ("الشفاه", "ar", "الشفاه"),
        ("Mesotherapie gegen Haarausfall", "de", "Mesotherapie gegen Haarausfall"),
    ],
)
def test_inside_an_english_sentence_a_name_begins_small_unless_it_is_written_in_capitals(
    name: str, language: str, inside: str
) -> None:
    assert in_sentence(name, language) == inside


@given(some.text(), some.sampled_from(["en", "hi", "ar"]))
def test_inside_a_sentence_a_name_keeps_all_its_letters(name: str, language: str) -> None:
    assert in_sentence(name, language).casefold() == name.casefold()
