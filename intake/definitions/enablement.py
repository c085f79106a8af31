"""Which items of a questionnaire are asked, and how a repeating group unfolds into its entries: pure functions.

The semantics are those of docs/questionnaires.md (E1 to E14); assets/js/conditions.js says the same in the browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from weakref import WeakKeyDictionary

from intake.definitions.questionnaire import MOST_ENTRIES, Condition, Item, Questionnaire, Section
from intake.definitions.values import Answers, Operator, Value, equal, number, ordered

_ENTRY = re.compile(r"(.+)#(\d{1,2})")


def enabled(questionnaire: Questionnaire, answers: Answers) -> frozenset[str]:
    """Return the linkIds of all items that are asked, groups and paragraphs included.

    HL7 FHIR R4 Questionnaire.item.enableWhen, with the gaps of that text closed: a disabled ancestor disables
    everything below; an answer counts as a source only while its own item is enabled; ``!=`` is true when no answer
    equals, so also when there is none; an ordering is false without an answer. In a repeating group a condition reads
    the entry it stands in; read from outside, every entry counts.
    """
    shape = with_entries(questionnaire, answers)
    always, steps = _steps(shape)
    on = set(always)
    for link_id, parent, item, sources, unanswered in steps:
        if (parent is None or parent in on) and (
            unanswered if sources.isdisjoint(answers) else _allowed(item, answers, on)
        ):
            on.add(link_id)
    return frozenset(on)


Step = tuple[str, str | None, Item, frozenset[str], bool]
"""A linkId, its parent, the item, what its conditions read, and whether they hold while nothing of that is answered."""
_known_steps: WeakKeyDictionary[Questionnaire, tuple[frozenset[str], tuple[Step, ...]]] = WeakKeyDictionary()


def _steps(shape: Questionnaire) -> tuple[frozenset[str], tuple[Step, ...]]:
    """What is asked whatever is answered, and then, in an order to go through, what may be asked."""
    if (found := _known_steps.get(shape)) is None:
        always: set[str] = set()
        steps: list[Step] = []
        for link_id in shape.order:
            item, parent = shape.items[link_id], shape.parents.get(link_id)
            if not item.conditions and (parent is None or parent in always):
                always.add(link_id)
            else:
                sources = frozenset(source for condition in item.conditions for source in condition.sources)
                steps.append((link_id, parent, item, sources, not item.conditions or _allowed(item, {}, set())))
        found = _known_steps[shape] = frozenset(always), tuple(steps)
    return found


def strip(questionnaire: Questionnaire, answers: Answers) -> dict[str, list[Value]]:
    """Return only the answers that exist for submission, export and print: those of enabled questions.

    Answers to unknown and to disabled items are left out, and so are empty ones; the order is the document's. An entry
    of a repeating group in which nothing is answered is left out, and those after it move up.
    """
    shape = with_entries(questionnaire, answers)
    on = enabled(shape, answers)
    kept = {
        item.link_id: list(answers[item.link_id])
        for item in shape.questions
        if item.link_id in on and answers.get(item.link_id)
    }
    return _without_gaps(shape, kept) if shape.entries else kept


def initial_answers(questionnaire: Questionnaire) -> dict[str, list[Value]]:
    """Return what a new response holds before anyone answers: `initial` counts as an answer from then on."""
    return {item.link_id: list(item.initial) for item in questionnaire.questions if item.initial}


def visible_sections(
    questionnaire: Questionnaire, answers: Answers, on: frozenset[str] | None = None
) -> tuple[Section, ...]:
    """Return the pages that have something to ask: an enabled question that is not hidden. `on` is what is asked, where
    that is known already."""
    shape = with_entries(questionnaire, answers)
    on = enabled(shape, answers) if on is None else on
    return tuple(section for section, shown in shape.shown if not on.isdisjoint(shown))


def with_entries(questionnaire: Questionnaire, answers: Answers) -> Questionnaire:
    """Return the questionnaire in the shape these answers give it: each repeating group once for every entry.

    The second entry's items are named ``linkId#2`` and so on. A group has as many entries as are answered, as its own
    linkId says (``{"valueInteger": n}``, kept while an entry is still empty), and at least one.
    """
    if not questionnaire.entries:
        return questionnaire
    counts = tuple((group, _entry_count(questionnaire, group, answers)) for group in questionnaire.entries)
    if counts == tuple(questionnaire.entries.items()):
        return questionnaire
    return _shaped(_Known(questionnaire), counts)


def entry_id(link_id: str, entry: int) -> str:
    """Return the linkId of an item in the n-th entry of its group, from 1."""
    return link_id if entry == 1 else f"{link_id}#{entry}"


def split_entry(link_id: str) -> tuple[str, int]:
    """Return the linkId as the definition has it, and the entry it names, 1 where it names none."""
    match = _ENTRY.fullmatch(link_id)
    return (match[1], int(match[2])) if match else (link_id, 1)


def evaluation_order(items: Mapping[str, Item], parents: Mapping[str, str]) -> Iterator[str]:
    """Yield linkIds so that each follows everything its enablement is decided by. There must be no cycle."""
    waiting = {
        link_id: {source for condition in item.conditions for source in condition.sources}
        | ({parents[link_id]} if link_id in parents else set())
        for link_id, item in items.items()
    }
    done: set[str] = set()
    while waiting:
        ready = [link_id for link_id, on in waiting.items() if on <= done]
        yield from ready
        done.update(ready)
        for link_id in ready:
            del waiting[link_id]


def _allowed(item: Item, answers: Answers, on: set[str]) -> bool:
    """Whether an item's conditions hold; it has some."""
    for condition in item.conditions:
        if _met(condition, answers, on) is item.any_of:
            return item.any_of
    return not item.any_of


def _met(condition: Condition, answers: Answers, on: set[str]) -> bool:
    values: Sequence[Value]
    if condition.also:
        values = [value for source in condition.sources if source in on for value in answers.get(source, ())]
    else:
        values = answers.get(condition.source, ()) if condition.source in on else ()
    match condition.operator:
        case Operator.EXISTS:
            return bool(values) is bool(condition.value["valueBoolean"])
        case Operator.EQUAL:
            return any(equal(condition.value, value) for value in values)
        case Operator.NOT_EQUAL:
            return not any(equal(condition.value, value) for value in values)
        case operator:
            return any(ordered(operator, value, condition.value) for value in values)


def _entry_count(questionnaire: Questionnaire, group: str, answers: Answers) -> int:
    """How many entries a group has: as many as are said or answered, within what it allows."""
    item = questionnaire.items[group]
    said = [int(number(value.get("valueInteger")) or 1) for value in answers.get(group, ())]
    inside = _inside(questionnaire, group)
    answered = [entry for link_id, values in answers.items() if values
                for base, entry in [split_entry(link_id)] if base in inside]  # fmt: skip
    wanted = max([1, item.min_occurs or 1, *said, *answered])
    return min(wanted, item.max_occurs or MOST_ENTRIES)


def _inside(questionnaire: Questionnaire, group: str) -> frozenset[str]:
    """The linkIds of a group's first entry below the group itself."""
    found: set[str] = set()
    waiting = list(questionnaire.items[group].items)
    while waiting:
        link_id = waiting.pop()
        found.add(link_id)
        waiting += questionnaire.items[link_id].items
    return frozenset(found)


class _Known:
    """Lets the cache know a questionnaire by its hash; every shape of one is made from its first entries alone."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire

    def __hash__(self) -> int:
        return hash(self.questionnaire.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.questionnaire.sha256 == self.questionnaire.sha256


@lru_cache(256)
def _shaped(known: _Known, counts: tuple[tuple[str, int], ...]) -> Questionnaire:
    whole, entries = known.questionnaire, dict(counts)
    group_of = {link_id: group for group in entries for link_id in (group, *_inside(whole, group))}
    items: dict[str, Item] = {}
    for link_id, item in whole.items.items():
        if item.entry == 1 and link_id not in group_of:
            items[link_id] = _reading_all(item, group_of, entries)
        elif link_id in entries:
            members = [one for one in whole.items if group_of.get(one) == link_id]
            for entry in range(1, entries[link_id] + 1):
                items |= {entry_id(one, entry): _copy(whole.items[one], entry, group_of, entries) for one in members}
    parents = {
        link_id: entry_id(parent, item.entry) if parent in group_of else parent
        for link_id, item in items.items()
        if (parent := whole.parents.get(split_entry(link_id)[0] if item.entry > 1 else link_id))
    }
    sections = tuple(replace(s, items=tuple(_spread(s, items, group_of, entries))) for s in whole.sections)
    order = tuple(evaluation_order(items, parents))
    return replace(whole, items=items, parents=parents, sections=sections, order=order, entries=entries)


def _copy(item: Item, entry: int, group_of: Mapping[str, str], entries: Mapping[str, int]) -> Item:
    """An item as it stands in the n-th entry: it reads its own entry, and all entries of other groups."""
    own = group_of[item.link_id]
    conditions = tuple(
        replace(condition, source=entry_id(condition.source, entry), also=())
        if group_of.get(condition.source) == own
        else _reading(condition, group_of, entries)
        for condition in item.conditions
    )
    children = tuple(entry_id(child, entry) for child in item.items)
    return replace(item, link_id=entry_id(item.link_id, entry), items=children, conditions=conditions, entry=entry)


def _reading_all(item: Item, group_of: Mapping[str, str], entries: Mapping[str, int]) -> Item:
    return replace(item, conditions=tuple(_reading(condition, group_of, entries) for condition in item.conditions))


def _reading(condition: Condition, group_of: Mapping[str, str], entries: Mapping[str, int]) -> Condition:
    group = group_of.get(condition.source)
    last = entries[group] if group else 1
    return replace(condition, also=tuple(entry_id(condition.source, entry) for entry in range(2, last + 1)))


def _spread(
    section: Section, items: Mapping[str, Item], group_of: Mapping[str, str], entries: Mapping[str, int]
) -> Iterator[str]:
    """A page's linkIds with every entry of its groups, in the order of the document."""
    here = set(section.items)
    for link_id in items:
        base, entry = split_entry(link_id) if items[link_id].entry > 1 else (link_id, 1)
        if base in here and (entry == 1 or entries[group_of[base]] >= entry):
            yield link_id


def _without_gaps(shape: Questionnaire, kept: dict[str, list[Value]]) -> dict[str, list[Value]]:
    """Answers with empty entries left out, so that the entries that remain count from 1."""
    moved = dict.fromkeys(kept, "")
    for group in shape.entries:
        inside = _inside(shape, group)
        there = sorted({split_entry(one)[1] for one in kept if split_entry(one)[0] in inside})
        for link_id in kept:
            base, entry = split_entry(link_id)
            if base in inside:
                moved[link_id] = entry_id(base, there.index(entry) + 1)
    return {moved[link_id] or link_id: values for link_id, values in kept.items()}
