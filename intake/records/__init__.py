"""The sealed record: composed from evidence, rendered, sealed, kept, opened, verified. Front door."""

from intake.records.checking import check_all
from intake.records.seal import ClinicKeys, PadesSealer, Verdict
from intake.records.service import (
    RecordView,
    Unfiled,
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
from intake.records.worth import RecordState

__all__ = [
    "ClinicKeys",
    "PadesSealer",
    "RecordState",
    "RecordView",
    "Unfiled",
    "Verdict",
    "check_all",
    "find_by_number",
    "get_record",
    "open_pdf",
    "record_of_visit",
    "records_of_day",
    "records_of_patients",
    "records_of_visit",
    "state_of",
    "unfiled",
    "verify_record",
]
