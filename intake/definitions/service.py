"""Editions of the content: publish what is bundled, find the one in force, read an older one as it was."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from intake import audit, clock
from intake.access import Actor
from intake.db import db, new_id
from intake.definitions import content, library_files
from intake.definitions.models import EditionApproval, EditionFile, EditionRow
from intake.definitions.rules import Questionnaire
from intake.errors import NotAllowed, NotFound


@dataclass(frozen=True, eq=False)
class Edition:
    """One published edition, read: everything a visit is asked, told and screened by. `digests` are SHA-256 by kind."""

    id: UUID
    name: str
    version: str
    questionnaire: Questionnaire
    consent: content.ConsentDocument
    teachback: content.TeachBack
    aftercare: content.AfterCare
    treatments: content.Treatments
    screening: bytes
    digests: dict[str, str]


def publish_bundled(*, by: Actor) -> UUID:
    """Publish the edition that comes with the program, once. Raises NotAllowed if other bytes carry the same
    version."""
    files = library_files.bundled()
    known = db.session.scalars(
        select(EditionRow).where(EditionRow.name == files.name, EditionRow.version == files.version)
    ).first()
    if known is not None:
        if {f.kind: f.sha256 for f in known.files} != files.digests:
            raise NotAllowed("definitions.version_taken", name=files.name, version=files.version)
        return known.id
    row = EditionRow(id=new_id(), name=files.name, version=files.version, published_at=clock.now())
    row.files = [
        EditionFile(kind=kind, version=files.version, body=files.bodies[kind], sha256=files.digests[kind])
        for kind in library_files.KINDS
    ]
    db.session.add(row)
    db.session.flush()
    audit.record("edition.published", row.id, by=by, name=row.name, version=row.version)
    return row.id


def current_edition() -> Edition:
    """The newest edition; what begins now begins on it. Raises NotFound before anything is published."""
    newest = db.session.scalars(select(EditionRow.id).order_by(EditionRow.published_at.desc()).limit(1)).first()
    if newest is None:
        raise NotFound("definitions.nothing_published")
    return get_edition(newest)


def get_edition(edition_id: UUID) -> Edition:
    """An edition as it was published; read once, for it never changes. Raises NotFound."""
    if edition_id not in _read:
        row = db.session.get(EditionRow, edition_id)
        if row is None:
            raise NotFound("definitions.unknown", edition_id=edition_id)
        _read[edition_id] = _edition(row)
    return _read[edition_id]


_read: dict[UUID, Edition] = {}


def _edition(row: EditionRow) -> Edition:
    contents = library_files.read_contents({file.kind: file.body for file in row.files})
    return Edition(
        id=row.id,
        name=row.name,
        version=row.version,
        questionnaire=contents.questionnaire,
        consent=contents.consent,
        teachback=contents.teachback,
        aftercare=contents.aftercare,
        treatments=contents.treatments,
        screening=contents.screening,
        digests={file.kind: file.sha256 for file in row.files},
    )


def approve(edition_id: UUID, doctor_id: UUID, *, by: Actor) -> None:
    """A doctor of the clinic takes responsibility for this edition's words; until then pages and records say draft."""
    if not is_approved(edition_id):
        db.session.add(EditionApproval(id=new_id(), edition_id=edition_id, doctor_id=doctor_id, at=clock.now()))
        audit.record("edition.approved", edition_id, by=by)


def is_approved(edition_id: UUID) -> bool:
    """Whether a doctor has approved this edition."""
    return db.session.scalar(select(EditionApproval.id).where(EditionApproval.edition_id == edition_id)) is not None
