"""Checks of this room's stored rows for `intake fsck`: what was presented and answered opens; each statement is what
was signed, and what the log committed to."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from hashlib import sha256
from typing import Any

from sqlalchemy import bindparam, func, select

from intake import audit, jobs, vault, visits
from intake.consent.models import LateSignature, Presentation, Reply, Statement
from intake.consent.rules import Kind
from intake.db import fetch, id_of
from intake.errors import Fault
from intake.signer import the_signer

_MADE = select(func.count(Statement.id)).where(
    Statement.visit_id == bindparam("visit"), Statement.kind == bindparam("kind")
)
_LATE = select(LateSignature.signature).where(LateSignature.statement_id == bindparam("of"))
EVENTS = {f"consent.{kind.value}": kind for kind in Kind}


def check_all(count: Counter[str]) -> Iterator[Fault]:
    """What of this room's rows is no longer what was kept; counts them.

    Every presentation and reply must open. Every statement must open, hash to its `sha256`, carry the seal's signature,
    say what its row says, and be the one that the log committed to; and every statement in the log must be there.
    """
    shown, patient_id = visits.with_patient(select(Presentation.id, Presentation.body), Presentation.visit_id)
    yield from vault.check_each(shown, patient_id, "presentation|body", count)
    replies = select(Reply.id, Reply.body).join(Presentation, Presentation.id == Reply.presentation_id)
    replies, patient_id = visits.with_patient(replies, Presentation.visit_id)
    yield from vault.check_each(replies, patient_id, "reply|body", count)
    yield from _statements(count)
    for seq, event, subject, _facts in audit.entries_of(*EVENTS):
        # Of one kind alone there may be several, and then the log has as many.
        if (fetch(_MADE, visit=id_of(subject), kind=EVENTS[event].value).scalar() or 0) < audit.count_said(
            event, subject
        ):
            yield Fault("statement.missing", f"entry {seq}, visit {subject}")


def _statements(count: Counter[str]) -> Iterator[Fault]:
    waiting = {job.key for job in jobs.list_unfinished() if job.name == "consent.sign"}
    columns = (Statement.sha256, Statement.signature, Statement.visit_id, Statement.kind, Statement.at, Statement.by)
    query, patient_id = visits.with_patient(select(Statement.id, Statement.body, *columns), Statement.visit_id)
    for opened in vault.open_each(query, patient_id, "statement|body"):
        row = opened.row
        count["statement"] += 1
        count["erased"] += opened.is_erased
        where = f"statement {row.id}, {row.kind}, visit {row.visit_id}"
        said = audit.facts_said(f"consent.{row.kind}", row.visit_id)
        if not said:
            yield Fault("statement.not_in_log", where)
        if opened.data is not None:
            yield from (Fault(code, where) for code in _wrong(opened.data, row, said, waiting))
        elif not opened.is_erased:
            yield Fault("statement.not_opened", where)


def _wrong(data: bytes, row: Any, said: list[dict[str, str | int | bool]], waiting: set[str]) -> Iterator[str]:
    """The codes of what does not hold of a statement that opened."""
    if sha256(data).hexdigest() != row.sha256:
        yield "statement.hash_differs"
    signature = row.signature or fetch(_LATE, of=row.id).scalar() or b""
    if not signature and str(row.id) in waiting:
        return  # its job waits for the seal
    if not the_signer().verify_evidence(data, signature):
        yield "statement.signature_wrong"
        return  # what it says is not the clinic's, and may have any form
    body = json.loads(data)
    at = row.at.astimezone(UTC).isoformat(timespec="milliseconds")
    of_row = (f"intake/{row.kind}", str(row.visit_id), at, row.by)
    if (body["type"], body["visit"]["id"], body["at"], body["by"]) != of_row:
        yield "statement.row_differs"
    committed = audit.commitment(bytes.fromhex(body["salt"]), data)
    if said and committed not in [facts.get("commitment") for facts in said]:
        yield "statement.log_differs"
