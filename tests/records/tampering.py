"""What can be done to a sealed record by somebody who wants it to say something else: one builder for each way.

Each takes the same material and gives a changed file; which reason it must be refused with is `test_tampered.py`.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from tempfile import NamedTemporaryFile
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field

from intake import clock
from intake.records.doctor_keys import Key
from intake.records.seal import PadesSealer, _LoadedSigner, _signed
from intake.records.signed_bytes import P256_ORDER, Place, places
from tests.records import sealing


@dataclass(frozen=True)
class Material:
    """A record in its three states, the keys it was made with, and a stranger who calls himself by the same names."""

    rendering: bytes
    sealed: bytes
    signed: bytes
    evidence: bytes
    make: Callable[[bytes, str], bytes]  # evidence and number to a rendering in the same language
    sealer: PadesSealer
    key: Key
    stranger: PadesSealer
    strangers_key: Key
    other: bytes  # another record of the clinic, with both signatures


Tamper = Callable[[Material], bytes]


def put(pdf: bytes, at: int, new: bytes) -> bytes:
    """The file with these bytes in place of as many others."""
    assert 0 < at and pdf[at : at + len(new)] != new
    return pdf[:at] + new + pdf[at + len(new) :]


def flipped(pdf: bytes, at: int, bit: int = 1) -> bytes:
    """The file with one bit turned over."""
    return put(pdf, at, bytes([pdf[at] ^ bit]))


def offset(pdf: bytes, find: Callable[[PdfFileReader], Any]) -> int:
    """Where the bytes of an object's stream begin."""
    reader = PdfFileReader(BytesIO(pdf))
    place = reader.xrefs[find(reader)]
    assert isinstance(place, int)
    return pdf.index(b"stream\n", place) + len(b"stream\n")


def contents_of(reader: PdfFileReader) -> generic.Reference:
    """The drawing of the first page."""
    raw = page_of(reader).raw_get("/Contents")
    return raw.raw_get(0).reference if isinstance(raw, list) else raw.reference


def page_of(reader: Any) -> generic.DictionaryObject:
    """The first page."""
    node = reader.root["/Pages"]
    while "/Kids" in node:
        node = node["/Kids"][0]
    return node


def font_of(reader: PdfFileReader) -> generic.Reference:
    """The file of one typeface of the first page."""
    fonts = page_of(reader)["/Resources"]["/Font"]
    first = fonts[next(iter(fonts))]
    return first["/DescendantFonts"][0]["/FontDescriptor"].raw_get("/FontFile2").reference


def evidence_of(reader: PdfFileReader) -> generic.Reference:
    """The stream of the embedded evidence."""
    return reader.root["/AF"][0]["/EF"].raw_get("/F").reference


def first_table(pdf: bytes) -> int:
    """Where the bytes of the rendering's cross-reference stream begin."""
    return pdf.index(b"stream\n", pdf.index(b"/Type /XRef")) + len(b"stream\n")


def in_message(pdf: bytes, order: int, share: float) -> bytes:
    """The file with one hex digit of a signature's message changed, this far into it."""
    place = places(pdf)[order]
    length = len(place.gap[1:-1].rstrip(b"0"))
    at = place.start + 1 + int(length * share)
    return put(pdf, at, b"4" if pdf[at : at + 1] != b"4" else b"5")


def in_padding(pdf: bytes, order: int) -> bytes:
    """The file with one of the zeros behind a signature's message changed."""
    return put(pdf, places(pdf)[order].end - 2, b"1")


def in_range(pdf: bytes, order: int, number: int, change: int) -> bytes:
    """The file with one number of a signature's /ByteRange changed."""
    found = list(re.finditer(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", pdf))[order]
    was = found[number + 1]
    return put(pdf, found.start(number + 1), str(int(was) + change).encode())


def with_messages(pdf: bytes, messages: dict[int, bytes]) -> bytes:
    """The file with other messages in its signatures' places."""
    for order, message in messages.items():
        place = places(pdf)[order]
        pdf = pdf[: place.start] + b"<" + message.ljust(len(place.gap) - 2, b"0") + b">" + pdf[place.end :]
    return pdf


def message_of(place: Place) -> bytes:
    """A signature's message in hex, as it stands there."""
    return place.gap[1:-1].rstrip(b"0")


def with_the_other_s(pdf: bytes, order: int) -> bytes:
    """The same signature in the other form that verifies as well (r, -s)."""
    padded = bytearray(bytes.fromhex(places(pdf)[order].gap[1:-1].decode()))
    size = int.from_bytes(padded[2:4], "big") + 4
    message = bytes(padded[:size])
    start = max(
        at for at in range(size - 80, size) if message[at : at + 1] == b"\x30" and message[at + 1] == size - at - 2
    )
    r, s = decode_dss_signature(message[start:])
    changed = message[:start] + encode_dss_signature(r, P256_ORDER - s)
    grown = len(changed) - len(message)
    # The lengths of everything around it grow with the signature.
    for at, width in _around(message, start):
        value = int.from_bytes(changed[at : at + width], "big") + grown
        changed = changed[:at] + value.to_bytes(width, "big") + changed[at + width :]
    return with_messages(pdf, {order: changed.hex().upper().encode()})


def _around(message: bytes, target: int) -> list[tuple[int, int]]:
    """Where the lengths stand of the DER values that lie around a place: (offset, bytes)."""
    found, at, end = [], 0, len(message)
    while at < end and at < target:
        first = message[at + 1]
        width = first & 0x7F if first & 0x80 else 0
        size = int.from_bytes(message[at + 2 : at + 2 + width], "big") if width else first
        begin = at + 2 + width
        if begin <= target < begin + size:
            found.append((at + 2, width) if width else (at + 1, 1))
            at = begin
        else:
            at = begin + size
    return found


# ---- By an incremental update ----


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The file with an update behind it, as a PDF editor writes one."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    change(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def stream(writer: IncrementalPdfFileWriter, data: bytes, **entries: Any) -> generic.IndirectObject:
    """A new stream in the update."""
    named = {pdf_name(f"/{name}"): value for name, value in entries.items()}
    return writer.add_object(generic.StreamObject(named, stream_data=data))


def _draw(writer: IncrementalPdfFileWriter, data: bytes, keep: bool = True) -> None:
    page = page_of(writer)
    was = page.raw_get("/Contents")
    kept = (list(was) if isinstance(was, generic.ArrayObject) else [was]) if keep else []
    page[pdf_name("/Contents")] = generic.ArrayObject([*kept, stream(writer, data)])
    writer.update_container(page)


def overlay(writer: IncrementalPdfFileWriter) -> None:
    """Words drawn over the page."""
    _draw(writer, b"q 1 1 1 rg 60 600 300 40 re f Q")


def hide(writer: IncrementalPdfFileWriter) -> None:
    """What was on the page is not shown any more (shadow attack, hide)."""
    _draw(writer, b"", keep=False)


def replace(writer: IncrementalPdfFileWriter) -> None:
    """Another typeface under the same name, so that the same codes show other letters (shadow attack, replace)."""
    fonts = page_of(writer)["/Resources"]["/Font"]
    plain = {"/Type": pdf_name("/Font"), "/Subtype": pdf_name("/Type1"), "/BaseFont": pdf_name("/Helvetica")}
    reference = fonts.raw_get(next(iter(fonts))).reference
    writer.objects[(reference.generation, reference.idnum)] = generic.DictionaryObject(
        {pdf_name(name): value for name, value in plain.items()}
    )


def hide_and_replace(writer: IncrementalPdfFileWriter) -> None:
    """Other pages in the tree, the old ones left in the file (shadow attack, hide and replace)."""
    page = writer.add_object(_a_page(writer))
    pages = writer.root["/Pages"]
    pages[pdf_name("/Kids")] = generic.ArrayObject([page])
    pages[pdf_name("/Count")] = generic.NumberObject(1)
    writer.update_container(pages)


def _a_page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    return generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Page"),
            pdf_name("/Parent"): writer.root.raw_get("/Pages"),
            pdf_name("/MediaBox"): generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 595, 842)),
            pdf_name("/Contents"): stream(writer, b"0 0 100 100 re f"),
        }
    )


def add_page(writer: IncrementalPdfFileWriter) -> None:
    """One page more."""
    pages = writer.root["/Pages"]
    pages["/Kids"].append(writer.add_object(_a_page(writer)))
    pages[pdf_name("/Count")] = generic.NumberObject(int(pages["/Count"]) + 1)
    writer.update_container(pages)


def add_note(writer: IncrementalPdfFileWriter) -> None:
    """A FreeText annotation on the first page."""
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (60, 600, 400, 640)),
            pdf_name("/Contents"): pdf_string("No allergies"),
            pdf_name("/DA"): pdf_string("/Helv 12 Tf 0 g"),
        }
    )
    page = page_of(writer)
    kept = list(page["/Annots"]) if "/Annots" in page else []
    page[pdf_name("/Annots")] = generic.ArrayObject([*kept, writer.add_object(note)])
    writer.update_container(page)


def add_script(writer: IncrementalPdfFileWriter) -> None:
    """JavaScript that runs when the file is opened."""
    action = {"/S": pdf_name("/JavaScript"), "/JS": pdf_string("app.alert('x')")}
    writer.root[pdf_name("/OpenAction")] = generic.DictionaryObject({pdf_name(k): v for k, v in action.items()})
    writer.update_root()


def change_metadata(writer: IncrementalPdfFileWriter) -> None:
    """Another number in the metadata."""
    old = bytes(writer.root["/Metadata"].data)
    new = re.sub(rb"KS-\w{4}-\w{4}", b"KS-0000-0000", old)
    kind = {"Type": pdf_name("/Metadata"), "Subtype": pdf_name("/XML")}
    writer.root[pdf_name("/Metadata")] = stream(writer, new, **kind)
    writer.update_root()


def fields_of(writer: Any) -> dict[str, generic.DictionaryObject]:
    """The fields by name."""
    return {str(one["/T"]): one for one in (ref.get_object() for ref in writer.root["/AcroForm"]["/Fields"])}


def change_field(writer: IncrementalPdfFileWriter) -> None:
    """Another description of the doctor's field."""
    field = fields_of(writer)["Doctor"]
    field[pdf_name("/TU")] = pdf_string("Signature of somebody else")
    writer.update_container(field)


def empty_doctors_field(writer: IncrementalPdfFileWriter) -> None:
    """The doctor's field without its signature."""
    field = fields_of(writer)["Doctor"]
    del field["/V"]
    writer.update_container(field)


def exchange_signatures(writer: IncrementalPdfFileWriter) -> None:
    """Each of the two fields with the other's signature."""
    seal, doctor = fields_of(writer)["Seal"], fields_of(writer)["Doctor"]
    seal[pdf_name("/V")], doctor[pdf_name("/V")] = doctor.raw_get("/V"), seal.raw_get("/V")
    writer.update_container(seal)
    writer.update_container(doctor)


def swap_evidence(writer: IncrementalPdfFileWriter) -> None:
    """Other bytes under the evidence's name."""
    reference = evidence_of(writer)  # type: ignore[arg-type]
    writer.objects[(reference.generation, reference.idnum)] = generic.StreamObject(stream_data=b'{"format":1}')


def remove_evidence(writer: IncrementalPdfFileWriter) -> None:
    """Nothing embedded any more."""
    del writer.root["/AF"]
    del writer.root["/Names"]
    writer.update_root()


# ---- With keys: a stranger's, or the clinic's own in wrong hands ----


def sign_again(pdf: bytes, key: Key, name: str = "Another") -> bytes:
    """One more signature, in a field of its own."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    append_signature_field(writer, SigFieldSpec(sig_field_name=name))
    details = PdfSignatureMetadata(field_name=name, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    out = BytesIO()
    writer.write(out)
    return _signed(out.getvalue(), details, _LoadedSigner(key.certificate, key.private), clock.now())


def sign_as(pdf: bytes, field: str, key: Key) -> bytes:
    """A signature in a prepared field, without asking whether it may be set there."""
    details = PdfSignatureMetadata(field_name=field, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    return _signed(pdf, details, _LoadedSigner(key.certificate, key.private), clock.now())


def by_the_stranger(material: Material, rendering: bytes) -> bytes:
    """A rendering sealed and signed by the stranger's own authority."""
    return sign_as(material.stranger.seal(rendering), "Doctor", material.strangers_key)


def claiming_the_root(material: Material) -> bytes:
    """A stranger in the doctor's place, with a certificate that names the clinic's root, which did not issue it."""
    true, private = material.key.certificate, ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(true.subject)
        .issuer_name(true.issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(true.not_valid_before_utc)
        .not_valid_after(true.not_valid_after_utc)
    )
    for kind in (x509.BasicConstraints, x509.KeyUsage, x509.AuthorityKeyIdentifier):
        one = true.extensions.get_extension_for_class(kind)
        forged = forged.add_extension(one.value, critical=one.critical)
    key = Key(forged.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()), private)
    return sign_as(material.sealed, "Doctor", key)


def sealed_after_its_end(material: Material) -> bytes:
    """Sealed with the clinic's key, a day after its certificate ended."""
    seal = material.sealer.keys
    details = PdfSignatureMetadata(
        field_name="Seal", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, certify=True
    )
    late = seal.seal.not_valid_after_utc + timedelta(days=1)
    return _signed(material.rendering, details, _LoadedSigner(seal.seal, seal.private), late)


def two_visits(material: Material) -> bytes:
    """A rendering whose evidence holds one visit's signature and another's countersignature, each truly signed."""
    mine = sealing.json_of(sealing.evidence_of(material.sealer))
    theirs = sealing.json_of(sealing.evidence_of(material.sealer, visit="w"))
    mine["statements"][1] = theirs["statements"][1]
    sealed = material.sealer.seal(material.make(sealing.canonical(mine), "KS-7KQ2-M9XF"))
    return sign_as(sealed, "Doctor", material.key)


def saved_by_another_program(pdf: bytes) -> bytes:
    """The file read and written anew by qpdf."""
    with NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        return subprocess.run(["qpdf", file.name, "-"], capture_output=True, check=True).stdout
