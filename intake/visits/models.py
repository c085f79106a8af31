"""Patients, what is known of them, their visits, and the moves of a visit. Names and numbers are sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Patient(Base):
    """A person who came; all else is facts."""

    __tablename__ = "patient"
    id: Mapped[UUID] = mapped_column(ForeignKey("patient_key.patient_id"), primary_key=True)
    created_at: Mapped[datetime]


class PatientFact(Base):
    """One thing known of a patient from a moment on; the newest of its kind counts. Append-only."""

    __tablename__ = "patient_fact"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str]
    value: Mapped[bytes]
    at: Mapped[datetime]
    by: Mapped[str]


class Visit(Base):
    """One patient on one day, under one token. Never changes; what happens to it are moves.

    `form_key` is the one-time key of the form that began it: the same form sent twice is one visit.
    """

    __tablename__ = "visit"
    __table_args__ = (UniqueConstraint("day", "letter", "number"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    day: Mapped[date] = mapped_column(index=True)
    letter: Mapped[str]
    number: Mapped[int]
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"))
    issued_at: Mapped[datetime]
    issued_by: Mapped[str]
    override_reason: Mapped[bytes | None]
    form_key: Mapped[str | None] = mapped_column(unique=True)


class VisitMove(Base):
    """Something that happened to a visit at the desk: called, left, came back, help asked, help given; and that the
    doctor talked first. Append-only."""

    __tablename__ = "visit_move"
    __table_args__ = (Index("ix_visit_move_visit_id_seq", "visit_id", "seq", unique=True),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    seq: Mapped[int]
    kind: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
