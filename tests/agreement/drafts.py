"""Random drafts of a questionnaire, and what a page would send for them.

Drafts are drawn from a seed, so a difference can be looked at again. What is asked is left to the evaluators.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from intake.answers.rules import mark_of_own_words
from intake.definitions.rules import NUMBERS, Item, ItemType, Questionnaire, Value, with_entries

Draft = dict[str, list[Value]]

MOST_ENTRIES_DRAWN = 3
UNANSWERED = 0.3
SCRIPTS = ("0123456789", "०१२३४५६७८९", "٠١٢٣٤٥٦٧٨٩")
WORDS = ("", "some words", "Ünïcode शब्द")


def drafts(questionnaire: Questionnaire, count: int, seed: int) -> Iterator[Draft]:
    """Yield drafts with answers to items that are asked and to items that are not; the first is empty."""
    bounds = bounds_of(questionnaire)
    random = Random(f"{seed} {questionnaire.sha256}")
    yield {}
    for _ in range(count - 1):
        entries = {group: _entries(questionnaire.items[group], random) for group in questionnaire.entries}
        draft: Draft = {group: [{"valueInteger": entry}] for group, entry in entries.items()}
        for item in with_entries(questionnaire, draft).questions:
            near = bounds.get(item.link_id.split("#")[0], [])
            if random.random() >= UNANSWERED and (values := _values(item, near, random)):
                draft[item.link_id] = values
        yield draft


def sent(item: Item, values: Sequence[Value], random: Random) -> list[str]:
    """The texts that the fields of a page hold for these answers; numbers in any script, with a point or a comma."""
    return [_own(item, value) + _sent(item, next(iter(value.values())), random) for value in values]


def _own(item: Item, value: Value) -> str:
    return mark_of_own_words(item) if "valueString" in value else ""


def _sent(item: Item, raw: Any, random: Random) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, Mapping):
        raw = raw["value"] if "value" in raw else raw["code"]
    if item.type not in NUMBERS:
        return str(raw)
    digits = str.maketrans("0123456789", random.choice(SCRIPTS))
    return f"{Decimal(str(raw)):f}".replace(".", random.choice(".,")).translate(digits)


def _entries(group: Item, random: Random) -> int:
    return random.randint(1, min(MOST_ENTRIES_DRAWN, group.max_occurs or MOST_ENTRIES_DRAWN))


def bounds_of(questionnaire: Questionnaire) -> dict[str, list[Any]]:
    """What conditions compare each item with, so that answers are drawn at and around it."""
    found: dict[str, list[Any]] = {}
    for item in questionnaire.items.values():
        for condition in item.conditions:
            found.setdefault(condition.source, []).append(next(iter(condition.value.values())))
    return found


def _values(item: Item, near: Sequence[Any], random: Random) -> list[Value]:
    if item.is_choice:
        return _chosen(item, near, random)
    if item.type is ItemType.BOOLEAN:
        return [{"valueBoolean": random.choice((True, False))}]
    if item.type in NUMBERS:
        return [_number(item, near, random)]
    if item.type is ItemType.DATE:
        return [{"valueDate": _day(near, random)}]
    if item.type is ItemType.DATETIME:
        return [{"valueDateTime": f"{_day(near, random)}T10:00:00+05:30"}]
    if item.type is ItemType.TIME:
        return [{"valueTime": random.choice(("08:00:00", "10:30:00", *_texts(near)))}]
    key = "valueUri" if item.type is ItemType.URL else "valueString"
    text = random.choice((*WORDS, *_texts(near)))
    return [{key: text}] if text else []


def _chosen(item: Item, near: Sequence[Any], random: Random) -> list[Value]:
    codes = list(dict.fromkeys(option.code for option in item.options))
    how_many = random.randint(1, min(3, len(codes))) if item.repeats else 1
    # The first option of a code is the one that a page's code means.
    found = [option.value for code in random.sample(codes, how_many) if (option := item.option(code))]
    if item.type is ItemType.OPEN_CHOICE and random.random() < 0.25:
        own = {"valueString": random.choice((WORDS[1], *_texts(near)))}
        return [*found, own] if item.repeats else [own]
    return found


def _number(item: Item, near: Sequence[Any], random: Random) -> Value:
    amounts = [Decimal(str(raw["value"] if isinstance(raw, Mapping) else raw)) for raw in near
               if not isinstance(raw, bool | str)]  # fmt: skip
    amount = random.choice(amounts or [Decimal(random.randint(-5, 120))]) + random.choice((-1, 0, 0, 1))
    if item.type is ItemType.INTEGER:
        return {"valueInteger": int(amount)}
    amount += random.choice((Decimal(0), Decimal("0.1"), Decimal("-0.25")))
    if item.type is ItemType.DECIMAL:
        return {"valueDecimal": float(amount)}
    unit = {"unit": item.unit, **item.unit_code} if item.unit else {}
    return {"valueQuantity": {"value": float(amount), **unit}}


def _day(near: Sequence[Any], random: Random) -> str:
    days = [date.fromisoformat(text[:10]) for text in _texts(near) if len(text) >= len("2026-11-23")]
    return (random.choice(days or [date(2026, 11, 23)]) + timedelta(days=random.choice((-1, 0, 0, 1)))).isoformat()


def _texts(near: Sequence[Any]) -> list[str]:
    return [raw for raw in near if isinstance(raw, str)]
