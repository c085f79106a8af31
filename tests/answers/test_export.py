"""Answers leave as a FHIR R4 QuestionnaireResponse that others can read, and come back from one unchanged."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import fhirkit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.answers.export import Misfit, ResponseError, answers_of, questionnaire_response
from intake.definitions.library_files import bundled_contents
from intake.definitions.rules import Fault, Questionnaire, Value, initial_answers, strip
from tests.answers.given_answers import random_answers
from tests.definitions.fhir import HL7, KILOS, OWN, SAMPLES, extension, form, group, item, loaded, sample

Json = dict[str, Any]
NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
BUNDLED = bundled_contents().questionnaire
MOST = HL7 + "questionnaire-maxOccurs"


def is_true(question: str) -> list[Json]:
    return [{"question": question, "operator": "=", "answerBoolean": True}]


def coding(code: str, **more: Any) -> Json:
    return {"valueCoding": {"system": "urn:s", "code": code, **more}}


def every_kind() -> Questionnaire:
    """Items of every type and every way they nest."""
    hindi = extension(HL7 + "translation")
    hindi["extension"] = [{"url": "lang", "valueCode": "hi"}, {"url": "content", "valueString": "लाल"}]
    red = {"valueCoding": {**coding("r", display="Red")["valueCoding"], "_display": {"extension": [hindi]}}}
    none = {
        **coding("n", display="None"),
        "extension": [extension(HL7 + "questionnaire-optionExclusive", valueBoolean=True)],
    }
    below = item("why", "string", enableWhen=is_true("ill"), maxLength=20)
    return loaded(
        form(
            item("loose", "text"),
            item("say", "display"),
            group("med", item("name", "string"), item("thins"), item("since", "date", enableWhen=is_true("thins"))),
            item("page", "group", item=[
                item("ill", item=[below, item("more", "group", item=[item("deep", "integer")])]),
                item("kg", "quantity", extension=[KILOS, extension(HL7 + "maxValue", valueDecimal=250)]),
                item("cm", "decimal", extension=[extension(HL7 + "maxDecimalPlaces", valueInteger=1)]),
                item("at", "dateTime"), item("clock", "time"), item("site", "url"),
                item("born", "date", extension=[extension(OWN + "not-after-today", valueBoolean=True)]),
                item("colours", "choice", repeats=True, answerOption=[red, coding("b", display="Blue"), none],
                     extension=[extension(MOST, valueInteger=2)]),
                item("other", "open-choice", answerOption=[red], item=[item("how", "string")]),
                item("size", "choice", answerOption=[{"valueString": "small"}, {"valueString": "large"}]),
                item("ok", required=True, extension=[extension(OWN + "acknowledgement", valueBoolean=True)]),
                item("clinic", "string", initial=[{"valueString": "Pune"}],
                     extension=[extension(HL7 + "questionnaire-hidden", valueBoolean=True)]),
            ]),
        )
    )  # fmt: skip


EVERY = every_kind()
TAKEN = [path.stem for path in sorted(SAMPLES.glob("*.json")) if path.stem not in ("cycle", "patients")]
QUESTIONNAIRES = {"bundled": BUNDLED, "every kind": EVERY, **{name: loaded(sample(name)) for name in TAKEN}}


def written(answers: dict[str, list[Value]], questionnaire: Questionnaire = EVERY, **more: Any) -> Json:
    return questionnaire_response(questionnaire, answers, **{"language": "en", "authored": NOW, **more})


def items(response: Json) -> dict[str, Json]:
    """The items of a response by linkId, wherever they lie; of several alike the last."""
    found: dict[str, Json] = {}
    waiting = list(response.get("item", []))
    while waiting:
        one = waiting.pop(0)
        found[one["linkId"]] = one
        waiting += [*one.get("item", []), *(inner for a in one.get("answer", []) for inner in a.get("item", []))]
    return found


def response_of(*inside: Json, **top: Any) -> Json:
    """A response to EVERY as somebody else could have written it."""
    return {"resourceType": "QuestionnaireResponse", "questionnaire": EVERY.url, "status": "in-progress",
            "authored": "2026-11-23", "item": list(inside), **top}  # fmt: skip


def on_page(*inside: Json, **top: Any) -> Json:
    return response_of({"linkId": "page", "item": list(inside)}, **top)


def answered(link_id: str, *values: Json) -> Json:
    return {"linkId": link_id, "answer": list(values)}


def faults(response: Any, questionnaire: Questionnaire = EVERY) -> list[tuple[str, str]]:
    with pytest.raises(ResponseError) as caught:
        answers_of(questionnaire, response)
    return [(problem.fault.value, problem.link_id) for problem in caught.value.problems]


# ---- What is written ----


@pytest.mark.parametrize("name", QUESTIONNAIRES)
def test_random_answers_make_a_response_that_is_valid_fhir_r4_in_every_language(name: str) -> None:
    questionnaire = QUESTIONNAIRES[name]
    for seed in range(25):
        answers = random_answers(questionnaire, Random(seed), seed / 24)
        for language in questionnaire.languages:
            response = written(answers, questionnaire, language=language, subject="Patient/1")
            assert [str(issue) for issue in fhirkit.validate(json.dumps(response))] == []


@pytest.mark.parametrize(
    "defect",
    [{"status": None}, {"item": []}, {"status": ["completed"]}, {"authored": "23.11.2026"}, {"patient": "x"},
     {"item": [{"linkId": "a", "answer": [{"valueString": "x", "valueBoolean": True}]}]}],
)  # fmt: skip
def test_the_validator_sees_what_is_wrong(defect: Json) -> None:
    broken = {key: value for key, value in {**written({}), **defect}.items() if value is not None}
    assert fhirkit.validate(json.dumps(broken))


@pytest.mark.parametrize("name", QUESTIONNAIRES)
def test_no_item_has_both_answers_and_items_beside_them(name: str) -> None:
    """HL7 FHIR R4 QuestionnaireResponse, invariant qrs-1, which the validator does not know."""
    answers = random_answers(QUESTIONNAIRES[name], Random(7), 0.8)
    for one in items(written(answers, QUESTIONNAIRES[name])).values():
        assert ("answer" in one) is not ("item" in one)


def test_the_bundled_questionnaire_is_tried_in_english_and_hindi() -> None:
    assert {"en", "hi"} <= set(BUNDLED.languages)


def test_a_response_names_the_version_the_language_the_moment_and_whom_it_is_about() -> None:
    response = written({"loose": [{"valueString": "x"}]}, language="hi", subject="Patient/7", status="amended")
    assert response["questionnaire"] == "https://clinic.example/Questionnaire/q|1.0.0"
    assert (response["language"], response["authored"]) == ("hi", "2026-11-23T10:30:00+00:00")
    assert (response["subject"], response["status"]) == ({"reference": "Patient/7"}, "amended")


def test_a_time_without_a_zone_and_a_status_that_fhir_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        written({}, authored=datetime(2026, 1, 1))  # noqa: DTZ001 - what the test is about
    with pytest.raises(ValueError, match="done"):
        written({}, status="done")


def test_answers_lie_as_the_questions_do_and_below_a_question_inside_its_answer() -> None:
    page = written({"why": [{"valueString": "cold"}], "ill": [{"valueBoolean": True}]})["item"][-1]
    assert page["linkId"] == "page"
    below = {"linkId": "why", "text": "?", "answer": [{"valueString": "cold"}]}
    assert page["item"][0] == {"linkId": "ill", "text": "?", "answer": [{"valueBoolean": True, "item": [below]}]}


def test_a_question_that_was_passed_over_still_holds_what_is_answered_below_it() -> None:
    response = written({"how": [{"valueString": "by sun"}]})
    assert [list(answer) for answer in items(response)["other"]["answer"]] == [["item"]]
    assert answers_of(EVERY, {**response, "status": "in-progress"})["how"] == [{"valueString": "by sun"}]


def test_a_chosen_option_carries_its_system_and_its_words_in_the_language_shown() -> None:
    answers = {"colours": [coding("r"), {"valueCoding": {"code": "b"}}]}
    shown = [a["valueCoding"] for a in items(written(answers, language="hi"))["colours"]["answer"]]
    assert shown == [
        {"system": "urn:s", "code": "r", "display": "लाल"},
        {"system": "urn:s", "code": "b", "display": "Blue"},
    ]


def test_an_amount_carries_its_unit() -> None:
    amount = items(written({"kg": [{"valueQuantity": {"value": 61.5}}]}))["kg"]["answer"][0]["valueQuantity"]
    assert (amount["value"], amount["system"], amount["code"]) == (61.5, "http://unitsofmeasure.org", "kg")


def test_an_answer_that_is_no_longer_asked_for_is_left_out() -> None:
    assert "why" not in items(written({"why": [{"valueString": "cold"}], "ill": [{"valueBoolean": False}]}))


def test_entries_of_a_repeating_group_are_items_with_the_same_link_id() -> None:
    response = written({"name#3": [{"valueString": "B"}], "name": [{"valueString": "A"}]})
    medicines = [one for one in response["item"] if one["linkId"] == "med"]
    assert [one["item"][0]["answer"] for one in medicines] == [[{"valueString": "A"}], [{"valueString": "B"}]]
    assert {one["item"][0]["linkId"] for one in medicines} == {"name"}


def test_what_is_hidden_is_written_with_what_it_holds_from_the_start() -> None:
    assert items(written({}))["clinic"]["answer"] == [{"valueString": "Pune"}]
    assert items(written({"clinic": [{"valueString": "Goa"}]}))["clinic"]["answer"] == [{"valueString": "Goa"}]


def test_paragraphs_and_empty_lists_are_nowhere() -> None:
    response = written({"loose": [], "ok": [{"valueBoolean": True}]})
    assert list(items(response)) == ["page", "ok", "clinic"]
    assert "item" not in written({}, QUESTIONNAIRES["any-and-all"])


# ---- There and back ----


@pytest.mark.parametrize("name", QUESTIONNAIRES)
@settings(max_examples=40)
@given(rng=st.randoms(use_true_random=False), share=st.floats(0, 1))
def test_answers_come_back_from_their_response_unchanged(name: str, rng: Random, share: float) -> None:
    questionnaire = QUESTIONNAIRES[name]
    answers = {**initial_answers(questionnaire), **random_answers(questionnaire, rng, share)}
    response = json.loads(json.dumps(written(answers, questionnaire, status="in-progress")))
    back = answers_of(questionnaire, response)
    assert list(back.items()) == list(strip(questionnaire, answers).items())
    assert written(back, questionnaire, status="in-progress") == response


@pytest.mark.parametrize("name", QUESTIONNAIRES)
def test_a_response_in_which_everything_is_answered_is_complete(name: str) -> None:
    questionnaire = QUESTIONNAIRES[name]
    for seed in range(10):
        answers = {**initial_answers(questionnaire), **random_answers(questionnaire, Random(seed), 1)}
        assert answers_of(questionnaire, written(answers, questionnaire)) == strip(questionnaire, answers)


# ---- What is refused ----

BEYOND = answered("deep", {"valueInteger": 2**31})
TOO_LONG = answered("why", {"valueString": "x" * 21})


@pytest.mark.parametrize(
    ("fault", "link_id", "inside"),
    [
        (Misfit.UNKNOWN_ITEM, "nobody", answered("nobody", {"valueString": "x"})),
        (Misfit.MISPLACED, "why", answered("why", {"valueString": "x"})),
        (Misfit.MISPLACED, "ill", {"linkId": "ill", "item": [answered("why", {"valueString": "x"})]}),
        (Misfit.NO_QUESTION, "more", answered("ill", {"item": [answered("more", {"valueInteger": 1})]})),
        (Misfit.NO_VALUE, "kg", answered("kg", {})),
        (Fault.WRONG_TYPE, "ill", answered("ill", {"valueString": "true"})),
        (Fault.WRONG_TYPE, "ill", answered("ill", {"valueBoolean": True, "valueString": "x"})),
        (Fault.WRONG_TYPE, "kg", answered("kg", {"valueQuantity": {"value": 5, "comparator": "<"}})),
        (Fault.WRONG_TYPE, "kg", answered("kg", {"valueQuantity": {"value": "5"}})),
        (Fault.WRONG_TYPE, "born", answered("born", {"valueDate": "2026-02-30"})),
        (Fault.WRONG_TYPE, "born", answered("born", {"valueDate": "२०२०-०१-०१"})),
        (Fault.WRONG_TYPE, "cm", answered("cm", {"valueDecimal": 10**400})),
        (Fault.WRONG_TYPE, "cm", answered("cm", {"valueDecimal": float("nan")})),
        (Fault.TOO_PRECISE, "cm", answered("cm", {"valueDecimal": 1e-300})),
        (Fault.WRONG_TYPE, "deep", answered("ill", {"item": [{"linkId": "more", "item": [BEYOND]}]})),
        (Fault.WRONG_TYPE, "born", answered("born", {"valueDate": "2026-02"})),
        (Fault.WRONG_TYPE, "at", answered("at", {"valueDateTime": "2026-02-03T10:00:00"})),
        (Fault.WRONG_TYPE, "clock", answered("clock", {"valueTime": "10:00"})),
        (Fault.WRONG_TYPE, "site", answered("site", {"valueUri": " "})),
        (Fault.WRONG_TYPE, "other", answered("other", {"valueCoding": {"display": "no code"}})),
        (Fault.WRONG_TYPE, "other", answered("other", {"valueCoding": "r"})),
        (Fault.WRONG_UNIT, "kg", answered("kg", {"valueQuantity": {"value": 5, "code": "g"}})),
        (Fault.TOO_LARGE, "kg", answered("kg", {"valueQuantity": {"value": 251, "code": "kg"}})),
        (Fault.TOO_PRECISE, "cm", answered("cm", {"valueDecimal": 1.25})),
        (Fault.IN_FUTURE, "born", answered("born", {"valueDate": "2026-11-24"})),
        (Fault.UNKNOWN_OPTION, "colours", answered("colours", coding("green"))),
        (Fault.UNKNOWN_OPTION, "colours", answered("colours", {"valueCoding": {"system": "urn:x", "code": "r"}})),
        (Fault.UNKNOWN_OPTION, "size", answered("size", {"valueString": "huge"})),
        (Fault.EXCLUSIVE, "colours", answered("colours", coding("n"), coding("b"))),
        (Fault.TOO_MANY, "ill", answered("ill", {"valueBoolean": True}, {"valueBoolean": False})),
        (Fault.TWICE, "colours", answered("colours", coding("r"), coding("r"))),
        (Misfit.NOT_ASKED, "why", answered("ill", {"item": [answered("why", {"valueString": "x"})]})),
        (Fault.TOO_LONG, "why", answered("ill", {"valueBoolean": True, "item": [TOO_LONG]})),
        (Misfit.NOT_OBJECTS, "", "nonsense"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_named_once_and_by_its_item(fault: Fault | Misfit, link_id: str, inside: Json) -> None:
    assert faults(on_page(inside)) == [(fault.value, link_id)]


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "r", "2026-01-01", *EVERY.items])
)
KEYS = st.sampled_from(
    ["linkId", "answer", "item", "valueString", "valueCoding", "valueQuantity", "value", "code", "system"]
)
ANY_JSON = st.recursive(
    SCALARS, lambda s: st.lists(s, max_size=3) | st.dictionaries(KEYS, s, max_size=4), max_leaves=12
)


@settings(max_examples=300)
@given(link_id=st.sampled_from(list(EVERY.items)), key=st.sampled_from(["valueDate", "valueTime", "valueQuantity",
       "valueDecimal", "valueInteger", "valueCoding", "valueString", "item"]), raw=ANY_JSON)  # fmt: skip
def test_whatever_is_sent_is_taken_or_refused(link_id: str, key: str, raw: Any) -> None:
    one = {"linkId": link_id, "answer": [{key: raw}], "item": raw}
    for response in (response_of(one), on_page(one), response_of(raw), {**response_of(), "item": raw, "status": raw}):
        try:
            assert isinstance(answers_of(EVERY, response), dict)
        except ResponseError as error:
            assert error.problems


def test_every_problem_is_named_at_once_with_its_place() -> None:
    wrong = on_page(answered("cm", {"valueDecimal": 1.25}), answered("kg", {"valueString": "x"}), status="completed")
    with pytest.raises(ResponseError) as caught:
        answers_of(EVERY, wrong)
    assert str(caught.value).splitlines() == [
        "too_precise QuestionnaireResponse.item[0].item[0].answer[0] [cm] 1",
        "out_of_order QuestionnaireResponse.item[0].item[1] [kg]",
        "wrong_type QuestionnaireResponse.item[0].item[1].answer[0] [kg]",
        "missing QuestionnaireResponse.item [ok]",
    ]


def test_what_a_patient_said_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(ResponseError) as caught:
        answers_of(EVERY, on_page(answered("size", {"valueString": "a secret"})))
    assert "secret" not in f"{caught.value} {caught.value.facts}"


def test_another_questionnaire_another_version_and_another_resource_are_refused() -> None:
    assert faults(response_of(questionnaire="urn:other")) == [("other_questionnaire", "")]
    assert faults(response_of(questionnaire=f"{EVERY.url}|2.0.0")) == [("other_questionnaire", "")]
    assert faults(response_of(resourceType="Patient")) == [("not_a_response", "")]
    assert faults(response_of(status="done")) == [("not_a_response", "")]


def test_an_acknowledgement_that_says_no_is_none() -> None:
    assert faults(on_page(answered("ok", {"valueBoolean": False}), status="completed")) == [("missing", "ok")]


def test_a_required_answer_of_another_type_is_wrong_and_not_missing_as_well() -> None:
    assert faults(on_page(answered("ok", {"valueString": "x"}), status="completed")) == [("wrong_type", "ok")]


def test_only_a_finished_response_must_be_complete() -> None:
    assert answers_of(EVERY, response_of()) == {}
    assert faults(response_of(status="completed")) == [("missing", "ok")]


def test_an_item_that_does_not_repeat_stands_once_and_a_group_has_no_more_entries_than_it_allows() -> None:
    loose = answered("loose", {"valueString": "x"})
    assert faults(response_of(loose, loose)) == [("twice", "loose")]
    medicine = {"linkId": "med", "item": [answered("name", {"valueString": "x"})]}
    assert len(answers_of(EVERY, response_of(*[medicine] * 10))) == 10
    assert faults(response_of(*[medicine] * 11)) == [("too_many", "med")]


def test_own_words_beside_options_keep_to_the_limits_that_a_page_holds_them_to() -> None:
    questionnaire = loaded(form(item("own", "open-choice", maxLength=5, answerOption=[coding("a"), coding("b")])))
    assert faults(response_of(answered("own", {"valueString": "too long"})), questionnaire) == [("too_long", "own")]
    assert answers_of(questionnaire, response_of(answered("own", {"valueString": "short"})))
    unlimited = loaded(form(item("own", "open-choice", answerOption=[coding("a"), coding("b")])))
    assert faults(response_of(answered("own", {"valueString": "x" * 256})), unlimited) == [("too_long", "own")]


def test_how_few_and_how_much_a_definition_allows_is_kept_to() -> None:
    least = [extension(HL7 + "questionnaire-minOccurs", valueInteger=2)]
    short = [extension(HL7 + "minLength", valueInteger=3), extension(HL7 + "regex", valueString="[a-z]*")]
    questionnaire = loaded(
        form(
            item("many", "choice", repeats=True, answerOption=[coding("a"), coding("b")], extension=least),
            item("word", "string", extension=short),
            item("day", "date", extension=[extension(HL7 + "minValue", valueDate="2026-01-01")]),
        )
    )
    wrong = [
        answered("many", coding("a")),
        answered("word", {"valueString": "1"}),
        answered("day", {"valueDate": "2025-12-31"}),
    ]
    assert faults(response_of(*wrong), questionnaire) == [
        ("too_few", "many"), ("pattern", "word"), ("too_short", "word"), ("too_small", "day"),
    ]  # fmt: skip
