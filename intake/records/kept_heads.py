"""What stands on every page of a record, its running head and foot with their drawings, laid out and drawn once for the
document and not for each page. From one document to the next only those paths of drawings are kept that stood twice.

Put in by `quick.py`, which has the rest of what is kept.
"""

from collections.abc import Iterator
from typing import Any

import weasyprint.draw
import weasyprint.layout.page
import weasyprint.svg
from weasyprint.css import ComputedStyle
from weasyprint.layout.replaced import replacedbox_layout

LAYOUT: Any = weasyprint.layout.page.margin_box_content_layout
DRAW: Any = weasyprint.draw.draw_replacedbox
GEOMETRY = ("position_x", "position_y", "width", "height", "margin_top", "margin_left")
STATE = ("_current_color", "_current_color_stroke", "_current_alpha", "_current_alpha_stroke")


Looks = tuple[type, int, Any, str | None, Any]


class Margins:
    """`margin_box_content_layout`. Laying out a head takes as long as fifteen lines of text."""

    def __init__(self) -> None:
        self._context: Any = None
        self._kept: list[tuple[tuple[Any, ...], list[Looks], Any]] = []

    def __call__(self, context: Any, page: Any, box: Any) -> Any:
        """The laid out box: a copy of an earlier page's where nothing in it is another."""
        if context is not self._context:
            self._context, self._kept = context, []
        place, looks = tuple(getattr(box, name) for name in GEOMETRY), [*_looks(box)]
        for other, those, laid in self._kept:
            if place == other and len(looks) == len(those) and all(map(_is_same, looks, those)):
                return laid.deepcopy()
        laid = LAYOUT(context, page, box)
        self._kept.append((place, looks, laid.deepcopy()))
        return laid

    def forget(self) -> None:
        """Let go of the document: a patient is named in its foot."""
        self._context, self._kept = None, []


def _looks(box: Any) -> Iterator[Looks]:
    """All that the layout of a box follows from: for it and each box inside its kind, how many it holds, style, text
    and picture."""
    for one in box.descendants():
        more = vars(one)
        yield type(one), len(one.children), one.style, more.get("text"), more.get("replacement")


def _is_same(one: Looks, other: Looks) -> bool:
    kind, count, style, text, picture = one
    return (kind, count, text) == (*other[:2], other[3]) and picture is other[4] and _is_same_style(style, other[2])


def _is_same_style(one: Any, other: Any) -> bool:
    """Whether two styles come to the same: the box of a margin has one of its own on each page, and what runs in it a
    copy of its own with another position."""
    if one is other:
        return True
    if not (isinstance(one, ComputedStyle) and isinstance(other, ComputedStyle)):
        return False
    is_same = one["position"] == other["position"] and one.cascaded == other.cascaded
    return is_same and _is_same_style(one.parent_style, other.parent_style)


Path = tuple[tuple[str, float], list[Any], list[Any]]  # its text and the size of type; marks; corners


class Paths:
    """`path` of a drawing: the running head's is 12 KB of text, read once and not for each record. 5 % of the time.

    Only what one document draws twice is kept, so that no signature is.
    """

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self._kept: dict[tuple[str, float], Path] = {}
        self.drawn: list[Path] = []  # since somebody looked

    def __call__(self, svg: Any, node: Any, font_size: float) -> None:
        """Put the path into the drawing's stream, as `weasyprint.svg.path.path` does."""
        key = node.get("d", ""), font_size
        if key in self._kept:
            _key, marks, corners = self._kept[key]
            svg.stream.stream.extend(marks)
            node.vertices.extend(corners)
            return
        before, known = len(svg.stream.stream), len(node.vertices)
        self._draw(svg, node, font_size)
        self.drawn.append((key, svg.stream.stream[before:], list(node.vertices)[known:]))

    def keep(self, paths: list[Path]) -> None:
        """Keep what was drawn for the documents to come."""
        self._kept.update((path[0], path) for path in paths)


PATHS = Paths(weasyprint.svg.TAGS["path"])


class Pictures:
    """`draw_replacedbox`: the same marks where a document draws the same picture again."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._document: Any = None
        self._kept: dict[Any, tuple[Any, list[Any], list[Path]]] = {}

    def __call__(self, stream: Any, box: Any) -> None:
        """Put the picture's marks into the page's stream."""
        if stream._fonts is not self._document:
            self._document, self._kept = stream._fonts, {}
        place = replacedbox_layout(box)
        key = id(box.replacement), box.style["visibility"], place, *(getattr(stream, name) for name in STATE)
        if key in self._kept:
            _picture, marks, paths = self._kept[key]
            self._paths.keep(paths)
            stream.stream.extend(marks)
            for name in STATE:
                setattr(stream, name, None)
            return
        before, self._paths.drawn = len(stream.stream), []
        DRAW(stream, box)
        self._kept[key] = box.replacement, stream.stream[before:], self._paths.drawn
        self._paths.drawn = []

    def forget(self) -> None:
        """Let go of the document: a signature is among its pictures."""
        self._document, self._kept = None, {}


MARGINS, PICTURES = Margins(), Pictures(PATHS)


def forget() -> None:
    """Let go of the document that was drawn."""
    MARGINS.forget()
    PICTURES.forget()
