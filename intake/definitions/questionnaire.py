"""What a questionnaire is, and which of its items are asked: plain data and pure functions.

Reading FHIR JSON is left to loader.py, writing it to shorthand.py; no page and no table is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import Any

from babel import UnknownLocaleError
from babel.dates import format_date

Value = Mapping[str, Any]
"""One FHIR value[x] with a single key, for example ``{"valueCoding": {"code": "yes"}}``."""

Answers = Mapping[str, Sequence[Value]]
"""linkId to the values given for it; an absent linkId and an empty sequence both mean "not answered"."""


class ItemType(StrEnum):
    """The FHIR R4 item types of our profile, with FHIR's own codes."""

    GROUP = "group"
    DISPLAY = "display"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "dateTime"
    TIME = "time"
    STRING = "string"
    TEXT = "text"
    URL = "url"
    CHOICE = "choice"
    OPEN_CHOICE = "open-choice"


VALUE_KEYS: Mapping[ItemType, str] = {
    ItemType.BOOLEAN: "valueBoolean",
    ItemType.INTEGER: "valueInteger",
    ItemType.DECIMAL: "valueDecimal",
    ItemType.DATE: "valueDate",
    ItemType.DATETIME: "valueDateTime",
    ItemType.TIME: "valueTime",
    ItemType.STRING: "valueString",
    ItemType.TEXT: "valueString",
    ItemType.URL: "valueUri",
    ItemType.CHOICE: "valueCoding",
    ItemType.OPEN_CHOICE: "valueCoding",
}
"""The value[x] key an answer to each type carries (a choice may also list strings, integers or dates)."""


DEFAULT_LENGTHS: Mapping[ItemType, int] = {ItemType.STRING: 255, ItemType.TEXT: 5000, ItemType.URL: 255}
"""The most characters an answer may have where the definition sets no limit."""


class Operator(StrEnum):
    """The seven operators of FHIR R4 enableWhen."""

    EXISTS = "exists"
    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    GREATER_OR_EQUAL = ">="
    LESS_OR_EQUAL = "<="


class Flow(StrEnum):
    """Items that the visit itself answers, so that no section asks them; they are always hidden too."""

    LANGUAGE = "language"
    TOKEN = "token"  # noqa: S105 - the queue token of a visit, not a secret
    STATEMENT = "statement"
    SIGNATURE = "signature"


@dataclass(frozen=True)
class Text:
    """Words in one or more languages; the first pair is the base language."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Text:
        """Return a text from ``{language: words}``; the first language is the base."""
        return cls(tuple(words.items()))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages this text has, the base first."""
        return tuple(language for language, _ in self.pairs)

    def get(self, language: str) -> str:
        """Return the words in a language, else in its main language (``hi`` for ``hi-IN``), else in the base."""
        words = dict(self.pairs)
        for wanted in (language, language.split("-")[0].split("_")[0]):
            if wanted in words:
                return words[wanted]
        return self.pairs[0][1] if self.pairs else ""

    def __str__(self) -> str:
        return self.pairs[0][1] if self.pairs else ""

    def __bool__(self) -> bool:
        return bool(self.pairs)


@dataclass(frozen=True)
class Option:
    """One choice of an item. The code is the same in every language and is what an answer stores."""

    code: str
    text: Text
    exclusive: bool = False
    key: str = "valueCoding"
    system: str | None = None

    @property
    def value(self) -> Value:
        """The FHIR value[x] that a chosen option is stored as."""
        if self.key == "valueCoding":
            coding = {"code": self.code} if self.system is None else {"system": self.system, "code": self.code}
            return {self.key: coding}
        return {self.key: int(self.code) if self.key == "valueInteger" else self.code}


@dataclass(frozen=True)
class Condition:
    """One enableWhen entry; `value` has the shape of an answer, for ``exists`` a ``valueBoolean``."""

    source: str
    operator: Operator
    value: Value


@dataclass(frozen=True)
class Item:
    """One item of a questionnaire. Numbers are bounded by Decimal, dates by their ISO text.

    `help` is a line below the question, `format` what a well-formed answer looks like, `flow` names the step of the
    visit that answers it, `past` refuses a date after today, `safety` makes the answer "unsure" raise a finding.
    """

    link_id: str
    type: ItemType
    text: Text = Text()
    help: Text = Text()
    format: Text = Text()
    required: bool = False
    repeats: bool = False
    read_only: bool = False
    hidden: bool = False
    options: tuple[Option, ...] = ()
    items: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    any_of: bool = False
    min: Decimal | str | None = None
    max: Decimal | str | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_decimals: int | None = None
    min_occurs: int | None = None
    max_occurs: int | None = None
    regex: str | None = None
    unit: str | None = None
    open_label: Text = Text()
    initial: tuple[Value, ...] = ()
    control: str | None = None
    acknowledgement: bool = False
    safety: bool = False
    past: bool = False
    flow: Flow | None = None

    @property
    def is_question(self) -> bool:
        """Whether an answer can be given to it (neither a group nor a paragraph)."""
        return self.type not in (ItemType.GROUP, ItemType.DISPLAY)

    @property
    def is_choice(self) -> bool:
        """Whether it is answered from its options."""
        return self.type in (ItemType.CHOICE, ItemType.OPEN_CHOICE)

    def option(self, code: str) -> Option | None:
        """Return the option with this code, or None."""
        return next((option for option in self.options if option.code == code), None)


@dataclass(frozen=True)
class Section:
    """One page. `group` is the linkId of its top-level group, None for items that stand outside any group.

    `items` are the linkIds of everything on the page in document order, the group itself left out.
    """

    id: str
    title: Text
    items: tuple[str, ...]
    group: str | None = None


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """A loaded questionnaire. Two of them are the same exactly if their `sha256` (of the FHIR JSON) is.

    `items` is in document order; `parents` leaves out top-level items; `order` is an order in which each item comes
    after its parent and after every item its conditions read; `languages` are those offered to patients, base first.
    """

    url: str
    version: str
    title: Text
    languages: tuple[str, ...]
    sections: tuple[Section, ...]
    items: Mapping[str, Item]
    parents: Mapping[str, str]
    order: tuple[str, ...]
    sha256: str
    warnings: tuple[str, ...] = field(default=())

    @property
    def questions(self) -> tuple[Item, ...]:
        """The items that can be answered, in document order."""
        return tuple(item for item in self.items.values() if item.is_question)

    def section(self, section_id: str) -> Section | None:
        """Return the page with this id, or None."""
        return next((section for section in self.sections if section.id == section_id), None)

    def section_of(self, link_id: str) -> Section | None:
        """Return the page an item stands on (its own page for a top-level group), or None."""
        return next((s for s in self.sections if link_id in s.items or link_id == s.group), None)


def enabled(questionnaire: Questionnaire, answers: Answers) -> frozenset[str]:
    """Return the linkIds of all items that are asked, groups and paragraphs included.

    HL7 FHIR R4 Questionnaire.item.enableWhen, with the gaps of that text closed: a disabled ancestor disables
    everything below; an answer counts as a source only while its own item is enabled; ``!=`` is true when no answer
    equals, so also when there is none; an ordering is false without an answer.
    """
    on: set[str] = set()
    for link_id in questionnaire.order:
        parent = questionnaire.parents.get(link_id)
        if (parent is None or parent in on) and _allowed(questionnaire.items[link_id], answers, on):
            on.add(link_id)
    return frozenset(on)


def strip(questionnaire: Questionnaire, answers: Answers) -> dict[str, list[Value]]:
    """Return only the answers that exist for submission, export and print: those of enabled questions.

    Answers to unknown and to disabled items are left out, and so are empty ones; the order is the document's.
    """
    on = enabled(questionnaire, answers)
    return {
        item.link_id: list(answers[item.link_id])
        for item in questionnaire.questions
        if item.link_id in on and answers.get(item.link_id)
    }


def initial_answers(questionnaire: Questionnaire) -> dict[str, list[Value]]:
    """Return what a new response holds before anyone answers: `initial` counts as an answer from then on."""
    return {item.link_id: list(item.initial) for item in questionnaire.questions if item.initial}


def visible_sections(questionnaire: Questionnaire, answers: Answers) -> tuple[Section, ...]:
    """Return the pages that have something to ask: an enabled question that is not hidden."""
    on = enabled(questionnaire, answers)

    def asks(link_id: str) -> bool:
        item = questionnaire.items[link_id]
        return item.is_question and not item.hidden and link_id in on

    return tuple(section for section in questionnaire.sections if any(map(asks, section.items)))


def answer_text(item: Item, values: Sequence[Value], language: str) -> str:
    """Return an answer in plain words of a language, several values joined by "; ", or "" when there is none."""
    return "; ".join(_value_text(item, value, language) for value in values)


def equal(one: Value, other: Value) -> bool:
    """Return whether two values are equal: the same kind, numbers by amount, codings by code and known systems."""
    key = next(iter(one), "")
    if key not in other:
        return False
    if key == "valueCoding":
        return _same_coding(one[key], other[key])
    if key in ("valueInteger", "valueDecimal"):
        return number(one[key]) == number(other[key])
    return bool(one[key] == other[key])


def number(raw: object) -> Decimal | None:
    """Return a JSON number (or its text) as an exact Decimal, None for anything else."""
    if isinstance(raw, bool):
        return None
    try:
        amount = Decimal(str(raw))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _allowed(item: Item, answers: Answers, on: set[str]) -> bool:
    if not item.conditions:
        return True
    found = (_met(c, answers.get(c.source, ()) if c.source in on else ()) for c in item.conditions)
    return any(found) if item.any_of else all(found)


def _met(condition: Condition, values: Sequence[Value]) -> bool:
    match condition.operator:
        case Operator.EXISTS:
            return bool(values) is bool(condition.value["valueBoolean"])
        case Operator.EQUAL:
            return any(equal(condition.value, value) for value in values)
        case Operator.NOT_EQUAL:
            return not any(equal(condition.value, value) for value in values)
        case operator:
            return any(_ordered(operator, value, condition.value) for value in values)


_ORDERINGS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.GREATER: gt,
    Operator.LESS: lt,
    Operator.GREATER_OR_EQUAL: ge,
    Operator.LESS_OR_EQUAL: le,
}


def _ordered(operator: Operator, value: Value, bound: Value) -> bool:
    key = next(iter(bound))
    if key not in value:
        return False
    if key in ("valueInteger", "valueDecimal"):
        left, right = number(value[key]), number(bound[key])
        return left is not None and right is not None and _ORDERINGS[operator](left, right)
    given, limit = str(value[key]), str(bound[key])
    # ISO texts of dates and times order like what they name, as long as both are equally precise.
    return len(given) == len(limit) and _ORDERINGS[operator](given, limit)


def _same_coding(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    systems = {coding["system"] for coding in (one, other) if coding.get("system")}
    return bool(one.get("code") == other.get("code") and len(systems) < 2)


_YES_NO: Mapping[str, tuple[str, str]] = {"en": ("Yes", "No"), "hi": ("हाँ", "नहीं"), "ar": ("نعم", "لا")}


def _value_text(item: Item, value: Value, language: str) -> str:
    key, raw = next(iter(value.items()))
    if key == "valueBoolean":
        return Text.of({code: words[0 if raw else 1] for code, words in _YES_NO.items()}).get(language)
    chosen = next((option for option in item.options if equal(option.value, value)), None)
    if chosen is not None:
        return chosen.text.get(language)
    if key == "valueDate" and len(raw) == 10:
        return _date_text(raw, language)
    words = str(raw.get("display") or raw.get("code", "")) if isinstance(raw, Mapping) else str(raw)
    return f"{words} {item.unit}" if item.unit else words


def _date_text(raw: str, language: str) -> str:
    try:
        return format_date(date.fromisoformat(raw), "d MMMM y", locale=language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return raw  # no calendar date, or no such locale: what the patient wrote is better than nothing
