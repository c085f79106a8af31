"""From what a person typed to a FHIR value, or to the reason why not. Pure; the words of the reasons are left to forms.

Digits of any script are taken; what was typed is kept as typed where it is text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache

from intake.answers.typed import (
    LONGEST_NAME,
    OLDEST_YEAR,
    Problem,
    Reading,
    ascii_digits,
    clean,
    is_address,
    read_date,
    read_number,
    read_phone,
    read_time,
    short_name,
)
from intake.definitions.rules import (
    DEFAULT_LENGTHS,
    MOST_ENTRIES,
    NUMBERS,
    Answers,
    Fault,
    Item,
    ItemType,
    Questionnaire,
    Section,
    Value,
    count_faults,
    enabled,
    entry_id,
    initial_answers,
    value_faults,
    visible_sections,
    with_entries,
)

__all__ = [
    "LONGEST_NAME",
    "OLDEST_YEAR",
    "Draft",
    "Problem",
    "Reading",
    "ascii_digits",
    "clean",
    "demanded",
    "inside",
    "is_complete",
    "is_telephone",
    "merge",
    "open_sections",
    "other_code",
    "read",
    "read_date",
    "read_phone",
    "short_name",
    "short_names",
    "unanswered_groups",
    "with_more",
    "without_entry",
]


@dataclass(frozen=True)
class Draft:
    """Answers as they grow, and the sections that were saved without a problem."""

    answers: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    saved: frozenset[str] = frozenset()


def is_telephone(item: Item) -> bool:
    """Whether a question asks for a phone number. FHIR R4 has no such type, so the pattern tells: it takes numbers as
    people write them, and no word."""
    return bool(item.regex) and _takes_phone_numbers(item.regex)


@lru_cache(1024)
def _takes_phone_numbers(regex: str) -> bool:
    takes = re.compile(regex).fullmatch
    return any(map(takes, ("9876543210", "98765 43210", "+91 98765 43210"))) and not takes("telephone")


def short_names(items: Sequence[Item], language: str) -> dict[str, str]:
    """A short name for each question of a page, by linkId; where two would be alike, what else tells them apart: the
    whole question, else its first answers, else a number."""
    by_id = {item.link_id: item for item in items}
    whole = {item.link_id: item.text.get(language) for item in items}
    names = {link_id: short_name(text) for link_id, text in whole.items()}
    for item in items:
        alike = [link_id for link_id, text in whole.items() if short_name(text) == short_name(whole[item.link_id])]
        if len(alike) == 1:
            continue
        if len({whole[link_id] for link_id in alike}) == len(alike):
            names[item.link_id] = whole[item.link_id]
        else:
            first = {link_id: told for link_id in alike if (told := _first_answers(by_id[link_id], language))}
            is_told = list(first.values()).count(first.get(item.link_id, "")) == 1
            told = first[item.link_id] if is_told else str(alike.index(item.link_id) + 1)
            names[item.link_id] = f"{names[item.link_id]} ({told})"
    return names


def _first_answers(item: Item, language: str) -> str:
    first = ", ".join(re.sub(r"\s*\(.*?\)", "", option.text.get(language)) for option in item.options[:2])
    name = short_name(first)
    return name if name.endswith("…") or not name else f"{name}, …"


def read(item: Item, raw: Sequence[str], today: date, zone: tzinfo = UTC) -> Reading:
    """Read what the fields of one item sent: one string; several codes; for an open choice the words typed, then the
    codes; day, month and year; and for a moment a time of day too, on the clocks of `zone`."""
    if item.acknowledgement:
        return Reading(({"valueBoolean": True},)) if raw and raw[0] else _missing(item, Problem.MISSING_ACK)
    if item.is_choice:
        return _read_choice(item, raw)
    if item.type is ItemType.DATE:
        return _read_date(item, raw, today)
    if item.type is ItemType.DATETIME:
        return _read_moment(item, raw, today, zone)
    text = clean(raw[0]) if raw else ""
    if not text:
        return _missing(item, Problem.MISSING)
    return _READERS.get(item.type, _read_text)(item, text)


def _missing(item: Item, problem: Problem) -> Reading:
    return Reading(problem=problem) if item.required else Reading()


def mark_of_own_words(item: Item) -> str:
    """What stands before own words where they are compared, so that they never read like an option's code: no code of
    FHIR R4 begins with a space. Where options are plain texts themselves, the same words are the same answer."""
    return " " if item.type is ItemType.OPEN_CHOICE and all(one.key == "valueCoding" for one in item.options) else ""


def other_code(item: Item) -> str:
    """What a page sends for "something else" of an open choice: never the code of an option."""
    code = "-other-"
    while item.option(code) is not None:
        code += "-"
    return code


def _read_choice(item: Item, raw: Sequence[str]) -> Reading:
    is_open, other, words = item.type is ItemType.OPEN_CHOICE, "", ""
    if is_open:
        other, words, raw = other_code(item), clean(raw[0]) if raw else "", raw[1:]
    codes = list(dict.fromkeys(code for code in raw if code))
    if is_open and words and not codes:
        codes = [other]
    if not codes:
        return _missing(item, Problem.MISSING_MANY if item.repeats else Problem.MISSING)
    wants_words = is_open and other in codes
    options = {code: item.option(code) for code in codes if not (wants_words and code == other)}
    if None in options.values() or (len(codes) > 1 and not item.repeats):
        return Reading(problem=Problem.UNKNOWN_OPTION)
    values: tuple[Value, ...] = tuple(option.value for option in item.options if options.get(option.code) is option)
    if wants_words:
        own = _read_text(item, words) if words else Reading(problem=Problem.MISSING_WORDS)
        if own.problem:
            return own
        values += tuple(value for value in own.values if value not in values)
    return _judged(values, count_faults(item, values))


def _read_boolean(item: Item, text: str) -> Reading:
    if text not in ("true", "false"):
        return Reading(problem=Problem.UNKNOWN_OPTION)
    return Reading(({"valueBoolean": text == "true"},))


def _read_number(item: Item, text: str) -> Reading:
    amount = read_number(text)
    if amount is None:
        return Reading(problem=Problem.NOT_A_NUMBER)
    if (item.type is ItemType.INTEGER or item.max_decimals == 0) and amount != int(amount):
        return Reading(problem=Problem.NOT_WHOLE)
    if item.type is ItemType.INTEGER:
        return _within(item, {"valueInteger": int(amount)})
    if item.type is ItemType.QUANTITY:
        return _within(item, {"valueQuantity": {"value": float(amount), **item.unit_code}})
    return _within(item, {"valueDecimal": float(amount)})


def _read_time(item: Item, text: str) -> Reading:
    if (found := read_time(text)) is None:
        return Reading(problem=Problem.TIME)
    return _within(item, {"valueTime": found.isoformat()})


def _read_text(item: Item, text: str) -> Reading:
    if is_telephone(item):
        text = read_phone(text) or ""
        if not text:
            return Reading(problem=Problem.PHONE)
    longest = item.max_length or DEFAULT_LENGTHS[item.type]
    if len(text) > longest:
        return Reading(problem=Problem.TOO_LONG, limit=str(longest))
    if item.type is ItemType.URL and not is_address(text):
        return Reading(problem=Problem.ADDRESS)
    if item.regex:
        text = ascii_digits(text)
    return _within(item, {"valueUri" if item.type is ItemType.URL else "valueString": text})


def _read_date(item: Item, raw: Sequence[str], today: date) -> Reading:
    day = read_date(raw)
    if day is None:
        return _missing(item, Problem.MISSING)
    if isinstance(day, Reading):
        return day
    return _bad_day(item, day, today) or _within(item, {"valueDate": day.isoformat()})


def _bad_day(item: Item, day: date, today: date) -> Reading | None:
    if item.past and day > today:
        return Reading(problem=Problem.DATE_FUTURE, limit=today.isoformat())
    if day.year < OLDEST_YEAR:
        return Reading(problem=Problem.DATE_TOO_OLD, limit=str(OLDEST_YEAR))
    return None


def _read_moment(item: Item, raw: Sequence[str], today: date, zone: tzinfo) -> Reading:
    day, typed = read_date(raw[:3]), clean(raw[3]) if len(raw) > 3 else ""
    if day is None and not typed:
        return _missing(item, Problem.MISSING)
    if isinstance(day, Reading):
        return day
    if day is None or not typed:
        return Reading(problem=Problem.MOMENT_INCOMPLETE)
    if (clock := read_time(typed)) is None:
        return Reading(problem=Problem.TIME)
    moment = datetime.combine(day, clock, zone)
    return _bad_day(item, day, today) or _within(item, {"valueDateTime": moment.isoformat()})


def _within(item: Item, value: Value) -> Reading:
    """The answer, or the limit of its question that it passes. Days ahead are refused before, in words of their own."""
    return _judged((value,), value_faults(item, value, day=""))


def _judged(values: tuple[Value, ...], faults: Iterator[tuple[Fault, object]]) -> Reading:
    """The answers, or the first of what is wrong with them: what others send is held to the same limits."""
    fault, limit = next(faults, (None, ""))
    return Reading(problem=Problem(fault.value), limit=str(limit)) if fault else Reading(values)


_READERS = dict.fromkeys(NUMBERS, _read_number) | {ItemType.BOOLEAN: _read_boolean, ItemType.TIME: _read_time}
"""Who reads the one line of a question; whatever is not here is text."""


def demanded(shape: Questionnaire, answers: Answers, on: frozenset[str] | None = None) -> frozenset[str]:
    """The linkIds of the questions that must be answered: required, asked, and not in an entry that may stay away.

    An entry of a repeating group in which nothing is answered is left out of what is submitted, so it demands nothing
    unless so many entries are called for. `on` is what is asked, where that is known already.
    """
    on = enabled(shape, answers) if on is None else on
    return (on & shape.to_fill_in) - _absent(shape, answers, on)


def _absent(shape: Questionnaire, answers: Answers, on: frozenset[str]) -> AbstractSet[str]:
    """Entries of repeating groups that are empty and not called for, with everything in them."""
    if not shape.entries:
        return frozenset()
    found: set[str] = set()
    for group, item in shape.items.items():
        least = item.min_occurs if item.min_occurs is not None else int(item.required)
        if item.is_repeating_group and item.entry > least:
            below = inside(shape, group)
            if not any(answers.get(one) for one in below & on):
                found |= {group, *below}
    return found


def unanswered_groups(
    shape: Questionnaire, section: Section, answers: Answers, on: frozenset[str] | None = None
) -> list[tuple[str, str]]:
    """Required groups of a page in which nothing is answered, each with the first question that could be: FHIR R4 asks
    for at least one answer inside. `on` is what is asked, where that is known already."""
    on = enabled(shape, answers) if on is None else on
    wanted = (on & shape.required) - _absent(shape, answers, on)
    found = []
    for link_id in dict.fromkeys((*([section.group] if section.group else []), *section.items)):
        item = shape.items[link_id]
        if item.type is ItemType.GROUP and link_id in wanted:
            below = inside(shape, link_id) & on
            asked = [one for one in section.items if one in below and shape.items[one].is_filled_in]
            if asked and not any(answers.get(one) for one in below):
                found.append((link_id, asked[0]))
    return found


def inside(shape: Questionnaire, link_id: str) -> frozenset[str]:
    """Everything below an item."""
    children = shape.items[link_id].items
    return frozenset(children).union(*(inside(shape, child) for child in children))


def is_complete(questionnaire: Questionnaire, section: Section, draft: Draft, on: frozenset[str] | None = None) -> bool:
    """Whether a section was saved and everything it must have is answered. `on` is what is asked, where that is known
    already."""
    if section.id not in draft.saved:
        return False
    shape, answers = with_entries(questionnaire, draft.answers), draft.answers
    page = shape.section(section.id) or section
    on = enabled(shape, answers) if on is None else on
    must = demanded(shape, answers, on).intersection(page.items)
    return all(map(answers.get, must)) and not unanswered_groups(shape, page, answers, on)


def with_more(shape: Questionnaire, group: str, answers: Answers) -> dict[str, Sequence[Value]]:
    """What changes when a group of `shape` gets one more entry, within what it allows: its count, and what is answered
    in the new entry before anybody speaks."""
    count = shape.entries[group]
    if count >= (shape.items[group].max_occurs or MOST_ENTRIES):
        return {}
    started = initial_answers(shape)
    new = {entry_id(one, count + 1): started[one] for one in inside(shape, group) if one in started}
    return {group: [{"valueInteger": count + 1}]} | {one: answers.get(one) or values for one, values in new.items()}


def without_entry(shape: Questionnaire, group: str, entry: int, answers: Answers) -> dict[str, Sequence[Value]]:
    """What changes when a group of `shape` loses an entry: those after it move up, and the last one is empty."""
    count = shape.entries[group]
    changed: dict[str, Sequence[Value]] = {group: [{"valueInteger": max(1, count - 1)}]}
    for one in inside(shape, group):
        for n in range(entry, count + 1):
            changed[entry_id(one, n)] = list(answers.get(entry_id(one, n + 1), ())) if n < count else []
    return changed


def is_notice(questionnaire: Questionnaire, section: Section) -> bool:
    """Whether a page holds words that the patient says to have read, beside what it may ask."""
    return any(questionnaire.items[link_id].acknowledgement for link_id in section.items)


def open_sections(questionnaire: Questionnaire, draft: Draft) -> list[Section]:
    """The pages that are asked and not complete, in order."""
    shape = with_entries(questionnaire, draft.answers)
    on = enabled(shape, draft.answers)
    return [s for s in visible_sections(shape, draft.answers) if not is_complete(questionnaire, s, draft, on)]


def merge(questionnaire: Questionnaire, draft: Draft, page: Answers) -> tuple[dict[str, Sequence[Value]], list[str]]:
    """The draft with a page's answers, and the linkIds that were sent though not asked: those are dropped.

    What is hidden by the new answers stays in the draft, so that changing one's mind back restores it.
    """
    together = {**draft.answers, **page}
    on = enabled(questionnaire, together)
    dropped = [link_id for link_id, values in page.items() if link_id not in on and values]
    kept = {key: values for key, values in together.items() if key not in dropped or key in draft.answers}
    return {key: (draft.answers[key] if key in dropped else values) for key, values in kept.items()}, dropped
