"""What WeasyPrint 70 leaves undone for an archived, tagged, sealed file: one function for each defect, with its reason.

Each works on objects that WeasyPrint hands out (pages before painting, the PDF before writing); no class is patched.
A test fails when WeasyPrint mends one of them, so that its function can go.
"""

import logging
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

import pydyf
from weasyprint import Document
from weasyprint.css import ColorProfile
from weasyprint.formatting_structure.boxes import MarginBox
from weasyprint.logger import LOGGER

SEAL_FIELD, DOCTOR_FIELD = "Seal", "Doctor"
# All fields are locked, and the document with them: no change is allowed after it (ISO 32000-2, table 236).
LOCK = {"Type": "/SigFieldLock", "Action": "/All", "P": 1}
OUTPUT_INTENT = "intake-srgb"
# Scripts whose letters reorder or join into one glyph, so that glyphs alone do not give the letters back.
RESHAPED = (
    "DEVANAGARI",
    "BENGALI",
    "GURMUKHI",
    "GUJARATI",
    "ORIYA",
    "TAMIL",
    "TELUGU",
    "KANNADA",
    "MALAYALAM",
    "SINHALA",
)


@dataclass(frozen=True)
class About:
    """What a file says of itself beside its words: number, digest of the evidence inside, and who is to sign it."""

    number: str
    evidence_sha256: str
    clinic: str
    doctor: str = ""


@contextmanager
def complaints() -> Iterator[list[str]]:
    """Collect what WeasyPrint only logs as an error: a drawing that fails is left out without another word."""
    found: list[str] = []
    listener = logging.Handler(logging.ERROR)
    listener.emit = lambda record: found.append(str(record.msg))  # type: ignore[method-assign]
    LOGGER.addHandler(listener)
    try:
        yield found
    finally:
        LOGGER.removeHandler(listener)


def srgb() -> dict[str, ColorProfile]:
    """The colours' meaning, read once: WeasyPrint reads the same file for each document and leaves it open."""
    data = (files("weasyprint.pdf") / "sRGB2014.icc").read_bytes()
    return {OUTPUT_INTENT: _KeptProfile(data)}


class _KeptProfile(ColorProfile):
    """Goes into the file byte for byte: once asked its name, a profile was written anew from its parts, and otherwise
    than the first time, so that a process's second record differed from its first."""

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data), "sRGB2014.icc", "relative-colorimetric", (["r"], ["g"], ["b"]))  # type: ignore[no-untyped-call]
        self._data = data

    @property
    def content(self) -> bytes:
        return self._data


def prepare(document: Document) -> None:
    """Have each page painted with the text fixes; call between layout and writing."""
    for page in document.pages:
        page.paint = partial(_paint, page)


def finish(document: Document, pdf: pydyf.PDF, about: About) -> None:
    """WeasyPrint's `finisher`, told about the record: mend the finished PDF just before it is written."""
    give_headers_a_scope(pdf)
    map_every_glyph(pdf)
    name_files_once(pdf)
    write_metadata(pdf, document.metadata, about)
    prepare_field(pdf, SEAL_FIELD, f"Seal of {about.clinic}")
    if about.doctor:
        prepare_field(pdf, DOCTOR_FIELD, f"Signature of {about.doctor}")["Lock"] = pydyf.Dictionary(LOCK)
    spell_once(pdf)


LEVEL = 5  # of zlib: a third of the time that its highest takes, for files 3 % larger


def spell_once(pdf: pydyf.PDF) -> None:
    """Spell and compress each object now: the writer does it when writing and once more for the file's /ID."""
    pdf.objects[:] = [_Spelt(item) if item.free == "n" else item for item in pdf.objects]
    pdf.__class__ = _Spelling


class _Spelt(pydyf.Object):
    """A finished object of a PDF, as its bytes."""

    data = b""
    compressible = False

    def __init__(self, item: pydyf.Object) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.number, self.generation, self.compressible = item.number, item.generation, item.compressible
        self.data = _stream(item) if isinstance(item, pydyf.Stream) else item.data


class _SpeltStream(pydyf.Stream):
    """A stream that was finished where it stands, since the writer holds it."""

    data = b""


class _Spelling(pydyf.PDF):
    """A PDF whose last objects, the stream of the others and the table of their places, are spelt once too."""

    def add_object(self, item: pydyf.Object) -> None:
        """`PDF.add_object`, of a finished object."""
        super().add_object(item)  # type: ignore[no-untyped-call]
        if isinstance(item, pydyf.Stream):
            vars(item)["data"] = _stream(item)
            item.__class__ = _SpeltStream


def _stream(item: pydyf.Stream) -> bytes:
    """`Stream.data`, compressed at our level."""
    if not item.compress:
        return bytes(item.data)
    data = zlib.compress(b"\n".join(pydyf._to_bytes(part) for part in item.stream), LEVEL)
    facts = pydyf.Dictionary({**item.extra, "Filter": "/FlateDecode", "Length": len(data)})
    return b"\n".join((facts.data, b"stream", data, b"endstream"))


def _paint(page: Any, stream: Any, scale: float) -> None:
    margins = [child for child in page._page_box.children if isinstance(child, MarginBox)]
    hidden = {id(box) for margin in margins for box in margin.descendants()}
    stream.marked = partial(_marked, stream, hidden)
    type(page).paint(page, stream, scale)
    page._page_box.children = [child for child in page._page_box.children if child not in margins]


@contextmanager
def _marked(stream: Any, hidden: set[int], box: Any, tag: str) -> Iterator[None]:
    """Begin marked content with two defects mended.

    1. Running heads and feet were tagged as content under elements that no reader reaches; they are artifacts
       (ISO 14289-1, 7.8). Their boxes leave the page afterwards, so that no tag is made for them.
    2. Letters of Devanagari and its kin could not be found again: a glyph keeps the letters of the first cluster it was
       seen in. /ActualText says what each line reads (ISO 32000-1, 14.9.4). Not for right-to-left lines, which common
       readers then reverse.
    """
    if id(box) in hidden:
        stream.begin_marked_content("Artifact", pydyf.Dictionary({"Type": "/Pagination"}))
    else:
        properties = pydyf.Dictionary({"MCID": len(stream._tags)})
        stream._tags[box] = {"tag": tag, "mcid": properties["MCID"]}
        if is_reshaped(text := getattr(box, "text", "")):
            properties["ActualText"] = pydyf.String(text)
        stream.begin_marked_content(tag, properties)
    try:
        yield
    finally:
        stream.end_marked_content()


def is_reshaped(text: str) -> bool:
    """Whether a line needs its letters said beside its glyphs, and reads from left to right throughout."""
    if text.isascii():
        return False
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text):
        return False
    return any(unicodedata.name(letter, "").startswith(RESHAPED) for letter in text)


def _get(pdf: pydyf.PDF, reference: bytes) -> Any:
    return pdf.objects[int(reference.split()[0])]


def _elements(pdf: pydyf.PDF) -> Iterator[Any]:
    for item in pdf.objects:
        if isinstance(item, pydyf.Dictionary) and item.get("Type") == "/StructElem":
            yield item


def give_headers_a_scope(pdf: pydyf.PDF) -> None:
    """Say which way a header cell looks: HTML's `scope` did not become /Scope (ISO 14289-1, 7.5)."""
    for element in _elements(pdf):
        if element["S"] == "/TH":
            rows = _get(pdf, _get(pdf, element["P"])["P"])
            element["A"]["Scope"] = "/Column" if rows["S"] == "/THead" else "/Row"


def map_every_glyph(pdf: pydyf.PDF) -> None:
    """Give the later glyphs of a cluster a meaning: they were mapped to nothing, which level U forbids.

    ISO 19005-3, 6.2.11.7.2. The first glyph has the letters, so the others mean "joined to it" (U+2060 WORD JOINER).
    """
    for item in pdf.objects:
        if isinstance(item, pydyf.Stream) and item.stream[:1] == [b"/CIDInit /ProcSet findresource begin"]:
            item.stream[:] = [line.replace(b" <>", b" <2060>") if type(line) is bytes else line for line in item.stream]


def name_files_once(pdf: pydyf.PDF) -> None:
    """List each embedded file once: WeasyPrint names every associated file twice (ISO 19005-3, 6.8)."""
    pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))


def prepare_field(pdf: pydyf.PDF, name: str, description: str) -> pydyf.Dictionary:
    """Put in a field that a signature will fill, invisible, described, and part of the tags (ISO 14289-1, 7.18.4).

    A field made while signing would stand outside the tags and have no description. Gives the field.
    """
    page_reference = pdf.page_references[-1]
    # 132: printed and locked. A field without extent needs no appearance (ISO 19005-3, 6.3.3).
    field = pydyf.Dictionary(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": pydyf.String(name),
            "TU": pydyf.String(description),
            "Rect": pydyf.Array([0, 0, 0, 0]),
            "F": 132,
            "P": page_reference,
        }
    )
    pdf.add_object(field)
    _get(pdf, page_reference).setdefault("Annots", pydyf.Array()).append(field.reference)
    form = pdf.catalog.setdefault("AcroForm", pydyf.Dictionary({"Fields": pydyf.Array(), "SigFlags": 3}))
    form["Fields"].append(field.reference)
    field["StructParent"] = _tag(pdf, field, page_reference)
    return field


def _tag(pdf: pydyf.PDF, field: pydyf.Dictionary, page_reference: bytes) -> int:
    """Make a field part of the tags; gives its number in the parent tree."""
    root = _get(pdf, pdf.catalog["StructTreeRoot"])
    document = _get(pdf, root["K"][0])
    numbers = _get(pdf, root["ParentTree"])["Nums"]
    kid = pydyf.Dictionary({"Type": "/OBJR", "Obj": field.reference, "Pg": page_reference})
    pdf.add_object(kid)
    element = pydyf.Dictionary(
        {
            "Type": "/StructElem",
            "S": "/Form",
            "P": document.reference,
            "Pg": page_reference,
            "K": kid.reference,  # not a list: a checker of later changes looks for the field here
        }
    )
    pdf.add_object(element)
    document["K"].append(element.reference)
    number = int(max(numbers[::2])) + 1
    numbers.extend([number, element.reference])
    return number


def write_metadata(pdf: pydyf.PDF, metadata: Any, about: About) -> None:
    """Write the XMP packet anew: one file is PDF/A-3u and PDF/UA-1 at once, which WeasyPrint cannot say.

    The PDF/UA mark needs a description of its schema in PDF/A (ISO 19005-3, 6.6.2.3); its properties are elements, not
    attributes, because some archives' checkers do not read the short form. dc:identifier is the record's number and
    dc:source the evidence it was printed from, so that a program finds both.
    """
    packet = _get(pdf, pdf.catalog["Metadata"])
    packet.compress = False  # an archive finds it without opening the file's structure
    packet.stream[:] = [
        XMP.format(
            title=escape(metadata.title),
            author=escape(", ".join(metadata.authors)),
            language=escape(metadata.lang),
            number=escape(about.number),
            source=about.evidence_sha256,
            tool=escape(metadata.generator),
            created=metadata.created,
            producer=pdf.info["Producer"].string,
        ).encode()
    ]


XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:identifier>{number}</dc:identifier><dc:source>sha256:{source}</dc:source>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<xmp:CreatorTool>{tool}</xmp:CreatorTool>
<xmp:CreateDate>{created}</xmp:CreateDate><xmp:ModifyDate>{created}</xmp:ModifyDate></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdf:Producer>{producer}</pdf:Producer></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 to which the document conforms</pdfaProperty:description>
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
