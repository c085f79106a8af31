"""Whether the signatures of a record hold, the seal's and the doctor's, as bytes and by the library, and whose each is.

The library's check of each and our own rule of what a record is made of must agree. Bytes: `signed_bytes.py`.
"""

import logging
from datetime import datetime
from io import BytesIO

from pyhanko.pdf_utils.generic import IndirectObject, PdfObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from intake.records.case import Case
from intake.records.certificates import as_asn1
from intake.records.pdf_fixes import DOCTOR_FIELD, SEAL_FIELD
from intake.records.signed_bytes import Place
from intake.records.verdict import STRANGERS, Fault, Role, Signed
from intake.records.verifying_time import stamped_at

# What it finds is told by the verdict; the library would write each finding to the log as well, with its whole stack.
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)
WHOLE = (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)


def check_message(case: Case, order: int, place: Place) -> None:
    """One signature's message and digest. A change before an earlier signature is named once, by the earliest."""
    if (message := place.message) is None or not message.is_theirs:
        if not case.is_cut_off(place):
            case.faults.add(Fault.SIGNATURE_BROKEN)
    elif not place.is_unchanged:
        if len(case.places) > 1 and (message.doctor is not None) is not (order == 1):
            case.faults.add(Fault.SIGNATURE_BROKEN)  # somebody else's message in this place
        elif Fault.CHANGED_AFTER_SEALING not in case.faults:
            case.faults.add(case.changed(order + 1))


def check_structure(case: Case, reader: PdfFileReader) -> None:
    """The signatures as a reader of PDF finds them: the seal, then the doctor's, in states of the file that hold
    nothing else."""
    found = list(reader.embedded_signatures)
    names = [signature.field_name for signature in found]
    case.has_doctor_field = any(name == DOCTOR_FIELD for name, _, _ in enumerate_sig_fields(reader))
    if case.has_doctor_field and DOCTOR_FIELD not in names:
        case.faults.add(Fault.DOCTOR_SIGNATURE_MISSING)
    if SEAL_FIELD not in names:
        case.faults.add(Fault.SEAL_MISSING)
    elif names not in ([SEAL_FIELD], [SEAL_FIELD, DOCTOR_FIELD]):
        case.faults |= {Fault.SOMETHING_ADDED, case.changed(len(names) - 1)}
    elif (states := reader.xrefs.total_revisions) != 1 + len(names):
        added = {Fault.SOMETHING_ADDED, Fault.CHANGED_AFTER_SEALING}
        case.faults |= added if states > 1 + len(names) else {Fault.SIGNATURE_BROKEN}
    elif len(names) == 2 and not _adds_a_signature_alone(reader, found[1]):
        case.faults.add(Fault.CHANGED_AFTER_SEALING)
    ranges = [tuple(map(int, one.byte_range)) for one in found]
    if ranges != [place.byte_range for place in case.places] and not case.faults:
        case.faults.add(Fault.SIGNATURE_BROKEN)
    for signature, place in zip(found, case.places, strict=False):
        _check_signature(case, signature, place)


def signatures_as_bytes(case: Case) -> list[Signed]:
    """What can be said of the signatures of a file whose structure cannot be read."""
    found = []
    for order, place in enumerate(case.places):
        role = (Role.SEAL, Role.DOCTOR, Role.OTHER)[min(order, 2)]
        message = place.message
        is_trusted = (
            message is not None and message.is_theirs and case.trust.stands_behind(message.certificate, message.chain)
        )
        who = message.who if message else ""
        found.append(Signed(who, role, None, place.is_unchanged, is_trusted, case.covers(place)))
    return found


def _check_signature(case: Case, signature: EmbeddedPdfSignature, place: Place) -> None:
    """One signature by the library, and whose it is."""
    at = signature.self_reported_timestamp
    role = {SEAL_FIELD: Role.SEAL, DOCTOR_FIELD: Role.DOCTOR}.get(signature.field_name, Role.OTHER)
    seen_at = stamped_at(case, place)
    if place.message and place.message.stamp:
        # The library would look for the time service under the clinic's root.
        del signature.signer_info["unsigned_attrs"]
    status = validate_pdf_signature(signature, _context(case, at), skip_diff=True)
    is_intact = bool(status.intact and status.valid and place.is_unchanged and status.coverage in WHOLE)
    is_trusted = _is_known(case, place, role, at) and bool(status.trusted)
    who = place.message.who if place.message else ""
    case.signed.append(Signed(who, role, at, is_intact, is_trusted, case.covers(place), seen_at))
    said = case.faults if is_intact else case.faults - STRANGERS
    if not (is_intact and is_trusted) and not said:
        case.faults.add(Fault.SIGNATURE_BROKEN)
    if place.message and not case.label.is_older and not place.message.is_low:
        case.faults.add(Fault.SIGNATURE_BROKEN)


def _context(case: Case, at: datetime | None) -> ValidationContext:
    return ValidationContext(
        trust_roots=[as_asn1(one) for one in case.trust.anchors],
        moment=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )


def _is_known(case: Case, place: Place, role: Role, at: datetime | None) -> bool:
    """Whether this clinic's root stands behind the signer, in this role, at that time; names what is wrong."""
    if place.message is None or not place.message.is_theirs:
        return False
    certificate = place.message.certificate
    if not case.trust.stands_behind(certificate, place.message.chain):
        root = case.trust.unknown_root_of(certificate, place.message.chain)
        case.lacks(root) if root else case.faults.add(Fault.UNKNOWN_SIGNER)
    elif role is Role.OTHER or (place.message.doctor is not None) is not (role is Role.DOCTOR):
        case.faults.add(Fault.SIGNATURE_BROKEN)
    elif at is None or (
        place.is_unchanged and not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    ):
        case.faults.add(Fault.CERTIFICATE_NOT_IN_FORCE)
    else:
        return True
    return False


def _adds_a_signature_alone(reader: PdfFileReader, signature: EmbeddedPdfSignature) -> bool:
    """Whether the newest state of the file differs from the one before by this signature in its field alone.

    Stricter than a general comparison (ISO 32000-2, 12.8.2.2) and far cheaper: of the objects that the newest state
    names there may be two, the signature, which was not there before, and its field, the same but for its value.
    """
    newest = reader.xrefs.total_revisions - 1
    before = reader.get_historical_resolver(newest - 1)
    value = signature.sig_field.raw_get("/V").reference
    field_ = next(ref.reference for name, _, ref in enumerate_sig_fields(reader) if name == signature.field_name)
    own_table = reader.xrefs.get_xref_container_info(newest).stream_ref
    if reader.xrefs.explicit_refs_in_revision(newest) - {own_table} != {value, field_}:
        return False
    if reader.xrefs.get_introducing_revision(value) != newest:
        return False
    now, then = dict(signature.sig_field), dict(before(field_))
    return _spelled(now.pop("/V")) == _spelled(IndirectObject(value.idnum, value.generation, reader)) and {
        name: _spelled(one) for name, one in now.items()
    } == {name: _spelled(one) for name, one in then.items()}


def _spelled(one: PdfObject) -> bytes:
    stream = BytesIO()
    one.write_to_stream(stream)
    return stream.getvalue()
