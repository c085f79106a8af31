#!/usr/bin/env python3
"""Check an evidence bundle of one sealed record, with Python 3.9 or newer and nothing else: no package, no network.

    python3 verify.py BUNDLE.zip --root SHA256-OF-THE-CLINIC'S-ROOT-CERTIFICATE

BUNDLE is the zip or the folder it was unpacked to; nothing is unpacked and nothing is written. It prints what it found
in plain sentences and ends with 0 when everything holds, with 1 when anything does not. The root's fingerprint must
come from somewhere else than the bundle (the clinic's paper, a witness), and so may the log's key (--log-key).

Longer than 400 lines, because it holds all it needs: 1. DER  2. ECDSA and RSA  3. Ed25519  4. certificates  5. the
signatures of a PDF  6. the Merkle tree of the log  7. reading the bundle  8. the checks, in the order of the report.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, NamedTuple

LARGEST = 200 * 1024 * 1024  # bytes of all files together; a bundle has about one megabyte


class Wrong(Exception):
    """Something does not hold: a short code for programs, a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


# ---- 1. DER: the form in which certificates and signatures are written (ITU-T X.690) ----

INTEGER, BITS, OCTETS, OID, SEQUENCE, SET, UTC_TIME = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31, 0x17


class Node(NamedTuple):
    """One value: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def children(self) -> list[Node]:
        """The values inside."""
        found, rest = [], self.content
        while rest:
            node, rest = read_der(rest)
            found.append(node)
        return found

    def of(self, tag: int) -> Node:
        """This value, which must have that tag. Raises ValueError."""
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:#x} stands where {tag:#x} must")
        return self

    def number(self) -> int:
        """The whole number, in its shortest form. Raises ValueError."""
        raw = self.of(INTEGER).content
        if not raw or (len(raw) > 1 and (raw[0], raw[1] >> 7) in ((0, 0), (255, 1))):
            raise ValueError("a number is not in its shortest form")
        return int.from_bytes(raw, "big", signed=True)

    def oid(self) -> str:
        """The object identifier as numbers with dots. Raises ValueError."""
        numbers, value = [], 0
        for byte in self.of(OID).content:
            value = value << 7 | byte & 127
            if not byte & 128:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))

    def bits(self) -> bytes:
        """The bytes of a bit string that ends with a whole byte. Raises ValueError."""
        if self.of(BITS).content[:1] != b"\0":
            raise ValueError("a bit string that does not end with a byte")
        return self.content[1:]


def read_der(data: bytes) -> tuple[Node, bytes]:
    """The first value and what follows it. Raises ValueError where it is cut off, or its length not in its one form."""
    if len(data) < 2 or data[0] & 31 == 31:
        raise ValueError("not DER")
    length, start = data[1], 2
    if length & 128:
        start = 2 + (length & 127)
        encoded = data[2:start]
        length = int.from_bytes(encoded, "big")
        if not encoded or encoded[0] == 0 or length < 128:
            raise ValueError("a length is not in its shortest form")
    if len(data) < start + length:
        raise ValueError("cut off")
    end = start + length
    return Node(data[0], data[start:end], data[:end]), data[end:]


def one_der(data: bytes, tag: int) -> Node:
    """The one value of this tag that the bytes are. Raises ValueError."""
    node, rest = read_der(data)
    if rest:
        raise ValueError("something follows")
    return node.of(tag)


# ---- 2. Signatures of certificates and of the PDF: ECDSA on P-256 (FIPS 186-5, SEC 1) and RSA (RFC 8017) ----

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def ec_add(one: Any, other: Any) -> Any:
    """The sum of two points of P-256 (SEC 1, 2.2.1)."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def ec_times(scalar: int, point: Any) -> Any:
    """A multiple of a point."""
    total = None
    while scalar:
        if scalar & 1:
            total = ec_add(total, point)
        point, scalar = ec_add(point, point), scalar >> 1
    return total


def ecdsa_holds(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether this is an ECDSA signature with SHA-256 by the key of an uncompressed P-256 point (SEC 1, 4.1.4)."""
    x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    if len(public) != 65 or public[0] != 4 or x >= P or y >= P or (y * y - x * x * x - A * x - B) % P:
        return False
    try:
        r, s = (part.number() for part in one_der(signature, SEQUENCE).children())
    except ValueError:
        return False
    if not (0 < r < N and 0 < s < N):
        return False
    digest, inverse = int.from_bytes(sha256(data), "big"), pow(s, -1, N)
    point = ec_add(ec_times(digest * inverse % N, G), ec_times(r * inverse % N, (x, y)))
    return point is not None and point[0] % N == r


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of SHA-256 (RFC 8017, 9.2)


def rsa_message(modulus: int, exponent: int, signature: bytes) -> bytes | None:
    """The encoded message that an RSA signature holds (RFC 8017, 5.2.2); None where it is out of range."""
    size, value = (modulus.bit_length() + 7) // 8, int.from_bytes(signature, "big")
    if len(signature) != size or value >= modulus or modulus.bit_length() < 2048:
        return None
    return int(pow(value, exponent, modulus)).to_bytes(size, "big")


def rsa_pkcs1_holds(modulus: int, exponent: int, data: bytes, signature: bytes) -> bool:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2): the whole message is made anew and compared."""
    message = rsa_message(modulus, exponent, signature)
    tail = b"\0" + SHA256_INFO + sha256(data)
    return message is not None and message == b"\0\1" + b"\xff" * (len(message) - 2 - len(tail)) + tail


def rsa_pss_holds(modulus: int, exponent: int, data: bytes, signature: bytes) -> bool:
    """RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 bytes of salt (RFC 8017, 8.1.2 and 9.1.2)."""
    message, bits = rsa_message(modulus, exponent, signature), modulus.bit_length() - 1
    size = (bits + 7) // 8
    if message is None or message[-1] != 0xBC or int.from_bytes(message, "big") >> bits:
        return False
    message = message[-size:]
    masked, digest = message[: size - 33], message[size - 33 : -1]
    blocks = b"".join(sha256(digest + n.to_bytes(4, "big")) for n in range(size // 32 + 1))
    plain = bytes(x ^ blocks[n] for n, x in enumerate(masked))
    plain = bytes([plain[0] & (0xFF >> (8 * size - bits))]) + plain[1:]
    salt = plain[-32:]
    return plain[:-32] == bytes(len(plain) - 33) + b"\1" and sha256(bytes(8) + sha256(data) + salt) == digest


# ---- 3. Signatures of the log: Ed25519 (RFC 8032, 5.1) ----

Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q


def ed_point(encoded: bytes) -> Any:
    """The point of 32 bytes as (X, Y, Z, T), or None (RFC 8032, 5.1.3)."""
    y, sign = int.from_bytes(encoded, "little") & (2**255 - 1), encoded[31] >> 7
    if y >= Q:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if (x * x - square) % Q:
        x = x * pow(2, (Q - 1) // 4, Q) % Q
    if (x * x - square) % Q or (x == 0 and sign):
        return None
    x = Q - x if x & 1 != sign else x
    return x, y, 1, x * y % Q


def ed_add(one: Any, other: Any) -> Any:
    """The sum of two points (RFC 8032, 5.1.4)."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % Q, (one[1] + one[0]) * (other[1] + other[0]) % Q
    c, d = 2 * one[3] * other[3] * D % Q, 2 * one[2] * other[2] % Q
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % Q, g * h % Q, f * g % Q, e * h % Q


def ed_times(scalar: int, point: Any) -> Any:
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = ed_add(total, point)
        point, scalar = ed_add(point, point), scalar >> 1
    return total


def ed_encoded(point: Any) -> bytes:
    """A point as 32 bytes (RFC 8032, 5.1.2)."""
    inverse = int(pow(point[2], -1, Q))
    x, y = int(point[0]) * inverse % Q, int(point[1]) * inverse % Q
    return (y | (x & 1) << 255).to_bytes(32, "little")


ED_BASE = ed_point(bytes([0x58]) + b"\x66" * 31)


def ed25519_holds(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether this is an Ed25519 signature by this key (RFC 8032, 5.1.7, without the cofactor)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = ed_point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + data).digest(), "little") % L
    minus_key = (-key[0] % Q, key[1], key[2], -key[3] % Q)
    return ed_encoded(ed_add(ed_times(s, ED_BASE), ed_times(k, minus_key))) == signature[:32]


# ---- 4. Certificates (X.509, RFC 5280) ----

ECDSA_SHA256, RSA, RSA_SHA256, RSA_PSS = (
    "1.2.840.10045.4.3.2",
    "1.2.840.113549.1.1.1",
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.10",
)
EC_KEY, P256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"
COMMON_NAME, SERIAL_NUMBER, TITLE = "2.5.4.3", "2.5.4.5", "2.5.4.12"
BASIC_CONSTRAINTS = "2.5.29.19"


class Certificate:
    """A certificate, read from DER. Raises ValueError where it cannot be read."""

    def __init__(self, der: bytes) -> None:
        self.der = der
        signed, algorithm, signature = one_der(der, SEQUENCE).children()
        self.signed, self.algorithm, self.signature = signed.whole, algorithm, signature.bits()
        _version, serial, inner, issuer, validity, subject, key, *rest = signed.children()
        if inner.whole != algorithm.whole:
            raise ValueError("a certificate names two algorithms")
        self.issuer, self.subject, self.serial, self.key = issuer.whole, subject.whole, serial.whole, key
        self.begins, self.ends = (_time(node) for node in validity.children())
        self.extensions = {}
        for one in rest[-1].of(0xA3).children()[0].children() if rest else ():
            name, *_critical, value = one.children()
            self.extensions[name.oid()] = value.of(OCTETS).content
        self.names = {
            pair.children()[0].oid(): pair.children()[1].content.decode("utf-8")
            for part in subject.children()
            for pair in part.children()
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate in 64 hex characters."""
        return sha256(self.der).hex()

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.names.get(COMMON_NAME, "(no name)")

    @property
    def is_doctors(self) -> bool:
        """Whether it was issued to a doctor, and not for the clinic's seal."""
        return self.names.get(TITLE) == "Doctor"

    @property
    def is_authority(self) -> bool:
        """Whether it may issue certificates."""
        constraints = self.extensions.get(BASIC_CONSTRAINTS, b"\x30\x00")
        return any(node.whole == b"\x01\x01\xff" for node in one_der(constraints, SEQUENCE).children())

    def has_signed(self, data: bytes, algorithm: Node, signature: bytes) -> bool:
        """Whether its key signed these bytes. Raises ValueError for an algorithm that is not known here."""
        kind, public = self.key.children()
        named, how = [node.oid() for node in kind.children() if node.tag == OID], algorithm.children()[0].oid()
        if named == [EC_KEY, P256] and how == ECDSA_SHA256:
            return ecdsa_holds(public.bits(), data, signature)
        if named == [RSA] and how in (RSA, RSA_SHA256, RSA_PSS):
            modulus, exponent = (part.number() for part in one_der(public.bits(), SEQUENCE).children())
            holds = rsa_pss_holds if how == RSA_PSS else rsa_pkcs1_holds
            return holds(modulus, exponent, data, signature)
        raise ValueError(f"signatures of the kind {how} are not known here")


def _time(node: Node) -> datetime:
    """A time of a certificate (RFC 5280, 4.1.2.5)."""
    text = node.content.decode("ascii")
    if node.tag == UTC_TIME:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def read_pem(data: bytes) -> Certificate:
    """The certificate of a PEM file. Raises ValueError."""
    found = re.fullmatch(rb"-----BEGIN CERTIFICATE-----\s(.+)-----END CERTIFICATE-----\s*", data, re.DOTALL)
    if found is None:
        raise ValueError("not a PEM file of one certificate")
    return Certificate(base64.b64decode(b"".join(found[1].split()), validate=True))


# ---- 5. The signatures of a PDF (ISO 32000-2, 12.8; CMS, RFC 5652; ESS, RFC 5035) ----

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0 (\d{1,11}) (\d{1,11}) (\d{1,11})\s*\]")
SIGNED_AT = re.compile(rb"/M \(D(?:\\072|:)(\d{14})(Z|[+-]\d\d'\d\d'?)\)")
EMBEDDED = re.compile(rb"/Type ?/EmbeddedFile\b.{0,400}?/Length (\d{1,9})>>\s*stream\r?\n", re.DOTALL)
MESSAGE_DIGEST, SIGNING_CERTIFICATE = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"
CONTENT_TYPE, DATA, SIGNED_DATA = "1.2.840.113549.1.9.3", "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
SHA256_OID = "2.16.840.1.101.3.4.2.1"


class Signature:
    """One signature of a PDF: whose certificate it carries, what it covers, when it says it was made.

    Raises Wrong where its bytes are not what was signed, or its message is not what it claims to be.
    """

    def __init__(self, pdf: bytes, found: re.Match[bytes]) -> None:
        self.start, self.resumes, length = (int(number) for number in found.groups())
        self.end = self.resumes + length
        gap = pdf[self.start : self.resumes]
        if not (0 < self.start < self.resumes < self.end <= len(pdf) and re.fullmatch(rb"<[0-9A-Fa-f]+>", gap)):
            raise Wrong("signature_unreadable", "A signature of the PDF does not say which bytes it covers.")
        signed = sha256(pdf[: self.start] + pdf[self.resumes : self.end])
        try:
            self._read(bytes.fromhex(gap[1:-1].decode("ascii")), signed)
            self.at = self._time(pdf, found.end())
        except (ValueError, IndexError, KeyError) as error:
            raise Wrong("signature_unreadable", f"A signature of the PDF cannot be read: {error}.") from error

    def _read(self, message: bytes, signed: bytes) -> None:
        content, padding = read_der(message)
        kind, wrapped = content.of(SEQUENCE).children()
        parts = wrapped.of(0xA0).children()[0].of(SEQUENCE).children()
        certificates = next(node for node in parts if node.tag == 0xA0).children()
        (signer,) = parts[-1].of(SET).children()
        _version, issued, hashed, attributes, algorithm, value = signer.children()[:6]
        if padding.strip(b"\0") or kind.oid() != SIGNED_DATA or hashed.children()[0].oid() != SHA256_OID:
            raise ValueError("it is of another kind than a record has")
        said = {one.children()[0].oid(): one.children()[1].of(SET).children() for one in attributes.of(0xA0).children()}
        if said[CONTENT_TYPE][0].oid() != DATA:
            raise ValueError("it signs another kind of content")
        if said[MESSAGE_DIGEST][0].of(OCTETS).content != signed:
            raise Wrong("pdf_changed", "The PDF was changed after it was signed.")
        named = said[SIGNING_CERTIFICATE][0].children()[0].children()[0].children()
        hashes = [node.content for node in named if node.tag == OCTETS]
        if named[0].tag == SEQUENCE and named[0].children()[0].oid() != SHA256_OID:
            raise ValueError("it names its certificate by another hash than SHA-256")
        chosen = [node.whole for node in certificates if [sha256(node.whole)] == hashes]
        if len(chosen) != 1:
            raise Wrong("signature_broken", "A signature of the PDF does not name the certificate that it carries.")
        self.certificate = Certificate(chosen[0])
        is_named = issued.content == self.certificate.issuer + self.certificate.serial
        # What is signed are the attributes as a SET OF (RFC 5652, 5.4): its tag is not the one they lie under here.
        if not is_named or not self.certificate.has_signed(b"\x31" + attributes.whole[1:], algorithm, value.content):
            raise Wrong("signature_broken", "A signature of the PDF is not by the certificate that it carries.")

    def _time(self, pdf: bytes, place: int) -> datetime:
        said = SIGNED_AT.search(pdf, place, min(self.end, place + 2000))
        if said is None or place > self.end:
            raise ValueError("it does not say when it was made")
        at = datetime.strptime(said[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
        zone = said[2].decode().replace("'", "")
        return at if zone == "Z" else at - int(zone[:1] + "1") * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))


def signatures_of(pdf: bytes) -> list[Signature]:
    """The seal's signature and the doctor's, each a whole state of the file, the last up to its end. Raises Wrong."""
    marks = list(BYTE_RANGE.finditer(pdf))
    if not pdf.startswith(b"%PDF-") or not marks or pdf.count(b"/ByteRange") != len(marks) or len(marks) > 2:
        raise Wrong("signature_missing", "The PDF does not carry the one or two signatures that a record has.")
    found = [Signature(pdf, mark) for mark in marks]
    if found[-1].end != len(pdf):
        raise Wrong("pdf_added_to", "Something stands in the PDF behind its last signature.")
    if len(found) == 2:
        update = pdf[found[0].end : found[1].end]
        if found[1].start < found[0].end or not _is_signature_alone(update):
            raise Wrong("pdf_added_to", "More than the doctor's signature was added to the PDF behind the seal.")
    return found


def _is_signature_alone(update: bytes) -> bool:
    """Whether an update of the file holds the doctor's field, a signature and the table of places, and nothing else."""
    kinds = re.split(rb"\d+ \d+ obj\b", update)[1:]
    marks = (rb"/T \(Doctor\)", rb"/Type /Sig\b", rb"/Type /XRef\b")
    return len(kinds) == 3 and all(sum(bool(re.search(mark, kind)) for kind in kinds) == 1 for mark in marks)


def embedded_in(pdf: bytes) -> bytes:
    """The one file that is embedded in a PDF. Raises Wrong."""
    found = list(EMBEDDED.finditer(pdf))
    if len(found) != 1:
        raise Wrong("evidence_missing", f"The PDF has {len(found)} embedded files, and a record has one.")
    start = found[0].end()
    reader = zlib.decompressobj()
    try:
        data = reader.decompress(pdf[start : start + int(found[0][1])], LARGEST)
    except zlib.error as error:
        raise Wrong("evidence_missing", "The file embedded in the PDF cannot be unpacked.") from error
    return data


def labels_of(pdf: bytes) -> tuple[str, str]:
    """The record's number and the SHA-256 of its evidence, as the PDF's metadata (XMP) name them. Raises Wrong.

    Records sealed before they named their evidence have the number in their title, and "" for the evidence. Nothing can
    be taken out of a later record to look like that: metadata are under the seal.
    """
    titles = re.findall(rb"<dc:title>.{0,200}?<rdf:li[^>]*>([^<]{1,200})</rdf:li>", pdf, re.DOTALL)
    if len(titles) == 1 and not re.search(rb"dc:identifier|dc:source", pdf):
        return titles[0].decode().split()[-1], ""
    numbers = re.findall(rb"<dc:identifier>([^<]{1,40})</dc:identifier>", pdf)
    sources = re.findall(rb"<dc:source>sha256:([0-9a-f]{64})</dc:source>", pdf)
    if len(numbers) != 1 or len(sources) != 1:
        raise Wrong("metadata_missing", "The PDF does not name its number and its evidence.")
    return numbers[0].decode(), sources[0].decode()


# ---- 6. The log: a Merkle tree (RFC 6962, RFC 9162) under signed notes (C2SP signed-note and tlog-checkpoint) ----


def node_hash(left: bytes, right: bytes) -> bytes:
    """An inner node (RFC 6962, 2.1)."""
    return sha256(b"\1" + left + right)


def sides(place: int, last: int, path: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Each step upward from `place` among `last` + 1 nodes, with whether it stands on the left; None where the path is
    too short or too long (the loop that RFC 9162 has in 2.1.3.2 and in 2.1.4.2)."""
    found = []
    for step in path:
        if last == 0:
            return None
        is_left = bool(place & 1) or place == last
        while is_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
        found.append((step, is_left))
    return found if last == 0 else None


def is_included(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from a leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or (steps := sides(index, size - 1, path)) is None:
        return False
    node = leaf
    for step, is_left in steps:
        node = node_hash(step, node) if is_left else node_hash(node, step)
    return node == root


def is_consistent(first: int, second: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the larger tree begins with the smaller one (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and old_root == new_root
    known, *rest = [old_root, *path] if first & (first - 1) == 0 else [*path] or [b""]
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if (steps := sides(place, last, rest)) is None:
        return False
    old = new = known
    for step, is_left in steps:
        old = node_hash(step, old) if is_left else old
        new = node_hash(step, new) if is_left else node_hash(new, step)
    return old == old_root and new == new_root


class LogKey:
    """The public key of a log, from its printed form NAME+ID+KEY. Raises ValueError."""

    def __init__(self, printed: str) -> None:
        self.printed = printed.strip()
        self.name, key_id, encoded = self.printed.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        self.public, self.id = raw[1:], sha256(self.name.encode() + b"\n" + raw)[:4]
        if raw[:1] != b"\1" or len(raw) != 33 or self.id.hex() != key_id:
            raise ValueError("not the key of a log")


def read_checkpoint(note: str, key: LogKey) -> tuple[int, bytes]:
    """How many entries the log has and the root over them, as its key signed it. Raises Wrong."""
    text, blank, lines = note.rpartition("\n\n")
    signed = text + "\n"
    ours = [line.split(" ")[2] for line in lines.splitlines() if line.startswith(f"— {key.name} ")]
    raw = [base64.b64decode(one, validate=True) for one in ours]
    raw = [one[4:] for one in raw if one[:4] == key.id]
    if not blank or not raw:
        raise Wrong("checkpoint_of_another_log", "The checkpoint is not signed by this log's key.")
    if not all(ed25519_holds(key.public, signed.encode(), one) for one in raw):
        raise Wrong("checkpoint_changed", "The checkpoint was changed after it was signed.")
    origin, size, root, *_more = text.split("\n")
    if origin != key.name:
        raise Wrong("checkpoint_of_another_log", "The checkpoint is of another log.")
    return int(size), base64.b64decode(root, validate=True)


# ---- 7. Reading a bundle: a zip or a folder, of which nothing is ever unpacked ----


def is_safe(name: str) -> bool:
    """Whether a name stays inside the bundle: plain letters, folders by a slash, no dots that lead out."""
    return all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", part) for part in name.split("/"))


def read_bundle(path: str) -> dict[str, bytes]:
    """Every file of a bundle by its name. Raises Wrong."""
    files: dict[str, bytes] = {}
    try:
        for name, size, read in _in_folder(path) if os.path.isdir(path) else _in_zip(path):
            if not is_safe(name) or name in files:
                raise Wrong("unsafe_name", f"The bundle has a file with a name that no bundle has: {name!r}.")
            if size + sum(map(len, files.values())) > LARGEST:
                raise Wrong("too_large", "The bundle is far larger than one of a record.")
            files[name] = read()
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise Wrong("unreadable", f"The bundle cannot be read: {error}.") from error
    return files


def _in_zip(path: str) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield info.filename, info.file_size, partial(archive.read, info)


def _in_folder(path: str) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    for folder, _folders, names in os.walk(path):
        for name in sorted(names):
            whole = os.path.join(folder, name)
            inside = os.path.relpath(whole, path).replace(os.sep, "/")
            if os.path.islink(whole):
                raise Wrong("unsafe_name", f"The bundle has a link to another file: {inside!r}.")
            yield inside, os.path.getsize(whole), partial(_read_file, whole)


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def read_json(data: bytes) -> Any:
    """JSON in which no name stands twice and every number is one. Raises ValueError."""
    return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; in Python 1, 1.0 and True are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# ---- 8. The checks ----


class Report:
    """What was found, in the order it was looked at."""

    def __init__(self) -> None:
        self.number = ""
        self.held: list[str] = []
        self.notes: list[str] = []
        self.problems: list[tuple[str, str]] = []

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        problems = [{"code": code, "message": sentence} for code, sentence in self.problems]
        return {
            "holds": not problems,
            "number": self.number,
            "problems": problems,
            "held": self.held,
            "notes": self.notes,
        }


class Bundle:
    """A bundle on its way to a report: each check stands on what the ones before it read."""

    def __init__(self, files: dict[str, bytes], root: str, log_key: str) -> None:
        self.files, self.wanted_root, self.wanted_key = files, root, log_key
        self.report = Report()
        self.signatures: list[Signature] = []
        self.is_older = False
        self.statements: list[Any] = []
        self.data: list[bytes] = []

    def check(self) -> Report:
        """Look at everything; what cannot be looked at any more is a problem too."""
        checks = (
            self.manifest,
            self.certificates,
            self.record,
            self.evidence,
            self.statement_signatures,
            self.doctor,
            self.definition,
            self.checkpoint,
            self.entries,
            self.consistency,
        )
        for check in checks:
            try:
                check()
            except Wrong as wrong:
                self.report.problems.append((wrong.code, wrong.sentence))
            except (ValueError, KeyError, IndexError, TypeError, AttributeError, UnicodeError) as error:
                sentence = f"The part “{check.__name__}” cannot be read ({type(error).__name__}: {error})."
                self.report.problems.append((f"{check.__name__}_unreadable", sentence))
        return self.report

    def file(self, name: str) -> bytes:
        """A file of the bundle. Raises Wrong where it is not there."""
        if name not in self.files:
            raise Wrong("file_missing", f"The bundle lacks {name}.")
        return self.files[name]

    def held(self, sentence: str) -> None:
        """Note what holds."""
        self.report.held.append(sentence)

    def manifest(self) -> None:
        """Every file that is listed is there and unchanged, and there is no other."""
        listed = read_json(self.file("manifest.json"))
        if listed["format"] != "intake/evidence-bundle/1":
            raise Wrong("other_format", f"This program does not know bundles of the form {listed['format']}.")
        self.report.number = listed["number"]
        names = {one["name"]: one["sha256"] for one in listed["files"]}
        for name in sorted({*names, *self.files} - {"manifest.json"}):
            if name not in self.files:
                self.report.problems.append(("file_missing", f"The bundle lacks {name}."))
            elif name not in names:
                self.report.problems.append(("file_unlisted", f"{name} is in the bundle and not in its list."))
            elif sha256(self.files[name]).hex() != names[name]:
                self.report.problems.append(("file_changed", f"{name} is not the file that the list names."))
        unread = sorted({one["kind"] for one in listed["files"]} - KINDS)
        if unread:
            self.report.notes.append(f"Files of these kinds are listed and not judged here: {', '.join(unread)}.")
        if not self.report.problems:
            self.held(f"The {len(names)} files of the bundle are those that its list names.")

    def certificates(self) -> None:
        """The root is the one whose fingerprint was given, and it may issue certificates."""
        self.root = read_pem(self.file("certificates/root.pem"))
        if self.root.fingerprint != self.wanted_root:
            raise Wrong(
                "other_root",
                f"The root certificate in the bundle has the fingerprint {self.root.fingerprint}, "
                "which is not the one that was given.",
            )
        if not self.root.is_authority or not self.root.has_signed(
            self.root.signed, self.root.algorithm, self.root.signature
        ):
            raise Wrong("root_broken", "The root certificate is not one that may issue others.")
        self.held(f"The root certificate is the one whose fingerprint was given ({self.root.name}).")

    def record(self) -> None:
        """The PDF's signatures hold up to its last byte, and the root stands behind both."""
        self.pdf = self.file("record.pdf")
        found = signatures_of(self.pdf)
        for place, one in enumerate(found):
            name = ("certificates/seal.pem", "certificates/doctor.pem")[place]
            if read_pem(self.file(name)).der != one.certificate.der:
                raise Wrong("other_certificate", f"{name} is not the certificate that signed the PDF.")
            self._issued(one, is_doctors=place == 1)
        self.signatures = found
        for one in found:
            self.held(f"The PDF is as {one.certificate.name} signed it at {one.at:%Y-%m-%d %H:%M:%S} UTC (own clock).")

    def _issued(self, one: Signature, *, is_doctors: bool) -> None:
        """Whether the clinic's root issued a signature's certificate, for this part, and for that time."""
        certificate = one.certificate
        if certificate.issuer != self.root.subject or not self.root.has_signed(
            certificate.signed, certificate.algorithm, certificate.signature
        ):
            raise Wrong("unknown_signer", f"{certificate.name} signed with a certificate that the root did not issue.")
        if certificate.is_doctors is not is_doctors or certificate.is_authority:
            raise Wrong("wrong_role", f"The certificate of {certificate.name} is not for this part of the record.")
        if not certificate.begins <= one.at <= certificate.ends:
            raise Wrong("certificate_not_in_force", f"The certificate of {certificate.name} was not in force then.")

    def evidence(self) -> None:
        """What is embedded in the PDF is evidence.json, and the PDF names it and the bundle's number."""
        data = self.file("evidence.json")
        if embedded_in(self.pdf) != data:
            raise Wrong("evidence_differs", "evidence.json is not what is embedded in the PDF.")
        number, digest = labels_of(self.pdf)
        self.is_older = not digest
        if digest and digest != sha256(data).hex():
            raise Wrong("evidence_differs", "The PDF names other evidence than it holds.")
        if number != self.report.number:
            raise Wrong("other_number", f"The PDF is the record {number}, and the bundle is of {self.report.number}.")
        self.statements = read_json(data)["statements"]
        self.held(f"The record {number} holds the very evidence of evidence.json.")

    def statement_signatures(self) -> None:
        """Each statement was signed by the seal's key, and they are about one visit."""
        for statement in self.statements:
            kind = statement["kind"]
            data, signature = self.file(f"statements/{kind}.json"), self.file(f"statements/{kind}.sig")
            is_same = sha256(data).hex() == statement["sha256"] and same(read_json(data), statement["evidence"])
            if not is_same or statement["evidence"]["type"] != f"intake/{kind}":
                raise Wrong("statement_differs", f"statements/{kind}.json is not the statement in the evidence.")
            is_kept = base64.b64decode(statement["signature"], validate=True) == signature
            if not is_kept or not self._sealed(data, signature):
                raise Wrong("statement_signature_wrong", f"The seal did not sign the statement “{kind}”.")
            self.data.append(data)
            self.held(f"The clinic's seal signed the statement “{kind}” of {statement['evidence']['at']}.")
        if len({json.dumps(one["evidence"]["visit"], sort_keys=True) for one in self.statements}) != 1:
            raise Wrong("statements_do_not_belong", "The statements are about two visits.")
        *before, last = self.statements
        if before and last["evidence"]["patient_statement_sha256"] != before[0]["sha256"]:
            raise Wrong("statements_do_not_belong", "The last statement follows another than the one in the bundle.")

    def _sealed(self, data: bytes, signature: bytes) -> bool:
        if not self.signatures:
            raise Wrong("seal_missing", "Without the seal in the PDF the statements' signatures cannot be judged.")
        algorithm = self.signatures[0].certificate.key.children()[0].children()[0].oid()
        named = ECDSA_SHA256 if algorithm == EC_KEY else RSA_SHA256
        return self.signatures[0].certificate.has_signed(data, _named(named), signature)

    def doctor(self) -> None:
        """A countersigned record carries the signature of the doctor whom its evidence names; no other record does."""
        last = self.statements[-1]["evidence"]
        is_countersigned = last["type"] == "intake/countersigned"
        if is_countersigned and len(self.signatures) == 1 and self.is_older:
            self.report.notes.append(
                "This record was sealed before doctors signed the PDF as well; it has the seal alone."
            )
            return
        if is_countersigned is not (len(self.signatures) == 2):
            raise Wrong("doctor_missing", "The PDF does not have the doctor's signature that its evidence calls for.")
        if is_countersigned:
            named, names = last["review"]["doctor"], self.signatures[1].certificate.names
            wanted = " ".join(named["name"].split()).encode()[:64].decode(errors="ignore")
            number = re.sub(r"[^A-Za-z0-9 '()+,./:=?-]", "?", named["registration_no"].strip())[:64]
            if (names.get(COMMON_NAME), names.get(SERIAL_NUMBER, "")) != (wanted, number):
                raise Wrong("other_doctor", "Another doctor signed the PDF than the one who countersigned.")
            self.held(f"The doctor who countersigned, {wanted}, signed the PDF.")

    def definition(self) -> None:
        """The files of the edition that was shown are those whose hashes the evidence names."""
        named = [part["edition"] for one in self.statements for part in _parts(one["evidence"]) if "edition" in part]
        if not named:
            self.report.notes.append("The patient was shown no questions and no consent; there is no definition.")
            return
        if any(not same(one["sha256"], named[0]["sha256"]) for one in named):
            raise Wrong("definition_differs", "The evidence names two editions.")
        languages = {one["evidence"].get("language") for one in self.statements}
        for kind, digest in named[0]["sha256"].items():
            if kind.startswith("translations.") and kind.split(".", 1)[1] not in languages:
                continue
            ending = {"questionnaire": "json", "translations": "po"}.get(kind.split(".")[0], "yaml")
            name = f"definition/{named[0]['name']}-{named[0]['version']}-{kind}.{ending}"
            if sha256(self.file(name)).hex() != digest:
                raise Wrong("definition_differs", f"{name} is not the file that the evidence names.")
        self.held(f"The definition shown is {named[0]['name']} {named[0]['version']}, with the hashes of the evidence.")

    def checkpoint(self) -> None:
        """The log's key signed the checkpoint."""
        self.key = LogKey(self.file("log/key.txt").decode("utf-8"))
        if self.wanted_key and self.key.printed != self.wanted_key:
            raise Wrong("other_log_key", "The log's key in the bundle is not the one that was given.")
        if not self.wanted_key:
            self.report.notes.append(f"The log's key was taken from the bundle; compare it: {self.key.printed}")
        self.size, self.tree_root = read_checkpoint(self.file("log/checkpoint.txt").decode("utf-8"), self.key)
        self.held(f"The log's key signed a checkpoint of {self.size} entries, root {self.tree_root.hex()[:16]}.")

    def entries(self) -> None:
        """Each entry stands in the signed log; one says that this PDF was sealed, and each statement has its own."""
        kept = read_json(self.file("log/entries.json"))["entries"]
        said = []
        for one in kept:
            leaf = sha256(b"\0" + one["entry"].encode())
            path = [base64.b64decode(step, validate=True) for step in one["path"]]
            if not is_included(one["index"], self.size, leaf, path, self.tree_root):
                raise Wrong("not_in_log", f"Entry {one['index'] + 1} does not stand in the log that was signed.")
            said.append(read_json(one["entry"].encode()))
        visit = self.statements[-1]["evidence"]["visit"]["id"]
        if any(one["subject"] != visit for one in said):
            raise Wrong("entry_of_another_visit", "An entry of the log is about another visit.")
        sealed = [one["facts"]["pdf_sha256"] for one in said if one["event"] == "record.sealed"]
        if sealed.count(sha256(self.pdf).hex()) != 1:
            raise Wrong("record_not_in_log", "No entry of the log says that this PDF was sealed.")
        for place, statement in enumerate(self.statements):
            self._committed(statement, self.data[place], said)
        self.held(f"The {len(kept)} entries of this visit stand in the signed log; one names this PDF by its SHA-256.")
        number = next(one["seq"] for one in said if one["facts"].get("pdf_sha256") == sha256(self.pdf).hex())
        later = [one for one in said if one["seq"] > number and one["event"].endswith("withdrawn")]
        for one in later:
            self.report.notes.append(
                f"After this record the patient took something back ({one['event']}, {one['at']})."
            )

    def _committed(self, statement: Any, data: bytes, said: list[Any]) -> None:
        """Whether the log committed to a statement, and says of the events before it what the statement says."""
        commitment = sha256(bytes.fromhex(statement["evidence"]["salt"]) + data).hex()
        event = f"consent.{statement['kind']}"
        if not any(one["event"] == event and one["facts"].get("commitment") == commitment for one in said):
            raise Wrong("statement_not_in_log", f"No entry of the log commits to the statement “{statement['kind']}”.")
        by_number = {one["seq"]: one for one in said}
        for told in statement["evidence"].get("events", ()):
            entry = by_number.get(told["seq"], {})
            if any(not same(entry.get(part), told[part]) for part in ("event", "actor", "facts")):
                raise Wrong("events_differ", f"The evidence tells entry {told['seq']} otherwise than the log.")

    def consistency(self) -> None:
        """The log of the oldest checkpoint is the beginning of this one."""
        proof = read_json(self.file("log/consistency.json"))
        if proof["second"] != self.file("log/checkpoint.txt").decode("utf-8"):
            raise Wrong("other_checkpoint", "The proof of consistency is about another checkpoint.")
        size, root = read_checkpoint(proof["first"], self.key)
        path = [base64.b64decode(step, validate=True) for step in proof["path"]]
        if not is_consistent(size, self.size, root, self.tree_root, path):
            raise Wrong("not_consistent", f"The log does not begin with the one signed at {size} entries.")
        self.held(f"The log begins with what was signed at {size} entries, its oldest checkpoint.")


KINDS = {
    *("record", "evidence", "statement", "statement-signature", "definition", "log-entries", "checkpoint"),
    *("log-key", "log-consistency", "certificate", "program", "text"),
}


def _parts(evidence: Any) -> list[Any]:
    """The places of a statement that may name an edition."""
    return [evidence, evidence.get("presented", {})]


def _named(oid: str) -> Node:
    """The name of an algorithm as it stands in a signature."""
    first, second, *rest = (int(number) for number in oid.split("."))
    encoded = b""
    for number in (first * 40 + second, *rest):
        groups = [number & 127]
        while number := number >> 7:
            groups.append(number & 127 | 128)
        encoded += bytes(reversed(groups))
    inner = bytes([OID, len(encoded)]) + encoded
    return Node(SEQUENCE, inner, bytes([SEQUENCE, len(inner)]) + inner)


def verify(path: str, root: str, log_key: str = "") -> Report:
    """Check a bundle against a root's fingerprint and, where one is given, the log's printed key."""
    try:
        bundle = Bundle(read_bundle(path), re.sub(r"[\s:]", "", root).lower(), log_key.strip())
    except Wrong as wrong:
        report = Report()
        report.problems.append((wrong.code, wrong.sentence))
        return report
    return bundle.check()


def main() -> int:
    """Read the command line, print the report, give the exit code."""
    parser = argparse.ArgumentParser(description="Check the evidence bundle of a sealed record, offline.")
    parser.add_argument("bundle", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--root", required=True, help="SHA-256 of the clinic's root certificate, from elsewhere")
    parser.add_argument("--log-key", default="", help="the log's key as the clinic printed it")
    parser.add_argument("--json", action="store_true", help="one object for programs")
    given = parser.parse_args()
    report = verify(given.bundle, given.root, given.log_key)
    if given.json:
        lines = [json.dumps(report.as_json(), indent=2)]
    else:
        lines = [f"holds:  {sentence}" for sentence in report.held] + [f"note:   {one}" for one in report.notes]
        lines += [f"WRONG:  {sentence} [{code}]" for code, sentence in report.problems]
        lines.append("Something does not hold. Do not rely on this bundle." if report.problems else "Everything holds.")
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode("utf-8"))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
