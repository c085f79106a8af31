"""The server's evaluator with one mistake each: what somebody might write who does not know docs/questionnaires.md."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from intake.definitions import enablement as server
from intake.definitions.questionnaire import Condition, Item, Questionnaire
from intake.definitions.values import Answers, Operator, Value, equal, ordered

Patch = Mapping[str, Callable[..., Any]]

_met, _allowed, _with_entries = server._met, server._allowed, server.with_entries


def _different(condition: Condition, answers: Answers, on: set[str]) -> bool:
    if condition.operator is not Operator.NOT_EQUAL:
        return _met(condition, answers, on)
    values = [value for source in condition.sources if source in on for value in answers.get(source, ())]
    return any(not equal(condition.value, value) for value in values)


def _different_if_answered(condition: Condition, answers: Answers, on: set[str]) -> bool:
    answered = any(source in on and answers.get(source) for source in condition.sources)
    return _met(condition, answers, on) and (answered or condition.operator is not Operator.NOT_EQUAL)


def _any_source(condition: Condition, answers: Answers, on: set[str]) -> bool:
    return _met(condition, answers, on | set(condition.sources))


def _exists(condition: Condition, answers: Answers, on: set[str]) -> bool:
    is_exists = condition.operator is Operator.EXISTS
    return _met(replace(condition, value={"valueBoolean": True}) if is_exists else condition, answers, on)


def _first_entry(condition: Condition, answers: Answers, on: set[str]) -> bool:
    return _met(replace(condition, also=()), answers, on)


def _no_ancestors(questionnaire: Questionnaire, answers: Answers) -> Questionnaire:
    return replace(_with_entries(questionnaire, answers), parents={})


def _ordering(instead: Mapping[Operator, Operator]) -> Patch:
    def wrong(operator: Operator, value: Value, bound: Value) -> bool:
        return ordered(instead.get(operator, operator), value, bound)

    return {"ordered": wrong}


def _behaviour(any_of: bool) -> Patch:
    def wrong(item: Item, answers: Answers, on: set[str]) -> bool:
        return _allowed(replace(item, any_of=any_of), answers, on)

    return {"_allowed": wrong}


def _strict(one: Value, other: Value) -> bool:
    if "valueCoding" in one and "valueCoding" in other:
        return all(one["valueCoding"].get(key) == other["valueCoding"].get(key) for key in ("system", "code"))
    return equal(one, other)


def _of_any_system(one: Value, other: Value) -> bool:
    if "valueCoding" in one and "valueCoding" in other:
        return bool(one["valueCoding"].get("code") == other["valueCoding"].get("code"))
    return equal(one, other)


MUTANTS: Mapping[str, Patch] = {
    "not equal holds when any answer differs": {"_met": _different},
    "not equal is false without an answer": {"_met": _different_if_answered},
    "an answer counts though its item is not asked": {"_met": _any_source},
    "a disabled ancestor does not matter": {"with_entries": _no_ancestors},
    "all conditions are always wanted": _behaviour(any_of=False),
    "one condition is always enough": _behaviour(any_of=True),
    "exists does not read its boolean": {"_met": _exists},
    "at least means more than": _ordering({Operator.GREATER_OR_EQUAL: Operator.GREATER}),
    "at most means less than": _ordering({Operator.LESS_OR_EQUAL: Operator.LESS}),
    "more than means at least": _ordering({Operator.GREATER: Operator.GREATER_OR_EQUAL}),
    "less than means at most": _ordering({Operator.LESS: Operator.LESS_OR_EQUAL}),
    "a coding without a system equals none with one": {"equal": _strict},
    "codings of two systems are equal": {"equal": _of_any_system},
    "of a repeating group only the first entry is read": {"_met": _first_entry},
}


@contextmanager
def mutated(mistake: str) -> Iterator[None]:
    """Put one mistake into the server's evaluator for as long as the block runs."""
    # What was worked out beforehand must be worked out anew, with the mistake.
    patch: dict[str, Any] = {**MUTANTS[mistake], "_known_steps": WeakKeyDictionary()}
    sound = {name: getattr(server, name) for name in patch}
    try:
        for name, function in patch.items():
            setattr(server, name, function)
        yield
    finally:
        for name, function in sound.items():
            setattr(server, name, function)
