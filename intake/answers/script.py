"""What the script of a page of questions is told, so that it shows and hides as the server would.

assets/js/enablement.js reads the rules, assets/js/conditions.js and typed.js the answers in the boxes.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from intake.answers.rules import mark_of_own_words
from intake.answers.typed import MONTHS
from intake.definitions import (
    NUMBERS,
    Answers,
    Condition,
    Item,
    ItemType,
    Operator,
    Questionnaire,
    Section,
    Value,
    equal,
    with_entries,
)

_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode
WITH_A_DAY = (ItemType.DATE, ItemType.DATETIME)


def conditions_for(questionnaire: Questionnaire, section: Section, answers: Answers) -> dict[str, Any]:
    """What the page's script needs to show and hide as `enabled` would: the rules of this page's items and of all they
    depend on, and the answers that stand elsewhere, as texts: on other pages, or on this one without a box. Where
    something depends on a date of this page, also the words for months that its boxes take."""
    shape = with_entries(questionnaire, answers)
    plan = _plan(shape, section)
    return {"items": plan.rules, "answers": plan.elsewhere(shape, answers), **plan.months}


def conditions_in_json(shape: Questionnaire, section: Section, answers: Answers) -> str:
    """The same as JSON, for a questionnaire in the shape these answers give it. All but the answers is the same for
    everybody, so it is written once."""
    plan = _plan(shape, section)
    return f"{plan.head}{_AS_JSON(plan.elsewhere(shape, answers))}{plan.tail}"


def depending(shape: Questionnaire, section: Section) -> AbstractSet[str]:
    """The linkIds of the page that are asked only if something holds, and those they depend on that are such too."""
    return _plan(shape, section).rules.keys()


@dataclass(frozen=True)
class _Plan:
    """What a page's script is told whoever answers: the rules; the linkIds of the answers that stand elsewhere; words
    for months; and that as JSON around those answers."""

    rules: Mapping[str, Any]
    sources: tuple[str, ...]
    months: Mapping[str, Any]
    head: str
    tail: str

    def elsewhere(self, shape: Questionnaire, answers: Answers) -> dict[str, list[str]]:
        """The answers that stand elsewhere, as texts."""
        items = shape.items
        return {one: [_as_sent(items[one], value) for value in answers.get(one, ())] for one in self.sources}


_plans: WeakKeyDictionary[Questionnaire, dict[str, _Plan]] = WeakKeyDictionary()


def _plan(shape: Questionnaire, section: Section) -> _Plan:
    plans = _plans.setdefault(shape, {})
    if (plan := plans.get(section.id)) is None:
        plan = plans[section.id] = _planned(shape, section)
    return plan


def _planned(shape: Questionnaire, section: Section) -> _Plan:
    wanted = _behind(shape, section.items)
    here = {link_id for link_id in section.items if shape.items[link_id].is_filled_in}
    rules = {one: _rule(shape, shape.items[one]) for one in shape.items if one in wanted and _depends(shape, one)}
    sources = tuple(one for one in shape.items if one in wanted - here and shape.items[one].is_question)
    read = {source for one in rules for c in shape.items[one].conditions for source in c.sources} & here
    months = {"months": MONTHS} if any(shape.items[one].type in WITH_A_DAY for one in read) else {}
    head, tail = json.dumps({"items": rules, "answers": None, **months}, ensure_ascii=False).rsplit("null", 1)
    return _Plan(rules, sources, months, head, tail)


def _behind(shape: Questionnaire, items: Sequence[str]) -> set[str]:
    """These items and everything their being asked depends on."""
    found: set[str] = set()
    waiting = list(items)
    while waiting:
        link_id = waiting.pop()
        if link_id not in found:
            found.add(link_id)
            waiting += [source for c in shape.items[link_id].conditions for source in c.sources]
            waiting += [shape.parents[link_id]] if link_id in shape.parents else []
    return found


def _depends(shape: Questionnaire, link_id: str | None) -> bool:
    """Whether an item is asked only if something holds, of itself or of what it lies in."""
    if link_id is None:
        return False
    return bool(shape.items[link_id].conditions) or _depends(shape, shape.parents.get(link_id))


def _rule(shape: Questionnaire, item: Item) -> dict[str, Any]:
    """One item's rule as assets/js/enablement.js reads it. A parent that is always asked is left out."""
    parent = shape.parents.get(item.link_id)
    return {
        "parent": parent if _depends(shape, parent) else None,
        "any": item.any_of,
        "when": [_comparison(shape.items[c.source], c) for c in item.conditions],
    }


def _comparison(source: Item, condition: Condition) -> dict[str, Any]:
    """One condition in terms of the texts a page sends; a coding of another system than the options' has none."""
    out: dict[str, Any] = {"sources": list(condition.sources), "op": condition.operator.value, "kind": "text"}
    if condition.operator is Operator.EXISTS:
        return out | {"value": condition.value["valueBoolean"]}
    if source.type in NUMBERS:
        return out | {"kind": "number", "value": _as_text(condition.value)}
    if source.is_choice:
        met = next((option.code for option in source.options if equal(condition.value, option.value)), None)
        open_words = source.type is ItemType.OPEN_CHOICE and "valueString" in condition.value
        return out | {"value": _as_sent(source, condition.value) if open_words and met is None else met}
    return out | {"value": _as_text(condition.value)}


def _as_sent(item: Item, value: Value) -> str:
    own = mark_of_own_words(item) if "valueString" in value else ""
    return own + _as_text(value)


def _as_text(value: Value) -> str:
    """A stored value as the text that a page's field would send for it."""
    raw = next(iter(value.values()))
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, Mapping):
        raw = raw.get("value", raw.get("code", ""))
    return f"{Decimal(str(raw)):f}" if isinstance(raw, int | float) else str(raw)
