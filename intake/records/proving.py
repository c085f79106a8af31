"""What of a record goes into an evidence bundle: its evidence as embedded, the certificates it rests on, and its time
stamps. Which files a bundle has, and what else is in it, is left to the archive."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from intake.errors import Damaged, Invalid
from intake.records import embedded
from intake.records.certificates import fingerprint
from intake.records.seal import the_sealer
from intake.records.signed_bytes import Message, Place, places
from intake.records.stamped import base_of, stamps_of
from intake.records.trust import Trust, leads_to
from intake.time_stamps import Token, check, the_authorities

ROLES = ("seal", "doctor")


@dataclass(frozen=True)
class Material:
    """The evidence's bytes; the certificates in PEM by what they are: `root` (the clinic's own), `seal`, `doctor`,
    `seal-chain-1` and so on for those between a seal and another authority's root, `seal-root-1` for that,
    `seal-of-KIND` for an earlier seal under a statement. `stamps` are the tokens of the signatures, and those of
    the document."""

    evidence: bytes
    certificates: dict[str, bytes]
    stamps: tuple[tuple[Token, ...], tuple[Token, ...]]


def material_of(pdf: bytes) -> Material:
    """Take a genuine record apart. The signers' certificates are those in it; the keys of today may be others.

    Raises Damaged("records.not_taken_apart") for a file that is none, Invalid as time_stamps.check does where a time
    stamp in it does not hold.
    """
    trust, base = the_sealer().trust, base_of(pdf)
    evidence = embedded.take_out(PdfFileReader(BytesIO(pdf)))
    messages = [_message(place) for place in places(pdf[:base])]
    if evidence is None or not 0 < len(messages) <= len(ROLES):
        raise Damaged("records.not_taken_apart")
    stamped = stamps_of(pdf, base, the_authorities())
    if stamped.problem:
        raise Invalid(stamped.problem)
    seals = {"seal": (messages[0].certificate, messages[0].chain), **dict(_earlier_seals(evidence))}
    return Material(
        evidence,
        {
            **_roots(trust, messages, seals),
            **{role: _pem(one.certificate) for role, one in zip(ROLES, messages, strict=False)},
            **{name: _pem(certificate) for name, (certificate, _) in seals.items()},
            **{f"seal-chain-{number}": _pem(one) for number, one in enumerate(messages[0].chain, 1)},
        },
        (
            tuple(check(one.stamp, one.stamped, the_authorities()) for one in messages if one.stamp),
            stamped.tokens,
        ),
    )


def _message(place: Place) -> Message:
    if place.message is None:
        raise Damaged("records.not_taken_apart")
    return place.message


Seals = dict[str, tuple[x509.Certificate, Sequence[x509.Certificate]]]


def _earlier_seals(evidence: bytes) -> Iterator[tuple[str, tuple[x509.Certificate, Sequence[x509.Certificate]]]]:
    """The seal before, with its chain, of each statement that was signed under one."""
    statements: list[dict[str, Any]] = json.loads(evidence)["statements"]
    for one in statements:
        if "certificates" in one:
            first, *chain = (x509.load_der_x509_certificate(base64.b64decode(der)) for der in one["certificates"])
            yield f"seal-of-{one['kind']}", (first, chain)


def _roots(trust: Trust, messages: Sequence[Message], seals: Seals) -> dict[str, bytes]:
    """The clinic's root behind the doctor (without one behind the seal, else today's), and each other behind a seal."""
    above = [leads_to(trust.anchors, certificate, chain) for certificate, chain in seals.values()]
    found = [root for root in above if root is not None]
    if len(found) != len(above):
        raise Damaged("records.not_taken_apart")
    doctors = [leads_to(trust.roots, one.certificate, ()) for one in messages[1:]]
    own = next((root for root in (*doctors, *found, *trust.roots) if root in trust.roots), None)
    if own is None:
        raise Damaged("records.not_taken_apart")
    others = {fingerprint(root): root for root in found if root != own}.values()
    return {"root": _pem(own), **{f"seal-root-{number}": _pem(one) for number, one in enumerate(others, 1)}}


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
