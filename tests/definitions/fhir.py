"""Small FHIR questionnaires for the tests of this room, and what the gate says of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from intake.definitions.loader import load
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.rules import Questionnaire

SAMPLES = Path(__file__).parent.parent / "samples"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
OWN = "https://intake.example/fhir/StructureDefinition/"

Json = dict[str, Any]
HELP = {
    "url": HL7 + "questionnaire-itemControl",
    "valueCodeableConcept": {"coding": [{"code": "help"}]},
}
KILOS = {"url": HL7 + "questionnaire-unit", "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg"}}


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


def group(link_id: str, *inside: Json, **more: Any) -> Json:
    return item(link_id, "group", repeats=True, item=list(inside), **more)


def chosen_from(reference: str, **more: Any) -> Json:
    return item("c", "choice", answerValueSet=reference, **more)


def value_set(*codes: Json) -> Json:
    return {
        "resourceType": "ValueSet",
        "id": "v",
        "compose": {"include": [{"system": "urn:v", "concept": list(codes)}]},
    }


def flag(severity: str = "caution") -> Json:
    parts = [
        {"url": "severity", "valueCode": severity},
        {"url": "text", "valueString": "Ask about it"},
        {"url": "value", "valueBoolean": True},
    ]
    return {"url": OWN + "answer-flag", "extension": parts}


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
