"""What is wrong with the limits of a FHIR item: lengths, ranges, occurrences, the unit and the regex. Whether an answer
keeps to them is judged in acceptance.py; loader.py runs these beside the checks of checks.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from intake.definitions import profile
from intake.definitions.acceptance import plain_value
from intake.definitions.checks import RawItem, item_type, value_keys
from intake.definitions.problems import Problem
from intake.definitions.questionnaire import DEFAULT_LENGTHS, ItemType
from intake.definitions.values import number

MAX_REGEX = 200


def _limits(item: RawItem) -> Iterator[Problem]:
    kind = item_type(item)
    longest = item.data.get("maxLength", DEFAULT_LENGTHS.get(kind) if kind else None)
    if longest is not None and longest <= 0:
        yield item.problem("Q18", "maxLength must be greater than 0", at=".maxLength")
    if longest is not None and (item.extension(profile.MIN_LENGTH) or 0) > longest:
        yield item.problem("Q18", f"minLength is above the {longest} characters an answer may have")
    for low, high in ((profile.MIN_VALUE, profile.MAX_VALUE), (profile.MIN_OCCURS, profile.MAX_OCCURS)):
        least, most = item.extension(low), item.extension(high)
        if least is not None and most is not None and _less(most, least):
            yield item.problem("Q18", f"the least value {least} is above the greatest {most}")


def _occurrences(item: RawItem) -> Iterator[Problem]:
    repeats = item.data.get("repeats") is True
    for index, extension in enumerate(item.extensions):
        url, count = extension.get("url"), extension.get("valueInteger", 1)
        if url in (profile.MIN_OCCURS, profile.MAX_OCCURS) and count > 1 and not repeats:
            hint = 'say "repeats": true where several answers are wanted, else leave the limit out'
            yield item.problem("Q18", f"{count} answers to what does not repeat", hint, at=f".extension[{index}]")
        elif url == profile.MAX_OCCURS and count < 1:
            yield item.problem("Q18", "no answer at all is allowed", "leave it out", at=f".extension[{index}]")


def _limit_types(item: RawItem) -> Iterator[Problem]:
    kind = item_type(item)
    fitting = _limit_keys(kind) if kind else set()
    for index, extension in enumerate(item.extensions):
        if extension.get("url") not in (profile.MIN_VALUE, profile.MAX_VALUE):
            continue
        at, key = f".extension[{index}]", next(iter(sorted(fitting & extension.keys())), "")
        if not key:
            yield item.problem("Q18", f"the limit does not fit a {item.type}", " or ".join(sorted(fitting)), at=at)
        elif isinstance(extension[key], str) and not _exists(key, extension[key]):
            hint = "FHIR R4 writes 2026, 2026-01, 2026-01-31, 2026-01-31T10:00:00+05:30 or 10:00:00"
            yield item.problem("Q18", f"'{extension[key]}' is no date or time", hint, at=at)


def _exists(key: str, text: str) -> bool:
    """Whether a limit names a day, a moment or a time that there is; a year and a month stand for their first day."""
    first = {4: "-01-01", 7: "-01"}.get(len(text), "") if key != "valueTime" else ""
    return plain_value(key, text + first) is not None


def _limit_keys(kind: ItemType) -> set[str]:
    """Which value[x] a limit of a type may carry (minValue of FHIR R4 has no Quantity: it bounds the number)."""
    if kind in (ItemType.DECIMAL, ItemType.QUANTITY):
        return {"valueDecimal", "valueInteger"}
    return {"valueDateTime", "valueDate"} if kind == ItemType.DATETIME else value_keys(kind)


def _units(item: RawItem) -> Iterator[Problem]:
    units = [e for e in item.extensions if e.get("url") in (profile.UNIT, profile.UNIT_OPTION)]
    if len(units) > 1:
        yield item.problem("Q17", "a quantity may have one unit", "ask for one unit; people mistake a choice of units")


def _regex(item: RawItem) -> Iterator[Problem]:
    pattern = item.extension(profile.REGEX)
    if pattern is None:
        return
    if not isinstance(pattern, str) or len(pattern) > MAX_REGEX:
        yield item.problem("Q18", f"the regex is longer than {MAX_REGEX} characters")
        return
    if _may_take_for_ever(pattern):
        yield item.problem("Q18", "a repeated group in a regex can take for ever", "repeat single characters only")
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        yield item.problem("Q18", "the regex does not compile")


def _may_take_for_ever(pattern: str) -> bool:
    """Whether a group that repeats holds a choice or a repetition of its own, so that a text can match in very many
    ways (CWE-1333). A group of plain characters may repeat."""
    plain = re.sub(r"\[[^\]]*\]", "c", re.sub(r"\\.", "e", pattern))
    while match := re.search(r"\(\??:?([^()]*)\)([*+{?]?)", plain):
        inside, repeated = match[1], match[2] not in ("", "?")
        if repeated and re.search(r"[*+{?|]", inside):
            return True
        # What was inside still counts for a group around it.
        plain = (
            plain[: match.start()] + ("c*" if repeated or re.search(r"[*+{?|]", inside) else "c") + plain[match.end() :]
        )
    return False


def _less(one: Any, other: Any) -> bool:
    first, second = number(one), number(other)
    if first is not None and second is not None:
        return first < second
    return str(one) < str(other)


LIMIT_CHECKS: tuple[Callable[[RawItem], Iterator[Problem]], ...] = (
    _limits,
    _limit_types,
    _occurrences,
    _units,
    _regex,
)
"""Every check of what bounds the answers to one item."""
