"""The one place that asks what time it is. Rules get the time as an argument; verbs ask `now()`; tests freeze it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: list[datetime] = []


def now() -> datetime:
    """The present moment, aware and in UTC."""
    return _frozen[-1] if _frozen else datetime.now(UTC)


def today(zone: ZoneInfo) -> date:
    """The clinic's calendar day."""
    return now().astimezone(zone).date()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at an aware moment; may be nested, the innermost wins."""
    if at.tzinfo is None:
        raise ValueError("a frozen clock needs an aware time")
    _frozen.append(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.pop()
