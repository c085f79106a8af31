"""From what a person typed to a value, or to the reason why not: pure rules."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.answers.rules import (
    LONGEST_NAME,
    Draft,
    Problem,
    Reading,
    ascii_digits,
    clean,
    is_complete,
    is_telephone,
    merge,
    open_sections,
    read,
    read_date,
    read_phone,
    short_name,
    short_names,
)
from intake.answers.script import conditions_for
from intake.definitions.rules import (
    Condition,
    Item,
    ItemType,
    Operator,
    Option,
    Questionnaire,
    Section,
    Text,
    Value,
)

TODAY = date(2026, 11, 23)
YES, NO = {"valueCoding": {"code": "yes"}}, {"valueCoding": {"code": "no"}}


def words(text: str) -> Text:
    """English words."""
    return Text.of({"en": text})


def choice(*codes: str, alone: str = "none", name: str = "a.choice", text: str = "Which?", **more: Any) -> Item:
    """A question with these options."""
    options = tuple(Option(code, words(code), exclusive=code == alone) for code in codes)
    return Item(name, ItemType.CHOICE, words(text), options=options, **more)


def number(kind: ItemType = ItemType.INTEGER, **more: Any) -> Item:
    """A question for a number."""
    return Item("a.number", kind, words("How many?"), **more)


DAY = Item("a.day", ItemType.DATE, words("When?"), required=True, past=True)
NAME = Item("a.name", ItemType.STRING, words("Name"), required=True, max_length=200)
PHONE_SHAPE = r"[+\(]?\d[\d \(\)\-]{5,17}\d"
PHONE = Item("a.phone", ItemType.STRING, words("Phone"), required=True, min_length=7, max_length=20, regex=PHONE_SHAPE)


def values(item: Item, *raw: str) -> list[Any]:
    """What was read, as plain values."""
    return [next(iter(value.values())) for value in read(item, raw, TODAY).values]


def problem(item: Item, *raw: str) -> Problem | None:
    """Why it cannot be taken."""
    return read(item, raw, TODAY).problem


@pytest.mark.parametrize("typed", ["7\u0662\u06f3\u0967", "७23१"])
def test_digits_of_any_script_become_ascii(typed: str) -> None:
    assert ascii_digits(typed).isascii()


def test_a_superscript_is_no_digit() -> None:
    assert ascii_digits("m²") == "m²"


def test_text_is_kept_as_typed_but_for_control_characters_and_outer_space() -> None:
    assert clean("  Zoe\u0308 🌸\r\nسارة\x00\x07  ") == "Zoë 🌸\nسارة"


@given(st.text())
def test_any_text_is_read_or_refused_for_its_length_never_crashes(typed: str) -> None:
    reading = read(NAME, [typed], TODAY)
    assert bool(reading.values) != bool(reading.problem)


@given(st.lists(st.text(), max_size=5))
def test_any_three_boxes_are_a_date_or_a_reason(boxes: list[str]) -> None:
    found = read_date(boxes)
    assert found is None or isinstance(found, date) or found.problem is not None


def test_an_empty_answer_is_missing_only_where_it_is_required() -> None:
    assert problem(NAME, "   ") is Problem.MISSING
    assert problem(Item("a", ItemType.STRING), "") is None
    assert problem(choice("yes", "no", required=True)) is Problem.MISSING
    assert problem(choice("yes", "no", required=True, repeats=True)) is Problem.MISSING_MANY
    assert problem(Item("a", ItemType.BOOLEAN, acknowledgement=True, required=True)) is Problem.MISSING_ACK


def test_the_longest_name_is_taken_and_one_letter_more_is_not() -> None:
    assert values(NAME, "x" * 200) == ["x" * 200]
    assert problem(NAME, "x" * 201) is Problem.TOO_LONG
    assert read(NAME, ["x" * 5000], TODAY).limit == "200"


@pytest.mark.parametrize("typed", ["98400 00421", "+91 98400 00421", "(044) 2345-6789", "९८४०० ००४२१"])
def test_a_phone_number_may_be_written_as_people_write_it(typed: str) -> None:
    assert values(PHONE, typed) == [ascii_digits(typed)]


@pytest.mark.parametrize(
    "typed",
    ["98400 CALL", "98abc", "call me", "12", "9840000421\nx", "234 567", "9" * 16, "98400 00421" * 500, "²" * 9],
)
def test_whatever_is_no_phone_number_is_told_so_before_its_length_counts(typed: str) -> None:
    assert problem(PHONE, typed) is Problem.PHONE


@given(st.text(alphabet="0123456789०٣ .()+-\u00a0\u2011", max_size=24))
def test_every_number_the_desk_takes_is_taken_from_the_patient_too(typed: str) -> None:
    assert (read_phone(typed) is None) == (read(PHONE, [typed], TODAY).values == ())


def test_dots_and_printed_hyphens_become_plain_signs() -> None:
    assert values(PHONE, "044.2811.1234") == ["044 2811 1234"]
    assert values(PHONE, "98400\u00a000\u2011421") == ["98400 00-421"]


@pytest.mark.parametrize(
    ("shape", "is_one"),
    [(PHONE_SHAPE, True), (r"[6-9]\d{9}", True), (r"\d{6}", False), (r"[^@\s]+@[^@\s]+", False), (".*", False)],
)
def test_a_question_for_a_phone_number_is_known_by_what_its_pattern_takes(shape: str, is_one: bool) -> None:
    assert is_telephone(Item("a", ItemType.STRING, regex=shape)) is is_one
    assert not is_telephone(NAME)


def test_a_pattern_that_is_stricter_than_a_phone_number_is_obeyed() -> None:
    indian = Item("a.phone", ItemType.STRING, regex=r"[6-9]\d{9}")
    assert problem(indian, "1234567890") is Problem.PATTERN
    assert values(indian, "९८४००००४२१") == ["9840000421"]


def test_the_shape_of_an_answer_is_judged_before_its_length() -> None:
    mail = Item("a.mail", ItemType.STRING, regex=r"[^@\s]+@[^@\s]+", min_length=6)
    assert problem(mail, "ann") is Problem.PATTERN
    assert (problem(mail, "a@b"), read(mail, ["a@b"], TODAY).limit) == (Problem.TOO_SHORT, "6")


def test_only_offered_options_are_taken_each_once_in_the_order_of_the_form() -> None:
    many = choice("a", "b", "c", repeats=True)
    assert values(many, "c", "a", "c") == [{"code": "a"}, {"code": "c"}]
    assert problem(many, "a", "z") is Problem.UNKNOWN_OPTION
    assert problem(choice("a", "b"), "a", "b") is Problem.UNKNOWN_OPTION


def test_no_fewer_and_no_more_answers_are_taken_than_the_definition_allows() -> None:
    two_or_three = choice("a", "b", "c", "d", "none", repeats=True, min_occurs=2, max_occurs=3)
    assert read(two_or_three, ["a"], TODAY) == Reading(problem=Problem.TOO_FEW, limit="2")
    assert read(two_or_three, ["a", "b", "c", "d"], TODAY) == Reading(problem=Problem.TOO_MANY, limit="3")
    assert values(two_or_three, "d", "a", "a") == [{"code": "a"}, {"code": "d"}]
    assert problem(two_or_three) is None, "a question that may be left open may be left open"
    assert values(two_or_three, "none") == [{"code": "none"}], "an answer that stands alone cannot be one of two"


def test_none_of_these_stands_alone() -> None:
    many = choice("a", "none", repeats=True)
    assert problem(many, "a", "none") is Problem.EXCLUSIVE
    assert values(many, "none") == [{"code": "none"}]


@pytest.mark.parametrize(
    ("typed", "kept"), [("72", 72), (" ७२ ", 72), ("+5", 5), ("-3", -3), ("072", 72), ("72.0", 72)]
)
def test_whole_numbers(typed: str, kept: int) -> None:
    assert values(number(), typed) == [kept]


@pytest.mark.parametrize(("typed", "kept"), [("72.5", 72.5), ("72,5", 72.5), ("٧٢٫٥", 72.5), ("72", 72.0)])
def test_decimals_with_a_point_a_comma_or_an_arabic_separator(typed: str, kept: float) -> None:
    assert values(number(ItemType.DECIMAL), typed) == [kept]


@pytest.mark.parametrize(
    ("typed", "most", "why"),
    [
        ("72.55", 1, Problem.TOO_PRECISE),
        ("72,125", 2, Problem.TOO_PRECISE),
        ("72.5", 0, Problem.NOT_WHOLE),
        ("72.50", 1, None),
        ("72", 1, None),
        ("-0.5", 1, None),
        ("72.123456", None, None),
    ],
)
def test_no_more_decimals_are_taken_than_the_definition_allows(typed: str, most: int | None, why: Problem) -> None:
    assert problem(number(ItemType.DECIMAL, max_decimals=most), typed) is why


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("about 70", Problem.NOT_A_NUMBER),
        ("7e3", Problem.NOT_A_NUMBER),
        ("NaN", Problem.NOT_A_NUMBER),
        ("1234567890", Problem.NOT_A_NUMBER),
        ("1.2.3", Problem.NOT_A_NUMBER),
        ("72.5", Problem.NOT_WHOLE),
        ("29", Problem.TOO_SMALL),
        ("251", Problem.TOO_LARGE),
    ],
)
def test_numbers_that_cannot_be(typed: str, why: Problem) -> None:
    assert problem(number(min=Decimal(30), max=Decimal(250)), typed) is why


def test_yes_and_no_are_the_only_truths() -> None:
    item = Item("a", ItemType.BOOLEAN)
    assert (values(item, "true"), values(item, "false")) == ([True], [False])
    assert problem(item, "maybe") is Problem.UNKNOWN_OPTION


@pytest.mark.parametrize(
    "boxes",
    [("4", "3", "1968"), ("04", "03", "1968"), ("4", "March", "1968"), ("4", "mar.", "1968"), ("४", "मार्च", "१९६८")],
)
def test_a_date_may_be_written_in_many_ways(boxes: Sequence[str]) -> None:
    assert values(DAY, *boxes) == ["1968-03-04"]


@pytest.mark.parametrize("name", ["फ़रवरी", "फ\u093cरवरी", "फरवरी", "FEB", "february"])
def test_a_month_is_known_however_its_letters_are_composed(name: str) -> None:
    assert read_date(["29", name, "1968"]) == date(1968, 2, 29)


@pytest.mark.parametrize(
    ("boxes", "why"),
    [
        (("31", "2", "1968"), Problem.DATE_IMPOSSIBLE),
        (("29", "2", "1900"), Problem.DATE_IMPOSSIBLE),
        (("31", "April", "1968"), Problem.DATE_IMPOSSIBLE),
        (("4", "Marsh", "1968"), Problem.DATE_MONTH),
        (("4", "13", "1968"), Problem.DATE_MONTH),
        (("4", "0", "1968"), Problem.DATE_MONTH),
        (("32", "3", "1968"), Problem.DATE_DAY),
        (("0", "3", "1968"), Problem.DATE_DAY),
        (("²", "3", "1968"), Problem.DATE_DAY),
        (("four", "13", "56"), Problem.DATE_DAY),
        (("4", "3", "56"), Problem.DATE_YEAR),
        (("4", "3", "५६"), Problem.DATE_YEAR),
        (("4", "3", "0068"), Problem.DATE_YEAR),
        (("4", "3", "nineteen"), Problem.DATE_YEAR),
        (("4", "3", "9" * 5000), Problem.DATE_YEAR),
        (("4", "3", ""), Problem.DATE_INCOMPLETE),
        (("24", "11", "2026"), Problem.DATE_FUTURE),
        (("31", "12", "1899"), Problem.DATE_TOO_OLD),
        (("", "", ""), Problem.MISSING),
    ],
)
def test_dates_that_cannot_be(boxes: Sequence[str], why: Problem) -> None:
    assert problem(DAY, *boxes) is why


def test_a_day_that_its_month_lacks_names_the_month() -> None:
    assert read_date(["31", "apr", "1968"]) == Reading(problem=Problem.DATE_IMPOSSIBLE, limit="1968-04")


def test_today_is_not_in_the_future() -> None:
    assert values(DAY, "23", "11", "2026") == ["2026-11-23"]


def ask(link_id: str, *, when: Sequence[Condition] = (), required: bool = True, items: tuple[str, ...] = ()) -> Item:
    """A yes-or-no question, perhaps with a condition."""
    options = (Option("yes", words("Yes")), Option("no", words("No")))
    kind = ItemType.GROUP if items else ItemType.CHOICE
    return Item(link_id, kind, words(link_id), required=required, options=options, conditions=tuple(when), items=items)


def is_yes(source: str) -> Condition:
    """Asked only if another question is answered with yes."""
    return Condition(source, Operator.EQUAL, YES)


def form(*pages: Sequence[Item]) -> Questionnaire:
    """A questionnaire with a page for each list of items."""
    items = {item.link_id: item for page in pages for item in page}
    sections = tuple(
        Section(f"s{n}", words(f"Page {n}"), tuple(item.link_id for item in page)) for n, page in enumerate(pages)
    )
    parents = {child: item.link_id for item in items.values() for child in item.items}
    return Questionnaire("u", "1", words("t"), ("en",), sections, items, parents, tuple(items), "h")


TWO = form([ask("smoke"), ask("cigars", when=[is_yes("smoke")])], [ask("walk"), ask("sea", when=[is_yes("smoke")])])


def said(**answers: Value) -> dict[str, list[Value]]:
    """Answers by linkId."""
    return {link_id: [value] for link_id, value in answers.items()}


def test_a_page_is_complete_when_it_was_saved_and_everything_asked_has_an_answer() -> None:
    page = TWO.sections[0]
    assert not is_complete(TWO, page, Draft(said(smoke=NO)))
    assert is_complete(TWO, page, Draft(said(smoke=NO), frozenset({"s0"})))
    assert not is_complete(TWO, page, Draft(said(smoke=YES), frozenset({"s0"})))
    assert [s.id for s in open_sections(TWO, Draft(said(smoke=NO), frozenset({"s0"})))] == ["s1"]


def test_an_answer_to_a_question_that_is_not_asked_is_dropped_and_named() -> None:
    merged, dropped = merge(TWO, Draft(), said(smoke=NO, cigars=YES))
    assert (merged, dropped) == (said(smoke=NO), ["cigars"])


def test_what_a_new_answer_hides_stays_in_the_draft() -> None:
    before = Draft(said(smoke=YES, cigars=YES))
    merged, dropped = merge(TWO, before, {**said(smoke=NO), "cigars": []})
    assert dropped == [] and merged["smoke"] == [NO]
    hidden, dropped = merge(TWO, before, said(smoke=NO, cigars=NO))
    assert (hidden["cigars"], dropped) == ([YES], ["cigars"])


def test_the_script_gets_the_conditions_of_the_page_and_the_answers_given_elsewhere() -> None:
    told = conditions_for(TWO, TWO.sections[1], said(smoke=YES))
    smoked = {"sources": ["smoke"], "op": "=", "kind": "text", "value": "yes"}
    assert told == {
        "items": {"sea": {"parent": None, "any": False, "when": [smoked]}},
        "answers": {"smoke": ["yes"]},
    }


def test_what_lies_behind_an_answer_given_elsewhere_comes_with_its_own_conditions() -> None:
    chain = form([ask("a"), ask("b", when=[is_yes("a")])], [ask("c", when=[is_yes("b")])])
    told = conditions_for(chain, chain.sections[1], said(a=NO, b=YES))
    assert told["answers"] == {"a": ["no"], "b": ["yes"]}
    assert list(told["items"]) == ["b", "c"]


def test_a_question_is_named_by_its_first_sentence_or_by_a_line_of_its_words() -> None:
    assert short_name("What would you like help with? Tick all that apply.") == "What would you like help with?"
    assert short_name("Your sex (as it matters for medical care)") == "Your sex (as it matters for medical care)"
    assert short_name("My answers are true. I will tell.") == "My answers are true"
    assert short_name("क्या यह सही है। हाँ या नहीं?") == "क्या यह सही है।"
    assert short_name("") == ""
    long = short_name("Do you have a lip or mouth sore, white or red patch, or crack that lasted more than 2 weeks?")
    assert long == "Do you have a lip or mouth sore, white or red patch, or…" and len(long) <= LONGEST_NAME + 1


def test_questions_that_say_the_same_are_told_apart_by_their_first_answers() -> None:
    one = choice("asthma (any kind)", "kidneys", "liver", name="one", text="Do you have any of these?")
    two = choice("lupus", "none", name="two", text="Do you have any of these?")
    other = choice("a", name="other", text="Have you ever had cancer?")
    assert short_names([one, two, other], "en") == {
        "one": "Do you have any of these? (asthma, kidneys, …)",
        "two": "Do you have any of these? (lupus, none, …)",
        "other": "Have you ever had cancer?",
    }


def test_questions_that_begin_alike_are_told_apart_by_all_their_words_and_boxes_by_their_number() -> None:
    texts = ("Since when? Before the treatment", "Since when? After the treatment")
    first, second = (Item(str(n), ItemType.STRING, words(text)) for n, text in enumerate(texts))
    assert short_names([first, second], "en") == {"0": texts[0], "1": texts[1]}
    same = [Item(str(n), ItemType.STRING, words("Where?")) for n in range(2)]
    assert short_names(same, "en") == {"0": "Where? (1)", "1": "Where? (2)"}
