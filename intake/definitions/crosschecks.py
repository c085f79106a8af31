"""What makes the items of a FHIR questionnaire unusable together: names used twice, conditions that lead nowhere.

Each check is a generator of problems with a code of the profile; loader.py runs them after every item has passed alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from intake.definitions import profile
from intake.definitions.checks import MAX_DEPTH, RawItem, item_type, option_code
from intake.definitions.problems import Problem
from intake.definitions.questionnaire import ItemType
from intake.definitions.values import Operator

Json = Mapping[str, Any]
Items = Mapping[str, RawItem]


def _duplicates(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    for item in items:
        if item.link_id and known[item.link_id] is not item:
            yield item.problem("Q02", f"the linkId '{item.link_id}' is used twice")


def _sources(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    for item in items:
        for index, condition in enumerate(item.data.get("enableWhen", [])):
            at = f".enableWhen[{index}]"
            source = known.get(str(condition.get("question")))
            if source is None:
                yield item.problem("Q11", f"it depends on '{condition.get('question')}', which does not exist", at=at)
                continue
            for message in _comparison(condition, source):
                yield item.problem("Q13", message, at=at)


def _comparison(condition: Json, source: RawItem) -> Iterator[str]:
    """Say what is wrong with one enableWhen, given the item it reads."""
    operator = condition.get("operator")
    answers = [key for key in condition if key.startswith("answer")]
    kind = item_type(source)
    if operator not in list(Operator):
        yield f"the operator '{operator}' is not one of FHIR R4"
    elif len(answers) != 1:
        yield "exactly one answer[x] is needed"
    elif kind is None or kind not in profile.ANSWER_KEYS:
        yield f"'{source.link_id}' is not a question"
    elif operator == Operator.EXISTS:
        if not isinstance(condition.get("answerBoolean"), bool):
            yield "exists needs answerBoolean"
    elif operator not in (Operator.EQUAL, Operator.NOT_EQUAL) and kind not in profile.ORDERED:
        yield f"'{operator}' cannot order answers of the type {kind}"
    else:
        yield from _answer(answers[0], condition, source, kind)


def _answer(key: str, condition: Json, source: RawItem, kind: ItemType) -> Iterator[str]:
    if key.removeprefix("answer") not in profile.ANSWER_KEYS[kind]:
        yield f"{key} cannot be compared with an answer of the type {kind}"
    elif key == "answerCoding" and not isinstance(condition[key], dict):
        yield "answerCoding must be an object"
    elif kind == ItemType.QUANTITY and len(_units(condition[key], source)) > 1:
        yield f"the units differ: {' and '.join(sorted(_units(condition[key], source)))}"
    elif kind == ItemType.CHOICE:
        wanted = condition[key].get("code") if key == "answerCoding" else condition[key]
        codes = [option_code(option) for option in source.options]
        if codes and str(wanted) not in codes:
            yield f"'{source.link_id}' has no option '{wanted}'"


def _units(quantity: Json, source: RawItem) -> set[str]:
    """The units a quantity and the item it is compared with have; one that is not said is no other."""
    unit = source.extension(profile.UNIT) or source.extension(profile.UNIT_OPTION) or {}
    return {str(named) for one in (quantity, unit) if (named := one.get("code") or one.get("unit"))}


def _cycles(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    """An item that (through parents and conditions) waits for itself can never be decided."""
    waits = {item.link_id: dependencies(item) & known.keys() for item in items}
    while ends := {name for name, on in waits.items() if not on} | (waits.keys() - set().union(*waits.values())):
        waits = {name: on - ends for name, on in waits.items() if name not in ends}
    for name in waits:
        yield known[name].problem("Q12", "its conditions lead back to itself")


def dependencies(item: RawItem) -> set[str]:
    """Return the linkIds an item's enablement is decided by: its parent and the sources of its conditions."""
    sources = {str(condition.get("question")) for condition in item.data.get("enableWhen", [])}
    return sources | ({item.parent} if item.parent else set())


def _nesting(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    """Q04: a repeating group has one level, and its entries' names must be free."""
    repeating = {item.link_id for item in items if item.type == ItemType.GROUP and item.data.get("repeats") is True}
    for item in items:
        if repeating and re.fullmatch(r".+#\d{1,2}", item.link_id):
            yield item.problem("Q02", "a linkId may not end in # and a number where a group repeats")
        if item.link_id in repeating and any(above in repeating for above in _ancestors(item, known)):
            yield item.problem("Q04", "a group that repeats lies in another that repeats", "use one level")


def _ancestors(item: RawItem, known: Items) -> Iterator[str]:
    parent, seen = item.parent, 0
    while parent is not None and parent in known and seen <= MAX_DEPTH:
        yield parent
        parent, seen = known[parent].parent, seen + 1


TOGETHER: tuple[Callable[[Sequence[RawItem], Items], Iterator[Problem]], ...] = (
    _duplicates,
    _sources,
    _cycles,
    _nesting,
)
"""Every check that needs more than one item."""
