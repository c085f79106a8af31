"""Compiles the YAML shorthand people write into the FHIR R4 Questionnaire JSON the service keeps. One direction only.

What the JSON means, and whether it may be used, is for loader.py to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from intake.definitions import profile
from intake.definitions.questionnaire import VALUE_KEYS, Flow, ItemType, Operator, Text
from intake.definitions.yamlfile import Node, Reader, is_word, look, look_along

Json = dict[str, Any]

_TOP_REQUIRED = ("url", "version", "languages", "title", "sections")
_TOP_OPTIONAL = ("name", "status", "description", "publisher", "date", "options")
_SECTION_KEYS = ("intro", "when")
_ITEM_REQUIRED = ("id", "type", "text")
_ITEM_OPTIONAL = ("help", "items", "when", "why", "source")
_CONDITION = re.compile(r"(\S+)\s+(exists|=|!=|>=|<=|>|<)(?:\s+(.+))?")
_STATUS = ("draft", "active", "retired")


def compile_shorthand(text: str | bytes, name: str) -> bytes:
    """Return the canonical (RFC 8785) FHIR R4 Questionnaire JSON of a shorthand file.

    `name` is the file name that problems carry, with their line. Raises DefinitionError with all of them.
    """
    reader = Reader(text, name)
    questionnaire = _Compiler(reader).questionnaire()
    reader.done()
    return rfc8785.dumps(questionnaire)


@dataclass(frozen=True)
class _Known:
    """What a condition needs to know of the item it reads."""

    type: ItemType
    codes: tuple[str, ...]


class _Compiler:
    """One run over one file: first what the items are called, then the items themselves."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.top = reader.mapping(reader.root, _TOP_REQUIRED, _TOP_OPTIONAL)
        self.languages = reader.strings(self.top.get("languages")) or ("en",)
        self.base = self.languages[0]
        self.option_sets = dict(reader.entries(self.top["options"])) if "options" in self.top else {}
        self.sections = [
            reader.mapping(node, ("id", "title", "items"), _SECTION_KEYS)
            for node in reader.sequence(self.top.get("sections"))
        ]
        self.known: dict[str, _Known] = {}
        for section in self.sections:
            for node in reader.sequence(section.get("items")):
                self._learn(node)

    def questionnaire(self) -> Json:
        reader = self.reader
        out: Json = {
            "resourceType": "Questionnaire",
            "url": reader.string(self.top.get("url")),
            "version": reader.string(self.top.get("version")),
            "status": reader.code(self.top["status"], _STATUS, "status") if "status" in self.top else "draft",
            "language": self.base,
            "subjectType": ["Patient"],
            "extension": [{"url": profile.OFFERED_LANGUAGE, "valueCode": code} for code in self.languages],
        }
        for key in ("name", "description", "publisher", "date"):
            if key in self.top:
                out[key] = reader.string(self.top[key])
        _put_words(out, "title", reader.text(self.top.get("title"), self.base))
        out["item"] = [self._section(section) for section in self.sections]
        return out

    def _learn(self, node: Node) -> None:
        """Remember one item's name, type and codes, and those of the items inside it; slips are reported later."""
        fields = look(node)
        kind = _word(fields.get("type"))
        options = fields.get("options")
        options = self.option_sets.get(_word(options)) if _word(options) else options
        if kind in list(ItemType) and "id" in fields:
            self.known[_word(fields["id"])] = _Known(ItemType(kind), tuple(look(options)))
        for child in look_along(fields.get("items")):
            self._learn(child)

    def _section(self, fields: Mapping[str, Node]) -> Json:
        out: Json = {"linkId": self.reader.string(fields.get("id")), "type": "group"}
        _put_words(out, "text", self.reader.text(fields.get("title"), self.base))
        self._put_when(fields, out)
        out["item"] = []
        if "intro" in fields:
            intro: Json = {"linkId": f"{out['linkId']}.intro", "type": "display"}
            _put_words(intro, "text", self.reader.text(fields["intro"], self.base))
            out["item"].append(intro)
        out["item"] += [self._item(node) for node in self.reader.sequence(fields.get("items"))]
        return out

    def _item(self, node: Node) -> Json:
        fields = self.reader.mapping(node, _ITEM_REQUIRED, (*_WRITERS, *_ITEM_OPTIONAL))
        kind = self.reader.code(fields.get("type"), list(ItemType), "item type")
        out: Json = {"linkId": self.reader.string(fields.get("id")), "type": kind}
        _put_words(out, "text", self.reader.text(fields.get("text"), self.base))
        if kind in list(ItemType):
            for key, write in _WRITERS.items():
                if key in fields:
                    write(self, fields[key], out)
            self._put_note(fields, out)
        self._put_when(fields, out)
        children = [self._item(child) for child in self.reader.sequence(fields.get("items"))]
        if "help" in fields:
            children.insert(0, self._help(out["linkId"], fields["help"]))
        if children:
            out["item"] = children
        return out

    def _help(self, link_id: str, node: Node) -> Json:
        out: Json = {"linkId": f"{link_id}.help", "type": "display"}
        _put_words(out, "text", self.reader.text(node, self.base))
        _extend(out, profile.CONTROL, valueCodeableConcept=_control("help"))
        return out

    def _put_note(self, fields: Mapping[str, Node], out: Json) -> None:
        """Keep why an item is asked, and on whose word, where FHIR keeps it: in a design note."""
        source = ", ".join(self.reader.strings(fields.get("source")))
        why = self.reader.string(fields.get("why"))
        note = " ".join(part for part in (why, f"[{source}]" if source else "") if part)
        if note:
            _extend(out, profile.DESIGN_NOTE, valueMarkdown=note)

    def _put_when(self, fields: Mapping[str, Node], out: Json) -> None:
        if (node := fields.get("when")) is None:
            return
        if is_word(node):
            entries, behavior = [node], ""
        else:
            found = self.reader.entries(node)
            if len(found) != 1 or found[0][0] not in ("any", "all"):
                self.reader.problem(node, "Y04", "'when' is one condition, or any: [...], or all: [...]")
                return
            behavior, entries = found[0][0], list(self.reader.sequence(found[0][1]))
        out["enableWhen"] = [condition for entry in entries if (condition := self._condition(entry))]
        if len(entries) > 1:
            out["enableBehavior"] = behavior

    def _condition(self, node: Node) -> Json:
        words = self.reader.string(node)
        match = _CONDITION.fullmatch(words)
        known = self.known.get(match[1]) if match else None
        if match is None:
            self.reader.problem(node, "Y06", f"'{words}' is not a condition", "write: item = value, or: item exists")
        elif known is None:
            self.reader.problem(node, "Y05", f"there is no item '{match[1]}'")
        else:
            return self._comparison(node, match, known)
        return {}

    def _comparison(self, node: Node, match: re.Match[str], known: _Known) -> Json:
        out: Json = {"question": match[1], "operator": match[2]}
        raw = match[3]
        if match[2] == Operator.EXISTS:
            out["answerBoolean"] = raw != "false"
        elif raw is None:
            self.reader.problem(node, "Y06", f"'{match[0]}' lacks a value")
        elif known.codes:
            if raw not in known.codes:
                self.reader.problem(node, "Y05", f"'{match[1]}' has no option '{raw}'", ", ".join(known.codes))
            out["answerCoding"] = {"code": raw}
        else:
            key = VALUE_KEYS.get(known.type, "valueString").replace("value", "answer").replace("Uri", "String")
            out[key] = self.value(node, raw, known.type)
        return out

    def value(self, node: Node, raw: str, kind: str) -> object:
        """Return a written value as the JSON value of an item type."""
        try:
            return _CAST[kind](raw) if kind in _CAST else raw
        except (KeyError, ValueError):
            self.reader.problem(node, "Y04", f"'{raw}' is not a value for the type {kind}")
            return raw

    def _option_entries(self, node: Node) -> list[tuple[str, Node]]:
        """Return the options written here, or those of the named set."""
        if not is_word(node):
            return self.reader.entries(node)
        name = self.reader.code(node, self.option_sets, "set of options")
        return self.reader.entries(self.option_sets[name]) if name in self.option_sets else []

    def options(self, node: Node) -> list[Json]:
        """Return answerOption entries; an option is words, or words in languages with ``exclusive: true``."""
        out = []
        for code, words in self._option_entries(node):
            coding: Json = {"code": code}
            _put_words(coding, "display", self.reader.text(words, self.base, skip=("exclusive",)))
            option: Json = {"valueCoding": coding}
            if not is_word(words) and self.reader.boolean(dict(self.reader.entries(words)).get("exclusive")):
                _extend(option, profile.EXCLUSIVE, valueBoolean=True)
            out.append(option)
        return out


def _word(node: Node | None) -> str:
    return str(node.value) if node is not None and is_word(node) else ""


def _extend(out: Json, url: str, **value: object) -> None:
    out.setdefault("extension", []).append({"url": url, **value})


def _put_words(out: Json, key: str, text: Text) -> None:
    """Write a text as FHIR does: the base language as the value, the others as translation extensions beside it."""
    out[key] = str(text)
    others = [
        {
            "url": profile.TRANSLATION,
            "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": words}],
        }
        for language, words in text.pairs[1:]
    ]
    if others:
        out[f"_{key}"] = {"extension": others}


def _control(code: str) -> Json:
    return {"coding": [{"system": profile.CONTROLS[code], "code": code}]}


def _boolean(raw: str) -> bool:
    return {"true": True, "false": False}[raw]


def _amount(raw: str) -> int | float:
    return float(raw) if "." in raw else int(raw)


_CAST: Mapping[str, Callable[[str], object]] = {
    ItemType.BOOLEAN: _boolean,
    ItemType.INTEGER: int,
    ItemType.DECIMAL: _amount,
}

Writer = Callable[[_Compiler, Node, Json], None]


def _flag(url: str) -> Writer:
    def write(compiler: _Compiler, node: Node, out: Json) -> None:
        if compiler.reader.boolean(node):
            _extend(out, url, valueBoolean=True)

    return write


def _element(key: str) -> Writer:
    def write(compiler: _Compiler, node: Node, out: Json) -> None:
        if compiler.reader.boolean(node):
            out[key] = True

    return write


def _count(url: str) -> Writer:
    def write(compiler: _Compiler, node: Node, out: Json) -> None:
        _extend(out, url, valueInteger=compiler.reader.integer(node))

    return write


def _bound(url: str) -> Writer:
    def write(compiler: _Compiler, node: Node, out: Json) -> None:
        value = compiler.value(node, compiler.reader.string(node), out["type"])
        _extend(out, url, **{VALUE_KEYS.get(out["type"], "valueInteger"): value})

    return write


def _words(url: str) -> Writer:
    def write(compiler: _Compiler, node: Node, out: Json) -> None:
        extension: Json = {"url": url}
        _put_words(extension, "valueString", compiler.reader.text(node, compiler.base))
        out.setdefault("extension", []).append(extension)

    return write


def _write_max_length(compiler: _Compiler, node: Node, out: Json) -> None:
    out["maxLength"] = compiler.reader.integer(node)


def _write_regex(compiler: _Compiler, node: Node, out: Json) -> None:
    _extend(out, profile.REGEX, valueString=compiler.reader.string(node))


def _write_unit(compiler: _Compiler, node: Node, out: Json) -> None:
    code = compiler.reader.string(node)
    _extend(out, profile.UNIT, valueCoding={"system": profile.UCUM, "code": code, "display": code})


def _write_control(compiler: _Compiler, node: Node, out: Json) -> None:
    code = compiler.reader.code(node, profile.CONTROLS, "control")
    if code in profile.CONTROLS:
        _extend(out, profile.CONTROL, valueCodeableConcept=_control(code))


def _write_flow(compiler: _Compiler, node: Node, out: Json) -> None:
    """An item the visit answers is never shown on a page, so it is hidden for every other FHIR renderer too."""
    _extend(out, profile.FLOW, valueCode=compiler.reader.code(node, list(Flow), "step of the visit"))
    _extend(out, profile.HIDDEN, valueBoolean=True)


def _write_options(compiler: _Compiler, node: Node, out: Json) -> None:
    out["answerOption"] = compiler.options(node)


def _write_initial(compiler: _Compiler, node: Node, out: Json) -> None:
    raw, kind = compiler.reader.string(node), out["type"]
    value: object = {"code": raw} if "answerOption" in out else compiler.value(node, raw, kind)
    out["initial"] = [{VALUE_KEYS.get(kind, "valueString"): value}]


_WRITERS: Mapping[str, Writer] = {
    "required": _element("required"),
    "multiple": _element("repeats"),
    "read_only": _element("readOnly"),
    "options": _write_options,
    "other": _words(profile.OPEN_LABEL),
    "initial": _write_initial,
    "min": _bound(profile.MIN_VALUE),
    "max": _bound(profile.MAX_VALUE),
    "min_length": _count(profile.MIN_LENGTH),
    "max_length": _write_max_length,
    "decimals": _count(profile.MAX_DECIMALS),
    "min_answers": _count(profile.MIN_OCCURS),
    "max_answers": _count(profile.MAX_OCCURS),
    "regex": _write_regex,
    "format": _words(profile.ENTRY_FORMAT),
    "unit": _write_unit,
    "control": _write_control,
    "past": _flag(profile.PAST),
    "acknowledgement": _flag(profile.ACKNOWLEDGEMENT),
    "safety": _flag(profile.SAFETY),
    "hidden": _flag(profile.HIDDEN),
    "flow": _write_flow,
}
"""Each key an item may have, and how it is written in FHIR. A new key is a new line here."""
