"""Compiles the YAML shorthand people write into the FHIR R4 Questionnaire JSON the service keeps. One direction only.

How a single key is written stands in writers.py; what the JSON means, and whether it may be used, is for loader.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intake.canonical import canonical
from intake.definitions import profile
from intake.definitions.questionnaire import VALUE_KEYS, ItemType
from intake.definitions.values import Operator
from intake.definitions.writers import WRITERS, Pen, control, extend, put_marked_words, put_words
from intake.definitions.yamlfile import Input, Node, Reader, is_word, look, look_along

Json = dict[str, Any]

_TOP_REQUIRED = ("url", "version", "languages", "title", "sections")
_TOP_WORDS = ("name", "description", "purpose", "publisher", "date")
_TOP_OPTIONAL = (*_TOP_WORDS, "status", "options")
_SECTION_KEYS = ("intro", "when")
_LINES = ("help", "flyover")
_ITEM_REQUIRED = ("id", "type", "text")
_ITEM_OPTIONAL = (*_LINES, "items", "when", "why", "source", "markdown")
_CONDITION = re.compile(r"(\S+)\s+(exists|=|!=|>=|<=|>|<)(?:\s+(.+))?")
_STATUS = ("draft", "active", "retired")


def compile_shorthand(text: Input, name: str) -> bytes:
    """Return the canonical (RFC 8785) FHIR R4 Questionnaire JSON of a shorthand file.

    `name` is the file name that problems carry, with their line. Raises DefinitionError with all of them.
    """
    reader = Reader(text, name)
    questionnaire = _Compiler(reader).questionnaire()
    reader.done()
    return canonical(questionnaire)


def lines_of(text: Input, name: str) -> dict[str, str]:
    """Return where each item and each section of a shorthand file is written, as ``file:line`` by linkId, so that what
    the gate says of the JSON can be found in the YAML. Raises DefinitionError if the file is not YAML."""
    reader = Reader(text, name)
    found: dict[str, str] = {}
    waiting = list(look_along(look(reader.root).get("sections")))
    while waiting:
        node = waiting.pop()
        fields = look(node)
        found[_word(fields.get("id"))] = reader.place(node)
        waiting += look_along(fields.get("items"))
    return found


@dataclass(frozen=True)
class _Known:
    """What a condition needs to know of the item it reads."""

    type: ItemType
    codes: tuple[str, ...]
    unit: str


class _Compiler:
    """One run over one file: first what the items are called, then the items themselves."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.top = reader.mapping(reader.root, _TOP_REQUIRED, _TOP_OPTIONAL)
        written = reader.strings(self.top.get("languages")) or ("en",)
        self.languages = reader.translated.languages if reader.translated else written
        self.pen = Pen(reader, written[0], dict(reader.entries(self.top["options"])) if "options" in self.top else {})
        self.sections = [
            reader.mapping(node, ("id", "title", "items"), _SECTION_KEYS)
            for node in reader.sequence(self.top.get("sections"))
        ]
        self.known: dict[str, _Known] = {}
        for section in self.sections:
            for node in look_along(section.get("items")):
                self._learn(node)

    def questionnaire(self) -> Json:
        reader = self.reader
        out: Json = {
            "resourceType": "Questionnaire",
            "url": reader.string(self.top.get("url")),
            "version": reader.string(self.top.get("version")),
            "status": reader.code(self.top["status"], _STATUS, "status") if "status" in self.top else "draft",
            "language": self.pen.base,
            "subjectType": ["Patient"],
            "extension": [{"url": profile.OFFERED_LANGUAGE, "valueCode": code} for code in self.languages],
        }
        for key in _TOP_WORDS:
            if key in self.top:
                out[key] = reader.string(self.top[key])
        self._put_text(out, "title", self.top.get("title"))
        out["item"] = [self._section(section) for section in self.sections]
        return out

    def _learn(self, node: Node) -> None:
        """Remember one item's name, type, codes and unit, and those of the items inside it; slips come later."""
        fields = look(node)
        kind = _word(fields.get("type"))
        options = fields.get("options")
        options = self.pen.option_sets.get(_word(options)) if _word(options) else options
        if kind in list(ItemType) and "id" in fields:
            self.known[_word(fields["id"])] = _Known(ItemType(kind), tuple(look(options)), _word(fields.get("unit")))
        for child in look_along(fields.get("items")):
            self._learn(child)

    def _put_text(self, out: Json, key: str, node: Node | None) -> None:
        put_words(out, key, self.reader.text(node, self.pen.base))

    def _section(self, fields: Mapping[str, Node]) -> Json:
        out: Json = {"linkId": self.reader.string(fields.get("id")), "type": "group"}
        self._put_text(out, "text", fields.get("title"))
        self._put_when(fields, out)
        out["item"] = []
        if "intro" in fields:
            intro: Json = {"linkId": f"{out['linkId']}.intro", "type": "display"}
            self._put_text(intro, "text", fields["intro"])
            out["item"].append(intro)
        out["item"] += [self._item(node) for node in self.reader.sequence(fields.get("items"))]
        return out

    def _item(self, node: Node) -> Json:
        fields = self.reader.mapping(node, _ITEM_REQUIRED, (*WRITERS, *_ITEM_OPTIONAL))
        kind = self.reader.code(fields.get("type"), list(ItemType), "item type")
        out: Json = {"linkId": self.reader.string(fields.get("id")), "type": kind}
        if self.reader.boolean(fields.get("markdown")):
            put_marked_words(out, self.reader.text(fields.get("text"), self.pen.base))
        else:
            self._put_text(out, "text", fields.get("text"))
        if kind in list(ItemType):
            for key, write in WRITERS.items():
                if key in fields:
                    write(self.pen, fields[key], out)
            self._put_note(fields, out)
        self._put_when(fields, out)
        children = [self._item(child) for child in self.reader.sequence(fields.get("items"))]
        children = [self._line(out["linkId"], name, fields[name]) for name in _LINES if name in fields] + children
        if children:
            out["item"] = children
        return out

    def _line(self, link_id: str, name: str, node: Node) -> Json:
        """Words about an item, which FHIR keeps as a child with the control of that name."""
        out: Json = {"linkId": f"{link_id}.{name}", "type": "display"}
        self._put_text(out, "text", node)
        extend(out, profile.CONTROL, valueCodeableConcept=control(name))
        return out

    def _put_note(self, fields: Mapping[str, Node], out: Json) -> None:
        """Keep why an item is asked, and on whose word, where FHIR keeps it: in a design note."""
        source = ", ".join(self.reader.strings(fields.get("source")))
        why = self.reader.string(fields.get("why"))
        note = " ".join(part for part in (why, f"[{source}]" if source else "") if part)
        if note:
            extend(out, profile.DESIGN_NOTE, valueMarkdown=note)

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
            if raw not in (None, "true", "false"):
                self.reader.problem(node, "Y06", f"'{match[0]}' says more than exists", "write: item exists false")
            out["answerBoolean"] = raw != "false"
        elif raw is None:
            self.reader.problem(node, "Y06", f"'{match[0]}' lacks a value")
        elif known.codes:
            if raw not in known.codes:
                self.reader.problem(node, "Y05", f"'{match[1]}' has no option '{raw}'", ", ".join(known.codes))
            out["answerCoding"] = {"code": raw}
        else:
            out |= self._answer(node, raw, known)
        return out

    def _answer(self, node: Node, raw: str, known: _Known) -> Json:
        """What a condition compares with, as answer[x]; a quantity in the unit of its item."""
        value = self.pen.plain(node, raw, known.type)
        if known.type == ItemType.QUANTITY:
            unit = {"unit": known.unit, "system": profile.UCUM, "code": known.unit} if known.unit else {}
            return {"answerQuantity": {"value": value, **unit}}
        key = VALUE_KEYS.get(known.type, "valueString").replace("value", "answer").replace("Uri", "String")
        return {key: value}


def _word(node: Node | None) -> str:
    return str(node.value) if node is not None and is_word(node) else ""
