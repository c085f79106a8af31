"""The sealed record: composed from evidence, rendered, sealed, kept, opened, verified. Front door."""

from intake.records.certificates import ClinicKeys
from intake.records.seal import PadesSealer
from intake.records.service import (
    RecordView,
    Unfiled,
    compared,
    find_by_number,
    get_record,
    open_pdf,
    record_of_visit,
    records_of_day,
    records_of_patients,
    unfiled,
    verify_record,
)
from intake.records.verifying import SENTENCES, Fault, Verdict, verify

__all__ = [
    "SENTENCES",
    "ClinicKeys",
    "Fault",
    "PadesSealer",
    "RecordView",
    "Unfiled",
    "Verdict",
    "compared",
    "find_by_number",
    "get_record",
    "open_pdf",
    "record_of_visit",
    "records_of_day",
    "records_of_patients",
    "unfiled",
    "verify",
    "verify_record",
]
