"""HTML drawn once, with gaps where it differs from one reader to the next, and filled in from then on: a template costs
a hundred times what joining its pieces does.

What is kept may hold nobody's words, so whoever draws puts a gap in their place.
"""

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, render_template, request, session
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup, escape

MOST_FRAMES = 1024
"""Kept at once, of about 10 KB each: all pages of several editions in all their languages."""
MARK = secrets.token_hex(12)
"""Stands before the name of a gap; made anew in every process, so that no definition can hold it."""
GAP = re.compile(rf"{MARK}-(\w+)-([0-9a-f]*)-")
PRIVATE = ("token_label", "back_url")
"""What differs from one visit to the next of all that a shell is told; each is a gap where there is one."""
NOT_DRAWN = frozenset({"request", "session", "g", "actor", "csrf_token", "csrf_meta_tag"})
SAME_FOR_ALL = frozenset({"clinic", "demo"})
UNKNOWN = NOT_DRAWN | SAME_FOR_ALL | frozenset(PRIVATE)


def gap(kind: str, name: str = "") -> Markup:
    """What stands in a drawing for the text that `Sketch.filled` asks for by this kind and name."""
    return Markup(f"{MARK}-{kind}-{name.encode().hex()}-")  # noqa: S704 - letters, digits and dashes


@dataclass(frozen=True)
class Sketch:
    """HTML in pieces, and between each two of them the kind and the name of what is to be filled in."""

    pieces: tuple[str, ...]
    gaps: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, drawn: str) -> "Sketch":
        """The pieces of what was drawn with gaps."""
        found = GAP.split(drawn)
        names = (bytes.fromhex(name).decode() for name in found[2::3])
        return cls(tuple(found[::3]), tuple(zip(found[1::3], names, strict=True)))

    def filled(self, text: Callable[[str, str], str]) -> Markup:
        """The whole, with what `text` gives for the kind and the name of each gap; it is escaped already."""
        out = [self.pieces[0]]
        for (kind, name), piece in zip(self.gaps, self.pieces[1:], strict=True):
            out += (text(kind, name), piece)
        return Markup("".join(out))  # noqa: S704 - pieces come from a template, texts are escaped


def framed(template: str, known_by: tuple[Hashable, ...], gaps: Mapping[str, str], **context: Any) -> Markup:
    """A page from a template, drawn once for all that it says and for all who are told the same.

    `known_by` names what `context` is made of, beside what the shell is told; `gaps` are the values of the template
    that differ each time. Raises TypeError where the shell is told something that cannot be compared.
    """
    if "_flashes" in session:  # words for one reader alone, which the frame of no other may hold
        return Markup(render_template(template, **gaps, **context))  # noqa: S704 - a template escapes by itself
    shell: dict[str, Any] = {}
    for told_by in current_app.template_context_processors[None]:
        shell.update(told_by())  # type: ignore[arg-type]  # they may be coroutines elsewhere, never here
    texts = dict(gaps) | {name: shell[name] for name in PRIVATE if shell.get(name)}
    told = tuple((name, value) for name, value in shell.items() if name not in UNKNOWN)
    key = template, known_by, request.script_root, told, tuple(texts)
    frames: dict[Hashable, Sketch] = current_app.extensions.setdefault("intake_frames", {})
    if (frame := frames.get(key)) is None:
        if len(frames) >= MOST_FRAMES:
            frames.clear()
        blanks = {name: gap("text", name) for name in texts}
        drawn = render_template(template, **context, **blanks, csrf_token=lambda: gap("text", "csrf_token"))
        frame = frames[key] = Sketch.of(drawn)
    texts["csrf_token"] = _token()
    return frame.filled(lambda _kind, name: escape(texts[name]))


def _token() -> str:
    """The page's token against forged requests. Good as long as its session, so it is signed once."""
    tokens: dict[str, str] = current_app.extensions.setdefault("intake_tokens", {})
    if (token := tokens.get(session.get("csrf_token", ""))) is None:
        token = generate_csrf()
        if len(tokens) >= MOST_FRAMES:
            tokens.clear()
        tokens[session["csrf_token"]] = token
    return token
