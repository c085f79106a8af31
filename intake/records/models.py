"""The sealed records of a visit: of its outcome, and of what was taken back. Where the bytes are and what they must
hash to; and the doctors' keys. Both are append-only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Record(Base):
    """One PDF for one statement that ends a visit or takes something back. `storage_key` hashes the stored, encrypted
    bytes; `pdf_sha256` the PDF itself."""

    __tablename__ = "record"
    __table_args__ = (UniqueConstraint("visit_id", "statement_sha256"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    number: Mapped[str] = mapped_column(unique=True)
    outcome: Mapped[str]
    statement_sha256: Mapped[str]
    pdf_sha256: Mapped[str]
    storage_key: Mapped[str]
    size: Mapped[int]
    sealed_at: Mapped[datetime]


class DoctorKey(Base):
    """A doctor's signing key. `sealed` is the private key (PKCS #8, DER), sealed by the vault; `certificate` is in DER.

    The newest counts; a renewed key is a new row.
    """

    __tablename__ = "doctor_key"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    certificate: Mapped[bytes]
    sealed: Mapped[bytes]
    made_at: Mapped[datetime]


class RecordStamp(Base):
    """A record's file with one more document time stamp; the bytes of the one before are its beginning. `good_until` is
    when the certificate of who stamped it ends."""

    __tablename__ = "record_stamp"
    __table_args__ = (UniqueConstraint("record_id", "number"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id"))
    number: Mapped[int]
    pdf_sha256: Mapped[str]
    storage_key: Mapped[str]
    size: Mapped[int]
    stamped_at: Mapped[datetime]
    authority: Mapped[str]
    good_until: Mapped[datetime]
