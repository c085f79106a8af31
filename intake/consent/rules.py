"""What is shown to whom, when a consent may move, and what makes a signature. Pure.

A presentation is plain data (it is kept exactly as shown), so it is read and written as dictionaries with the keys
below.
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import hypot
from typing import Any

from intake.definitions.rules import TREATMENT_PART
from intake.errors import Invalid, NotAllowed
from intake.visits.rules import age_on

MOST_POINTS = 20_000
MOST_BYTES = 256 * 1024
POINTERS = ("mouse", "pen", "touch")  # PointerEvent.pointerType (W3C Pointer Events 3)
SCREEN = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})", re.ASCII)
SHORTEST_STROKE = 40.0  # CSS pixels in total; a dot or a slip of the finger is not a signature


class Kind(StrEnum):
    """The decisions that end up as signed evidence."""

    SIGNED = "signed"
    DECLINED = "declined"
    COUNTERSIGNED = "countersigned"
    POSTPONED = "postponed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    PART_WITHDRAWN = "part_withdrawn"


OUTCOMES = frozenset({Kind.DECLINED, Kind.COUNTERSIGNED, Kind.POSTPONED, Kind.CLOSED, Kind.WITHDRAWN})
TAKEN_BACK = frozenset({Kind.WITHDRAWN, Kind.PART_WITHDRAWN})
GIVING = frozenset({Kind.SIGNED, Kind.COUNTERSIGNED})
TREATMENT = TREATMENT_PART
"""The part of a consent that is the treatment itself, where a visit has one; of several each is a part, by its code
behind this word and a colon (docs/decisions/0013). Asked for, or in evidence of before they were told apart, the word
alone means all of them. The other parts are the optional agreements, by their linkIds."""


class State(StrEnum):
    """Where the consent of a visit stands (docs/states.md)."""

    OPEN = "open"
    SIGNED = "signed"
    COUNTERSIGNED = "countersigned"
    DECLINED = "declined"
    POSTPONED = "postponed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Answer(StrEnum):
    """The two equal answers to a part."""

    UNDERSTOOD = "understood"
    QUESTION = "question"


class Teach(StrEnum):
    """How a teach-back question stands. It measures our explaining, never the patient."""

    OPEN = "open"
    AGAIN = "again"
    RIGHT = "right"
    DOCTOR = "doctor_explains"


UNSURE = "unsure"


def state(kinds: AbstractSet[Kind]) -> State:
    """The state that a visit's statements make."""
    for kind in (Kind.WITHDRAWN, Kind.COUNTERSIGNED, Kind.DECLINED, Kind.POSTPONED, Kind.CLOSED, Kind.SIGNED):
        if kind in kinds:
            return State(kind.value)
    return State.OPEN


def check_move(kinds: AbstractSet[Kind], to: Kind) -> None:
    """Let a statement follow the ones there are, or raise NotAllowed.
    An outcome is final; countersigning and closing follow a signature. Taking back follows what was given."""
    if to in TAKEN_BACK:
        _check_withdrawal(kinds, to)
        return
    if kinds & OUTCOMES:
        raise NotAllowed("consent.already_decided")
    if to is Kind.SIGNED and Kind.SIGNED in kinds:
        raise NotAllowed("consent.already_signed")
    if to in (Kind.COUNTERSIGNED, Kind.CLOSED) and Kind.SIGNED not in kinds:
        raise NotAllowed("consent.not_signed")
    if to is Kind.DECLINED and Kind.SIGNED in kinds:
        raise NotAllowed("consent.already_signed")


def _check_withdrawal(kinds: AbstractSet[Kind], to: Kind) -> None:
    if to is Kind.WITHDRAWN and not is_treatment_given(kinds):
        raise NotAllowed("consent.nothing_to_withdraw")
    if to is Kind.PART_WITHDRAWN and not kinds:
        raise NotAllowed("consent.nothing_to_withdraw")


def is_treatment_given(kinds: AbstractSet[Kind]) -> bool:
    """Whether there is a consent to the treatment that can be taken back: signed and still open, or countersigned."""
    return state(kinds) in (State.SIGNED, State.COUNTERSIGNED)


def is_treatment(part: str) -> bool:
    """Whether a part of a consent is a treatment, and no optional agreement."""
    return part.partition(":")[0] == TREATMENT


def treatment_part(code: str) -> str:
    """The id of the part that is one of several treatments."""
    return f"{TREATMENT}:{code}"


def treatment_parts(codes: Sequence[str]) -> dict[str, str]:
    """The treatments of a visit, by their codes, as parts of its consent: each part's id with its treatment's code."""
    return {TREATMENT: codes[0]} if len(codes) == 1 else {treatment_part(code): code for code in codes}


def is_taken_back(part: str, taken_back: AbstractSet[str]) -> bool:
    """Whether a part is among those that were taken back, by their ids."""
    return part in taken_back or (is_treatment(part) and TREATMENT in taken_back)


def treatments_left(codes: Sequence[str], taken_back: AbstractSet[str]) -> frozenset[str]:
    """Which treatments of a visit, by their codes, were not taken back."""
    return frozenset(code for part, code in treatment_parts(codes).items() if not is_taken_back(part, taken_back))


@dataclass(frozen=True)
class Agreed:
    """What a patient agreed to at a visit: the codes of the treatments that were shown, the linkIds of the optional
    agreements, the statements there are by now, and the ids of the parts that were taken back."""

    kinds: AbstractSet[Kind]
    treatments: Sequence[str]
    agreements: Sequence[str]
    taken_back: AbstractSet[str] = frozenset()

    @property
    def parts(self) -> list[str]:
        """The ids of all of it, taken back or not, the treatments first. Nothing before a statement was made; a
        treatment only where it was signed for."""
        signed = treatment_parts(self.treatments) if Kind.SIGNED in self.kinds else {}
        return [*signed, *self.agreements] if self.kinds else []

    @property
    def stands(self) -> list[str]:
        """The ids of what can still be taken back. A treatment that was postponed or closed is not given any more."""
        is_given = is_treatment_given(self.kinds)
        left = [part for part in self.parts if not is_taken_back(part, self.taken_back)]
        return [part for part in left if is_given or not is_treatment(part)]

    @property
    def gone(self) -> list[str]:
        """The ids of what was taken back."""
        return [part for part in self.parts if is_taken_back(part, self.taken_back)]


@dataclass(frozen=True)
class Taking:
    """What is taken back at one time, by the ids of the parts, which statement says so, what then still stands, and
    what had been taken back before."""

    kind: Kind
    parts: tuple[str, ...]
    stands: tuple[str, ...]
    before: tuple[str, ...]


def take_back(agreed: Agreed, asked: AbstractSet[str]) -> Taking | None:
    """What of the parts asked for is taken back now; None where nothing of them is left, so that asking twice is once.

    With the last treatment the consent is withdrawn; before that, and by an optional agreement, in part.
    Raises Invalid("consent.nothing_chosen") where nothing is asked for, or something that was never agreed to.
    """
    if not asked or not asked <= {*agreed.parts, TREATMENT, *agreed.agreements}:
        raise Invalid("consent.nothing_chosen")
    taken = [part for part in agreed.stands if is_taken_back(part, asked)]
    if not taken:
        return None
    stands = [part for part in agreed.stands if part not in taken]
    is_last = any(map(is_treatment, taken)) and not any(map(is_treatment, stands))
    kind = Kind.WITHDRAWN if is_last else Kind.PART_WITHDRAWN
    return Taking(kind, tuple(taken), tuple(stands), tuple(agreed.gone))


class Request(StrEnum):
    """How a patient asked to take a consent back."""

    TABLET = "tablet"
    PERSON = "person"
    PHONE = "phone"
    LETTER = "letter"


class Force(StrEnum):
    """What a consent to a treatment is worth on a day."""

    NONE = "none"
    NOT_COUNTERSIGNED = "not_countersigned"
    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


def force(kinds: AbstractSet[Kind], *, is_superseded: bool, valid_until: date | None, today: date) -> Force:
    """What the consent that these statements make is worth today. Taken back comes first, for it is the patient's word;
    the day `valid_until` itself still counts."""
    now = state(kinds)
    if now is State.WITHDRAWN:
        return Force.WITHDRAWN
    if now is State.SIGNED:
        return Force.NOT_COUNTERSIGNED
    if now is not State.COUNTERSIGNED:
        return Force.NONE
    if is_superseded:
        return Force.SUPERSEDED
    return Force.EXPIRED if valid_until is not None and is_expired(valid_until, today) else Force.IN_FORCE


def fill(text: str, blanks: Mapping[str, str], names: Sequence[str]) -> str:
    """Fill the {blanks} of a clause. Raises NotAllowed naming the first that has no value: no gap is ever signed."""
    for name in names:
        value = blanks.get(name, "").strip()
        if not value:
            raise NotAllowed("consent.blank_missing", setting=SETTING_OF.get(name, name))
        text = text.replace("{" + name + "}", value)
    return text


def in_sentence(name: str, language: str) -> str:
    """The name of a treatment or an area as it stands inside a sentence: English writes it small, unless its first
    word has more capitals or a digit (PRP); other languages are left as they are."""
    if language.replace("_", "-").split("-")[0] != "en" or not name.strip():
        return name
    first = name.split(maxsplit=1)[0]
    is_own_name = first in ("I", "I’m", "I'm") or any(c.isupper() or c.isdigit() for c in first[1:])
    return name if is_own_name else name[0].lower() + name[1:]


SETTING_OF = {
    "clinic_phone": "clinic.phone",
    "backup_hospital": "clinic.backup_hospital",
    "retention_period": "clinic.retention_period",
    "refund_policy": "clinic.refund_policy",
    "grievance_contact": "clinic.grievance_contact",
    "planned_sessions": "treatments.*.sessions",
    "interval": "treatments.*.interval",
    "price_per_session": "treatments.*.price",
    "price_total": "treatments.*.price_total",
    "doctor_name": "the doctor's name",
    "reg_no": "the doctor's registration number",
}


def parts_of(page: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a page asks an answer for, in order: each own part by itself, all group clauses of the page as one."""
    parts: list[dict[str, str]] = []
    grouped: list[str] = []
    for clause in page["clauses"]:
        if clause["ack"] == "own":
            parts += [{"id": p["id"], "title": p["title"]} for p in clause["parts"]] or [
                {"id": clause["id"], "title": clause["title"]}
            ]
        elif clause["ack"] == "group":
            grouped.append(clause["title"])
    if grouped:
        parts.append({"id": f"group-{page['id']}", "title": "; ".join(grouped)})
    return parts


def open_pages(pages: Sequence[Mapping[str, Any]], replies: Mapping[str, str], read: AbstractSet[str]) -> list[str]:
    """The pages, in order, that lack an answer or (having nothing to answer) were not read to their button."""

    def is_open(page: Mapping[str, Any]) -> bool:
        wanted = parts_of(page)
        return any(part["id"] not in replies for part in wanted) if wanted else page["id"] not in read

    return [page["id"] for page in pages if is_open(page)]


def talks_first(*, sign_first: bool, holds_consent: bool, has_treatment: bool) -> bool:
    """Whether the doctor talks with a patient before anything is signed: the clinic's order, a finding that holds the
    treatment or the signature, or no treatment chosen that a consent could be about."""
    return not sign_first or holds_consent or not has_treatment


def teach_state(right: str, tries: Sequence[str]) -> Teach:
    """Right at any try is right; wrong or unsure once explains again,
    twice leaves it to the doctor and never stops the patient."""
    if right in tries[:2]:
        return Teach.RIGHT
    return (Teach.OPEN, Teach.AGAIN, Teach.DOCTOR)[min(len(tries), 2)]


def age_of(born_on: str, day: date) -> int | None:
    """Full years on a day by the stored date of birth (ISO 8601), None where there is none."""
    return age_on(date.fromisoformat(born_on), day) if born_on else None


def expires_on(day: date, months: int) -> date:
    """The last day a consent is good for: the same day of the month so many months after it was signed, or the last day
    of a month that has no such day. How many is the clinic's to say (clinical open point 14 proposes six)."""
    ahead = day.month - 1 + months
    year, month = day.year + ahead // 12, ahead % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def is_expired(valid_until: date, day: date) -> bool:
    """Whether a consent is no longer good on a day: its last day is still one of it."""
    return day > valid_until


@dataclass(frozen=True)
class Drawn:
    """A drawn signature as points: groups of (x, y, time ms, pressure) in the pad's CSS pixels; and what it was drawn
    with, as codes of POINTERS, as far as the browser said."""

    width: float
    height: float
    strokes: tuple[tuple[tuple[float, float, float, float], ...], ...]
    pointers: tuple[str, ...] = ()


def read_strokes(raw: Any, size: int) -> Drawn:
    """Read the pad's JSON. Raises Invalid for too much, too little or nonsense. `size` is its length in bytes."""
    if size > MOST_BYTES:
        raise Invalid("signature.too_large")
    try:
        width, height = float(raw["width"]), float(raw["height"])
        strokes = tuple(tuple(_point(point) for point in group["points"]) for group in raw["strokes"])
        said = {str(group.get("pointer")) for group in raw["strokes"]}
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        raise Invalid("signature.unreadable") from None
    if not (50 <= width <= 5000 and 50 <= height <= 5000):
        raise Invalid("signature.unreadable")
    if sum(map(len, strokes)) > MOST_POINTS:
        raise Invalid("signature.too_large")
    if sum(map(_length, strokes)) < SHORTEST_STROKE:
        raise Invalid("signature.too_short")
    return Drawn(width, height, strokes, tuple(one for one in POINTERS if one in said))


def read_screen(said: str) -> dict[str, int] | None:
    """The size of the page's window in CSS pixels, from "1280x800"; None for what is no such size."""
    found = SCREEN.fullmatch(said)
    return {"width": int(found[1]), "height": int(found[2])} if found else None


def _point(raw: Any) -> tuple[float, float, float, float]:
    x, y, time, pressure = (float(raw[key]) for key in ("x", "y", "time", "pressure"))
    if not (abs(x) < 10_000 and abs(y) < 10_000 and 0 <= time < 1e14 and 0 <= pressure <= 1):
        raise ValueError("a point outside the pad")
    return round(x, 2), round(y, 2), round(time), round(pressure, 3)


def _length(points: Sequence[tuple[float, float, float, float]]) -> float:
    return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))
