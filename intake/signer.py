"""The clinic's seal key as the rooms see it: something that signs evidence.
How, and how PDFs are sealed, is left to records."""

from typing import Protocol

from flask import current_app


class EvidenceSigner(Protocol):
    """Signs canonical bytes with the clinic's seal key."""

    def sign_evidence(self, data: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 over the bytes, DER."""
        ...

    def verify_evidence(self, data: bytes, signature: bytes) -> bool:
        """Whether the clinic's present seal signed exactly these bytes."""
        ...


def the_signer() -> EvidenceSigner:
    """The running application's signer."""
    signer: EvidenceSigner = current_app.extensions["intake_signer"]
    return signer
