"""FHIR values as answers hold them, and when two of them are equal or one comes before the other. Pure.

What a questionnaire does with them stands in enablement.py, what a patient typed in the room of answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import Any

Value = Mapping[str, Any]
"""One FHIR value[x] with a single key, for example ``{"valueCoding": {"code": "yes"}}``."""

Answers = Mapping[str, Sequence[Value]]
"""linkId to the values given for it; an absent linkId and an empty sequence both mean "not answered"."""


class Operator(StrEnum):
    """The seven operators of FHIR R4 enableWhen."""

    EXISTS = "exists"
    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    GREATER_OR_EQUAL = ">="
    LESS_OR_EQUAL = "<="


_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    Operator.GREATER: gt,
    Operator.LESS: lt,
    Operator.GREATER_OR_EQUAL: ge,
    Operator.LESS_OR_EQUAL: le,
}


def equal(one: Value, other: Value) -> bool:
    """Return whether two values are equal: the same kind, numbers by amount, codings by code and known systems,
    quantities by amount and known units."""
    key = next(iter(one), "")
    if key not in other:
        return False
    if key == "valueCoding":
        return _same_coding(one[key], other[key])
    if key == "valueQuantity":
        return _same_unit(one[key], other[key]) and _amount(one) == _amount(other)
    if key in ("valueInteger", "valueDecimal"):
        return number(one[key]) == number(other[key])
    return bool(one[key] == other[key])


def ordered(operator: Operator, value: Value, bound: Value) -> bool:
    """Return whether `value` stands to `bound` as the operator says; two values of different kinds never do."""
    key = next(iter(bound))
    if key not in value or (key == "valueQuantity" and not _same_unit(value[key], bound[key])):
        return False
    if key in ("valueInteger", "valueDecimal", "valueQuantity"):
        left, right = _amount(value), _amount(bound)
        return left is not None and right is not None and _ORDERINGS[operator](left, right)
    given, limit = str(value[key]), str(bound[key])
    # ISO texts of dates and times order like what they name, as long as both are equally precise.
    return len(given) == len(limit) and _ORDERINGS[operator](given, limit)


def number(raw: object) -> Decimal | None:
    """Return a JSON number (or its text) as an exact Decimal, None for anything else."""
    if isinstance(raw, bool):
        return None
    try:
        amount = Decimal(str(raw))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _amount(value: Value) -> Decimal | None:
    raw = next(iter(value.values()))
    return number(raw.get("value") if isinstance(raw, Mapping) else raw)


def _same_coding(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one.get("code") != other.get("code"):
        return False
    systems = {coding["system"] for coding in (one, other) if coding.get("system")}
    return len(systems) < 2


def _same_unit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    units = {quantity.get("code") or quantity.get("unit") for quantity in (one, other)} - {None}
    return len(units) < 2
