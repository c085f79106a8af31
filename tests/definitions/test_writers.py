"""Every key of the shorthand is written as FHIR has it and reads back as what was meant; slips name their line."""

import json
from decimal import Decimal
from typing import Any

import pytest

from intake.definitions.loader import load
from intake.definitions.problems import DefinitionError
from intake.definitions.rules import Condition, Flag, FlagSeverity, Operator, Questionnaire, Text
from intake.definitions.shorthand import compile_shorthand, lines_of
from intake.definitions.writers import without_marks
from intake.definitions.yamlfile import Translated

HEAD = """\
url: https://clinic.example/Questionnaire/q
version: 1.2.0
languages: [en]
title: Questions
sections:
  - id: health
    title: Your health
    items:
"""


def made(items: str) -> Questionnaire:
    return load(compile_shorthand(HEAD + items, "q.yaml"))


def fhir(items: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(compile_shorthand(HEAD + items, "q.yaml"))["item"][0]["item"]
    return found


def slips(items: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        compile_shorthand(HEAD + items, "q.yaml")
    return [str(problem) for problem in caught.value.problems]


KILOS = {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}


def test_a_quantity_has_its_unit_in_limits_conditions_and_what_it_starts_with() -> None:
    items = made("""\
      - {id: weight, type: quantity, unit: kg, min: 20, max: 350.5, decimals: 1, initial: 70, text: Weight}
      - {id: why, type: text, text: Why, when: weight >= 120.5}
""").items
    weight = items["weight"]
    assert (weight.unit, dict(weight.unit_code), weight.max_decimals) == ("kg", KILOS, 1)
    assert (weight.min, weight.max) == (Decimal(20), Decimal("350.5"))
    assert weight.initial == ({"valueQuantity": {"value": 70, **KILOS}},)
    assert items["why"].conditions == (
        Condition("weight", Operator.GREATER_OR_EQUAL, {"valueQuantity": {"value": 120.5, **KILOS}}),
    )


def test_a_group_may_be_answered_several_times() -> None:
    read = made("""\
      - id: medicine
        type: group
        multiple: true
        min_answers: 1
        max_answers: 4
        text: Medicines
        items:
          - {id: name, type: string, required: true, text: Name}
          - {id: dose, type: string, text: Dose, when: name exists}
""")
    group = read.items["medicine"]
    assert (group.is_repeating_group, group.min_occurs, group.max_occurs) == (True, 1, 4)
    assert read.entries == {"medicine": 1}


def test_an_answer_can_be_flagged_on_its_item_and_on_its_option() -> None:
    items = made("""\
      - id: pregnant
        type: boolean
        text: Pregnant
        flag: {when: true, severity: contraindication, text: Do not treat}
      - id: weight
        type: integer
        text: Weight
        flag:
          - {when: 30, severity: caution, text: {en: Very light, hi: बहुत कम}}
          - {when: 200, severity: info, text: Very heavy}
      - id: allergy
        type: choice
        text: Allergy
        options:
          latex: {en: Latex, flag: {severity: caution, text: Gloves}}
          none: None
        flag: {when: none, severity: info, text: Says none}
""").items
    assert items["pregnant"].flags == (
        Flag(FlagSeverity.CONTRAINDICATION, Text.of({"en": "Do not treat"}), {"valueBoolean": True}),
    )
    assert [(flag.value, flag.text.get("hi")) for flag in items["weight"].flags] == [
        ({"valueInteger": 30}, "बहुत कम"),
        ({"valueInteger": 200}, "Very heavy"),
    ]
    latex, none = items["allergy"].options
    assert (latex.flag, none.flag) == (Flag(FlagSeverity.CAUTION, Text.of({"en": "Gloves"})), None)
    assert items["allergy"].flags[0].value == {"valueCoding": {"code": "none"}}


def test_words_for_the_doctor_need_no_translation() -> None:
    source = Translated(
        HEAD + "      - {id: a, type: boolean, text: A, flag: {when: true, severity: info, text: Seen}}\n",
        ("en", "hi"),
        {"hi": {"Questions": "सवाल", "Your health": "सेहत", "A": "अ"}},
    )
    assert load(compile_shorthand(source, "q.yaml")).languages == ("en", "hi")
    assert "Seen" not in source.strings


def test_prefix_short_label_link_and_a_list_side_by_side_read_back() -> None:
    read = made("""\
      - id: a
        type: choice
        prefix: {en: 1., hi: १.}
        short: Smokes
        link: https://clinic.example/smoking
        horizontal: true
        text: Do you smoke?
        options: {yes: {en: Yes, prefix: {en: a), hi: क)}}, no: No}
""").items["a"]
    assert (read.prefix.get("hi"), str(read.short), read.link) == ("१.", "Smokes", "https://clinic.example/smoking")
    assert read.is_horizontal
    assert [option.prefix.get("hi") for option in read.options] == ["क)", ""]


def test_several_answers_may_be_given_beforehand() -> None:
    text = "      - {id: a, type: choice, multiple: true, text: A, options: {x: X, y: Y}, initial: [x, y]}\n"
    assert made(text).items["a"].initial == ({"valueCoding": {"code": "x"}}, {"valueCoding": {"code": "y"}})


def test_marks_are_kept_beside_words_that_read_without_them_in_every_language() -> None:
    [item] = fhir("""\
      - {id: a, type: display, markdown: true, text: {en: 'Stop **now**.', hi: '**अभी** रुकें।'}}
""")
    assert item["text"] == "Stop now."
    marked, translated = item["_text"]["extension"]
    assert marked["url"].endswith("rendering-markdown") and marked["valueMarkdown"] == "Stop **now**."
    assert translated["extension"][1] == {"url": "content", "valueString": "अभी रुकें।"}
    read = made("      - {id: a, type: display, markdown: true, text: {en: 'Stop **now**.', hi: '**अभी** रुकें।'}}\n")
    assert (read.items["a"].text.get("hi"), read.items["a"].markdown.get("hi")) == ("अभी रुकें।", "**अभी** रुकें।")


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("**Stop** taking *aspirin* and _warfarin_", "Stop taking aspirin and warfarin"),
        ("***both*** and __bold__", "both and bold"),
        ("## Before\n\n- one\n- **two**\n1. three\n> said", "Before\n\n• one\n• two\n1. three\nsaid"),
        ("2 * 3 * 4, snake_case_name, a\\*b", "2 * 3 * 4, snake_case_name, a*b"),
        ("see [our page](https://clinic.example) and `code`", "see our page and code"),
    ],
)
def test_words_read_well_without_their_marks(marked: str, plain: str) -> None:
    assert without_marks(marked) == plain


def test_it_is_known_on_which_line_an_item_stands() -> None:
    text = (
        HEAD + "      - id: a\n        type: group\n        text: A\n        items:\n"
        "          - {id: b, type: boolean, text: B}\n"
    )
    assert lines_of(text, "q.yaml") == {"health": "q.yaml:6", "a": "q.yaml:9", "b": "q.yaml:13"}


@pytest.mark.parametrize(
    ("line", "slip"),
    [
        (
            "{id: a, type: boolean, text: A, flag: {when: true, severity: bad, text: T}}",
            "Y05 q.yaml:9: there is no sev",
        ),
        ("{id: a, type: boolean, text: A, flag: {severity: info, text: T}}", "Y03 q.yaml:9: 'when' is missing"),
        (
            "{id: a, type: boolean, text: A, flag: {when: 3, severity: info, text: T}}",
            "Y04 q.yaml:9: '3' is not a value",
        ),
        (
            "{id: a, type: boolean, text: A, flag: {when: true, severity: info, text: {hi: क}}}",
            "Y03 q.yaml:9: words by",
        ),
        (
            "{id: a, type: choice, text: A, options: {x: {en: X, flag: {severity: info}}}}",
            "Y03 q.yaml:9: 'text' is mis",
        ),
        ("{id: a, type: choice, text: A, options: {x: X}, initial: y}", "Y05 q.yaml:9: 'a' has no option 'y'"),
        (
            "{id: a, type: boolean, text: A, link: 'http://clinic.example'}",
            "Y04 q.yaml:9: 'http://clinic.example' is not",
        ),
        ("{id: a, type: boolean, text: A, markdown: yes}", "Y04 q.yaml:9: true or false is expected"),
        ("{id: a, type: integer, text: A, min: 99999999999}", "Y04 q.yaml:9: '99999999999' is not a value"),
        ("{id: a, type: integer, text: A, min: 1_000}", "Y04 q.yaml:9: '1_000' is not a value"),
        ("{id: a, type: decimal, text: A, min: nan}", "Y04 q.yaml:9: 'nan' is not a value"),
        ("{id: a, type: quantity, text: A, initial: many}", "Y04 q.yaml:9: 'many' is not a value"),
        ("{id: a, type: string, text: A, max_length: -1}", "Y04 q.yaml:9: -1 is not a number of"),
        ("{id: a, type: string, text: A, max_length: " + "9" * 5000 + "}", "Y04 q.yaml:9: a whole number is expected"),
        ("{id: a, type: boolean, text: A, when: a exists perhaps}", "Y06 q.yaml:9: 'a exists perhaps' says more"),
        ('{id: a, type: boolean, text: "\\ud800"}', "Y04 q.yaml:9: this text holds half a letter"),
    ],
)
def test_a_slip_is_reported_with_its_line(line: str, slip: str) -> None:
    found = slips(f"      - {line}\n")
    assert any(one.startswith(slip) for one in found), found


def test_a_file_nested_beyond_reason_is_refused() -> None:
    with pytest.raises(DefinitionError, match="Y01"):
        compile_shorthand("[" * 100_000, "q.yaml")
