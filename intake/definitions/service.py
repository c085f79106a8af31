"""Editions of the content: publish them, find the one in force, read an older one as it was, approve their words."""

from dataclasses import dataclass
from datetime import datetime
from re import fullmatch
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, bindparam, select

from intake import audit, clock
from intake.access import Actor
from intake.db import db, fetch, in_transaction, line, new_id
from intake.definitions import content, library_files
from intake.definitions.carried import with_carried
from intake.definitions.library_files import Library
from intake.definitions.models import EditionApproval, EditionFile, EditionRow
from intake.definitions.rules import Questionnaire
from intake.definitions.yamlfile import Input
from intake.errors import Invalid, NotAllowed, NotFound

_APPROVALS = (
    select(EditionApproval.language, EditionApproval.doctor_id, EditionApproval.at)
    .where(EditionApproval.edition_id == bindparam("edition"))
    .order_by(EditionApproval.at)
)
ENDINGS = {"questionnaire": "json", "translations": "po"}


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
    screening: Input
    digests: dict[str, str]


@dataclass(frozen=True)
class Published:
    """A published edition as a list shows it. `is_current` says that what begins now begins on it."""

    id: UUID
    name: str
    version: str
    at: datetime
    is_current: bool


@dataclass(frozen=True)
class Approval:
    """A doctor took responsibility for an edition's words in a language."""

    language: str
    doctor_id: UUID
    at: datetime


def publish(library: Library, *, by: Actor) -> UUID:
    """Publish an edition; the same one again changes nothing. It is in force from now on.

    Raises NotAllowed("definitions.version_taken") if other bytes carry the same name and version, and
    Invalid("definitions.bad_name") for a name that could not stand in an address or a file name.
    """
    if not fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", library.name):
        raise Invalid("definitions.bad_name")
    known = _find(library.name, library.version)
    if known is not None:
        if {f.kind: f.sha256 for f in known.files} != library.digests:
            raise NotAllowed("definitions.version_taken", name=library.name, version=library.version)
        return known.id
    row = EditionRow(id=new_id(), name=library.name, version=library.version, published_at=clock.now())
    row.files = [
        EditionFile(kind=kind, version=library.version, body=body, sha256=library.digests[kind])
        for kind, body in library.bodies.items()
    ]
    db.session.add(row)
    db.session.flush()
    audit.record("edition.published", row.id, by=by, name=row.name, version=row.version)
    return row.id


def publish_bundled(*, by: Actor) -> UUID:
    """Publish the edition that comes with the program, once, and return which edition is in force then.

    An edition of another name, that the clinic published itself, stays in force whatever a new release brings.
    Raises NotAllowed if other bytes carry the same version.
    """
    newest = _newest()
    if newest is not None and newest.name != library_files.NAME:
        return newest.id
    return publish(library_files.bundled(), by=by)


def current_edition() -> Edition:
    """The newest edition; what begins now begins on it. Raises NotFound before anything is published."""
    newest = _newest()
    if newest is None:
        raise NotFound("definitions.nothing_published")
    return get_edition(newest.id)


def get_edition(edition_id: UUID) -> Edition:
    """An edition as it was published; read once, for it never changes. Raises NotFound."""
    if edition_id not in _read:
        row = db.session.get(EditionRow, edition_id)
        if row is None:
            raise NotFound("definitions.unknown", edition_id=edition_id)
        _read[edition_id] = _edition(row)
    return _read[edition_id]


def list_editions() -> list[Published]:
    """Every published edition, the one in force first, then the newest first."""
    rows = db.session.execute(
        select(EditionRow.id, EditionRow.name, EditionRow.version, EditionRow.published_at).order_by(
            EditionRow.published_at.desc()
        )
    ).all()
    return [Published(*row, is_current=place == 0) for place, row in enumerate(rows)]


def file_name(name: str, version: str, kind: str) -> str:
    """What a file of an edition is called outside: name, version, kind, and the ending its content has."""
    return f"{name}-{version}-{kind}.{ENDINGS.get(kind.partition('.')[0], 'yaml')}"


def get_files(name: str, version: str) -> dict[str, bytes]:
    """The stored bytes of an edition by kind, unchanged. Raises NotFound."""
    row = _find(name, version)
    if row is None:
        raise NotFound("definitions.unknown")
    return {file.kind: file.body for file in row.files}


def get_questionnaire_with_carried(edition_id: UUID) -> Questionnaire:
    """An edition's questionnaire for authors: with the words of the languages it carries and does not offer yet.
    Raises NotFound."""
    edition = get_edition(edition_id)
    return with_carried(edition.questionnaire, get_files(edition.name, edition.version))


_read: dict[UUID, Edition] = {}
_approved: WeakKeyDictionary[Engine, set[tuple[UUID, str]]] = WeakKeyDictionary()
"""Editions and languages that are approved, by database; nobody takes that back, so every page need not ask again."""


def _newest() -> EditionRow | None:
    return db.session.scalars(select(EditionRow).order_by(EditionRow.published_at.desc()).limit(1)).first()


def _find(name: str, version: str) -> EditionRow | None:
    return db.session.scalars(select(EditionRow).where(EditionRow.name == name, EditionRow.version == version)).first()


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


def approve(edition_id: UUID, doctor_id: UUID, language: str | None = None, *, by: Actor) -> None:
    """A doctor of the clinic takes responsibility for this edition's words in a language, its base language where none
    is named; until then pages and records in that language say draft.

    Raises Invalid("definitions.language_not_offered") for a language the edition does not offer.
    """
    offered = get_edition(edition_id).questionnaire.languages
    if language is not None and language not in offered:
        raise Invalid("definitions.language_not_offered", language=language)
    chosen = language or offered[0]
    if not is_approved(edition_id, chosen):
        row = EditionApproval(id=new_id(), edition_id=edition_id, doctor_id=doctor_id, at=clock.now(), language=chosen)
        db.session.add(row)
        audit.record("edition.approved", edition_id, by=by, language=chosen)


def is_approved(edition_id: UUID, language: str | None = None) -> bool:
    """Whether a doctor has approved the words this edition shows in a language; in its base language where none is
    named, or where the edition does not offer it and shows the base language's words."""
    offered = get_edition(edition_id).questionnaire.languages
    shown = next((tag for tag in (language, (language or "").split("-")[0]) if tag in offered), offered[0])
    approved = _approved.setdefault(line().engine, set())
    if (edition_id, shown) in approved:
        return True
    found = any(one.language == shown for one in approvals_of(edition_id))
    if found and not in_transaction():
        approved.add((edition_id, shown))
    return found


def approvals_of(edition_id: UUID) -> list[Approval]:
    """Who approved an edition's words in which language, in the order of time."""
    base = get_edition(edition_id).questionnaire.languages[0]
    found = fetch(_APPROVALS, edition=edition_id)
    return [Approval(language or base, doctor_id, at) for language, doctor_id, at in found]
