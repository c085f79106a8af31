"""The sealed record: composed from evidence, rendered, sealed, kept, opened, verified. Front door."""

from intake.records.certificates import ClinicKeys
from intake.records.checking import check_all
from intake.records.proving import Material, material_of
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
    records_of_visit,
    state_of,
    unfiled,
    verify_record,
)
from intake.records.verifying import SENTENCES, Fault, Verdict, verify
from intake.records.worth import RecordState

__all__ = [
    "SENTENCES",
    "ClinicKeys",
    "Fault",
    "Material",
    "PadesSealer",
    "RecordState",
    "RecordView",
    "Unfiled",
    "Verdict",
    "check_all",
    "compared",
    "find_by_number",
    "get_record",
    "material_of",
    "open_pdf",
    "record_of_visit",
    "records_of_day",
    "records_of_patients",
    "records_of_visit",
    "state_of",
    "unfiled",
    "verify",
    "verify_record",
]
