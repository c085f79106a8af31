"""An initial value is refused where a patient who gave it as the answer would be."""

from typing import Any

import pytest

from intake.definitions.acceptance import Fault, value_faults
from intake.definitions.profile import ACKNOWLEDGEMENT
from tests.definitions.fhir import HL7, KILOS, Json, codes, extension, form, group, item, loaded, problems

RED = {"valueCoding": {"system": "urn:s", "code": "r", "display": "Red"}}
BLUE = {"valueCoding": {"system": "urn:s", "code": "b", "display": "Blue"}}
ALONE = extension(HL7 + "questionnaire-optionExclusive", valueBoolean=True)
NONE = {"valueCoding": {"code": "n"}, "extension": [ALONE]}
LEAST, MOST = HL7 + "questionnaire-minOccurs", HL7 + "questionnaire-maxOccurs"


def beginning(type_: str, *initial: Json, **more: Any) -> Json:
    return form(item("a", type_, initial=list(initial), **more))


def colours(*initial: Json, **more: Any) -> Json:
    return beginning("choice", *initial, answerOption=[RED, BLUE, NONE], **more)


def limited(type_: str, initial: Json, *limits: Json, **more: Any) -> Json:
    return beginning(type_, initial, extension=list(limits), **more)


REFUSED: list[tuple[str, str, Json]] = [
    ("Q01", ".initial", beginning("integer", {"valueInteger": 1}, {"valueInteger": 2})),
    ("Q01", ".initial", colours({"valueCoding": {"code": "r"}}, {"valueCoding": {"code": "b"}})),
    ("Q01", ".answerOption", form(item("a", "choice", answerOption=[{**RED, "initialSelected": True},
                                                                    {**BLUE, "initialSelected": True}]))),
    ("Q01", ".initial[0]", beginning("integer", {"valueDecimal": 1.5})),
    ("Q01", ".initial[0]", beginning("boolean", {"valueBoolean": True, "valueString": "yes"})),
    ("Q01", ".initial[0]", colours({"valueString": "Red"})),
    ("Q01", ".initial[0]", beginning("choice", {"valueCoding": {"code": "S"}}, answerOption=[{"valueString": "S"}])),
    ("Q18", ".initial[0]", colours({"valueCoding": {"code": "green"}})),
    ("Q18", ".initial[0]", colours({"valueCoding": {"system": "urn:other", "code": "r"}})),
    ("Q18", ".initial[0]", colours({"valueCoding": {"display": "Red"}})),
    ("Q18", ".initial", colours({"valueCoding": {"code": "n"}}, {"valueCoding": {"code": "r"}}, repeats=True)),
    ("Q18", ".initial", colours({"valueCoding": {"code": "r"}}, {"valueCoding": {"code": "r"}}, repeats=True)),
    ("Q18", ".initial", colours({"valueCoding": {"code": "r"}}, {"valueCoding": {"code": "b"}}, repeats=True,
                                extension=[extension(MOST, valueInteger=1)])),
    ("Q18", ".initial[0]", limited("boolean", {"valueBoolean": True}, extension(ACKNOWLEDGEMENT, valueBoolean=True))),
    ("Q18", ".initial[0]", beginning("date", {"valueDate": "1994"})),
    ("Q18", ".initial[0]", beginning("date", {"valueDate": "2026-02-30"})),
    ("Q18", ".initial[0]", beginning("time", {"valueTime": "10:00"})),
    ("Q18", ".initial[0]", beginning("dateTime", {"valueDateTime": "2026-02-03T10:00:00"})),
    ("Q18", ".initial[0]", beginning("string", {"valueString": " "})),
    ("Q18", ".initial[0]", beginning("integer", {"valueInteger": 2**31})),
    ("Q18", ".initial[0]", limited("integer", {"valueInteger": 9}, extension(HL7 + "maxValue", valueInteger=8))),
    ("Q18", ".initial[0]", limited("decimal", {"valueDecimal": 0.5}, extension(HL7 + "minValue", valueDecimal=1.5))),
    ("Q18", ".initial[0]", limited("decimal", {"valueDecimal": 0.25},
                                   extension(HL7 + "maxDecimalPlaces", valueInteger=1))),
    ("Q18", ".initial[0]", limited("date", {"valueDate": "2020-01-01"},
                                   extension(HL7 + "minValue", valueDate="2021-01-01"))),
    ("Q18", ".initial[0]", limited("quantity", {"valueQuantity": {"value": 3, "code": "g"}}, KILOS)),
    ("Q18", ".initial[0]", beginning("string", {"valueString": "Poona"}, maxLength=4)),
    ("Q18", ".initial[0]", limited("string", {"valueString": "A"}, extension(HL7 + "minLength", valueInteger=2))),
    ("Q18", ".initial[0]", limited("string", {"valueString": "a1"}, extension(HL7 + "regex", valueString="[a-z]+"))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "at", "questionnaire"), REFUSED)
def test_an_initial_value_that_its_own_question_refuses_is_refused(code: str, at: str, questionnaire: Json) -> None:
    [problem] = problems(questionnaire)
    assert (problem.code, problem.place, problem.link_id) == (code, f"$.item[0]{at}", "a")
    assert problem.message and problem.hint


TAKEN: list[Json] = [
    colours({"valueCoding": {"code": "r"}}, {"valueCoding": {"code": "b"}}, repeats=True),
    colours({"valueCoding": {"code": "r"}}, repeats=True, extension=[extension(LEAST, valueInteger=2)]),
    beginning("open-choice", {"valueString": "Green"}, answerOption=[RED]),
    limited("quantity", {"valueQuantity": {"value": 3, "code": "kg"}}, KILOS),
    beginning("string", {"valueString": "Pune"}, maxLength=4),
    beginning("url", {"valueUri": "https://clinic.example"}),
    form(item("b"), item("a", initial=[{"valueBoolean": True}],
                         enableWhen=[{"question": "b", "operator": "=", "answerBoolean": True}])),
]  # fmt: skip


@pytest.mark.parametrize("questionnaire", TAKEN)
def test_an_initial_value_that_a_patient_could_give_is_taken(questionnaire: Json) -> None:
    assert loaded(questionnaire).items["a"].initial


def test_what_is_wrong_with_initial_values_is_told_together_with_everything_else() -> None:
    found = problems(form(item("t", "attachment"), item("d", "date", initial=[{"valueDate": "1994"}])))
    assert [(problem.code, problem.link_id) for problem in found] == [("Q03", "t"), ("Q18", "d")]


@pytest.mark.parametrize(
    "questionnaire",
    [
        form(item("a", "string", extension=[extension(LEAST, valueInteger=2)])),
        form(item("a", "choice", answerOption=[RED], extension=[extension(MOST, valueInteger=2)])),
        form(item("a", "group", item=[item("b")], extension=[extension(MOST, valueInteger=3)])),
        form(item("a", "choice", repeats=True, answerOption=[RED], extension=[extension(MOST, valueInteger=0)])),
    ],
)
def test_several_answers_to_what_does_not_repeat_and_none_to_what_does_cannot_be_asked_for(questionnaire: Json) -> None:
    [problem] = problems(questionnaire)
    assert (problem.code, problem.place, problem.link_id) == ("Q18", "$.item[0].extension[0]", "a")
    assert problem.hint


def test_what_does_not_repeat_may_say_that_one_answer_is_wanted() -> None:
    one = [extension(LEAST, valueInteger=1), extension(MOST, valueInteger=1)]
    assert loaded(form(item("a", "string", extension=one), group("g", item("b"), extension=one[:1]))).items["a"]


def test_a_text_that_must_be_longer_than_it_may_be_is_refused() -> None:
    limits = [extension(HL7 + "minLength", valueInteger=9)]
    assert codes(form(item("a", "string", maxLength=8, extension=limits))) == {"Q18"}
    limits = [extension(HL7 + "minLength", valueInteger=256)]
    assert codes(form(item("a", "string", extension=limits))) == {"Q18"}, "255 where nothing is said"
    assert loaded(form(item("a", "text", extension=limits))).items["a"].min_length == 256


# ---- Limits of dates and times ----


@pytest.mark.parametrize(
    ("type_", "limit"),
    [
        ("date", {"valueDate": "soon"}),
        ("date", {"valueDate": "2026-02-30"}),
        ("date", {"valueDate": "0000"}),
        ("dateTime", {"valueDateTime": "2026-02-30T10:00:00Z"}),
        ("dateTime", {"valueDateTime": "2026-02-03 10:00"}),
        ("time", {"valueTime": "25:00:00"}),
        ("time", {"valueTime": "9:30"}),
    ],
)
def test_a_limit_that_is_no_date_or_time_is_refused(type_: str, limit: Json) -> None:
    for url in ("minValue", "maxValue"):
        [problem] = problems(form(item("a", type_, extension=[extension(HL7 + url, **limit)])))
        assert (problem.code, problem.place) == ("Q18", "$.item[0].extension[0]")
        assert problem.hint


@pytest.mark.parametrize("limit", ["1990", "1990-02", "1990-02-28", "1990-02-28T10:00:00+05:30"])
def test_a_limit_may_be_a_year_a_month_a_day_or_a_moment(limit: str) -> None:
    asked = item("a", "dateTime", extension=[extension(HL7 + "minValue", valueDateTime=limit)])
    assert loaded(form(asked)).items["a"].min == limit


def test_moments_are_held_to_a_limit_as_moments_wherever_their_clocks_are() -> None:
    """00:30 in India is still the day before in Greenwich (FHIR R4 dateTime: an instant with its zone)."""
    low = extension(HL7 + "minValue", valueDateTime="2026-01-01T00:00:00Z")
    high = extension(HL7 + "maxValue", valueDateTime="2026-01-01T12:00:00Z")
    asked = loaded(form(item("a", "dateTime", extension=[low, high]))).items["a"]

    def faults(moment: str) -> list[Fault]:
        return [fault for fault, _limit in value_faults(asked, {"valueDateTime": moment}, "")]

    assert faults("2026-01-01T00:30:00+05:30") == [Fault.TOO_SMALL]
    assert faults("2026-01-01T13:00:00+05:30") == []
    assert faults("2026-01-01T08:00:00-05:00") == [Fault.TOO_LARGE]
