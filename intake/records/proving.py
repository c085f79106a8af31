"""What of a record goes into an evidence bundle: its evidence as embedded, and the certificates it rests on.

Which files a bundle has, and what else is in it, is left to the archive.
"""

from dataclasses import dataclass
from io import BytesIO

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from intake.errors import Damaged
from intake.records import embedded
from intake.records.certificates import fingerprint
from intake.records.seal import the_sealer
from intake.records.signed_bytes import places

ROLES = ("seal", "doctor")


@dataclass(frozen=True)
class Material:
    """The evidence's bytes, the certificates in PEM by role (root, seal, doctor), and the root's SHA-256."""

    evidence: bytes
    certificates: dict[str, bytes]
    root_sha256: str


def material_of(pdf: bytes) -> Material:
    """Take a genuine record apart. The signers' certificates are those in it; the keys of today may be others.

    Raises Damaged("records.not_taken_apart") for a file that is none.
    """
    root = the_sealer().keys.root
    evidence = embedded.take_out(PdfFileReader(BytesIO(pdf)))
    messages = [place.message for place in places(pdf)]
    if evidence is None or not messages or len(messages) > len(ROLES):
        raise Damaged("records.not_taken_apart")
    certificates = {"root": _pem(root)}
    for role, message in zip(ROLES, messages, strict=False):
        if message is None:
            raise Damaged("records.not_taken_apart")
        certificates[role] = _pem(message.certificate)
    return Material(evidence, certificates, fingerprint(root))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
