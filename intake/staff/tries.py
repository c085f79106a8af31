"""Counting tries at something that could be guessed, and how long the next one waits: passwords, record numbers, dates.

What is guessed is told by a keyed mark alone. Whether a try was right is left to whoever asks for it.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from intake import clock
from intake.db import db, new_id, take_turns
from intake.staff import rules
from intake.staff.models import SignInAttempt
from intake.vault import the_vault

KEPT = timedelta(days=30)


def mark(kind: str, word: str) -> bytes:
    """The mark under which tries of a kind are counted for one place, account or patient; it names none of them."""
    return the_vault().token(kind, word)


def failures(who: bytes, window: timedelta) -> list[datetime]:
    """When tries failed since the last that was right, within a window that ends now; oldest first."""
    since = select(func.max(SignInAttempt.at)).where(SignInAttempt.who == who, SignInAttempt.succeeded)
    floor = max(filter(None, (db.session.scalar(since), clock.now() - window)))
    failed = select(SignInAttempt.at).where(
        SignInAttempt.who == who, ~SignInAttempt.succeeded, SignInAttempt.at >= floor
    )
    return list(db.session.scalars(failed.order_by(SignInAttempt.at)).all())


def wait_until(who: bytes, limit: rules.Limit = rules.SIGN_IN) -> datetime | None:
    """When the next try is heard; None means at once. A try that is not heard yet is not counted either."""
    again = rules.may_try_at(failures(who, limit.window), limit)
    return again if again and clock.now() < again else None


def one_at_a_time(who: bytes) -> None:
    """Let of many tries under a mark, sent at once, each see the ones before it. Inside a transaction."""
    take_turns(f"sign-in {who.hex()}")


def count(who: bytes, *, is_right: bool) -> None:
    """Keep a try, for thirty days. A right one forgets the failures before it."""
    now = clock.now()
    db.session.add(SignInAttempt(id=new_id(), who=who, at=now, succeeded=is_right))
    db.session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - KEPT))
