"""What the desk works out from facts: who is first, the one thing to do next, how a person is hinted at. Pure."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from intake.answers.rules import clean
from intake.kiosk.rules import Hold, Place, step_of
from intake.review.rules import talks_first as talks_first
from intake.staff.rules import Limit
from intake.visits.rules import TokenState
from intake.visits.rules import has_left as has_left
from intake.visits.rules import is_called as is_called

LATE_MINUTES = 30
LONGEST_NAME = 200
FEWEST_LETTERS = 3  # as the blind index: fewer would let somebody page through all patients
FEWEST_DIGITS = 6  # of a whole number; four are its last ones
FORM_KEY_LENGTH = 22  # 16 random bytes in URL-safe base 64

WRONG_DATES = Limit(free=5, longest=timedelta(minutes=15), window=timedelta(days=1))

Item = TypeVar("Item")


class Action(StrEnum):
    """The one main thing the desk can do for a token now."""

    HELP = "help"
    GIVE = "give"
    REOPEN = "reopen"
    CALL = "call"
    BACK = "back"
    NONE = "none"


@dataclass(frozen=True)
class Standing:
    """What decides the main action of a token."""

    state: TokenState
    needs_help: bool = False
    hold: Hold | None = None
    wants_tablet: bool = False
    has_free_tablet: bool = False


def main_action(standing: Standing) -> Action:
    """What to do next for a token; somebody who called for help comes before everything else."""
    if standing.needs_help and standing.state not in (TokenState.DONE, TokenState.LEFT):
        return Action.HELP
    if standing.state is TokenState.WITH_TABLET:
        return Action.REOPEN if standing.hold is Hold.LOCKED else Action.NONE
    if standing.state is TokenState.LEFT:
        return Action.BACK
    if standing.state is TokenState.READY:
        return Action.CALL
    if standing.state is TokenState.WAITING or (standing.state is TokenState.WITH_DOCTOR and standing.wants_tablet):
        return Action.GIVE if standing.has_free_tablet else Action.NONE
    return Action.NONE


def waiting_order(
    items: Iterable[Item],
    state: Callable[[Item], TokenState],
    needs_help: Callable[[Item], bool],
    since: Callable[[Item], datetime],
) -> list[Item]:
    """Calls for help first, then everybody in the house by how long they are here, then who is done or has left."""

    def place(item: Item) -> tuple[bool, bool, datetime]:
        is_gone = state(item) in (TokenState.DONE, TokenState.LEFT)
        return is_gone, not (needs_help(item) and not is_gone), since(item)

    return sorted(items, key=place)


def next_to_call(
    items: Iterable[Item], state: Callable[[Item], TokenState], since: Callable[[Item], datetime]
) -> Item | None:
    """Of the tokens that are ready, the one that has been in the house the longest; None when nobody is ready."""
    ready = [item for item in items if state(item) is TokenState.READY]
    return min(ready, key=since, default=None)


def left_with_tablet(events: Sequence[str]) -> bool:
    """Whether the newest leaving took a tablet back, by the names of the visit's log entries, oldest first."""
    after: list[str] = []
    for event in events:
        after = [] if event == "visit.left" else [*after, event]
    return "visit.left" in events and "tablet.taken_back" in after


def minutes_since(moment: datetime, now: datetime) -> int:
    """Whole minutes from a moment until now; never negative."""
    return max(0, int((now - moment).total_seconds() // 60))


def step_from_events(events: Iterable[tuple[str, str]]) -> int:
    """Which of the five named steps a visit has reached, from 0, by what was last saved; no answer is looked at.

    `events` are the visit's log events, oldest first, each with the section it names or nothing.
    """
    reached = 0
    for event, section in events:
        if event == "response.page_saved":
            reached = step_of(Place.QUESTIONS, section)
        elif event in ("consent.presented", "consent.page_answered", "consent.teach_back"):
            reached = step_of(Place.EFFECTS, "")
        elif event in ("response.submitted", "consent.signed"):
            reached = step_of(Place.CHECK, "")
    return reached


def initials(name: str) -> str:
    """The first letters of at most three words, with the marks that belong to them: "F. S."; a dash for no name."""
    firsts = [_first_letter(word) for word in unicodedata.normalize("NFC", name).split()]
    return " ".join(f"{letter}." for letter in [f for f in firsts if f][:3]) or "–"


def _first_letter(word: str) -> str:
    for place, letter in enumerate(word):
        if letter.isalnum():
            end = place + 1
            while end < len(word) and unicodedata.category(word[end]).startswith("M"):
                end += 1
            return word[place:end].upper()
    return ""


def read_name(typed: str) -> str:
    """A name as it is kept: one line, no control characters, the words as written."""
    return " ".join(clean(typed).split())


def read_words(typed: str) -> str:
    """What somebody wrote in their own words, without control characters and blank ends; line breaks stay."""
    return clean(typed)


def may_search(name: str, phone: str) -> bool:
    """Whether a search says enough: 3 letters of a name, or the last 4 digits or all of a number."""
    # Vowel signs of Indic scripts are marks, and count like letters: मीना has four.
    letters = sum(unicodedata.category(c)[0] in "LMN" for c in name)
    digits = sum(c.isdigit() for c in phone)
    if phone.strip() and digits != 4 and digits < FEWEST_DIGITS:
        return False
    return letters >= FEWEST_LETTERS or digits >= 4


def is_form_key(text: str) -> bool:
    """Whether this looks like a one-time key that a page of ours carried."""
    return len(text) == FORM_KEY_LENGTH and all((c.isascii() and c.isalnum()) or c in "-_" for c in text)


def is_for_doctor(wrong: int, *, is_doctor_or_admin: bool) -> bool:
    """Whether so many wrong dates of birth for one patient leave the next to a doctor or an administrator: a caller who
    guesses must not find one voice at the desk that lets them go on."""
    return wrong >= WRONG_DATES.free and not is_doctor_or_admin
