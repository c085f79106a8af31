"""How many wrong numbers the public page of records hears: from one place, and from all places together.

A number has 40 random bits. Five misses an hour are free for a place, a hundred for all together, so that many places
do not guess faster. A right number forgives none, for a guesser may have one.
"""

from datetime import datetime, timedelta

from intake import staff

PLACE = staff.Limit(free=5, longest=timedelta(minutes=15), window=timedelta(hours=1))
ALL = staff.Limit(free=100, longest=timedelta(minutes=1), window=timedelta(hours=1))
KIND = "record-number"


def wait_until(place: str) -> datetime | None:
    """When the next number from this place is looked for; None means at once."""
    waits = [staff.wait_until(who, limit) for who, limit in _marks(place)]
    return max((wait for wait in waits if wait), default=None)


def count_miss(place: str) -> datetime | None:
    """Keep that a number from this place was nobody's; or say until when it waits, where others were faster meanwhile.
    Inside a transaction."""
    staff.one_at_a_time(staff.mark(KIND, ""))
    if (again := wait_until(place)) is None:
        for who, _limit in _marks(place):
            staff.count(who, is_right=False)
    return again


def _marks(place: str) -> tuple[tuple[bytes, staff.Limit], ...]:
    return (staff.mark(KIND, f"from {place}"), PLACE), (staff.mark(KIND, ""), ALL)
