"""What a doctor decided on a finding, answered to a question, or explained in person. Append-only; the last counts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class Decision(Base):
    """About `finding:<id>`, `question:<part>` or `teachback:<id>`; verdict and words are sealed together."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_visit_id_seq", "visit_id", "seq", unique=True),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    seq: Mapped[int]
    about: Mapped[str]
    body: Mapped[bytes]
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"))
    at: Mapped[datetime]
