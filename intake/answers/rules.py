"""From what a person typed to a FHIR value, or to the reason why not. Pure; the words of the reasons are left to forms.

Digits of any script are taken; what was typed is kept as typed where it is text.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from intake.definitions.rules import (
    NUMBERS,
    Answers,
    Condition,
    Item,
    ItemType,
    Operator,
    Questionnaire,
    Section,
    Value,
    enabled,
    equal,
    visible_sections,
    with_entries,
)

LONGEST_STRING = 255
LONGEST_TEXT = 5000
OLDEST_YEAR = 1900
PHONE_NUMBER = re.compile(r"[+(]?\d[\d ()-]{5,17}\d")
PHONE_DIGITS = range(7, 16)  # a number has at most 15 digits (ITU-T E.164, section 6)
PHONE_SIGNS = str.maketrans({".": " ", "\u00a0": " ", "\u2010": "-", "\u2011": "-", "\u2013": "-"})
LONGEST_NAME = 60
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january जनवरी",
            "feb february फरवरी फ़रवरी",
            "mar march मार्च",
            "apr april अप्रैल",
            "may मई",
            "jun june जून",
            "jul july जुलाई",
            "aug august अगस्त",
            "sep sept september सितंबर सितम्बर",
            "oct october अक्टूबर",
            "nov november नवंबर नवम्बर",
            "dec december दिसंबर दिसम्बर",
        ),
        start=1,
    )
    for name in names.split()
}


class Problem(StrEnum):
    """Why an answer cannot be taken."""

    MISSING = "missing"
    MISSING_ACK = "missing_ack"
    MISSING_MANY = "missing_many"
    UNKNOWN_OPTION = "unknown_option"
    EXCLUSIVE = "exclusive"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    NOT_A_NUMBER = "not_a_number"
    NOT_WHOLE = "not_whole"
    TOO_PRECISE = "too_precise"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    DATE_INCOMPLETE = "date_incomplete"
    DATE_DAY = "date_day"
    DATE_MONTH = "date_month"
    DATE_YEAR = "date_year"
    DATE_IMPOSSIBLE = "date_impossible"
    DATE_FUTURE = "date_future"
    DATE_TOO_OLD = "date_too_old"
    PATTERN = "pattern"
    PHONE = "phone"


@dataclass(frozen=True)
class Reading:
    """What was read: values, or a problem with the limit it names (for a day that its month lacks, that year-month)."""

    values: tuple[Value, ...] = ()
    problem: Problem | None = None
    limit: str = ""


@dataclass(frozen=True)
class Draft:
    """Answers as they grow, and the sections that were saved without a problem."""

    answers: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    saved: frozenset[str] = frozenset()


def ascii_digits(text: str) -> str:
    """The text with decimal digits of any script as 0 to 9."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def clean(text: str) -> str:
    """Typed text in NFC without the control characters no keyboard means; line breaks stay, words stay as they are."""
    kept = (
        c
        for c in unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
    )
    return "".join(kept).strip()


def read_phone(typed: str) -> str | None:
    """A phone number with ASCII digits and plain signs, or None where it cannot be one: 7 to 15 digits of any script,
    with spaces, dots, dashes and brackets, perhaps a plus in front."""
    plain = ascii_digits(clean(typed)).translate(PHONE_SIGNS)
    digits = sum(c.isdigit() for c in plain)
    return plain if digits in PHONE_DIGITS and PHONE_NUMBER.fullmatch(plain) else None


def is_telephone(item: Item) -> bool:
    """Whether a question asks for a phone number. FHIR R4 has no such type, so the pattern tells: it takes numbers as
    people write them, and no word."""
    if not item.regex:
        return False
    takes = re.compile(item.regex).fullmatch
    return any(map(takes, ("9876543210", "98765 43210", "+91 98765 43210"))) and not takes("telephone")


def short_name(text: str) -> str:
    """A question by its first sentence, or by as many of its words as make a line."""
    first = re.match(r".+?[?؟!.।](?=\s|$)", text)
    name = (first[0] if first else text).rstrip(".:")
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME].rsplit(" ", 1)[0].rstrip(",;") + "…"


def short_names(items: Sequence[Item], language: str) -> dict[str, str]:
    """A short name for each question of a page, by linkId; where two would be alike, what else tells them apart: the
    whole question, else its first answers, else a number."""
    whole = {item.link_id: item.text.get(language) for item in items}
    names = {link_id: short_name(text) for link_id, text in whole.items()}
    for item in items:
        alike = [link_id for link_id, text in whole.items() if short_name(text) == short_name(whole[item.link_id])]
        if len(alike) == 1:
            continue
        if len({whole[link_id] for link_id in alike}) == len(alike):
            names[item.link_id] = whole[item.link_id]
        else:
            told = _first_answers(item, language) or str(alike.index(item.link_id) + 1)
            names[item.link_id] = f"{names[item.link_id]} ({told})"
    return names


def _first_answers(item: Item, language: str) -> str:
    first = ", ".join(re.sub(r"\s*\(.*?\)", "", option.text.get(language)) for option in item.options[:2])
    name = short_name(first)
    return name if name.endswith("…") or not name else f"{name}, …"


def read(item: Item, raw: Sequence[str], today: date) -> Reading:
    """Read what the fields of one item sent: one string, several codes, or day, month and year."""
    if item.acknowledgement:
        return Reading(({"valueBoolean": True},)) if raw and raw[0] else _missing(item, Problem.MISSING_ACK)
    if item.is_choice:
        return _read_choice(item, raw)
    if item.type is ItemType.DATE:
        return _read_date(item, raw, today)
    text = clean(raw[0]) if raw else ""
    if not text:
        return _missing(item, Problem.MISSING)
    readers = {ItemType.BOOLEAN: _read_boolean, ItemType.INTEGER: _read_number, ItemType.DECIMAL: _read_number}
    return readers.get(item.type, _read_text)(item, text)


def _missing(item: Item, problem: Problem) -> Reading:
    return Reading(problem=problem) if item.required else Reading()


def _read_choice(item: Item, raw: Sequence[str]) -> Reading:
    codes = list(dict.fromkeys(code for code in raw if code))
    if not codes:
        return _missing(item, Problem.MISSING_MANY if item.repeats else Problem.MISSING)
    options = [item.option(code) for code in codes]
    if any(option is None for option in options) or (len(codes) > 1 and not item.repeats):
        return Reading(problem=Problem.UNKNOWN_OPTION)
    chosen = [option for option in options if option is not None]
    if len(chosen) > 1 and any(option.exclusive for option in chosen):
        alone = next(option for option in chosen if option.exclusive)
        return Reading(problem=Problem.EXCLUSIVE, limit=str(alone.text))
    if item.min_occurs and len(chosen) < item.min_occurs and not any(option.exclusive for option in chosen):
        return Reading(problem=Problem.TOO_FEW, limit=str(item.min_occurs))
    if item.max_occurs and len(chosen) > item.max_occurs:
        return Reading(problem=Problem.TOO_MANY, limit=str(item.max_occurs))
    return Reading(tuple(option.value for option in item.options if option in chosen))


def _read_boolean(item: Item, text: str) -> Reading:
    if text not in ("true", "false"):
        return Reading(problem=Problem.UNKNOWN_OPTION)
    return Reading(({"valueBoolean": text == "true"},))


def _read_number(item: Item, text: str) -> Reading:
    typed = ascii_digits(text).replace("٫", ".").replace(",", ".").replace(" ", "")
    if not re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,6})?", typed):
        return Reading(problem=Problem.NOT_A_NUMBER)
    number = Decimal(typed)
    most = 0 if item.type is ItemType.INTEGER else item.max_decimals
    if most is not None and number != round(number, most):
        return Reading(problem=Problem.TOO_PRECISE if most else Problem.NOT_WHOLE, limit=str(most))
    if (low := _bound(item.min)) is not None and number < low:
        return Reading(problem=Problem.TOO_SMALL, limit=str(item.min))
    if (high := _bound(item.max)) is not None and number > high:
        return Reading(problem=Problem.TOO_LARGE, limit=str(item.max))
    if item.type is ItemType.INTEGER:
        return Reading(({"valueInteger": int(number)},))
    return Reading(({"valueDecimal": float(number)},))


def _bound(raw: object) -> Decimal | None:
    try:
        return None if raw is None else Decimal(str(raw))
    except InvalidOperation:
        return None


def _read_text(item: Item, text: str) -> Reading:
    if is_telephone(item):
        text = read_phone(text) or ""
        if not text:
            return Reading(problem=Problem.PHONE)
    longest = item.max_length or (LONGEST_TEXT if item.type is ItemType.TEXT else LONGEST_STRING)
    if len(text) > longest:
        return Reading(problem=Problem.TOO_LONG, limit=str(longest))
    if item.regex:
        text = ascii_digits(text)
        if not re.fullmatch(item.regex, text):
            return Reading(problem=Problem.PATTERN)
    if item.min_length and len(text) < item.min_length:
        return Reading(problem=Problem.TOO_SHORT, limit=str(item.min_length))
    return Reading(({"valueUri" if item.type is ItemType.URL else "valueString": text},))


def read_date(parts: Sequence[str]) -> date | Reading | None:
    """A day, month and year in boxes (month by number or name, digits of any script); None when all are empty,
    a reading that names the problem where they are no date."""
    day, month, year = (ascii_digits(clean(part)) for part in [*parts, "", "", ""][:3])
    if not (day or month or year):
        return None
    if not (day and month and year):
        return Reading(problem=Problem.DATE_INCOMPLETE)
    month = str(MONTHS.get(month.casefold().rstrip("."), month))
    for box, shape, most, problem in (
        (day, r"\d{1,2}", 31, Problem.DATE_DAY),
        (month, r"\d{1,2}", 12, Problem.DATE_MONTH),
        (year, r"[1-9]\d{3}", 9999, Problem.DATE_YEAR),
    ):
        if not (re.fullmatch(shape, box) and 1 <= int(box) <= most):
            return Reading(problem=problem)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return Reading(problem=Problem.DATE_IMPOSSIBLE, limit=f"{year}-{int(month):02d}")


def _read_date(item: Item, raw: Sequence[str], today: date) -> Reading:
    day = read_date(raw)
    if day is None:
        return _missing(item, Problem.MISSING)
    if isinstance(day, Reading):
        return day
    if item.past and day > today:
        return Reading(problem=Problem.DATE_FUTURE, limit=today.isoformat())
    if day.year < OLDEST_YEAR:
        return Reading(problem=Problem.DATE_TOO_OLD, limit=str(OLDEST_YEAR))
    if isinstance(item.min, str) and day.isoformat() < item.min:
        return Reading(problem=Problem.TOO_SMALL, limit=item.min)
    if isinstance(item.max, str) and day.isoformat() > item.max:
        return Reading(problem=Problem.TOO_LARGE, limit=item.max)
    return Reading(({"valueDate": day.isoformat()},))


def is_complete(questionnaire: Questionnaire, section: Section, draft: Draft) -> bool:
    """Whether a section was saved and every enabled, required question of it has an answer."""
    questionnaire = with_entries(questionnaire, draft.answers)
    section = questionnaire.section(section.id) or section
    on = enabled(questionnaire, draft.answers)
    wanted = [questionnaire.items[link_id] for link_id in section.items if link_id in on]
    answered = all(
        draft.answers.get(item.link_id) for item in wanted if item.is_question and item.required and not item.hidden
    )
    return section.id in draft.saved and answered


def open_sections(questionnaire: Questionnaire, draft: Draft) -> list[Section]:
    """The pages that are asked and not complete, in order."""
    return [s for s in visible_sections(questionnaire, draft.answers) if not is_complete(questionnaire, s, draft)]


def merge(questionnaire: Questionnaire, draft: Draft, page: Answers) -> tuple[dict[str, Sequence[Value]], list[str]]:
    """The draft with a page's answers, and the linkIds that were sent though not asked: those are dropped.

    What is hidden by the new answers stays in the draft, so that changing one's mind back restores it.
    """
    together = {**draft.answers, **page}
    on = enabled(questionnaire, together)
    dropped = [link_id for link_id, values in page.items() if link_id not in on and values]
    kept = {key: values for key, values in together.items() if key not in dropped or key in draft.answers}
    return {key: (draft.answers[key] if key in dropped else values) for key, values in kept.items()}, dropped


def conditions_for(questionnaire: Questionnaire, section: Section, answers: Answers) -> dict[str, Any]:
    """What the page's script needs to show and hide as `enabled` would: the rules of this page's items and of all they
    depend on, and the answers that stand on other pages, as texts."""
    shape = with_entries(questionnaire, answers)
    wanted = _behind(shape, section.items)
    here = {one for one in section.items if shape.items[one].is_asked}  # what is hidden has no field on its page
    rules = {one: _rule(shape, shape.items[one]) for one in shape.items if one in wanted and _depends(shape, one)}
    elsewhere = {
        link_id: [_as_text(value) for value in answers.get(link_id, ())]
        for link_id in shape.items
        if link_id in wanted - here and shape.items[link_id].is_question
    }
    return {"items": rules, "answers": elsewhere}


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
        return out | {"value": _as_text(condition.value) if open_words and met is None else met}
    return out | {"value": _as_text(condition.value)}


def _as_text(value: Value) -> str:
    """A stored value as the text that a page's field would send for it."""
    raw = next(iter(value.values()))
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, Mapping):
        raw = raw.get("value", raw.get("code", ""))
    return f"{Decimal(str(raw)):f}" if isinstance(raw, int | float) else str(raw)
