"""Random answers that a questionnaire allows, for tests; the same source of chance gives the same answers."""

import re
from collections.abc import Mapping
from random import Random
from typing import Any

from intake.definitions.rules import MOST_ENTRIES, Item, ItemType, Questionnaire, Value, with_entries

WORDS = ("yes", "9876543210", "a@b.in", "नमस्ते", "مرحبا 5", "two\nlines", "O'Neil <b>&", "411001", "12")


def random_answers(questionnaire: Questionnaire, rng: Random, share: float) -> dict[str, list[Value]]:
    """Answers to about this share of all questions, asked or not, in one to three entries of every group."""
    counts: dict[str, list[Value]] = {
        link_id: [{"valueInteger": rng.randint(1, min(3, questionnaire.items[link_id].max_occurs or MOST_ENTRIES))}]
        for link_id in questionnaire.entries
    }
    shape = with_entries(questionnaire, counts)
    chosen = [item for item in shape.questions if rng.random() <= share and not item.hidden]
    return {item.link_id: values for item in chosen if (values := _values(item, rng))}


def _values(item: Item, rng: Random) -> list[Value]:
    if item.is_choice:
        return _chosen(item, rng)
    if item.type in (ItemType.STRING, ItemType.TEXT, ItemType.URL):
        key = "valueUri" if item.type is ItemType.URL else "valueString"
        fitting = [word for word in ("https://clinic.example/a", *WORDS) if _fits(item, word)]
        return [{key: rng.choice(fitting if key == "valueString" else fitting[:1])}] if fitting else []
    return [_single(item, rng)]


def _fits(item: Item, word: str) -> bool:
    short, long = item.min_length or 0, item.max_length or 1000
    return short <= len(word) <= long and (item.regex is None or re.fullmatch(item.regex, word) is not None)


def _single(item: Item, rng: Random) -> Value:
    low, high = _bounds(item)
    made: Mapping[ItemType, Any] = {
        ItemType.BOOLEAN: lambda: {"valueBoolean": item.acknowledgement or rng.random() < 0.5},
        ItemType.INTEGER: lambda: {"valueInteger": rng.randint(int(low), int(high))},
        ItemType.DECIMAL: lambda: {"valueDecimal": _amount(item, rng)},
        ItemType.QUANTITY: lambda: {"valueQuantity": {"value": _amount(item, rng), **item.unit_code}},
        ItemType.DATE: lambda: {"valueDate": _day(item, rng)},
        ItemType.DATETIME: lambda: {"valueDateTime": f"{_day(item, rng)}T{rng.randint(10, 23)}:30:00+05:30"},
        ItemType.TIME: lambda: {"valueTime": _within(item, f"{rng.randint(10, 23)}:45:00")},
    }
    value: Value = made[item.type]()
    return value


def _bounds(item: Item) -> tuple[float, float]:
    low = 0 if item.min is None or isinstance(item.min, str) else float(item.min)
    return low, low + 100 if item.max is None or isinstance(item.max, str) else float(item.max)


def _amount(item: Item, rng: Random) -> float:
    low, high = _bounds(item)
    places = 2 if item.max_decimals is None else item.max_decimals
    return min(high, max(low, round(rng.uniform(low, high), places)))


def _day(item: Item, rng: Random) -> str:
    """A day between the limits, which tests write as full dates."""
    years = range(int(str(item.min or "1950")[:4]), int(str(item.max or "2025")[:4]) + 1)
    return _within(item, f"{rng.choice(years)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}")


def _within(item: Item, text: str) -> str:
    low, high = (str(limit)[: len(text)] if limit else text for limit in (item.min, item.max))
    return min(high, max(low, text))


def _chosen(item: Item, rng: Random) -> list[Value]:
    own = [word for word in WORDS if _fits(item, word)] if item.type is ItemType.OPEN_CHOICE else []
    if own and rng.random() < 0.3:
        return [{"valueString": rng.choice(own)}]
    if not item.repeats or rng.random() < 0.3:
        alone = [option for option in item.options if option.exclusive] if item.repeats else list(item.options)
        if alone:
            return [rng.choice(alone).value]
    several = [option for option in item.options if not option.exclusive]
    least, most = max(1, item.min_occurs or 1), min(item.max_occurs or len(several), len(several))
    picked = rng.sample(several, rng.randint(least, most))
    return [option.value for option in several if option in picked]
