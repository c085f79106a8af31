"""The log over a real database: it holds after real work, names what was tampered with, and cannot be changed."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DatabaseError

from intake import audit, clock, create_app, definitions, visits
from intake.access import SYSTEM, Actor, Role
from intake.audit.models import AuditEntry
from intake.config import Settings
from intake.db import Base, before_commit, db, new_id, transaction
from tests.audit.tampering import without_guard
from tests.builders import a_signed_visit
from tests.conftest import SERVER, StrictClient
from tests.endings import a_declined_visit, a_filed_visit, countersigned, record_id_of

APPEND_ONLY = {
    *("audit_entry", "edition", "edition_file", "edition_approval", "patient_fact", "visit_move", "submission"),
    *("finding", "presentation", "reply", "statement", "decision", "record", "log_checkpoint", "doctor_key"),
    *("late_signature", "record_stamp", "log_stamp"),
}
MAY_CHANGE = {
    "alembic_version": "says which tables there are",
    "audit_head": "the one row that moves with the log; the log is checked against it",
    "blind_index": "erasure takes a patient out of it",
    "device": "paired, wiped and given a new secret",
    "job": "claimed, tried and done",
    "pairing_code": "used once",
    "patient": "only an id: all that is known of a patient are facts",
    "patient_key": "erasure destroys the key",
    "questionnaire_draft": "an author tries something out; it belongs to no visit",
    "response": "a draft that grows",
    "sign_in_attempt": "old ones are swept",
    "self_test": "an observation of the keys, written over by the next",
    "staff_member": "people change rooms and passwords",
    "staff_role": "and roles",
    "tablet_visit": "given, locked and taken back",
    "visit": "what happens to it are moves",
    "web_session": "seen and ended",
}


def tampered(*statements: str) -> int | None:
    """What the log says after these statements were let through."""
    with transaction():
        without_guard("audit_entry")
        for statement in statements:
            db.session.execute(text(statement))
    return audit.verify()


def test_the_log_holds_after_a_whole_visit_and_tells_its_story(app: Flask) -> None:
    visit_id = a_filed_visit(app)
    with app.app_context():
        assert audit.verify() is None
        events = [entry.event for entry in audit.history_of(visit_id)]
    story = [
        *("token.issued", "response.begun", "response.submitted", "visit.screened", "consent.presented"),
        *("consent.signed", "consent.countersigned", "record.sealed"),
    ]
    assert [event for event in events if event in story] == story


def test_entries_are_numbered_without_a_gap_and_name_nobody(app: Flask) -> None:
    countersigned(app, a_signed_visit(app))
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        said = b" ".join(entry.body for entry in entries)
    for word in (b"Farida", b"Sheikh", b"9840000421", b"98400 00421", b"1968-03-04", b"cheeks", b"R-"):
        assert word not in said


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (["UPDATE audit_entry SET event = 'consent.declined' WHERE seq = 7"], 7),
        (["UPDATE audit_entry SET subject = 'somebody' WHERE seq = 7"], 7),
        (["UPDATE audit_entry SET actor = 'staff:else' WHERE seq = 7"], 7),
        (["UPDATE audit_entry SET at = '2026-11-23 06:00:00.000001' WHERE seq = 7"], 7),
        (["UPDATE audit_entry SET body = leaf WHERE seq = 7"], 7),
        (["DELETE FROM audit_entry WHERE seq = 7"], 7),
        (["DELETE FROM audit_entry WHERE seq = 1"], 1),
        (["DELETE FROM audit_entry WHERE seq >= 9"], 9),
        (["DELETE FROM audit_entry"], 1),
        (
            [
                "UPDATE audit_entry SET seq = -1 WHERE seq = 5",
                "UPDATE audit_entry SET seq = 5 WHERE seq = 6",
                "UPDATE audit_entry SET seq = 6 WHERE seq = -1",
            ],
            5,
        ),
        (["DELETE FROM audit_entry WHERE seq = 5", "UPDATE audit_entry SET seq = seq - 1 WHERE seq = 6"], 5),
        (["UPDATE audit_head SET seq = 8"], 9),
        (["DELETE FROM audit_head"], 1),
    ],
)
def test_a_changed_removed_reordered_or_cut_off_entry_is_named(app: Flask, statements: list[str], named: int) -> None:
    with app.app_context():
        for turn in range(12):
            with transaction():
                audit.record("turn", "x", by=SYSTEM, turn=turn)
        assert tampered(*statements) == named


def test_an_empty_log_holds(app: Flask) -> None:
    with app.app_context():
        assert tampered("DELETE FROM audit_entry", f"UPDATE audit_head SET seq = 0, chain = {ZERO}") is None


ZERO = "decode(repeat('00', 32), 'hex')" if SERVER else "zeroblob(32)"


def test_every_table_is_either_append_only_or_may_change_for_a_reason(in_app: Flask) -> None:
    assert set(inspect(db.engine).get_table_names()) == APPEND_ONLY | MAY_CHANGE.keys()


def a_row_everywhere(app: Flask) -> UUID:
    """At least one row in every append-only table; gives the id of the record among them."""
    visit_id = a_signed_visit(app)
    with app.app_context(), transaction():
        visit = visits.get_visit(visit_id)
        known: dict[str, Any] = {"id": new_id(), "at": clock.now(), "doctor_id": visit.doctor_id, "by": "system"}
        known |= {"visit_id": visit_id, "patient_id": visit.patient_id, "edition_id": definitions.current_edition().id}
        known |= {"seq": 9, "kind": "called", "about": "finding:1", "body": b"", "size": 1, "sealed_at": clock.now()}
        known |= {"position": 0, "is_flag": True, "language": "en", "root": b"", "note": ""}
        statement = db.session.scalars(select(Base.metadata.tables["statement"].c.id)).first()
        known |= {"statement_id": statement, "signature": b""}
        known |= {"certificate": b"", "sealed": b"", "made_at": clock.now()}
        known |= {name: "x" for name in ("number", "outcome", "statement_sha256", "pdf_sha256", "storage_key")}
        tables = ("edition_approval", "visit_move", "finding", "decision", "record", "log_checkpoint", "doctor_key")
        known |= {"record_id": known["id"], "token": b"", "stamped_at": clock.now(), "authority": "x"}
        for name in (*tables, "late_signature", "log_stamp", "record_stamp"):
            known |= {"number": 1, "good_until": clock.now()} if name == "record_stamp" else {}
            table = Base.metadata.tables[name]
            db.session.execute(table.insert().values({column.name: known[column.name] for column in table.columns}))
    return UUID(str(known["id"]))


def test_no_append_only_row_can_be_changed_or_removed(app: Flask) -> None:
    a_row_everywhere(app)
    for table in sorted(APPEND_ONLY):
        column = inspect(Base.metadata.tables[table]).primary_key.columns[0].name
        verbs = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
        verbs += [f"TRUNCATE {table} CASCADE"] if SERVER else [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"]
        for statement in verbs:
            with app.app_context():
                count = select(func.count()).select_from(text(table))
                before = db.session.scalar(count)
                assert before, f"{table} has no row to try it on"
                with pytest.raises(DatabaseError, match="is append-only"), transaction():
                    db.session.execute(text(statement))
                assert db.session.scalar(count) == before


def test_the_orm_cannot_change_evidence_either(app: Flask) -> None:
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).limit(1)).one()
        with pytest.raises(DatabaseError, match="append-only"), transaction():
            entry.event = "nothing.happened"
        assert audit.verify() is None


def test_eight_writers_at_once_lose_no_entry_and_break_no_link(app: Flask) -> None:
    start, failed = threading.Barrier(8), []

    def write(number: int) -> None:
        start.wait()
        try:
            for turn in range(20):
                with app.app_context(), transaction():
                    audit.record("turn", f"writer-{number}", by=SYSTEM, turn=turn)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with app.app_context():
        assert [len(audit.history_of(f"writer-{number}")) for number in range(8)] == [20] * 8
        assert audit.verify() is None


def test_what_somebody_else_wrote_meanwhile_is_followed_and_not_written_over(app: Flask, settings: Settings) -> None:
    other = create_app(settings)  # as another process has it: with a memory of its own of where the log stood
    for turn in range(3):
        for one in (app, other, other):
            with one.app_context(), transaction():
                audit.record("turn", "x", by=SYSTEM, turn=turn)
    with app.app_context():
        assert len(audit.history_of("x")) == 9
        assert audit.verify() is None
    with other.app_context():
        db.session.remove()
        db.engine.dispose()


def test_an_entry_that_was_rolled_back_leaves_no_trace_in_those_after_it(in_app: Flask) -> None:
    with transaction():
        audit.record("one", "x", by=SYSTEM)
    with pytest.raises(DatabaseError), transaction():
        audit.record("never", "x", by=SYSTEM)
        db.session.execute(text("UPDATE audit_entry SET event = 'forged'"))
    before_commit.append(_refuse)  # after the entries were chained, and the head moved
    try:
        with pytest.raises(RuntimeError, match="too late"), transaction():
            audit.record("never", "x", by=SYSTEM)
    finally:
        before_commit.remove(_refuse)
    with transaction():
        audit.record("two", "x", by=SYSTEM)
    assert [entry.event for entry in audit.history_of("x")] == ["one", "two"]
    assert audit.verify() is None


def _refuse() -> None:
    raise RuntimeError("too late")


def test_the_log_may_be_checked_while_others_write_to_it(app: Flask) -> None:
    """An entry added during the walk is neither missing nor one too many."""
    stop, results = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            with app.app_context(), transaction():
                audit.record("turn", "x", by=SYSTEM)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(15):
        with app.app_context():
            results.append(audit.verify())
    stop.set()
    writer.join()
    assert results == [None] * 15


def test_entries_of_one_transaction_keep_their_order(in_app: Flask) -> None:
    with transaction():
        for event in ("one", "two", "three"):
            audit.record(event, "x", by=Actor("staff", None, frozenset({Role.ADMIN})), n=1)
    assert [entry.event for entry in audit.history_of("x")] == ["one", "two", "three"]


# ---- Reading a record ----

Look = Callable[[StrictClient, UUID], Any]
READINGS: list[tuple[str, str, Look]] = [
    ("page", "record.read", lambda browser, record: browser.get(f"/archive/records/{record}")),
    ("opened", "record.opened", lambda browser, record: browser.get(f"/archive/records/{record}/pdf")),
    ("kept", "record.downloaded", lambda browser, record: browser.get(f"/archive/records/{record}/pdf?download=1")),
    ("checked", "record.verified", lambda browser, record: browser.submit(f"/archive/records/{record}/verify")),
    ("exported", "record.exported", lambda browser, record: browser.submit("/archive/days/2026-11-23/zip")),
]


def test_each_reading_of_a_record_is_exactly_one_entry_with_who_read_it(app: Flask, as_records: StrictClient) -> None:
    record_id = record_id_of(app, a_declined_visit(app))
    as_records.get("/archive")
    expected: Counter[str] = Counter()
    for _name, event, look in READINGS:
        answer = look(as_records, record_id)
        assert answer.status_code == 200
        answer.close()
        expected[event] += 1
        with app.app_context():
            history = audit.history_of(record_id)
            assert Counter(entry.event for entry in history) == expected
            assert {entry.actor.split(":")[0] for entry in history} == {"staff"}
    with app.app_context():
        assert audit.verify() is None


def test_a_reading_that_was_refused_reads_nothing(app: Flask, as_reception: StrictClient) -> None:
    record_id = a_row_everywhere(app)
    for path in (f"/archive/records/{record_id}", f"/archive/records/{record_id}/pdf"):
        assert as_reception.get(path).status_code == 403
    with app.app_context():
        assert audit.history_of(record_id) == []
