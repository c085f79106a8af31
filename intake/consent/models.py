"""What was presented, what the patient answered to it, and the signed statements that decide. All append-only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Presentation(Base):
    """The exact words shown to one patient: clauses chosen, blanks filled. A change of treatment makes a new one."""

    __tablename__ = "presentation"
    __table_args__ = (UniqueConstraint("visit_id", "seq"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    seq: Mapped[int]
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("edition.id"))
    language: Mapped[str]
    body: Mapped[bytes]
    at: Mapped[datetime]


class Reply(Base):
    """One answer of the patient to one part of a presentation or to one teach-back question; the newest counts."""

    __tablename__ = "reply"
    __table_args__ = (Index("ix_reply_presentation_id_seq", "presentation_id", "seq", unique=True),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"))
    seq: Mapped[int]
    kind: Mapped[str]
    part: Mapped[str]
    body: Mapped[bytes]
    at: Mapped[datetime]


class Statement(Base):
    """A decision as signed evidence: signed, declined, countersigned, postponed, closed, withdrawn. At most one of a
    kind a visit, but for what is taken back in part: that may be several times, counted by `seq` from 1.

    `body` is the sealed canonical JSON, `sha256` its digest, `signature` the clinic seal's over it.
    """

    __tablename__ = "statement"
    __table_args__ = (UniqueConstraint("visit_id", "kind", "seq"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[str]
    seq: Mapped[int]
    body: Mapped[bytes]
    sha256: Mapped[str]
    signature: Mapped[bytes]
    at: Mapped[datetime]
    by: Mapped[str]


class LateSignature(Base):
    """The seal's signature over a statement that was kept while the seal was out of order, or is on a slow device; the
    statement's own `signature` is empty then."""

    __tablename__ = "late_signature"
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    signature: Mapped[bytes]
    at: Mapped[datetime]
