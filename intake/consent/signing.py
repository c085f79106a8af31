"""The seal's signature over a statement: at once, or later where the seal is out of order or on a slow device.

The job that makes it later is `work.py`.
"""

from uuid import UUID

from intake import audit, clock, telemetry
from intake.access import SYSTEM
from intake.consent.models import LateSignature
from intake.db import db, take_turns
from intake.errors import NotReady
from intake.signer import the_signer


def signature_now(data: bytes) -> bytes:
    """The seal's signature, or nothing where it cannot be had at once: a patient does not wait for a key that is out of
    order. The log's entry commits to the statement all the same."""
    try:
        return the_signer().sign_at_once(data)
    except NotReady as reason:
        telemetry.log.warning("consent.signed_later", extra={"facts": {"code": reason.code}})
        return b""


def keep_signature(statement_id: UUID, signature: bytes) -> None:
    """Keep the seal's signature over a statement that had none, and note it in the log; twice is once."""
    take_turns(f"late signature {statement_id}")
    if db.session.get(LateSignature, statement_id) is not None:
        return
    db.session.add(LateSignature(statement_id=statement_id, signature=signature, at=clock.now()))
    db.session.flush()
    audit.record("consent.signed_late", statement_id, by=SYSTEM)


def late_signature(statement_id: UUID) -> bytes:
    """The signature that a statement got later; nothing where it still waits."""
    kept = db.session.get(LateSignature, statement_id)
    return kept.signature if kept else b""
