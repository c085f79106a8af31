"""Accounts of people who work here, their roles, and the tries that slow a guesser down."""

from datetime import datetime
from uuid import UUID

from flask_security import RoleMixin, UserMixin
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from intake.db import Base


class StaffRole(Base, RoleMixin):
    """One role of one person; a person may have several."""

    __tablename__ = "staff_role"
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class StaffMember(Base, UserMixin):
    """A person who may sign in. `letter` is a doctor's token letter, `room` where a called patient goes."""

    __tablename__ = "staff_member"
    # The library types an id as a number and roles as its own class; ours are a uuid and rows of ours.
    id: Mapped[UUID] = mapped_column(primary_key=True)  # type: ignore[assignment]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password: Mapped[str]
    active: Mapped[bool]
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    registration_no: Mapped[str | None]
    letter: Mapped[str | None] = mapped_column(unique=True)
    room: Mapped[str | None]
    created_at: Mapped[datetime]
    roles: Mapped[list[StaffRole]] = relationship(  # type: ignore[assignment]
        lazy="selectin", cascade="all, delete-orphan"
    )


class SignInAttempt(Base):
    """One try with a password, or at anything else that could be guessed, under a keyed hash of what is tried and from
    where (tries.py). Old ones are swept."""

    __tablename__ = "sign_in_attempt"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    who: Mapped[bytes] = mapped_column(index=True)
    at: Mapped[datetime]
    succeeded: Mapped[bool]
