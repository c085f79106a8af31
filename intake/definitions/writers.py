"""How each key of the YAML shorthand is written in FHIR R4 JSON: one table for items, one for options.

What items are called, nested and asked on which condition is left to shorthand.py, what may be used to loader.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from intake.definitions import profile
from intake.definitions.questionnaire import VALUE_KEYS, FlagSeverity, Flow, ItemType, Text
from intake.definitions.yamlfile import LANGUAGE, Node, Reader, is_word

Json = dict[str, Any]

LARGEST_INTEGER = 2**31 - 1
"""FHIR R4 integers have 32 bits."""
_DIGITS = re.compile(r"-?\d{1,15}", re.ASCII)
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.ASCII)


@dataclass(frozen=True)
class Pen:
    """What every writer needs: the file being read, its base language, and the sets of options it names."""

    reader: Reader
    base: str
    option_sets: Mapping[str, Node]

    def text(self, node: Node, skip: Iterable[str] = ()) -> Text:
        """Return words a patient may read."""
        return self.reader.text(node, self.base, skip)

    def staff_text(self, node: Node | None) -> Text:
        """Return words for the doctor: they may be written in several languages, and no translation is asked for."""
        if node is None or is_word(node):
            return Text.of({self.base: self.reader.string(node)})
        words = {language: self.reader.string(value) for language, value in self.reader.entries(node)}
        if self.base not in words or not all(map(LANGUAGE.fullmatch, words)):
            self.reader.problem(node, "Y03", f"words by language are expected, '{self.base}' among them")
        return Text.of({self.base: words.pop(self.base, ""), **words})

    def value(self, node: Node, raw: str, out: Json) -> object:
        """Return a written value as the JSON value of the item `out`, a problem where its type has no such value."""
        kind, codes = out["type"], [option["valueCoding"]["code"] for option in out.get("answerOption", ())]
        if codes and raw not in codes:
            self.reader.problem(node, "Y05", f"'{out['linkId']}' has no option '{raw}'", ", ".join(codes))
        if kind in (ItemType.CHOICE, ItemType.OPEN_CHOICE):
            return {"code": raw}
        amount = self.plain(node, raw, kind)
        return {"value": amount, **unit_of(out)} if kind == ItemType.QUANTITY else amount

    def plain(self, node: Node, raw: str, kind: str) -> object:
        """Return a written word as a JSON boolean, number or text, whatever the type is answered with."""
        try:
            return CAST[kind](raw) if kind in CAST else raw
        except (KeyError, ValueError):
            self.reader.problem(node, "Y04", f"'{raw}' is not a value for the type {kind}")
            return raw


def extend(out: Json, url: str, **value: object) -> None:
    """Add an extension."""
    out.setdefault("extension", []).append({"url": url, **value})


def put_words(out: Json, key: str, text: Text) -> None:
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
        out.setdefault(f"_{key}", {}).setdefault("extension", []).extend(others)


def put_marked_words(out: Json, text: Text) -> None:
    """Write words with Markdown marks: plain for readers who know no marks, and as rendering-markdown beside it."""
    marked: Json = {"url": profile.MARKDOWN}
    put_words(marked, "valueMarkdown", text)
    put_words(out, "text", Text.of({language: without_marks(words) for language, words in text.pairs}))
    out.setdefault("_text", {}).setdefault("extension", []).insert(0, marked)


_MARKS = (
    (re.compile(r"^ {0,3}(?:#{1,6}|>) +", re.M), ""),
    (re.compile(r"^( *)[-*+] +", re.M), r"\1• "),
    (re.compile(r"\[([^\]\n]*)\]\([^)\s]*\)"), r"\1"),
    (re.compile(r"(?<!\\)(\*\*|__)(?=\S)(.+?)(?<=[^\s\\])\1"), r"\2"),
    (re.compile(r"(?<![\\\w])([*_])(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)"), r"\2"),
    (re.compile(r"(?<!\\)`([^`\n]+)`"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!>-])"), r"\1"),
)


def without_marks(words: str) -> str:
    """Return words with the marks of CommonMark taken out; a list keeps its lines, each behind a bullet or number."""
    for mark, plain in _MARKS:
        words = mark.sub(plain, words)
    return words


def control(code: str) -> Json:
    """Return a control as the CodeableConcept of questionnaire-itemControl."""
    return {"coding": [{"system": profile.CONTROLS[code], "code": code}]}


def unit_of(out: Json) -> Json:
    """Return the unit an item was given, as parts of a Quantity."""
    found: Json = next((e["valueCoding"] for e in out.get("extension", ()) if e["url"] == profile.UNIT), {})
    return {"unit": found["display"], "system": found["system"], "code": found["code"]} if found else {}


def _boolean(raw: str) -> bool:
    return {"true": True, "false": False}[raw]


def _integer(raw: str) -> int:
    if not _DIGITS.fullmatch(raw) or abs(int(raw)) > LARGEST_INTEGER:
        raise ValueError(raw)
    return int(raw)


def _amount(raw: str) -> int | float:
    if not _AMOUNT.fullmatch(raw):
        raise ValueError(raw)
    return float(raw) if "." in raw else int(raw)


CAST: Mapping[str, Callable[[str], object]] = {
    ItemType.BOOLEAN: _boolean,
    ItemType.INTEGER: _integer,
    ItemType.DECIMAL: _amount,
    ItemType.QUANTITY: _amount,
}
"""How a written word becomes a value, for the types whose values are not texts."""

Writer = Callable[[Pen, Node, Json], None]


def _says(url: str) -> Writer:
    def write(pen: Pen, node: Node, out: Json) -> None:
        if pen.reader.boolean(node):
            extend(out, url, valueBoolean=True)

    return write


def _element(key: str) -> Writer:
    def write(pen: Pen, node: Node, out: Json) -> None:
        if pen.reader.boolean(node):
            out[key] = True

    return write


def _count(url: str) -> Writer:
    def write(pen: Pen, node: Node, out: Json) -> None:
        extend(out, url, valueInteger=_whole(pen, node))

    return write


def _whole(pen: Pen, node: Node) -> int:
    count = pen.reader.integer(node)
    if count is not None and not 0 <= count <= LARGEST_INTEGER:
        pen.reader.problem(node, "Y04", f"{count} is not a number of characters, places or answers")
        return 0
    return count or 0


def _bound(url: str) -> Writer:
    def write(pen: Pen, node: Node, out: Json) -> None:
        kind = out["type"]
        key = "valueDecimal" if kind == ItemType.QUANTITY else VALUE_KEYS.get(kind, "valueInteger")
        extend(out, url, **{key: pen.plain(node, pen.reader.string(node), kind)})

    return write


def _words(url: str) -> Writer:
    def write(pen: Pen, node: Node, out: Json) -> None:
        extension: Json = {"url": url}
        put_words(extension, "valueString", pen.text(node))
        out.setdefault("extension", []).append(extension)

    return write


def _write_max_length(pen: Pen, node: Node, out: Json) -> None:
    out["maxLength"] = _whole(pen, node)


def _write_regex(pen: Pen, node: Node, out: Json) -> None:
    extend(out, profile.REGEX, valueString=pen.reader.string(node))


def _write_unit(pen: Pen, node: Node, out: Json) -> None:
    code = pen.reader.string(node)
    extend(out, profile.UNIT, valueCoding={"system": profile.UCUM, "code": code, "display": code})


def _write_control(pen: Pen, node: Node, out: Json) -> None:
    code = pen.reader.code(node, profile.CONTROLS, "control")
    if code in profile.CONTROLS:
        extend(out, profile.CONTROL, valueCodeableConcept=control(code))


def _write_flow(pen: Pen, node: Node, out: Json) -> None:
    """An item the visit answers is never shown on a page, so it is hidden for every other FHIR renderer too."""
    extend(out, profile.FLOW, valueCode=pen.reader.code(node, list(Flow), "step of the visit"))
    extend(out, profile.HIDDEN, valueBoolean=True)


def _write_initial(pen: Pen, node: Node, out: Json) -> None:
    key = VALUE_KEYS.get(out["type"], "valueString")
    nodes = [node] if is_word(node) else pen.reader.sequence(node)
    out["initial"] = [{key: pen.value(one, pen.reader.string(one), out)} for one in nodes]


def _write_link(pen: Pen, node: Node, out: Json) -> None:
    address = pen.reader.string(node)
    if not address.startswith("https://"):
        pen.reader.problem(node, "Y04", f"'{address}' is not an address that begins with https")
    extend(out, profile.SUPPORT_LINK, valueUri=address)


def _write_prefix(pen: Pen, node: Node, out: Json) -> None:
    put_words(out, "prefix", pen.text(node))


def _write_horizontal(pen: Pen, node: Node, out: Json) -> None:
    if pen.reader.boolean(node):
        extend(out, profile.ORIENTATION, valueCode="horizontal")


def _write_flags(pen: Pen, node: Node, out: Json) -> None:
    """What an answer means for the doctor: one flag, or a list of them."""
    many = not is_word(node) and node.tag.endswith(":seq")
    for one in pen.reader.sequence(node) if many else [node]:
        _write_flag(pen, one, out, ("when", "severity", "text"))


def _write_flag(pen: Pen, node: Node, out: Json, keys: tuple[str, ...] = ("severity", "text")) -> None:
    fields = pen.reader.mapping(node, keys)
    words: Json = {"url": "text"}
    put_words(words, "valueString", pen.staff_text(fields.get("text")))
    severity = pen.reader.code(fields.get("severity"), list(FlagSeverity), "severity")
    parts: list[Json] = [{"url": "severity", "valueCode": severity}, words]
    if "when" in fields:
        key = VALUE_KEYS.get(out["type"], "valueString")
        parts.append({"url": "value", key: pen.value(fields["when"], pen.reader.string(fields["when"]), out)})
    extend(out, profile.FLAG, extension=parts)


def write_options(pen: Pen, node: Node, out: Json) -> None:
    """Write answerOption: codes with words, or with words in languages and the keys of `OPTION_WRITERS`."""
    out["answerOption"] = [_option(pen, code, words) for code, words in _option_entries(pen, node)]


def _option_entries(pen: Pen, node: Node) -> list[tuple[str, Node]]:
    """Return the options written here, or those of the named set."""
    if not is_word(node):
        return pen.reader.entries(node)
    name = pen.reader.code(node, pen.option_sets, "set of options")
    return pen.reader.entries(pen.option_sets[name]) if name in pen.option_sets else []


def _option(pen: Pen, code: str, node: Node) -> Json:
    coding: Json = {"code": code}
    put_words(coding, "display", pen.text(node, skip=OPTION_WRITERS))
    option: Json = {"valueCoding": coding}
    given = {} if is_word(node) else dict(pen.reader.entries(node))
    for key, write in OPTION_WRITERS.items():
        if key in given:
            write(pen, given[key], option)
    return option


OPTION_WRITERS: Mapping[str, Writer] = {
    "exclusive": _says(profile.EXCLUSIVE),
    "prefix": _words(profile.OPTION_PREFIX),
    "flag": _write_flag,
}
"""Each key an option may have beside its words, and how it is written in FHIR."""

WRITERS: Mapping[str, Writer] = {
    "required": _element("required"),
    "multiple": _element("repeats"),
    "read_only": _element("readOnly"),
    "options": write_options,
    "other": _words(profile.OPEN_LABEL),
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
    "initial": _write_initial,
    "control": _write_control,
    "past": _says(profile.PAST),
    "acknowledgement": _says(profile.ACKNOWLEDGEMENT),
    "safety": _says(profile.SAFETY),
    "hidden": _says(profile.HIDDEN),
    "flow": _write_flow,
    "prefix": _write_prefix,
    "short": _words(profile.SHORT_TEXT),
    "link": _write_link,
    "horizontal": _write_horizontal,
    "flag": _write_flags,
}
"""Each key an item may have, and how it is written in FHIR. A new key is a new line here; `options` and `unit` stand
before what needs to know them."""
