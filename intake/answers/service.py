"""The verbs of answering: begin, save a page, submit. The draft is one sealed value, written whole;
a submission never changes."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select, update

from intake import audit, clock, definitions, screening, vault, visits
from intake.access import Actor
from intake.answers import rules
from intake.answers.models import Response, Submission
from intake.audit import commitment
from intake.canonical import canonical
from intake.db import db, fetch, new_id, remembered
from intake.definitions import (
    Answers,
    Questionnaire,
    Section,
    Value,
    enabled,
    initial_answers,
    strip,
    visible_sections,
    with_entries,
)
from intake.errors import NotAllowed, NotFound, Stale

RESPONSES, SUBMISSIONS = "responses", "submissions"
# Asked for by every page of a patient.
_GIVEN = (Submission.id, Submission.edition_id, Submission.body, Submission.language, Submission.at)
_RESPONSE = (
    select(Response.id, Response.edition_id, Response.body, Response.started_at, Response.version, *_GIVEN)
    .outerjoin(Submission, Submission.visit_id == Response.visit_id)
    .where(Response.visit_id == bindparam("visit"))
)
_SUBMISSION = select(*_GIVEN).where(Submission.visit_id == bindparam("visit"))
_KEEP = (
    update(Response)
    .where(Response.id == bindparam("response"), Response.version == bindparam("revision"))
    .values(body=bindparam("sealed"), version=bindparam("next"))
)


@dataclass(frozen=True)
class Begun:
    """A response in progress: its edition, draft and revision."""

    id: UUID
    visit_id: UUID
    edition: definitions.Edition
    draft: rules.Draft
    revision: int
    started_at: datetime

    @property
    def questionnaire(self) -> Questionnaire:
        """The questionnaire in the shape these answers give it: a repeating group once for every entry."""
        return with_entries(self.edition.questionnaire, self.draft.answers)

    @cached_property
    def on(self) -> frozenset[str]:
        """What is asked."""
        return enabled(self.questionnaire, self.draft.answers)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The pages that have something to ask."""
        return visible_sections(self.questionnaire, self.draft.answers, self.on)


@dataclass(frozen=True)
class Given:
    """Answers as submitted."""

    id: UUID
    edition: definitions.Edition
    answers: dict[str, list[Value]]
    language: str
    at: datetime
    salt: str


def begin(visit_id: UUID, *, by: Actor, known: Answers | None = None) -> Begun:
    """The visit's response, begun now on the current edition if it was not;
    `known` answers are pre-filled, never submitted alone."""
    if (begun := find(visit_id)) is not None:
        return begun
    edition = definitions.current_edition()
    row = Response(id=new_id(), visit_id=visit_id, edition_id=edition.id, started_at=clock.now())
    row.body = _sealed(visit_id, row.id, rules.Draft({**initial_answers(edition.questionnaire), **(known or {})}))
    db.session.add(row)
    audit.record("response.begun", visit_id, by=by, edition=edition.version)
    return get(visit_id)


def get(visit_id: UUID) -> Begun:
    """The visit's response. Raises NotFound where none has begun."""
    if (begun := find(visit_id)) is None:
        raise NotFound("answers.not_begun", visit_id=visit_id)
    return begun


def find(visit_id: UUID) -> Begun | None:
    """The visit's response, or None."""
    # One request asks for it several times. What was opened once goes with the database session, which ends with its
    # request or job, so that no answer outlives either.
    opened: dict[UUID, Begun] = remembered(RESPONSES)
    if (begun := opened.get(visit_id)) is None and (row := fetch(_RESPONSE, visit=visit_id).first()) is not None:
        response_id, edition_id, sealed, started_at, version, *given = row
        patient_id = visits.get_visit(visit_id).patient_id
        body: dict[str, Any] = json.loads(vault.open_(patient_id, f"response|body|{response_id}", sealed))
        draft = rules.Draft(body["answers"], frozenset(body["saved"]))
        edition = definitions.get_edition(edition_id)
        begun = opened[visit_id] = Begun(response_id, visit_id, edition, draft, version, started_at)
        remembered(SUBMISSIONS).setdefault(visit_id, _given(visit_id, given))
    return begun


def save(visit_id: UUID, section_id: str, page: Answers, revision: int, *, by: Actor, in_hand: bool = False) -> Begun:
    """Keep a page's answers; gives the response as it is then. The same page sent twice is one result; an older
    revision with other answers is Stale.

    A page still in hand is kept and does not count as answered.
    Raises NotAllowed once the answers are submitted.
    """
    visits.lock_visit(visit_id)
    if find_submission(visit_id):
        raise NotAllowed("answers.submitted")
    begun = get(visit_id)
    merged, dropped = rules.merge(begun.edition.questionnaire, begun.draft, page)
    draft = rules.Draft(merged, begun.draft.saved if in_hand else begun.draft.saved | {section_id})
    if draft == begun.draft and (in_hand or revision != begun.revision):
        return begun
    if revision != begun.revision:
        raise Stale("answers.changed_elsewhere")
    if dropped:
        audit.record("response.not_asked_dropped", visit_id, by=by, items=",".join(sorted(dropped)))
    kept = _keep(begun, draft)
    audit.record("response.page_in_hand" if in_hand else "response.page_saved", visit_id, by=by, section=section_id)
    return kept


def submit(visit_id: UUID, language: str, *, revision: int | None = None, by: Actor) -> Given:
    """Take the answers as given: only what is asked, with the findings they raise. Twice is once.

    Raises NotAllowed("answers.incomplete") while a page is open, Stale where `revision` names older answers.
    """
    visit = visits.lock_visit(visit_id)
    if (given := find_submission(visit_id)) is not None:
        return given
    begun = get(visit_id)
    if revision is not None and revision != begun.revision:
        raise Stale("answers.changed_elsewhere")
    questionnaire = begun.edition.questionnaire
    if rules.open_sections(questionnaire, begun.draft):
        raise NotAllowed("answers.incomplete")
    answers = strip(questionnaire, begun.draft.answers)
    row = Submission(
        id=new_id(), visit_id=visit_id, edition_id=begun.edition.id, body=b"", language=language, at=clock.now()
    )
    salt = secrets.token_hex(16)
    body = canonical({"answers": answers, "salt": salt})
    row.body = vault.seal(visit.patient_id, f"submission|body|{row.id}", body)
    db.session.add(row)
    db.session.flush()
    audit.record("response.submitted", visit_id, by=by, commitment=commitment(bytes.fromhex(salt), canonical(answers)))
    _learn(visit.patient_id, answers, by)
    screening.screen(visit_id, begun.edition, answers, by=by)
    remembered(SUBMISSIONS).pop(visit_id, None)
    return Given(row.id, begun.edition, answers, language, row.at, salt)


def _learn(patient_id: UUID, answers: dict[str, list[Value]], by: Actor) -> None:
    """What a patient changed about themselves is a new fact; the response keeps what was said."""
    sources = {
        "id.name": visits.Fact.NAME,
        "id.dob": visits.Fact.BORN_ON,
        "ct.mobile": visits.Fact.PHONE,
        "ct.email": visits.Fact.EMAIL,
        "id.sex": visits.Fact.SEX,
    }
    for link_id, kind in sources.items():
        if values := answers.get(link_id):
            raw = next(iter(values[0].values()))
            visits.write_fact(patient_id, kind, str(raw["code"] if isinstance(raw, dict) else raw), by=by)


def find_submission(visit_id: UUID) -> Given | None:
    """The answers as given, or None."""
    known: dict[UUID, Given | None] = remembered(SUBMISSIONS)
    if visit_id not in known:
        known[visit_id] = _given(visit_id, fetch(_SUBMISSION, visit=visit_id).first())
    return known[visit_id]


def _given(visit_id: UUID, row: Sequence[Any] | None) -> Given | None:
    """The answers given as `_GIVEN` tells of them; None where it tells of none."""
    if row is None or row[0] is None:
        return None
    submission_id, edition_id, sealed, language, at = row
    patient_id = visits.get_visit(visit_id).patient_id
    body = json.loads(vault.open_(patient_id, f"submission|body|{submission_id}", sealed))
    return Given(submission_id, definitions.get_edition(edition_id), body["answers"], language, at, body["salt"])


def is_submitted(visit_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these visits have answers given; opens nothing."""
    return set(db.session.scalars(select(Submission.visit_id).where(Submission.visit_id.in_(list(visit_ids)))))


def list_submitted(*, but: Select[UUID]) -> list[UUID]:
    """Visits of any day with answers given, oldest first, without those that another room's query names; opens
    nothing."""
    query = select(Submission.visit_id).where(Submission.visit_id.not_in(but))
    return list(db.session.scalars(query.order_by(Submission.at)))


def get_submission(visit_id: UUID) -> Given:
    """The answers as given. Raises NotFound."""
    if (given := find_submission(visit_id)) is None:
        raise NotFound("answers.not_submitted", visit_id=visit_id)
    return given


def _keep(begun: Begun, draft: rules.Draft) -> Begun:
    """Write a draft over the one it grew from. Raises Stale where another one was written meanwhile."""
    kept = replace(begun, draft=draft, revision=begun.revision + 1)
    sealed = _sealed(begun.visit_id, begun.id, draft)
    if not fetch(_KEEP, response=begun.id, revision=begun.revision, sealed=sealed, next=kept.revision).rowcount:
        raise Stale("answers.changed_elsewhere")
    remembered(RESPONSES)[begun.visit_id] = kept
    return kept


def _sealed(visit_id: UUID, response_id: UUID, draft: rules.Draft) -> bytes:
    body = json.dumps({"answers": dict(draft.answers), "saved": sorted(draft.saved)}, ensure_ascii=False).encode()
    return vault.seal(visits.get_visit(visit_id).patient_id, f"response|body|{response_id}", body)
