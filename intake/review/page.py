"""What a doctor's page shows of a visit, as plain data: what is to be settled, what the patient said, where it stands.

Writes nothing; what may follow from it is for rules.py and service.py to say.
"""

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select

from intake import answers, clock, consent, definitions, i18n, screening, staff, vault, visits
from intake.db import db
from intake.review import rules
from intake.review.models import Decision

AREAS = {"face": "tx.areas_face", "body": "tx.areas_body", "scalp": "tx.areas_scalp"}
PLACE = "decision|body"
ENGLISH = "en"  # findings are written for doctors in English; what the patient typed stays as typed


@dataclass(frozen=True)
class Matter:
    """One thing to settle with all that belongs to it. `said` is in English, `own` in the language the patient read."""

    point: rules.Point
    text: str
    said: tuple[rules.Said, ...]
    own: tuple[rules.Said, ...]
    rule: str = ""
    holds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matters:
    """Everything a doctor has to settle about a visit, in the doctor's order, with every decision so far."""

    findings: tuple[Matter, ...]
    questions: tuple[Matter, ...]
    teachbacks: tuple[Matter, ...]
    decisions: tuple[rules.Decided, ...]

    @property
    def all(self) -> tuple[Matter, ...]:
        """Findings, then questions, then explanations."""
        return self.findings + self.questions + self.teachbacks

    @property
    def flags(self) -> tuple[Matter, ...]:
        """Blocks and cautions."""
        return tuple(matter for matter in self.findings if matter.point.kind is not rules.Kind.NOTE)

    @property
    def notes(self) -> tuple[Matter, ...]:
        """What only has to be seen."""
        return tuple(matter for matter in self.findings if matter.point.kind is rules.Kind.NOTE)

    @property
    def undecided(self) -> int:
        """How many flags nobody has decided."""
        return len(rules.open_points(_points(self.flags), self.counts))

    @property
    def counts(self) -> dict[str, rules.Decided]:
        """The decision that counts about each point."""
        return rules.newest(self.decisions)

    @property
    def seen(self) -> int:
        """The place of the newest decision; 0 before the first."""
        return max((decided.seq for decided in self.decisions), default=0)

    def before_release(self) -> list[rules.OpenPoint]:
        """What stands between the talk and the patient's signature."""
        return rules.before_release(_points(self.findings), self.counts)

    def before_countersign(self, *, is_signed: bool) -> list[rules.OpenPoint]:
        """What stands between a doctor and the countersignature."""
        return rules.before_countersign(is_signed, _points(self.all), self.counts)


@dataclass(frozen=True)
class Brief:
    """Treatment and safety in short. `drawn` holds the chosen codes by drawing; `numbing` names what holds it."""

    treatments: tuple[str, ...]
    areas: tuple[str, ...]
    drawn: Mapping[str, tuple[str, ...]]
    goals: str
    allergies: str
    serious_reaction: str
    pregnancy: str
    numbing: tuple[str, ...]


@dataclass(frozen=True)
class Ending:
    """How a visit was decided, by whom, with which words."""

    kind: consent.Kind
    by: str
    at: datetime
    words: str


@dataclass(frozen=True)
class Earlier:
    """An earlier visit of the same patient; `is_in_part` where the consent stands and a part was taken back."""

    visit_id: UUID
    day: date
    token: str
    doctor: str
    state: consent.State
    is_in_part: bool


@dataclass(frozen=True)
class TookPart:
    """How it was signed, by whom, and who took part, as the patient's evidence says. `people` are codes of part and
    role with the name between; `valid_until` is None in evidence of before a consent had a last day. `risks_end` says
    whether the end of the pages with the risks was on the screen, "" in evidence of before that was kept."""

    way: str
    by_guardian: bool
    people: tuple[tuple[str, str, str], ...]
    relative_interprets: bool
    valid_until: date | None
    risks_end: str
    risks_seconds: int | None


@dataclass(frozen=True)
class ReviewPage:
    """The doctor's page of one visit. `tries` is how many tries the slowest teach-back that came right took;
    `seen_sha256` what a press to countersign must name; `gone` what the patient took back, and `stands` what not."""

    visit_id: UUID
    token: str
    day: date
    name: str
    age: int | None
    sex: str
    language: str
    doctor_id: UUID
    doctor: str
    stage: rules.Stage
    submitted_at: datetime | None
    signed_at: datetime | None
    minutes_waiting: int | None
    tries: int
    matters: Matters
    people: Mapping[UUID, str]
    brief: Brief | None
    sections: tuple[rules.SaidSection, ...]
    earlier: tuple[Earlier, ...]
    evidence_sha256: str
    seen_sha256: str
    stands: tuple[str, ...]
    gone: tuple[str, ...]
    took_part: TookPart | None
    ending: Ending | None
    is_draft: bool


def matters_of(visit_id: UUID) -> Matters:
    """Everything a doctor has to settle about a visit. Raises NotFound."""
    visit = visits.get_visit(visit_id)
    given, shown = answers.find_submission(visit_id), consent.find_shown(visit_id)
    return Matters(
        tuple(_finding(finding, given) for finding in screening.findings_of(visit_id)) if given else (),
        tuple(_question(shown, part) for part in shown.asked) if shown else (),
        tuple(_teachback(shown, question_id) for question_id in shown.for_doctor) if shown else (),
        _decisions(visit_id, visit.patient_id),
    )


def _points(matters: tuple[Matter, ...]) -> list[rules.Point]:
    return [matter.point for matter in matters]


def _finding(finding: screening.FindingView, given: answers.Given) -> Matter:
    title, text = rules.headline(finding.doctor)
    kind = rules.Kind(finding.severity.value)
    point = rules.Point(f"finding:{finding.id}", kind, title, finding.clears, finding.holds_consent)
    said, own = (
        rules.said_about(given.edition.questionnaire, given.answers, finding.items, language)
        for language in (ENGLISH, given.language)
    )
    return Matter(point, text, said, own, finding.rule, tuple(dict.fromkeys(h["kind"] for h in finding.holds)))


def _question(shown: consent.Shown, part: Mapping[str, str]) -> Matter:
    entries = [
        entry for page in shown.body["pages"] for clause in page["clauses"] for entry in (clause, *clause["parts"])
    ]
    entry: Mapping[str, str] = next((entry for entry in entries if entry["id"] == part["id"]), part)
    point = rules.Point(f"question:{part['id']}", rules.Kind.QUESTION, entry.get("title_en", part["title"]))
    text = entry.get("en", entry.get("text", ""))
    return Matter(point, text, (rules.Said(point.title, ""),), (rules.Said(part["title"], ""),))


def _teachback(shown: consent.Shown, question_id: str) -> Matter:
    question = next(q for q in shown.body["teachback"] if q["id"] == question_id)
    options = {option["code"]: option for option in question["options"]}
    tries = [options.get(code, {}) for code in shown.tries.get(question_id, [])]
    title = question.get("en", question["text"])
    point = rules.Point(f"teachback:{question_id}", rules.Kind.TEACHBACK, title)
    said = tuple(rules.Said(title, option.get("en", option.get("text", ""))) for option in tries)
    own = tuple(rules.Said(question["text"], option.get("text", "")) for option in tries)
    return Matter(point, question.get("feedback_en", question["feedback"]), said, own)


def _decisions(visit_id: UUID, patient_id: UUID) -> tuple[rules.Decided, ...]:
    rows = db.session.scalars(select(Decision).where(Decision.visit_id == visit_id).order_by(Decision.seq))
    return tuple(_decided(row, json.loads(vault.open_(patient_id, place_of(row), row.body))) for row in rows)


def place_of(row: Decision) -> str:
    """Where a decision's words are sealed."""
    return f"{PLACE}|{row.id}"


def _decided(row: Decision, body: Mapping[str, str]) -> rules.Decided:
    return rules.Decided(row.about, rules.Verdict(body["verdict"]), body["words"], row.seq, row.at, row.doctor_id)


def stage_of(visit_id: UUID, *, is_submitted: bool) -> rules.Stage:
    """Where a visit stands for the doctor."""
    state = consent.state_of(visit_id)
    is_open = state is consent.State.OPEN and is_submitted
    return rules.stage(state, waits_for_talk=is_open and consent.waits_for_doctor(i18n.clinic(), visit_id))


def has_treatment(visit_id: UUID) -> bool:
    """Whether the answers lead to a treatment that a consent could be about. Raises NotFound before they are given."""
    given = answers.get_submission(visit_id)
    return bool(screening.treatments_of(given.edition, given.answers))


def review_of(visit_id: UUID) -> ReviewPage:
    """Everything the doctor's page shows of a visit. Raises NotFound."""
    visit = visits.get_visit(visit_id)
    given, shown = answers.find_submission(visit_id), consent.find_shown(visit_id)
    facts = visits.facts_of(visit.patient_id)
    signed = consent.find_statement(visit_id, consent.Kind.SIGNED)
    stage = stage_of(visit_id, is_submitted=given is not None)
    matters = matters_of(visit_id)
    language = shown.language if shown else given.language if given else ""
    standing = consent.standing_of(visit_id, ENGLISH)
    return ReviewPage(
        visit_id=visit_id,
        token=str(visit.token),
        day=visit.day,
        name=facts.get(visits.Fact.NAME, ""),
        age=rules.age(facts.get(visits.Fact.BORN_ON, ""), visit.day),
        sex=_said(given, "id.sex"),
        language=i18n.LANGUAGE_NAMES.get(language, language),
        doctor_id=visit.doctor_id,
        doctor=staff.get_member(visit.doctor_id).name,
        stage=stage,
        submitted_at=given.at if given else None,
        signed_at=signed.at if signed else None,
        minutes_waiting=minutes_since(given.at if given else None, visit, stage),
        tries=_tries(shown),
        matters=matters,
        people={d.doctor_id: staff.get_member(d.doctor_id).name for d in matters.decisions},
        brief=_brief(given, matters, {part.id for part in standing.gone}) if given else None,
        sections=rules.all_said(given.edition.questionnaire, given.answers, ENGLISH) if given else (),
        earlier=_earlier(visit),
        evidence_sha256=signed.sha256 if signed else "",
        seen_sha256=seen_of(visit_id),
        stands=tuple(part.words for part in standing.parts),
        gone=tuple(part.words for part in standing.gone),
        took_part=_took_part(signed.body) if signed else None,
        ending=_ending(visit_id),
        is_draft=given is not None and not definitions.is_approved(given.edition.id, language),
    )


def seen_of(visit_id: UUID) -> str:
    """What a doctor who countersigns must have seen of what the patient stated: the SHA-256 of the signed evidence, and
    one over each of them once something was taken back, so that a page from before it countersigns nothing. "" where
    nothing is signed."""
    said = consent.digests_of(visit_id)
    signed = [digest for digest, kind in said.items() if kind is consent.Kind.SIGNED]
    taken_back = [digest for digest, kind in said.items() if kind in consent.TAKEN_BACK]
    seen = "\n".join(signed + sorted(taken_back))
    return sha256(seen.encode()).hexdigest() if taken_back else seen


def _took_part(body: Mapping[str, Any]) -> TookPart:
    until, risks = body.get("scope", {}).get("valid_until"), body.get("reading", {}).get("risks", {})
    return TookPart(
        way=body["signature"]["method"],
        by_guardian=body["signature"].get("by") == "guardian",
        people=tuple((one["part"], one["name"], one["role"]) for one in body.get("people", [])),
        relative_interprets=consent.RELATIVE_INTERPRETS in body.get("notes", []),
        valid_until=date.fromisoformat(until) if until else None,
        risks_end=risks.get("end", ""),
        risks_seconds=risks.get("seconds"),
    )


def minutes_since(submitted_at: datetime | None, visit: visits.VisitView, stage: rules.Stage) -> int | None:
    """Whole minutes a patient of today has waited for a doctor since giving the answers; None for those who do not."""
    is_today = visit.day == clock.today(i18n.clinic().zone)
    if submitted_at is None or not is_today or stage not in rules.NEED_A_DOCTOR:
        return None
    return int((clock.now() - submitted_at).total_seconds() // 60)


def _said(given: answers.Given | None, link_id: str) -> str:
    return rules.words_of(given.edition.questionnaire, given.answers, link_id, ENGLISH) if given else ""


def _tries(shown: consent.Shown | None) -> int:
    """How many tries the slowest teach-back question that came right took; 0 before any did."""
    questions = shown.body["teachback"] if shown else []
    right = [q["id"] for q in questions if shown and shown.teach(q) is consent.Teach.RIGHT]
    return max((len(shown.tries[question_id]) for question_id in right), default=0) if shown else 0


def _brief(given: answers.Given, matters: Matters, gone: AbstractSet[str]) -> Brief:
    """In short what is wanted; of a treatment that was taken back, by the ids of the parts that were, neither name nor
    area, unless all of them were."""
    codes = screening.treatments_of(given.edition, given.answers)
    left = consent.treatments_left(codes, gone) or codes
    chosen = [treatment for treatment in given.edition.treatments.all if treatment.code in codes]
    wanted = [treatment for treatment in chosen if treatment.code in left]
    dropped = {link for one in chosen for link in one.areas} - {link for one in wanted for link in one.areas}
    areas = {kind: link for kind, link in AREAS.items() if link not in dropped}
    named = [_said(given, link_id) for link_id in areas.values()]
    plain = [treatment.area.get(ENGLISH) for treatment in wanted if treatment.area]
    serious = _said(given, "al.severe") if rules.codes_of(given.answers, "al.severe") not in ((), ("no",)) else ""
    return Brief(
        treatments=tuple(treatment.name.get(ENGLISH) for treatment in wanted),
        areas=tuple(words for words in named + plain if words),
        drawn={kind: rules.codes_of(given.answers, areas[kind]) if kind in areas else () for kind in AREAS},
        goals=_said(given, "tx.goals"),
        allergies=". ".join(words for words in (_said(given, "al.list"), _said(given, "al.detail")) if words),
        serious_reaction=serious,
        pregnancy=_said(given, "pr.status"),
        numbing=tuple(matter.point.title for matter in matters.findings if "numbing" in matter.holds),
    )


def _earlier(visit: visits.VisitView) -> tuple[Earlier, ...]:
    known = visits.visits_of_patients([visit.patient_id])
    before = (one for one in known if one.issued_at < visit.issued_at)
    return tuple(_earlier_one(one) for one in before)


def _earlier_one(visit: visits.VisitView) -> Earlier:
    state, doctor = consent.state_of(visit.id), staff.get_member(visit.doctor_id).name
    is_given = state in (consent.State.SIGNED, consent.State.COUNTERSIGNED)
    is_in_part = is_given and consent.Kind.PART_WITHDRAWN in consent.kinds_of(visit.id)
    return Earlier(visit.id, visit.day, str(visit.token), doctor, state, is_in_part)


def _ending(visit_id: UUID) -> Ending | None:
    state = consent.state_of(visit_id)
    found = consent.find_statement(visit_id, consent.Kind(state.value)) if rules.is_over(state) else None
    if found is None:
        return None
    body: dict[str, Any] = found.body
    review = body.get("review", {})
    words = str(review.get("words") or body.get("reason") or "")
    return Ending(found.kind, str(review.get("doctor", {}).get("name", "")), found.at, words)
