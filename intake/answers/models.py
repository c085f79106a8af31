"""Answers in progress (one sealed value that is rewritten whole) and answers given (append-only)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Response(Base):
    """The answers of a visit as they grow; pinned to the edition they began with.
    `version` refuses the slower of two."""

    __tablename__ = "response"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), unique=True)
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("edition.id"))
    body: Mapped[bytes]
    started_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # SQLAlchemy's own spelling


class Submission(Base):
    """The answers as given: only enabled items, never changed. `sha256` is a salted commitment; the salt is inside."""

    __tablename__ = "submission"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), unique=True)
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("edition.id"))
    body: Mapped[bytes]
    language: Mapped[str]
    at: Mapped[datetime]
