"""Draws the rows of a page. Each is drawn by its macro once for every language, with gaps where an answer stands, and
from then on the gaps are filled; what cannot be kept (an error, an entry, a map) is drawn anew each time.

What is kept holds words of a definition and never a patient's: a sketch is drawn from a field that hides its answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import current_app, g
from markupsafe import Markup, escape
from wtforms import Field

from intake import i18n
from intake.answers.fields import Acknowledge, DropDown
from intake.answers.rows import Look, Row
from intake.answers.stored import Stored
from intake.definitions import Answers, ItemType, Questionnaire, Section
from intake.sketches import Sketch, gap

MOST_SKETCHES = 4096
"""Kept at once, of about 2 KB each: all questions of several editions in all their languages."""


NOTHING = Markup()
MARKS = {"checked": " checked", "selected": " selected"}


def _text(answer: Any, chosen: Sequence[str], below: Markup, kind: str, name: str) -> str:
    """What fills a gap of a row: a part of its answer, or what stands below it."""
    match kind:
        case "checked" | "selected":
            return MARKS[kind] if name in chosen else ""
        case "below":
            return below
        case "ticked":
            return " checked" if answer.data else ""
        case "part":
            return escape(answer.parts[name] or "")
        case "words":
            return escape(answer.words)
        case _:
            return escape(answer._value())


def _chosen(answer: Any) -> Sequence[str]:
    """The codes that are chosen, as WTForms compares them."""
    if isinstance(answer, Stored):
        return answer.chosen
    if not hasattr(answer, "iter_choices") or answer.data is None:
        return ()
    return (answer.data,) if isinstance(answer.data, str) else list(answer.data)


@dataclass(frozen=True)
class _Choice:
    """A choice as a macro sees it, chosen by a gap."""

    value: str
    label: str
    render_kw: Mapping[str, Any]
    gap: Markup
    selected: bool = True


SAME_FOR_ALL = frozenset({"id", "name", "label", "type", "unit", "why", "is_horizontal", "keyboard", "other", "mark"})
"""What a macro may ask of a field beside its answer. All else is hidden, so that nothing private can be kept."""


class _Blank:
    """A field as a macro sees it, with a gap wherever its answer would stand."""

    errors: Sequence[str] = ()
    data = True

    def __init__(self, field: Field) -> None:
        self.field, self.gap = field, gap("ticked")
        if hasattr(field, "parts"):
            self.parts = {part: gap("part", part) for part in field.parts}
        if hasattr(field, "words"):
            self.words = gap("words")
        if hasattr(field, "iter_choices"):
            self.iter_choices = self._choices

    def __getattr__(self, name: str) -> Any:
        if name not in SAME_FOR_ALL:
            raise AttributeError(name)
        return getattr(self.field, name)

    def _value(self) -> str:
        return "y" if isinstance(self.field, Acknowledge) else gap("value")

    def _choices(self) -> list[_Choice]:
        kind = "selected" if isinstance(self.field, DropDown) else "checked"
        return [_Choice(one.value, one.label, one.render_kw, gap(kind, one.value)) for one in self.field.choices]


Key = tuple[str, str, str, bool | None]
_sketches: dict[Key, Sketch] = {}


def drawn(section: Section, look: Look) -> tuple[Markup, str]:
    """The HTML of a page in the page's language, and the names of the questions that can be seen on it."""
    if look.form is not None or not _may_be_plain(section, look.shape):
        return _by_rows(look.shape, look.rows_of(section))
    here = look.depending & set(section.items)
    key = look.shape.sha256, i18n.language(), section.id, frozenset(here & look.on)
    if (whole := _wholes.get(key)) is None:
        rows = look.rows_of(section)
        if not all(map(_is_plain, _each(rows))):
            return _by_rows(look.shape, rows)
        if len(_wholes) >= MOST_SKETCHES:
            _wholes.clear()
        whole = _wholes[key] = _joined(look.shape, rows)
    return whole.filled(look.shape, look.now), whole.seen


@dataclass(frozen=True)
class Whole:
    """A page that shows what is stored, in pieces: the sketches of its rows, one inside the other, as one. Between each
    two pieces the linkId, the kind and the name of what is to be filled in, and the mark of a choice that is chosen;
    `seen` names the questions it shows."""

    pieces: tuple[str, ...]
    gaps: tuple[tuple[str, str, str, str | None], ...]
    seen: str

    def filled(self, shape: Questionnaire, said: Answers) -> Markup:
        """The page with these answers."""
        answers: dict[str, tuple[Stored, Sequence[str]]] = {}
        out = [self.pieces[0]]
        for (link_id, kind, name, mark), piece in zip(self.gaps, self.pieces[1:], strict=True):
            if (found := answers.get(link_id)) is None:
                answer = Stored(shape.items[link_id], said.get(link_id, ()))
                found = answers[link_id] = answer, answer.chosen
            if mark is None:
                out.append(_text(*found, NOTHING, kind, name))
            elif name in found[1]:  # by far the most are not
                out.append(mark)
            out.append(piece)
        return Markup("".join(out))  # noqa: S704 - pieces come from macros, answers are escaped


_wholes: dict[tuple[str, str, str, frozenset[str]], Whole] = {}


def _may_be_plain(section: Section, shape: Questionnaire) -> bool:
    """Whether no item of a page shows what it does not ask: an answer that is fixed, or which entry it stands in."""
    items = map(shape.items.__getitem__, section.items)
    return not any(one.is_repeating_group or (one.is_asked and one.read_only) for one in items)


def _joined(shape: Questionnaire, rows: Sequence[Row]) -> Whole:
    pieces, gaps = [""], list[tuple[str, str, str, str | None]]()

    def add(row: Row) -> None:
        sketch = _sketch(shape, row)
        pieces[-1] += sketch.pieces[0]
        for (kind, name), piece in zip(sketch.gaps, sketch.pieces[1:], strict=True):
            if kind == "below":
                for one in row.rows:
                    add(one)
                pieces[-1] += piece
            else:
                gaps.append((row.item.link_id, kind, name, MARKS.get(kind)))
                pieces.append(piece)

    for row in rows:
        add(row)
    return Whole(tuple(pieces), tuple(gaps), _seen(rows))


def _each(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield from _each(row.rows)


def _seen(rows: Sequence[Row]) -> str:
    return " ".join(row.id for row in _each(rows) if row.answer is not None and row.on)


def _by_rows(shape: Questionnaire, rows: Sequence[Row]) -> tuple[Markup, str]:
    return rows_drawn(shape, rows), _seen(rows)


def rows_drawn(shape: Questionnaire, rows: Sequence[Row]) -> Markup:
    """The HTML of rows in the page's language, one after another."""
    return Markup("").join(_drawn(shape, row) for row in rows)


def _drawn(shape: Questionnaire, row: Row) -> Markup:
    below = rows_drawn(shape, row.rows)
    if not _is_plain(row):
        return _macro()(row, below)
    return _sketch(shape, row).filled(partial(_text, row.answer, _chosen(row.answer), below))


def _sketch(shape: Questionnaire, row: Row) -> Sketch:
    key = shape.sha256, i18n.language(), row.item.link_id, row.enabled
    if (sketch := _sketches.get(key)) is None:
        if len(_sketches) >= MOST_SKETCHES:
            _sketches.clear()
        blank = row if (field := row.field) is None else replace(row, find_field=partial(_Blank, field))
        sketch = _sketches[key] = Sketch.of(_macro()(blank, gap("below")))
    return sketch


def _is_plain(row: Row) -> bool:
    """Whether a row looks the same for everybody but for its answer."""
    if row.error or row.entry is not None or row.kind in ("fixed", "map"):
        return False
    # A moment's boxes name the clinic's time zone, which no definition knows.
    return row.answer is None or not (row.answer.errors or row.item.type is ItemType.DATETIME)


def _macro() -> Callable[[Row, Markup], Markup]:
    """The macro that draws a row, in the language of this request."""
    if "row_macro" not in g:
        template = current_app.jinja_env.get_template("answers/_rows.html")
        module: Any = template.make_module({"lang": i18n.language(), "dir": i18n.direction()})
        g.row_macro = module.row_of
    macro: Callable[[Row, Markup], Markup] = g.row_macro
    return macro
