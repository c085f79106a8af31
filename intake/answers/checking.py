"""Checks of this room's stored rows for `intake fsck`: drafts and submissions open, and the log says the same."""

import re
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import bindparam, select

from intake import audit, vault, visits
from intake.answers.models import Response, Submission
from intake.db import fetch, id_of
from intake.errors import Fault

SUBMITTED = "response.submitted"
# Answers and salt as they were sealed, in canonical bytes (RFC 8785): those of the answers stand in them as they are.
SEALED = re.compile(rb'\{"answers":(.*),"salt":"([0-9a-f]{32})"\}', re.S)
_OF_VISIT = select(Submission.id).where(Submission.visit_id == bindparam("visit"))


def check_all(count: Counter[str]) -> Iterator[Fault]:
    """What of this room's rows is no longer what was kept; counts them.

    Every draft and every submission must open, each submission be the one that the log committed to, and every one in
    the log be there.
    """
    drafts, patient_id = visits.with_patient(select(Response.id, Response.body), Response.visit_id)
    yield from vault.check_each(drafts, patient_id, "response|body", count)
    given = select(Submission.id, Submission.body, Submission.visit_id)
    query, patient_id = visits.with_patient(given, Submission.visit_id)
    for opened in vault.open_each(query, patient_id, "submission|body"):
        count["submission"] += 1
        count["erased"] += opened.is_erased
        where = f"submission {opened.row[0]}, visit {opened.row[2]}"
        if opened.data is None and not opened.is_erased:
            yield Fault("submission.not_opened", where)
            continue
        said = audit.facts_said(SUBMITTED, opened.row[2])
        if len(said) != 1:
            yield Fault("submission.not_in_log", where)
        elif opened.data is not None and said[0].get("commitment") != _commitment(opened.data):
            yield Fault("submission.log_differs", where)
    for seq, _event, subject, _facts in audit.entries_of(SUBMITTED):
        if fetch(_OF_VISIT, visit=id_of(subject)).first() is None:
            yield Fault("submission.missing", f"entry {seq}, visit {subject}")


def _commitment(data: bytes) -> str:
    """What the log says of these answers; nothing of what this program would not have sealed."""
    found = SEALED.fullmatch(data)
    return audit.commitment(bytes.fromhex(found[2].decode()), found[1]) if found else ""
