"""What makes one item of a FHIR questionnaire unusable for us, as a table of small checks.

Each check is a generator of problems with a code of the profile (Q01 to Q20); what bounds its answers is looked at in
limits.py, what needs several items in crosschecks.py, and loader.py runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from intake.definitions import profile, valuesets
from intake.definitions.problems import Problem
from intake.definitions.questionnaire import MOST_ENTRIES, VALUE_KEYS, FlagSeverity, ItemType

Json = Mapping[str, Any]
MAX_DEPTH = 5


@dataclass(frozen=True)
class RawItem:
    """One item as it stands in the JSON, before anything is believed of it.

    `value_set` is the contained ValueSet it names, None where it names none or one that is not there.
    """

    data: Json
    path: str
    parent: str | None
    depth: int
    value_set: Json | None = None

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

    @property
    def options(self) -> Sequence[Json]:
        """Its answerOption entries, or the codes of its contained ValueSet in their shape."""
        found: Sequence[Json] = self.data.get("answerOption", ())
        return found if found or self.value_set is None else valuesets.options(self.value_set)

    def extension(self, url: str) -> Any:
        """Return the value of an extension, None where it is absent or its value has a type FHIR does not allow."""
        for found in self.extensions:
            if found.get("url") == url:
                return next((found[key] for key in profile.UNDERSTOOD[url] if key in found), None)
        return None

    def problem(self, code: str, message: str, hint: str = "", at: str = "") -> Problem:
        """Return a problem of this item, `at` a place inside it."""
        return Problem(code, f"{self.path}{at}", message, hint, self.link_id)


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
_NUMBER = (int, Decimal)
_VALUE_SHAPE: Mapping[str, type | tuple[type, ...]] = {
    "Boolean": bool,
    "Integer": int,
    "Decimal": _NUMBER,
    "Quantity": dict,
    "Coding": dict,
    "CodeableConcept": dict,
    **dict.fromkeys(("String", "Code", "Uri", "Markdown", "Date", "DateTime", "Time"), str),
}
_CODING_SHAPE: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("system", "code", "display", "unit"), str),
    "value": _NUMBER,
}


def check_shape(item: RawItem) -> Iterator[Problem]:
    """Q01: every known key has the JSON type FHIR R4 gives it. Whatever fails here is not looked at further."""
    for key, kind in _SHAPE.items():
        if key in item.data and not _is(item.data[key], kind):
            yield item.problem("Q01", f"{key} has the wrong JSON type", at=f".{key}")
    for key in _LISTS:
        entries = item.data.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            yield item.problem("Q01", f"{key} must be a list of objects", at=f".{key}")
            continue
        for index, entry in enumerate(entries if key != "item" else ()):
            for name in _wrong_values(entry):
                yield item.problem("Q01", f"{name} has the wrong JSON type", at=f".{key}[{index}]")


def _wrong_values(entry: Json) -> Iterator[str]:
    """Name the value[x] or answer[x] of an entry whose JSON type is not the one its name promises."""
    for key, value in entry.items():
        kind = _VALUE_SHAPE.get(key.removeprefix("value").removeprefix("answer"))
        if key.startswith(("value", "answer")) and kind and not _is(value, kind):
            yield key
        elif key.endswith(("Coding", "Quantity")) and isinstance(value, dict):
            yield from (
                f"{key}.{name}"
                for name, shape in _CODING_SHAPE.items()
                if name in value and not _is(value[name], shape)
            )
    for name in ("question", "operator", "url"):
        if name in entry and not isinstance(entry[name], str):
            yield name


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


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
    if item.data.get("repeats") is not True or item.type in (ItemType.CHOICE, ItemType.OPEN_CHOICE):
        return
    if item.type != ItemType.GROUP:
        yield item.problem("Q05", "only a choice or a group may repeat", "put the question into a group that repeats")
    elif (item.extension(profile.MAX_OCCURS) or MOST_ENTRIES) > MOST_ENTRIES:
        yield item.problem("Q04", f"a group may have at most {MOST_ENTRIES} entries")


def _options(item: RawItem) -> Iterator[Problem]:
    if item.type not in (ItemType.CHOICE, ItemType.OPEN_CHOICE):
        for key in ("answerOption", "answerValueSet"):
            if item.data.get(key):
                yield item.problem("Q09", f"a {item.type} cannot have {key}", "make it a choice", at=f".{key}")
        return
    reference = item.data.get("answerValueSet")
    if reference is not None and item.value_set is None:
        hint = "put the ValueSet into 'contained', or write the codes as answerOption"
        yield item.problem("Q07", f"the answers are kept elsewhere: {reference}", hint, at=".answerValueSet")
    elif item.value_set is not None and (not item.options or valuesets.is_filtered(item.value_set)):
        hint = "list its codes in expansion.contains or compose.include.concept"
        yield item.problem("Q08", "the contained ValueSet does not list its codes", hint, at=".answerValueSet")
    elif reference is not None and item.data.get("answerOption"):
        yield item.problem("Q06", "answerOption and answerValueSet exclude each other (FHIR R4 que-4)")
    elif not item.options:
        yield item.problem("Q06", "a choice needs options", "write answerOption, or use string for free words")
    yield from _codes(item)


def _codes(item: RawItem) -> Iterator[Problem]:
    seen: set[object] = set()
    for index, option in enumerate(item.options):
        code, at = option_code(option), f".answerOption[{index}]"
        if code is None:
            message = "an option needs a valueCoding with a code, or a string, integer, date or time"
            yield item.problem("Q06", message, "give every option a code", at=at)
        elif code in seen:
            yield item.problem("Q06", f"two options have the code '{code}'", at=at)
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
        if not isinstance(url, str):
            yield item.problem("Q01", "an extension needs a url", at=at)
        elif profile.must_be_obeyed(url):
            yield item.problem("Q14", f"{url} would change what is asked", "use enableWhen or literal limits", at=at)
        elif profile.UNDERSTOOD.get(url) and item.extension(url) is None:
            yield item.problem("Q01", f"{url} needs {' or '.join(profile.UNDERSTOOD[url])}", at=at)
        elif url == profile.FLAG:
            yield from _flag(item, extension, at)
        elif url == profile.SUPPORT_LINK and not str(item.extension(url)).startswith("https://"):
            yield item.problem("Q18", "a support link must begin with https", at=at)


def _inner_extensions(item: RawItem) -> Iterator[Problem]:
    """What an option or a condition carries is judged like what the item itself carries."""
    for key in ("answerOption", "enableWhen"):
        for index, part in enumerate(item.data.get(key, [])):
            found, at = part.get("extension"), f".{key}[{index}]"
            for extension in (e for e in found if isinstance(e, dict)) if isinstance(found, list) else ():
                if profile.must_be_obeyed(extension.get("url")):
                    yield item.problem("Q14", f"{extension['url']} would change what is asked", at=at)
                elif extension.get("url") == profile.FLAG:
                    yield from _flag_words(item, flag_parts(extension), at)


def _flag(item: RawItem, extension: Json, at: str) -> Iterator[Problem]:
    """Our own extension answer-flag: severity, words, and (on an item) the answer that raises it."""
    parts = flag_parts(extension)
    yield from _flag_words(item, parts, at)
    kind = item_type(item)
    values = [key for key in parts.get("value", {}) if key.startswith("value")]
    if kind is None or len(values) != 1 or values[0] not in value_keys(kind):
        yield item.problem("Q18", "a flag on an item needs the answer that raises it, of the item's type", at=at)


def _flag_words(item: RawItem, parts: Mapping[str, Json], at: str) -> Iterator[Problem]:
    if parts.get("severity", {}).get("valueCode") not in list(FlagSeverity):
        yield item.problem("Q18", f"a flag needs a severity: {', '.join(FlagSeverity)}", at=at)
    if not isinstance(parts.get("text", {}).get("valueString"), str):
        yield item.problem("Q18", "a flag needs words for the doctor", at=at)


def flag_parts(extension: Json) -> dict[str, Json]:
    """Return the parts of an answer-flag by name."""
    inner = extension.get("extension")
    return {str(part.get("url")): part for part in inner if isinstance(part, dict)} if isinstance(inner, list) else {}


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
    _inner_extensions,
    _modifiers,
    _children,
    _depth,
)
"""Every check of what one item is, by itself. A new rule of the profile is a new line here."""


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


def item_type(item: RawItem) -> ItemType | None:
    """Return the item's type, None where our profile has no such type."""
    return ItemType(item.type) if item.type in list(ItemType) else None
