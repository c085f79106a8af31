"""A page of questions asks the database for each thing once: statements are counted, time is not."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

from intake.db import db
from tests.conftest import SERVER
from tests.kiosk.pages import at_questions, sent, untouched

ABOUT = "/visit/questions/id"


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    found: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def reads_of(found: list[str], table: str) -> int:
    """How often a table is read."""
    return sum(bool(re.search(rf"\b(FROM|JOIN) {table}\b", one)) for one in found if one.startswith("SELECT"))


def test_a_page_of_questions_reads_its_visit_its_response_and_its_key_once(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get(ABOUT)  # reads the edition, once in a process
    with statements() as found:
        assert client.get(ABOUT).status_code == 200
    for table in ("web_session", "tablet_visit", "visit", "response", "patient_key", "submission", "statement"):
        assert reads_of(found, table) == 1, (table, found)
    assert reads_of(found, "presentation") == 0
    assert len(found) <= 6, "tablet with session and visit, answers, approval, and the log's own"


@pytest.mark.skipif(bool(SERVER), reason="asks SQLite how it goes about a statement")
def test_no_page_looks_through_a_table_that_grows_with_the_years(app: Flask) -> None:
    client, visit_id = at_questions(app)
    fields = untouched(client, ABOUT) | sent(app, visit_id, id__name="Farida Sheikh", id__sex="female")
    with asked_of(app) as found:
        client.get(ABOUT)
        client.post(ABOUT, data=fields)
        client.get("/visit/next")
    assert len(found) > 15
    with app.app_context(), db.engine.connect() as connection:
        plans = [
            row[3] for one, values in found for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values)
        ]
    looked_through = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
    assert looked_through <= {"audit_head", "edition", "edition_approval", "CONSTANT"}


@contextmanager
def asked_of(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile, with its values; not what begins a transaction."""
    found: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        found.append((statement, values))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_page_sent_reads_them_again_only_to_hold_them(app: Flask) -> None:
    client, visit_id = at_questions(app)
    fields = untouched(client, ABOUT) | sent(app, visit_id, id__name="Farida Sheikh", id__sex="female")
    with statements() as found:
        assert client.post(ABOUT, data=fields).status_code == 303
    assert len(found) <= 11
