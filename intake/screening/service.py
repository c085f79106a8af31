"""The verbs of screening: raise the findings of given answers, read them back, count flags."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from intake import audit, clock, definitions, i18n, vault, visits
from intake.access import Actor
from intake.db import db, new_id
from intake.definitions import Answers
from intake.errors import Fault
from intake.screening import rules
from intake.screening.models import Finding


@dataclass(frozen=True)
class FindingView:
    """A finding as a doctor reads it: what was raised, with the items whose answers raised it."""

    id: UUID
    visit_id: UUID
    rule: str
    severity: rules.Severity
    holds: Sequence[Mapping[str, Any]]
    items: Sequence[str]
    doctor: str
    patient: str
    clears: str

    @property
    def holds_consent(self) -> bool:
        """Whether nothing may be signed before a doctor has talked with the patient."""
        return rules.holds_consent(hold["kind"] for hold in self.holds)


def evaluate(edition: definitions.Edition, answers: Answers) -> list[rules.Raised]:
    """What these answers raise today under the edition's rules; stores nothing."""
    return rules.evaluate(_ruleset(edition), edition.questionnaire, answers, _today())


def treatments_of(edition: definitions.Edition, answers: Answers) -> list[str]:
    """The treatment codes these answers ask for, in the edition's order."""
    derived = rules.derive(edition.questionnaire, answers, edition.treatments, _today())
    return [treatment.code for treatment in edition.treatments.all if treatment.code in derived.tx]


def holds_consent(finding: rules.Raised) -> bool:
    """Whether a finding just raised lets nothing be signed before a doctor has talked with the patient."""
    return rules.holds_consent(hold.kind for hold in finding.holds)


def message(edition: definitions.Edition, key: str, language: str) -> str:
    """The neutral words a patient gets for a message key."""
    return _ruleset(edition).messages[key].get(language)


def screen(visit_id: UUID, edition: definitions.Edition, answers: Answers, *, by: Actor) -> None:
    """Store what given answers raise, in the order a doctor reads it."""
    patient_id = visits.get_visit(visit_id).patient_id
    raised = evaluate(edition, answers)
    for position, finding in enumerate(raised):
        row = Finding(
            id=new_id(),
            visit_id=visit_id,
            position=position,
            is_flag=finding.severity is not rules.Severity.NOTE,
            body=b"",
            at=clock.now(),
        )
        row.body = vault.seal(
            patient_id, f"finding|body|{row.id}", json.dumps(_plain(finding), ensure_ascii=False).encode()
        )
        db.session.add(row)
    db.session.flush()
    audit.record("visit.screened", visit_id, by=by, findings=len(raised), edition=edition.version)


def findings_of(visit_id: UUID) -> list[FindingView]:
    """The visit's findings, in the order a doctor reads them."""
    patient_id = visits.get_visit(visit_id).patient_id
    rows = db.session.scalars(select(Finding).where(Finding.visit_id == visit_id).order_by(Finding.position))
    return [_view(row, json.loads(vault.open_(patient_id, f"finding|body|{row.id}", row.body))) for row in rows]


def flag_counts(visit_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many flags (blocks and cautions) each visit has; opens nothing."""
    query = (
        select(Finding.visit_id, func.count())
        .where(Finding.is_flag, Finding.visit_id.in_(list(visit_ids)))
        .group_by(Finding.visit_id)
    )
    return {visit_id: count for visit_id, count in db.session.execute(query)}


def check_all(count: Counter[str]) -> Iterator[Fault]:
    """What of this room's rows is no longer what was kept: every finding must open. Counts them."""
    query, patient_id = visits.with_patient(select(Finding.id, Finding.body), Finding.visit_id)
    yield from vault.check_each(query, patient_id, "finding|body", count)


def _today() -> date:
    return clock.today(i18n.clinic().zone)


def _plain(finding: rules.Raised) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "items": list(finding.items),
        "doctor": str(finding.doctor),
        "patient": finding.patient or "",
        "clears": str(finding.clears),
        "holds": [{"kind": hold.kind.value, "names": list(hold.names)} for hold in finding.holds],
    }


def _view(row: Finding, body: dict[str, Any]) -> FindingView:
    return FindingView(
        row.id,
        row.visit_id,
        body["rule"],
        rules.Severity(body["severity"]),
        body["holds"],
        body["items"],
        body["doctor"],
        body["patient"],
        body["clears"],
    )


class _Key:
    """Lets the cache know an edition by its id."""

    def __init__(self, edition: definitions.Edition) -> None:
        self.edition = edition

    def __hash__(self) -> int:
        return hash(self.edition.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.edition.id == self.edition.id


def _ruleset(edition: definitions.Edition) -> rules.Ruleset:
    return _read_ruleset(_Key(edition))


@lru_cache(16)
def _read_ruleset(key: _Key) -> rules.Ruleset:
    edition = key.edition
    return rules.load_ruleset(edition.screening, edition.questionnaire, edition.treatments)
