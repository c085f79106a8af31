"""Whether a PDF is a record as this clinic sealed it, and if not, what is wrong: offline, against one root, by reasons.

The library's check of each signature and our own rule of what a record is made of must agree. Longer than other files:
the reasons and the one check that gives them. Bytes: `signed_bytes.py`, `stamped.py`; evidence: `embedded.py`.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from typing import Any

from cryptography import x509
from pyhanko.pdf_utils.generic import IndirectObject, PdfObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from intake.errors import Invalid
from intake.records import embedded
from intake.records.certificates import as_asn1
from intake.records.pdf_fixes import DOCTOR_FIELD, SEAL_FIELD
from intake.records.rules import digest
from intake.records.signed_bytes import Place, places
from intake.records.stamped import base_of, has_lists, stamps_of
from intake.records.tongue import N_
from intake.records.trust import Trust, as_trust
from intake.time_stamps import Token
from intake.time_stamps import check as check_stamp

# What it finds is told by the verdict; the library would write each finding to the log as well, with its whole stack.
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)
WHOLE = (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)
UPDATE = re.compile(rb"startxref\s+\d+")
OBJECT = re.compile(rb"\s*\d+ \d+ obj\b")


class Fault(StrEnum):
    """What is wrong with a file that should be a record."""

    NOT_A_PDF = "not_a_pdf"
    UNREADABLE = "unreadable"
    NO_SIGNATURE = "no_signature"
    TRUNCATED = "truncated"
    SOMETHING_ADDED = "something_added"
    CHANGED_AFTER_SEALING = "changed_after_sealing"
    CHANGED_AFTER_DOCTOR = "changed_after_doctor"
    SIGNATURE_BROKEN = "signature_broken"
    UNKNOWN_SIGNER = "unknown_signer"
    CERTIFICATE_NOT_IN_FORCE = "certificate_not_in_force"
    SEAL_MISSING = "seal_missing"
    DOCTOR_SIGNATURE_MISSING = "doctor_signature_missing"
    OTHER_DOCTOR = "other_doctor"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_CHANGED = "evidence_changed"
    TIME_STAMP_BROKEN = "time_stamp_broken"
    UNKNOWN_TIME_AUTHORITY = "unknown_time_authority"
    REPLACED = "replaced"
    UNKNOWN_RECORD = "unknown_record"


SENTENCES: dict[Fault, str] = {
    Fault.NOT_A_PDF: N_("This is not a PDF file."),
    Fault.UNREADABLE: N_("The file cannot be read."),
    Fault.NO_SIGNATURE: N_("There is no signature in the file."),
    Fault.TRUNCATED: N_("The end of the file is missing."),
    Fault.SOMETHING_ADDED: N_("Something was added after the last signature."),
    Fault.CHANGED_AFTER_SEALING: N_("The file was changed after the clinic sealed it."),
    Fault.CHANGED_AFTER_DOCTOR: N_("The file was changed after the doctor signed it."),
    Fault.SIGNATURE_BROKEN: N_("A signature is damaged."),
    Fault.UNKNOWN_SIGNER: N_("Somebody signed it with a certificate that this clinic did not issue."),
    Fault.CERTIFICATE_NOT_IN_FORCE: N_("A certificate was not in force at the time of its signature."),
    Fault.SEAL_MISSING: N_("The seal of the clinic is missing."),
    Fault.DOCTOR_SIGNATURE_MISSING: N_(
        "The signature of the doctor is missing: this is an earlier state of the record."
    ),
    Fault.OTHER_DOCTOR: N_("It is signed by another doctor than the one who countersigned."),
    Fault.EVIDENCE_MISSING: N_("The signed evidence is not in the file."),
    Fault.EVIDENCE_CHANGED: N_("The evidence in the file is not what was signed, or belongs to another record."),
    Fault.TIME_STAMP_BROKEN: N_("A time stamp is damaged, or belongs to another file."),
    Fault.UNKNOWN_TIME_AUTHORITY: N_("A time stamp is from a service that this clinic does not know."),
    Fault.REPLACED: N_("The clinic keeps another file under this number."),
    Fault.UNKNOWN_RECORD: N_("The clinic has no record of this number."),
}


class Role(StrEnum):
    """As what somebody signed."""

    SEAL = "seal"
    DOCTOR = "doctor"
    OTHER = "other"


class Covers(StrEnum):
    """How much of the file a signature covers: all of it, all up to its own state of it, or less."""

    FILE = "whole file"
    STATE = "file as it was then"
    PART = "a part"


class Proof(StrEnum):
    """What stands behind the time in a record: the clinic's clock alone, a time stamp over each signature (PAdES B-T),
    over the finished file, or both with all that a check needs in later years (B-LTA)."""

    CLOCK = "clock"
    SIGNATURES = "signatures"
    DOCUMENT = "document"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Signed:
    """One signature. `at` is the clock of whoever signed, `stamped_at` that of a time service."""

    who: str
    role: Role
    at: datetime | None
    is_intact: bool
    is_trusted: bool
    covers: Covers
    stamped_at: datetime | None = None

    @property
    def is_valid(self) -> bool:
        """Whether what it covers is unchanged and the clinic's root stands behind it."""
        return self.is_intact and self.is_trusted


@dataclass(frozen=True)
class Verdict:
    """What was found: nothing in `problems` means that not a byte differs from what this clinic sealed."""

    problems: tuple[Fault, ...]
    signatures: tuple[Signed, ...] = ()
    number: str = ""
    outcome: str = ""
    statement_sha256: str = ""
    sha256: str = ""
    stamps: tuple[Token, ...] = ()
    has_lists: bool = False  # of revoked certificates, for every signer and those above

    @property
    def proof(self) -> Proof:
        """What stands behind the time in it; that the services are known ones, only who named the authorities."""
        each = bool(self.signatures) and all(one.stamped_at for one in self.signatures)
        if self.stamps:
            return Proof.ARCHIVE if each and self.has_lists else Proof.DOCUMENT
        return Proof.SIGNATURES if each else Proof.CLOCK

    @property
    def proved_at(self) -> datetime | None:
        """When a time service first saw all that was signed, or None where none did."""
        if self.proof in (Proof.SIGNATURES, Proof.ARCHIVE):
            return self.signatures[-1].stamped_at
        return self.stamps[0].at if self.stamps else None

    @property
    def is_genuine(self) -> bool:
        """Whether not a byte changed since this clinic sealed the file, and the doctor signed it where one had to."""
        return not self.problems

    @property
    def is_unchanged(self) -> bool:
        """Whether not a byte changed since this clinic sealed the file, whoever stamped it: at most the authority of a
        time stamp is not known here, and the stamp is whole."""
        return set(self.problems) <= {Fault.UNKNOWN_TIME_AUTHORITY}

    @property
    def intact(self) -> bool:
        """Whether every signature's bytes are as they were signed."""
        return bool(self.signatures) and all(one.is_intact for one in self.signatures)

    @property
    def trusted(self) -> bool:
        """Whether this clinic's root stands behind every signature."""
        return bool(self.signatures) and all(one.is_trusted for one in self.signatures)

    @property
    def covers_whole_file(self) -> bool:
        """Whether the last signature or time stamp covers every byte."""
        is_stamped = bool(self.stamps) or (self.is_unchanged and not self.is_genuine)
        return bool(self.signatures) and (self.signatures[-1].covers is Covers.FILE or is_stamped)

    @property
    def signer(self) -> str:
        """Whose seal it is."""
        return self.signatures[0].who if self.signatures else ""

    @property
    def sealed_at(self) -> datetime | None:
        """When, by the clinic's clock."""
        return self.signatures[0].at if self.signatures else None


def verify(pdf: bytes, root: x509.Certificate | Trust, authorities: Sequence[Any] = ()) -> Verdict:
    """Check a record against a root, or all that a clinic trusts, offline; a changed byte anywhere is found and named.
    Never raises.

    Time stamps must chain to one of the `authorities`; where none is named, only that they are whole is known.
    A certificate counts as it stood at the time the signature claims: sealed records outlive the seal's three years.
    That the claim is true, and that this is the record of that number, only the log and the record's row can say.
    """
    check = _Check(pdf[: base_of(pdf)], root, authorities)
    if not pdf.startswith(b"%PDF-"):
        check.faults.add(Fault.NOT_A_PDF)
    elif not check.places:
        check.faults.add(Fault.NO_SIGNATURE)
        if b"%%EOF" not in pdf[-16:]:
            check.faults.add(Fault.TRUNCATED)
    else:
        check.run()
        check.follow(pdf)
    return Verdict(
        problems=tuple(fault for fault in Fault if fault in check.faults),
        signatures=tuple(check.signed),
        number=check.label.number,
        outcome=check.evidence.outcome.value if check.evidence else "",
        statement_sha256=check.evidence.statement_sha256 if check.evidence else "",
        sha256=sha256(pdf).hexdigest(),
        stamps=check.stamps,
        has_lists=bool(check.stamps) and has_lists(pdf, [one.message for one in check.places], check.trust.anchors),
    )


@dataclass
class _Check:
    """One file on its way to a verdict. What is signed is everything up to where the last signature says it ends; what
    follows was added, and what is missing was cut off."""

    pdf: bytes
    root: x509.Certificate | Trust
    authorities: Sequence[Any] = ()
    faults: set[Fault] = field(default_factory=set)
    signed: list[Signed] = field(default_factory=list)
    label: embedded.Label = field(default_factory=embedded.Label)
    evidence: embedded.Evidence | None = None
    stamps: tuple[Token, ...] = ()

    def __post_init__(self) -> None:
        self.trust = as_trust(self.root)
        self.places = places(self.pdf)
        self.end = self.places[-1].covered if self.places and self.places[-1].is_whole else len(self.pdf)
        whole = [place.covered for place in self.places if place.is_whole]
        if len(self.places) > 2 and whole:  # more than a record has: what no signature covers does not count
            self.end = max(whole)
            self.places = [place for place in self.places if place.at < self.end]
        self.has_doctor_field = False

    def run(self) -> None:
        """Look at the ends, then at each signature as bytes, then at the structure, then at the evidence."""
        self._ends()
        for order, place in enumerate(self.places):
            self._bytes(order, place)
        body = self.pdf[: self.end]
        try:
            reader = PdfFileReader(BytesIO(body))
            self.label = embedded.label_of(reader)
            self._structure(reader)
            self._evidence(PdfFileReader(BytesIO(self.pdf)) if self._is_updated else reader)
        except Exception:  # a damaged file may fail anywhere in a parser; that is the finding
            if not self.faults:
                self.faults.add(Fault.UNREADABLE)
        if not self.signed:
            self._signatures_as_bytes()

    def follow(self, pdf: bytes) -> None:
        """Look at what follows the record as it was signed: document time stamps, and nothing else."""
        if len(pdf) == len(self.pdf):
            return
        self.signed = [replace(one, covers=min(one.covers, Covers.STATE, key=_SHARES.index)) for one in self.signed]
        found = stamps_of(pdf, len(self.pdf), self.authorities)
        self.stamps = found.tokens
        if found.problem == "time_stamp.unknown_authority":
            self.faults.add(Fault.UNKNOWN_TIME_AUTHORITY)
            found = stamps_of(pdf, len(self.pdf), ())  # whoever it is: is each whole, and is nothing else there?
        if found.problem == "cut":
            self.faults.add(Fault.TRUNCATED)
        elif found.problem in ("more", "changed"):
            self.faults.add(Fault.SOMETHING_ADDED)
            if found.problem == "changed":
                self.faults.add(self._changed(len(self.places)))
        elif found.problem == "time_stamp.other_digest" and self.faults - {Fault.UNKNOWN_SIGNER}:
            return  # a change before an earlier signature is named once, by the earliest
        elif found.problem:
            self.faults.add(_fault_of(found.problem))

    @property
    def _is_updated(self) -> bool:
        """Whether what follows the last signature is an update that a reader would show."""
        return bool(UPDATE.search(self.pdf, self.end))

    def _ends(self) -> None:
        rest = self.pdf[self.end :]
        if _is_cut_off(self.pdf, self.places[-1]) or (OBJECT.match(rest) and b"%%EOF" not in rest):
            self.faults.add(Fault.TRUNCATED)
        elif rest:
            self.faults.add(Fault.SOMETHING_ADDED)
            if self._is_updated:
                self.faults.add(self._changed(len(self.places)))

    def _changed(self, order: int) -> Fault:
        """What a change is called that came after so many signatures."""
        return Fault.CHANGED_AFTER_DOCTOR if order > 1 else Fault.CHANGED_AFTER_SEALING

    def _bytes(self, order: int, place: Place) -> None:
        """One signature's message and digest. A change before an earlier signature is named once, by the earliest."""
        if (message := place.message) is None or not message.is_theirs:
            if not _is_cut_off(self.pdf, place):
                self.faults.add(Fault.SIGNATURE_BROKEN)
        elif not place.is_unchanged:
            if len(self.places) > 1 and (message.doctor is not None) is not (order == 1):
                self.faults.add(Fault.SIGNATURE_BROKEN)  # somebody else's message in this place
            elif Fault.CHANGED_AFTER_SEALING not in self.faults:
                self.faults.add(self._changed(order + 1))

    def _structure(self, reader: PdfFileReader) -> None:
        """The signatures as a reader of PDF finds them: the seal, then the doctor's, in states of the file that hold
        nothing else."""
        found = list(reader.embedded_signatures)
        names = [signature.field_name for signature in found]
        self.has_doctor_field = any(name == DOCTOR_FIELD for name, _, _ in enumerate_sig_fields(reader))
        if self.has_doctor_field and DOCTOR_FIELD not in names:
            self.faults.add(Fault.DOCTOR_SIGNATURE_MISSING)
        if SEAL_FIELD not in names:
            self.faults.add(Fault.SEAL_MISSING)
        elif names not in ([SEAL_FIELD], [SEAL_FIELD, DOCTOR_FIELD]):
            self.faults |= {Fault.SOMETHING_ADDED, self._changed(len(names) - 1)}
        elif (states := reader.xrefs.total_revisions) != 1 + len(names):
            added = {Fault.SOMETHING_ADDED, Fault.CHANGED_AFTER_SEALING}
            self.faults |= added if states > 1 + len(names) else {Fault.SIGNATURE_BROKEN}
        elif len(names) == 2 and not _adds_a_signature_alone(reader, found[1]):
            self.faults.add(Fault.CHANGED_AFTER_SEALING)
        ranges = [tuple(map(int, one.byte_range)) for one in found]
        if ranges != [place.byte_range for place in self.places] and not self.faults:
            self.faults.add(Fault.SIGNATURE_BROKEN)
        for signature, place in zip(found, self.places, strict=False):
            self._signature(signature, place)

    def _signature(self, signature: EmbeddedPdfSignature, place: Place) -> None:
        """One signature by the library, and whose it is."""
        at = signature.self_reported_timestamp
        role = {SEAL_FIELD: Role.SEAL, DOCTOR_FIELD: Role.DOCTOR}.get(signature.field_name, Role.OTHER)
        stamped_at = self._stamped_at(place)
        if place.message and place.message.stamp:
            # The library would look for the time service under the clinic's root.
            del signature.signer_info["unsigned_attrs"]
        status = validate_pdf_signature(signature, self._context(at), skip_diff=True)
        is_intact = bool(status.intact and status.valid and place.is_unchanged and status.coverage in WHOLE)
        is_trusted = self._is_known(place, role, at) and bool(status.trusted)
        who = place.message.who if place.message else ""
        self.signed.append(Signed(who, role, at, is_intact, is_trusted, self._covers(place), stamped_at))
        if not (is_intact and is_trusted) and not self.faults:
            self.faults.add(Fault.SIGNATURE_BROKEN)
        if place.message and not self.label.is_older and not place.message.is_low:
            self.faults.add(Fault.SIGNATURE_BROKEN)

    def _stamped_at(self, place: Place) -> datetime | None:
        """When a time service saw the signature, by the stamp in its message; names what is wrong with that."""
        if (message := place.message) is None or not message.stamp or not message.is_theirs:
            return None
        try:
            return check_stamp(message.stamp, message.stamped, self.authorities).at
        except Invalid as error:
            self.faults.add(_fault_of(error.code))
            return None

    def _context(self, at: datetime | None) -> ValidationContext:
        return ValidationContext(
            trust_roots=[as_asn1(one) for one in self.trust.anchors],
            moment=at,
            allow_fetching=False,
            revocation_mode="soft-fail",
        )

    def _is_known(self, place: Place, role: Role, at: datetime | None) -> bool:
        """Whether this clinic's root stands behind the signer, in this role, at that time; names what is wrong."""
        if place.message is None or not place.message.is_theirs:
            return False
        certificate = place.message.certificate
        if not self.trust.stands_behind(certificate, place.message.chain):
            self.faults.add(Fault.UNKNOWN_SIGNER)
        elif role is Role.OTHER or (place.message.doctor is not None) is not (role is Role.DOCTOR):
            self.faults.add(Fault.SIGNATURE_BROKEN)
        elif at is None or (
            place.is_unchanged and not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
        ):
            self.faults.add(Fault.CERTIFICATE_NOT_IN_FORCE)
        else:
            return True
        return False

    def _covers(self, place: Place) -> Covers:
        if not place.is_whole:
            return Covers.PART
        return Covers.FILE if place.covered == len(self.pdf) else Covers.STATE

    def _evidence(self, reader: PdfFileReader) -> None:
        """What is embedded, as a reader of the whole file would find it, against its own signatures and its label."""
        if (message := self.places[0].message) is None or message.doctor is not None:
            return
        try:
            if (data := embedded.take_out(reader)) is None:
                self.faults.add(Fault.EVIDENCE_MISSING)
                return
            evidence = self.evidence = embedded.read(data, message.certificate, self.trust)
        except Exception:  # what is embedded may be anything at all; that is the finding
            self.faults.add(Fault.EVIDENCE_CHANGED)
            return
        is_for_doctor = evidence.doctor is not None
        if not self.label.is_older and (
            digest(data) != self.label.evidence_sha256 or is_for_doctor is not self.has_doctor_field
        ):
            self.faults.add(Fault.EVIDENCE_CHANGED)
        for one, place in zip(self.signed, self.places, strict=False):
            if one.role is Role.DOCTOR and one.is_trusted and place.message is not None:
                if place.message.doctor != evidence.doctor:
                    self.faults.add(Fault.OTHER_DOCTOR)

    def _signatures_as_bytes(self) -> None:
        """What can be said of the signatures of a file whose structure cannot be read."""
        for order, place in enumerate(self.places):
            role = (Role.SEAL, Role.DOCTOR, Role.OTHER)[min(order, 2)]
            message = place.message
            is_trusted = (
                message is not None
                and message.is_theirs
                and self.trust.stands_behind(message.certificate, message.chain)
            )
            self.signed.append(
                Signed(message.who if message else "", role, None, place.is_unchanged, is_trusted, self._covers(place))
            )


_SHARES = (Covers.PART, Covers.STATE, Covers.FILE)


def _fault_of(code: str) -> Fault:
    is_stranger = code == "time_stamp.unknown_authority"
    return Fault.UNKNOWN_TIME_AUTHORITY if is_stranger else Fault.TIME_STAMP_BROKEN


def _is_cut_off(pdf: bytes, place: Place) -> bool:
    """Whether a signature goes on beyond the end of the file, and the file has no end of its own."""
    return place.covered > len(pdf) and (not pdf.endswith((b"%%EOF", b"%%EOF\n")) or place.covered == len(pdf) + 1)


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
