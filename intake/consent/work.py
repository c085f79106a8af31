"""The job that signs a statement later: one that was made while the seal was out of order, or is on a slow device."""

from uuid import UUID

from intake import jobs
from intake.consent import signing, statements
from intake.db import let_go, transaction
from intake.signer import the_signer


@jobs.handler("consent.sign")
def sign_late(statement_id: str) -> None:
    """Have the seal sign a statement, unless that is done; waits while the seal is out of order."""
    data = statements.waiting_for_signature(UUID(statement_id))
    let_go()
    if data is None:
        return
    signature = the_signer().sign_evidence(data)
    with transaction():
        signing.keep_signature(UUID(statement_id), signature)
