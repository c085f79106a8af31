"""Time stamps by somebody else over the log's checkpoints, one a day: what is to be stamped, and what was kept.

Asking outside, and when, is left to work.py.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from sqlalchemy import func, select

from intake import clock, jobs
from intake.audit.checkpoints import Kept, find_checkpoint, newest_checkpoint
from intake.audit.models import LogCheckpoint, LogStamp
from intake.db import db, fetch, take_turns
from intake.errors import Fault, Invalid
from intake.time_stamps import Token, check, the_authorities, the_time_service

JOB = "audit.time_stamp"


def ask_for_stamp() -> None:
    """Ask, in the open transaction, for this day's (UTC) time stamp over the newest checkpoint, unless that has one;
    nothing where there is no time service or no checkpoint."""
    if the_time_service() is not None and unstamped() is not None:
        jobs.enqueue(JOB, f"{clock.now():%Y-%m-%d}")


def unstamped() -> Kept | None:
    """The newest checkpoint, where it has no time stamp."""
    newest = newest_checkpoint()
    return newest if newest is not None and token_of(newest.size) is None else None


def token_of(size: int) -> bytes | None:
    """The time stamp (RFC 3161 token, DER) over the note of the checkpoint of this size, or None."""
    token: bytes | None = fetch(select(LogStamp.token).where(LogStamp.size == size)).scalar()
    return token


def stamped_checkpoint(reaching: int, up_to: int) -> tuple[Kept, bytes] | None:
    """Of the checkpoints that were stamped, the first that reaches this entry; where none does, the newest. None where
    none of at most `up_to` entries was stamped."""
    stamped = select(LogStamp.size, LogStamp.token).where(LogStamp.size <= up_to)
    first = fetch(stamped.where(LogStamp.size >= reaching).order_by(LogStamp.size).limit(1)).first()
    row = first or fetch(stamped.order_by(LogStamp.size.desc()).limit(1)).first()
    kept = find_checkpoint(row.size) if row else None
    return (kept, row.token) if row and kept else None


def digest_of(note: str) -> bytes:
    """What a time stamp of a checkpoint is of: the SHA-256 of its note, as the file of checkpoints has it."""
    return sha256(note.encode()).digest()


def keep_stamp(kept: Kept, token: Token) -> None:
    """Write down a time stamp of a checkpoint, once."""
    take_turns("log stamp")
    if token_of(kept.size) is None:
        row = LogStamp(size=kept.size, token=token.der, stamped_at=token.at, authority=token.who)
        db.session.add(row)
        db.session.flush()


def check_all(count: Counter[str]) -> Iterator[Fault]:
    """Which time stamps are not of their checkpoint's note, or by no authority of this clinic; counts them."""
    query = select(LogStamp.size, LogStamp.token, LogCheckpoint.note)
    joined = query.join(LogCheckpoint, LogCheckpoint.size == LogStamp.size, isouter=True).order_by(LogStamp.size)
    with fetch(joined.execution_options(yield_per=1000)) as rows:
        for size, token, note in rows:
            count["checkpoint's time stamp"] += 1
            try:
                check(token, digest_of(note or ""), the_authorities())
            except Invalid as error:
                is_stranger = error.code == "time_stamp.unknown_authority"
                code = "checkpoint.stamp_unknown" if is_stranger else "checkpoint.stamp_wrong"
                yield Fault(code, f"checkpoint {size}")


def unstamped_since() -> datetime | None:
    """When the oldest checkpoint was signed that is newer than all that were stamped, or None where there is none."""
    stamped = select(func.max(LogStamp.size)).scalar_subquery()
    newer = select(func.min(LogCheckpoint.at)).where(LogCheckpoint.size > func.coalesce(stamped, -1))
    at: datetime | None = fetch(newer).scalar()
    return at


def newest_stamp_at() -> datetime | None:
    """When the log was last stamped by somebody else, or None."""
    query = select(LogStamp.stamped_at).order_by(LogStamp.size.desc()).limit(1)
    at: datetime | None = fetch(query).scalar()
    return at
