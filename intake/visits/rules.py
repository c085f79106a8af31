"""Opening hours, tokens and their order, and what state a token is in. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

LETTERS = "ABCDEFGHJKLMNPRTUVWXY"  # I, O, Q, S and Z look like 1, 0, 0, 5 and 2 on a wall
Hours = Mapping[int, tuple[time, time]]


class Fact(StrEnum):
    """What may be known of a patient."""

    NAME = "name"
    BORN_ON = "born_on"
    PHONE = "phone"
    EMAIL = "email"
    SEX = "sex"


class Move(StrEnum):
    """What the desk, the patient or the doctor did to a visit. CAME_BACK: had not left, or is here again.
    RELEASED: the doctor has talked first, now the patient may sign."""

    CALLED = "called"
    LEFT = "left"
    CAME_BACK = "came_back"
    HELP_ASKED = "help_asked"
    HELP_MET = "help_met"
    RELEASED = "released"


class TokenState(StrEnum):
    """Where a visit stands, as the desk sees it."""

    WAITING = "waiting"
    WITH_TABLET = "with_tablet"
    READY = "ready_for_doctor"
    WITH_DOCTOR = "with_doctor"
    DONE = "done"
    LEFT = "left"


@dataclass(frozen=True)
class Token:
    """A doctor's letter and a count from 1 each day."""

    letter: str
    number: int

    def __str__(self) -> str:
        return f"{self.letter} {self.number:02d}"


@dataclass(frozen=True)
class Opening:
    """Whether tokens are given now, and if not, when again (the clinic's wall clock; None when it never opens)."""

    is_open: bool
    next_at: datetime | None


def opening(hours: Hours, last_token: time, now: datetime) -> Opening:
    """Tokens are given from opening until the last-token time, never past closing.
    `now` is on the clinic's wall clock."""
    if span := hours.get(now.weekday()):
        opens, ends = span[0], min(span[1], max(last_token, span[0]))
        if opens <= now.time() < ends:
            return Opening(True, None)
        if now.time() < opens:
            return Opening(False, now.replace(hour=opens.hour, minute=opens.minute, second=0, microsecond=0))
    for days in range(1, 8):
        day = now + timedelta(days=days)
        if later := hours.get(day.weekday()):
            return Opening(False, day.replace(hour=later[0].hour, minute=later[0].minute, second=0, microsecond=0))
    return Opening(False, None)


@dataclass(frozen=True)
class StateFacts:
    """What decides a token's state; each comes from rows of its own room."""

    moves: Sequence[str] = ()
    has_tablet: bool = False
    is_submitted: bool = False
    is_over: bool = False


def state(facts: StateFacts) -> TokenState:
    """The state of a token, worked out from what happened (docs/states.md)."""
    desk = standing_moves(facts.moves)
    if facts.is_over:
        return TokenState.DONE
    if has_left(facts.moves):
        return TokenState.LEFT
    if facts.has_tablet:
        return TokenState.WITH_TABLET
    if desk:
        return TokenState.WITH_DOCTOR
    return TokenState.READY if facts.is_submitted else TokenState.WAITING


def standing_moves(moves: Sequence[str]) -> list[str]:
    """What counts of calling and leaving, oldest first: who came back never left, and stands where they stood."""
    counts: list[str] = []
    for move in moves:
        if move in (Move.CALLED, Move.LEFT):
            counts.append(move)
        elif move == Move.CAME_BACK and counts[-1:] == [Move.LEFT]:
            counts.pop()
    return counts


def has_left(moves: Sequence[str]) -> bool:
    """Whether the patient has gone."""
    return standing_moves(moves)[-1:] == [Move.LEFT]


def is_called(moves: Sequence[str]) -> bool:
    """Whether the patient is called in and has not gone since."""
    return standing_moves(moves)[-1:] == [Move.CALLED]


def is_said(moves: Sequence[str], kind: Move) -> bool:
    """Whether a move would say nothing new. A call for help is not asked here: other rooms may have ended the last."""
    if kind is Move.CALLED:
        return is_called(moves)
    if kind is Move.LEFT:
        return has_left(moves)
    if kind is Move.CAME_BACK:
        return not has_left(moves)
    calls = [move for move in moves if move in (Move.HELP_ASKED, Move.HELP_MET)]
    return kind is Move.HELP_MET and calls[-1:] == [Move.HELP_MET]


HELP_ASKED = "visit.help_asked"
HELP_IS_OVER = frozenset(
    {  # somebody came, or the patient went on without
        "visit.help_met",
        "visit.called",
        "visit.left",
        "tablet.taken_back",
        "tablet.finished",
        "consent.signed",
        "consent.declined",
    }
)


def needs_help(events: Sequence[str]) -> bool:
    """Whether a call for help stands, by the names of the visit's log entries, oldest first: nobody has come, and the
    patient has neither signed, nor said no, nor given the tablet back since. A locked tablet ends no call."""
    calls = [event for event in events if event == HELP_ASKED or event in HELP_IS_OVER]
    return calls[-1:] == [HELP_ASKED]


def age_on(born_on: date, day: date) -> int:
    """Completed years of life on a day; somebody born on 29 February is a year older on 1 March of common years."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))
