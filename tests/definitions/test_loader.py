"""FHIR R4 JSON becomes a questionnaire, or a list of everything that is wrong with it."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from intake.definitions.loader import MAX_ITEMS, load
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.rules import Flow, Questionnaire

SAMPLES = Path(__file__).parent.parent / "samples"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
OWN = "https://intake.example/fhir/StructureDefinition/"

Json = dict[str, Any]


def sample(name: str) -> Json:
    found: Json = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return found


def form(*items: Json, **top: Any) -> Json:
    return {
        "resourceType": "Questionnaire",
        "url": "https://clinic.example/Questionnaire/q",
        "version": "1.0.0",
        "status": "draft",
        "language": "en",
        "title": "Q",
        "item": list(items),
        **top,
    }


def item(link_id: str = "a", type_: str = "boolean", **more: Any) -> Json:
    return {"linkId": link_id, "text": "?", "type": type_, **more}


def extension(url: str, **value: Any) -> Json:
    return {"url": url, **value}


def loaded(questionnaire: Json) -> Questionnaire:
    return load(json.dumps(questionnaire).encode())


def problems(questionnaire: Any) -> tuple[Problem, ...]:
    data = questionnaire if isinstance(questionnaire, bytes) else json.dumps(questionnaire).encode()
    with pytest.raises(DefinitionError) as caught:
        load(data)
    return caught.value.problems


def codes(questionnaire: Any) -> set[str]:
    return {problem.code for problem in problems(questionnaire)}


# ---- What is read ----


def test_everything_our_own_content_uses_is_read() -> None:
    read = loaded(
        form(
            item(
                "phone",
                "string",
                required=True,
                maxLength=20,
                extension=[
                    extension(HL7 + "regex", valueString=r"\d{7,20}"),
                    extension(HL7 + "minLength", valueInteger=7),
                    extension(HL7 + "entryFormat", valueString="Digits"),
                ],
            ),
            item(
                "weight",
                "decimal",
                extension=[
                    extension(HL7 + "minValue", valueDecimal=20),
                    extension(HL7 + "maxValue", valueDecimal=350.5),
                    extension(HL7 + "maxDecimalPlaces", valueInteger=1),
                    extension(HL7 + "questionnaire-unit", valueCoding={"code": "kg"}),
                ],
            ),
            item("born", "date", extension=[extension(OWN + "not-after-today", valueBoolean=True)]),
            item("true", extension=[extension(OWN + "acknowledgement", valueBoolean=True)]),
            item("sign", "string", extension=[extension(OWN + "answered-by-visit", valueCode="signature")]),
        )
    )
    phone, weight = read.items["phone"], read.items["weight"]
    assert (phone.required, phone.max_length, phone.min_length, phone.regex) == (True, 20, 7, r"\d{7,20}")
    assert str(phone.format) == "Digits"
    assert (weight.min, weight.max, weight.max_decimals, weight.unit) == (Decimal(20), Decimal("350.5"), 1, "kg")
    assert read.items["born"].past
    assert read.items["true"].acknowledgement
    assert read.items["sign"].flow is Flow.SIGNATURE


def test_translations_are_read_beside_the_words_they_translate() -> None:
    read = load((SAMPLES / "two-languages.json").read_bytes())
    allergy = read.items["allergy"]
    assert read.languages == ("en", "hi")
    assert read.title.get("hi") == "एलर्जी"
    assert allergy.text.get("hi") == "कौन सी एलर्जी?"
    assert [option.text.get("hi") for option in allergy.options] == ["लेटेक्स", "कोई नहीं"]
    assert [option.exclusive for option in allergy.options] == [False, True]


def test_a_line_of_help_belongs_to_its_question_and_is_no_item_of_its_own() -> None:
    read = load((SAMPLES / "two-languages.json").read_bytes())
    assert read.items["allergy"].help.get("hi") == "सभी चुनें"
    assert list(read.items) == ["allergy", "since"]


def test_words_have_a_limit_even_where_none_is_set() -> None:
    read = loaded(form(item("s", "string"), item("t", "text"), item("n", "integer")))
    assert [one.max_length for one in read.items.values()] == [255, 5000, None]


def test_the_digest_is_that_of_the_bytes_that_were_read() -> None:
    one, other = form(item()), form(item(), title="Q2")
    assert loaded(one).sha256 == loaded(one).sha256 != loaded(other).sha256


def test_items_come_after_everything_they_depend_on() -> None:
    read = load((SAMPLES / "forward-reference.json").read_bytes())
    assert read.order.index("gate") < read.order.index("detail")
    assert list(read.items) == ["page-one", "detail", "page-two", "gate"]
    assert read.parents == {"detail": "page-one", "gate": "page-two"}


def test_an_unknown_extension_that_may_be_ignored_becomes_a_warning() -> None:
    read = loaded(form(item(extension=[extension(HL7 + "rendering-style", valueString="bold")])))
    assert [warning for warning in read.warnings if "rendering-style" in warning]


def test_a_questionnaire_without_a_language_is_taken_for_english_with_a_warning() -> None:
    read = loaded({key: value for key, value in form(item()).items() if key != "language"})
    assert read.languages == ("en",)
    assert any("language" in warning for warning in read.warnings)


def test_options_may_be_strings_or_numbers() -> None:
    read = loaded(form(item("n", "choice", answerOption=[{"valueInteger": 1}, {"valueString": "two"}])))
    assert [option.value for option in read.items["n"].options] == [{"valueInteger": 1}, {"valueString": "two"}]


def test_an_option_selected_from_the_start_counts_as_an_answer() -> None:
    option = {"valueCoding": {"code": "x", "display": "X"}, "initialSelected": True}
    assert loaded(form(item("n", "choice", answerOption=[option]))).items["n"].initial == (
        {"valueCoding": {"code": "x"}},
    )


# ---- What is refused ----

CHOICE = item("c", "choice", answerOption=[{"valueCoding": {"code": "x", "display": "X"}}])
NUMBER = item("n", "integer")


def depending(**condition: Any) -> Json:
    return form(CHOICE, NUMBER, item("g", "group", item=[item("i")]), item("d", enableWhen=[condition]))


REFUSED: list[tuple[str, Any]] = [
    ("Q01", b"{"),
    ("Q01", b"[]"),
    ("Q01", b'{"url": "a", "url": "b"}'),
    ("Q01", form(item(), resourceType="Patient")),
    ("Q01", form(item(), version="one")),
    ("Q01", form(item(), status="unknown")),
    ("Q01", form(item(), url="")),
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
    ("Q03", form(item("c", "choice", answerOption=[{"valueReference": {}}]))),
    ("Q04", form(item("g", "group", repeats=True, item=[item("i")]))),
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
    assert "Q05 $.item[1].item[1] [r]: only a choice may repeat" in str(DefinitionError(found))


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
