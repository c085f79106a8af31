"""Migrations: from nothing to exactly our tables, in numbered steps that need nothing of the package, rows kept."""

import ast
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError

from intake import audit, create_app, setting_up
from intake.access import SYSTEM
from intake.config import MIGRATIONS
from intake.db import Base, db, transaction
from tests.conftest import SERVER, _fresh_database, settings_for

VERSIONS = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
CONFIG = setting_up.migration_config()
NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@pytest.fixture
def empty(data: Path, tmp_path: Path) -> Iterator[Flask]:
    """The application over a database in which there is nothing yet."""
    url = _fresh_database(f"intake_{uuid.uuid4().hex[:12]}") if SERVER else f"sqlite:///{tmp_path / 'empty.db'}"
    app = create_app(settings_for(data, database_url=url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def columns() -> dict[str, list[tuple[str, str, bool]]]:
    """Every table as the database has it: columns with type and whether they may be empty."""
    looked = inspect(db.engine)
    return {
        table: [(c["name"], str(c["type"]), c["nullable"]) for c in looked.get_columns(table)]
        for table in sorted(looked.get_table_names())
    }


def test_up_from_nothing_gives_exactly_the_tables_of_the_models(empty: Flask) -> None:
    setting_up.migrate(empty)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version", *Base.metadata.tables}


def test_indexes_unique_constraints_and_references_are_those_of_the_models(empty: Flask) -> None:
    """Alembic's comparison does not look at all of them on every database."""
    setting_up.migrate(empty)
    looked = inspect(db.engine)
    for name, table in Base.metadata.tables.items():
        wanted = {(index.name, bool(index.unique), tuple(index.columns.keys())) for index in table.indexes}
        found = looked.get_indexes(name)
        constraints = {unique["name"] for unique in looked.get_unique_constraints(name)}
        have = {(i["name"], bool(i["unique"]), tuple(i["column_names"])) for i in found if i["name"] not in constraints}
        assert have == wanted, name
        references = {
            (key["referred_table"], tuple(key["constrained_columns"])) for key in looked.get_foreign_keys(name)
        }
        assert references == {
            (key.referred_table.name, tuple(key.columns.keys())) for key in table.foreign_key_constraints
        }, name


def test_running_them_again_changes_nothing(empty: Flask) -> None:
    setting_up.migrate(empty)
    before = columns()
    with transaction():
        audit.record("something", "x", by=SYSTEM)
    setting_up.migrate(empty)
    assert columns() == before
    assert [entry.event for entry in audit.history_of("x")] == ["something"] and audit.verify() is None


def test_they_are_numbered_in_one_row_without_a_gap_and_named_for_their_purpose() -> None:
    script = ScriptDirectory.from_config(CONFIG)
    revisions = list(reversed([revision.revision for revision in script.walk_revisions()]))
    assert revisions == sorted(set(revisions)) and revisions[0] == "0001"  # a number may be left out, not used twice
    assert [path.name[:4] for path in VERSIONS] == revisions
    assert script.get_heads() == [revisions[-1]]
    assert all(re.fullmatch(r"\d{4}_[a-z]+(_[a-z]+)*\.py", path.name) for path in VERSIONS)


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_each_goes_forward_only_needs_nothing_of_the_package_and_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.split(".")[0] in ("intake", "", ".")], path.name
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    assert defined == {"upgrade"}


# ---- Rows from before 0002 ----

PATIENT, STAFF, EDITION, VISIT = (uuid.UUID(int=number) for number in range(1, 5))
BEFORE: dict[str, dict[str, Any]] = {
    "staff_member": {
        "id": STAFF, "email": "rao@clinic.example", "name": "Dr Rao", "password": "x", "active": True,
        "fs_uniquifier": "x", "registration_no": None, "letter": "K", "room": None, "created_at": NOON,
    },
    "edition": {"id": EDITION, "name": "mesotherapy", "version": "0.9.0", "published_at": NOON},
    "edition_file": {"edition_id": EDITION, "kind": "consent", "version": "0.9.0", "body": b"old", "sha256": "x"},
    "patient_key": {"patient_id": PATIENT, "wrapped": b"\x00key", "created_at": NOON, "destroyed_at": None},
    "patient": {"id": PATIENT, "created_at": NOON},
    "patient_fact": {
        "id": uuid.UUID(int=9), "patient_id": PATIENT, "kind": "name", "value": b"\xff", "at": NOON, "by": "staff:1",
    },
    "visit": {
        "id": VISIT, "patient_id": PATIENT, "day": date(2026, 11, 23), "letter": "K", "number": 1, "doctor_id": STAFF,
        "issued_at": NOON, "issued_by": "staff:1", "override_reason": None, "form_key": None,
    },
}  # fmt: skip


def test_rows_written_before_the_log_began_are_kept_and_guarded_from_then_on(empty: Flask) -> None:
    command.upgrade(CONFIG, "0001")
    with db.engine.begin() as connection:
        for name, row in BEFORE.items():
            _insert(connection, name, row)
        assert connection.execute(text("SELECT count(*) FROM audit_head")).scalar() == 0
    setting_up.migrate(empty)
    for name, row in BEFORE.items():
        table = Base.metadata.tables[name]
        [kept] = db.session.execute(table.select()).mappings().all()
        assert dict(kept) == row
    db.session.rollback()
    assert audit.verify() is None
    with transaction():
        audit.record("first", "x", by=SYSTEM)
    assert [entry.seq for entry in audit.history_of("x")] == [1] and audit.verify() is None
    for name in ("edition", "edition_file", "patient_fact"):
        with pytest.raises(DatabaseError, match="append-only"), transaction():
            db.session.execute(text(f"DELETE FROM {name}"))


# ---- Rows from before 0003 ----

TABLET, IN_USE, ENDED = (uuid.UUID(int=number) for number in range(21, 24))
GIVEN: dict[str, Any] = {
    "id": IN_USE, "device_id": TABLET, "visit_id": VISIT, "given_at": NOON, "given_by": "staff:1", "opened_at": NOON,
    "seen_at": NOON, "locked_at": None, "identified_at": NOON, "identity_tries": 1, "language": "en", "ended_at": None,
}  # fmt: skip
WITH_TABLET: list[tuple[str, dict[str, Any]]] = [
    *((name, BEFORE[name]) for name in ("staff_member", "patient_key", "patient", "visit")),
    (
        "device",
        {"id": TABLET, "name": "T1", "secret_hash": b"\x01" * 32, "paired_at": NOON, "wiped_at": NOON, "version": 3},
    ),
    ("tablet_visit", GIVEN),
    ("tablet_visit", GIVEN | {"id": ENDED, "ended_at": NOON}),
]


def test_a_tablet_in_use_before_it_could_hear_an_answer_again_stays_in_use(empty: Flask) -> None:
    command.upgrade(CONFIG, "0002")
    with db.engine.begin() as connection:
        for name, row in WITH_TABLET:
            _insert(connection, name, row)
    setting_up.migrate(empty)
    table = Base.metadata.tables["tablet_visit"]
    new = dict.fromkeys(("renewed_at", "old_secret_hash", "spare_secret_hash"))
    kept = {row["id"]: dict(row) for row in db.session.execute(table.select()).mappings()}
    assert kept == {IN_USE: GIVEN | new, ENDED: GIVEN | new | {"id": ENDED, "ended_at": NOON}}
    [device] = db.session.execute(Base.metadata.tables["device"].select()).mappings().all()
    assert dict(device) == WITH_TABLET[4][1]
    db.session.rollback()
    with pytest.raises(DatabaseError), transaction():  # one answer of a tablet may be open, not two
        db.session.execute(table.update().values(renewed_at=NOON))


# ---- Rows from before 0007 ----

STATEMENT, RECORD = uuid.UUID(int=31), uuid.UUID(int=32)
SEALED: list[tuple[str, dict[str, Any]]] = [
    *((name, BEFORE[name]) for name in ("staff_member", "patient_key", "patient", "visit")),
    (
        "statement",
        {
            "id": STATEMENT, "visit_id": VISIT, "kind": "declined", "body": b"\x01sealed", "sha256": "ab" * 32,
            "signature": b"\x30", "at": NOON, "by": "tablet:1",
        },
    ),
    (
        "record",
        {
            "id": RECORD, "visit_id": VISIT, "patient_id": PATIENT, "number": "KS-AAAA-AAAA", "outcome": "declined",
            "statement_sha256": "ab" * 32, "pdf_sha256": "cd" * 32, "storage_key": "x", "size": 3, "sealed_at": NOON,
        },
    ),
]  # fmt: skip


def test_evidence_from_before_something_could_be_taken_back_is_kept_guarded_and_still_single(empty: Flask) -> None:
    command.upgrade(CONFIG, "0005")
    with db.engine.begin() as connection:
        for name, row in SEALED:
            _insert(connection, name, row)
    setting_up.migrate(empty)
    for name, row in SEALED[-2:]:
        [kept] = db.session.execute(Base.metadata.tables[name].select()).mappings().all()
        assert dict(kept) == row | ({"seq": 1} if name == "statement" else {})
        db.session.rollback()
        for verb in (f"DELETE FROM {name}", f"UPDATE {name} SET id = id"):
            with pytest.raises(DatabaseError, match="append-only"), transaction():
                db.session.execute(text(verb))
        with pytest.raises(DatabaseError, match=r"(?i)unique"), transaction():
            table = Base.metadata.tables[name]
            again = dict(kept) | {"id": uuid.UUID(int=99)} | ({"number": "KS-BBBB-BBBB"} if name == "record" else {})
            db.session.execute(table.insert().values(**again))


def _insert(connection: Connection, name: str, row: dict[str, Any]) -> None:
    """A row in plain SQL, as a program of an older release left it."""
    types = {column.name: column.type for column in Base.metadata.tables[name].columns}
    bound = {key: _bound(types[key], value) for key, value in row.items()}
    marks = ", ".join(f":{key}" for key in row)
    connection.execute(text(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})"), bound)


def _bound(kind: Any, value: Any) -> Any:
    """A value as this database's driver takes it in plain SQL."""
    processor = kind.dialect_impl(db.engine.dialect).bind_processor(db.engine.dialect)
    return processor(value) if processor and value is not None else value
