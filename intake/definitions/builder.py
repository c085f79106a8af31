"""Turns FHIR R4 Questionnaire JSON that passed every check into our types. It may trust the shapes it meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from intake.definitions import profile
from intake.definitions.checks import RawItem, flag_parts, option_code
from intake.definitions.enablement import evaluation_order
from intake.definitions.questionnaire import (
    DEFAULT_LENGTHS,
    VALUE_KEYS,
    Condition,
    Flag,
    FlagSeverity,
    Flow,
    Item,
    ItemType,
    Option,
    Questionnaire,
    Section,
    Text,
)
from intake.definitions.values import Operator, Value, number

Json = Mapping[str, Any]
_LINES = ("help", "flyover")
_SAME_CONTROL = {"autocomplete": "drop-down", "header": None}


class Builder:
    """Builds one questionnaire. `wanting` are sentences about what it lacks to be published."""

    def __init__(self, top: Json, raw: Sequence[RawItem], wanting: Sequence[str]) -> None:
        self.top = top
        self.base = str(top.get("language") or "en")
        self.lines: dict[tuple[str, str], RawItem] = {}
        for item in raw:
            if item.parent is not None and (control := _line(item)):
                self.lines.setdefault((item.parent, control), item)
        lines = {item.path for item in self.lines.values()}
        self.raw = [item for item in raw if item.path not in lines]
        self.by_id = {item.link_id: item for item in self.raw}
        self.wanting = wanting
        self.languages: set[str] = set()

    def questionnaire(self, digest: str) -> Questionnaire:
        """Return the questionnaire; `digest` is the SHA-256 of its JSON in hex."""
        offered = [str(e["valueCode"]) for e in _dicts(self.top.get("extension"))
                   if e.get("url") == profile.OFFERED_LANGUAGE and "valueCode" in e]  # fmt: skip
        title = self._text(self.top, "title")
        items = {item.link_id: self._item(item) for item in self.raw}
        parents = {item.link_id: item.parent for item in self.raw if item.parent}
        languages = tuple(dict.fromkeys([self.base, *offered]))
        return Questionnaire(
            url=self.top.get("url", ""),
            version=self.top.get("version", ""),
            title=title,
            languages=languages,
            sections=tuple(self._sections(items)),
            items=items,
            parents=parents,
            order=tuple(evaluation_order(items, parents)),
            sha256=digest,
            warnings=tuple(self._warnings(languages)),
            carried=tuple(sorted(self.languages - set(languages))),
            entries={item.link_id: 1 for item in items.values() if item.is_repeating_group},
        )

    def _item(self, raw: RawItem) -> Item:
        data, kind = raw.data, ItemType(raw.type)
        return Item(
            link_id=raw.link_id,
            type=kind,
            text=self._text(data, "text"),
            markdown=self._markdown(data),
            prefix=self._text(data, "prefix"),
            short=self._extension_text(raw.extensions, profile.SHORT_TEXT),
            help=self._line(raw, "help"),
            why=self._line(raw, "flyover"),
            format=self._extension_text(raw.extensions, profile.ENTRY_FORMAT),
            link=raw.extension(profile.SUPPORT_LINK) or "",
            required=data.get("required", False),
            repeats=data.get("repeats", False),
            read_only=data.get("readOnly", False),
            options=tuple(self._option(option) for option in raw.options) if kind in _CHOICES else (),
            items=tuple(child.link_id for child in self.raw if child.parent == raw.link_id),
            conditions=tuple(self._condition(condition) for condition in data.get("enableWhen", ())),
            any_of=data.get("enableBehavior") == "any",
            open_label=self._extension_text(raw.extensions, profile.OPEN_LABEL),
            initial=tuple(_initial(raw)),
            flags=tuple(self._flag(e) for e in raw.extensions if e.get("url") == profile.FLAG),
            **_limits(raw, kind),
            **_marks(raw),
        )

    def _line(self, raw: RawItem, control: str) -> Text:
        line = self.lines.get((raw.link_id, control))
        return self._text(line.data, "text") if line else Text()

    def _option(self, option: Json) -> Option:
        key = next(key for key in option if key.startswith("value"))
        extensions = _dicts(option.get("extension"))
        exclusive = any(e.get("url") == profile.EXCLUSIVE and e.get("valueBoolean") is True for e in extensions)
        prefix = self._extension_text(extensions, profile.OPTION_PREFIX)
        flag = next((self._flag(e) for e in extensions if e.get("url") == profile.FLAG), None)
        code = str(option_code(option))
        if key != "valueCoding":
            words = self._text(option, key) if key == "valueString" else Text.of({self.base: code})
            return Option(code, words, exclusive, key, prefix=prefix, flag=flag)
        coding = option[key]
        words = self._text(coding, "display") or Text.of({self.base: code})
        return Option(code, words, exclusive, key, coding.get("system"), prefix, flag)

    def _flag(self, extension: Json) -> Flag:
        parts = flag_parts(extension)
        values = [(key, raw) for key, raw in parts.get("value", {}).items() if key.startswith("value")]
        value = _stored(*values[0]) if values else None
        return Flag(FlagSeverity(parts["severity"]["valueCode"]), self._text(parts["text"], "valueString"), value)

    def _condition(self, raw: Json) -> Condition:
        operator = Operator(raw["operator"])
        key = next(key for key in raw if key.startswith("answer"))
        kind = ItemType(self.by_id[raw["question"]].type)
        stored = VALUE_KEYS[kind] if kind == ItemType.URL and operator != Operator.EXISTS else f"value{key[6:]}"
        return Condition(raw["question"], operator, _stored(stored, raw[key]))

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
            own = (raw.link_id,) if items[raw.link_id].repeats else ()
            yield Section(raw.link_id, items[raw.link_id].text, (*own, *inside), raw.link_id)
        if loose:
            yield Section(loose[0], Text(), tuple(loose))

    def _below(self, items: Mapping[str, Item], link_id: str) -> Iterator[str]:
        for child in items[link_id].items:
            yield child
            yield from self._below(items, child)

    def _text(self, holder: Json, key: str) -> Text:
        """Return a string with the translations FHIR keeps beside it."""
        if not holder.get(key):
            return Text()
        words = {self.base: str(holder[key])}
        for extension in _beside(holder, key):
            if extension.get("url") == profile.TRANSLATION:
                parts = {str(p.get("url")): p for p in _dicts(extension.get("extension"))}
                language, content = parts.get("lang", {}), parts.get("content", {})
                said = content.get("valueString") or content.get("valueMarkdown")
                if "valueCode" in language and said:
                    words[str(language["valueCode"])] = str(said)
        self.languages.update(words)
        return Text.of(words)

    def _markdown(self, data: Json) -> Text:
        for extension in _beside(data, "text"):
            if extension.get("url") == profile.MARKDOWN:
                key = "valueMarkdown" if "valueMarkdown" in extension else "valueString"
                return self._text(extension, key)
        return Text()

    def _extension_text(self, extensions: Sequence[Json], url: str) -> Text:
        return next((self._text(e, "valueString") for e in extensions if e.get("url") == url), Text())

    def _warnings(self, languages: Sequence[str]) -> Iterator[str]:
        yield from self.wanting
        if "language" not in self.top:
            yield "no language is given; English is assumed"
        holders = [self.top, *(item.data for item in self.raw)]
        extensions = [e for holder in holders for e in (*_dicts(holder.get("extension")), *_beside(holder, "text"))]
        for url in sorted({str(e.get("url")) for e in extensions} - profile.UNDERSTOOD.keys()):
            yield f"{url} is kept and not acted on"
        for control in sorted({str(_control(item)) for item in self.raw} & profile.UNKNOWN_CONTROLS):
            yield f"the control '{control}' is shown as a plain list or box"
        for language in sorted(self.languages - set(languages)):
            yield f"words in '{language}' are carried and not offered: nothing declares the language"


def alone(raw: RawItem) -> Item:
    """Return an item as far as it can be told without any other: its options and limits, and no condition."""
    data = {key: value for key, value in raw.data.items() if key != "enableWhen"}
    bare = replace(raw, data=data)
    return Builder({}, (bare,), ())._item(bare)


_CHOICES = (ItemType.CHOICE, ItemType.OPEN_CHOICE)


def _limits(raw: RawItem, kind: ItemType) -> dict[str, Any]:
    """What an item's answers are held to."""
    unit = raw.extension(profile.UNIT) or raw.extension(profile.UNIT_OPTION) or {}
    named = {"unit": unit.get("display") or unit.get("code"), "system": unit.get("system"), "code": unit.get("code")}
    return {
        "min": _limit(raw.extension(profile.MIN_VALUE)),
        "max": _limit(raw.extension(profile.MAX_VALUE)),
        "min_length": raw.extension(profile.MIN_LENGTH),
        "max_length": raw.data.get("maxLength", DEFAULT_LENGTHS.get(kind)),
        "max_decimals": raw.extension(profile.MAX_DECIMALS),
        "min_occurs": raw.extension(profile.MIN_OCCURS),
        "max_occurs": raw.extension(profile.MAX_OCCURS),
        "regex": raw.extension(profile.REGEX),
        "unit": named["unit"],
        "unit_code": {key: value for key, value in named.items() if value},
    }


def _marks(raw: RawItem) -> dict[str, Any]:
    """What an item is besides its words and limits."""
    flow, control = raw.extension(profile.FLOW), _control(raw)
    return {
        "hidden": bool(raw.extension(profile.HIDDEN)),
        "control": _SAME_CONTROL.get(control or "", control),
        "is_horizontal": raw.extension(profile.ORIENTATION) == "horizontal",
        "acknowledgement": bool(raw.extension(profile.ACKNOWLEDGEMENT)),
        "safety": bool(raw.extension(profile.SAFETY)),
        "past": bool(raw.extension(profile.PAST)),
        "flow": Flow(flow) if flow in list(Flow) else None,
    }


def _line(item: RawItem) -> str | None:
    """Its control, where it is words about the item it lies in rather than a paragraph of its own."""
    control = _control(item)
    is_line = item.type == ItemType.DISPLAY and "enableWhen" not in item.data and control in _LINES
    return control if is_line else None


def _control(item: RawItem) -> str | None:
    coding = _dicts((item.extension(profile.CONTROL) or {}).get("coding"))[:1]
    return str(coding[0]["code"]) if coding and coding[0].get("code") else None


def _limit(raw: Any) -> Decimal | str | None:
    return raw if raw is None or isinstance(raw, str) else number(raw)


def _initial(raw: RawItem) -> Iterator[Value]:
    for value in raw.data.get("initial", ()):
        yield from (_stored(key, found) for key, found in value.items())
    for option in raw.data.get("answerOption", ()):
        if option.get("initialSelected") is True:
            key = next(key for key in option if key.startswith("value"))
            yield _stored(key, option[key])


def _stored(key: str, raw: Any) -> Value:
    """Return a value as answers hold it: a coding without its words, a number that JSON can write again."""
    if isinstance(raw, dict):
        kept = ("value", "unit", "system", "code") if key == "valueQuantity" else ("system", "code")
        return {key: {name: _plain(raw[name]) for name in kept if name in raw}}
    return {key: _plain(raw)}


def _plain(raw: Any) -> Any:
    return float(raw) if isinstance(raw, Decimal) else raw


def _beside(holder: Json, key: str) -> list[dict[str, Any]]:
    beside = holder.get(f"_{key}")
    return _dicts(beside.get("extension")) if isinstance(beside, dict) else []


def _dicts(raw: Any) -> list[dict[str, Any]]:
    return [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []
