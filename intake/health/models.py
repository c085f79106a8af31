"""What a process of ours found when it tried the keys; an observation, written over by the next one."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class SelfTest(Base):
    """The newest self-test of a process (`web` or `worker`): `found` is JSON, the code of what is wrong by key."""

    __tablename__ = "self_test"
    process: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    found: Mapped[str] = mapped_column(Text)
