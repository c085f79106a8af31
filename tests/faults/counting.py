"""What a visit has after a fault: how many of each statement, record and entry of the log."""

from collections import Counter
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from intake import audit, jobs, records
from intake.audit.models import AuditEntry
from intake.consent import Kind
from intake.consent.models import Statement
from intake.db import db
from intake.records.models import Record

PATIENT_SIDE = ("statement signed", "consent.signed")
DOCTOR_SIDE = ("statement countersigned", "consent.countersigned")
RECORD_SIDE = ("record", "record.sealed")
COUNTED = {*(f"consent.{kind.value}" for kind in Kind), "record.sealed"}


def what_there_is(visit_id: UUID) -> Counter[str]:
    """How many of each statement, record and entry a visit has; the log holds, whatever happened."""
    assert audit.verify() is None
    kinds = db.session.scalars(select(Statement.kind).where(Statement.visit_id == visit_id))
    found = Counter(f"statement {kind}" for kind in kinds)
    found["record"] = len(db.session.scalars(select(Record.id).where(Record.visit_id == visit_id)).all())
    entries = db.session.scalars(select(AuditEntry.event).where(AuditEntry.subject == str(visit_id)))
    found.update(event for event in entries if event in COUNTED)
    return +found


def counted(app: Flask, visit_id: UUID) -> dict[str, int]:
    """The same, and under "not genuine" the records that are none, under "unfinished" the jobs that are left."""
    with app.test_request_context():
        found = what_there_is(visit_id)
        verdicts = [records.verify_record(one.id) for one in records.records_of_visit(visit_id)]
        found["not genuine"] = sum(not verdict.is_genuine for verdict in verdicts)
        found["unfinished"] = len(jobs.list_unfinished())
        return dict(+found)
