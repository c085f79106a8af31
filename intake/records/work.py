"""The sealing job: look, do the slow part, then write. Safe to run again at any step."""

from uuid import UUID

from intake import jobs
from intake.db import let_go, transaction
from intake.records import service
from intake.records.engine import render
from intake.records.seal import the_sealer


@jobs.handler("records.seal")
def seal_record(visit_id: str) -> None:
    """Seal the visit's outcome as one PDF; does nothing when that is done."""
    made = service.unsealed(UUID(visit_id))
    let_go()
    if made is None:
        return
    # In the language that the evidence names, in which the patient read and signed; no request, no setting is asked.
    pdf = the_sealer().seal(render(made.snapshot, made.evidence))
    key = service.store(made, pdf)
    with transaction():
        service.add(made, pdf, key)
