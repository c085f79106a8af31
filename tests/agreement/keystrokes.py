"""What a person may type into the boxes of a question, and whether docs/questionnaires.md takes it.

The judgement is made where the keystrokes are, from the definition alone, and never by the code that reads them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from intake.answers.rules import is_telephone, other_code
from intake.definitions.rules import DEFAULT_LENGTHS, NUMBERS, Item, ItemType
from tests.agreement.drafts import SCRIPTS

Boxes = tuple[str, ...]
"""The text of each box of a question, in the page's order; of a choice the codes, after the words where it is open."""

TODAY = date(2026, 11, 23)
PARTS = {ItemType.DATE: ("-d", "-m", "-y"), ItemType.DATETIME: ("-d", "-m", "-y", "-t")}
MONTHS = {1: "January", 3: "मार्च", 8: "aug.", 11: "November"}
WORDS = ("some words", "Ünïcode शब्द", "9876543210", "a@b.in", "411001", "O'Neil <b>&", "12", "2026-1")
ADDRESSES = (
    ("https://clinic.example/a?b=1", True),
    ("HTTP://X.example", True),
    ("clinic", False),
    ("ftp://x.in", False),
)
CLOCKS = {"9:30": "09:30:00", "09.05": "09:05:00", "9 pm": "21:00:00", "12:15 am": "00:15:00", "٢٣:٥٩": "23:59:00",
          "10:30:15": "10:30:15", "10:30 p.m.": "22:30:00"}  # fmt: skip
NO_CLOCKS = ("25:00", "9", "soon", "9:60")


@dataclass
class Keystrokes:
    """Draws what is typed into a questionnaire's boxes, and remembers what is to be thought of it.

    `near` is what conditions compare each item with, so that their edges are tried.
    """

    near: Mapping[str, Sequence[Any]]
    random: Random
    known: dict[tuple[str, Boxes], bool] = field(default_factory=dict)

    def draw(self, item: Item, share_good: float) -> Boxes:
        """What somebody types into the boxes of one question: with this chance something that can be taken, where
        there is such a thing."""
        if item.is_choice or item.type is ItemType.BOOLEAN:
            return self._chosen(item, wild=self.random.random() >= share_good)
        tried = dict(_tries(item, self.near.get(item.link_id.split("#")[0], ()), self.random))
        wanted = self.random.random() < share_good
        drawn = self.random.choice([boxes for boxes, good in tried.items() if good is wanted] or list(tried))
        self.known[item.link_id, drawn] = tried[drawn]
        return drawn

    def is_good(self, item: Item, boxes: Boxes) -> bool:
        """Whether boxes that are not empty hold an answer that is taken. What the definition filled in is."""
        if item.is_choice:
            return _is_choice(item, boxes)
        return self.known.get((item.link_id, boxes), True)

    def _chosen(self, item: Item, *, wild: bool) -> Boxes:
        random = self.random
        if item.type is ItemType.BOOLEAN:
            return ("true",) if item.acknowledgement else (random.choice(("true", "false")),)
        codes = [option.code for option in item.options]
        is_open = item.type is ItemType.OPEN_CHOICE
        if is_open:
            codes.append(other_code(item))
        if not item.repeats:
            chosen = [random.choice(codes)]
        elif wild:
            chosen = random.sample(codes, random.randint(1, min(4, len(codes))))
        else:
            chosen = _allowed(item, codes, random)
        if not is_open:
            return tuple(chosen)
        fitting = [boxes[0] for boxes, good in _texts(item, ()) if good]
        words = random.choice(("", "Ünï", WORDS[0], *fitting)) if wild else random.choice(fitting or [""])
        return (words if wild or other_code(item) in chosen else "", *chosen)


def _allowed(item: Item, codes: Sequence[str], random: Random) -> list[str]:
    """Some of a question's options that may be chosen together."""
    alone = [option.code for option in item.options if option.exclusive]
    several = [code for code in codes if code not in alone]
    least, most = max(1, item.min_occurs or 1), min(item.max_occurs or len(several), len(several))
    if alone and (random.random() < 0.3 or least > most):
        return [random.choice(alone)]
    return random.sample(several, random.randint(min(least, most), most))


def _is_choice(item: Item, boxes: Boxes) -> bool:
    """Whether the options chosen go together; own words count where "something else" is chosen, or nothing is."""
    words, codes = ("", boxes) if item.type is ItemType.CHOICE else (boxes[0], boxes[1:])
    if words and not codes:
        codes = (other_code(item),)
    if item.type is ItemType.OPEN_CHOICE and other_code(item) in codes and not _fits(item, words):
        return False
    if any(option.exclusive for option in item.options if option.code in codes):
        return len(codes) == 1
    return (item.min_occurs or 0) <= len(codes) <= (item.max_occurs or len(codes)) if item.repeats else len(codes) == 1


def _tries(item: Item, near: Sequence[Any], random: Random) -> Iterator[tuple[Boxes, bool]]:
    """Texts for a question's boxes, each with whether it is taken."""
    if item.type in NUMBERS:
        return _numbers(item, near, random)
    if item.type in PARTS:
        return _days(item, near, random)
    if item.type is ItemType.TIME:
        return _clocks(item)
    if item.type is ItemType.URL:
        return (((text,), good) for text, good in ADDRESSES)
    return _texts(item, near)


def _numbers(item: Item, near: Sequence[Any], random: Random) -> Iterator[tuple[Boxes, bool]]:
    low, high = (limit if isinstance(limit, Decimal) else None for limit in (item.min, item.max))
    around = [
        Decimal(str(raw["value"] if isinstance(raw, Mapping) else raw)) for raw in near if not isinstance(raw, bool)
    ]
    around += [limit for limit in (low, high) if limit is not None] or [Decimal(72), Decimal(0), Decimal(-3)]
    places = 0 if item.type is ItemType.INTEGER else item.max_decimals
    steps = (Decimal(0), Decimal(1), Decimal(-1), Decimal("0.5"), Decimal("-0.25"))
    for amount in (one + step for one in around for step in steps):
        if abs(amount) >= 10**9:
            continue
        is_inside = (low is None or amount >= low) and (high is None or amount <= high)
        is_precise = places is None or amount == round(amount, places)
        digits = str.maketrans("0123456789", random.choice(SCRIPTS))
        yield (f"{amount:f}".replace(".", random.choice(".,")).translate(digits),), is_inside and is_precise
    for text in ("much", "12 kg", "1.2.3", "1e3"):
        yield (text,), False


def _days(item: Item, near: Sequence[Any], random: Random) -> Iterator[tuple[Boxes, bool]]:
    limits = [str(limit) for limit in (item.min, item.max) if limit is not None]
    known = [date.fromisoformat(text[:10]) for text in (*near, *limits) if len(str(text)) >= len("2026-11-23")]
    around = [one + timedelta(days=step) for one in (*known, TODAY) for step in (-1, 0, 1)] + [date(1968, 3, 4)]
    has_time = item.type is ItemType.DATETIME
    for day in around:
        words = (str(day.day), MONTHS.get(day.month, f"{day.month:02d}"), str(day.year))
        digits = str.maketrans("0123456789", random.choice(SCRIPTS))
        clock = random.choice(list(CLOCKS)) if has_time else ""
        said = day.isoformat() + (f"T{CLOCKS[clock]}" if has_time else "")
        good = _is_between(item, said) and not (item.past and day > TODAY)
        yield (*(word.translate(digits) for word in words), *([clock] if has_time else [])), good
    for bad in (("31", "2", "2020"), ("0", "5", "2020"), ("4", "13", "2020"), ("4", "3", "68"), ("4", "", "2020")):
        yield (*bad, *(["9:30"] if has_time else [])), False
    if has_time:
        yield from ((("4", "3", "2020", clock), False) for clock in ("", *NO_CLOCKS))


def _clocks(item: Item) -> Iterator[tuple[Boxes, bool]]:
    yield from (((typed,), _is_between(item, said)) for typed, said in CLOCKS.items())
    yield from (((typed,), False) for typed in NO_CLOCKS)


def _is_between(item: Item, said: str) -> bool:
    """Whether an ISO text keeps its limits; one that is less precise is compared as far as it goes."""
    low, high = str(item.min or ""), str(item.max or "~")
    return said[: len(low)] >= low and said[: len(high)] <= high


def _texts(item: Item, near: Sequence[Any]) -> Iterator[tuple[Boxes, bool]]:
    if is_telephone(item):
        yield from (((text,), True) for text in ("98765 43210", "+91 98765 43210"))
        yield from (((text,), False) for text in ("12", "call me"))
        return
    for text in (*WORDS, *(one for one in near if isinstance(one, str) and one)):
        yield (text,), _fits(item, text)
    yield ("x" * (_longest(item) + 1),), False


def _longest(item: Item) -> int:
    return item.max_length or DEFAULT_LENGTHS.get(item.type, DEFAULT_LENGTHS[ItemType.STRING])


def _fits(item: Item, text: str) -> bool:
    has_length = (item.min_length or 1) <= len(text) <= _longest(item)
    return has_length and (item.regex is None or re.fullmatch(item.regex, text) is not None)
