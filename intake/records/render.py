"""Turns a Snapshot into the record's PDF: plain data in, PDF/A-3u and tagged bytes out, with the evidence inside.

Nothing is fetched: no network and no disk once the typefaces and the style sheet are read. Sealing is `seal.py`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import segno
from cssselect2 import ElementWrapper
from jinja2 import FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from intake.config import PACKAGE, TEMPLATES
from intake.errors import Invalid
from intake.i18n import numbers_apart
from intake.records import pdf_fixes
from intake.records.faces import Faces, Ink
from intake.records.rules import INK_HEIGHT, INK_WIDTH, Snapshot, digest, direction_of, printable
from intake.records.tongue import Tongue, Translate

FONTS = PACKAGE / "static" / "dist" / "fonts" / "pdf"
EVIDENCE = "evidence.json"
STACKS = (
    'html{font-family:"Intake Text","Intake Devanagari","Intake Arabic","Intake Heading",%s}'
    'h1,h2,h3,.typed{font-family:"Intake Heading","Intake Text","Intake Devanagari","Intake Arabic",%s}'
)
PDF = {"pdf_variant": "pdf/a-3u", "pdf_tags": True, "output_intent": pdf_fixes.OUTPUT_INTENT}


class ClosedFetcher(URLFetcher):
    """Answers with the bytes it was given, and ends the rendering at the first other address."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._files = files or {}
        self.has_refused = False

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Return a packaged file. Raises FatalURLFetchingError, which most of WeasyPrint does not swallow."""
        if url not in self._files:
            self.has_refused = True
            raise FatalURLFetchingError("a record may not fetch anything")
        return URLFetcherResponse(url, self._files[url], {"Content-Type": "font/ttf"})


class _Parsed(HTML):
    """A page of ours, which is well-formed: read by XML's rules in a thirtieth of the time that HTML's take."""

    def __init__(self, page: str, url_fetcher: URLFetcher) -> None:
        self.base_url, self.url_fetcher, self.media_type = None, url_fetcher, "print"
        root = ElementTree.fromstring(page)  # noqa: S314 - our own template's, without entities, every value escaped
        self.wrapper_element = ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element


class Qr(NamedTuple):
    """A QR code as one path of row strokes in a square of `size` units."""

    size: int
    path: str


def render(
    snapshot: Snapshot,
    evidence: bytes,
    translate: Translate = str,
    *,
    fonts: Path = FONTS,
    templates: Path = TEMPLATES,
) -> bytes:
    """The record as a PDF/A-3u and PDF/UA-1 file with `evidence` embedded as evidence.json and an empty field for the
    seal, and one for the doctor where the outcome is countersigned.

    `translate` gives the printed labels in the snapshot's language from their English. The first call of a process
    reads typefaces and style sheet. Raises Invalid when `evidence` is not what the snapshot names, when something
    could not be drawn, or when a fetch was tried. One thread of a process at a time: the typefaces are shared.
    """
    if digest(evidence) != snapshot.evidence_sha256:
        raise Invalid("records.other_evidence", number=snapshot.number)
    return _renderer(templates, fonts).render(snapshot, evidence, translate)


@cache
def _renderer(templates: Path, fonts: Path) -> "Renderer":
    return Renderer(templates, fonts)


class Renderer:
    """Typefaces, parsed style sheet and template of one process."""

    def __init__(self, templates: Path, fonts: Path) -> None:
        self._faces = Faces(fonts)
        self._fonts = FontConfiguration()
        self._colors = pdf_fixes.srgb()
        packaged = ClosedFetcher({f"intake-font:{name}": data for name, data in self._faces.files.items()})
        style = (templates / "records" / "record.css").read_text("utf-8")
        self._style = CSS(string=style, font_config=self._fonts, url_fetcher=packaged)
        self._jinja = ImmutableSandboxedEnvironment(
            autoescape=True,
            undefined=StrictUndefined,
            loader=FileSystemLoader(templates),
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_printable,
        )
        self._jinja.filters |= {"direction": direction_of, "shorten": _shorten, "groups": _groups, "w3c": _w3c}

    def render(self, snapshot: Snapshot, evidence: bytes, translate: Translate) -> bytes:
        """See `render` of this module."""
        ink = Ink(self._faces)
        page = self._page(snapshot, translate, ink)
        more = ",".join(f'"{family}"' for family in sorted(ink.families))
        styles = [self._style, CSS(string=STACKS % (more, more))] if more else [self._style]
        attachment = Attachment(
            string=evidence,
            name=EVIDENCE,
            description="What was asked, answered and signed, as canonical JSON (RFC 8785)",
            relationship="Source",
            created=snapshot.sealed_at.astimezone(UTC),
            modified=snapshot.sealed_at.astimezone(UTC),
        )
        doctor = snapshot.countersignature.name if snapshot.countersignature else ""
        about = pdf_fixes.About(snapshot.number, snapshot.evidence_sha256, snapshot.clinic.name, doctor)
        return self._write(page, styles, attachment, about)

    def _write(self, page: str, styles: list[CSS], attachment: Attachment, about: pdf_fixes.About) -> bytes:
        closed, number = ClosedFetcher(), about.number
        with pdf_fixes.complaints() as complaints:
            try:
                html: HTML = _Parsed(page, closed)
                colors = dict(self._colors)
                document = html.render(font_config=self._fonts, stylesheets=styles, color_profiles=colors, **PDF)
                pdf_fixes.prepare(document)
                data = document.write_pdf(
                    finisher=partial(pdf_fixes.finish, about=about), attachments=[attachment], **PDF
                )
            except FatalURLFetchingError as error:
                raise Invalid("records.fetch_refused", number=number) from error
        if closed.has_refused:  # a picture inside a drawing is given up without an exception
            raise Invalid("records.fetch_refused", number=number)
        if complaints:
            raise Invalid("records.not_whole", number=number, complaints=len(complaints))
        return bytes(data)

    def _page(self, snapshot: Snapshot, translate: Translate, ink: Ink) -> str:
        words = Tongue(snapshot.language, translate).words
        template = self._jinja.get_template("records/record.html")
        size = {"ink_width": INK_WIDTH, "ink_height": INK_HEIGHT}
        return template.render(r=snapshot, _=words, ink=ink, qr=qr_code(snapshot.verify_url), **size)


def qr_code(text: str) -> Qr:
    """The QR code of a text, its dark modules joined into horizontal strokes. Raises Invalid when it is too long."""
    try:
        matrix = segno.make(text, micro=False, error="m").matrix
    except segno.DataOverflowError as error:
        raise Invalid("records.address_too_long") from error
    path = []
    for row, modules in enumerate(matrix):
        line = bytes(modules)
        start = line.find(1)
        while start >= 0:
            end = line.find(0, start)
            end = len(line) if end < 0 else end
            path.append(f"M{start} {row}.5h{end - start}")
            start = line.find(1, end)
    return Qr(len(matrix), "".join(path))


@pass_context
def _printable(context: Context, value: object) -> object:
    """What happens to each value before it is escaped. Markup comes from our own macros, whose parts passed already."""
    if isinstance(value, Markup):
        return value
    text, ink = str(value), context["ink"]
    return numbers_apart(text if ink.faces.has_whole(text) else printable(text, ink.has_glyph))


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _groups(text: str) -> str:
    """Hex in groups of four, to be read aloud and compared."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _w3c(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
