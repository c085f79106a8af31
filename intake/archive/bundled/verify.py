#!/usr/bin/env python3
"""Check an evidence bundle of one sealed record, with Python 3.9 or newer and nothing else: no package, no network.

    python3 verify.py BUNDLE.zip --root SHA256-OF-THE-CLINIC'S-ROOT-CERTIFICATE

BUNDLE is the zip or the folder it was unpacked to; nothing is unpacked and nothing is written. It prints what it found
in plain sentences and ends with 0 when everything holds, with 1 when anything does not. The root's fingerprint must
come from somewhere else than the bundle (the clinic's paper, a witness), and so may the log's key (--log-key) and the
fingerprint of the authority behind the time stamps (--time-authority). Where another authority certified the seal, its
root is given beside the clinic's: --root may stand several times, and so may --time-authority.

Longer than 400 lines, because it holds all it needs: 1. DER  2. ECDSA and RSA  3. Ed25519  4. certificates  5. signed
messages and time stamps  6. the signatures of a PDF and what follows them  7. the Merkle tree of the log  8. reading
the bundle  9. the checks, in the order of the report.
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

INTEGER, BITS, OCTETS, OID, SEQUENCE, SET, UTC_TIME, TIME = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31, 0x17, 0x18
TRUE = b"\x01\x01\xff"


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


# ---- 2. Signatures of certificates, PDF and time stamps: ECDSA on two curves (FIPS 186-5, SEC 1), RSA (RFC 8017) ----


class Curve(NamedTuple):
    """A curve y² = x³ - 3x + b over the numbers below the prime p; the point g has the order n (SP 800-186, 3.2.1)."""

    p: int
    b: int
    n: int
    g: tuple[int, int]


P_256 = Curve(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
P_384 = Curve(
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    (
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
)


def ec_add(one: Any, other: Any, curve: Curve) -> Any:
    """The sum of two points (SEC 1, 2.2.1)."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2), p = one, other, curve.p
    if x1 == x2:
        if (y1 + y2) % p == 0:
            return None
        slope = 3 * (x1 * x1 - 1) * pow(2 * y1, -1, p)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p)
    x = (slope * slope - x1 - x2) % p
    return x, (slope * (x1 - x) - y1) % p


def ec_times(scalar: int, point: Any, curve: Curve) -> Any:
    """A multiple of a point."""
    total = None
    while scalar:
        if scalar & 1:
            total = ec_add(total, point, curve)
        point, scalar = ec_add(point, point, curve), scalar >> 1
    return total


def ecdsa_holds(public: bytes, data: bytes, signature: bytes, curve: Curve = P_256, hashed: str = "sha256") -> bool:
    """Whether this is an ECDSA signature by the key of an uncompressed point (SEC 1, 4.1.4)."""
    size, n = (curve.p.bit_length() + 7) // 8, curve.n
    x, y = int.from_bytes(public[1 : size + 1], "big"), int.from_bytes(public[size + 1 :], "big")
    is_point = len(public) == 2 * size + 1 and public[0] == 4 and x < curve.p and y < curve.p
    if not is_point or (y * y - x * x * x + 3 * x - curve.b) % curve.p:
        return False
    try:
        r, s = (part.number() for part in one_der(signature, SEQUENCE).children())
    except ValueError:
        return False
    if not (0 < r < n and 0 < s < n):
        return False
    raw = hashlib.new(hashed, data).digest()
    digest = int.from_bytes(raw, "big") >> max(0, 8 * len(raw) - n.bit_length())
    inverse = pow(s, -1, n)
    one, other = ec_times(digest * inverse % n, curve.g, curve), ec_times(r * inverse % n, (x, y), curve)
    point = ec_add(one, other, curve)
    return point is not None and point[0] % n == r


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of SHA-256 (RFC 8017, 9.2)
INFOS = {
    "sha256": SHA256_INFO,
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def rsa_message(modulus: int, exponent: int, signature: bytes) -> bytes | None:
    """The encoded message that an RSA signature holds (RFC 8017, 5.2.2); None where it is out of range."""
    size, value = (modulus.bit_length() + 7) // 8, int.from_bytes(signature, "big")
    if len(signature) != size or value >= modulus or modulus.bit_length() < 2048:
        return None
    return int(pow(value, exponent, modulus)).to_bytes(size, "big")


def rsa_pkcs1_holds(modulus: int, exponent: int, data: bytes, signature: bytes, hashed: str = "sha256") -> bool:
    """RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2): the whole message is made anew and compared."""
    message = rsa_message(modulus, exponent, signature)
    tail = b"\0" + INFOS[hashed] + hashlib.new(hashed, data).digest()
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
ECDSA_HASHES = {ECDSA_SHA256: "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512"}
RSA_HASHES = {RSA_SHA256: "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512"}
EC_KEY, P256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"
CURVES = {P256: P_256, "1.3.132.0.34": P_384}
COMMON_NAME, SERIAL_NUMBER, TITLE = "2.5.4.3", "2.5.4.5", "2.5.4.12"
BASIC_CONSTRAINTS, KEY_USAGE, POLICIES, PURPOSES = "2.5.29.19", "2.5.29.15", "2.5.29.32", "2.5.29.37"
READ = {BASIC_CONSTRAINTS, KEY_USAGE, POLICIES, PURPOSES}  # other critical extensions cannot be judged here
MAY_CERTIFY, TIME_STAMPING = 0x04, "1.3.6.1.5.5.7.3.8"


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
        self.extensions: dict[str, bytes] = {}
        self.critical: set[str] = set()
        for one in rest[-1].of(0xA3).children()[0].children() if rest else ():
            name, *critical, value = one.children()
            self.extensions[name.oid()] = value.of(OCTETS).content
            self.critical |= {name.oid()} if [node.whole for node in critical] == [TRUE] else set()
        self.names = {
            pair.children()[0].oid(): pair.children()[1].content.decode("utf-8", "replace")
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
        return any(node.whole == TRUE for node in one_der(constraints, SEQUENCE).children())

    @property
    def is_for_time(self) -> bool:
        """Whether it may stamp time and do nothing else (RFC 3161, 2.3)."""
        purposes = one_der(self.extensions.get(PURPOSES, b"\x30\x00"), SEQUENCE).children()
        return PURPOSES in self.critical and [one.oid() for one in purposes] == [TIME_STAMPING]

    def is_in_force(self, at: datetime) -> bool:
        """Whether its time had begun and had not ended."""
        return self.begins <= at <= self.ends

    def issued(self, other: Certificate, below: int = 0) -> bool:
        """Whether its key signed the other certificate, and it may, with so many issuers between (RFC 5280, 6.1.4).

        A signature or a condition that this program does not know proves nothing: then it did not.
        """
        if other.issuer != self.subject or not self.is_authority or (self.critical | other.critical) - READ:
            return False
        if KEY_USAGE in self.extensions and not one_der(self.extensions[KEY_USAGE], BITS).content[1] & MAY_CERTIFY:
            return False
        limits = [one for one in one_der(self.extensions[BASIC_CONSTRAINTS], SEQUENCE).children() if one.tag == INTEGER]
        if limits and below > limits[0].number():
            return False
        return other.algorithm.children()[0].oid() in SIGNATURES and self.has_signed(
            other.signed, other.algorithm, other.signature
        )

    def has_signed(self, data: bytes, algorithm: Node, signature: bytes, hashed: str = "sha256") -> bool:
        """Whether its key signed these bytes; `hashed` counts where the algorithm does not name its hash.
        Raises ValueError for an algorithm that is not known here."""
        kind, public = self.key.children()
        named, how = [node.oid() for node in kind.children() if node.tag == OID], algorithm.children()[0].oid()
        if named[0] == EC_KEY and named[-1] in CURVES and how in ECDSA_HASHES:
            return ecdsa_holds(public.bits(), data, signature, CURVES[named[-1]], ECDSA_HASHES[how])
        if named == [RSA] and how in (RSA, RSA_PSS, *RSA_HASHES):
            modulus, exponent = (part.number() for part in one_der(public.bits(), SEQUENCE).children())
            if how == RSA_PSS:
                return rsa_pss_holds(modulus, exponent, data, signature)
            return rsa_pkcs1_holds(modulus, exponent, data, signature, RSA_HASHES.get(how, hashed))
        raise ValueError(f"signatures of the kind {how} are not known here")


SIGNATURES = {*ECDSA_HASHES, *RSA_HASHES, RSA_PSS}


def leads_to(
    roots: Sequence[Certificate], certificate: Certificate, chain: Sequence[Certificate], at: datetime
) -> Certificate | None:
    """The root to which a certificate leads over every one of the chain, none of them out of force at that time; None
    where it leads to none of the roots, or where one of the chain is not needed."""
    rest, last, below = list(chain), certificate, 0
    while rest:
        above = next((one for one in rest if one.issued(last, below) and one.is_in_force(at)), None)
        if above is None:
            return None
        rest.remove(above)
        last, below = above, below + 1
    return next((root for root in roots if root.issued(last, below)), None)


def authority_of(
    certificate: Certificate, known: Sequence[Certificate], wanted: set[str], at: datetime
) -> Certificate | None:
    """The authority with one of the wanted fingerprints to which a certificate leads over some of those known, each in
    force at that time; None where there is none. Each is looked at once, the nearest first."""
    rest, level, below = list(known), [certificate], 0
    while level:
        found = [one for one in rest if one.is_in_force(at) and any(one.issued(last, below) for last in level)]
        for one in found:
            if one.fingerprint in wanted:
                return one
        rest = [one for one in rest if one not in found]
        level, below = found, below + 1
    return None


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


# ---- 5. Signed messages (CMS, RFC 5652; ESS, RFC 5035) and time stamps (RFC 3161) ----

MESSAGE_DIGEST, CONTENT_TYPE = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.3"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V1 = "1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.12"
DATA, SIGNED_DATA, TIME_INFO = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
STAMP_OF_SIGNATURE = "1.2.840.113549.1.9.16.2.14"
SHA256_OID = "2.16.840.1.101.3.4.2.1"
HASHES = {SHA256_OID: "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}


class Message:
    """A message that one person signed: what it says beside it, the digest of what is signed, whose certificate it
    names, which others it carries, and what is not signed. Whether it is theirs, `is_theirs` says.

    Raises ValueError where it cannot be read, and where it does not name one certificate that it carries.
    """

    def __init__(self, node: Node) -> None:
        kind, wrapped = node.of(SEQUENCE).children()
        parts = wrapped.of(0xA0).children()[0].of(SEQUENCE).children()
        inside = next(node for node in parts[3:-1] if node.tag == 0xA0).children()
        (signer,) = parts[-1].of(SET).children()
        _version, issued, hashed, attributes, self.algorithm, value, *rest = signer.children()
        if kind.oid() != SIGNED_DATA:
            raise ValueError("it is no signed message")
        self.kind, *self.content = parts[2].of(SEQUENCE).children()
        self.hash = HASHES[hashed.children()[0].oid()]
        said = attributes.of(0xA0).children()
        self.said = {one.children()[0].oid(): one.children()[1].of(SET).children() for one in said}
        if len(self.said) != len(said) or self.said[CONTENT_TYPE][0].oid() != self.kind.oid():
            raise ValueError("it does not say what it signs")
        self.digest = self.said[MESSAGE_DIGEST][0].of(OCTETS).content
        certificates = [Certificate(one.whole) for one in inside if one.tag == SEQUENCE]
        named = [one for one in certificates if issued.content == one.issuer + one.serial and self._names(one)]
        if len(named) != 1:
            raise ValueError("it does not name a certificate that it carries")
        (self.certificate,) = named
        self.others = [one for one in certificates if one is not self.certificate]
        # What is signed are the attributes as a SET OF (RFC 5652, 5.4): its tag is not the one they lie under here.
        self.signed, self.value = b"\x31" + attributes.whole[1:], value.of(OCTETS).content
        self.unsigned = [one for node in rest for one in node.of(0xA1).children()]

    def _names(self, certificate: Certificate) -> bool:
        """Whether the signed attributes name this certificate by its hash (RFC 5035, 3 and 4)."""
        newer = SIGNING_CERTIFICATE in self.said
        (value,) = self.said[SIGNING_CERTIFICATE if newer else SIGNING_CERTIFICATE_V1]
        first = value.children()[0].children()[0].children()
        digest = next(one for one in first if one.tag == OCTETS).content
        if not newer:
            return hashlib.sha1(certificate.der, usedforsecurity=False).digest() == digest
        is_default = first[0].tag == OCTETS
        name = "sha256" if is_default else HASHES[first[0].children()[0].oid()]
        return hashlib.new(name, certificate.der).digest() == digest

    @property
    def is_theirs(self) -> bool:
        """Whether the key of the certificate signed it. Raises ValueError for an algorithm that is not known here."""
        return self.certificate.has_signed(self.signed, self.algorithm, self.value, self.hash)


class TimeStamp:
    """A token of a time-stamping service (RFC 3161, 2.4.2): when, by whom, and that it is of these bytes (in pieces).

    Raises Wrong where it is not: what stands in `where` begins each sentence.
    """

    def __init__(self, node: Node, stamped: Sequence[bytes], where: str) -> None:
        try:
            self._read(Message(node), stamped, where)
        except (ValueError, IndexError, KeyError, StopIteration) as error:
            raise Wrong("time_stamp_unreadable", f"{where} cannot be read: {error}.") from error

    def _read(self, message: Message, stamped: Sequence[bytes], where: str) -> None:
        content = message.content[0].of(0xA0).children()[0].of(OCTETS).content
        _version, _policy, imprint, _serial, at, *_more = one_der(content, SEQUENCE).children()
        algorithm, value = imprint.of(SEQUENCE).children()
        digest = hashlib.new(HASHES[algorithm.children()[0].oid()])
        for piece in stamped:
            digest.update(piece)
        if message.kind.oid() != TIME_INFO:
            raise ValueError("it says no time")
        self.certificate, self.others, self.at = message.certificate, message.others, _precise(at)
        if value.of(OCTETS).content != digest.digest():
            sentence = "is of other bytes: what it stands on was changed later, or it belongs to something else"
            raise Wrong("time_stamp_of_another", f"{where} {sentence}.")
        if message.digest != hashlib.new(message.hash, content).digest() or not message.is_theirs:
            raise Wrong("time_stamp_broken", f"{where} was changed: its own signature does not hold.")
        if not self.certificate.is_for_time:
            raise Wrong("time_stamp_broken", f"{where} is signed with a certificate that is not for time stamps alone.")
        if not self.certificate.is_in_force(self.at):
            raise Wrong("time_stamp_broken", f"{where} is signed with a certificate that was not in force then.")


def _precise(node: Node) -> datetime:
    """The time of a time stamp, without parts of a second (RFC 3161, 2.4.2)."""
    found = re.fullmatch(rb"(\d{14})(\.\d*[1-9])?Z", node.of(TIME).content)
    if found is None:
        raise ValueError("its time is not in the form it must have")
    return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)


def spoken(at: datetime) -> str:
    """A time as a person reads it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


# ---- 6. The signatures of a PDF and what follows them (ISO 32000-2, 12.8; ETSI EN 319 142-1) ----

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0 (\d{1,11}) (\d{1,11}) (\d{1,11})\s*\]")
SIGNED_AT = re.compile(rb"/M \(D(?:\\072|:)(\d{14})(Z|[+-]\d\d'\d\d'?)\)")
EMBEDDED = re.compile(rb"/Type ?/EmbeddedFile\b.{0,400}?/Length (\d{1,9})>>\s*stream\r?\n", re.DOTALL)
STAMP_KIND = b"/Type /DocTimeStamp"
UPDATED = re.compile(rb"\s*\d{1,7} 0 obj\n<<\n(.*?)>>\n(?:(endobj\n)|stream\n)", re.DOTALL)
END_OF_STREAM, END_OF_UPDATE = b"\nendstream\nendobj\n", re.compile(rb"\s*startxref\s+\d+\s+%%EOF\n?")
ONE_EACH = (
    rb"/Type /Catalog\n",
    rb"/Type /Page\n",
    rb"/FT /Sig\n/T \(Timestamp\\055\d+\)\n",
    rb"/Contents <[0-9A-Fa-f]+>\n/ByteRange \[[0-9 ]+\] *\n/Type /DocTimeStamp\n",
)
STORE = rb"/Certs \[[0-9 R]+\]\n/CRLs \[[0-9 R]+\]\n"


class Place:
    """Where a signature or a time stamp stands in a PDF: the bytes before and behind its gap are signed.
    Raises Wrong where its numbers leave out more than the gap."""

    def __init__(self, pdf: bytes, found: re.Match[bytes]) -> None:
        self.start, self.resumes, length = (int(number) for number in found.groups())
        self.end, self.at = self.resumes + length, found.end()
        gap = pdf[self.start : self.resumes]
        if not (0 < self.start < self.resumes < self.end <= len(pdf) and re.fullmatch(rb"<[0-9A-Fa-f]+>", gap)):
            raise Wrong("signature_unreadable", "A signature of the PDF does not say which bytes it covers.")
        self.signed = (pdf[: self.start], pdf[self.resumes : self.end])
        self.padded = bytes.fromhex(gap[1:-1].decode("ascii")) if len(gap) % 2 == 0 else b""

    def message(self) -> Node:
        """What stands in the gap, with nothing behind it but zeros. Raises ValueError."""
        content, padding = read_der(self.padded)
        if padding.strip(b"\0"):
            raise ValueError("something stands behind it")
        return content


class Signature:
    """One signature of a PDF: whose certificate it carries, with which chain, what it covers, when it says it was made.

    Raises Wrong where its bytes are not what was signed, or its message is not what it claims to be.
    """

    def __init__(self, pdf: bytes, place: Place) -> None:
        self.start, self.end = place.start, place.end
        try:
            self._read(Message(place.message()), b"".join(place.signed))
            self.at = self._time(pdf, place.at)
        except (ValueError, IndexError, KeyError, StopIteration) as error:
            raise Wrong("signature_unreadable", f"A signature of the PDF cannot be read: {error}.") from error

    def _read(self, message: Message, signed: bytes) -> None:
        if message.hash != "sha256" or message.kind.oid() != DATA or message.content:
            raise ValueError("it is of another kind than a record has")
        if message.digest != sha256(signed):
            raise Wrong("pdf_changed", "The PDF was changed after it was signed.")
        if not message.is_theirs:
            raise Wrong("signature_broken", "A signature of the PDF is not by the certificate that it carries.")
        self.certificate, self.chain, self.value = message.certificate, message.others, message.value
        stamps = [one.children() for one in message.unsigned]
        if [kind.oid() for kind, _ in stamps] not in ([], [STAMP_OF_SIGNATURE]):
            raise ValueError("it carries more that is not signed than its time stamp")
        self.stamp = stamps[0][1].of(SET).children()[0] if stamps else None

    def _time(self, pdf: bytes, place: int) -> datetime:
        said = SIGNED_AT.search(pdf, place, min(self.end, place + 2000))
        if said is None or place > self.end:
            raise ValueError("it does not say when it was made")
        at = datetime.strptime(said[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
        zone = said[2].decode().replace("'", "")
        return at if zone == "Z" else at - int(zone[:1] + "1") * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))


class Signed(NamedTuple):
    """What a PDF was signed with: one or two signatures, then the document time stamps; and the certificates that the
    updates with time stamps brought."""

    signatures: list[Signature]
    stamps: list[Place]
    brought: list[bytes]

    def states(self) -> list[int]:
        """Where the file ends with so many time stamps: first with none."""
        return [self.signatures[-1].end, *(one.end for one in self.stamps)]


def signed_in(pdf: bytes) -> Signed:
    """The seal's signature and the doctor's, then updates of one time stamp each up to the file's end. Raises Wrong."""
    marks = list(BYTE_RANGE.finditer(pdf))
    kinds = [STAMP_KIND in pdf[mark.start() : pdf.find(b"endobj", mark.start())] for mark in marks]
    if not pdf.startswith(b"%PDF-") or pdf.count(b"/ByteRange") != len(marks) or kinds.count(False) not in (1, 2):
        raise Wrong("signature_missing", "The PDF does not carry the one or two signatures that a record has.")
    if kinds != sorted(kinds):
        raise Wrong("pdf_added_to", "A signature was added to the PDF behind a time stamp.")
    places = [Place(pdf, mark) for mark in marks]
    found = [Signature(pdf, place) for place, is_stamp in zip(places, kinds) if not is_stamp]
    stamps, brought = places[len(found) :], list[bytes]()
    if len(found) == 2:
        update = pdf[found[0].end : found[1].end]
        if found[1].start < found[0].end or not _is_signature_alone(update):
            raise Wrong("pdf_added_to", "More than the doctor's signature was added to the PDF behind the seal.")
    end = found[-1].end
    for number, stamp in enumerate(stamps, 1):
        # A stamp that does not reach from the end before it is none of ours, whatever it covers.
        evidence = _stamp_alone(pdf[end : stamp.end]) if end < stamp.start else None
        if evidence is None:
            raise Wrong("pdf_added_to", f"More than time stamp {number} and its evidence was added to the PDF.")
        brought, end = brought + evidence, stamp.end
    if end != len(pdf):
        raise Wrong("pdf_added_to", "Something stands in the PDF behind its last signature or time stamp.")
    return Signed(found, stamps, brought)


def _stamp_alone(update: bytes) -> list[bytes] | None:
    """The certificates and lists in DER of an update that holds a time stamp, its field, what must name them (catalogue
    and a page), the store of evidence and the table of places, each once, and nothing else; None where it does not.

    Which page, and what else catalogue and page say than before, is not looked at here.
    """
    place, dictionaries, streams = 0, list[bytes](), list[bytes]()
    while found := UPDATED.match(update, place):
        text, place = found[1], found.end()
        if re.search(rb"obj\b|stream", text):
            return None
        if found[2]:
            dictionaries.append(text)
            continue
        length = re.search(rb"/Length (\d{1,7})\n", text)
        size = int(length[1]) if length else 0
        data, place = update[place : place + size], place + size
        if not update.startswith(END_OF_STREAM, place):
            return None
        place += len(END_OF_STREAM)
        if re.search(rb"/Type /XRef\n", text):
            dictionaries.append(b"/Type /XRef\n")
        elif re.fullmatch(rb"/Length \d+\n", text) and _is_der(data):
            streams.append(data)
        else:
            return None
    kinds = [*ONE_EACH, rb"/Type /XRef\n", *([STORE] if any(re.match(STORE, one) for one in dictionaries) else [])]
    is_each = all(sum(bool(re.search(kind, one)) for one in dictionaries) == 1 for kind in kinds)
    is_all = len(dictionaries) == len(kinds) and END_OF_UPDATE.fullmatch(update, place)
    return streams if is_each and is_all else None


def _is_der(data: bytes) -> bool:
    """Whether the bytes are one sequence in DER, as a certificate and a list of revoked ones are."""
    try:
        one_der(data, SEQUENCE)
    except ValueError:
        return False
    return True


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


# ---- 7. The log: a Merkle tree (RFC 6962, RFC 9162) under signed notes (C2SP signed-note and tlog-checkpoint) ----


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


# ---- 8. Reading a bundle: a zip or a folder, of which nothing is ever unpacked ----


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


# ---- 9. The checks ----


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

    def __init__(
        self, files: dict[str, bytes], roots: Sequence[str], log_key: str, authorities: Sequence[str] = ()
    ) -> None:
        self.files, self.wanted_roots, self.wanted_key = files, set(roots), log_key
        self.wanted_authorities = set(authorities)
        self.report = Report()
        self.named_stamps: Any = None
        self.seal_roots: list[Certificate] = []
        self.signed: Signed | None = None
        self.signatures: list[Signature] = []
        self.sealed_as = 0
        self.is_older = False
        self.statements: list[Any] = []
        self.data: list[bytes] = []

    def check(self) -> Report:
        """Look at everything; what cannot be looked at any more is a problem too."""
        checks = (
            self.manifest,
            self.certificates,
            self.record,
            self.time_stamps,
            self.evidence,
            self.statement_signatures,
            self.doctor,
            self.definition,
            self.checkpoint,
            self.entries,
            self.consistency,
            self.log_stamp,
            self.authorities,
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
        self.named_stamps = listed.get("time_stamps")
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
        """Each root is one whose fingerprint was given, and the clinic's own signed itself and may issue others."""
        self.root = read_pem(self.file("certificates/root.pem"))
        self._given(self.root, "The root certificate")
        if not self.root.issued(self.root):
            raise Wrong("root_broken", "The root certificate is not one that may issue others.")
        self.held(f"The root certificate is the one whose fingerprint was given ({self.root.name}).")
        for name in self._named("certificates/seal-root-"):
            other = read_pem(self.files[name])
            self._given(other, f"The root certificate above a seal ({name}, {other.name})")
            self.seal_roots.append(other)
            self.held(f"The root certificate above a seal is one whose fingerprint was given ({other.name}).")

    def _named(self, start: str) -> list[str]:
        return sorted(name for name in self.files if name.startswith(start))

    def _given(self, root: Certificate, what: str) -> None:
        if root.fingerprint not in self.wanted_roots:
            sentence = f"{what} in the bundle has the fingerprint {root.fingerprint}, which was not given with --root."
            raise Wrong("other_root", sentence)

    def record(self) -> None:
        """The PDF's signatures hold, nothing but time stamps follows them, and a root stands behind each."""
        self.pdf = self.file("record.pdf")
        self.signed = signed_in(self.pdf)
        for place, one in enumerate(self.signed.signatures):
            name = ("certificates/seal.pem", "certificates/doctor.pem")[place]
            if read_pem(self.file(name)).der != one.certificate.der:
                raise Wrong("other_certificate", f"{name} is not the certificate that signed the PDF.")
            self._issued(one, is_doctors=place == 1)
        self.signatures = self.signed.signatures
        chain = sorted(read_pem(self.files[name]).der for name in self._named("certificates/seal-chain-"))
        if chain != sorted(one.der for one in self.signatures[0].chain):
            raise Wrong("other_certificate", "The certificates above the seal are not those that stand in the PDF.")
        for one in self.signatures:
            self.held(f"The PDF is as {one.certificate.name} signed it at {spoken(one.at)} (own clock).")

    def _issued(self, one: Signature, *, is_doctors: bool) -> None:
        """Whether a root stands behind a signature's certificate, for this part, and for that time."""
        certificate = one.certificate
        if certificate.is_doctors is not is_doctors or certificate.is_authority:
            raise Wrong("wrong_role", f"The certificate of {certificate.name} is not for this part of the record.")
        roots = [self.root] if is_doctors else [self.root, *self.seal_roots]
        above = leads_to(roots, certificate, one.chain, one.at)
        if above is None or (is_doctors and one.chain):
            raise Wrong("unknown_signer", f"{certificate.name} signed with a certificate that no given root issued.")
        if not certificate.is_in_force(one.at):
            raise Wrong("certificate_not_in_force", f"The certificate of {certificate.name} was not in force then.")
        if above is not self.root:
            self.report.notes.append(
                f"Another authority certified the seal ({above.name}). It certifies others too: "
                f"what makes it this clinic's seal is its name, {certificate.name}."
            )

    def time_stamps(self) -> None:
        """The time stamps of signatures and document are whole, of these very bytes, and as many as the list names."""
        if self.signed is None:
            return  # why, the check before has said
        of_signatures = [_stamp_of(one) for one in self.signed.signatures if one.stamp is not None]
        of_document = [_stamp_in(place, number) for number, place in enumerate(self.signed.stamps, 1)]
        for sentence, stamp in (*of_signatures, *of_document):
            self._stamped(sentence, stamp)
        there = {"signatures": len(of_signatures), "document": len(of_document)}
        listed = there if self.named_stamps is None else self.named_stamps
        if not same(there, listed):
            raise Wrong(
                "time_stamp_missing", f"The list of the bundle names these time stamps: {listed}, the PDF {there}."
            )
        if of_document:
            self.report.notes.append(
                "Behind the last signature stand certificates, lists of revoked ones and time stamps. What this "
                "program does not judge of them: whether the catalogue and the page that are written anew there say "
                "what the signed ones said, the tables of places, and the lists. “intake verify” judges the first two, "
                "a validator of PAdES all three; that the file is the one that the clinic kept, the log says below."
            )
        if not (of_signatures or of_document):
            self.report.notes.append("No time service stamped this record; its times are those of the clinic's clock.")

    def _stamped(self, sentence: str, stamp: TimeStamp) -> None:
        """Say when something was stamped and who stands behind it. Raises Wrong where nobody who was given does."""
        when = f"{sentence} at {spoken(stamp.at)} by {stamp.certificate.name}"
        if not self.wanted_authorities:
            self.held(f"{when}: the time stamp is whole, but nobody said whose it is.")
            return
        brought = self.signed.brought if self.signed else []
        known = [read_pem(self.files[name]) for name in self._named("certificates/time-")]
        known += [*stamp.others, *(Certificate(der) for der in brought if _is_certificate(der))]
        distinct = list({one.der: one for one in known}.values())
        above = authority_of(stamp.certificate, distinct, self.wanted_authorities, stamp.at)
        if above is None:
            problem = f"{when}, and no time authority that was given stands behind it."
            raise Wrong("unknown_time_authority", problem)
        self.held(f"{when}; the time authority that was given stands behind it ({above.name}).")

    def authorities(self) -> None:
        """Where no time authority was given: say which ones there are to be compared."""
        names = self._named("certificates/time-authority-")
        if names and not self.wanted_authorities:
            those = [read_pem(self.files[name]) for name in names]
            each = ", ".join(f"{one.fingerprint} ({one.name})" for one in those)
            self.report.notes.append(
                f"No time authority was given (--time-authority); compare with what it publishes: {each}"
            )

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
        for statement in self.statements:  # what the log committed to is judged also where no root is known
            kind = statement["kind"]
            data = self.file(f"statements/{kind}.json")
            is_same = sha256(data).hex() == statement["sha256"] and same(read_json(data), statement["evidence"])
            if not is_same or statement["evidence"]["type"] != f"intake/{kind}":
                raise Wrong("statement_differs", f"statements/{kind}.json is not the statement in the evidence.")
            self.data.append(data)
        for statement, data in zip(self.statements, self.data):
            kind, signature = statement["kind"], self.file(f"statements/{statement['kind']}.sig")
            is_kept = base64.b64decode(statement["signature"], validate=True) == signature
            if not is_kept or not self._sealed(statement, data, signature):
                raise Wrong("statement_signature_wrong", f"The seal did not sign the statement “{kind}”.")
            self.held(f"The clinic's seal signed the statement “{kind}” of {statement['evidence']['at']}.")
        if len({json.dumps(one["evidence"]["visit"], sort_keys=True) for one in self.statements}) != 1:
            raise Wrong("statements_do_not_belong", "The statements are about two visits.")
        *before, last = self.statements
        if before and last["evidence"]["patient_statement_sha256"] != before[0]["sha256"]:
            raise Wrong("statements_do_not_belong", "The last statement follows another than the one in the bundle.")

    def _sealed(self, statement: Any, data: bytes, signature: bytes) -> bool:
        """Whether the seal of the PDF signed a statement, or an earlier one whose certificate the evidence brings."""
        if not self.signatures:
            raise Wrong("seal_missing", "Without the seal in the PDF the statements' signatures cannot be judged.")
        certificate, chain = self.signatures[0].certificate, list[Certificate]()
        if "certificates" in statement:
            brought = [base64.b64decode(one, validate=True) for one in statement["certificates"]]
            certificate, *chain = (Certificate(der) for der in brought)
            at = datetime.fromisoformat(statement["evidence"]["at"].replace("Z", "+00:00"))
            is_seal = not certificate.is_doctors and not certificate.is_authority and certificate.is_in_force(at)
            if not is_seal or leads_to([self.root, *self.seal_roots], certificate, chain, at) is None:
                raise Wrong("unknown_signer", f"{certificate.name} signed a statement, and no given root issued that.")
            if read_pem(self.file(f"certificates/seal-of-{statement['kind']}.pem")).der != certificate.der:
                raise Wrong("other_certificate", f"Another seal is named for the statement “{statement['kind']}”.")
        algorithm = certificate.key.children()[0].children()[0].oid()
        return certificate.has_signed(data, _named(ECDSA_SHA256 if algorithm == EC_KEY else RSA_SHA256), signature)

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
        self._filed(said)
        stated_as = [self._committed(one, self.data[place], said) for place, one in enumerate(self.statements)]
        self.held(f"The {len(kept)} entries of this visit stand in the signed log; one names this PDF by its SHA-256.")
        for one in self._unsaid(said, stated_as):
            self.report.notes.append(
                f"The patient took something back that this record does not say ({one['event']}, {one['at']})."
            )

    def _unsaid(self, said: list[Any], stated_as: list[int]) -> list[Any]:
        """What was taken back that the record does not say: after its last statement, which may be before its sealing;
        and before that one, where it names nothing of what had been taken back by then."""
        last = self.statements[stated_as.index(max(stated_as))]["evidence"]
        names_before = "withdrawn_before" in last or "taken_back" in last.get("review", {})
        since = max(stated_as) if names_before else min(stated_as)
        taken_back = [one for one in said if one["event"].endswith("withdrawn")]
        return [one for one in taken_back if one["seq"] > since and one["seq"] not in stated_as]

    def _filed(self, said: list[Any]) -> None:
        """One entry says that the PDF was sealed, and one for each time stamp that the file was kept with it."""
        ends = self.signed.states() if self.signed else [len(self.pdf)]
        digests = [sha256(self.pdf[:end]).hex() for end in ends]
        of_files = [one for one in said if one["event"] in ("record.sealed", "record.time_stamped")]
        sealed = [one for one in of_files if one["facts"]["pdf_sha256"] == digests[0]]
        if [one["event"] for one in sealed] != ["record.sealed"]:
            raise Wrong("record_not_in_log", "No entry of the log says that this PDF was sealed.")
        self.sealed_as, record = sealed[0]["seq"], sealed[0]["facts"]["record"]
        stamped = [
            (one["facts"]["number"], one["facts"]["pdf_sha256"])
            for one in of_files
            if one["event"] == "record.time_stamped" and one["facts"]["record"] == record
        ]
        here = list(enumerate(digests[1:], 1))
        if stamped[: len(here)] != here:
            raise Wrong("record_not_in_log", "No entry of the log says that this PDF was kept with its time stamps.")
        if len(stamped) > len(here):
            sentence = f"The log names {len(stamped)} time stamps of this record, and the PDF has {len(here)}."
            raise Wrong("time_stamp_missing", sentence)

    def _committed(self, statement: Any, data: bytes, said: list[Any]) -> int:
        """The number of the entry that commits to a statement; the log says of the events before it what it says."""
        commitment = sha256(bytes.fromhex(statement["evidence"]["salt"]) + data).hex()
        event = f"consent.{statement['kind']}"
        entries = [one["seq"] for one in said if (one["event"], one["facts"].get("commitment")) == (event, commitment)]
        if not entries:
            raise Wrong("statement_not_in_log", f"No entry of the log commits to the statement “{statement['kind']}”.")
        by_number = {one["seq"]: one for one in said}
        for told in statement["evidence"].get("events", ()):
            entry = by_number.get(told["seq"], {})
            if any(not same(entry.get(part), told[part]) for part in ("event", "actor", "facts")):
                raise Wrong("events_differ", f"The evidence tells entry {told['seq']} otherwise than the log.")
        return int(entries[0])

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

    def log_stamp(self) -> None:
        """A checkpoint of this log was stamped, and this log goes on from it."""
        if "log/stamped-checkpoint.txt" not in self.files:
            self.report.notes.append("No time stamp of the log is in the bundle.")
            return
        note = self.file("log/stamped-checkpoint.txt")
        size, root = read_checkpoint(note.decode("utf-8"), self.key)
        stamp = TimeStamp(
            one_der(self.file("log/stamped-checkpoint.tsr"), SEQUENCE), [note], "The time stamp of the log"
        )
        proof = read_json(self.file("log/stamped-consistency.json"))
        if (proof["first"].encode(), proof["second"].encode()) != (note, self.file("log/checkpoint.txt")):
            raise Wrong("other_checkpoint", "The proof beside the stamped checkpoint is about another one.")
        path = [base64.b64decode(step, validate=True) for step in proof["path"]]
        if not is_consistent(size, self.size, root, self.tree_root, path):
            raise Wrong("not_consistent", f"The log does not begin with the one that was stamped at {size} entries.")
        self._stamped(f"The log of {size} entries, with which this one begins, was stamped", stamp)
        if self.sealed_as and self.sealed_as <= size:
            self.held("The entry of this record is among those that were stamped with the log.")
        elif self.sealed_as:
            self.report.notes.append("The log was stamped before this record was sealed: that says nothing of it yet.")


KINDS = {
    *("record", "evidence", "statement", "statement-signature", "definition", "log-entries", "checkpoint"),
    *("log-key", "log-consistency", "certificate", "time-stamp", "time-authority", "program", "text"),
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


def _stamp_of(one: Signature) -> tuple[str, TimeStamp]:
    """The time stamp of a signature (RFC 3161, appendix A), and how a sentence about it begins. Raises Wrong."""
    who = one.certificate.name
    if one.stamp is None:
        raise Wrong("time_stamp_missing", f"The signature of {who} has no time stamp.")
    stamp = TimeStamp(one.stamp, [one.value], f"The time stamp of the signature of {who}")
    return f"The signature of {who} was stamped", stamp


def _stamp_in(place: Place, number: int) -> tuple[str, TimeStamp]:
    """A time stamp of the document, and how a sentence about it begins. Raises Wrong."""
    where = f"Time stamp {number} of the document"
    try:
        token = place.message()
    except ValueError as error:
        raise Wrong("time_stamp_unreadable", f"{where} cannot be read: {error}.") from error
    return f"The whole file up to its time stamp {number} was stamped", TimeStamp(token, place.signed, where)


def _is_certificate(der: bytes) -> bool:
    """Whether the bytes can be read as a certificate; a list of revoked ones cannot."""
    try:
        Certificate(der)
    except (ValueError, IndexError):
        return False
    return True


def _plain(fingerprint: str) -> str:
    return re.sub(r"[\s:]", "", fingerprint).lower()


def verify(path: str, roots: str | Sequence[str], log_key: str = "", authorities: Sequence[str] = ()) -> Report:
    """Check a bundle against the fingerprints of one root or several, the log's printed key where one is given, and the
    fingerprints of the time authorities that count."""
    given = [roots] if isinstance(roots, str) else roots
    try:
        bundle = Bundle(read_bundle(path), [*map(_plain, given)], log_key.strip(), [*map(_plain, authorities)])
    except Wrong as wrong:
        report = Report()
        report.problems.append((wrong.code, wrong.sentence))
        return report
    return bundle.check()


def main() -> int:
    """Read the command line, print the report, give the exit code."""
    parser = argparse.ArgumentParser(description="Check the evidence bundle of a sealed record, offline.")
    parser.add_argument("bundle", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    root = "SHA-256 of the clinic's root certificate, from elsewhere; again for the root of another authority's seal"
    parser.add_argument("--root", required=True, action="append", help=root)
    parser.add_argument("--log-key", default="", help="the log's key as the clinic printed it")
    authority = "SHA-256 of the certificate of the authority behind the time stamps, from elsewhere; may be repeated"
    parser.add_argument("--time-authority", action="append", default=[], help=authority)
    parser.add_argument("--json", action="store_true", help="one object for programs")
    given = parser.parse_args()
    report = verify(given.bundle, given.root, given.log_key, given.time_authority)
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
