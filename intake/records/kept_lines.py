"""Lines of text that WeasyPrint 70 lays out and spells in glyphs again for each record, although they are the clinic's
own, the same in each: kept from one document to the next, and the Pango objects of a style with them.

Put in by `quick.py`, which has the rest of what is kept.
"""

from typing import Any, NamedTuple, cast

import weasyprint.draw.text
import weasyprint.text.line_break
from weasyprint.text.constants import LST_TO_ISO, PANGO_DIRECTION
from weasyprint.text.ffi import FROM_UNITS, ffi, gobject, pango, unicode_to_char_p
from weasyprint.text.fonts import font_features, get_font_description

KEPT = 4000  # lines of one style
METRICS = ("ascent", "underline_position", "strikethrough_position", "underline_thickness", "strikethrough_thickness")
FEATURES = (
    "font_kerning",
    "font_variant_ligatures",
    "font_variant_position",
    "font_variant_caps",
    "font_variant_numeric",
    "font_variant_alternates",
    "font_variant_east_asian",
    "font_feature_settings",
)


class _Pango(NamedTuple):
    """What the layout of every text in one style begins with."""

    context: Any
    description: Any
    language: Any
    features: bytes
    metrics: tuple[float, ...] | None  # ascent, underline and strikethrough: position, thickness


def _pango_of(style: Any) -> _Pango:
    """Made once for a style: a context and a description of the face were made anew for each line, twice."""
    made = style.__dict__.get("_pango")
    if made is None:
        made = style._pango = _made(style)
    return cast("_Pango", made)


def _made(style: Any) -> _Pango:
    context = ffi.gc(pango.pango_font_map_create_context(style.font_config.font_map), gobject.g_object_unref)
    pango.pango_context_set_round_glyph_positions(context, False)
    pango.pango_context_set_base_dir(context, PANGO_DIRECTION[style["direction"]])
    named = style["font_language_override"]
    tag = style["lang"] if named == "normal" else LST_TO_ISO.get(named.lower(), named)
    if tag:
        pointer, _kept = unicode_to_char_p(tag)
        language = pango.pango_language_from_string(pointer)
        pango.pango_context_set_language(context, language)
    else:
        language = pango.pango_language_get_default()
    description = get_font_description(style)
    wanted = font_features(*(style[name] for name in FEATURES))
    features = ",".join(f"{name} {value}" for name, value in wanted.items()).encode()
    if style["text_decoration_line"] == "none":
        return _Pango(context, description, language, features, None)
    metrics = ffi.gc(pango.pango_context_get_metrics(context, description, language), pango.pango_font_metrics_unref)
    lines = tuple(FROM_UNITS * getattr(pango, f"pango_font_metrics_get_{name}")(metrics) for name in METRICS)
    return _Pango(context, description, language, features, lines)


def setup(layout: Any, style: Any) -> None:
    """`Layout.setup`, from what is kept with the style."""
    begun = _pango_of(style)
    layout.style, layout.language, layout.first_line_direction = style, begun.language, 0
    layout.layout = ffi.gc(pango.pango_layout_new(begun.context), gobject.g_object_unref)
    pango.pango_layout_set_auto_dir(layout.layout, False)
    pango.pango_layout_set_font_description(layout.layout, begun.description)
    for name, value in zip(METRICS, begun.metrics or (None,) * len(METRICS), strict=True):
        setattr(layout, name, value)
    if begun.features:
        attribute = style.font_config.font_features.setdefault(
            begun.features, pango.pango_attr_font_features_new(begun.features)
        )
        attributes = pango.pango_attr_list_new()
        pango.pango_attr_list_insert(attributes, attribute)
        pango.pango_layout_set_attributes(layout.layout, attributes)


def deactivate(layout: Any) -> None:
    """`Layout.deactivate`: a laid out line is not given up, for it is drawn soon and was laid out once more for it."""


def reactivate(layout: Any, style: Any) -> None:
    """`Layout.reactivate`: laid out again only where words are drawn wider apart than they were measured."""
    if layout.justification_spacing or style is not layout.style:
        layout.setup(style)
        layout.set_text(layout.text, justify=True)


class Lines:
    """Lines of text laid out and spelt in glyphs before. Nearly all of a record's are the clinic's own, the same ones
    in each. Two fifths of the time.

    Only what records of two patients had in the same style and width is kept, so that a patient's words are not; until
    then a number stands for them, from which they cannot be had back.
    """

    def __init__(self, split: Any, draw: Any) -> None:
        self.stock_split, self.stock_draw = split, draw
        self.document = 0
        self.whose = ""  # which patient the document is of; where nobody says, each is somebody else's

    def split(
        self,
        text: str,
        style: Any,
        context: Any,
        max_width: float | None,
        justification_spacing: float,
        is_line_start: bool = True,
        minimum: bool = False,
    ) -> Any:
        """`split_first_line`."""
        kept = style.__dict__.setdefault("_lines", {})
        key = text, max_width, justification_spacing, is_line_start, minimum
        if key in kept:
            return kept[key]
        made = self.stock_split(text, style, context, max_width, justification_spacing, is_line_start, minimum)
        if len(kept) > KEPT:
            kept.clear()
        whose = self.whose or self.document
        if kept.setdefault(hash(key), whose) != whose:
            made[0].spelt = None
            kept[key] = made
        return made

    def draw(self, stream: Any, textbox: Any, text_overflow: str, block_ellipsis: str, matrix: Any) -> Any:
        """`draw_first_line`."""
        layout = textbox.pango_layout
        if not hasattr(layout, "spelt") or text_overflow == "ellipsis" or block_ellipsis != "none":
            return self.stock_draw(stream, textbox, text_overflow, block_ellipsis, matrix)
        if layout.spelt is not None and _write_again(stream, layout.spelt, matrix):
            return []
        spelling = _Spelling(stream)
        emojis = self.stock_draw(spelling, textbox, text_overflow, block_ellipsis, matrix)
        fonts = _fonts(layout, stream)
        layout.spelt = (fonts, spelling.calls) if spelling.calls and fonts and not emojis else None
        return emojis


LINES = Lines(weasyprint.text.line_break.split_first_line, weasyprint.draw.text.draw_first_line)


class _Spelling:
    """A stream that notes what a line asks of it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def set_font_size(self, *facts: Any) -> None:
        self._note("set_font_size", facts)

    def show_text(self, *facts: Any) -> None:
        self._note("show_text", facts)

    def set_text_rise(self, *facts: Any) -> None:
        self._note("set_text_rise", facts)

    def _note(self, name: str, facts: tuple[Any, ...]) -> None:
        self.calls.append((name, facts))
        getattr(self._stream, name)(*facts)


Glyphs = dict[int, tuple[str, float]]  # the letters each glyph stands for and its width


def _fonts(layout: Any, stream: Any) -> list[tuple[Any, Glyphs]]:
    """The fonts of a drawn line by their key in the document, with the glyphs taken of each; nothing where a letter has
    no glyph, or one whose width this document rounded in another size than the line's."""
    keys = {id(font): key for key, font in stream._fonts.items()}
    text, found = layout.text.encode(), []
    run = layout.get_first_line()[0].runs[0]
    while run != ffi.NULL:
        item, string, run = run.data.item, run.data.glyphs, run.next
        font, size = stream.add_font(item.analysis.font)
        glyphs: Glyphs = {}
        ends = [*string.log_clusters[0 : string.num_glyphs]]
        after = [item.length, *ends[:-1]] if item.analysis.level % 2 else [*ends[1:], item.length]
        for glyph, start, end in zip(string.glyphs[0 : string.num_glyphs], ends, after, strict=True):
            if glyph.glyph == pango.PANGO_GLYPH_EMPTY:
                continue
            pango.pango_font_get_glyph_extents(item.analysis.font, glyph.glyph, stream.ink_rect, stream.logical_rect)
            width = round(stream.logical_rect.width * 1000 * FROM_UNITS / size)
            if font.widths.get(glyph.glyph) != width:
                return []
            glyphs.setdefault(glyph.glyph, (text[item.offset + start : item.offset + end].decode(), width))
        found.append((keys[id(font)], glyphs))
    return found


def _write_again(stream: Any, spelt: tuple[list[tuple[Any, Glyphs]], list[Any]], matrix: Any) -> bool:
    """Write a line as it was spelt; False, and nothing is done, where this document would spell it otherwise: it has
    not met the font yet, or met a glyph in another size first, whose width was rounded there."""
    fonts, calls = spelt
    met = [(stream._fonts.get(key), glyphs) for key, glyphs in fonts]
    for font, glyphs in met:
        if font is None or any(font.widths.get(glyph, width) != width for glyph, (_text, width) in glyphs.items()):
            return False
    for font, glyphs in met:
        for glyph, (letters, width) in glyphs.items():
            font.to_unicode.setdefault(glyph, letters)
            font.widths.setdefault(glyph, width)
    stream.set_text_matrix(*matrix.values)
    for name, facts in calls:
        getattr(stream, name)(*facts)
    return True
