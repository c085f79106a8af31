"""What the screening rules raised for a visit. Append-only; a doctor's decision about it is a fact of its own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Finding(Base):
    """One finding, in the order a doctor reads them. Only `is_flag` is in the clear:
    reception sees flags as a count."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("visit_id", "position"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    position: Mapped[int]
    is_flag: Mapped[bool]
    body: Mapped[bytes]
    at: Mapped[datetime]
