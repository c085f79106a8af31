"""The sealing job: look, do the slow part, write, then sign the log that says so. Safe to run again at any step: a file
is stored with every signature it is to have, or not at all."""

from uuid import UUID

from intake import audit, jobs
from intake.db import let_go, transaction
from intake.errors import NotAllowed
from intake.records import doctor_keys, service, stamp_keeping
from intake.records.certificates import ClinicKeys, Doctor
from intake.records.engine import render
from intake.records.seal import the_sealer
from intake.records.stamping import stamp
from intake.time_stamps import the_time_service


@jobs.handler("records.seal")
def seal_record(visit_id: str, of: str = "") -> None:
    """Seal the visit's outcome as one PDF, signed too by the doctor who countersigned, or what was taken back (the
    statement `of`), unless that is done; and sign the log with the record in it."""
    made = service.unsealed(UUID(visit_id), of)
    let_go()
    if made is not None:
        _file(made)
    audit.checkpoint()


@jobs.handler(stamp_keeping.JOB, outside=True)
def time_stamp(record: str, number: str) -> None:
    """Set a record's time stamp of this number and keep the file with it beside the one before, unless that is done;
    and sign the log with it. A renewal whose certificate would end no later than the one before is left for another
    month."""
    made = stamp_keeping.unstamped(UUID(record), int(number))
    time = the_time_service()
    let_go()
    if made is None:
        return
    if time is None:
        raise NotAllowed("time_stamp.no_service")
    pdf, token = stamp(made.pdf, the_sealer().keys, time)
    if made.good_until is not None and token.until <= made.good_until:
        return
    stored = stamp_keeping.store_stamped(made, pdf)
    with transaction():
        stamp_keeping.add_stamp(made, pdf, stored, token)
    audit.checkpoint()


def ask_for_time_stamps() -> int:
    """Ask for every time stamp that is missing or must be renewed; gives how many. The worker does it once an hour."""
    with transaction():
        return stamp_keeping.ask_for_all()


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
