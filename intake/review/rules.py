"""What a doctor must settle before a patient may sign or a record is countersigned, and what of it is still open. Pure.

Also reads answers for the doctor's page. Whether a patient is suitable the doctor says; this only asks for the words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from intake.answers.rules import clean
from intake.consent.rules import OUTCOMES, State
from intake.consent.rules import talks_first as talks_first
from intake.definitions.rules import (
    Answers,
    Questionnaire,
    answer_text,
    enabled,
    entry_label,
    split_entry,
    visible_sections,
    with_entries,
)
from intake.visits.rules import age_on

MOST_WORDS = 2000
MOST_LINES = 4  # of what is open; more would push the page itself off the screen
NOT_CLEARABLE = "Not clearable"  # how a rule's "clears when" begins where no doctor may clear it here


class Kind(StrEnum):
    """What has to be settled: a finding by its severity, a patient's question, or what was not understood."""

    BLOCK = "block"
    CAUTION = "caution"
    NOTE = "note"
    QUESTION = "question"
    TEACHBACK = "teachback"


class Verdict(StrEnum):
    """What a doctor says about one point. NOT_YET takes back an answer or an explanation said too early."""

    GO_AHEAD = "go_ahead"
    CHANGE_PLAN = "change_plan"
    POSTPONE = "postpone"
    SEEN = "seen"
    ANSWERED = "answered"
    EXPLAINED = "explained"
    NOT_YET = "not_yet"


OFFERED: Mapping[Kind, tuple[Verdict, ...]] = {
    Kind.BLOCK: (Verdict.GO_AHEAD, Verdict.CHANGE_PLAN, Verdict.POSTPONE),
    Kind.CAUTION: (Verdict.GO_AHEAD, Verdict.CHANGE_PLAN, Verdict.POSTPONE),
    Kind.NOTE: (Verdict.SEEN,),
    Kind.QUESTION: (Verdict.ANSWERED, Verdict.NOT_YET),
    Kind.TEACHBACK: (Verdict.EXPLAINED, Verdict.NOT_YET),
}
IN_WORDS = frozenset({Verdict.GO_AHEAD, Verdict.CHANGE_PLAN, Verdict.POSTPONE, Verdict.ANSWERED})


@dataclass(frozen=True)
class Point:
    """One thing to settle. `about` is `finding:<id>`, `question:<part>` or `teachback:<id>`; `clears` is a rule's
    "clears when"; `holds_consent` says that nothing may be signed before it is decided."""

    about: str
    kind: Kind
    title: str
    clears: str = ""
    holds_consent: bool = False


@dataclass(frozen=True)
class Entry:
    """What a doctor writes about one point; an empty verdict says nothing."""

    about: str
    verdict: str
    words: str = ""


@dataclass(frozen=True)
class Decided:
    """What a doctor decided about one point, with its place in the order of the visit's decisions."""

    about: str
    verdict: Verdict
    words: str
    seq: int
    at: datetime
    doctor_id: UUID


class Fault(StrEnum):
    """Why an entry cannot be taken."""

    NOT_OFFERED = "not_offered"
    NO_WORDS = "no_words"
    NO_VERDICT = "no_verdict"
    TOO_LONG = "too_long"


class Still(StrEnum):
    """What is still to be done about a point."""

    UNDECIDED = "undecided"
    UNSEEN = "unseen"
    UNANSWERED = "unanswered"
    UNEXPLAINED = "unexplained"
    POSTPONED = "postponed"
    NOT_SIGNED = "not_signed"


UNSETTLED: Mapping[Kind, Still] = {
    Kind.BLOCK: Still.UNDECIDED,
    Kind.CAUTION: Still.UNDECIDED,
    Kind.NOTE: Still.UNSEEN,
    Kind.QUESTION: Still.UNANSWERED,
    Kind.TEACHBACK: Still.UNEXPLAINED,
}


@dataclass(frozen=True)
class OpenPoint:
    """A point that is still open, and what it waits for; without `about` it is the visit as a whole."""

    about: str
    still: Still
    title: str


def verdicts_for(point: Point) -> tuple[Verdict, ...]:
    """What a doctor may say about a point. A rule marked as not clearable here never gets "go ahead"; where it also
    holds the treatment or the signature (somebody under 18), the visit can only be postponed."""
    offered = OFFERED[point.kind]
    if not point.clears.startswith(NOT_CLEARABLE):
        return offered
    never = {Verdict.GO_AHEAD, Verdict.CHANGE_PLAN} if point.holds_consent else {Verdict.GO_AHEAD}
    return tuple(verdict for verdict in offered if verdict not in never)


def needs_words(verdict: Verdict) -> bool:
    """Whether a verdict counts only with words; those that go ahead with a block are the fact it clears by."""
    return verdict in IN_WORDS


def fault(point: Point, entry: Entry) -> Fault | None:
    """Why an entry about a point cannot be taken, or None. An entry that says nothing at all has no fault."""
    words = tidy(entry.words)
    if len(words) > MOST_WORDS:
        return Fault.TOO_LONG
    if not entry.verdict:
        return Fault.NO_VERDICT if words else None
    if entry.verdict not in verdicts_for(point):
        return Fault.NOT_OFFERED
    return Fault.NO_WORDS if needs_words(Verdict(entry.verdict)) and not words else None


def is_settled(point: Point, decided: Decided | None) -> bool:
    """Whether a doctor has said all that a point asks for."""
    if decided is None or decided.verdict is Verdict.NOT_YET:
        return False
    return fault(point, Entry(point.about, decided.verdict, decided.words)) is None


def tidy(words: str) -> str:
    """Words as they are kept: without control characters and blanks at the ends."""
    return clean(words)


def changes(entries: Iterable[Entry], known: Mapping[str, Decided]) -> list[Entry]:
    """The entries that say something other than what was decided already, their words tidied."""
    kept = [Entry(entry.about, entry.verdict, tidy(entry.words)) for entry in entries]
    return [e for e in kept if (e.verdict or e.words) and not _says(known.get(e.about), e)]


def _says(decided: Decided | None, entry: Entry) -> bool:
    return decided is not None and (decided.verdict, decided.words) == (entry.verdict, entry.words)


def newest(decisions: Iterable[Decided], until: int | None = None) -> dict[str, Decided]:
    """The decision that counts about each point, of all or of those up to a place in their order."""
    return {one.about: one for one in sorted(decisions, key=lambda d: d.seq) if until is None or one.seq <= until}


def open_points(points: Iterable[Point], decisions: Mapping[str, Decided]) -> list[OpenPoint]:
    """What nobody has settled yet, in the order given."""
    return [OpenPoint(p.about, UNSETTLED[p.kind], p.title) for p in points if not is_settled(p, decisions.get(p.about))]


def before_release(findings: Iterable[Point], decisions: Mapping[str, Decided]) -> list[OpenPoint]:
    """What stands between a talk and the patient's signature: findings that hold it, undecided or postponed."""
    holding = [point for point in findings if point.holds_consent]
    return [*open_points(holding, decisions), *_postponed(holding, decisions)]


def before_countersign(is_signed: bool, points: Sequence[Point], decisions: Mapping[str, Decided]) -> list[OpenPoint]:
    """What stands between a doctor and the countersignature: no signature yet, whatever is open, and a verdict to
    postpone, for such a visit is postponed."""
    unsigned = [] if is_signed else [OpenPoint("", Still.NOT_SIGNED, "")]
    return [*unsigned, *open_points(points, decisions), *_postponed(points, decisions)]


def _postponed(points: Iterable[Point], decisions: Mapping[str, Decided]) -> list[OpenPoint]:
    verdicts = {about: decided.verdict for about, decided in decisions.items()}
    stopped = (point for point in points if verdicts.get(point.about) is Verdict.POSTPONE)
    return [OpenPoint(point.about, Still.POSTPONED, point.title) for point in stopped]


def gathered(points: Sequence[OpenPoint], most: int = MOST_LINES) -> list[tuple[OpenPoint, int]]:
    """Open points as the lines of a short list: each by itself while they are few, else the first of each sort with how
    many there are of it."""
    if len(points) <= most:
        return [(point, 1) for point in points]
    counts = Counter(point.still for point in points)
    return [(next(point for point in points if point.still is still), count) for still, count in counts.items()]


class Stage(StrEnum):
    """Where a visit stands for the doctor, those that need one first."""

    TALK_FIRST = "talk_first"
    SIGNED = "signed"
    FILLING_IN = "filling_in"
    DECIDED = "decided"


NEED_A_DOCTOR = (Stage.TALK_FIRST, Stage.SIGNED)


def is_over(state: State) -> bool:
    """Whether a visit has an outcome, so that nothing is decided about it any more."""
    return state.value in OUTCOMES


def stage(state: State, *, waits_for_talk: bool) -> Stage:
    """Where a visit stands: signed, ended, waiting for the talk that comes first, or with the patient."""
    if is_over(state):
        return Stage.DECIDED
    if state is State.SIGNED:
        return Stage.SIGNED
    return Stage.TALK_FIRST if waits_for_talk else Stage.FILLING_IN


def headline(text: str) -> tuple[str, str]:
    """A finding's text as what it is and what to do about it: cut at the first full stop or colon."""
    title, _, rest = re.sub(r"([.:])\s+", r"\1\n", text.strip(), count=1).partition("\n")
    return title.rstrip(".:"), rest[:1].upper() + rest[1:]


@dataclass(frozen=True)
class Said:
    """A question with the patient's answer in words; in a repeating group it names the entry ("Medicine 2: Name")."""

    question: str
    answer: str


@dataclass(frozen=True)
class SaidSection:
    """One section of the answers, in the order asked."""

    title: str
    rows: tuple[Said, ...]


def said_about(questionnaire: Questionnaire, answers: Answers, items: Iterable[str], language: str) -> tuple[Said, ...]:
    """The patient's answers to some items in every entry, in the order asked; what was not asked is left out."""
    shape = with_entries(questionnaire, answers)
    wanted = set(items)
    entries = [one for one in shape.items if one in wanted or split_entry(one)[0] in wanted]
    return _said(shape, answers, entries, language)


def all_said(questionnaire: Questionnaire, answers: Answers, language: str) -> tuple[SaidSection, ...]:
    """Every question that was asked with its answer, section by section."""
    shape = with_entries(questionnaire, answers)
    sections = []
    for section in visible_sections(shape, answers):
        asked = [link_id for link_id in section.items if _is_asked(shape, link_id)]
        sections.append(SaidSection(section.title.get(language), _said(shape, answers, asked, language)))
    return tuple(sections)


def _said(shape: Questionnaire, answers: Answers, items: Iterable[str], language: str) -> tuple[Said, ...]:
    on = enabled(shape, answers)
    return tuple(
        Said(
            entry_label(shape, link_id, language), answer_text(shape.items[link_id], answers.get(link_id, ()), language)
        )
        for link_id in items
        if link_id in on
    )


def _is_asked(questionnaire: Questionnaire, link_id: str) -> bool:
    item = questionnaire.items[link_id]
    return item.is_question and not item.hidden


def age(born_on: str, day: date) -> int | None:
    """Completed years on a day from an ISO date of birth; None where that is not known yet."""
    return age_on(date.fromisoformat(born_on), day) if born_on else None


def codes_of(answers: Answers, link_id: str) -> tuple[str, ...]:
    """The codes chosen for a question."""
    return tuple(str(value["valueCoding"]["code"]) for value in answers.get(link_id, ()) if "valueCoding" in value)


def words_of(questionnaire: Questionnaire, answers: Answers, link_id: str, language: str) -> str:
    """The answer to one item in words; empty where it was not asked or this edition has no such item."""
    said = said_about(questionnaire, answers, [link_id] if link_id in questionnaire.items else [], language)
    return said[0].answer if said else ""


def order(rank: Stage, is_today: bool, since: datetime) -> tuple[int, datetime]:
    """How the worklist sorts: who waits here for a doctor, longest first; then other days; then who needs none yet."""
    if rank in NEED_A_DOCTOR:
        return (0 if is_today else 1), since
    return (2 if rank is Stage.FILLING_IN else 3), since
