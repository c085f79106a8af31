"""The sealing job: look, do the slow part, write, then sign the log that says so. Safe to run again at any step: a file
is stored with every signature it is to have, or not at all."""

from uuid import UUID

from intake import audit, jobs
from intake.db import let_go, transaction
from intake.records import doctor_keys, service
from intake.records.certificates import ClinicKeys, Doctor
from intake.records.engine import render
from intake.records.seal import the_sealer


@jobs.handler("records.seal")
def seal_record(visit_id: str, of: str = "") -> None:
    """Seal the visit's outcome as one PDF, signed too by the doctor who countersigned, or what was taken back (the
    statement `of`), unless that is done; and sign the log with the record in it."""
    made = service.unsealed(UUID(visit_id), of)
    let_go()
    if made is not None:
        _file(made)
    audit.checkpoint()


def _file(made: service.Unsealed) -> None:
    sealer = the_sealer()
    key = _doctors_key(sealer.keys, *made.countersigner) if made.countersigner else None
    # In the language that the evidence names, in which the patient read and signed; no request, no setting is asked.
    pdf = sealer.seal(render(made.snapshot, made.evidence))
    if key is not None:
        pdf = sealer.countersign(pdf, key.certificate, key.private)
    stored = service.store(made, pdf)
    with transaction():
        service.add(made, pdf, stored)


def _doctors_key(keys: ClinicKeys, doctor_id: UUID, doctor: Doctor) -> doctor_keys.Key:
    """The doctor's key, made and kept now where there is none that may sign."""
    found = doctor_keys.find_key(keys, doctor_id, doctor)
    let_go()
    if found is not None:
        return found
    made = doctor_keys.make_key(keys, doctor)
    with transaction():
        return doctor_keys.keep_key(keys, doctor_id, doctor, made)
