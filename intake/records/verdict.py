"""What can be said of a PDF that should be a record: whose signatures are in it, what proves its time, what is wrong.

How it is found is `verifying.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from intake.records.tongue import N_
from intake.time_stamps import Token


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
    UNKNOWN_ROOT = "unknown_root"
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


# Who signed is not known; what was signed may be as it was.
STRANGERS = frozenset({Fault.UNKNOWN_SIGNER, Fault.UNKNOWN_ROOT})
# Whose certificates are not kept here; what was signed is as it was.
NOT_KEPT = frozenset({Fault.UNKNOWN_ROOT, Fault.UNKNOWN_TIME_AUTHORITY})
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
    Fault.UNKNOWN_ROOT: N_("It is signed under a root certificate that is not known here."),
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
    unknown_roots: tuple[str, ...] = ()  # as the certificates name them: whoever made those chose the name

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
    def is_as_signed(self) -> bool:
        """Whether not a byte changed since the file was signed, by whomever: at most a root certificate or a time
        authority is not known here."""
        return set(self.problems) <= NOT_KEPT

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
        is_stamped = bool(self.stamps) or (self.is_as_signed and not self.is_genuine)
        return bool(self.signatures) and (self.signatures[-1].covers is Covers.FILE or is_stamped)

    @property
    def signer(self) -> str:
        """Whose seal it is."""
        return self.signatures[0].who if self.signatures else ""

    @property
    def sealed_at(self) -> datetime | None:
        """When, by the clinic's clock."""
        return self.signatures[0].at if self.signatures else None
