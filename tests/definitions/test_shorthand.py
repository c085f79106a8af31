"""The YAML shorthand compiles to FHIR JSON that reads back as what was written, or says on which line it is wrong."""

import json
from decimal import Decimal
from typing import Any

import pytest

from intake.definitions.loader import load
from intake.definitions.problems import DefinitionError
from intake.definitions.rules import Condition, Flow, Operator, Questionnaire, Text
from intake.definitions.shorthand import compile_shorthand

HEAD = """\
url: https://clinic.example/Questionnaire/q
version: 1.2.0
languages: [en]
title: {en: Questions, hi: सवाल}
sections:
  - id: health
    title: Your health
    items:
"""


def compiled(items: str) -> Questionnaire:
    return load(compile_shorthand(HEAD + items, "q.yaml"))


def fhir(items: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(compile_shorthand(HEAD + items, "q.yaml"))
    return found


def slips(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        compile_shorthand(text, "q.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_what_is_written_reads_back() -> None:
    read = compiled("""\
      - id: pregnant
        type: boolean
        required: true
        text: {en: 'Are you pregnant?', hi: 'क्या आप गर्भवती हैं?'}
        help: Ask us if you do not know
        flyover: {en: Some creams harm, hi: कुछ क्रीम नुकसान करती हैं}
      - {id: week, type: integer, min: 1, max: 42, text: Week, when: pregnant = true}
      - id: allergy
        type: choice
        multiple: true
        safety: true
        control: check-box
        text: Allergies
        options: {latex: Latex, none: {en: None, exclusive: true}}
      - {id: weight, type: decimal, decimals: 1, unit: kg, min: 20, max: 350.5, text: Weight}
      - {id: phone, type: string, max_length: 20, min_length: 7, regex: '[+]?\\d{6,19}', format: Digits, text: Phone}
      - {id: born, type: date, past: true, min: 1900-01-01, text: Born}
      - {id: true, type: boolean, acknowledgement: true, text: It is true}
      - {id: lang, type: choice, flow: language, text: Language, options: {en: English}, initial: en}
      - {id: other, type: open-choice, options: {a: A}, other: Something else, text: Other, read_only: true}
""")
    items = read.items
    assert (items["pregnant"].required, str(items["pregnant"].help)) == (True, "Ask us if you do not know")
    assert items["pregnant"].why == Text.of({"en": "Some creams harm", "hi": "कुछ क्रीम नुकसान करती हैं"})
    assert items["pregnant"].text.get("hi") == "क्या आप गर्भवती हैं?"
    assert items["week"].conditions == (Condition("pregnant", Operator.EQUAL, {"valueBoolean": True}),)
    assert (items["week"].min, items["week"].max) == (Decimal(1), Decimal(42))
    assert (items["allergy"].repeats, items["allergy"].safety, items["allergy"].control) == (True, True, "check-box")
    assert [(option.code, option.exclusive) for option in items["allergy"].options] == [
        ("latex", False),
        ("none", True),
    ]
    assert (items["weight"].unit, items["weight"].max_decimals) == ("kg", 1)
    assert (items["weight"].min, items["weight"].max) == (Decimal(20), Decimal("350.5"))
    assert (items["phone"].regex, str(items["phone"].format)) == (r"[+]?\d{6,19}", "Digits")
    assert (items["born"].past, items["born"].min) == (True, "1900-01-01")
    assert items["true"].acknowledgement
    assert (items["lang"].flow, items["lang"].hidden) == (Flow.LANGUAGE, True)
    assert items["lang"].initial == ({"valueCoding": {"code": "en"}},)
    assert (items["other"].read_only, str(items["other"].open_label)) == (True, "Something else")
    assert read.sections[0].items == tuple(items)[1:]
    assert read.title.get("hi") == "सवाल"


def test_yes_and_no_are_words_and_not_truth_values() -> None:
    read = compiled("      - {id: a, type: choice, text: Sure, options: {yes: Yes, no: No, on: On, 1: One}}\n")
    assert [option.code for option in read.items["a"].options] == ["yes", "no", "on", "1"]
    assert [str(option.text) for option in read.items["a"].options] == ["Yes", "No", "On", "One"]


def test_a_set_of_options_can_be_shared() -> None:
    text = HEAD.replace("sections:", "options: {yn: {yes: Yes, no: No}}\nsections:")
    read = load(compile_shorthand(text + "      - {id: a, type: choice, text: A, options: yn}\n", "q.yaml"))
    assert [option.code for option in read.items["a"].options] == ["yes", "no"]


def test_a_named_set_works_in_conditions_too() -> None:
    text = HEAD.replace("sections:", "options: {yn: {yes: Yes, no: No}}\nsections:") + (
        "      - {id: a, type: choice, text: A, options: yn}\n      - {id: b, type: boolean, text: B, when: a = yes}\n"
    )
    read = load(compile_shorthand(text, "q.yaml"))
    assert read.items["b"].conditions[0].value == {"valueCoding": {"code": "yes"}}


def test_several_conditions_say_whether_any_or_all_must_hold() -> None:
    read = compiled("""\
      - {id: a, type: boolean, text: A}
      - {id: n, type: integer, text: N}
      - {id: either, type: boolean, text: E, when: {any: [a = true, n > 3]}}
      - {id: both, type: boolean, text: B, when: {all: [a exists, n != 3, n exists false]}}
""")
    assert read.items["either"].any_of
    assert not read.items["both"].any_of
    assert [condition.value for condition in read.items["both"].conditions] == [
        {"valueBoolean": True},
        {"valueInteger": 3},
        {"valueBoolean": False},
    ]


def test_groups_nest_with_conditions_of_their_own() -> None:
    read = compiled("""\
      - {id: gate, type: boolean, text: Gate}
      - id: inner
        type: group
        text: Inner
        when: gate = true
        items:
          - {id: below, type: boolean, text: Below}
""")
    assert read.parents["below"] == "inner"
    assert read.items["inner"].conditions[0].source == "gate"


def test_an_introduction_is_a_paragraph_before_the_questions() -> None:
    text = HEAD.replace("title: Your health", "title: Your health\n    intro: Take your time.\n    when: a exists")
    read = load(compile_shorthand(text + "      - {id: b, type: boolean, text: B}\n" + OTHER, "q.yaml"))
    assert read.sections[0].items == ("health.intro", "b")
    assert str(read.items["health.intro"].text) == "Take your time."
    assert read.items["health"].conditions[0].source == "a"


OTHER = "  - {id: more, title: More, items: [{id: a, type: boolean, text: A}]}\n"


def test_why_and_source_are_kept_where_fhir_keeps_them() -> None:
    made = fhir("      - {id: a, type: boolean, text: A, why: To be safe, source: [S04, S33]}\n")
    note = made["item"][0]["item"][0]["extension"][0]
    assert note == {
        "url": "http://hl7.org/fhir/StructureDefinition/designNote",
        "valueMarkdown": "To be safe [S04, S33]",
    }


def test_the_same_shorthand_always_gives_the_same_bytes() -> None:
    items = "      - {id: a, type: boolean, text: A}\n"
    assert compile_shorthand(HEAD + items, "q.yaml") == compile_shorthand(HEAD + "# a remark\n" + items, "x.yaml")


@pytest.mark.parametrize(
    ("line", "slip"),
    [
        ("{id: a, type: boolean}", "Y03 q.yaml:9: 'text' is missing"),
        ("{id: a, type: bool, text: A}", "Y05 q.yaml:9: there is no item type 'bool'"),
        ("{id: a, type: boolean, text: A, requird: true}", "Y02 q.yaml:9: unknown key 'requird'"),
        ("{id: a, type: boolean, text: A, text: B}", "Y02 q.yaml:9: 'text' stands here twice"),
        ("{id: a, type: boolean, text: A, required: yes}", "Y04 q.yaml:9: true or false is expected here"),
        ("{id: a, type: boolean, text: {hi: क}}", "Y03 q.yaml:9: the words in the base language 'en' are missing"),
        ("{id: a, type: boolean, text: {en: A, Hindi: क}}", "Y04 q.yaml:9: 'Hindi' is not a language code"),
        ("{id: a, type: boolean, text: A, when: b = true}", "Y05 q.yaml:9: there is no item 'b'"),
        ("{id: a, type: boolean, text: A, when: maybe}", "Y06 q.yaml:9: 'maybe' is not a condition"),
        ("{id: a, type: boolean, text: A, when: a =}", "Y06 q.yaml:9: 'a =' lacks a value"),
        ("{id: a, type: boolean, text: A, when: a = maybe}", "Y04 q.yaml:9: 'maybe' is not a value"),
        ("{id: a, type: boolean, text: A, when: {some: [a exists]}}", "Y04 q.yaml:9: 'when' is one condition"),
        ("{id: a, type: choice, text: A, options: {x: X}, when: a = y}", "Y05 q.yaml:9: 'a' has no option 'y'"),
        ("{id: a, type: choice, text: A, options: none-such}", "Y05 q.yaml:9: there is no set of options 'none-such'"),
        ("{id: a, type: integer, text: A, min: few}", "Y04 q.yaml:9: 'few' is not a value for the type integer"),
        ("{id: a, type: string, text: A, max_length: 1.5}", "Y04 q.yaml:9: a whole number is expected here"),
        ("{id: a, type: boolean, text: A, control: slider}", "Y05 q.yaml:9: there is no control 'slider'"),
        ("{id: a, type: string, text: A, flow: payment}", "Y05 q.yaml:9: there is no step of the visit 'payment'"),
        ("{id: a, type: boolean, text: ''}", "Y04 q.yaml:9: a text is expected here"),
        ("[a]", "Y04 q.yaml:9: a mapping (key: value) is expected here"),
    ],
)
def test_a_slip_is_reported_with_its_line(line: str, slip: str) -> None:
    found = slips(f"{HEAD}      - {line}\n")
    assert any(one.startswith(slip) for one in found), found


def test_all_slips_are_reported_together() -> None:
    found = slips(HEAD + "      - {id: a, type: bool, text: A}\n      - {id: b, type: boolean, when: c exists}\n")
    assert [one.split(":")[1] for one in found] == ["9", "10", "10"]


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("", "Y01 q.yaml: the file is empty"),
        ("a: [", "Y01 q.yaml:1"),
        ("a: &x [1]\nb: *x\n", "Y01 q.yaml:2: this is not YAML: aliases (*name) are not allowed"),
        ("? [a, b]\n: c\n", "Y04 q.yaml:1: a key must be a plain word"),
        ("sections: {}\n", "Y04 q.yaml:1: a list is expected here"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text: str, slip: str) -> None:
    assert any(one.startswith(slip) for one in slips(text))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DefinitionError, match="Y01"):
        compile_shorthand(b"\xff\xfe\xff", "q.yaml")


def test_a_tag_cannot_make_an_object() -> None:
    assert slips(f"{HEAD}      - {{id: a, type: boolean, text: !!python/object/apply:os.system [x]}}\n")
