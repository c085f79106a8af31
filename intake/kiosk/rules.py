"""The patient's path on a tablet, and when a tablet locks or lets go. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WARNING = timedelta(seconds=60)
GRACE = timedelta(seconds=60)  # touches are told at most once a minute, so the tablet may know of one we do not
LONGEST_VISIT = timedelta(minutes=60)
MOST_IDENTITY_TRIES = 3
CODE_LIFE = timedelta(minutes=5)
OLD_COOKIE_LIFE = timedelta(minutes=2)  # a network that drops is back by then; the next patient mostly is not there yet
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Place(StrEnum):
    """Where on the path a patient is."""

    IDENTITY = "identity"
    STAFF = "staff"
    QUESTIONS = "questions"
    CHECK = "check"
    DOCTOR_FIRST = "doctor_first"
    EFFECTS = "effects"
    TEACH_BACK = "teach_back"
    SIGN = "sign"
    THANKS = "thanks"


@dataclass(frozen=True)
class Path:
    """What is known of a visit's way; ids are of pages still open."""

    identified: bool
    identity_tries: int
    open_sections: Sequence[str]
    talk_first: bool
    submitted: bool
    released: bool
    open_pages: Sequence[str]
    open_questions: Sequence[str]
    ended: bool


@dataclass(frozen=True)
class Step:
    """The next page: its place and, where the place has several, which."""

    place: Place
    page: str = ""


def next_step(path: Path) -> Step:
    """Where the patient goes now. Signing first, the answers are checked just before the signature;
    talking first, before the talk."""
    if path.ended:
        return Step(Place.THANKS)
    if not path.identified:
        return Step(Place.STAFF if path.identity_tries >= MOST_IDENTITY_TRIES else Place.IDENTITY)
    if path.open_sections and not path.submitted:
        return Step(Place.QUESTIONS, path.open_sections[0])
    if path.talk_first and not path.released:
        return Step(Place.DOCTOR_FIRST) if path.submitted else Step(Place.CHECK)
    if path.open_pages:
        return Step(Place.EFFECTS, path.open_pages[0])
    if path.open_questions:
        return Step(Place.TEACH_BACK, path.open_questions[0])
    return Step(Place.SIGN) if path.submitted else Step(Place.CHECK)


class Hold(StrEnum):
    """What a tablet in use is doing."""

    OPEN = "open"
    LOCKED = "locked"
    OVER = "over"


@dataclass(frozen=True)
class Use:
    """A tablet in use: when opened (again), last touched and locked; `same_day` by the clinic's calendar."""

    opened_at: datetime
    seen_at: datetime
    locked_at: datetime | None
    same_day: bool


def hold(use: Use, idle: timedelta, now: datetime) -> Hold:
    """Whether the patient may go on. Idle time locks after a warning of 60 seconds; an hour after it was opened,
    and on any other day, the visit leaves the tablet."""
    if not use.same_day or now - use.opened_at > LONGEST_VISIT:
        return Hold.OVER
    if (use.locked_at is not None and use.locked_at >= use.opened_at) or now - use.seen_at > idle + WARNING + GRACE:
        return Hold.LOCKED
    return Hold.OPEN


class Cookie(StrEnum):
    """What a tablet's cookie is worth. NEW: handed out by "Finish" and back for the first time.
    OLD: the one that pressed it; good for hearing the answer again, for nothing else."""

    GOOD = "good"
    NEW = "new"
    OLD = "old"


@dataclass(frozen=True)
class Renewal:
    """A "Finish" after which the tablet has not come back with a new cookie yet. `old` is the hash of the cookie that
    pressed it; `spare` that of the newest one handed out again. Without `old` the spare alone counts: it came back."""

    at: datetime
    old: bytes | None
    spare: bytes | None


def worth(shown: bytes, handed_out: bytes | None, renewal: Renewal | None, now: datetime) -> Cookie | None:
    """What a cookie is worth, by its hash; None: nothing. `handed_out` is the hash of the device's own secret.

    Each answer to a lost "Finish" brings a cookie of its own, and the first to come back is the only one from then on:
    a copy of the old cookie and the tablet never share one, and who is slower is seen to be no tablet any more
    (the reasoning of RFC 9700, section 4.14.2, for refresh tokens).
    """
    if renewal is None:
        return Cookie.GOOD if shown == handed_out else None
    if renewal.old is None:
        return Cookie.GOOD if shown == renewal.spare else None
    if shown in (handed_out, renewal.spare):
        return Cookie.NEW
    return Cookie.OLD if shown == renewal.old and now - renewal.at <= OLD_COOKIE_LIFE else None


STEPS = ("about_you", "health", "treatment", "effects", "check_and_sign")
ABOUT = frozenset(
    {"pn", "st", "id", "ct", "tx"}
)  # what a patient wishes for is asked early; the steps only ever go forward
TREATMENT = frozenset({"bi", "ft", "hr", "lp", "lt", "fc", "ph", "dc"})


def step_of(place: Place, page: str) -> int:
    """Which of the five named steps a page belongs to, from 0; sections by the first part of their id."""
    if place in (Place.IDENTITY, Place.STAFF):
        return 0
    if place is Place.QUESTIONS:
        stem = page.split("-")[0].split(".")[0]
        return 0 if stem in ABOUT else 2 if stem in TREATMENT else 1
    return 3 if place in (Place.EFFECTS, Place.TEACH_BACK) else 4
