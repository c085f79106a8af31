"""Answers as an HL7 FHIR R4 QuestionnaireResponse, and a QuestionnaireResponse as answers. Pure.

What is asked is decided in the room of definitions; who sends or gets a response is left to the rooms above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from intake.definitions import (
    Answers,
    Fault,
    Item,
    Questionnaire,
    Value,
    answer_value,
    count_faults,
    enabled,
    entry_id,
    strip,
    value_faults,
    with_entries,
)
from intake.errors import Invalid

Json = Mapping[str, Any]


class ResponseStatus(StrEnum):
    """How far a response is: the codes of HL7 FHIR R4 QuestionnaireResponse.status."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered-in-error"
    STOPPED = "stopped"


class Misfit(StrEnum):
    """Why a response, or one place of it, does not fit its questionnaire. What is wrong with a value is a Fault."""

    NOT_A_RESPONSE = "not_a_response"
    OTHER_QUESTIONNAIRE = "other_questionnaire"
    NOT_OBJECTS = "not_objects"
    UNKNOWN_ITEM = "unknown_item"
    MISPLACED = "misplaced"
    OUT_OF_ORDER = "out_of_order"
    NO_QUESTION = "no_question"
    NO_VALUE = "no_value"
    NOT_ASKED = "not_asked"
    MISSING = "missing"


_FINISHED = (ResponseStatus.COMPLETED, ResponseStatus.AMENDED)


@dataclass(frozen=True)
class ResponseProblem:
    """One thing that is wrong with a response. `path` is FHIR's own way of naming a place in it, `limit` the limit
    that an answer passes; what the patient said is never repeated."""

    fault: Fault | Misfit
    path: str
    link_id: str = ""
    limit: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.fault, self.path, self.link_id and f"[{self.link_id}]", self.limit)))


class ResponseError(Invalid):
    """A response cannot be taken. `problems` lists everything that is wrong with it."""

    def __init__(self, problems: Iterable[ResponseProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("answers.response_invalid", problems=[str(problem) for problem in self.problems])

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


# ---- Writing ----


def questionnaire_response(
    questionnaire: Questionnaire,
    answers: Answers,
    *,
    language: str,
    authored: datetime,
    subject: str | None = None,
    status: str = ResponseStatus.COMPLETED,
) -> dict[str, Any]:
    """Return the answers as an HL7 FHIR R4 QuestionnaireResponse, ready for JSON.

    It holds the answers of enabled questions and no others, in the questionnaire's order and nested as there; what
    stands below a question lies in its first answer. Texts are in the `language` that was shown. A hidden item counts
    with its initial value where `answers` has none. `subject` is a reference such as ``Patient/1``. Raises ValueError
    for an `authored` without a time zone and for a `status` that FHIR does not have.
    """
    if authored.tzinfo is None:
        raise ValueError("authored needs a time zone: FHIR R4 allows no time without one")
    hidden = {item.link_id: item.initial for item in questionnaire.questions if item.hidden and item.initial}
    kept = strip(questionnaire, {**hidden, **answers})
    items = _Writer(with_entries(questionnaire, kept), kept, language).below(None)
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "language": language,
        "questionnaire": "|".join(filter(None, (questionnaire.url, questionnaire.version))),
        "status": ResponseStatus(status).value,
        "subject": {"reference": subject} if subject else None,
        "authored": authored.isoformat(timespec="seconds"),
        "item": items,
    }
    if not questionnaire.url:
        del response["questionnaire"]  # a version alone names nothing
    return {key: value for key, value in response.items() if value}


class _Writer:
    def __init__(self, shape: Questionnaire, answers: Answers, language: str) -> None:
        self.shape, self.answers, self.language = shape, answers, language
        self.children: dict[str | None, list[str]] = {}
        for link_id in shape.items:
            self.children.setdefault(shape.parents.get(link_id), []).append(link_id)

    def below(self, parent: str | None) -> list[dict[str, Any]]:
        written = (self._item(self.shape.items[link_id]) for link_id in self.children.get(parent, ()))
        return [item for item in written if item]

    def _item(self, item: Item) -> dict[str, Any] | None:
        """One item with what is answered in it, None where nothing is."""
        inside = self.below(item.link_id)
        answers = [self._value(item, value) for value in self.answers.get(item.link_id, ())]
        if not inside and not answers:
            return None
        out: dict[str, Any] = {"linkId": _plain_id(item)}
        if text := item.text.get(self.language):
            out["text"] = text
        if not item.is_question:
            return out | {"item": inside}
        if inside:
            # FHIR R4 lets an answer have items and no value: the question was passed over, those below it were not.
            answers = [{**(answers[0] if answers else {}), "item": inside}, *answers[1:]]
        return out | {"answer": answers}

    def _value(self, item: Item, value: Value) -> dict[str, Any]:
        key, raw = next(iter(value.items()))
        if key == "valueQuantity":
            return {key: {**raw, **item.unit_code}}
        if key != "valueCoding":
            return {key: raw}
        option = item.option_of(value)
        return {key: {**option.value[key], "display": option.text.get(self.language)} if option else {**raw}}


def _plain_id(item: Item) -> str:
    """The linkId as the definition has it, whichever entry of a repeating group the item stands in."""
    return item.link_id.removesuffix(f"#{item.entry}") if item.entry > 1 else item.link_id


# ---- Reading ----


def answers_of(questionnaire: Questionnaire, response: Json) -> dict[str, list[Value]]:
    """Return what an HL7 FHIR R4 QuestionnaireResponse says as our answers: the counterpart of
    `questionnaire_response`.

    Raises ResponseError with every problem: what the questionnaire does not have or does not ask, values of another
    type or outside the limits, and, in a response that is completed or amended, required answers that are missing.
    A date that may not lie ahead is held against the day the response was authored, if it says so.
    """
    reader = _Reader(questionnaire, response)
    reader.check_top()
    reader.read_items(response.get("item", []), None, 1, "QuestionnaireResponse.item")
    reader.check_together()
    if reader.problems:
        raise ResponseError(reader.problems)
    return strip(questionnaire, reader.answers)


class _Reader:
    """Reads one response. An answer outside its limits still counts for what else is asked, so that one mistake is
    told once."""

    def __init__(self, questionnaire: Questionnaire, response: Json) -> None:
        self.questionnaire, self.response = questionnaire, response
        self.known = {link_id: item for link_id, item in questionnaire.items.items() if item.entry == 1}
        self.order = {link_id: index for index, link_id in enumerate(self.known)}
        self.day = str(response.get("authored", ""))[:10]
        self.answers: dict[str, list[Value]] = {}
        self.places: dict[str, str] = {}
        self.unread: set[str] = set()
        self.entries: Counter[str] = Counter()
        self.problems: list[ResponseProblem] = []

    def check_top(self) -> None:
        top = "QuestionnaireResponse"
        if self.response.get("resourceType") != top or self.response.get("status") not in list(ResponseStatus):
            self._note(Misfit.NOT_A_RESPONSE, top)
        url, _, version = str(self.response.get("questionnaire", "")).partition("|")
        if url != self.questionnaire.url or (version and version != self.questionnaire.version):
            self._note(Misfit.OTHER_QUESTIONNAIRE, f"{top}.questionnaire")

    def read_items(self, raw: object, parent: str | None, entry: int, path: str) -> None:
        last = -1
        for one, here in self._objects(raw, path):
            link_id = str(one.get("linkId", ""))
            item = self.known.get(link_id)
            if item is None or self.questionnaire.parents.get(link_id) != parent:
                self._note(Misfit.MISPLACED if item else Misfit.UNKNOWN_ITEM, here, link_id)
                continue
            if self.order[link_id] < last:
                self._note(Misfit.OUT_OF_ORDER, here, link_id)
            last = max(last, self.order[link_id])
            self._read_item(item, self._entry(item, entry), one, here)

    def _entry(self, item: Item, around: int) -> int:
        """Which entry an item stands in: the one around it, or for a repeating group the next."""
        if not item.is_repeating_group:
            return around
        self.entries[item.link_id] += 1
        return self.entries[item.link_id]

    def _read_item(self, item: Item, entry: int, one: Json, path: str) -> None:
        link_id = entry_id(item.link_id, entry)
        if link_id in self.places:
            self._note(Fault.TWICE, path, item.link_id)
            return
        if item.is_repeating_group and entry > (most := self._most_entries(item, entry)):
            self._note(Fault.TOO_MANY, path, item.link_id, str(most))
            return
        self.places[link_id] = path
        answers = list(self._objects(one.get("answer", []), f"{path}.answer"))
        if not item.is_question:
            if answers:
                self._note(Misfit.NO_QUESTION, path, item.link_id)
            self.read_items(one.get("item", []), item.link_id, entry, f"{path}.item")
            return
        if "item" in one:
            self._note(Misfit.MISPLACED, f"{path}.item", item.link_id)
        self._read_answers(item, link_id, answers)
        for answer, here in answers:
            self.read_items(answer.get("item", []), item.link_id, entry, f"{here}.item")

    def _most_entries(self, group: Item, wanted: int) -> int:
        """How many of the wanted entries a group may have."""
        return with_entries(self.questionnaire, {group.link_id: [{"valueInteger": wanted}]}).entries[group.link_id]

    def _read_answers(self, item: Item, link_id: str, answers: Sequence[tuple[Json, str]]) -> None:
        values: list[Value] = []
        for answer, here in answers:
            given = {key: raw for key, raw in answer.items() if key.startswith("value")}
            value = answer_value(item, given)
            if value is not None:
                self._note_all(item, here, () if item.hidden else value_faults(item, value, self.day))
                option = item.option_of(value)
                values.append(option.value if option else value)
            elif given or "item" not in answer:
                self._note(Fault.WRONG_TYPE if given else Misfit.NO_VALUE, here, item.link_id)
                self.unread.add(link_id)
        self._note_all(item, self.places[link_id], () if item.hidden else count_faults(item, values))
        if values:
            self.answers[link_id] = values

    def check_together(self) -> None:
        """What can be judged only when every answer is known: answers nobody asked for, and those that are missing."""
        shape = with_entries(self.questionnaire, self.answers)
        on = enabled(shape, self.answers)
        for link_id in self.answers:
            if link_id not in on:
                self._note(Misfit.NOT_ASKED, self.places[link_id], link_id)
        if self.response.get("status") not in _FINISHED:
            return
        for link_id, item in shape.items.items():
            if link_id in on and item.required and not item.hidden and not self._is_answered(shape, item):
                self._note(Misfit.MISSING, self.places.get(link_id, "QuestionnaireResponse.item"), link_id)

    def _is_answered(self, shape: Questionnaire, item: Item) -> bool:
        """Whether a question has an answer (an acknowledgement: yes), a group one anywhere in it."""
        if not item.is_question:
            return any(self._is_answered(shape, shape.items[link_id]) for link_id in item.items)
        values = self.answers.get(item.link_id, [])
        if item.acknowledgement:
            values = [value for value in values if value.get("valueBoolean") is True]
        return bool(values) or item.link_id in self.unread

    def _objects(self, raw: object, path: str) -> Iterator[tuple[Json, str]]:
        entries = raw if isinstance(raw, list) else [raw]
        for index, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                yield entry, f"{path}[{index}]"
            else:
                self._note(Misfit.NOT_OBJECTS, f"{path}[{index}]")

    def _note(self, fault: Fault | Misfit, path: str, link_id: str = "", limit: str = "") -> None:
        self.problems.append(ResponseProblem(fault, path, link_id, limit))

    def _note_all(self, item: Item, path: str, found: Iterable[tuple[Fault, object]]) -> None:
        for fault, limit in found:
            self._note(fault, path, item.link_id, str(limit))
