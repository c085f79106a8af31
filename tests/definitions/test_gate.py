"""What our profile cannot take is refused with everything that is wrong with it, never with a crash."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.definitions.loader import MAX_ITEMS, load
from intake.definitions.problems import DefinitionError
from tests.definitions.fhir import (
    HL7,
    KILOS,
    OWN,
    SAMPLES,
    SDC,
    Json,
    chosen_from,
    codes,
    extension,
    flag,
    form,
    group,
    item,
    loaded,
    problems,
    sample,
    value_set,
)

CHOICE = item("c", "choice", answerOption=[{"valueCoding": {"code": "x", "display": "X"}}])
NUMBER = item("n", "integer")


def depending(**condition: Any) -> Json:
    return form(CHOICE, NUMBER, item("g", "group", item=[item("i")]), item("d", enableWhen=[condition]))


REFUSED: list[tuple[str, Any]] = [
    ("Q01", b"{"),
    ("Q01", b"[]"),
    ("Q01", b'{"url": "a", "url": "b"}'),
    ("Q01", form(item(), resourceType="Patient")),
    ("Q01", form(item(), version=1)),
    ("Q01", form(item(), status="unknown")),
    ("Q01", {"resourceType": "Bundle", "type": "collection", "item": [item()]}),
    ("Q01", form(item(), language="English")),
    ("Q01", form({"linkId": "a", "text": 5, "type": "boolean"})),
    ("Q01", form(item(required="yes"))),
    ("Q01", form(item(maxLength=True))),
    ("Q01", form(item(enableWhen=["x"]))),
    ("Q01", form(item(option=[]))),
    ("Q01", form(item("g", "group", item=[item("i")], initial=[{"valueBoolean": True}]))),
    ("Q01", form(item(initial=[{"valueString": "x"}]))),
    ("Q01", form(item(extension=[extension(HL7 + "questionnaire-hidden", valueString="true")]))),
    ("Q01", form(item(extension=[{}]))),
    ("Q02", form({"text": "?", "type": "boolean"})),
    ("Q02", form(item("a"), item("a"))),
    ("Q02", form(item("a" * 65))),
    ("Q03", form(item(type_="attachment"))),
    ("Q02", form(group("g", item("i"), item("i#2")))),
    ("Q04", form(group("g", group("h", item("i"))))),
    ("Q04", form(group("g", item("i"), extension=[extension(HL7 + "questionnaire-maxOccurs", valueInteger=11)]))),
    ("Q06", form(item("c", "choice", answerOption=[{"valueReference": {}}]))),
    ("Q06", form(item("c", "choice", answerOption=[{"valueCoding": {"display": "no code"}}]))),
    ("Q06", form(item("c", "choice", answerOption=[{"valueCoding": {"code": "x"}}, {"valueString": "x"}]))),
    ("Q06", form(chosen_from("#v", answerOption=[{"valueString": "x"}]), contained=[value_set({"code": "x"})])),
    ("Q07", form(chosen_from("#gone"))),
    ("Q08", form(chosen_from("#v"), contained=[value_set()])),
    ("Q08", form(chosen_from("#v"), contained=[{**value_set(), "compose": {"include": [{"system": "urn:x"}]}}])),
    ("Q09", form(item("s", "string", answerValueSet="#v"), contained=[value_set({"code": "x"})])),
    (
        "Q13",
        form(
            item("w", "quantity", extension=[KILOS]),
            item(enableWhen=[{"question": "w", "operator": ">", "answerQuantity": {"value": 3, "code": "g"}}]),
        ),
    ),
    ("Q14", form(item(extension=[extension("https://land.example/sdf-calculatedExpression", valueString="x")]))),
    ("Q17", form(item("n", "quantity", extension=[KILOS, {**KILOS, "url": HL7 + "questionnaire-unitOption"}]))),
    ("Q18", form(item("s", "string", extension=[extension(HL7 + "regex", valueString="((a|b)c)*")]))),
    ("Q18", form(item(extension=[extension(HL7 + "questionnaire-supportLink", valueUri="http://plain.example")]))),
    ("Q18", form(item(extension=[flag(severity="grave")]))),
    ("Q18", form(item("n", "integer", extension=[flag()]))),
    ("Q05", form(item(type_="string", repeats=True))),
    ("Q06", form(item(type_="choice"))),
    ("Q06", form(item("c", "choice", answerOption=[{"valueCoding": {"code": "x"}}] * 2))),
    ("Q07", form(item("c", "choice", answerValueSet="https://tx.example/vs"))),
    ("Q09", form(item(answerOption=[{"valueString": "x"}]))),
    ("Q10", form(NUMBER, item(enableWhen=[{"question": "n", "operator": "=", "answerInteger": 1}] * 2))),
    ("Q10", form(item(enableBehavior="some"))),
    ("Q11", depending(question="gone", operator="=", answerBoolean=True)),
    ("Q12", sample("cycle")),
    ("Q12", form(item(enableWhen=[{"question": "a", "operator": "exists", "answerBoolean": True}]))),
    ("Q13", depending(question="c", operator="exists", answerCoding={"code": "x"})),
    ("Q13", depending(question="c", operator=">", answerCoding={"code": "x"})),
    ("Q13", depending(question="c", operator="=", answerCoding={"code": "y"})),
    ("Q13", depending(question="c", operator="=", answerBoolean=True)),
    ("Q13", depending(question="n", operator="=", answerDecimal=1.5)),
    ("Q13", depending(question="n", operator="~", answerInteger=1)),
    ("Q13", depending(question="n", operator="=")),
    ("Q13", depending(question="g", operator="exists", answerBoolean=True)),
    ("Q14", form(item(extension=[extension(SDC + "sdc-questionnaire-enableWhenExpression", valueExpression={})]))),
    ("Q14", form(item(), extension=[extension(HL7 + "variable", valueExpression={})])),
    ("Q15", form(item(modifierExtension=[{"url": "x"}]))),
    ("Q15", form(item(), implicitRules="https://rules.example")),
    ("Q16", form()),
    ("Q16", form(item("g", "group"))),
    ("Q16", form(item("t", "display", item=[item("i")]))),
    ("Q18", form(item("s", "string", maxLength=0))),
    ("Q18", form(item("s", "string", extension=[extension(HL7 + "regex", valueString="(")]))),
    ("Q18", form(item("s", "string", extension=[extension(HL7 + "regex", valueString="(a+)+")]))),
    ("Q18", form(item("s", "string", extension=[extension(HL7 + "regex", valueString="a" * 201)]))),
    ("Q18", form(item("b", extension=[extension(HL7 + "minValue", valueInteger=1)]))),
    ("Q20", form(*[item(f"i{n}") for n in range(MAX_ITEMS + 1)])),
    ("Q20", b" " * (1024 * 1024 + 1)),
]


@pytest.mark.parametrize(("expected", "questionnaire"), REFUSED)
def test_what_we_could_not_obey_is_refused(expected: str, questionnaire: Any) -> None:
    assert codes(questionnaire) == {expected}


def test_a_least_value_above_the_greatest_is_refused() -> None:
    limits = [extension(HL7 + "minValue", valueInteger=9), extension(HL7 + "maxValue", valueInteger=1)]
    assert codes(form(item("n", "integer", extension=limits))) == {"Q18"}


def test_items_nested_too_deeply_are_refused() -> None:
    inner = item("deep")
    for level in range(6):
        inner = item(f"g{level}", "group", item=[inner])
    assert codes(form(inner)) == {"Q20"}


def test_json_nested_beyond_all_reason_is_refused_and_not_followed() -> None:
    assert codes(b"[" * 100_000) == {"Q01"}


def test_an_offered_language_without_all_its_words_is_refused() -> None:
    found = sample("two-languages")
    del found["item"][1]["_text"]
    assert [(p.code, p.link_id) for p in problems(found)] == [("Q19", "since")]


def test_only_those_who_wait_for_each_other_are_named_not_those_behind_them() -> None:
    assert {problem.link_id for problem in problems(sample("cycle"))} == {"hen", "egg"}


def test_every_problem_is_found_at_once_with_its_place_and_a_hint() -> None:
    found = problems(
        form(
            item("a", "attachment"),
            item("g", "group", item=[item("c", "choice"), item("r", "string", repeats=True)]),
            item("d", enableWhen=[{"question": "gone", "operator": "=", "answerBoolean": True}]),
        )
    )
    assert [(problem.code, problem.place, problem.link_id) for problem in found] == [
        ("Q03", "$.item[0]", "a"),
        ("Q06", "$.item[1].item[0]", "c"),
        ("Q05", "$.item[1].item[1]", "r"),
        ("Q11", "$.item[2].enableWhen[0]", "d"),
    ]
    assert found[0].hint
    assert "Q05 $.item[1].item[1] [r]: only a choice or a group may repeat" in str(DefinitionError(found))


MANGLED: list[Callable[[Json], object]] = [
    lambda data: data.update(item={"a": 1}),
    lambda data: data["item"].append(None),
    lambda data: data["item"][0].update(linkId=None),
    lambda data: data["item"][0].update(answerOption=[{"valueCoding": "x"}]),
    lambda data: data["item"][0].update(enableWhen=[{}]),
    lambda data: data["item"][0].update(extension=[{"url": HL7 + "questionnaire-itemControl"}]),
    lambda data: data["item"][0].update(type=None),
    lambda data: data.update(language=5, extension="x"),
]


@pytest.mark.parametrize("mangle", MANGLED)
def test_mangled_json_is_a_list_of_problems_or_a_questionnaire_never_a_crash(mangle: Callable[[Json], object]) -> None:
    data = sample("two-languages")
    mangle(data)
    try:
        loaded(data)
    except DefinitionError as error:
        assert error.problems


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON document."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inside for place in places(value, (*path, key)))]


JUNK = st.sampled_from(
    ["null", "true", "0", "-1", "1.5", '""', '"x"', '"choice"', "[]", "[null]", "{}", '{"url": 1}', '[{"code": []}]']
).map(json.loads)
"""What has no business where it is put; made anew each time, since a document may be changed in several places."""


@given(st.sampled_from(sorted(SAMPLES.glob("*.json"))), st.data())
def test_whatever_stands_in_any_place_of_a_file_the_gate_answers(path: Path, data: st.DataObject) -> None:
    document = json.loads(path.read_bytes())
    if not isinstance(document, dict):
        document = {"item": document}
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(document)[1:]))
        holder: Any = document
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = data.draw(JUNK)
    try:
        load(json.dumps(document).encode())
    except DefinitionError as error:
        assert error.problems


def test_what_an_option_or_a_condition_carries_is_judged_too() -> None:
    toggle = extension(SDC + "sdc-questionnaire-answerOptionsToggleExpression")
    options = [{"valueCoding": {"code": "x"}, "extension": [extension(OWN + "answer-flag")]}]
    wordless = problems(form(item("a", "choice", answerOption=options)))
    assert [(problem.code, problem.place) for problem in wordless] == [("Q18", "$.item[0].answerOption[0]")] * 2
    assert codes(form(item("a", "choice", answerOption=[{"valueCoding": {"code": "x"}, "extension": [toggle]}]))) == {
        "Q14"
    }
    when = {"question": "a", "operator": "exists", "answerBoolean": True, "extension": [toggle]}
    assert codes(form(item("a"), item("b", enableWhen=[when]))) == {"Q14"}


def test_half_a_letter_is_refused_for_no_page_can_show_it() -> None:
    assert codes(form(item("a", text="\ud83d"))) == {"Q01"}
    assert loaded(form(item("a", text="\U0001f600")))


@pytest.mark.parametrize("address", ["http://clinic.example", "javascript:alert(1)", "//[x", "https:"])
def test_a_link_leads_to_a_page_over_https_or_nowhere(address: str) -> None:
    link = extension(HL7 + "questionnaire-supportLink", valueUri=address)
    assert codes(form(item("a", extension=[link]))) == {"Q18"}
