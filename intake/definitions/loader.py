"""Reads FHIR R4 Questionnaire JSON into our types, or says everything that is wrong with it at once.

It knows no table and no file: bytes in, Questionnaire out. What a single check looks for stands in checks.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

from intake.definitions import profile
from intake.definitions.checks import ITEM_CHECKS, TOGETHER, RawItem, check_shape, dependencies, option_code
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import (
    DEFAULT_LENGTHS,
    VALUE_KEYS,
    Condition,
    Flow,
    Item,
    ItemType,
    Operator,
    Option,
    Questionnaire,
    Section,
    Text,
    number,
)
from intake.definitions.yamlfile import LANGUAGE, VERSION

MAX_BYTES = 1024 * 1024
MAX_ITEMS = 500
_STATUS = ("draft", "active", "retired")

Json = Mapping[str, Any]


def load(data: bytes) -> Questionnaire:
    """Return the questionnaire these FHIR R4 JSON bytes describe.

    Raises DefinitionError with every problem found: what is not FHIR R4, what our profile refuses, and anything that
    would have to be obeyed and is not understood. Harmless unknown extensions become `warnings`.
    """
    top = _parse(data)
    problems = list(_check_top(top))
    raw = list(_walk(top.get("item", []), "$.item", None, 1))
    problems += _check_items(raw)
    if problems:
        raise DefinitionError(problems)
    loaded = _Builder(top, raw).questionnaire(sha256(data).hexdigest())
    if missing := list(_missing_texts(loaded)):
        raise DefinitionError(missing)
    return loaded


def _parse(data: bytes) -> Json:
    if len(data) > MAX_BYTES:
        raise DefinitionError([Problem("Q20", "$", f"the file is larger than {MAX_BYTES} bytes")])
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in found]
        twice.extend({key for key in keys if keys.count(key) > 1})
        return dict(found)

    try:
        top = json.loads(data, object_pairs_hook=pairs, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise DefinitionError([Problem("Q01", "$", "this is not JSON")]) from error
    if not isinstance(top, dict):
        raise DefinitionError([Problem("Q01", "$", "a JSON object is expected")])
    if twice:
        raise DefinitionError([Problem("Q01", "$", f"the key '{key}' stands twice in one object") for key in twice])
    return top


def _check_top(top: Json) -> Iterator[Problem]:
    version = top.get("version")
    wrong = {
        "resourceType": "" if top.get("resourceType") == "Questionnaire" else "this is not a Questionnaire",
        "version": "" if isinstance(version, str) and VERSION.fullmatch(version) else "version must look like 1.2.0",
        "status": "" if top.get("status") in _STATUS else f"status must be one of {', '.join(_STATUS)}",
        "language": "" if LANGUAGE.fullmatch(str(top.get("language", "en"))) else "language must be a code such as en",
        **{key: "" if isinstance(top.get(key), str) and top[key] else f"{key} is required" for key in ("url", "title")},
    }
    yield from (Problem("Q01", f"$.{key}", message) for key, message in wrong.items() if message)
    for key in ("implicitRules", "modifierExtension"):
        if key in top:
            yield Problem("Q15", f"$.{key}", f"{key} may change the meaning of everything; it cannot be passed over")
    if not isinstance(top.get("item"), list) or not top["item"]:
        yield Problem("Q16", "$.item", "the questionnaire has no items")
    for extension in _dicts(top.get("extension")):
        if extension.get("url") in profile.MUST_OBEY:
            yield Problem("Q14", "$.extension", f"{extension['url']} would change what is asked")


def _walk(items: object, path: str, parent: str | None, depth: int) -> Iterator[RawItem]:
    """Yield every item in document order; nesting far beyond the profile is reported and not followed."""
    for index, data in enumerate(items if isinstance(items, list) else []):
        item = RawItem(data if isinstance(data, dict) else {}, f"{path}[{index}]", parent, depth)
        yield item
        if depth < 20:
            yield from _walk(item.data.get("item"), f"{item.path}.item", item.link_id, depth + 1)


def _check_items(raw: Sequence[RawItem]) -> list[Problem]:
    if len(raw) > MAX_ITEMS:
        return [Problem("Q20", "$.item", f"more than {MAX_ITEMS} items")]
    problems = [problem for item in raw for problem in check_shape(item)]
    if problems:
        return problems
    problems += [problem for item in raw for check in ITEM_CHECKS for problem in check(item)]
    known: dict[str, RawItem] = {}
    for item in raw:
        known.setdefault(item.link_id, item)
    return problems + [problem for check in TOGETHER for problem in check(raw, known)]


class _Builder:
    """Turns checked JSON into types; it may trust the shapes it meets."""

    def __init__(self, top: Json, raw: Sequence[RawItem]) -> None:
        self.top = top
        self.base = str(top.get("language") or "en")
        self.raw = [item for item in raw if not _is_help(item)]
        self.by_id = {item.link_id: item for item in self.raw}
        self.helps = {item.parent: item for item in raw if _is_help(item) and item.parent}

    def questionnaire(self, digest: str) -> Questionnaire:
        offered = [str(e["valueCode"]) for e in _dicts(self.top.get("extension"))
                   if e.get("url") == profile.OFFERED_LANGUAGE and "valueCode" in e]  # fmt: skip
        items = {item.link_id: self._item(item) for item in self.raw}
        return Questionnaire(
            url=self.top["url"],
            version=self.top["version"],
            title=self._text(self.top, "title"),
            languages=tuple(dict.fromkeys([self.base, *offered])),
            sections=tuple(self._sections(items)),
            items=items,
            parents={item.link_id: item.parent for item in self.raw if item.parent},
            order=tuple(self._order()),
            sha256=digest,
            warnings=tuple(self._warnings()),
        )

    def _item(self, raw: RawItem) -> Item:
        data, kind = raw.data, ItemType(raw.type)
        help_item = self.helps.get(raw.link_id)
        flow = raw.extension(profile.FLOW)
        return Item(
            link_id=raw.link_id,
            type=kind,
            text=self._text(data, "text"),
            help=self._text(help_item.data, "text") if help_item else Text(),
            format=self._extension_text(raw, profile.ENTRY_FORMAT),
            required=data.get("required", False),
            repeats=data.get("repeats", False),
            read_only=data.get("readOnly", False),
            hidden=bool(raw.extension(profile.HIDDEN)),
            options=tuple(self._option(option) for option in data.get("answerOption", ())),
            items=tuple(child.link_id for child in self.raw if child.parent == raw.link_id),
            conditions=tuple(self._condition(condition) for condition in data.get("enableWhen", ())),
            any_of=data.get("enableBehavior") == "any",
            min=_limit(raw.extension(profile.MIN_VALUE)),
            max=_limit(raw.extension(profile.MAX_VALUE)),
            min_length=raw.extension(profile.MIN_LENGTH),
            max_length=data.get("maxLength", DEFAULT_LENGTHS.get(kind)),
            max_decimals=raw.extension(profile.MAX_DECIMALS),
            min_occurs=raw.extension(profile.MIN_OCCURS),
            max_occurs=raw.extension(profile.MAX_OCCURS),
            regex=raw.extension(profile.REGEX),
            unit=_coded(raw.extension(profile.UNIT)),
            open_label=self._extension_text(raw, profile.OPEN_LABEL),
            initial=tuple(_initial(data)),
            control=_control(raw),
            acknowledgement=bool(raw.extension(profile.ACKNOWLEDGEMENT)),
            safety=bool(raw.extension(profile.SAFETY)),
            past=bool(raw.extension(profile.PAST)),
            flow=Flow(flow) if flow in list(Flow) else None,
        )

    def _option(self, option: Json) -> Option:
        key = next(key for key in option if key.startswith("value"))
        flags = _dicts(option.get("extension"))
        exclusive = any(e.get("url") == profile.EXCLUSIVE and e.get("valueBoolean") is True for e in flags)
        code = str(option_code(option))
        if key != "valueCoding":
            return Option(code, Text.of({self.base: code}), exclusive, key)
        coding = option[key]
        words = self._text(coding, "display") or Text.of({self.base: code})
        return Option(code, words, exclusive, key, coding.get("system"))

    def _condition(self, raw: Json) -> Condition:
        operator = Operator(raw["operator"])
        key = next(key for key in raw if key.startswith("answer"))
        kind = ItemType(self.by_id[raw["question"]].type)
        stored = VALUE_KEYS[kind] if kind == ItemType.URL and operator != Operator.EXISTS else f"value{key[6:]}"
        return Condition(raw["question"], operator, {stored: _plain(raw[key])})

    def _sections(self, items: Mapping[str, Item]) -> Iterator[Section]:
        """Each top-level group is a page; what stands between groups is gathered into pages of its own."""
        loose: list[str] = []
        for raw in (item for item in self.raw if item.parent is None):
            inside = tuple(self._below(items, raw.link_id))
            if items[raw.link_id].type != ItemType.GROUP:
                loose += (raw.link_id, *inside)
                continue
            if loose:
                yield Section(loose[0], Text(), tuple(loose))
                loose = []
            yield Section(raw.link_id, items[raw.link_id].text, inside, raw.link_id)
        if loose:
            yield Section(loose[0], Text(), tuple(loose))

    def _below(self, items: Mapping[str, Item], link_id: str) -> Iterator[str]:
        for child in items[link_id].items:
            yield child
            yield from self._below(items, child)

    def _order(self) -> Iterator[str]:
        """Yield linkIds so that each follows everything its enablement is decided by (the checks found no cycle)."""
        waiting = {item.link_id: dependencies(item) for item in self.raw}
        done: set[str] = set()
        while waiting:
            ready = [link_id for link_id, on in waiting.items() if on <= done]
            yield from ready
            done.update(ready)
            for link_id in ready:
                del waiting[link_id]

    def _text(self, holder: Json, key: str) -> Text:
        """Return a string with the translations FHIR keeps beside it."""
        if not holder.get(key):
            return Text()
        words = {self.base: str(holder[key])}
        beside = holder.get(f"_{key}")
        for extension in _dicts(beside.get("extension")) if isinstance(beside, dict) else ():
            if extension.get("url") == profile.TRANSLATION:
                parts = {p.get("url"): p for p in _dicts(extension.get("extension"))}
                language, content = parts.get("lang", {}), parts.get("content", {})
                if "valueCode" in language and content.get("valueString"):
                    words[str(language["valueCode"])] = str(content["valueString"])
        return Text.of(words)

    def _extension_text(self, raw: RawItem, url: str) -> Text:
        return next((self._text(e, "valueString") for e in raw.extensions if e.get("url") == url), Text())

    def _warnings(self) -> Iterator[str]:
        if "language" not in self.top:
            yield "no language is given; English is assumed"
        holders = [self.top, *(item.data for item in self.raw)]
        urls = {str(e.get("url")) for holder in holders for e in _dicts(holder.get("extension"))}
        for url in sorted(urls - profile.UNDERSTOOD.keys()):
            yield f"{url} is kept and not acted on"


def _missing_texts(loaded: Questionnaire) -> Iterator[Problem]:
    """Q19: every language that is offered has every word."""
    for place, link_id, text in _texts(loaded):
        for language in loaded.languages:
            if text and language not in text.languages:
                yield Problem("Q19", place, f"there are no words in '{language}'", f"'{text}'", link_id)


def _texts(loaded: Questionnaire) -> Iterable[tuple[str, str, Text]]:
    yield "$.title", "", loaded.title
    for item in loaded.items.values():
        for name in ("text", "help", "format", "open_label"):
            yield name, item.link_id, getattr(item, name)
        for option in item.options:
            if option.key == "valueCoding":
                yield f"option {option.code}", item.link_id, option.text


def _is_help(item: RawItem) -> bool:
    """Whether it is a line of help below a question rather than a paragraph of its own."""
    plain = item.type == ItemType.DISPLAY and "enableWhen" not in item.data
    return plain and item.parent is not None and _control(item) == "help"


def _control(item: RawItem) -> str | None:
    return _coded(*_dicts((item.extension(profile.CONTROL) or {}).get("coding"))[:1])


def _coded(coding: Any = None) -> str | None:
    return str(coding["code"]) if isinstance(coding, dict) and coding.get("code") else None


def _limit(raw: Any) -> Decimal | str | None:
    return raw if raw is None or isinstance(raw, str) else number(raw)


def _initial(data: Json) -> Iterator[Json]:
    for value in data.get("initial", ()):
        yield {key: _plain(raw) for key, raw in value.items()}
    for option in data.get("answerOption", ()):
        if option.get("initialSelected") is True:
            key = next(key for key in option if key.startswith("value"))
            yield {key: _plain(option[key])}


def _plain(raw: Any) -> Any:
    """Return a value as answers hold it: a coding without its words, a number that JSON can write again."""
    if isinstance(raw, dict):
        return {key: raw[key] for key in ("system", "code") if key in raw}
    return float(raw) if isinstance(raw, Decimal) else raw


def _dicts(raw: Any) -> list[dict[str, Any]]:
    return [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []
