"""The sealing job: look, do the slow part, write, then sign the log that says so. Safe to run again at any step."""

from uuid import UUID

from intake import audit, i18n, jobs
from intake.db import let_go, transaction
from intake.records import service
from intake.records.render import render
from intake.records.seal import the_sealer


@jobs.handler("records.seal")
def seal_record(visit_id: str, of: str = "") -> None:
    """Seal the visit's outcome as one PDF, or what was taken back (the statement `of`), unless that is done; and sign the
    log with the record in it."""
    made = service.unsealed(UUID(visit_id), of)
    let_go()
    if made is not None:
        _file(made)
    audit.checkpoint()


def _file(made: service.Unsealed) -> None:
    # The evidence says in which language the patient read and signed; no request and no setting is asked.
    translate = i18n.translator(made.snapshot.language)
    pdf = the_sealer().seal(render(made.snapshot, made.evidence, translate))
    key = service.store(made, pdf)
    with transaction():
        service.add(made, pdf, key)
