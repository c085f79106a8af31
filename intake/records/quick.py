"""What WeasyPrint 70 does again for each record although it could not come out otherwise: one function for each, with
what it costs. Put in by the engine's process alone; the bytes stay the same, which tests/records/test_quick.py holds.

The record's own defects are mended in `pdf_fixes.py`. Nothing here knows a word of any record.
"""

import sys
from collections.abc import Iterable
from functools import cache, lru_cache
from math import inf
from typing import Any

import tinycss2
import weasyprint.css
import weasyprint.layout.inline
import weasyprint.layout.percent
import weasyprint.svg
import weasyprint.text.line_break
from weasyprint.css import ComputedStyle, InitialStyle, StyleFor
from weasyprint.css.tokens import get_length
from weasyprint.css.validation import preprocess_declarations
from weasyprint.formatting_structure.boxes import Box, LineBox, PageBox
from weasyprint.layout.percent import adjust_box_sizing, percentage
from weasyprint.text.line_break import Layout

from intake.records import kept_flow, kept_heads, kept_lines

KEPT = 4000  # styles; a record takes some hundred, the same ones each time
UNASKED = {"content", "d", "href"}  # attributes whose words no sheet asks for, only whether they are there
SVG = "{http://www.w3.org/2000/svg}svg"
INLINE: Any = weasyprint.layout.inline  # modules whose names are put in otherwise
STYLES: Any = weasyprint.css
TEXT: Any = Layout
STOCK_STRUT: Any = weasyprint.text.line_break.strut
STOCK_COLLISIONS: Any = INLINE.avoid_collisions
STOCK_PERCENTAGES: Any = weasyprint.layout.percent.resolve_percentages


@cache
def install() -> None:
    """Have this process draw with what is kept here. There is no way back: for a process that only draws records."""
    STYLES.StyleFor = KeptStyles
    TEXT.setup, TEXT.deactivate, TEXT.reactivate = kept_lines.setup, kept_lines.deactivate, kept_lines.reactivate
    _replace(STOCK_PERCENTAGES, _resolve_percentages)
    _replace(STOCK_STRUT, _strut)
    INLINE.avoid_collisions = _avoid_collisions
    _replace(kept_lines.LINES.stock_split, kept_lines.LINES.split)
    _replace(kept_lines.LINES.stock_draw, kept_lines.LINES.draw)
    kept_flow.install()
    _replace(kept_flow.RADII, kept_flow.resolve_radii_percentages)
    _replace(kept_flow.BACKGROUNDS, kept_flow.layout_box_backgrounds)
    _replace(kept_flow.COLLAPSE, kept_flow.collapse_margin)
    _replace(kept_flow.DRAW_BORDER, kept_flow.draw_border)
    _replace(kept_heads.LAYOUT, kept_heads.MARGINS)
    _replace(kept_heads.DRAW, kept_heads.PICTURES)
    weasyprint.svg.TAGS["path"] = kept_heads.PATHS


def _replace(ours: Any, by: Any) -> None:
    """Wherever WeasyPrint imported a function by its name."""
    for module in [module for name, module in sys.modules.items() if name.startswith("weasyprint.")]:
        for name in [name for name, value in vars(module).items() if value is ours]:
            setattr(module, name, by)


class KeptStyles(StyleFor):
    """The computed styles of a document whose sheets were used before, from then.

    A style follows from its parent's, the rules that match and what `lang`, `width` and `height` say; WeasyPrint shares
    it in one document, but not from one to the next, and never where an element has a language. Which rules match
    follows from what the element is, what it stands in and what came before it, and whether it is the last: no rule
    that could be about the elements of a record asks what follows. A fifth of the time.
    """

    def __init__(
        self, html: Any, sheets: list[Any], presentational_hints: bool, font_config: Any, target_collector: Any
    ) -> None:
        self._kept = _Kept(font_config)
        if presentational_hints or any("style" in element.attrib for element in html.etree_element.iter()):
            kept_flow.SHEETS.name_pages = True
            super().__init__(html, sheets, presentational_hints, font_config, target_collector)  # type: ignore[no-untyped-call]
            return
        kept = _kept(font_config, *(sheet for sheet, _origin, _specificity in sheets))
        self._kept = kept
        if len(kept.styles) > KEPT or len(kept.places) > 5 * KEPT:
            kept.styles.clear()
            kept.places.clear()
        kept_lines.LINES.document += 1
        self._cascaded_styles: dict[Any, Any] = {}
        computed: dict[Any, Any] = {}
        self._computed_styles = computed
        self._sheets = sheets
        self.font_config = font_config
        self.initial_page_sizes = kept.page_sizes
        places = _Places(kept, html, sheets)
        places.take(html.etree_element, None, None, is_last=True)
        for node, place in places.found:
            for pseudo, style in place.styles:
                computed[node, pseudo] = style
            if anchor := place.style["anchor"]:
                target_collector.collect_anchor(anchor)
        kept_flow.SHEETS.name_pages = kept.name_pages

    def set_computed_styles(
        self,
        element: Any,
        parent: Any,
        root: Any = None,
        pseudo_type: str | None = None,
        base_url: str | None = None,
        target_collector: Any = None,
    ) -> None:
        """The style of a page or of a box in its margin, which only the root's and the page's number can change."""
        styles = self._kept.styles
        key = element, pseudo_type, id(self._computed_styles.get((root, None)))
        if key not in styles:
            super().set_computed_styles(element, parent, root, pseudo_type, base_url, target_collector)  # type: ignore[no-untyped-call]
            styles[key] = self._computed_styles[element, pseudo_type]
        self._computed_styles[element, pseudo_type] = styles[key]


class _Places:
    """Where the elements of one page stand; an element that stands where one of another page did is not matched."""

    def __init__(self, kept: "_Kept", html: Any, sheets: list[Any]) -> None:
        self._kept, self._html, self._sheets = kept, html, sheets
        self._wrapped: dict[Any, Any] = {}
        self.found: list[tuple[Any, _Place]] = []

    def take(self, node: Any, above: "_Place | None", before: "_Place | None", *, is_last: bool) -> "_Place":
        """Find the place of an element and then of each inside it, in their order; gives the element's own."""
        said = tuple((name, "" if name in UNASKED else value) for name, value in node.attrib.items())
        key = above, before, is_last, node.tag, said
        place = self._kept.places.get(key)
        if place is None:
            place = self._kept.place(above, node, matching(self._wrap(node), self._sheets), self._html.base_url)
            self._kept.places[key] = place
        self.found.append((node, place))
        last, earlier = len(node) - 1, None
        for index, child in enumerate(node):
            earlier = self.take(child, place, earlier, is_last=index == last)
        return place

    def _wrap(self, node: Any) -> Any:
        if not self._wrapped:
            self._wrapped = {one.etree_element: one for one in self._html.wrapper_element.iter_subtree()}
        return self._wrapped[node]


Rule = tuple[Any, str, tuple[int, ...], float]


def matching(element: Any, sheets: list[Any]) -> dict[str | None, tuple[Rule, ...]]:
    """The rules for an element and each of its pseudo-elements: declarations, origin, specificity, order of layer."""
    found: dict[str | None, tuple[Rule, ...]] = {}
    for sheet, origin, above in sheets:
        for specificity, _order, pseudo, (declarations, layer) in sheet.matcher.match(element):
            order = inf if layer is None else sheet.layers.index(layer)
            found[pseudo] = (*found.get(pseudo, ()), (declarations, origin, above or specificity, order))
    return found


def _hints(node: Any) -> tuple[tuple[str, str], ...]:
    """What an element's own attributes say of its style."""
    named = ("lang", "id") if node.tag != SVG else ("lang", "id", "width", "height")
    return tuple((name, node.attrib[name]) for name in named if name in node.attrib)


@lru_cache(maxsize=2)  # a record with letters of the machine's own faces has a sheet of its own
def _kept(font_config: Any, *sheets: Any) -> "_Kept":
    return _Kept(font_config)


class _Place:
    """Where an element stands: what it is, what came before it and what is around it. Equal ones are one object."""

    def __init__(self, style: Any, root: Any, styles: tuple[tuple[str | None, Any], ...]) -> None:
        self.style, self.root, self.styles = style, root, styles


class _Kept:
    """Styles of one set of sheets, by all that they follow from."""

    def __init__(self, font_config: Any) -> None:
        self.font_config = font_config
        self.styles: dict[Any, Any] = {}
        self.places: dict[Any, _Place] = {}
        self.name_pages = False  # whether a rule puts an element on a page of a name
        self.page_sizes: dict[str, Any] = {"box": None, "area": None}

    def place(
        self, above: _Place | None, node: Any, rules: dict[str | None, tuple[Rule, ...]], base_url: str | None
    ) -> _Place:
        """The place of an element that stands in `above`, with the styles that these rules give it."""
        parent, root = (above.style, above.root) if above else (None, None)
        style = self.style(parent, root, None, rules.get(None, ()), _hints(node), base_url)
        root = root or style
        others = [(name, self.style(style, root, name, those, (), base_url)) for name, those in rules.items() if name]
        return _Place(style, root, ((None, style), *others))

    def style(
        self,
        parent: Any,
        root: Any,
        pseudo: str | None,
        rules: Iterable[Rule],
        hints: tuple[tuple[str, str], ...],
        base_url: str | None,
    ) -> Any:
        key = (id(parent), pseudo, hints, tuple((id(rule[0]), *rule[1:]) for rule in rules))
        if key not in self.styles:
            cascaded: dict[str, Any] = {}
            for declarations, origin, specificity, order in [*_declared(hints, base_url), *rules]:
                for name, value, importance in declarations:
                    weight = (STYLES.declaration_precedence(origin, importance), order, specificity)
                    if name not in cascaded or cascaded[name][1] <= weight:
                        cascaded[name] = value, weight
            self.name_pages |= "page" in cascaded
            self.styles[key] = ComputedStyle(
                parent,
                cascaded,
                pseudo,
                root or InitialStyle(self.font_config),
                base_url,
                self.font_config,
                self.page_sizes,
            )
        return self.styles[key]


@cache
def _declared(hints: tuple[tuple[str, str], ...], base_url: str | None) -> tuple[Rule, ...]:
    """The rules that attributes stand for, as WeasyPrint words them."""
    words = {"lang": '-weasy-lang:"{}"', "id": '-weasy-anchor:"{}"', "width": "width:{}", "height": "height:{}"}
    found = []
    for name, value in hints:
        if name in ("lang", "id") or get_length(tinycss2.parse_one_component_value(value), percentage=True):
            declaration = tinycss2.parse_one_declaration(words[name].format(value))
            found.append((tuple(preprocess_declarations(base_url, (declaration,))), "author", (0, 0, 0), inf))
    return tuple(found)


Plan = tuple[dict[str, Any], list[tuple[str, Any, bool]], bool] | None
WIDTHS = ("margin_left", "margin_right", "padding_left", "padding_right", "width", "min_width", "max_width")
UPRIGHT = ("margin_top", "margin_bottom", "padding_top", "padding_bottom")
HEIGHTS = ("height", "min_height", "max_height")


def _plan(style: Any) -> Plan:
    """What a style makes of its lengths: the attributes known at once, those that take a share of the box around (and
    whether of its height), and whether the borders are part of the size. Nothing where a height is a share."""
    known, relative = {}, []
    for name in (*WIDTHS, *UPRIGHT, *HEIGHTS):
        value = style[name]
        if value is None or value == "auto":
            known[name] = 0 if name in ("min_width", "min_height") else value
        elif getattr(value, "unit", "%") != "%":
            known[name] = value.value
        elif name in HEIGHTS:
            return None
        else:
            relative.append((name, value, name in UPRIGHT))
    if style["border_collapse"] == "collapse":
        return None
    known |= {f"border_{side}_width": style[f"border_{side}_width"] for side in ("top", "right", "bottom", "left")}
    return known, relative, style["box_sizing"] != "content-box"


def _resolve_percentages(box: Any, containing_block: Any) -> None:
    """`resolve_percentages`: lengths that are no share of anything are found out once for a style, not for each box
    each time it is laid out. 7 % of the time."""
    style = box.style
    if "_plan" not in style.__dict__:
        style._plan = _plan(style)
    if style._plan is None:
        STOCK_PERCENTAGES(box, containing_block)
        return
    known, relative, is_whole = style._plan
    box.__dict__.update(known)
    if relative:
        is_box = isinstance(containing_block, Box)
        width, height = (containing_block.width, containing_block.height) if is_box else containing_block
        for name, value, is_upright in relative:
            around = height if is_upright and isinstance(box, PageBox) else width
            found = percentage(value, style, around)
            setattr(box, name, 0 if found == "auto" and name == "min_width" else found)
    if is_whole:
        adjust_box_sizing(box, "width")
        adjust_box_sizing(box, "height")


def _strut(style: Any) -> Any:
    """`strut`: the least height of a line, found out once for a style and not by the text of its font's description."""
    if "_strut" not in style.__dict__:
        style._strut = STOCK_STRUT(style)
    return style._strut


def _avoid_collisions(context: Any, box: Any, *around: Any, **more: Any) -> Any:
    """`avoid_collisions`, for a line: where there is no float to avoid, its first layout stands. From right to
    left its place was compared with that of an empty line, so that each line was laid out twice."""
    if not context.excluded_shapes and isinstance(box, LineBox) and vars(box)["width"] == vars(box)["height"] == 0:
        if not any(child.is_floated() for child in box.descendants()):
            vars(box)["height"] = (
                inf  # higher than any line can turn out; the line's own height is set when it is laid out
            )
    return STOCK_COLLISIONS(context, box, *around, **more)
