"""Tablets, the codes that pair them, and which visit a tablet holds. Secrets are stored hashed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Device(Base):
    """A tablet of the clinic. Without `secret_hash` it is not paired; a visit's end gives it a new secret."""

    __tablename__ = "device"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes | None] = mapped_column(unique=True)
    paired_at: Mapped[datetime | None]
    wiped_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # SQLAlchemy's own spelling


class PairingCode(Base):
    """A code that makes a browser into a tablet: 8 characters (40 bits, too many to guess in 5 minutes), once."""

    __tablename__ = "pairing_code"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    code_hash: Mapped[bytes] = mapped_column(index=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TabletVisit(Base):
    """A tablet in the hands of one visit. `ended_at` closes it; locked and timed out are worked out from its times.

    `renewed_at` and the two hashes are set from the tablet's "Finish" until it comes back with its new cookie, is
    handed on or is paired: the cookie it had, and another one where the first answer was lost (`cookie.py`).
    """

    __tablename__ = "tablet_visit"
    __table_args__ = (
        Index(
            "ix_one_visit_a_tablet",
            "device_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_one_tablet_a_visit",
            "visit_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_one_renewal_a_tablet",
            "device_id",
            unique=True,
            sqlite_where=text("renewed_at IS NOT NULL"),
            postgresql_where=text("renewed_at IS NOT NULL"),
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    given_at: Mapped[datetime]
    given_by: Mapped[str]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    identified_at: Mapped[datetime | None]
    identity_tries: Mapped[int]
    language: Mapped[str]
    ended_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    old_secret_hash: Mapped[bytes | None]
    spare_secret_hash: Mapped[bytes | None]
