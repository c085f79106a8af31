"""An answer in plain words of a language, as pages, records and review show it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal

from babel import UnknownLocaleError
from babel.dates import format_date

from intake.definitions.questionnaire import Item, Questionnaire
from intake.definitions.values import Value, number

_YES_NO: Mapping[str, tuple[str, str]] = {"en": ("Yes", "No"), "hi": ("हाँ", "नहीं"), "ar": ("نعم", "لا")}


def answer_text(item: Item, values: Sequence[Value], language: str) -> str:
    """Return an answer in plain words of a language, several values joined by "; ", or "" when there is none."""
    return "; ".join(_value_text(item, value, language) for value in values)


def entry_name(shape: Questionnaire, link_id: str, language: str) -> str:
    """Return the name of the entry of a repeating group that an item stands in ("Medicine 2"), or "" where it stands in
    none. `shape` has as many entries as there are answers (enablement.with_entries)."""
    above = shape.parents.get(link_id)
    while above is not None and not shape.items[above].is_repeating_group:
        above = shape.parents.get(above)
    if above is None:
        return ""
    group = shape.items[above]
    return f"{(group.short or group.text).get(language)} {group.entry}"


def entry_label(shape: Questionnaire, link_id: str, language: str) -> str:
    """Return a question as a list of answers names it: in a repeating group with the entry it stands in."""
    return ": ".join(filter(None, (entry_name(shape, link_id, language), shape.items[link_id].text.get(language))))


def yes_no(language: str) -> tuple[str, str]:
    """Return the words for a boolean's two answers."""
    return _YES_NO.get(language.split("-")[0].split("_")[0], _YES_NO["en"])


def _value_text(item: Item, value: Value, language: str) -> str:
    key, raw = next(iter(value.items()))
    if key == "valueBoolean":
        return yes_no(language)[0 if raw else 1]
    chosen = item.option_of(value)
    if chosen is not None:
        return chosen.text.get(language)
    if key in _MOMENTS:
        return _MOMENTS[key](str(raw), language)
    if isinstance(raw, Mapping):
        amount = number(raw.get("value"))
        words = _plain_number(amount) if amount is not None else str(raw.get("display") or raw.get("code", ""))
        unit = raw.get("unit") or item.unit
        return f"{words} {unit}" if amount is not None and unit else words
    words = _plain_number(amount) if (amount := number(raw)) is not None and not isinstance(raw, str) else str(raw)
    return f"{words} {item.unit}" if item.unit else words


def _plain_number(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _date_text(raw: str, language: str) -> str:
    try:
        return format_date(date.fromisoformat(raw), "d MMMM y", locale=language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return raw  # a year or a month alone, or no such locale: what was written is better than nothing


def _datetime_text(raw: str, language: str) -> str:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        return raw
    if len(raw) == len("2026-01-31"):
        return _date_text(raw, language)
    return f"{_date_text(moment.date().isoformat(), language)}, {moment:%H:%M}"


def _time_text(raw: str, language: str) -> str:
    try:
        return f"{time.fromisoformat(raw):%H:%M}"
    except ValueError:
        return raw


_MOMENTS = {"valueDate": _date_text, "valueDateTime": _datetime_text, "valueTime": _time_text}
