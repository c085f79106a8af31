"""What was stated of a visit's consent: statements made, kept, signed, found again. Nothing here is ever changed.

Statements are signed in the same transaction, unless the seal is out of order: then by a job, later.
"""

import json
import secrets
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, exists, select

from intake import audit, clock, jobs, vault, visits
from intake.access import Actor
from intake.audit import commitment
from intake.canonical import canonical
from intake.consent import rules, signing
from intake.consent.models import Statement
from intake.db import db, fetch, new_id
from intake.errors import NotFound

_KINDS = select(Statement.kind).where(Statement.visit_id == bindparam("visit"))  # every page of a patient asks it


def make_statement(visit_id: UUID, kind: rules.Kind, body: Mapping[str, Any], by: Actor) -> None:
    """Seal and sign a statement as it is from now on, note it in the log, and ask for its record where it has one."""
    visit = visits.get_visit(visit_id)
    salt = secrets.token_hex(16)
    at = clock.now()
    stamp = {"at": at.astimezone(UTC).isoformat(timespec="milliseconds"), "by": by.label, "salt": salt}
    data = canonical({**body, **stamp})
    row = Statement(
        id=new_id(),
        visit_id=visit_id,
        kind=kind.value,
        seq=1 + len([one for one in _kinds(visit_id) if one == kind]),
        body=b"",
        sha256=sha256(data).hexdigest(),
        signature=signing.signature_now(data),
        at=at,
        by=by.label,
    )
    row.body = vault.seal(visit.patient_id, f"statement|body|{row.id}", data)
    db.session.add(row)
    db.session.flush()
    if not row.signature:
        jobs.enqueue("consent.sign", str(row.id), statement_id=str(row.id))
    audit.record(f"consent.{kind.value}", visit_id, by=by, commitment=commitment(bytes.fromhex(salt), data))
    if kind in rules.TAKEN_BACK:
        jobs.enqueue("records.seal", filing_key(visit_id, kind, row.sha256), visit_id=str(visit_id), of=row.sha256)
    elif kind in rules.OUTCOMES:
        jobs.enqueue("records.seal", filing_key(visit_id, kind, row.sha256), visit_id=str(visit_id))


def waiting_for_signature(statement_id: UUID) -> bytes | None:
    """The canonical bytes of a statement that has no signature of the seal yet; None where it has. Raises NotFound."""
    if (row := db.session.get(Statement, statement_id)) is None:
        raise NotFound("consent.unknown_statement", statement=statement_id)
    kept = _stated(row)
    return None if kept.signature else kept.data


def filing_key(visit_id: UUID, kind: rules.Kind, digest: str) -> str:
    """By which key the job is known that makes the record of a statement."""
    return f"{visit_id}:{digest}" if kind in rules.TAKEN_BACK else str(visit_id)


@dataclass(frozen=True)
class Stated:
    """A statement as kept: its canonical bytes, their SHA-256 and the seal key's signature over them."""

    kind: rules.Kind
    data: bytes
    sha256: str
    signature: bytes
    at: datetime
    by: str

    @property
    def body(self) -> dict[str, Any]:
        """The evidence as data."""
        loaded: dict[str, Any] = json.loads(self.data)
        return loaded


def find_statement(visit_id: UUID, kind: rules.Kind) -> Stated | None:
    """The visit's statement of a kind, the first where there are several, or None."""
    return next((_stated(row) for row in _statements(visit_id) if row.kind == kind), None)


def find_by_digest(visit_id: UUID, digest: str) -> Stated | None:
    """The visit's statement whose canonical bytes have this SHA-256, or None."""
    return next((_stated(row) for row in _statements(visit_id) if row.sha256 == digest), None)


def statements_of(visit_id: UUID, kinds: Container[rules.Kind]) -> list[Stated]:
    """The visit's statements of these kinds, in the order they were made."""
    return [_stated(row) for row in _statements(visit_id) if rules.Kind(row.kind) in kinds]


def digests_of(visit_id: UUID) -> dict[str, rules.Kind]:
    """The SHA-256 of each statement of a visit, with its kind; opens nothing."""
    return {row.sha256: rules.Kind(row.kind) for row in _statements(visit_id)}


def _statements(visit_id: UUID) -> Sequence[Statement]:
    query = select(Statement).where(Statement.visit_id == visit_id).order_by(Statement.at, Statement.seq)
    return db.session.scalars(query).all()


def _stated(row: Statement) -> Stated:
    data = vault.open_(visits.get_visit(row.visit_id).patient_id, f"statement|body|{row.id}", row.body)
    return Stated(
        rules.Kind(row.kind), data, row.sha256, row.signature or signing.late_signature(row.id), row.at, row.by
    )


def kinds_of(visit_id: UUID) -> set[rules.Kind]:
    """Which statements a visit has; opens nothing."""
    return {rules.Kind(kind) for kind in _kinds(visit_id)}


def _kinds(visit_id: UUID) -> Sequence[str]:
    return fetch(_KINDS, visit=visit_id).scalars().all()


def state_of(visit_id: UUID) -> rules.State:
    """Where the consent of a visit stands."""
    return rules.state(kinds_of(visit_id))


def is_decided(visit_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """Whether the consent of a visit is not open any more, as a part of another room's query: every kind of statement
    ends that."""
    return exists().where(Statement.visit_id == visit_id)


def times_of(visit_id: UUID) -> dict[rules.Kind, datetime]:
    """When each statement of a visit was made; opens nothing."""
    rows = db.session.execute(select(Statement.kind, Statement.at).where(Statement.visit_id == visit_id))
    return {rules.Kind(kind): at for kind, at in rows}
