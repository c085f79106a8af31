"""Whether values can be the answer to a question: their type, its options, its limits. Pure.

One rule for what comes as FHIR has it: a response by others, and the initial values that a questionnaire itself gives.
What a browser sent as typed text is read in the room of answers, and held to the same limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from intake.definitions.questionnaire import VALUE_KEYS, Item, ItemType
from intake.definitions.values import Value

Json = Mapping[str, Any]


class Fault(StrEnum):
    """Why values cannot be the answer to a question."""

    WRONG_TYPE = "wrong_type"
    WRONG_UNIT = "wrong_unit"
    UNKNOWN_OPTION = "unknown_option"
    EXCLUSIVE = "exclusive"
    TWICE = "twice"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    TOO_PRECISE = "too_precise"
    PATTERN = "pattern"
    IN_FUTURE = "in_future"


_LARGEST = 10**15
"""Below it a double, as which JSON numbers travel, keeps every whole number apart."""


def answer_value(item: Item, given: Json) -> Value | None:
    """Return the one value given, as answers hold it; None where it is not of a type that the item is answered with.

    `given` are the value[x] of one FHIR answer: the words of a coding are left out, numbers are such as JSON can write.
    """
    key, raw = next(iter(given.items()), ("", None))
    if len(given) != 1 or key not in fitting_keys(item):
        return None
    plain = plain_value(key, raw)
    return None if plain is None else {key: plain}


def plain_value(key: str, raw: object) -> Any:
    """Return what a value[x] holds as answers keep it, or None where it is not what its key promises: a day or a time
    that there is, an amount that JSON can write, a code."""
    return _PLAIN[key](raw)


def fitting_keys(item: Item) -> set[str]:
    """Return the value[x] keys that an answer to a question may carry: of a choice, those of its options."""
    if not item.is_choice:
        return {VALUE_KEYS[item.type]}
    own = {"valueCoding", "valueString"} if item.type is ItemType.OPEN_CHOICE else set()
    return own | {option.key for option in item.options}


def _whole(raw: object) -> int | None:
    """FHIR R4 integer: 32 bits with a sign."""
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and -(2**31) <= raw < 2**31 else None


def _amount(raw: object) -> float | int | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return None
    amount = float(raw) if isinstance(raw, Decimal) else raw
    return amount if abs(amount) < _LARGEST else None


def _quantity(raw: object) -> Json | None:
    if not isinstance(raw, Mapping) or "comparator" in raw:
        return None  # "less than 5" is no amount
    kept = {name: raw[name] for name in ("unit", "system", "code") if name in raw}
    amount = _amount(raw.get("value"))
    return None if amount is None else {"value": amount, **kept}


def _coding(raw: object) -> Json | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("code"), str):
        return None
    return {name: raw[name] for name in ("system", "code") if name in raw}


def _words(raw: object) -> str | None:
    return raw if isinstance(raw, str) and raw.strip() else None


def _iso(shape: str, parse: Callable[[str], object]) -> Callable[[object], str | None]:
    """A reader of one kind of date or time: FHIR's shape of it, and a day or hour that exists."""

    def read(raw: object) -> str | None:
        if not isinstance(raw, str) or not re.fullmatch(shape, raw, re.ASCII):
            return None
        try:
            parse(raw)
        except ValueError:
            return None
        return raw

    return read


_DAY, _CLOCK = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(\.\d{1,6})?"
_PLAIN: Mapping[str, Callable[[object], Any]] = {
    "valueBoolean": lambda raw: raw if isinstance(raw, bool) else None,
    "valueInteger": _whole,
    "valueDecimal": _amount,
    "valueQuantity": _quantity,
    "valueCoding": _coding,
    "valueString": _words,
    "valueUri": _words,
    "valueDate": _iso(_DAY, date.fromisoformat),
    "valueDateTime": _iso(rf"{_DAY}(T{_CLOCK}(Z|[+-]\d\d:\d\d))?", datetime.fromisoformat),
    "valueTime": _iso(_CLOCK, time.fromisoformat),
}


def count_faults(item: Item, values: Sequence[Value]) -> Iterator[tuple[Fault, object]]:
    """Yield what is wrong with an item's answers together, each with the limit they pass."""
    most = item.max_occurs if item.repeats else 1
    if most is not None and len(values) > most:
        yield Fault.TOO_MANY, most
    if any(one in values[:index] for index, one in enumerate(values)):
        yield Fault.TWICE, ""
    chosen = [item.option_of(value) for value in values]
    alone = [option.code for option in chosen if option and option.exclusive]
    if alone and len(values) > 1:
        yield Fault.EXCLUSIVE, alone[0]
    if item.repeats and values and not alone and item.min_occurs and len(values) < item.min_occurs:
        yield Fault.TOO_FEW, item.min_occurs


def value_faults(item: Item, value: Value, day: str) -> Iterator[tuple[Fault, object]]:
    """Yield what is wrong with one answer by itself, with the limit it passes; `day` is the ISO day it was given on, ""
    where nobody knows."""
    key, raw = next(iter(value.items()))
    if item.is_choice:
        if item.option_of(value) is not None:
            return
        if item.type is not ItemType.OPEN_CHOICE or key != "valueString":
            yield Fault.UNKNOWN_OPTION, ""
        else:
            yield from _text_faults(item, raw)
    elif key in ("valueString", "valueUri"):
        yield from _text_faults(item, raw)
    elif isinstance(raw, str):
        yield from _range_faults(item, raw)
        if item.past and day and raw[:10] > day:
            yield Fault.IN_FUTURE, day
    elif not isinstance(raw, bool):
        yield from _number_faults(item, raw)


def _text_faults(item: Item, raw: str) -> Iterator[tuple[Fault, object]]:
    if item.max_length and len(raw) > item.max_length:
        yield Fault.TOO_LONG, item.max_length
    if item.regex and not re.fullmatch(item.regex, raw):
        yield Fault.PATTERN, ""
    if item.min_length and len(raw) < item.min_length:
        yield Fault.TOO_SHORT, item.min_length


def _number_faults(item: Item, raw: Any) -> Iterator[tuple[Fault, object]]:
    given = raw if isinstance(raw, Mapping) else {"value": raw}
    amount = Decimal(str(given["value"]))
    if any(given.get(name, unit) != unit for name, unit in item.unit_code.items() if name != "unit"):
        yield Fault.WRONG_UNIT, item.unit or ""
    if item.max_decimals is not None and -int(amount.normalize().as_tuple().exponent) > item.max_decimals:
        yield Fault.TOO_PRECISE, item.max_decimals
    yield from _range_faults(item, amount)


def _range_faults(item: Item, given: Decimal | str) -> Iterator[tuple[Fault, object]]:
    if item.min is not None and (_side(given, item.min) or 0) < 0:
        yield Fault.TOO_SMALL, item.min
    if item.max is not None and (_side(given, item.max) or 0) > 0:
        yield Fault.TOO_LARGE, item.max


_EXACT: tuple[tuple[str, type[datetime] | type[time]], ...] = (("T", datetime), (":", time))


def _side(given: Any, limit: Any) -> int | None:
    """On which side of a limit something lies: -1 below, 1 above; None where the two cannot be compared.

    Two moments are compared as instants, two times of day as such, all else that is dated as texts of equal precision.
    """
    if isinstance(given, str) != isinstance(limit, str):
        return None
    if isinstance(given, str):
        exact = next((kind for mark, kind in _EXACT if mark in given and mark in limit), None)
        if exact:
            given, limit = exact.fromisoformat(given), exact.fromisoformat(limit)
        else:
            given, limit = given[: len(limit)], limit[: len(given)]
    return int(given > limit) - int(given < limit)
