"""What of a visit's pages was on the screen: how often, from when, for how long as the server saw it, and whether the
end of its words was. Pure; whose pages they are and what they are called is left to the rooms that show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

SHOWN, SENT = "page.shown", "page.sent"


class End(StrEnum):
    """Whether the end of a page's words was on the screen. Only the page's own script can tell; nobody guesses."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    NOT_KNOWN = "not_known"


def end_said(value: str | None) -> End:
    """What a page's form says of its end: "1" or "0" from its script; anything else is not known."""
    return {"1": End.SEEN, "0": End.NOT_SEEN}.get(value or "", End.NOT_KNOWN)


@dataclass(frozen=True)
class Happening:
    """One entry of the log about a visit: `page` and `end` where it is about a page."""

    at: datetime
    event: str
    page: str = ""
    end: End = End.NOT_KNOWN


@dataclass(frozen=True)
class Reading:
    """One page: how many times it was shown, first when, last sent when, and for how many whole seconds in all, None
    where the server saw no end of any showing."""

    page: str
    times: int
    shown_at: datetime
    sent_at: datetime | None
    seconds: int | None
    end: End


@dataclass
class _Page:
    shown: list[datetime] = field(default_factory=list)
    sent_at: datetime | None = None
    lasted: list[timedelta] = field(default_factory=list)
    ends: set[End] = field(default_factory=set)


def readings(log: Iterable[Happening]) -> list[Reading]:
    """Every page that was shown, in the order of its first showing. A showing lasts until the page is sent, another
    page is shown, or the tablet is locked, given or taken; one that nothing ended is counted and has no length."""
    pages: dict[str, _Page] = {}
    at_hand: tuple[str, datetime] | None = None
    for one in log:
        if at_hand and _is_over(one, at_hand[0]):
            pages[at_hand[0]].lasted.append(one.at - at_hand[1])
            at_hand = None
        if one.event == SHOWN:
            pages.setdefault(one.page, _Page()).shown.append(one.at)
            at_hand = one.page, one.at
        elif one.event == SENT and one.page in pages:
            pages[one.page].sent_at = one.at
            pages[one.page].ends.add(one.end)
    return [_reading(name, page) for name, page in pages.items()]


def _is_over(one: Happening, page: str) -> bool:
    return one.event == SHOWN or one.event.startswith("tablet.") or (one.event == SENT and one.page == page)


def _reading(name: str, page: _Page) -> Reading:
    seconds = int(sum(page.lasted, timedelta()).total_seconds()) if page.lasted else None
    return Reading(name, len(page.shown), page.shown[0], page.sent_at, seconds, best(page.ends))


def best(ends: Iterable[End]) -> End:
    """Of several showings of one page: seen once is seen."""
    said = set(ends)
    return next((end for end in (End.SEEN, End.NOT_SEEN) if end in said), End.NOT_KNOWN)


def worst(ends: Iterable[End]) -> End:
    """Of several pages: seen only where the end of each was, not known as soon as one that may have been is not."""
    said = set(ends)
    return next((end for end in (End.NOT_SEEN, End.NOT_KNOWN, End.SEEN) if end in said), End.NOT_KNOWN)


def in_all(seconds: Sequence[int | None]) -> int | None:
    """The seconds of several pages; None where those of one are not known, or there is no page."""
    known = [one for one in seconds if one is not None]
    return sum(known) if known and len(known) == len(seconds) else None
