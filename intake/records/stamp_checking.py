"""Checks of time-stamped files for `intake fsck`: each is there, is what was kept, begins with the file before it, and
stands in the log."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select

from intake import audit, vault
from intake.db import fetch
from intake.errors import Damaged, Fault, Invalid, NotFound
from intake.records import rules
from intake.records.models import Record, RecordStamp
from intake.records.seal import the_sealer
from intake.records.stamp_keeping import STAMPED
from intake.records.stamped import count_stamps
from intake.records.verdict import Fault as Problem
from intake.storage import the_storage

_ROWS = (
    select(
        *(RecordStamp.record_id, RecordStamp.number, RecordStamp.pdf_sha256, RecordStamp.storage_key),
        *(RecordStamp.size, Record.number.label("named"), Record.visit_id, Record.patient_id),
        Record.storage_key.label("sealed_key"),
    )
    .join(Record, Record.id == RecordStamp.record_id)
    .order_by(RecordStamp.record_id, RecordStamp.number)
)
_THERE = select(RecordStamp.id).where(
    RecordStamp.pdf_sha256 == bindparam("digest"), RecordStamp.number == bindparam("number")
)


def check_stamps(count: Counter[str], *, seals: bool) -> Iterator[Fault]:
    """What of the time-stamped files is no longer what was kept; counts them. With `seals` their time stamps are
    checked too."""
    with fetch(_ROWS.execution_options(yield_per=200)) as rows:
        before: tuple[Any, bytes] = (None, b"")
        for row in rows:
            count["time-stamped file"] += 1
            where = f"record {row.named}, time stamp {row.number}"
            if vault.is_erased(row.patient_id):
                count["erased"] += 1
                continue
            if before[0] != row.record_id:
                before = row.record_id, _opened(row, row.sealed_key) or b""
            pdf = _opened(row, row.storage_key)
            for code in (*_wrong_file(row, pdf, before[1], seals=seals), *_wrong_entry(row)):
                yield Fault(code, where)
            before = row.record_id, pdf or b""
    for seq, _event, _subject, facts in audit.entries_of(STAMPED):
        if fetch(_THERE, digest=facts.get("pdf_sha256"), number=facts.get("number")).first() is None:
            yield Fault("stamp.missing", f"entry {seq}")


def _opened(row: Any, key: str) -> bytes | None:
    try:
        return vault.open_once(row.patient_id, f"record|pdf|{row.visit_id}", the_storage().get(key))
    except (Damaged, Invalid, NotFound):
        return None


def _wrong_file(row: Any, pdf: bytes | None, before: bytes, *, seals: bool) -> Iterator[str]:
    if pdf is None:
        yield "stamp.file_lost"
    elif (rules.digest(pdf), len(pdf)) != (row.pdf_sha256, row.size):
        yield "stamp.hash_differs"
    elif not pdf.startswith(before):
        yield "stamp.other_record"
    elif seals:
        verdict = the_sealer().verify(pdf)
        if not verdict.is_as_signed or count_stamps(pdf) != row.number:
            yield "stamp.wrong"
        elif Problem.UNKNOWN_TIME_AUTHORITY in verdict.problems:  # a root is told of with the record as it was sealed
            yield "stamp.unknown_time_authority"


def _wrong_entry(row: Any) -> Iterator[str]:
    said = audit.facts_said(STAMPED, row.visit_id)
    mine = {"record": str(row.record_id), "number": row.number, "pdf_sha256": row.pdf_sha256}
    if said.count(mine) != 1:
        yield "stamp.not_in_log"
