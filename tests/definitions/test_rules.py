"""Which items are asked, what of the answers exists, and how an answer reads: the pure rules of questionnaires."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.definitions.library_files import bundled_contents
from intake.definitions.loader import load
from intake.definitions.rules import (
    Answers,
    Item,
    ItemType,
    Option,
    Questionnaire,
    Text,
    answer_text,
    enabled,
    initial_answers,
    number,
    strip,
    visible_sections,
)

SAMPLES = Path(__file__).parent.parent / "samples"
YES, NO = [{"valueBoolean": True}], [{"valueBoolean": False}]


def sample(name: str) -> Questionnaire:
    return load((SAMPLES / f"{name}.json").read_bytes())


def code(*codes: str) -> list[dict[str, Any]]:
    return [{"valueCoding": {"code": one}} for one in codes]


def on(form: str, /, **answers: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    return enabled(sample(form), answers)


# ---- What is asked ----


def test_an_item_without_conditions_is_asked_when_its_parent_is() -> None:
    assert {"smoking", "habits", "daily", "pipe", "curved"} <= on("disabled-ancestor", smoker=YES)


def test_a_group_that_is_not_asked_hides_everything_below_it() -> None:
    assert on("disabled-ancestor", smoker=NO, daily=YES, pipe=YES) == {"smoker"}


def test_a_question_below_a_question_is_asked_with_it() -> None:
    assert "curved" in on("disabled-ancestor", smoker=YES)


def test_an_answer_that_is_no_longer_asked_decides_nothing() -> None:
    assert "names" in on("disabled-source", pregnant=YES, twins=YES)
    assert "names" not in on("disabled-source", pregnant=NO, twins=YES)


def test_exists_asks_whether_there_is_an_answer() -> None:
    assert "answered" in on("operators", colour=code("blue"))
    assert "unanswered" not in on("operators", colour=code("blue"))
    assert "unanswered" in on("operators")
    assert "unanswered" in on("operators", colour=[])


def test_equal_holds_if_some_answer_equals() -> None:
    assert "red" in on("operators", colour=code("green", "red"))
    assert "red" not in on("operators", colour=code("green"))
    assert "asha" in on("operators", name=[{"valueString": "Asha"}])


def test_not_equal_holds_if_no_answer_equals_so_also_without_an_answer() -> None:
    assert "not-red" in on("operators")
    assert "not-red" in on("operators", colour=code("green"))
    assert "not-red" not in on("operators", colour=code("green", "red"))


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (17, {"child", "up-to-18"}),
        (18, {"adult", "up-to-18"}),
        (19, {"adult", "over-18"}),
    ],
)
def test_numbers_are_ordered(age: int, expected: set[str]) -> None:
    names = {"adult", "child", "over-18", "up-to-18"}
    assert on("operators", age=[{"valueInteger": age}]) & names == expected


def test_an_ordering_without_an_answer_is_false() -> None:
    assert not on("operators") & {"adult", "child", "over-18", "up-to-18", "light", "this-century"}


def test_an_ordering_needs_an_answer_of_the_same_kind() -> None:
    assert "adult" not in on("operators", age=[{"valueString": "40"}])


def test_decimals_are_compared_exactly() -> None:
    assert "exactly" in on("operators", weight=[{"valueDecimal": 50.50}])
    assert "light" in on("operators", weight=[{"valueDecimal": 50.4}])
    assert "light" not in on("operators", weight=[{"valueDecimal": 50.5}])


def test_dates_are_compared_as_text_of_equal_precision() -> None:
    assert "this-century" in on("operators", day=[{"valueDate": "2000-01-01"}])
    assert "this-century" not in on("operators", day=[{"valueDate": "1999-12-31"}])
    assert "this-century" not in on("operators", day=[{"valueDate": "2020"}])


def test_a_code_counts_as_the_same_unless_both_sides_name_different_systems() -> None:
    named = [{"valueCoding": {"system": "https://one.example", "code": "latex"}}]
    asked = on("coding-systems", allergy=named)
    assert {"same", "unnamed"} <= asked
    assert "different" not in asked
    assert {"same", "unnamed", "different"} <= on("coding-systems", allergy=code("latex"))


def test_any_needs_one_condition_and_all_needs_every_one() -> None:
    one = on("any-and-all", first=YES, second=NO)
    assert "either" in one
    assert "both" not in one
    assert "both" in on("any-and-all", first=YES, second=YES)
    assert not on("any-and-all") & {"either", "both"}


def test_a_question_may_depend_on_a_later_page() -> None:
    assert "detail" not in on("forward-reference")
    assert "detail" in on("forward-reference", gate=YES)


def test_an_initial_value_counts_from_the_moment_the_response_begins() -> None:
    questionnaire = sample("hidden-initial")
    assert "local" not in enabled(questionnaire, {})
    begun = initial_answers(questionnaire)
    assert begun == {"site": [{"valueString": "Pune"}]}
    assert "local" in enabled(questionnaire, begun)


def test_a_hidden_item_is_submitted_although_no_page_shows_it() -> None:
    questionnaire = sample("hidden-initial")
    assert strip(questionnaire, initial_answers(questionnaire)) == {"site": [{"valueString": "Pune"}]}
    assert questionnaire.items["site"].hidden


# ---- What exists of the answers ----


def test_stripping_keeps_only_the_answers_of_questions_that_are_asked() -> None:
    answers = {"names": YES, "twins": YES, "pregnant": NO}
    assert strip(sample("disabled-source"), answers) == {"pregnant": NO}


def test_the_draft_is_left_alone_so_that_going_back_restores_it() -> None:
    draft = {"twins": YES, "pregnant": NO}
    strip(sample("disabled-source"), draft)
    assert strip(sample("disabled-source"), {**draft, "pregnant": YES}) == {"pregnant": YES, "twins": YES}


def test_stripping_drops_unknown_questions_and_empty_answers() -> None:
    assert strip(sample("any-and-all"), {"first": [], "third": YES, "second": NO}) == {"second": NO}


def test_only_pages_with_something_to_ask_are_visible() -> None:
    questionnaire = sample("forward-reference")
    assert [section.id for section in visible_sections(questionnaire, {})] == ["page-two"]
    assert [section.id for section in visible_sections(questionnaire, {"gate": YES})] == ["page-one", "page-two"]


def test_items_outside_groups_are_gathered_into_pages_in_order() -> None:
    sections = sample("loose-items").sections
    assert [(section.group, section.items) for section in sections] == [
        (None, ("first", "second")),
        ("middle", ("inside",)),
        (None, ("last",)),
    ]


def _any_answers(questionnaire: Questionnaire) -> st.SearchStrategy[dict[str, list[Any]]]:
    """Answers to some of the questions, asked or not."""

    def values(item: Item) -> st.SearchStrategy[list[Any]]:
        if item.is_choice:
            chosen = st.lists(st.sampled_from([option.value for option in item.options]), min_size=1, max_size=3)
            return chosen if item.repeats else chosen.map(lambda some: some[:1])
        if item.type == ItemType.BOOLEAN:
            return st.booleans().map(lambda yes: [{"valueBoolean": yes}])
        return st.just([{"valueString": "words"}])

    return st.fixed_dictionaries({}, optional={item.link_id: values(item) for item in questionnaire.questions})


ALL = bundled_contents().questionnaire


@given(_any_answers(ALL))
@settings(max_examples=60)
def test_no_answer_of_a_question_that_is_not_asked_survives_whatever_was_answered(answers: Answers) -> None:
    on = enabled(ALL, answers)
    kept = strip(ALL, answers)
    assert kept.keys() == {link_id for link_id in answers if link_id in on}
    assert enabled(ALL, kept) == on
    assert strip(ALL, kept) == kept
    for link_id in on:
        parent = ALL.parents.get(link_id)
        assert parent is None or parent in on


# ---- How an answer reads ----


def test_words_fall_back_to_the_main_language_and_then_to_the_base() -> None:
    text = Text.of({"en": "Yes", "hi": "हाँ"})
    assert text.get("hi") == text.get("hi-IN") == "हाँ"
    assert text.get("ar") == str(text) == "Yes"
    assert text.languages == ("en", "hi")
    assert not Text() and Text().get("en") == ""


@pytest.mark.parametrize(
    ("type_", "values", "language", "words"),
    [
        (ItemType.BOOLEAN, YES, "en", "Yes"),
        (ItemType.BOOLEAN, NO, "hi", "नहीं"),
        (ItemType.BOOLEAN, YES, "fr", "Yes"),
        (ItemType.DATE, [{"valueDate": "1990-05-01"}], "en", "1 May 1990"),
        (ItemType.DATE, [{"valueDate": "1990-05-01"}], "hi-IN", "1 मई 1990"),
        (ItemType.DATE, [{"valueDate": "1990-13-01"}], "en", "1990-13-01"),
        (ItemType.DATE, [{"valueDate": "1990-05-01"}], "xx", "1990-05-01"),
        (ItemType.STRING, [{"valueString": "🙂 مرحبا"}], "en", "🙂 مرحبا"),
        (ItemType.DECIMAL, [{"valueDecimal": 70.5}], "en", "70.5 kg"),
        (ItemType.CHOICE, code("a", "b"), "en", "First, or so; Second"),
        (ItemType.CHOICE, code("gone"), "en", "gone"),
        (ItemType.OPEN_CHOICE, [*code("b"), {"valueString": "Else"}], "en", "Second; Else"),
        (ItemType.STRING, [], "en", ""),
    ],
)
def test_an_answer_reads_in_plain_words(type_: ItemType, values: list[Any], language: str, words: str) -> None:
    options = (Option("a", Text.of({"en": "First, or so"})), Option("b", Text.of({"en": "Second"})))
    unit = "kg" if type_ == ItemType.DECIMAL else None
    item = Item("x", type_, options=options if type_ in (ItemType.CHOICE, ItemType.OPEN_CHOICE) else (), unit=unit)
    assert answer_text(item, values, language) == words


@pytest.mark.parametrize(
    ("raw", "amount"),
    [(1, Decimal(1)), (70.5, Decimal("70.5")), ("x", None), (True, None), (float("nan"), None), (None, None)],
)
def test_only_numbers_are_numbers(raw: object, amount: Decimal | None) -> None:
    assert number(raw) == amount
