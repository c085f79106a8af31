"""Editions of the content: what was published stays as it was, byte for byte. Triggers refuse UPDATE and DELETE."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from intake.db import Base


class EditionRow(Base):
    """One published edition: questionnaire, rules, consent, teach-back,
    after-care and treatments that belong together."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    published_at: Mapped[datetime]
    files: Mapped[list["EditionFile"]] = relationship(lazy="selectin")


class EditionFile(Base):
    """One file of an edition, its bytes and their SHA-256."""

    __tablename__ = "edition_file"
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    body: Mapped[bytes]
    sha256: Mapped[str]


class EditionApproval(Base):
    """A doctor of the clinic takes responsibility for an edition's words in one language; until one does, pages and
    records say draft. A row without a language is from before they were told apart, and speaks of the base language."""

    __tablename__ = "edition_approval"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("edition.id"))
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"))
    at: Mapped[datetime]
    language: Mapped[str | None]


class QuestionnaireDraft(Base):
    """A questionnaire an author brought in to look at: FHIR JSON that passed the gate, not part of any edition."""

    __tablename__ = "questionnaire_draft"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    body: Mapped[bytes]
    sha256: Mapped[str]
    imported_at: Mapped[datetime]
    imported_by: Mapped[str]
