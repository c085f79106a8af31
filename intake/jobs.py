"""The outbox: a job is a row written in the same commit as its cause, leased to one worker, retried, given up loudly.

Own code because a queue that stores jobs elsewhere can lose the step between our commit and its own;
the row is the guarantee.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import Text, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from intake import clock, telemetry
from intake.db import Base, db, fetch, new_id, transaction
from intake.errors import DomainError, NotReady

MOST_TRIES = 12
WAIT = timedelta(seconds=30)  # until a job that waits for a key looks again
Handler = Callable[..., None]
HANDLERS: dict[str, Handler] = {}
OUTSIDE: set[str] = set()
"""Jobs that ask somebody outside the clinic, who may be slow or silent: the worker does them beside the others, so that
no record waits for them."""


class Job(Base):
    """Work that follows a commit. `done_at` or `given_up_at` ends it; until then it is due at `due_at`."""

    __tablename__ = "job"
    __table_args__ = (UniqueConstraint("name", "key"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str]
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None]
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]


def handler(name: str, *, outside: bool = False) -> Callable[[Handler], Handler]:
    """Register what does a job of this name; it must be safe to run again. `outside` where it asks somebody else."""

    def register(work: Handler) -> Handler:
        HANDLERS[name] = work
        if outside:
            OUTSIDE.add(name)
        return work

    return register


def enqueue(name: str, key: str, **payload: str) -> None:
    """Ask for a job in the open transaction. The same name and key twice is one job."""
    if name not in HANDLERS:
        raise LookupError(f"no handler for {name}")
    if db.session.scalar(select(Job.id).where(Job.name == name, Job.key == key)):
        return
    now = clock.now()
    db.session.add(
        Job(id=new_id(), name=name, key=key, payload=json.dumps(payload), created_at=now, due_at=now, tries=0)
    )
    db.session.flush()


def run_due(*, outside: bool | None = None) -> bool:
    """Claim and run one due job; False when none is due. The claim's lease runs out when a worker dies with it.
    `outside` says whether it is to be one that asks somebody else, or one that does not; None takes either.

    A job that fails is tried again after 2, 4, 8 ... seconds, at most 10 minutes; after MOST_TRIES it is given up. One
    that meets NotReady waits instead: it looks again every 30 seconds, for as long as it takes, and no try is counted.
    """
    claimed = _claim(outside)
    if claimed is None:
        return False
    job_id, lease, name, payload = claimed
    try:
        HANDLERS[name](**payload)
    except Exception as error:  # whatever a job raises is kept on its row and shown; the worker goes on with the next
        db.session.rollback()
        _failed(job_id, lease, error)
        return True
    with transaction():
        db.session.execute(
            update(Job).where(Job.id == job_id, Job.lease == lease).values(done_at=clock.now(), lease=None, error=None)
        )
    return True


def _claim(outside: bool | None) -> tuple[UUID, str, str, dict[str, Any]] | None:
    now, lease = clock.now(), secrets.token_hex(8)
    seconds = current_app.config["INTAKE"].lease_seconds
    lane = () if outside is None else (Job.name.in_(OUTSIDE) if outside else Job.name.not_in(OUTSIDE),)
    open_jobs = (Job.done_at.is_(None), Job.given_up_at.is_(None), Job.due_at <= now, *lane)
    with transaction():
        # A job that kills its worker never reports a failure: its last try ended with its lease.
        lost = update(Job).where(*open_jobs, Job.tries >= MOST_TRIES).returning(Job.id)
        for job_id in db.session.scalars(lost.values(given_up_at=now, lease=None, error="worker_lost")).all():
            telemetry.log.error("job.worker_lost", extra={"facts": {"job": str(job_id), "given_up": True}})
        query = select(Job).where(*open_jobs).order_by(Job.due_at, Job.created_at).limit(1)
        job = db.session.scalars(query.with_for_update(skip_locked=True)).first()
        if job is None:
            return None
        job.lease, job.due_at, job.tries = lease, now + timedelta(seconds=seconds), job.tries + 1
        return job.id, lease, job.name, json.loads(job.payload)


def _failed(job_id: UUID, lease: str, error: Exception) -> None:
    code = error.code if isinstance(error, DomainError) else type(error).__name__
    with transaction():
        job = db.session.get(Job, job_id)
        if job is None or job.lease != lease:
            return  # the lease ran out and another worker has it
        is_news = job.error != code
        job.error, job.lease = code, None
        if is_waiting := isinstance(error, NotReady):
            job.tries, job.due_at = job.tries - 1, clock.now() + WAIT
        elif job.tries >= MOST_TRIES:
            job.given_up_at = clock.now()
        else:
            job.due_at = clock.now() + timedelta(seconds=min(2**job.tries, 600))
        given_up, tries = job.given_up_at is not None, job.tries
    if is_waiting:
        if is_news:
            telemetry.log.warning("job.waits", extra={"facts": {"job": str(job_id), "code": code}})
        return
    telemetry.log.error(
        "job.failed", exc_info=error, extra={"facts": {"job": str(job_id), "tries": tries, "given_up": given_up}}
    )


def retry_given_up(*, outside: bool = False) -> int:
    """Make every given-up job due again, or those that ask somebody outside; gives how many. A worker does the first
    once when it starts, after what stopped them (a full disk, a certificate) was mended, the second once an hour: who
    was asked may answer again."""
    with transaction():
        waiting = [Job.done_at.is_(None), Job.given_up_at.is_not(None)]
        if outside:
            waiting.append(Job.name.in_(OUTSIDE))
        done = db.session.execute(update(Job).where(*waiting).values(given_up_at=None, tries=0, due_at=clock.now()))
        return int(getattr(done, "rowcount", 0))


def keys_of(name: str) -> set[str]:
    """The keys of every job of this name that was ever asked for, done or not: none is asked for again."""
    return set(fetch(select(Job.key).where(Job.name == name)).scalars())


def list_unfinished() -> Sequence[Job]:
    """Jobs that are not done, oldest first, given-up ones included: what staff should see."""
    query = select(Job).where(Job.done_at.is_(None)).order_by(Job.created_at)
    return db.session.scalars(query).all()
