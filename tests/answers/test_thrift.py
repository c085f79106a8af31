"""A page of questions asks the database for each thing once: statements are counted, time is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

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


def test_a_page_of_questions_reads_its_visit_its_response_and_its_key_once(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    with statements() as found:
        assert client.get(ABOUT).status_code == 200
    for table in ("visit", "response", "patient_key", "presentation"):
        reads = [one for one in found if one.startswith("SELECT") and f"FROM {table} " in one.replace("\n", " ")]
        assert len(reads) == (0 if table == "presentation" else 1), (table, reads)
    assert len(found) <= 18, "sessions, tablet, log and all"


def test_a_page_sent_reads_them_again_only_to_hold_them(app: Flask) -> None:
    client, visit_id = at_questions(app)
    fields = untouched(client, ABOUT) | sent(app, visit_id, id__name="Farida Sheikh", id__sex="female")
    with statements() as found:
        assert client.post(ABOUT, data=fields).status_code == 303
    assert len(found) <= 22
