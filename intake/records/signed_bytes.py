"""The signatures of a PDF as bytes: where each one stands, what it covers, and whether its message holds.

The file's structure is not read here, so that this also says something of a file whose structure is damaged; what the
signatures mean together is `verifying.py`.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from asn1crypto import cms, core, parser
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from intake.records.certificates import Doctor, common_name, doctor_of, has_signed

RANGE = re.compile(rb"/ByteRange\s*\[([^\]]{0,80})\]")
GAP = re.compile(rb"<([0-9A-F]+)>")
# Of the two numbers that both verify (s and -s) we write the smaller, so that a signature has one form (SEC 1, 4.1.4).
SEQUENCE, SET, TAG_0, TAG_1 = 0x30, 0x31, 0xA0, 0xA1
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

STAMP = core.ObjectIdentifier("1.2.840.113549.1.9.16.2.14").dump()
VERSION = core.Integer(1).dump()
ECDSA_SHA256 = b"\x30\x0a" + core.ObjectIdentifier("1.2.840.10045.4.3.2").dump()
RSA_SHA256 = b"\x30\x0d" + core.ObjectIdentifier("1.2.840.113549.1.1.11").dump() + core.Null().dump()
SHA256 = b"\x30\x0d" + core.ObjectIdentifier("2.16.840.1.101.3.4.2.1").dump() + core.Null().dump()


@dataclass(frozen=True)
class Place:
    """One signature's place: the bytes before `start` and from `end` to `covered` are signed, the message stands
    between. All three are 0 where its numbers cannot be read. `at` is where they stand."""

    pdf: bytes
    at: int
    start: int = 0
    end: int = 0
    covered: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether its numbers leave out the message alone, and end behind them, where a state of the file ends."""
        return (
            0 < self.start < self.end < self.covered <= len(self.pdf)
            and self.at < self.covered
            and GAP.fullmatch(self.gap) is not None
            and self.pdf.endswith((b"%%EOF", b"%%EOF\n"), 0, self.covered)
        )

    @property
    def gap(self) -> bytes:
        """What no signature can cover: the place of its own message."""
        return self.pdf[self.start : self.end]

    @property
    def byte_range(self) -> tuple[int, int, int, int]:
        """As the file says it (ISO 32000-2, 12.8.1)."""
        return 0, self.start, self.end, self.covered - self.end

    @cached_property
    def message(self) -> "Message | None":
        """What stands in the gap, or None where that is not the one form we write."""
        return _read(self.gap) if self.is_whole else None

    @cached_property
    def is_unchanged(self) -> bool:
        """Whether the signed bytes are those that were signed."""
        signed = sha256(memoryview(self.pdf)[: self.start])
        signed.update(memoryview(self.pdf)[self.end : self.covered])
        return self.message is not None and signed.digest() == self.message.digest


@dataclass(frozen=True)
class Message:
    """A signature's message (CMS, RFC 5652): whose it is, the digest it signs, and whether it is truly theirs."""

    certificate: x509.Certificate
    who: str
    doctor: Doctor | None
    digest: bytes
    is_theirs: bool
    is_low: bool
    chain: tuple[x509.Certificate, ...] = ()
    signature: bytes = b""
    stamp: bytes = b""

    @property
    def stamped(self) -> bytes:
        """What the signature's time stamp must be of (RFC 3161, appendix A): the SHA-256 of the signature's value."""
        return sha256(self.signature).digest()


def places(pdf: bytes) -> list[Place]:
    """Every signature's place, in the order of the file. A word that only looks like one counts as a broken place."""
    return [_place(pdf, found.start(), found[1]) for found in RANGE.finditer(pdf)]


def low(signature: bytes) -> bytes:
    """The form of an ECDSA P-256 signature with the smaller s; the other form verifies as well."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, P256_ORDER - s))


def _place(pdf: bytes, at: int, numbers: bytes) -> Place:
    parts = numbers.split()
    if len(parts) != 4 or not all(part.isdigit() and len(part) < 12 for part in parts) or int(parts[0]) != 0:
        return Place(pdf, at)
    start, end, length = (int(part) for part in parts[1:])
    return Place(pdf, at, start, end, end + length)


def _read(gap: bytes) -> Message | None:
    """A message can be spelled in several ways and say the same; only the one form we write is taken: DER, the
    signer's certificate and those between it and a root, of what is not signed at most the time stamp of the signature,
    then zeros up to the end of the gap. Whether the certificates are the right ones is the trust's to say, which takes
    each of them or none."""
    try:
        padded = bytes.fromhex(gap[1:-1].decode())
        content = cms.ContentInfo.load(padded)
        signed = content["content"]
        (info,), given = signed["signer_infos"], [one.chosen for one in signed["certificates"]]
        chosen = next(one for one in given if one.issuer_serial == _issuer_serial(info))
        attributes = {one["type"].native: one["values"] for one in info["signed_attrs"]}
        certificate = x509.load_der_x509_certificate(chosen.dump())
        exact = _in_our_form(info, chosen, given).ljust(len(padded), b"\0") == padded
        (named,) = attributes["signing_certificate_v2"][0]["certs"]
        signature = info["signature"].native
        is_theirs = (
            exact
            and named["cert_hash"].native == sha256(chosen.dump()).digest()
            and has_signed(certificate, info["signed_attrs"].untag().dump(), signature)
        )
        return Message(
            certificate=certificate,
            who=common_name(certificate),
            doctor=doctor_of(certificate),
            digest=attributes["message_digest"][0].native,
            is_theirs=is_theirs,
            is_low=_is_rsa(chosen) or low(signature) == signature,
            chain=tuple(x509.load_der_x509_certificate(one.dump()) for one in given if one is not chosen),
            signature=signature,
            stamp=_stamp_of(info),
        )
    except Exception:  # bytes that are no message may fail anywhere in the decoder; that is the finding
        return None


def _issuer_serial(info: cms.SignerInfo) -> bytes:
    named = info["sid"].chosen
    return bytes(named["issuer"].sha256) + b":" + str(named["serial_number"].native).encode()


def _is_rsa(certificate: Any) -> bool:
    return str(certificate.public_key.algorithm) == "rsa"


def _stamp_of(info: cms.SignerInfo) -> bytes:
    """The time stamp of the signature (RFC 3161, appendix A), as it stands there; empty where it has none."""
    if not info["unsigned_attrs"]:
        return b""
    (only,) = info["unsigned_attrs"]
    (token,) = only["values"]
    return bytes(token.dump())


def _in_our_form(info: cms.SignerInfo, certificate: Any, given: list[Any]) -> bytes:
    """The message anew from what is signed in it: all that is not is given its one value."""
    attributes = info["signed_attrs"].untag().dump()
    signer = _der(
        SEQUENCE,
        VERSION,
        _der(SEQUENCE, certificate.issuer.dump(), core.Integer(certificate.serial_number).dump()),
        SHA256,
        _der(TAG_0, parser.parse(attributes, strict=True)[4]),
        RSA_SHA256 if _is_rsa(certificate) else ECDSA_SHA256,
        core.OctetString(info["signature"].native).dump(),
        *([_der(TAG_1, _der(SEQUENCE, STAMP, _der(SET, stamp)))] if (stamp := _stamp_of(info)) else []),
    )
    data = _der(SEQUENCE, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump())
    signed = _der(
        SEQUENCE, VERSION, _der(SET, SHA256), data, _der(TAG_0, *sorted(one.dump() for one in given)), _der(SET, signer)
    )
    return _der(SEQUENCE, core.ObjectIdentifier("1.2.840.113549.1.7.2").dump(), _der(TAG_0, signed))


def _der(tag: int, *parts: bytes) -> bytes:
    """A value with its tag and its length in the one form that DER allows (X.690, 10.1)."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
