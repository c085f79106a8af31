"""The sealed record: composed from evidence, rendered, sealed, kept, opened, verified. Front door."""

from intake.records.certificates import ClinicKeys
from intake.records.checking import check_all
from intake.records.seal import PadesSealer
from intake.records.service import (
    RecordView,
    Unfiled,
    compared,
    digests_of,
    find_by_number,
    get_record,
    open_pdf,
    record_of_visit,
    records_of_day,
    records_of_patients,
    records_of_visit,
    state_of,
    unfiled,
    verify_record,
)
from intake.records.stamp_keeping import Waiting, count_awaiting_time_stamp, why_waiting
from intake.records.verifying import SENTENCES, Fault, Proof, Verdict, verify
from intake.records.work import ask_for_time_stamps
from intake.records.worth import RecordState

__all__ = [
    "SENTENCES",
    "ClinicKeys",
    "Fault",
    "PadesSealer",
    "Proof",
    "RecordState",
    "RecordView",
    "Unfiled",
    "Verdict",
    "Waiting",
    "ask_for_time_stamps",
    "check_all",
    "compared",
    "count_awaiting_time_stamp",
    "digests_of",
    "find_by_number",
    "get_record",
    "open_pdf",
    "record_of_visit",
    "records_of_day",
    "records_of_patients",
    "records_of_visit",
    "state_of",
    "unfiled",
    "verify",
    "verify_record",
    "why_waiting",
]
