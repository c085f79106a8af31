"""The verbs of answering: begin, save a page, submit. The draft is one sealed value, written whole;
a submission never changes."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import Select, bindparam, select

from intake import audit, clock, definitions, screening, vault, visits
from intake.access import Actor
from intake.answers import rules
from intake.answers.models import Response, Submission
from intake.audit import commitment
from intake.db import db, new_id
from intake.definitions import Answers, Questionnaire, Value, initial_answers, strip, with_entries
from intake.errors import NotAllowed, NotFound, Stale

RESPONSES, READ = "responses", "read responses"
_RESPONSE = select(Response).where(Response.visit_id == bindparam("visit"))
_SUBMISSION = select(Submission).where(Submission.visit_id == bindparam("visit"))


@dataclass(frozen=True)
class Begun:
    """A response in progress: its edition, draft and revision."""

    visit_id: UUID
    edition: definitions.Edition
    draft: rules.Draft
    revision: int
    started_at: datetime

    @property
    def questionnaire(self) -> Questionnaire:
        """The questionnaire in the shape these answers give it: a repeating group once for every entry."""
        return with_entries(self.edition.questionnaire, self.draft.answers)


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
    if (row := _find(visit_id)) is None:
        edition = definitions.current_edition()
        row = Response(id=new_id(), visit_id=visit_id, edition_id=edition.id, body=b"", started_at=clock.now())
        answers = {**initial_answers(edition.questionnaire), **(known or {})}
        _write(row, rules.Draft(answers))
        db.session.add(row)
        db.session.flush()
        audit.record("response.begun", visit_id, by=by, edition=edition.version)
    return _begun(row)


def get(visit_id: UUID) -> Begun:
    """The visit's response. Raises NotFound where none has begun."""
    if (row := _find(visit_id)) is None:
        raise NotFound("answers.not_begun", visit_id=visit_id)
    return _begun(row)


def find(visit_id: UUID) -> Begun | None:
    """The visit's response, or None."""
    return _begun(row) if (row := _find(visit_id)) else None


def save(
    visit_id: UUID, section_id: str, page: Answers, revision: int, *, by: Actor, in_hand: bool = False
) -> rules.Draft:
    """Keep a page's answers. The same page sent twice is one result; an older revision with other answers is Stale.

    A page still in hand is kept and does not count as answered.
    Raises NotAllowed once the answers are submitted.
    """
    visits.lock_visit(visit_id)
    if find_submission(visit_id):
        raise NotAllowed("answers.submitted")
    row = _find(visit_id)
    if row is None:
        raise NotFound("answers.not_begun", visit_id=visit_id)
    begun = _begun(row)
    merged, dropped = rules.merge(begun.edition.questionnaire, begun.draft, page)
    draft = rules.Draft(merged, begun.draft.saved if in_hand else begun.draft.saved | {section_id})
    if in_hand and draft == begun.draft:
        return draft
    if revision != begun.revision:
        if draft == begun.draft:
            return draft
        raise Stale("answers.changed_elsewhere")
    if dropped:
        audit.record("response.not_asked_dropped", visit_id, by=by, items=",".join(sorted(dropped)))
    _write(row, draft)
    db.session.flush()
    audit.record("response.page_in_hand" if in_hand else "response.page_saved", visit_id, by=by, section=section_id)
    return draft


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
    body = rfc8785.dumps({"answers": answers, "salt": salt})
    row.body = vault.seal(visit.patient_id, f"submission|body|{row.id}", body)
    db.session.add(row)
    db.session.flush()
    audit.record(
        "response.submitted", visit_id, by=by, commitment=commitment(bytes.fromhex(salt), rfc8785.dumps(answers))
    )
    _learn(visit.patient_id, answers, by)
    screening.screen(visit_id, begun.edition, answers, by=by)
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
    row = db.session.scalars(_SUBMISSION, {"visit": visit_id}).first()
    if row is None:
        return None
    visit = visits.get_visit(visit_id)
    body = json.loads(vault.open_(visit.patient_id, f"submission|body|{row.id}", row.body))
    return Given(row.id, definitions.get_edition(row.edition_id), body["answers"], row.language, row.at, body["salt"])


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


def _find(visit_id: UUID) -> Response | None:
    # A session knows a row only while somebody holds it; without this, a page would look for its response three times.
    rows: dict[UUID, Response] = db.session.info.setdefault(RESPONSES, {})
    row = rows.get(visit_id)
    if row is None or row not in db.session:
        row = db.session.scalars(_RESPONSE, {"visit": visit_id}).first()
        if row is not None:
            rows[visit_id] = row
    return row


def _begun(row: Response) -> Begun:
    # One request asks for it several times; what was opened once is not opened again while the sealed bytes stay.
    # It goes with the database session, which ends with its request or job, so that no answer outlives either.
    known: dict[UUID, tuple[bytes, Begun]] = db.session.info.setdefault(READ, {})
    if (found := known.get(row.visit_id)) is None or found[0] != row.body or found[1].revision != row.version:
        patient_id = visits.get_visit(row.visit_id).patient_id
        body: dict[str, Any] = json.loads(vault.open_(patient_id, f"response|body|{row.id}", row.body))
        draft = rules.Draft(body["answers"], frozenset(body["saved"]))
        begun = Begun(row.visit_id, definitions.get_edition(row.edition_id), draft, row.version, row.started_at)
        found = known[row.visit_id] = (row.body, begun)
    return found[1]


def _write(row: Response, draft: rules.Draft) -> None:
    body = json.dumps({"answers": dict(draft.answers), "saved": sorted(draft.saved)}, ensure_ascii=False).encode()
    row.body = vault.seal(visits.get_visit(row.visit_id).patient_id, f"response|body|{row.id}", body)
