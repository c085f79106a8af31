"""What makes a FHIR questionnaire unusable for us, as two tables of small checks: one item alone, and items together.

Each check is a generator of problems with a code of the profile (Q01 to Q20); loader.py runs them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intake.definitions import profile
from intake.definitions.problems import Problem
from intake.definitions.questionnaire import VALUE_KEYS, ItemType, Operator, number

Json = Mapping[str, Any]
MAX_DEPTH = 5
MAX_REGEX = 200


@dataclass(frozen=True)
class RawItem:
    """One item as it stands in the JSON, before anything is believed of it."""

    data: Json
    path: str
    parent: str | None
    depth: int

    @property
    def link_id(self) -> str:
        """Its linkId, "" where there is none."""
        found = self.data.get("linkId")
        return found if isinstance(found, str) else ""

    @property
    def type(self) -> str:
        """Its type code, whatever it says."""
        return str(self.data.get("type", ""))

    @property
    def extensions(self) -> Sequence[Json]:
        """Its extensions."""
        found: Sequence[Json] = self.data.get("extension", ())
        return found

    def extension(self, url: str) -> Any:
        """Return the value of an extension, None where it is absent or its value has a type FHIR does not allow."""
        for found in self.extensions:
            if found.get("url") == url:
                return next((found[key] for key in profile.UNDERSTOOD[url] if key in found), None)
        return None

    def problem(self, code: str, message: str, hint: str = "", at: str = "") -> Problem:
        """Return a problem of this item, `at` a place inside it."""
        return Problem(code, f"{self.path}{at}", message, hint, self.link_id)


Items = Mapping[str, RawItem]

_SHAPE: Mapping[str, type | tuple[type, ...]] = {
    "linkId": str,
    "type": str,
    "text": str,
    "prefix": str,
    "required": bool,
    "repeats": bool,
    "readOnly": bool,
    "maxLength": int,
    "enableBehavior": str,
    "answerValueSet": str,
}
_LISTS = ("item", "extension", "enableWhen", "answerOption", "initial")


def check_shape(item: RawItem) -> Iterator[Problem]:
    """Q01: every known key has the JSON type FHIR R4 gives it. Whatever fails here is not looked at further."""
    for key, kind in _SHAPE.items():
        value = item.data.get(key)
        if key in item.data and (not isinstance(value, kind) or (isinstance(value, bool) and kind is int)):
            yield item.problem("Q01", f"{key} has the wrong JSON type", at=f".{key}")
    for key in _LISTS:
        entries = item.data.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            yield item.problem("Q01", f"{key} must be a list of objects", at=f".{key}")


def _link_id(item: RawItem) -> Iterator[Problem]:
    if not item.link_id:
        yield item.problem("Q02", "linkId is missing")
    elif len(item.link_id) > 64:
        yield item.problem("Q02", "linkId is longer than 64 characters")


def _foreign(item: RawItem) -> Iterator[Problem]:
    for key in ("option", "options", "group", "question", "concept", "answerConstraint", "disabledDisplay"):
        if key in item.data:
            yield item.problem("Q01", f"'{key}' is not FHIR R4", "convert the questionnaire to R4", at=f".{key}")


def _type(item: RawItem) -> Iterator[Problem]:
    if item.type not in list(ItemType):
        yield item.problem("Q03", f"the item type '{item.type}' is not supported", ", ".join(ItemType))


def _repeats(item: RawItem) -> Iterator[Problem]:
    if item.data.get("repeats") is not True:
        return
    if item.type == ItemType.GROUP:
        yield item.problem("Q04", "a group that repeats is not supported", "ask for the items one by one")
    elif item.type not in (ItemType.CHOICE, ItemType.OPEN_CHOICE):
        yield item.problem("Q05", "only a choice may repeat", "several answers to other types are not supported")


def _options(item: RawItem) -> Iterator[Problem]:
    options = item.data.get("answerOption", [])
    if item.type not in (ItemType.CHOICE, ItemType.OPEN_CHOICE):
        if options:
            yield item.problem("Q09", f"a {item.type} cannot have answerOption", "make it a choice")
        return
    if "answerValueSet" in item.data:
        yield item.problem("Q07", "answerValueSet is not supported", "write the codes as answerOption")
    elif not options:
        yield item.problem("Q06", "a choice needs options")
    seen: set[object] = set()
    for index, option in enumerate(options):
        code = option_code(option)
        if code is None:
            message = "an option needs a valueCoding with a code, or a string, integer, date or time"
            yield item.problem("Q03", message, at=f".answerOption[{index}]")
        elif code in seen:
            yield item.problem("Q06", f"two options have the code '{code}'", at=f".answerOption[{index}]")
        seen.add(code)


def _conditions(item: RawItem) -> Iterator[Problem]:
    conditions = item.data.get("enableWhen", [])
    behavior = item.data.get("enableBehavior")
    if len(conditions) > 1 and behavior is None:
        yield item.problem("Q10", "several enableWhen need enableBehavior", 'say "any" or "all": readers differ')
    if behavior not in (None, "any", "all"):
        yield item.problem("Q10", f"enableBehavior '{behavior}' is neither any nor all")


def _extensions(item: RawItem) -> Iterator[Problem]:
    for index, extension in enumerate(item.extensions):
        url = extension.get("url")
        at = f".extension[{index}]"
        if url in profile.MUST_OBEY:
            yield item.problem("Q14", f"{url} would change what is asked", "use enableWhen or literal limits", at=at)
        elif not isinstance(url, str):
            yield item.problem("Q01", "an extension needs a url", at=at)
        elif profile.UNDERSTOOD.get(url) and item.extension(url) is None:
            yield item.problem("Q01", f"{url} needs {' or '.join(profile.UNDERSTOOD[url])}", at=at)


def _modifiers(item: RawItem) -> Iterator[Problem]:
    for index, part in enumerate([item.data, *item.data.get("answerOption", []), *item.data.get("enableWhen", [])]):
        if "modifierExtension" in part:
            place = "" if index == 0 else " of one of its parts"
            yield item.problem("Q15", f"a modifierExtension{place} may change its meaning; it cannot be passed over")


def _children(item: RawItem) -> Iterator[Problem]:
    children = item.data.get("item", [])
    if item.type == ItemType.GROUP and not children:
        yield item.problem("Q16", "the group is empty")
    if item.type == ItemType.DISPLAY and children:
        yield item.problem("Q16", "a display cannot have items")


def _limits(item: RawItem) -> Iterator[Problem]:
    longest = item.data.get("maxLength")
    if longest is not None and longest <= 0:
        yield item.problem("Q18", "maxLength must be greater than 0", at=".maxLength")
    for low, high in ((profile.MIN_VALUE, profile.MAX_VALUE), (profile.MIN_OCCURS, profile.MAX_OCCURS)):
        least, most = item.extension(low), item.extension(high)
        if least is not None and most is not None and _less(most, least):
            yield item.problem("Q18", f"the least value {least} is above the greatest {most}")


def _limit_types(item: RawItem) -> Iterator[Problem]:
    kind = _item_type(item)
    fitting = {ItemType.DECIMAL: {"valueDecimal", "valueInteger"}}.get(kind, value_keys(kind)) if kind else set()
    for index, extension in enumerate(item.extensions):
        if extension.get("url") in (profile.MIN_VALUE, profile.MAX_VALUE) and not fitting & extension.keys():
            yield item.problem("Q18", f"the limit does not fit a {item.type}", at=f".extension[{index}]")


def _regex(item: RawItem) -> Iterator[Problem]:
    pattern = item.extension(profile.REGEX)
    if pattern is None:
        return
    if not isinstance(pattern, str) or len(pattern) > MAX_REGEX:
        yield item.problem("Q18", f"the regex is longer than {MAX_REGEX} characters")
        return
    plain = re.sub(r"\[[^\]]*\]", "c", re.sub(r"\\.", "e", pattern))
    if re.search(r"\)[*+{]", plain):
        yield item.problem("Q18", "a repeated group in a regex can take for ever", "repeat single characters only")
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        yield item.problem("Q18", "the regex does not compile")


def _initial(item: RawItem) -> Iterator[Problem]:
    initial = item.data.get("initial", [])
    if initial and item.type in (ItemType.GROUP, ItemType.DISPLAY):
        yield item.problem("Q01", f"a {item.type} cannot have an initial value (FHIR R4 que-8)", at=".initial")
        return
    kind = _item_type(item)
    allowed = value_keys(kind) if kind else set()
    for index, value in enumerate(initial):
        if len(value) != 1 or not allowed & value.keys():
            yield item.problem("Q01", "the initial value has the wrong type", at=f".initial[{index}]")


def _depth(item: RawItem) -> Iterator[Problem]:
    if item.depth > MAX_DEPTH:
        yield item.problem("Q20", f"items are nested deeper than {MAX_DEPTH} levels")


ITEM_CHECKS: tuple[Callable[[RawItem], Iterator[Problem]], ...] = (
    _link_id,
    _foreign,
    _type,
    _repeats,
    _options,
    _conditions,
    _extensions,
    _modifiers,
    _children,
    _limits,
    _limit_types,
    _regex,
    _initial,
    _depth,
)
"""Every check of one item by itself. A new rule of the profile is a new line here."""


def _duplicates(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    for item in items:
        if item.link_id and known[item.link_id] is not item:
            yield item.problem("Q02", f"the linkId '{item.link_id}' is used twice")


def _sources(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    for item in items:
        for index, condition in enumerate(item.data.get("enableWhen", [])):
            at = f".enableWhen[{index}]"
            source = known.get(str(condition.get("question")))
            if source is None:
                yield item.problem("Q11", f"it depends on '{condition.get('question')}', which does not exist", at=at)
                continue
            for message in _comparison(condition, source):
                yield item.problem("Q13", message, at=at)


def _comparison(condition: Json, source: RawItem) -> Iterator[str]:
    """Say what is wrong with one enableWhen, given the item it reads."""
    operator = condition.get("operator")
    answers = [key for key in condition if key.startswith("answer")]
    kind = _item_type(source)
    if operator not in list(Operator):
        yield f"the operator '{operator}' is not one of FHIR R4"
    elif len(answers) != 1:
        yield "exactly one answer[x] is needed"
    elif kind is None or kind not in profile.ANSWER_KEYS:
        yield f"'{source.link_id}' is not a question"
    elif operator == Operator.EXISTS:
        if not isinstance(condition.get("answerBoolean"), bool):
            yield "exists needs answerBoolean"
    elif operator not in (Operator.EQUAL, Operator.NOT_EQUAL) and kind not in profile.ORDERED:
        yield f"'{operator}' cannot order answers of the type {kind}"
    else:
        yield from _answer(answers[0], condition, source, kind)


def _answer(key: str, condition: Json, source: RawItem, kind: ItemType) -> Iterator[str]:
    if key.removeprefix("answer") not in profile.ANSWER_KEYS[kind]:
        yield f"{key} cannot be compared with an answer of the type {kind}"
    elif key == "answerCoding" and not isinstance(condition[key], dict):
        yield "answerCoding must be an object"
    elif kind == ItemType.CHOICE:
        wanted = condition[key].get("code") if key == "answerCoding" else condition[key]
        codes = [option_code(option) for option in source.data.get("answerOption", [])]
        if codes and str(wanted) not in codes:
            yield f"'{source.link_id}' has no option '{wanted}'"


def _cycles(items: Sequence[RawItem], known: Items) -> Iterator[Problem]:
    """An item that (through parents and conditions) waits for itself can never be decided."""
    waits = {item.link_id: dependencies(item) & known.keys() for item in items}
    while ends := {name for name, on in waits.items() if not on} | (waits.keys() - set().union(*waits.values())):
        waits = {name: on - ends for name, on in waits.items() if name not in ends}
    for name in waits:
        yield known[name].problem("Q12", "its conditions lead back to itself")


def dependencies(item: RawItem) -> set[str]:
    """Return the linkIds an item's enablement is decided by: its parent and the sources of its conditions."""
    sources = {str(condition.get("question")) for condition in item.data.get("enableWhen", [])}
    return sources | ({item.parent} if item.parent else set())


TOGETHER: tuple[Callable[[Sequence[RawItem], Items], Iterator[Problem]], ...] = (_duplicates, _sources, _cycles)
"""Every check that needs more than one item."""


def value_keys(kind: ItemType) -> set[str]:
    """Return the value[x] keys an answer to an item of this type may carry."""
    if kind == ItemType.URL:
        return {VALUE_KEYS[kind]}
    return {f"value{name}" for name in profile.ANSWER_KEYS.get(kind, ())}


def option_code(option: Json) -> str | None:
    """Return the code an answerOption is known by, None where it has no usable value."""
    coding = option.get("valueCoding")
    if isinstance(coding, dict):
        code = coding.get("code")
        return code if isinstance(code, str) and code else None
    for key in ("valueString", "valueInteger", "valueDate", "valueTime"):
        if isinstance(option.get(key), str | int) and option[key] != "":
            return str(option[key])
    return None


def _item_type(item: RawItem) -> ItemType | None:
    return ItemType(item.type) if item.type in list(ItemType) else None


def _less(one: Any, other: Any) -> bool:
    first, second = number(one), number(other)
    if first is not None and second is not None:
        return first < second
    return str(one) < str(other)
