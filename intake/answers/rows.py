"""The items of a page as its template draws them: a tree of headings, questions and words."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import Field

from intake import i18n
from intake.answers.forms import field_name
from intake.answers.marks import marked
from intake.answers.messages import group_words
from intake.answers.rules import inside
from intake.answers.stored import Stored
from intake.definitions import (
    MOST_ENTRIES,
    Answers,
    Item,
    ItemType,
    Questionnaire,
    Section,
    answer_text,
    split_entry,
)

FIRST_LEVEL = 2  # headings below the page's own
PICTURES = ("map-body", "map-face", "map-scalp")


@dataclass(frozen=True)
class Entry:
    """One entry of a repeating group: the group's name on the page, which it is, and which buttons it has."""

    name: str
    number: int
    may_go: bool
    is_last: bool
    may_grow: bool
    has_focus: bool


@dataclass(frozen=True)
class Row:
    """One item of a page with all that stands below it: its answer and its field where it is filled in, else its words;
    whether it is asked, and whether that depends on other answers."""

    item: Item
    on: bool
    depends: bool
    level: int
    id: str
    answer: Field | Stored | None = None
    find_field: Callable[[], Field] | None = None
    words: str | Markup = ""
    error: str = ""
    entry: Entry | None = None
    rows: tuple["Row", ...] = ()

    @cached_property
    def field(self) -> Field | None:
        """What it is filled in with. A page that only shows what is stored is drawn without one, all but once."""
        return self.find_field() if self.find_field else None

    @property
    def enabled(self) -> bool | None:
        """What the macros want: None for an item that is always asked."""
        return self.on if self.depends else None

    @property
    def kind(self) -> str:
        """Which way of drawing it wants."""
        if self.item.type is ItemType.GROUP:
            return "group"
        if self.find_field is None:
            return "words" if self.item.type is ItemType.DISPLAY else "fixed"
        # A picture is tapped in several places, and has none for words of one's own; no other question can use it.
        has_places = self.item.type is ItemType.CHOICE and self.item.repeats
        return "map" if has_places and self.item.control in PICTURES else "question"


@dataclass(frozen=True, eq=False)
class Look:
    """What the rows of a page are made from: its form as it was sent, if it was; the form of what is stored (for what
    is not in the first); all answers, what is asked, the linkIds that depend on answers, the groups that lack one, and
    the name of the entry to look at."""

    shape: Questionnaire
    form: FlaskForm | None
    stored: Callable[[], FlaskForm]
    now: Answers
    on: AbstractSet[str]
    depending: AbstractSet[str]
    empty: AbstractSet[str] = frozenset()
    focus: str = ""

    def rows_of(self, section: Section) -> tuple[Row, ...]:
        """The page's rows in the order of the document."""
        here = set(section.items)
        top = (one for one in section.items if self.shape.parents.get(one) not in here)
        return tuple(row for one in top for row in self.rows(one, FIRST_LEVEL))

    def rows(self, link_id: str, level: int) -> Sequence[Row]:
        """An item with what stands below it; of a hidden one, only that."""
        item = self.shape.items[link_id]
        is_group = item.type is ItemType.GROUP
        below = tuple(row for child in item.items for row in self.rows(child, level + is_group))
        if item.hidden or item.flow:
            return below
        name = field_name(self.shape, link_id)
        answer, find_field = self._answer(item, name)
        words = "" if answer is not None else self._words(item)
        if answer is None and not below and not words:
            return ()
        row = Row(
            item=item,
            on=link_id in self.on,
            depends=link_id in self.depending,
            level=level,
            id=name,
            answer=answer,
            find_field=find_field,
            words=words,
            error=group_words() if link_id in self.empty else "",
            entry=self._entry(item) if item.is_repeating_group else None,
            rows=below,
        )
        return (row,)

    def _answer(self, item: Item, name: str) -> tuple[Field | Stored | None, Callable[[], Field] | None]:
        if not item.is_filled_in:
            return None, None
        if self.form is not None and name in self.form:
            field = self.form[name]
            return field, lambda: field
        return Stored(item, self.now.get(item.link_id, ())), lambda: self.stored()[name]

    def _words(self, item: Item) -> str | Markup:
        language = i18n.language()
        if item.type is ItemType.DISPLAY:
            return marked(item.markdown.get(language)) if item.markdown else item.text.get(language)
        if item.is_question:
            return answer_text(item, self.now.get(item.link_id, ()), language)
        return ""

    def _entry(self, item: Item) -> Entry:
        group = split_entry(item.link_id)[0] if item.entry > 1 else item.link_id
        count = self.shape.entries[group]
        is_answered = any(self.now.get(one) for one in inside(self.shape, item.link_id))
        return Entry(
            name=field_name(self.shape, group),
            number=item.entry,
            may_go=count > max(1, item.min_occurs or 1) or (count == 1 and is_answered),
            is_last=item.entry == count,
            may_grow=count < (item.max_occurs or MOST_ENTRIES),
            has_focus=field_name(self.shape, item.link_id) == self.focus,
        )
