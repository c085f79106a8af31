"""What a questionnaire is: plain data, with FHIR R4's own names for the types.

Reading FHIR JSON is left to loader.py, writing it to shorthand.py, deciding what is asked to enablement.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from intake.definitions.values import Operator, Value, equal


class ItemType(StrEnum):
    """The FHIR R4 item types of our profile, with FHIR's own codes."""

    GROUP = "group"
    DISPLAY = "display"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    QUANTITY = "quantity"
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
    ItemType.QUANTITY: "valueQuantity",
    ItemType.DATE: "valueDate",
    ItemType.DATETIME: "valueDateTime",
    ItemType.TIME: "valueTime",
    ItemType.STRING: "valueString",
    ItemType.TEXT: "valueString",
    ItemType.URL: "valueUri",
    ItemType.CHOICE: "valueCoding",
    ItemType.OPEN_CHOICE: "valueCoding",
}
"""The value[x] key an answer to each type carries (a choice may also list strings, integers, dates or times)."""

NUMBERS = frozenset({ItemType.INTEGER, ItemType.DECIMAL, ItemType.QUANTITY})
"""Types answered with an amount."""

DEFAULT_LENGTHS: Mapping[ItemType, int] = {
    ItemType.STRING: 255,
    ItemType.TEXT: 5000,
    ItemType.URL: 255,
    ItemType.OPEN_CHOICE: 255,
}
"""The most characters an answer may have where the definition sets no limit."""

MOST_ENTRIES = 10
"""The most entries a repeating group may have: more than a patient tells on a tablet, few enough for one page."""


class Flow(StrEnum):
    """Items that the visit itself answers, so that no section asks them; they are always hidden too."""

    LANGUAGE = "language"
    TOKEN = "token"  # noqa: S105 - the queue token of a visit, not a secret
    STATEMENT = "statement"
    SIGNATURE = "signature"


class FlagSeverity(StrEnum):
    """How much an answer that a definition flags by itself matters (our extension answer-flag)."""

    CONTRAINDICATION = "contraindication"
    CAUTION = "caution"
    INFO = "info"


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
class Flag:
    """What an answer means for the doctor, said by the definition itself.

    `value` is the answer that raises it; None on an option, which raises it by being chosen.
    """

    severity: FlagSeverity
    text: Text
    value: Value | None = None


@dataclass(frozen=True)
class Option:
    """One choice of an item. The code is the same in every language and is what an answer stores.

    `initial` marks one that is chosen before anybody answers, `prefix` stands before its words ("a)").
    """

    code: str
    text: Text
    exclusive: bool = False
    key: str = "valueCoding"
    system: str | None = None
    prefix: Text = Text()
    flag: Flag | None = None

    @cached_property
    def value(self) -> Value:
        """The FHIR value[x] that a chosen option is stored as."""
        if self.key == "valueCoding":
            coding = {"code": self.code} if self.system is None else {"system": self.system, "code": self.code}
            return {self.key: coding}
        return {self.key: int(self.code) if self.key == "valueInteger" else self.code}


@dataclass(frozen=True)
class Condition:
    """One enableWhen entry; `value` has the shape of an answer, for ``exists`` a ``valueBoolean``.

    `also` names further entries of the source, where it lies in a repeating group and the reader does not.
    """

    source: str
    operator: Operator
    value: Value
    also: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Every linkId whose answers are looked at."""
        return (self.source, *self.also)


@dataclass(frozen=True)
class Item:
    """One item of a questionnaire. Numbers are bounded by Decimal, dates and times by their ISO text.

    `markdown` are the words with marks for emphasis and lists, where the author wrote them so. `short` is a label for
    summaries, `help` a line below the question, `why` the words that open there for whoever asks why, `format` what a
    well-formed answer looks like, `flow` names the step of the visit that answers it, `past` refuses a date after
    today, `safety` makes the answer "unsure" raise a finding. `entry` counts the copies of an item in a repeating
    group, from 1.
    """

    link_id: str
    type: ItemType
    text: Text = Text()
    markdown: Text = Text()
    prefix: Text = Text()
    short: Text = Text()
    help: Text = Text()
    why: Text = Text()
    format: Text = Text()
    link: str = ""
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
    unit_code: Mapping[str, str] = field(default_factory=dict)
    open_label: Text = Text()
    initial: tuple[Value, ...] = ()
    control: str | None = None
    is_horizontal: bool = False
    acknowledgement: bool = False
    safety: bool = False
    past: bool = False
    flow: Flow | None = None
    flags: tuple[Flag, ...] = ()
    entry: int = 1

    @cached_property
    def is_question(self) -> bool:
        """Whether an answer can be given to it (neither a group nor a paragraph)."""
        return self.type not in (ItemType.GROUP, ItemType.DISPLAY)

    @cached_property
    def is_choice(self) -> bool:
        """Whether it is answered from its options."""
        return self.type in (ItemType.CHOICE, ItemType.OPEN_CHOICE)

    @property
    def is_repeating_group(self) -> bool:
        """Whether it is a group of questions that may be answered several times."""
        return self.type is ItemType.GROUP and self.repeats

    @cached_property
    def is_asked(self) -> bool:
        """Whether a patient may answer it on a page, once it is enabled."""
        return self.is_question and not self.hidden and self.flow is None

    @cached_property
    def is_filled_in(self) -> bool:
        """Whether a page has boxes for it: a question that is not hidden, not the visit's to answer, not fixed."""
        return self.is_asked and not self.read_only

    def option(self, code: str) -> Option | None:
        """Return the option with this code, or None."""
        return self._by_code.get(code)

    @cached_property
    def _by_code(self) -> dict[str, Option]:
        return {option.code: option for option in reversed(self.options)}

    def option_of(self, value: Value) -> Option | None:
        """Return the option that an answer chooses, or None; a system counts where both sides name one."""
        for option in self.options:
            if option.value is value:
                return option
        return next((option for option in self.options if equal(option.value, value)), None)


@dataclass(frozen=True)
class Section:
    """One page. `group` is the linkId of its top-level group, None for items that stand outside any group.

    `items` are the linkIds of everything on the page in document order, the group itself left out unless it repeats.
    """

    id: str
    title: Text
    items: tuple[str, ...]
    group: str | None = None


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """A loaded questionnaire. Two of them are the same exactly if their `sha256` (of the FHIR JSON) is.

    `items` is in document order; `parents` leaves out top-level items; `order` is an order in which each item comes
    after its parent and after every item its conditions read; `languages` are those offered to patients, base first,
    `carried` those that some words have and that are not offered. `entries` says how many entries each repeating group
    has in this shape of it (enablement.with_entries makes other shapes of the same questionnaire).
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
    carried: tuple[str, ...] = field(default=())
    entries: Mapping[str, int] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[Item, ...]:
        """The items that can be answered, in document order."""
        return tuple(item for item in self.items.values() if item.is_question)

    @cached_property
    def shown(self) -> tuple[tuple[Section, frozenset[str]], ...]:
        """Each page with the linkIds of its questions that are not hidden: with one of them asked, it has something to
        ask."""
        items = self.items
        return tuple(
            (section, frozenset(one for one in section.items if items[one].is_question and not items[one].hidden))
            for section in self.sections
        )

    @cached_property
    def required(self) -> frozenset[str]:
        """The linkIds of the items that an answer is demanded of, once they are asked."""
        return frozenset(link_id for link_id, item in self.items.items() if item.required)

    @cached_property
    def to_fill_in(self) -> frozenset[str]:
        """Those of the required items that a page has boxes for."""
        return frozenset(link_id for link_id in self.required if self.items[link_id].is_filled_in)

    def section(self, section_id: str) -> Section | None:
        """Return the page with this id, or None."""
        return next((section for section in self.sections if section.id == section_id), None)
