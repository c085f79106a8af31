"""The document time stamps of a record: where they begin, and whether each update is a time stamp with what a later
check needs and nothing else. Asking for one is `stamping.py`; what the whole file is worth, `verifying.py`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

from asn1crypto import cms, crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject, Reference
from pyhanko.pdf_utils.reader import PdfFileReader

from intake.errors import Invalid
from intake.records.certificates import is_issued_by
from intake.records.signed_bytes import Message, Place, places
from intake.records.trust import leads_to
from intake.time_stamps import Token, check

FIELD = "Timestamp-"
KIND = b"/Type /DocTimeStamp"
UPDATE = re.compile(rb"startxref\s+\d+")
OBJECT = re.compile(rb"\s*\d+ \d+ obj\b")
NAMES = {"/FT": b"/Sig", "/Type": b"/Annot", "/Subtype": b"/Widget", "/F": b"132", "/Rect": b"[ 0 0 0 0 ]"}
Signer = tuple[Message | None, datetime | None]  # a signature's message, and when it was stamped
VALUE = {"/Type": b"/DocTimeStamp", "/Filter": b"/Adobe.PPKLite", "/SubFilter": b"/ETSI.RFC3161"}


@dataclass(frozen=True)
class Stamps:
    """What was found behind a record's signatures. `problem` is empty, or the code of what is wrong: "cut", "changed"
    for an update that is no time stamp, "more" for bytes that are no update, or the code of a time stamp's fault."""

    tokens: tuple[Token, ...] = ()
    problem: str = ""


def base_of(pdf: bytes) -> int:
    """Where the time stamps begin: the end of the last signature before the first of them; the file's end without."""
    end = 0
    for place in places(pdf):
        if _is_stamp(pdf, place):
            return end or len(pdf)
        if not place.is_whole:
            return len(pdf)
        end = place.covered
    return len(pdf)


def count_stamps(pdf: bytes) -> int:
    """How many document time stamps there are, sound or not."""
    return sum(_is_stamp(pdf, place) for place in places(pdf))


def stamps_of(pdf: bytes, base: int, authorities: Sequence[Any]) -> Stamps:
    """The time stamps from `base` on, each checked against its bytes and against what else its update holds."""
    every = places(pdf)
    signed, found, end = sum(one.at < base for one in every), list[Token](), base
    for place in every[signed:]:
        if not _is_stamp(pdf, place):
            return Stamps(tuple(found), "changed")
        if not place.is_whole:
            return Stamps(tuple(found), "cut" if place.covered > len(pdf) else "time_stamp.broken")
        if not _is_alone(pdf[: place.covered], states=signed + len(found) + 2):
            return Stamps(tuple(found), "changed" if _says_so(place) else "time_stamp.other_digest")
        try:
            found.append(_token(place, authorities))
        except Invalid as error:
            return Stamps(tuple(found), error.code)
        end = place.covered
    rest = pdf[end:]
    if not rest:
        return Stamps(tuple(found))
    kind = "cut" if OBJECT.match(rest) and b"%%EOF" not in rest else "changed" if UPDATE.search(rest) else "more"
    return Stamps(tuple(found), kind)


def has_lists(pdf: bytes, signers: Sequence[Signer], roots: Sequence[x509.Certificate]) -> bool:
    """Whether the store of evidence has, for each signer and those above up to a root, a list of revoked certificates
    that its issuer signed, and that had not ended when the signature was stamped. Never raises."""
    try:
        store = PdfFileReader(BytesIO(pdf)).root["/DSS"]
        lists = [x509.load_der_x509_crl(one.get_object().data) for one in store["/CRLs"]]
        return bool(signers) and all(_is_covered(message, at, lists, roots) for message, at in signers)
    except Exception:  # a damaged file may fail anywhere in a parser; that is the finding
        return False


def _is_covered(
    message: Message | None,
    at: datetime | None,
    lists: Sequence[x509.CertificateRevocationList],
    roots: Sequence[x509.Certificate],
) -> bool:
    """Whether each certificate from a signer's up to its root has a list of its issuer's."""
    root = leads_to(roots, message.certificate, message.chain) if message else None
    if message is None or root is None:
        return False
    lists = [one for one in lists if at is None or (one.next_update_utc is not None and at <= one.next_update_utc)]
    issuers = [*message.chain, root]
    return all(
        any(is_issued_by(issuer, one) and any(is_list_of(issuer, each) for each in lists) for issuer in issuers)
        for one in (message.certificate, *message.chain)
    )


def is_list_of(issuer: x509.Certificate, one: x509.CertificateRevocationList) -> bool:
    """Whether the issuer signed the list."""
    key: Any = issuer.public_key()
    return one.issuer == issuer.subject and one.is_signature_valid(key)


def _says_so(place: Place) -> bool:
    """Whether what is wrong with an update was there when it was stamped: then it is the update's fault, not the
    stamp's."""
    try:
        _token(place, ())
    except Invalid:
        return False
    return True


def _is_stamp(pdf: bytes, place: Place) -> bool:
    """Whether a place's dictionary says that it is a document time stamp."""
    return KIND in pdf[place.at : pdf.find(b"endobj", place.at)]


def _token(place: Place, authorities: Sequence[Any]) -> Token:
    """The stamp in its place: of these very bytes, and nothing behind it but zeros. Raises Invalid as `check` does."""
    padded = bytes.fromhex(place.gap[1:-1].decode())
    try:
        der = cms.ContentInfo.load(padded).dump()
    except ValueError as error:
        raise Invalid("time_stamp.not_a_token") from error
    if der.ljust(len(padded), b"\0") != padded:
        raise Invalid("time_stamp.broken")
    digest = sha256(memoryview(place.pdf)[: place.start])
    digest.update(memoryview(place.pdf)[place.end : place.covered])
    return check(der, digest.digest(), authorities)


def _is_alone(pdf: bytes, *, states: int) -> bool:
    """Whether the newest of so many states adds a document time stamp and the store of its evidence (ISO 32000-2,
    12.8.4.3 and 12.8.5), and changes of what was there only what must name them: catalogue, first page."""
    try:
        return _adds_a_stamp(PdfFileReader(BytesIO(pdf)), states - 1)
    except Exception:  # a damaged file may fail anywhere in a parser; that is the finding
        return False


def _adds_a_stamp(reader: PdfFileReader, newest: int) -> bool:
    before = reader.get_historical_resolver(newest - 1)
    root, old = reader.root, before.root
    form, old_form = root["/AcroForm"], old["/AcroForm"]
    own, field = form["/Fields"].raw_get(-1), form["/Fields"][-1]
    page, value, store = field.raw_get("/P"), field.raw_get("/V"), root.raw_get("/DSS")
    streams = _streams(root["/DSS"], old["/DSS"] if "/DSS" in old else DictionaryObject())
    named = {one.reference for one in (own, page, value, *streams)} | {reader.root_ref}
    named |= {store.reference} if streams else set()  # what the store has already is not written again
    table = reader.xrefs.get_xref_container_info(newest).stream_ref
    refs = reader.xrefs.explicit_refs_in_revision(newest) - {table}
    is_fresh = {ref: reader.xrefs.get_introducing_revision(ref) == newest for ref in refs}
    may_be_old = {reader.root_ref, page.reference, store.reference}
    return (
        reader.xrefs.total_revisions == newest + 1
        and refs == named
        and all(is_fresh[ref] or ref in may_be_old for ref in refs)
        and _differ(root, old) <= {"/AcroForm", "/DSS"}
        and _differ(form, old_form) == {"/Fields"}
        and _grew(form["/Fields"], old_form["/Fields"], own)
        and _is_page(reader, before, page.reference, own)
        and _is_field(field, value)
        and all(_is_evidence(reader, one) for one in streams)
    )


def _streams(store: DictionaryObject, old: DictionaryObject) -> list[IndirectObject]:
    """What a store of evidence has that the one before had not. Raises ValueError where it is not only more of it."""
    if set(store) != {"/Certs", "/CRLs"}:
        raise ValueError("a store of certificates and lists alone")
    fresh: list[IndirectObject] = []
    for part in ("/Certs", "/CRLs"):
        was = [_spelled(one) for one in _raw(old[part] if part in old else ArrayObject())]
        now = _raw(store[part])
        if [_spelled(one) for one in now[: len(was)]] != was:
            raise ValueError("what was in the store stays in it")
        fresh += now[len(was) :]
    return fresh


def _raw(array: ArrayObject) -> list[Any]:
    return [array.raw_get(n) for n in range(len(array))]


def _grew(now: ArrayObject, was: ArrayObject, by: IndirectObject) -> bool:
    return [_spelled(one) for one in _raw(now)] == [*(_spelled(one) for one in _raw(was)), _spelled(by)]


def _is_page(reader: PdfFileReader, before: Any, page: Reference, field: IndirectObject) -> bool:
    """Whether the page is the first one, and changed by this annotation alone."""
    now, was = reader.get_object(page), before(page)
    first = reader.root["/Pages"]["/Kids"].raw_get(0)
    return (
        _spelled(first) == _spelled(IndirectObject(page.idnum, page.generation, reader))
        and _differ(now, was) == {"/Annots"}
        and _grew(now["/Annots"], was["/Annots"] if "/Annots" in was else ArrayObject(), field)
    )


def _is_field(field: DictionaryObject, value: IndirectObject) -> bool:
    said = field["/V"]
    return (
        set(field) == {*NAMES, "/T", "/TU", "/P", "/V"}
        and all(_spelled(field.raw_get(name)) == spelled for name, spelled in NAMES.items())
        and re.fullmatch(FIELD + r"\d+", str(field["/T"])) is not None
        and str(field["/TU"]) == "Timestamp"
        and set(said) == {*VALUE, "/Contents", "/ByteRange"}
        and all(_spelled(said.raw_get(name)) == spelled for name, spelled in VALUE.items())
    )


def _is_evidence(reader: PdfFileReader, one: IndirectObject) -> bool:
    """Whether a stream holds one certificate or one list in DER, and nothing beside."""
    stream = one.get_object()
    for kind in (asn1_x509.Certificate, crl.CertificateList):
        try:
            kind.load(stream.data, strict=True).native  # noqa: B018  # it is read lazily
        except (ValueError, TypeError):
            continue
        return set(stream) == {"/Length"}
    return False


def _differ(now: DictionaryObject, was: DictionaryObject) -> set[str]:
    """The names of what two dictionaries say differently."""
    return {
        name
        for name in {*now, *was}
        if name not in now or name not in was or _spelled(now.raw_get(name)) != _spelled(was.raw_get(name))
    }


def _spelled(one: PdfObject) -> bytes:
    stream = BytesIO()
    one.write_to_stream(stream)
    return stream.getvalue()
