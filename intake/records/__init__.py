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
    unfiled,
    verify_record,
)

__all__ = [
    "ClinicKeys",
    "PadesSealer",
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
    "unfiled",
    "verify_record",
]
