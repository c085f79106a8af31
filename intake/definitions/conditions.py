"""The conditions of screening rules: read once from YAML, then asked what a patient's answers say to them.

Leaf strings nested in ``all``, ``any`` and ``not``; no expression language and no evaluation of text. What a rule says
when its condition holds stands in ruleset.py.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from intake.definitions.contentfile import ContentFile
from intake.definitions.enablement import split_entry, with_entries
from intake.definitions.questionnaire import NUMBERS, Item, ItemType, Questionnaire
from intake.definitions.treatments import Treatments
from intake.definitions.values import Answers, number
from intake.definitions.yamlfile import Node, is_word

_LEAF = re.compile(
    r"([^\s()]+)\s+(=|!=|>=|<=|>|<)\s+(\S+)|(\S+)\s+in\s+\[([^\]]+)\]|count\((\S+)\)\s+(=|>=|<=|>|<)\s+(\d+)"
)
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}

Fact = str | Decimal


@dataclass(frozen=True)
class Facts:
    """What is known of a patient, by source: codes of choices, "true" or "false" of yes/no questions, numbers.

    Besides items there are ``age`` (years), ``bmi`` (kg/m2) and ``tx`` (treatments wanted). `origins` says which items
    these came from, for ``tx`` also by treatment (``tx PRP``). A source nobody answered is absent.
    """

    values: Mapping[str, tuple[Fact, ...]]
    origins: Mapping[str, frozenset[str]]

    def of(self, source: str) -> tuple[Fact, ...]:
        """Return what is known of a source, nothing if it was not answered."""
        return self.values.get(source, ())

    def items_of(self, source: str) -> frozenset[str]:
        """Return the linkIds whose answers a source stands for."""
        return self.origins.get(source, frozenset({source}))


@dataclass(frozen=True)
class Leaf:
    """One comparison. `=` and `in` hold if some answer equals, `!=` if none does (so also without an answer)."""

    source: str
    operator: str
    values: tuple[Fact, ...]
    counts: bool = False


@dataclass(frozen=True)
class AllOf:
    """Holds if every part does."""

    parts: tuple[RuleCondition, ...]


@dataclass(frozen=True)
class AnyOf:
    """Holds if one part does."""

    parts: tuple[RuleCondition, ...]


@dataclass(frozen=True)
class Not:
    """Holds if its part does not."""

    part: RuleCondition


RuleCondition = Leaf | AllOf | AnyOf | Not


def witnesses(condition: RuleCondition, facts: Facts) -> frozenset[str] | None:
    """Return the linkIds whose answers make a condition hold, None if it does not hold.

    Of an ``any`` only the parts that hold are named; for a ``not``, everything its part looked at.
    """
    match condition:
        case Leaf():
            return _origin(condition, facts) if _holds(condition, facts.of(condition.source)) else None
        case AllOf(parts):
            found = [witnesses(part, facts) for part in parts]
            return None if None in found else frozenset[str]().union(*(one for one in found if one is not None))
        case AnyOf(parts):
            held = [one for part in parts if (one := witnesses(part, facts)) is not None]
            return frozenset[str]().union(*held) if held else None
        case Not(part):
            looked_at = frozenset(item for source in sources(part) for item in facts.items_of(source))
            return looked_at if witnesses(part, facts) is None else None


def sources(condition: RuleCondition) -> frozenset[str]:
    """Return every source a condition looks at."""
    match condition:
        case Leaf():
            return frozenset({condition.source})
        case Not(part):
            return sources(part)
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(sources, parts))


def _origin(leaf: Leaf, facts: Facts) -> frozenset[str]:
    """Return the items a comparison that holds has looked at, of several treatments only those that are wanted."""
    met = [f"{leaf.source} {value}" for value in leaf.values if value in facts.of(leaf.source)]
    named = [facts.origins[name] for name in met if name in facts.origins]
    return frozenset[str]().union(*named) if named else facts.items_of(leaf.source)


def _holds(leaf: Leaf, known: tuple[Fact, ...]) -> bool:
    if leaf.counts:
        known = (Decimal(len(known)),)
    if leaf.operator in ("=", "in"):
        return not set(leaf.values).isdisjoint(known)
    if leaf.operator == "!=":
        return set(leaf.values).isdisjoint(known)
    return any(_ORDERINGS[leaf.operator](one, leaf.values[0]) for one in known)


class ConditionReader:
    """Reads conditions of one file; every item, option and treatment they name must exist."""

    def __init__(self, file: ContentFile, questionnaire: Questionnaire, treatments: Treatments) -> None:
        self.file = file
        self.questionnaire = questionnaire
        self.treatments = treatments

    def read(self, node: Node) -> RuleCondition:
        """Return the condition of a node; what is wrong with it is kept in the file's list of problems."""
        if is_word(node):
            return self._leaf(node)
        entries = self.file.reader.entries(node)
        if len(entries) != 1 or entries[0][0] not in ("all", "any", "not"):
            self.file.reader.problem(node, "Y06", "a condition is one comparison, or all: [...], any: [...], not: ...")
            return AnyOf(())
        word, inside = entries[0]
        if word == "not":
            return Not(self.read(inside))
        parts = tuple(self.read(part) for part in self.file.reader.sequence(inside))
        if len(parts) < 2:
            self.file.reader.problem(node, "Y06", f"'{word}' needs two conditions or more")
        return AllOf(parts) if word == "all" else AnyOf(parts)

    def _leaf(self, node: Node) -> RuleCondition:
        words = self.file.reader.string(node)
        match = _LEAF.fullmatch(words)
        if match is None:
            hint = "write: item = value, item in [a, b], or count(item) >= 3"
            self.file.reader.problem(node, "Y06", f"'{words}' is not a comparison", hint)
            return AnyOf(())
        if match[6]:
            self._item(node, match[6])
            return Leaf(match[6], match[7], (Decimal(match[8]),), counts=True)
        source, sign = (match[1], match[2]) if match[1] else (match[4], "in")
        raw = [match[3]] if match[1] else [word.strip() for word in match[5].split(",")]
        values = tuple(self._value(node, source, sign, word) for word in raw)
        return Leaf(source, sign, values)

    def _value(self, node: Node, source: str, sign: str, raw: str) -> Fact:
        """Return a written value as the kind of fact its source gives."""
        known = self._known(node, source)
        if known is None:
            amount = number(raw)
            if amount is None:
                self.file.reader.problem(node, "Y04", f"'{source}' is a number, '{raw}' is not")
            return amount or Decimal(0)
        if sign in _ORDERINGS:
            self.file.reader.problem(node, "Y06", f"'{source}' cannot be ordered by '{sign}'")
        elif known and raw not in known:
            self.file.reader.problem(node, "Y05", f"'{source}' has no option '{raw}'", f"known: {', '.join(known)}")
        return raw

    def _known(self, node: Node, source: str) -> tuple[str, ...] | None:
        """Return the words a source can give, none if that cannot be told, None if it gives numbers."""
        if source in ("age", "bmi"):
            return None
        if source == "tx":
            return self.treatments.codes
        item = self._item(node, source)
        if item is None:
            return ()
        if item.type == ItemType.BOOLEAN:
            return ("true", "false")
        if item.type in NUMBERS:
            return None
        if not item.is_choice:
            self.file.reader.problem(node, "Y06", f"'{source}' is answered in the patient's own words")
        return tuple(option.code for option in item.options)

    def _item(self, node: Node, link_id: str) -> Item | None:
        item = self.questionnaire.items.get(link_id)
        if item is None or not item.is_question:
            self.file.reader.problem(node, "Y05", f"there is no question '{link_id}'")
            return None
        return item


def facts_of(questionnaire: Questionnaire, answers: Answers) -> dict[str, tuple[Fact, ...]]:
    """Return the facts of enabled answers, by linkId; words, dates and times are no facts to compare with.

    The entries of a repeating group give their facts together, under the linkId the definition knows.
    """
    shape = with_entries(questionnaire, answers)
    facts: dict[str, tuple[Fact, ...]] = {}
    for item in shape.questions:
        found = tuple(fact for value in answers.get(item.link_id, ()) if (fact := _fact(item, value)) is not None)
        if found:
            name = split_entry(item.link_id)[0] if item.entry > 1 else item.link_id
            facts[name] = facts.get(name, ()) + found
    return facts


def _fact(item: Item, value: Mapping[str, Any]) -> Fact | None:
    key, raw = next(iter(value.items()))
    if item.is_choice:
        return str(raw["code"]) if key == "valueCoding" else str(raw)
    if item.type == ItemType.BOOLEAN:
        return "true" if raw else "false"
    return number(raw.get("value") if isinstance(raw, Mapping) else raw) if item.type in NUMBERS else None
