"""What WeasyPrint 70 asks of a box some ten times each time it is laid out, although only its style can answer: found
out once for a style, a fifth of the time. Put in by `quick.py`, which has the rest of what is kept. Each answer is what
WeasyPrint's own function of that name gives, but not for flex and grid, whose items it gives answers of their own.
"""

from dataclasses import dataclass
from typing import Any

import weasyprint.draw.border
import weasyprint.layout.background
import weasyprint.layout.block
import weasyprint.layout.percent
from weasyprint.draw.color import get_color
from weasyprint.formatting_structure.boxes import Box, ParentBox

RADII: Any = weasyprint.layout.percent.resolve_radii_percentages
BACKGROUNDS: Any = weasyprint.layout.background.layout_box_backgrounds
COLLAPSE: Any = weasyprint.layout.block.collapse_margin
DRAW_BORDER: Any = weasyprint.draw.border.draw_border
STOCK_BOX: Any = Box
STOCK_PARENT: Any = ParentBox
ESTABLISHES: Any = STOCK_BOX.establishes_formatting_context
OWN_PAGES, PAGES = STOCK_BOX.page_values, STOCK_PARENT.page_values
RESET: Any = STOCK_PARENT.remove_decoration
CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
SQUARE = {f"border_{corner}_radius": (0, 0) for corner in CORNERS}
QUESTIONS = {
    "is_floated": STOCK_BOX.is_floated,
    "is_footnote": STOCK_BOX.is_footnote,
    "is_note": STOCK_BOX.is_note,
    "is_absolutely_positioned": STOCK_BOX.is_absolutely_positioned,
    "is_running": STOCK_BOX.is_running,
    "is_in_normal_flow": STOCK_BOX.is_in_normal_flow,
}

Alone: Any = type("Alone", (Box,), dict(QUESTIONS))  # a box that asks itself


class Facts:
    """The answers of one style; of what depends on the kind of box too, by kind."""

    def __init__(self, style: Any) -> None:
        alone = Alone("", style, None)
        for name, ask in QUESTIONS.items():
            setattr(self, name, ask(alone))
        self.contexts: dict[type, bool] = {}
        self.is_square = all((0, "px") in style[name] for name in SQUARE)
        self.is_bare = (
            style["border_image_source"][0] == style["mask_border_source"][0] == "none"
            and style["visibility"] == "visible"
            and all(kind != "url" and value is None for kind, value in style["background_image"])
            and get_color(style, "background_color").alpha == 0
            and not style["box_shadow"]
        )
        self.has_rules = style["column_width"] != "auto" or style["column_count"] != "auto"


def facts(style: Any) -> Facts:
    """The answers of a style."""
    known = style.__dict__
    if "_facts" not in known:
        known["_facts"] = Facts(style)
    found: Facts = known["_facts"]
    return found


def install() -> None:
    """Have every box answer from its style."""
    for name in QUESTIONS:
        setattr(STOCK_BOX, name, _answer(name))
    STOCK_BOX.establishes_formatting_context = _establishes
    STOCK_PARENT.page_values = _page_values
    STOCK_PARENT.remove_decoration = _remove_decoration


def _answer(name: str) -> Any:
    def answer(box: Any) -> Any:
        try:
            return getattr(box.style._facts, name)
        except AttributeError:
            return getattr(facts(box.style), name)

    return answer


def _establishes(box: Any) -> Any:
    kinds = facts(box.style).contexts
    kind = type(box)
    if box.is_column or kind not in kinds:
        found = ESTABLISHES(box)
        if box.is_column:
            return found
        kinds[kind] = found
    return kinds[kind]


@dataclass
class Sheets:
    """Of the sheets in use, whether one of them puts an element on a page of a name."""

    name_pages: bool = True


SHEETS = Sheets()


def _page_values(box: Any) -> Any:
    """The names of the pages that a box begins and ends on, which are asked of all that is inside it."""
    return (PAGES if SHEETS.name_pages else OWN_PAGES)(box)


def _remove_decoration(box: Any, start: bool, end: bool) -> None:
    if start or end:
        RESET(box, start, end)


def collapse_margin(margins: list[float]) -> float:
    """`collapse_margin`."""
    return max(0, *margins) + min(0, *margins) if margins else 0


def resolve_radii_percentages(box: Any) -> None:
    """`resolve_radii_percentages`: nearly all corners are square."""
    if facts(box.style).is_square:
        vars(box).update(SQUARE)
    else:
        RADII(box)


def layout_box_backgrounds(
    page: Any,
    box: Any,
    get_image_from_uri: Any,
    layout_children: bool = True,
    style: Any = None,
) -> None:
    """`layout_box_backgrounds`: nearly all boxes have nothing behind them."""
    if box is page or style is not None or not facts(box.style).is_bare:
        BACKGROUNDS(page, box, get_image_from_uri, layout_children, style)
        return
    resolve_radii_percentages(box)
    if layout_children:
        for child in box.all_children():
            layout_box_backgrounds(page, child, get_image_from_uri)
    box.background = None


def draw_border(stream: Any, box: Any) -> None:
    """`draw_border`: most boxes have none."""
    known = vars(box)
    if not (
        known["border_top_width"]
        or known["border_bottom_width"]
        or known["border_left_width"]
        or known["border_right_width"]
    ):
        answers = facts(box.style)
        if answers.is_bare and not answers.has_rules:
            return
    DRAW_BORDER(stream, box)
