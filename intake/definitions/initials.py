"""What is wrong with the initial values of a FHIR item: values that its own question would refuse as an answer.

What a question takes is decided in acceptance.py; loader.py runs this beside the checks of checks.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from intake.definitions.acceptance import Fault, answer_value, count_faults, fitting_keys, value_faults
from intake.definitions.builder import alone
from intake.definitions.checks import RawItem, item_type, value_keys
from intake.definitions.problems import Problem
from intake.definitions.questionnaire import Item, ItemType

Json = Mapping[str, Any]

_WORDS: Mapping[Fault, str] = {
    Fault.WRONG_TYPE: "cannot be stored as an answer of the type {limit}",
    Fault.WRONG_UNIT: "has another unit than {limit}",
    Fault.UNKNOWN_OPTION: "is none of the options",
    Fault.EXCLUSIVE: "'{limit}' stands alone and is begun with together with another",
    Fault.TWICE: "stands twice",
    Fault.TOO_MANY: "has company: at most {limit} may be given",
    Fault.TOO_LONG: "has more than {limit} characters",
    Fault.TOO_SHORT: "has fewer than {limit} characters",
    Fault.TOO_SMALL: "is below the least value {limit}",
    Fault.TOO_LARGE: "is above the greatest value {limit}",
    Fault.TOO_PRECISE: "has more than {limit} decimal places",
    Fault.PATTERN: "does not fit the regex",
}
_HINT = "no patient could give this answer: change the value, or what the question allows"


def check_types(item: RawItem) -> Iterator[Problem]:
    """Q01: an initial value has a type that questions of this type are answered with; what is no question has none."""
    initial = item.data.get("initial", [])
    if initial and item.type in (ItemType.GROUP, ItemType.DISPLAY):
        yield item.problem("Q01", f"a {item.type} cannot have an initial value (FHIR R4 que-8)", at=".initial")
        return
    kind = item_type(item)
    allowed = value_keys(kind) if kind else set()
    for index, value in enumerate(initial):
        if len(value) != 1 or not allowed & value.keys():
            yield _wrong_type(item, f".initial[{index}]", sorted(allowed))


def check_answerable(item: RawItem) -> Iterator[Problem]:
    """Q01 and Q18: a patient could answer with the initial values. Only for an item with which nothing else is wrong.

    Fewer than are wanted in the end are no fault, for the patient may add to them. Nobody but the patient can say "I
    have read it" (a box ticked beforehand is no consent: GDPR recital 32), so an acknowledgement begins empty.
    """
    begun = list(_begun(item))
    if not begun:
        return
    question, values = alone(item), []
    if question.acknowledgement:
        hint = "leave it out: the patient ticks this box, nobody else"
        yield item.problem("Q18", "an acknowledgement has an initial value", hint, at=begun[0][0])
        return
    for at, given in begun:
        if not given.keys() & fitting_keys(question):
            yield _wrong_type(item, at, sorted(fitting_keys(question)))
        elif (value := answer_value(question, given)) is None:
            yield _refused(item, Fault.WRONG_TYPE, question.type, at)
        else:
            values.append(value)
            # On which day it will be an answer nobody knows yet, so no date lies ahead.
            for fault, limit in value_faults(question, value, day=""):
                yield _refused(item, fault, limit, at)
    yield from _too_many(item, question, values)


def _too_many(item: RawItem, question: Item, values: list[Json]) -> Iterator[Problem]:
    at = ".initial" if "initial" in item.data else ".answerOption"
    for fault, limit in count_faults(question, values):
        if fault is Fault.TOO_MANY and not question.repeats:
            hint = 'keep one of them, or say "repeats": true'
            yield item.problem("Q01", "several initial values for one answer (FHIR R4 que-13)", hint, at=at)
        elif fault is not Fault.TOO_FEW:
            yield _refused(item, fault, limit, at)


def _begun(item: RawItem) -> Iterator[tuple[str, Json]]:
    """Each initial value as it stands in the JSON, with its place inside the item."""
    for index, value in enumerate(item.data.get("initial", ())):
        yield f".initial[{index}]", value
    for index, option in enumerate(item.data.get("answerOption", ())):
        if option.get("initialSelected") is True:
            yield f".answerOption[{index}]", {key: raw for key, raw in option.items() if key.startswith("value")}


def _wrong_type(item: RawItem, at: str, fitting: list[str]) -> Problem:
    return item.problem("Q01", "the initial value has the wrong type", " or ".join(fitting), at=at)


def _refused(item: RawItem, fault: Fault, limit: object, at: str) -> Problem:
    return item.problem("Q18", f"the initial value {_WORDS[fault].format(limit=limit)}", _HINT, at=at)
