"""How long a guesser waits, and which passwords are too weak. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_TRIES = 5
LONGEST_WAIT = timedelta(minutes=15)
WINDOW = timedelta(hours=1)
SHORTEST_PASSWORD = 15  # NIST SP 800-63B-4 for a single factor


@dataclass(frozen=True)
class Limit:
    """How many failures within a window are free, and how long the wait grows at most."""

    free: int
    longest: timedelta
    window: timedelta


SIGN_IN = Limit(FREE_TRIES, LONGEST_WAIT, WINDOW)


def may_try_at(failures: Sequence[datetime], limit: Limit = SIGN_IN) -> datetime | None:
    """When the next try is heard, given the failures since the last success, oldest first; None means at once.

    To sign in, five tries are free, then the wait doubles from 2 seconds to 15 minutes (OWASP ASVS 5.0 6.3.1:
    slow down, never lock out).
    """
    over = len(failures) - limit.free
    if over < 0:
        return None
    return failures[-1] + min(timedelta(seconds=2 ** min(over + 1, 20)), limit.longest)


def is_long_enough(password: str) -> bool:
    """Whether a password may be set: 15 characters or more, no other rule (NIST SP 800-63B-4, 3.1.1.2)."""
    return SHORTEST_PASSWORD <= len(password) <= 128
