"""Checks of this room's rows and files for `intake fsck`: each record's file is there, and is what was sealed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select

from intake import audit, vault
from intake.db import fetch, id_of
from intake.errors import Damaged, Fault, NotFound
from intake.records import rules
from intake.records.models import Record
from intake.records.seal import the_sealer
from intake.records.stamp_checking import check_stamps
from intake.records.verdict import Fault as Problem
from intake.storage import the_storage

_ROWS = select(
    *(Record.id, Record.visit_id, Record.patient_id, Record.number, Record.storage_key),
    *(Record.pdf_sha256, Record.size),
).order_by(Record.id)
_THERE = select(Record.id).where(Record.id == bindparam("record"))
SEALED = "record.sealed"
CODES = {
    Problem.UNKNOWN_ROOT: "record.unknown_root",
    Problem.UNKNOWN_TIME_AUTHORITY: "record.unknown_time_authority",
}


def check_all(count: Counter[str], *, seals: bool = False) -> Iterator[Fault]:
    """What of this room's records is no longer what was sealed; counts them. With `seals` each PDF's seal is checked
    too, which takes far longer.

    Every file must be there, open for its patient and visit, and hash to what its row and the log's entry say; and
    every record in the log must have its row.
    """
    with fetch(_ROWS.execution_options(yield_per=200)) as rows:
        for row in rows:
            count["record"] += 1
            where = f"record {row.number}, visit {row.visit_id}"
            for code in (*_wrong_file(row, count, seals=seals), *_wrong_entry(row)):
                yield Fault(code, where)
    for seq, _event, _subject, facts in audit.entries_of(SEALED):
        if fetch(_THERE, record=id_of(facts.get("record"))).first() is None:
            yield Fault("record.missing", f"entry {seq}")
    yield from check_stamps(count, seals=seals)


def _wrong_file(row: Any, count: Counter[str], *, seals: bool) -> Iterator[str]:
    if vault.is_erased(row.patient_id):
        count["erased"] += 1
        return
    try:
        stored = the_storage().get(row.storage_key)
    except NotFound:
        yield "record.file_missing"
        return
    except Damaged:
        yield "record.file_damaged"
        return
    try:
        pdf = vault.open_once(row.patient_id, f"record|pdf|{row.visit_id}", stored)
    except (Damaged, NotFound):
        yield "record.not_opened"
        return
    if rules.digest(pdf) != row.pdf_sha256 or len(pdf) != row.size:
        yield "record.hash_differs"
    if seals:
        yield from _wrong_seal(pdf)


def _wrong_seal(pdf: bytes) -> Iterator[str]:
    verdict = the_sealer().verify(pdf)
    if verdict.is_as_signed:
        yield from (CODES[problem] for problem in verdict.problems)
    else:
        yield "record.seal_wrong"


def _wrong_entry(row: Any) -> Iterator[str]:
    said = audit.facts_said(SEALED, row.visit_id)
    of_it = [facts for facts in said if facts.get("record") == str(row.id)]
    if len(of_it) != 1:
        yield "record.not_in_log"
    elif of_it[0] != {"record": str(row.id), "pdf_sha256": row.pdf_sha256}:
        yield "record.log_differs"
