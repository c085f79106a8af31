"""A full disk, a busy database, an impatient finger: nothing half-written, nothing twice, and an honest page."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from intake import audit, consent, jobs, records
from intake.consent import Kind, State
from intake.consent.models import Statement
from intake.db import db
from intake.web import HEADERS
from tests.builders import fields_of
from tests.conftest import MONDAY_NOON, SERVER, StrictClient, sign_in
from tests.faults.conftest import Driver, Morning

ON_SQLITE = pytest.mark.skipif(bool(SERVER), reason="locks and grows SQLite's own files")


def filled_in(tablet: StrictClient) -> dict[str, Any]:
    """The page to sign as the tablet has it, with a name typed."""
    return fields_of(tablet.get("/visit/sign").text) | {"how": "type", "typed": "Farida Sheikh"}


def tablet_of(app: Flask, morning: Morning) -> StrictClient:
    """The tablet that the unsigned visit holds."""
    client = app.test_client()
    assert isinstance(client, StrictClient)
    client.set_cookie("intake-device", morning.device)
    return client


# ---- The same form many times ----


def test_the_sign_button_pressed_by_eight_fingers_at_once_is_one_signature(morning: Morning) -> None:
    with morning.served() as app:
        first = tablet_of(app, morning)
        form = filled_in(first)
        session = first.get_cookie("intake-session")
        assert session is not None
        start, statuses = threading.Barrier(8), Counter[int]()

        def press() -> None:
            client = tablet_of(app, morning)
            client.set_cookie("intake-session", session.value)
            start.wait()
            statuses[client.post("/visit/sign", data=form).status_code] += 1

        fingers = [threading.Thread(target=press) for _ in range(8)]
        for finger in fingers:
            finger.start()
        for finger in fingers:
            finger.join()
        assert statuses[303] >= 1 and set(statuses) <= {303, 409, 410}, "the others are told that it is done"
    with morning.opened():
        count = select(func.count()).select_from(Statement).where(Statement.visit_id == morning.unsigned)
        assert db.session.scalar(count) == 1
        signed = [entry for entry in audit.history_of(morning.unsigned) if entry.event == "consent.signed"]
        assert len(signed) == 1 and audit.verify() is None


# ---- A full disk ----


def test_a_disk_that_is_full_while_a_record_is_stored_delays_it_and_loses_nothing(
    drive: Driver, morning: Morning
) -> None:
    assert drive(morning, "work", full=True)["answer"] == 1
    with morning.opened():
        [waiting] = [job for job in jobs.list_unfinished() if job.name == "records.seal"]
        assert waiting.error == "OSError" and waiting.given_up_at is None
        assert records.record_of_visit(morning.decided) is None
    assert not [path for path in (morning.folder / "files").rglob("*") if path.is_file()], "not even a part of a file"
    assert drive(morning, "work", later=2)["answer"] == 1
    with morning.opened():
        record = records.record_of_visit(morning.decided)
        assert record is not None and records.verify_record(record.id).is_genuine
        assert not jobs.list_unfinished() and audit.verify() is None


@ON_SQLITE
def test_a_disk_that_is_full_while_the_patient_signs_says_so_and_the_signature_can_be_given_later(
    drive: Driver, morning: Morning
) -> None:
    assert drive(morning, "sign", disk=8192)["answer"] == 503
    with morning.opened():
        assert consent.state_of(morning.unsigned) is State.OPEN
        assert audit.verify() is None
    assert drive(morning, "sign")["answer"] == 303
    with morning.opened():
        assert consent.kinds_of(morning.unsigned) == {Kind.SIGNED}
        assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"


# ---- A busy database ----


@pytest.fixture
def impatient() -> Iterator[None]:
    """Waits a tenth of a second for a locked database, not five, so that the test does not either."""

    def hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=100")

    event.listen(Engine, "connect", hurry)
    yield
    event.remove(Engine, "connect", hurry)


@contextmanager
def another_writer(folder: Path) -> Iterator[None]:
    """Somebody else holds the database's one write lock the whole time."""
    engine = create_engine(f"sqlite:///{folder / 'intake.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.execute(text("UPDATE audit_head SET seq = seq"))
        yield
        connection.rollback()
    engine.dispose()


def is_an_honest_503(response: Any) -> bool:
    """Whether a page says: try again, in a few seconds; with every header a page has."""
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert HEADERS.items() <= dict(response.headers).items() and response.headers["Cache-Control"] == "no-store"
    return "Farida" not in response.text and "OperationalError" not in response.text


@ON_SQLITE
def test_a_database_locked_for_too_long_is_a_page_that_says_when_to_try_again(
    impatient: None, morning: Morning
) -> None:
    with morning.served() as app:
        tablet = tablet_of(app, morning)
        form = filled_in(tablet)
        with another_writer(morning.folder):
            assert is_an_honest_503(tablet.post("/visit/sign", data=form))
            with morning.opened():
                assert consent.state_of(morning.unsigned) is State.OPEN
        assert tablet.post("/visit/sign", data=form).status_code == 303, "the same form, sent again, is taken"
    with morning.opened():
        assert consent.state_of(morning.unsigned) is State.SIGNED and audit.verify() is None


@ON_SQLITE
def test_a_tablets_page_whose_reading_cannot_be_written_down_is_an_honest_503_too(
    impatient: None, morning: Morning
) -> None:
    with morning.served() as app:
        tablet = tablet_of(app, morning)
        with another_writer(morning.folder):
            assert is_an_honest_503(tablet.get("/visit/sign"))
        assert tablet.get("/visit/sign").status_code == 200


@ON_SQLITE
def test_signing_in_while_the_database_is_locked_is_answered_in_the_same_way(impatient: None, morning: Morning) -> None:
    with morning.served() as app:
        browser = app.test_client()
        assert isinstance(browser, StrictClient)
        browser.get("/sign-in")
        with another_writer(morning.folder):
            form = {"email": "reception@demo.example", "password": "x" * 15}
            assert is_an_honest_503(browser.submit("/sign-in", form))
            assert is_an_honest_503(app.test_client().get("/sign-in")), "a new session cannot be kept"


@ON_SQLITE
def test_a_page_that_only_reads_is_shown_while_the_database_is_locked(
    impatient: None, morning: Morning, clock_at: Callable[[datetime], None]
) -> None:
    with morning.served() as app:
        desk = sign_in(app, "reception@demo.example")
        clock_at(MONDAY_NOON + timedelta(minutes=2))  # the session would say "seen"
        with another_writer(morning.folder):
            assert desk.get("/desk").status_code == 200


@ON_SQLITE
def test_a_worker_that_finds_the_database_locked_leaves_the_job_for_later(impatient: None, morning: Morning) -> None:
    with morning.opened():
        with another_writer(morning.folder), pytest.raises(OperationalError):
            jobs.run_due()
        db.session.rollback()
        [job] = jobs.list_unfinished()
        assert (job.tries, job.lease) == (0, None)
        assert jobs.run_due() and records.record_of_visit(morning.decided) is not None
