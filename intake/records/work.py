"""The sealing job: look, do the slow part, write, then sign the log that says so. Safe to run again at any step: a file
is stored with every signature it is to have, or not at all."""

from uuid import UUID

from intake import audit, jobs, telemetry
from intake.config import Settings
from intake.db import let_go, transaction
from intake.errors import DomainError, NotAllowed
from intake.records import doctor_keys, service, stamp_keeping
from intake.records.certificates import ClinicKeys, Doctor
from intake.records.engine import render
from intake.records.keeping import renew_seal, the_clinic_sealer
from intake.records.seal import the_sealer
from intake.records.stamping import stamp
from intake.time_stamps import the_time_service


@jobs.handler("records.seal")
def seal_record(visit_id: str, of: str = "") -> None:
    """Seal the visit's outcome as one PDF, signed too by the doctor who countersigned, or what was taken back (the
    statement `of`), unless that is done; and sign the log with the record in it."""
    the_clinic_sealer().refresh()  # once: the evidence and the seal around it are by the same seal
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
    sealer = the_sealer()
    pdf, token = stamp(made.pdf, sealer.keys, time, sealer.trust)
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


def renew_when_due(settings: Settings) -> None:
    """Renew the seal where nobody did 30 days before its certificate ends; what stops that is said in the service's own
    log, and by the health page, and stops nothing else."""
    try:
        with transaction():
            made = renew_seal(settings, by_itself=True)
    except (DomainError, OSError, ValueError) as error:
        code = error.code if isinstance(error, DomainError) else type(error).__name__
        telemetry.log.error("seal.not_renewed", extra={"facts": {"code": code}})
        return
    if made is not None:
        telemetry.note("seal.renewed", certificate=made.seal_fingerprint)
