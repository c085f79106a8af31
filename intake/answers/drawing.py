"""Draws the rows of a page. Each is drawn by its macro once for every language, with gaps where an answer stands, and
from then on the gaps are filled; what cannot be kept (an error, an entry, a map) is drawn anew each time.

What is kept holds words of a definition and never a patient's: a sketch is drawn from a field that hides its answer.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app, g
from markupsafe import Markup, escape
from wtforms import Field

from intake import i18n
from intake.answers.fields import Acknowledge, DropDown, MomentBoxes
from intake.answers.rows import Row
from intake.definitions import Questionnaire

MOST_SKETCHES = 4096
"""Kept at once, of about 2 KB each: all questions of several editions in all their languages."""
MARK = secrets.token_hex(12)
"""Stands before the name of a gap; made anew in every process, so that no definition can hold it."""
GAP = re.compile(rf"{MARK}-(\w+)-([0-9a-f]*)-")


def _gap(kind: str, name: str = "") -> Markup:
    return Markup(f"{MARK}-{kind}-{name.encode().hex()}-")  # noqa: S704 - letters, digits and dashes


@dataclass(frozen=True)
class Sketch:
    """A row's HTML in pieces, and between each two of them the kind and the name of what is to be filled in."""

    pieces: tuple[str, ...]
    gaps: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, drawn: str) -> "Sketch":
        """The pieces of what a macro drew with gaps."""
        found = GAP.split(drawn)
        names = (bytes.fromhex(name).decode() for name in found[2::3])
        return cls(tuple(found[::3]), tuple(zip(found[1::3], names, strict=True)))

    def filled(self, field: Field | None, below: Markup) -> Markup:
        """The row with a field's answer, and with what stands below it."""
        chosen = _chosen(field) if field is not None else ()
        out = [self.pieces[0]]
        for (kind, name), piece in zip(self.gaps, self.pieces[1:], strict=True):
            out += (_text(kind, name, field, chosen, below), piece)
        return Markup("".join(out))  # noqa: S704 - pieces come from a macro, answers are escaped


def _text(kind: str, name: str, field: Any, chosen: Sequence[str], below: Markup) -> str:
    match kind:
        case "checked" | "selected":
            return f" {kind}" if name in chosen else ""
        case "ticked":
            return " checked" if field.data else ""
        case "part":
            return escape(field.parts[name] or "")
        case "words":
            return escape(field.words)
        case "value":
            return escape(field._value())
        case _:
            return below


def _chosen(field: Field) -> Sequence[str]:
    """The codes that are chosen, as WTForms compares them."""
    if not hasattr(field, "iter_choices") or field.data is None:
        return ()
    return (field.data,) if isinstance(field.data, str) else list(field.data)


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
        self.field, self.gap = field, _gap("ticked")
        if hasattr(field, "parts"):
            self.parts = {part: _gap("part", part) for part in field.parts}
        if hasattr(field, "words"):
            self.words = _gap("words")
        if hasattr(field, "iter_choices"):
            self.iter_choices = self._choices

    def __getattr__(self, name: str) -> Any:
        if name not in SAME_FOR_ALL:
            raise AttributeError(name)
        return getattr(self.field, name)

    def _value(self) -> str:
        return "y" if isinstance(self.field, Acknowledge) else _gap("value")

    def _choices(self) -> list[_Choice]:
        kind = "selected" if isinstance(self.field, DropDown) else "checked"
        return [_Choice(one.value, one.label, one.render_kw, _gap(kind, one.value)) for one in self.field.choices]


Key = tuple[str, str, str, bool | None]
_sketches: dict[Key, Sketch] = {}


def drawn(questionnaire: Questionnaire, rows: Sequence[Row]) -> Markup:
    """The HTML of a page's rows, in the page's language."""
    return Markup("").join(_drawn(questionnaire, row) for row in rows)


def _drawn(questionnaire: Questionnaire, row: Row) -> Markup:
    below = drawn(questionnaire, row.rows)
    if not _is_plain(row):
        return _macro()(row, below)
    key = questionnaire.sha256, i18n.language(), row.item.link_id, row.enabled
    if (sketch := _sketches.get(key)) is None:
        if len(_sketches) >= MOST_SKETCHES:
            _sketches.clear()
        blank = replace(row, field=_Blank(row.field)) if row.field is not None else row
        sketch = _sketches[key] = Sketch.of(_macro()(blank, _gap("below")))
    return sketch.filled(row.field, below)


def _is_plain(row: Row) -> bool:
    """Whether a row looks the same for everybody but for its answer."""
    if row.error or row.entry is not None or row.kind in ("fixed", "map"):
        return False
    # A moment's boxes name the clinic's time zone, which no definition knows.
    return row.field is None or not (row.field.errors or isinstance(row.field, MomentBoxes))


def _macro() -> Callable[[Row, Markup], Markup]:
    """The macro that draws a row, in the language of this request."""
    if "row_macro" not in g:
        template = current_app.jinja_env.get_template("answers/_rows.html")
        module: Any = template.make_module({"lang": i18n.language(), "dir": i18n.direction()})
        g.row_macro = module.row_of
    macro: Callable[[Row, Markup], Markup] = g.row_macro
    return macro
