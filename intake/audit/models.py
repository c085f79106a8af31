"""The log's tables. Triggers refuse UPDATE and DELETE on entries and checkpoints; the head is the one row every writer
locks."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from intake.db import Base


class AuditEntry(Base):
    """One event, with its canonical bytes and its place in the chain."""

    __tablename__ = "audit_entry"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    event: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]
    body: Mapped[bytes]
    leaf: Mapped[bytes]
    previous: Mapped[bytes]
    chain: Mapped[bytes]


class AuditHead(Base):
    """The newest sequence number and chain hash; locked while an entry is added."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    chain: Mapped[bytes]


class LogCheckpoint(Base):
    """What the clinic signed of its log: so many entries, and the root over them. The note says the same, signed."""

    __tablename__ = "log_checkpoint"
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)


class LogStamp(Base):
    """A time stamp (RFC 3161 token) by somebody else over a checkpoint's note."""

    __tablename__ = "log_stamp"
    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoint.size"), primary_key=True, autoincrement=False)
    token: Mapped[bytes]
    stamped_at: Mapped[datetime]
    authority: Mapped[str]
