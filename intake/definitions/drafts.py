"""Questionnaires that authors bring in to look at: kept as FHIR JSON, not part of any edition, thrown away at will."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select

from intake import audit, clock
from intake.access import Actor
from intake.db import db, new_id
from intake.definitions.checking import check_questionnaire
from intake.definitions.loader import load
from intake.definitions.models import QuestionnaireDraft
from intake.definitions.problems import DefinitionError
from intake.definitions.rules import Questionnaire
from intake.errors import NotFound

LONGEST_NAME = 120


@dataclass(frozen=True, eq=False)
class Draft:
    """A questionnaire as it was brought in; `body` is its FHIR JSON."""

    id: UUID
    file_name: str
    at: datetime
    sha256: str
    body: bytes

    @property
    def questionnaire(self) -> Questionnaire:
        """The questionnaire, read. Raises DefinitionError if a newer release refuses what an older one took."""
        return load(self.body)


def import_draft(data: bytes, file_name: str, *, by: Actor) -> UUID:
    """Keep a questionnaire, FHIR JSON or shorthand, as the FHIR JSON it is. The same one twice is kept once.

    Raises DefinitionError with everything that is wrong with it; then nothing is kept.
    """
    checked = check_questionnaire(data, file_name)
    if not checked.taken:
        raise DefinitionError(checked.problems)
    digest = sha256(checked.body).hexdigest()
    known = db.session.scalars(select(QuestionnaireDraft.id).where(QuestionnaireDraft.sha256 == digest)).first()
    if known is not None:
        return known
    row = QuestionnaireDraft(
        id=new_id(),
        file_name=file_name[-LONGEST_NAME:],
        body=checked.body,
        sha256=digest,
        imported_at=clock.now(),
        imported_by=by.label,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("draft.imported", row.id, by=by, sha256=digest)
    return row.id


def list_drafts() -> list[Draft]:
    """Every draft, the newest first."""
    rows = db.session.scalars(select(QuestionnaireDraft).order_by(QuestionnaireDraft.imported_at.desc()))
    return [_draft(row) for row in rows]


def get_draft(draft_id: UUID) -> Draft:
    """A draft. Raises NotFound."""
    return _draft(_row(draft_id))


def remove_draft(draft_id: UUID, *, by: Actor) -> None:
    """Throw a draft away. Raises NotFound."""
    db.session.delete(_row(draft_id))
    audit.record("draft.removed", draft_id, by=by)


def _row(draft_id: UUID) -> QuestionnaireDraft:
    row = db.session.get(QuestionnaireDraft, draft_id)
    if row is None:
        raise NotFound("definitions.no_such_draft", draft_id=draft_id)
    return row


def _draft(row: QuestionnaireDraft) -> Draft:
    return Draft(row.id, row.file_name, row.imported_at, row.sha256, row.body)
