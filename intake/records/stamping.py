"""Setting a document time stamp in a finished record, with what a later check needs (PAdES B-LTA, ETSI EN 319 142-1).

Everything before stays as it was, byte for byte: one update is added, with the certificates and the lists of revoked
ones, and the time stamp over all of it. Whether a file has exactly that is left to `stamped.py`.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any

from asn1crypto import cms, crl
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from intake.errors import Invalid
from intake.records import revocation
from intake.records.certificates import ClinicKeys, as_asn1, fingerprint
from intake.records.seal import PlainWriter
from intake.records.signed_bytes import places
from intake.records.stamped import FIELD, count_stamps, is_list_of
from intake.records.trust import Trust, leads_to
from intake.time_stamps import TimeService, Token, checked


def stamp(pdf: bytes, keys: ClinicKeys, time: TimeService, trust: Trust | None = None) -> tuple[bytes, Token]:
    """The record with one more document time stamp, and the stamp. Slow: it asks outside.

    `trust` has the roots that may stand behind the signers beside the clinic's present one. Where another authority's
    list is at none of the allowed hosts, or shows that the seal was taken back, the stamp is set without it; so where
    none is kept of an earlier root of the clinic's, whose key is not there any more.
    Raises what TimeService.stamp and `lists_for` do, what `revocation.the_list` does, and
    Invalid("time_stamp.other_signer") where the service answers each time with another certificate.
    """
    return asyncio.run(_stamped(pdf, keys, time, trust or Trust((keys.root,))))


async def _stamped(pdf: bytes, keys: ClinicKeys, time: TimeService, trust: Trust) -> tuple[bytes, Token]:
    # The service's own certificates must be in the file before its stamp is set: asked for once to see them.
    known = await time.ask(sha256(pdf).digest())
    for _ in range(2):
        taken = _OneStamp(time)
        certificates, lists = await _evidence(pdf, keys, time, known)
        former, outside = _former(pdf, keys, trust), await _outside(pdf, time, trust.outside)
        certificates, lists = [*certificates, *former[0], *outside[0]], _once([*lists, *former[1], *outside[1]])
        writer = PlainWriter(BytesIO(pdf))
        DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=certificates, crls=lists)
        stamper = PdfTimeStamper(taken, field_name=f"{FIELD}{count_stamps(pdf) + 1}")
        done = await stamper.async_timestamp_pdf(writer, "sha256", bytes_reserved=2 * time.size)
        if taken.token is not None and taken.token.chain[0].dump() == known.chain[0].dump():
            return bytes(done.getvalue()), taken.token
        known = taken.token or known
    raise Invalid("time_stamp.other_signer")


async def _evidence(pdf: bytes, keys: ClinicKeys, time: TimeService, known: Token) -> tuple[list[Any], list[Any]]:
    """The certificates of everybody who signed or stamped, and of who issued them; and the lists that show that none
    was revoked. The roots prove nothing, for a checker must have them from elsewhere; but checkers look for the issuer
    of a list among the certificates of the file (pyHanko's ades_lta_validation finds no list without them)."""
    reader = PdfFileReader(BytesIO(pdf))
    certificates = [as_asn1(keys.root), *(one.signer_cert for one in reader.embedded_regular_signatures)]
    tokens = [known]
    for place in places(pdf):
        if place.message is not None and place.message.stamp:
            tokens.append(await checked(place.message.stamp, place.message.stamped, time.authorities))
    lists: list[Any] = [crl.CertificateList.load(revocation.the_list(keys))]
    for token in tokens:
        certificates += token.chain
        lists += await time.lists_for(token)
    return certificates, _once(lists)


def _former(pdf: bytes, keys: ClinicKeys, trust: Trust) -> tuple[list[Any], list[Any]]:
    """The earlier roots of the clinic's that stand behind a signer, and the lists that were kept of them."""
    messages = [place.message for place in places(pdf) if place.message is not None]
    above = [leads_to(trust.roots, one.certificate, one.chain) for one in messages]
    roots = list({fingerprint(one): one for one in above if one is not None and one != keys.root}.values())
    lists = [one for one in trust.lists if any(is_list_of(root, one) for root in roots)]
    return (
        [as_asn1(one) for one in roots],
        [crl.CertificateList.load(one.public_bytes(Encoding.DER)) for one in lists],
    )


async def _outside(pdf: bytes, time: TimeService, roots: Sequence[x509.Certificate]) -> tuple[list[Any], list[Any]]:
    """The chain of each signer whom another authority certified, its root, and their lists where they can be had."""
    certificates, lists = list[Any](), list[Any]()
    for message in (place.message for place in places(pdf)):
        if message is None or (root := leads_to(roots, message.certificate, message.chain)) is None:
            continue
        path = [as_asn1(one) for one in (message.certificate, *message.chain, root)]
        certificates += path
        lists += await time.lists_of(path)
    return certificates, lists


def _once(lists: Sequence[Any]) -> list[Any]:
    return list({one.dump(): one for one in lists}.values())


class _OneStamp(TimeStamper):
    """pyHanko's way to our time service; what it answers is checked before it is used."""

    def __init__(self, time: TimeService) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.time = time
        self.token: Token | None = None

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        self.token = await self.time.ask(message_digest)
        return cms.ContentInfo.load(self.token.der)
