"""The clinic's seal key as the rooms see it: something that signs evidence.
How, and how PDFs are sealed, is left to records."""

from typing import Protocol

from flask import current_app


class EvidenceSigner(Protocol):
    """Signs canonical bytes with the clinic's seal key."""

    def sign_evidence(self, data: bytes) -> bytes:
        """The seal key's signature over the bytes, with SHA-256: ECDSA P-256 in DER, or RSA (PKCS #1 v1.5). Raises
        NotReady where the key is out of order."""
        ...

    def sign_at_once(self, data: bytes) -> bytes:
        """The same where it takes no time. Raises NotReady where the key is out of order, or on a token that may be
        slow: then the statement is kept, and the worker signs it."""
        ...

    def verify_evidence(self, data: bytes, signature: bytes) -> bool:
        """Whether the clinic's seal, the present one or one before it, signed exactly these bytes."""
        ...


def the_signer() -> EvidenceSigner:
    """The running application's signer."""
    signer: EvidenceSigner = current_app.extensions["intake_signer"]
    return signer
