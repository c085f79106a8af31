"""The sealed record: composed from evidence, rendered, sealed, kept, opened, verified. Front door."""

from intake.records.certificates import ClinicKeys, fingerprint
from intake.records.checking import check_all
from intake.records.doctor_keys import doctors_certificates
from intake.records.keeping import ClinicSealer, certificates_in_use, renew_seal, try_seal
from intake.records.proving import Material, material_of
from intake.records.revocation import root_list_ends_at
from intake.records.seal import PadesSealer
from intake.records.service import (
    RecordView,
    Unfiled,
    compared,
    digests_of,
    find_by_number,
    get_record,
    open_pdf,
    open_verified,
    record_of_visit,
    records_of_day,
    records_of_patients,
    records_of_visit,
    state_of,
    unfiled,
    verify_record,
)
from intake.records.stamp_keeping import WHY_NO_STAMP, Waiting, count_awaiting_time_stamp, why_waiting
from intake.records.trust import Trust
from intake.records.verdict import NOT_KEPT, SENTENCES, Fault, Proof, Verdict
from intake.records.verifying import verify
from intake.records.words import STATE_WORDS
from intake.records.work import ask_for_time_stamps, renew_when_due
from intake.records.worth import RecordState

__all__ = [
    "NOT_KEPT",
    "SENTENCES",
    "STATE_WORDS",
    "WHY_NO_STAMP",
    "ClinicKeys",
    "ClinicSealer",
    "Fault",
    "Material",
    "PadesSealer",
    "Proof",
    "RecordState",
    "RecordView",
    "Trust",
    "Unfiled",
    "Verdict",
    "Waiting",
    "ask_for_time_stamps",
    "certificates_in_use",
    "check_all",
    "compared",
    "count_awaiting_time_stamp",
    "digests_of",
    "doctors_certificates",
    "find_by_number",
    "fingerprint",
    "get_record",
    "material_of",
    "open_pdf",
    "open_verified",
    "record_of_visit",
    "records_of_day",
    "records_of_patients",
    "records_of_visit",
    "renew_seal",
    "renew_when_due",
    "root_list_ends_at",
    "state_of",
    "try_seal",
    "unfiled",
    "verify",
    "verify_record",
    "why_waiting",
]
