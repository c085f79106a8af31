"""What a record says, as plain data, and the small exact forms it needs: number, canonical evidence, signature path.

Pure. Who collects the data is `service.py`; how it looks is `render.py` and the template; what it is worth, `seal.py`.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Any

import rfc8785

from intake.canonical import canonical as canonical_bytes
from intake.errors import Invalid

# Crockford's base 32 leaves out I, L, O and U, which are misread as 1, 1, 0 and V.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER = re.compile(rf"([A-Z]{{2,4}})-?([{ALPHABET}]{{4}})-?([{ALPHABET}]{{4}})")
INK_WIDTH, INK_HEIGHT = 300, 90  # the box a drawn signature is printed in
MAY_BE_RENEWED, RENEWED_BY_ITSELF = timedelta(days=90), timedelta(days=30)  # before the end of the seal's certificate
MISREAD = str.maketrans("OIL", "011")


class Outcome(StrEnum):
    """How a visit ended; there is one record for each ending."""

    COUNTERSIGNED = "countersigned"
    DECLINED = "declined"
    POSTPONED = "postponed"  # the doctor did not go ahead
    CLOSED = "closed"  # signed, and closed without a doctor
    WITHDRAWN = "withdrawn"
    PART_WITHDRAWN = "part_withdrawn"  # optional agreements, or some of several treatments; the rest stands


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the language the patient read, with its English where there is one."""

    text: str
    english: str = ""

    @property
    def has_english(self) -> bool:
        """Whether the English is worth printing under the text."""
        return bool(self.english) and self.english != self.text


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what stands beside it."""

    label: Words
    value: Words


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with its answer. `entry` names the entry of a repeating group it stands in; `offered` says what stood
    beside an answer that speaks of it ("None of these")."""

    label: Words
    value: Words
    entry: Words = Words("")
    offered: Words = Words("")


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the answers: each enabled question with its answer, in the order asked."""

    title: Words
    rows: tuple[Answer, ...]

    @property
    def entries(self) -> list[tuple[Words, list[Answer]]]:
        """The rows in the same order, gathered under the name of their entry; an empty name where they are in none."""
        return [(name, list(rows)) for name, rows in groupby(self.rows, lambda row: row.entry)]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the doctor decided about something the patient said, in the doctor's words. Rule ids stay inside."""

    about: Words
    verdict: Words
    words: str
    by: str
    at: Words


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question the patient asked and the answer; an empty `reply` is a question nobody answered."""

    question: Words
    reply: str = ""
    by: str = ""
    at: Words = Words("")


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that was explained, and what the patient said to it."""

    title: Words
    text: Words
    answer: Words
    asked: Exchange | None = None


@dataclass(frozen=True, slots=True)
class ClauseGroup:
    """Clauses of one page, under its title."""

    title: Words
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """One answer to a teach-back question."""

    answer: Words
    is_right: bool


@dataclass(frozen=True, slots=True)
class TeachBack:
    """A question that checks our explanation, every try, and who explained in person when the tries were used up."""

    question: Words
    tries: tuple[Try, ...]
    explained: Words = Words("")


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of the patient or of a guardian, as `who` says: the name as typed, or the path of the drawing from
    `strokes_to_path`, or neither where a thumb print was made on paper."""

    name: str
    at: Words
    where: Words = Words("")
    who: Words = Words("Patient")
    typed: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Helper:
    """Somebody who took part: helped to read, interpreted, witnessed."""

    name: str
    part: Words


@dataclass(frozen=True, slots=True)
class Countersignature:
    """The doctor who countersigned, when, and by what proof of being that doctor."""

    name: str
    title: str
    at: Words
    how: Words


@dataclass(frozen=True, slots=True)
class Ending:
    """How a visit ended other than by a countersignature: the reason in the words it was given in."""

    words: Words
    by: str
    at: Words


@dataclass(frozen=True, slots=True)
class Event:
    """One line of what happened."""

    at: Words
    what: Words
    who: Words


@dataclass(frozen=True, slots=True)
class DefinitionVersion:
    """Which published version of which content the patient read."""

    title: Words
    version: str
    sha256: str
    is_approved: bool


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the record says about the clinic."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a record prints. Dates and times are ready to print; `sealed_at` alone is data, for the file itself.

    Raises Invalid when what the outcome stands on is missing.
    """

    clinic: Clinic
    number: str
    outcome: Outcome
    language: str
    title: Words
    patient_name: str
    sealed_at: datetime
    sealed_on: Words
    evidence_sha256: str
    verify_url: str
    summary: Words = Words("")
    direction: str = "ltr"
    patient: tuple[Fact, ...] = ()
    answers: tuple[Section, ...] = ()
    decisions: tuple[Decision, ...] = ()
    treatment: tuple[Fact, ...] = ()
    clauses: tuple[ClauseGroup, ...] = ()
    questions: tuple[Exchange, ...] = ()
    teach_back: tuple[TeachBack, ...] = ()
    statements: tuple[Words, ...] = ()
    signature: Signature | None = None
    helpers: tuple[Helper, ...] = ()
    countersignature: Countersignature | None = None
    ending: Ending | None = None
    taken_back: tuple[Words, ...] = ()
    taken_back_before: tuple[Words, ...] = ()
    stands: tuple[Words, ...] = ()  # what is still agreed to beside what was taken back
    takes_treatment: bool = False  # whether a treatment is among what was taken back
    keeps_treatment: bool = True  # whether one is still agreed to beside it; evidence before format 5 does not say
    request: tuple[Fact, ...] = ()
    reading: tuple[Fact, ...] = ()
    timeline: tuple[Event, ...] = ()
    definitions: tuple[DefinitionVersion, ...] = ()
    demo: bool = False
    patient_ref: str = ""  # which records are of one patient; printed nowhere

    def __post_init__(self) -> None:
        """Hold an outcome to what it claims."""
        claims: dict[Outcome, dict[str, object]] = {
            Outcome.COUNTERSIGNED: {"signature": self.signature, "countersignature": self.countersignature},
            Outcome.DECLINED: {"ending": self.ending},
            Outcome.POSTPONED: {"ending": self.ending},
            Outcome.CLOSED: {"signature": self.signature, "ending": self.ending},
            Outcome.WITHDRAWN: {"ending": self.ending, "taken_back": self.taken_back or None},
            Outcome.PART_WITHDRAWN: {"ending": self.ending, "taken_back": self.taken_back or None},
        }
        for name, value in claims[self.outcome].items():
            if value is None:
                raise Invalid("records.incomplete", outcome=self.outcome.value, missing=name)
        if self.sealed_at.tzinfo is None:
            raise Invalid("records.naive_time")

    @property
    def is_draft(self) -> bool:
        """Whether the patient read a version that no doctor of the clinic has approved."""
        return any(not definition.is_approved for definition in self.definitions)


def new_number(prefix: str, random_bytes: bytes) -> str:
    """A record number such as KS-7KQ2-M9XF from the clinic's 2 to 4 letters and 5 random bytes (40 bits, 8 characters).

    Raises Invalid for other letters or another length.
    """
    if len(random_bytes) != 5 or not re.fullmatch(r"[A-Z]{2,4}", prefix):
        raise Invalid("records.bad_number_parts", prefix=prefix, length=len(random_bytes))
    value = int.from_bytes(random_bytes, "big")
    code = "".join(ALPHABET[value >> shift & 31] for shift in range(35, -1, -5))
    return f"{prefix}-{code[:4]}-{code[4:]}"


def read_number(typed: str) -> str | None:
    """The record number somebody meant: any case, with or without dashes and spaces, O for 0 and I or L for 1."""
    plain = "".join(typed.upper().split()).replace("-", "")
    match = NUMBER.fullmatch(plain[:-8] + plain[-8:].translate(MISREAD))
    return "-".join(match.groups()) if match else None


def canonical(evidence: Mapping[str, Any]) -> bytes:
    """The one byte form of a JSON object (RFC 8785), which is what gets hashed and signed.

    Raises Invalid for what JSON cannot hold exactly: other types, NaN, whole numbers beyond 2^53.
    """
    try:
        return canonical_bytes(dict(evidence))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid("records.not_canonical", reason=type(error).__name__) from error


def digest(data: bytes) -> str:
    """SHA-256 in 64 hex characters."""
    return sha256(data).hexdigest()


Point = tuple[float, float]


def strokes_to_path(strokes: Sequence[Sequence[Sequence[float]]], width: float, height: float) -> str:
    """The drawing as one SVG path, scaled to fit `width` x `height` with its proportions kept and its middle centred.

    A stroke is a row of points; a point starts with x and y, and what follows (time, pressure) is not drawn. A stroke
    of one place becomes a dot under round line caps. Raises Invalid when there is no point or one is not a number.
    """
    try:
        drawn = [[(float(point[0]), float(point[1])) for point in stroke] for stroke in strokes if len(stroke)]
    except (TypeError, ValueError, IndexError) as error:
        raise Invalid("records.bad_strokes") from error
    places = [place for stroke in drawn for place in stroke]
    if not places or not all(math.isfinite(x) and math.isfinite(y) for x, y in places):
        raise Invalid("records.bad_strokes")
    left, right = min(x for x, _ in places), max(x for x, _ in places)
    top, bottom = min(y for _, y in places), max(y for _, y in places)
    # Never larger than it was drawn; a dot or a straight line has no extent to scale by.
    scale = min(1.0, width / max(right - left, 1.0), height / max(bottom - top, 1.0))
    across, down = (width - (left + right) * scale) / 2, (height - (top + bottom) * scale) / 2
    return "".join(_curve([(x * scale + across, y * scale + down) for x, y in stroke]) for stroke in drawn)


def _curve(places: Sequence[Point]) -> str:
    """A stroke as quadratic curves through the middles between its points, which rounds off the corners of sampling."""
    kept = list(_thinned(places))
    path = f"M{_pair(kept[0])}"
    if len(kept) == 1:
        return path + "h.01"
    for place, after in pairwise(kept[1:]):
        path += f"Q{_pair(place)} {_pair(_middle(place, after))}"
    return path + f"L{_pair(kept[-1])}"


def _thinned(places: Sequence[Point]) -> Iterator[Point]:
    """Leave out points within half a unit of the one before: nobody sees them, and 20,000 would be a large file."""
    last: Point | None = None
    for place in places:
        if last is None or math.dist(last, place) >= 0.5:
            yield place
            last = place


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _pair(place: Point) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"


JOINERS = frozenset("\u200c\u200d")  # shape letters in Indic and Arabic scripts
BLANK = {"\t": " ", "\r": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n"}


def printable(text: str, has_glyph: Callable[[str], bool]) -> str:
    """The text as it can be printed: what has no glyph, or would act unseen, becomes a visible code like [U+1F600].

    Nothing is dropped. Direction overrides are coded too, for they make text read other than it is (Unicode UTR 36).
    """
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return "".join(_shown(letter, has_glyph) for letter in plain)


def _shown(letter: str, has_glyph: Callable[[str], bool]) -> str:
    if letter in JOINERS or letter == "\n":
        return letter
    if letter in BLANK:
        return BLANK[letter]
    kind = unicodedata.category(letter)
    if kind == "Zs":
        return letter if letter == "\u00a0" else " "
    if kind[0] != "C" and not _is_variation_selector(letter) and has_glyph(letter):
        return letter
    return f"[U+{ord(letter):04X}]"


def direction_of(text: str) -> str:
    """`rtl` or `ltr` by the first letter that has a direction (UAX 9, P2 and P3); without one, `ltr`."""
    for letter in text:
        if (direction := unicodedata.bidirectional(letter)) in ("L", "R", "AL"):
            return "ltr" if direction == "L" else "rtl"
    return "ltr"


def _is_variation_selector(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
