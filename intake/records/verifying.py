"""Whether a PDF is a record as this clinic sealed it, and if not, what is wrong: offline, against one root, by reasons.

The order of the checks, what is added or cut off, and the evidence. Signatures are `verifying_signatures.py`, time
stamps `verifying_time.py`, the reasons `verdict.py`.
"""

from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any

from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from intake.records import embedded
from intake.records.case import Case
from intake.records.rules import digest
from intake.records.stamped import OBJECT, base_of, has_lists
from intake.records.trust import Trust, as_trust
from intake.records.verdict import Fault, Role, Verdict
from intake.records.verifying_signatures import check_message, check_structure, signatures_as_bytes
from intake.records.verifying_time import follow


def verify(pdf: bytes, root: x509.Certificate | Trust, authorities: Sequence[Any] = ()) -> Verdict:
    """Check a record against a root, or all that a clinic trusts, offline; a changed byte anywhere is found and named.
    Never raises.

    Time stamps must chain to one of the `authorities`; where none is named, only that they are whole is known.
    A certificate counts as it stood at the time the signature claims: sealed records outlive the seal's three years.
    That the claim is true, and that this is the record of that number, only the log and the record's row can say.
    """
    case = Case(pdf[: base_of(pdf)], as_trust(root), authorities)
    if not pdf.startswith(b"%PDF-"):
        case.faults.add(Fault.NOT_A_PDF)
    elif not case.places:
        case.faults.add(Fault.NO_SIGNATURE)
        if b"%%EOF" not in pdf[-16:]:
            case.faults.add(Fault.TRUNCATED)
    else:
        _run(case)
        follow(case, pdf)
    signers = [(place.message, one.stamped_at) for place, one in zip(case.places, case.signed, strict=False)]
    return Verdict(
        problems=tuple(fault for fault in Fault if fault in case.faults),
        signatures=tuple(case.signed),
        number=case.label.number,
        outcome=case.evidence.outcome.value if case.evidence else "",
        statement_sha256=case.evidence.statement_sha256 if case.evidence else "",
        sha256=sha256(pdf).hexdigest(),
        stamps=case.stamps,
        has_lists=bool(case.stamps) and has_lists(pdf, signers, case.trust.anchors),
        unknown_roots=tuple(case.unknown_roots),
    )


def _run(case: Case) -> None:
    """Look at the ends, then at each signature as bytes, then at the structure, then at the evidence."""
    _check_ends(case)
    for order, place in enumerate(case.places):
        check_message(case, order, place)
    try:
        reader = PdfFileReader(BytesIO(case.pdf[: case.end]))
        case.label = embedded.label_of(reader)
        check_structure(case, reader)
        _check_evidence(case, PdfFileReader(BytesIO(case.pdf)) if case.is_updated else reader)
    except Exception:  # a damaged file may fail anywhere in a parser; that is the finding
        if not case.faults:
            case.faults.add(Fault.UNREADABLE)
    if not case.signed:
        case.signed = signatures_as_bytes(case)


def _check_ends(case: Case) -> None:
    """Whether the file goes on behind its last signature, or stops before it."""
    rest = case.pdf[case.end :]
    if case.is_cut_off(case.places[-1]) or (OBJECT.match(rest) and b"%%EOF" not in rest):
        case.faults.add(Fault.TRUNCATED)
    elif rest:
        case.faults.add(Fault.SOMETHING_ADDED)
        if case.is_updated:
            case.faults.add(case.changed(len(case.places)))


def _check_evidence(case: Case, reader: PdfFileReader) -> None:
    """What is embedded, as a reader of the whole file would find it, against its own signatures and its label."""
    if (message := case.places[0].message) is None or message.doctor is not None:
        return
    try:
        if (data := embedded.take_out(reader)) is None:
            case.faults.add(Fault.EVIDENCE_MISSING)
            return
        evidence = case.evidence = embedded.read(data, message.certificate, case.trust)
    except Exception:  # what is embedded may be anything at all; that is the finding
        case.faults.add(Fault.EVIDENCE_CHANGED)
        return
    case.lacks(*evidence.unknown_roots)
    is_for_doctor = evidence.doctor is not None
    if not case.label.is_older and (
        digest(data) != case.label.evidence_sha256 or is_for_doctor is not case.has_doctor_field
    ):
        case.faults.add(Fault.EVIDENCE_CHANGED)
    for one, place in zip(case.signed, case.places, strict=False):
        if one.role is Role.DOCTOR and one.is_trusted and place.message is not None:
            if place.message.doctor != evidence.doctor:
                case.faults.add(Fault.OTHER_DOCTOR)
