"""Each defect of WeasyPrint that we mend: there without us, gone with us. A failing first half means ours can go."""

import re
import zlib
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from weasyprint import CSS, HTML, Attachment
from weasyprint.css import ColorProfile
from weasyprint.text.fonts import FontConfiguration

from intake.records import pdf_fixes
from intake.records.faces import Faces
from intake.records.render import FONTS, ClosedFetcher

SRGB = files("weasyprint.pdf") / "sRGB2014.icc"
PAGE = """<!doctype html><html lang="en"><head><title>A record</title><meta name="author" content="Clinic">
<meta name="generator" content="Intake"><meta name="dcterms.created" content="2026-11-23T13:02:05+05:30"></head><body>
<p>श्री क्षेत्र</p><p>عربي</p><table><thead><tr><th>Asked</th></tr></thead>
<tbody><tr><th scope="row">Name</th></tr></tbody></table></body></html>"""
STYLE = """@font-face{font-family:D;src:url(intake-font:devanagari-400.ttf)}
@font-face{font-family:A;src:url(intake-font:arabic-400.ttf)}
@page{@top-left{content:"Running head"}} body{font-family:D,A}"""


def a_pdf(mended: bool, *, is_compressed: bool = False) -> bytes:
    files = {f"intake-font:{name}": data for name, data in Faces(FONTS).files.items()}
    fonts = FontConfiguration()
    style = CSS(string=STYLE, font_config=fonts, url_fetcher=ClosedFetcher(files))
    options = {"pdf_variant": "pdf/a-3u", "pdf_tags": True, "output_intent": pdf_fixes.OUTPUT_INTENT}
    document = HTML(string=PAGE, url_fetcher=ClosedFetcher()).render(
        font_config=fonts, stylesheets=[style], color_profiles=pdf_fixes.srgb(), **options
    )
    if mended:
        pdf_fixes.prepare(document)
    about = pdf_fixes.About("KS-7KQ2-M9XF", "0" * 64, "Clinic", "Dr Rao")
    finisher = partial(pdf_fixes.finish, about=about) if mended else None
    note = Attachment(string=b"{}", name="evidence.json", relationship="Source")
    return bytes(
        document.write_pdf(finisher=finisher, attachments=[note], uncompressed_pdf=not is_compressed, **options)
    )


@pytest.fixture(scope="module")
def stock() -> bytes:
    return a_pdf(mended=False)


@pytest.fixture(scope="module")
def mended() -> bytes:
    return a_pdf(mended=True)


def root_of(pdf: bytes) -> Any:
    return PdfFileReader(BytesIO(pdf)).root


def elements(node: Any) -> Iterator[Any]:
    """Every structure element below one, as a reader that walks the tree reaches them."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        found = kid.get_object() if hasattr(kid, "get_object") else kid
        if hasattr(found, "get"):
            yield found
            yield from elements(found)


def test_letters_of_devanagari_are_said_beside_their_glyphs(stock: bytes, mended: bytes) -> None:
    assert b"/ActualText" not in stock
    said = re.findall(rb"/ActualText <([0-9a-f]+)>", mended)
    assert [bytes.fromhex(text.decode()).decode("utf-16") for text in said] == ["श्री क्षेत्र"]


def test_running_heads_are_artifacts_and_have_no_tag(stock: bytes, mended: bytes) -> None:
    assert b"/Pagination" not in stock and b"/Artifact\n<</Type /Pagination>>" in mended
    for pdf, orphans in ((stock, True), (mended, False)):
        tree = root_of(pdf)["/StructTreeRoot"]
        reached = {id(element.container_ref and element) for element in elements(tree)}
        named = {kid.get_object().container_ref.idnum for kid in tree["/ParentTree"]["/Nums"][1]}
        walked = {element.container_ref.idnum for element in elements(tree) if element.container_ref}
        assert reached and bool(named - walked) is orphans


def test_header_cells_say_which_way_they_look(stock: bytes, mended: bytes) -> None:
    assert b"/Scope" not in stock
    assert sorted(re.findall(rb"/Scope (/\w+)", mended)) == [b"/Column", b"/Row"]


def test_every_glyph_has_a_meaning(stock: bytes, mended: bytes) -> None:
    assert re.search(rb"<[0-9a-f]{4}> <>", stock)
    assert not re.search(rb"<[0-9a-f]{4}> <>", mended)


def test_the_evidence_is_named_once(stock: bytes, mended: bytes) -> None:
    assert len(root_of(stock)["/AF"]) == 2
    assert len(root_of(mended)["/AF"]) == 1


def test_the_file_says_that_it_is_pdf_a_and_pdf_ua_at_once(stock: bytes, mended: bytes) -> None:
    assert b"pdfuaid" not in stock
    packet = mended[mended.index(b"<?xpacket begin") : mended.index(b'<?xpacket end="r"?>')]
    for part in (b"<pdfaid:part>3", b"<pdfaid:conformance>U", b"<pdfuaid:part>1", b"<pdfaProperty:name>part"):
        assert part in packet
    assert b"2026-11-23T13:02:05+05:30" in packet


@pytest.mark.parametrize(
    ("order", "name", "description"), [(0, "Seal", "Seal of Clinic"), (1, "Doctor", "Signature of Dr Rao")]
)
def test_the_field_for_each_signature_is_described_tagged_and_has_no_extent(
    stock: bytes, mended: bytes, order: int, name: str, description: str
) -> None:
    assert b"/AcroForm" not in stock
    root = root_of(mended)
    assert len(root["/AcroForm"]["/Fields"]) == 2
    field = root["/AcroForm"]["/Fields"][order]
    assert (field["/T"], field["/TU"], list(field["/Rect"])) == (name, description, [0, 0, 0, 0])
    numbers = list(root["/StructTreeRoot"]["/ParentTree"]["/Nums"])
    owner = numbers[numbers.index(field["/StructParent"]) + 1].get_object()
    assert owner["/S"] == "/Form" and owner["/K"]["/Obj"] == field
    assert [element.get("/S") for element in elements(root["/StructTreeRoot"])].count("/Form") == 2


def test_the_doctors_field_locks_the_whole_document(mended: bytes) -> None:
    seal, doctor = (field.get_object() for field in root_of(mended)["/AcroForm"]["/Fields"])
    assert "/Lock" not in seal
    assert dict(doctor["/Lock"]) == {"/Type": "/SigFieldLock", "/Action": "/All", "/P": 1}


def test_the_metadata_name_the_record_and_its_evidence(mended: bytes) -> None:
    packet = mended[mended.index(b"<?xpacket begin") : mended.index(b'<?xpacket end="r"?>')]
    assert b"<dc:identifier>KS-7KQ2-M9XF</dc:identifier>" in packet
    assert b"<dc:source>sha256:" + b"0" * 64 + b"</dc:source>" in packet


def test_a_right_to_left_line_is_left_to_the_reader() -> None:
    assert pdf_fixes.is_reshaped("श्री 14")
    assert pdf_fixes.is_reshaped("বাংলা")
    assert not pdf_fixes.is_reshaped("Zoë 14")
    assert not pdf_fixes.is_reshaped("श्री عربي")


def test_the_colours_are_the_same_bytes_in_every_record() -> None:
    stock = ColorProfile(BytesIO(SRGB.read_bytes()), "x", "perceptual", (["r"], ["g"], ["b"]))
    assert stock.content == SRGB.read_bytes()
    assert stock.name and stock.content != SRGB.read_bytes()
    kept = pdf_fixes.srgb()[pdf_fixes.OUTPUT_INTENT]
    assert kept.name and kept.content == kept.content == SRGB.read_bytes()


def test_nothing_of_a_file_is_compressed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[bytes] = []
    press, presser = zlib.compress, zlib.compressobj

    def noted(data: bytes, *how: int) -> bytes:
        packed.append(press(data, *how))
        return packed[-1]

    class Noting:
        def __init__(self, **how: Any) -> None:
            self._press = presser(**how)

        def compress(self, data: bytes) -> bytes:
            packed.append(data)
            return self._press.compress(data)

        def flush(self) -> bytes:
            return self._press.flush()

    monkeypatch.setattr(zlib, "compress", noted)
    monkeypatch.setattr(zlib, "compressobj", Noting)
    a_pdf(mended=False, is_compressed=True)
    assert len(packed) > len(set(packed)) > 1
    packed.clear()
    a_pdf(mended=True, is_compressed=True)
    assert len(packed) == len(set(packed)) > 1
