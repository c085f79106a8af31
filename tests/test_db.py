"""The one way to write: a transaction is whole or nothing, one at a time, and waits for the one before it."""

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.exc import IntegrityError, PendingRollbackError, StatementError

from intake import audit, cli, clock, visits
from intake.access import SYSTEM
from intake.audit.models import AuditEntry, AuditHead
from intake.db import db, fetch, let_go, line, new_id, remembered, transaction
from intake.errors import Stale
from intake.kiosk.models import Device
from intake.sessions import WebSession
from tests.builders import a_visit
from tests.conftest import SERVER, settings_for

ON_SQLITE = pytest.mark.skipif(bool(SERVER), reason="about SQLite")


def entries() -> int:
    return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def a_tablet() -> Device:
    return db.session.scalars(select(Device).order_by(Device.name)).first() or Device()


def test_a_transaction_inside_a_transaction_is_refused_and_nothing_of_either_stays(in_app: Flask) -> None:
    before = entries()
    with pytest.raises(RuntimeError, match="only doors open one"), transaction():
        audit.record("outer", "x", by=SYSTEM)
        with transaction():
            audit.record("inner", "x", by=SYSTEM)
    assert entries() == before


def test_after_a_refused_one_the_door_opens_again(in_app: Flask) -> None:
    with pytest.raises(RuntimeError), transaction(), transaction():
        pass
    with transaction():
        audit.record("after", "x", by=SYSTEM)
    assert [entry.event for entry in audit.history_of("x")] == ["after"]


def test_what_was_rolled_back_leaves_no_row_and_no_entry_in_the_log_then_or_later(in_app: Flask) -> None:
    before = entries()
    with pytest.raises(ZeroDivisionError), transaction():
        db.session.add(Device(id=new_id(), name="T9"))
        db.session.flush()
        audit.record("tablet.added", "T9", by=SYSTEM)
        raise ZeroDivisionError
    with transaction():
        audit.record("next", "x", by=SYSTEM)
    assert entries() == before + 1
    assert audit.history_of("T9") == []
    assert db.session.scalar(select(Device).where(Device.name == "T9")) is None
    assert audit.verify() is None


def test_objects_and_columns_are_written_together_or_not_at_all(in_app: Flask) -> None:
    rename = update(Device).where(Device.name == bindparam("old")).values(name=bindparam("new"))

    def names() -> list[str]:
        return sorted(fetch(select(Device.name)).scalars())

    before = names()
    with pytest.raises(ZeroDivisionError), transaction():
        db.session.add(Device(id=new_id(), name="T9"))
        assert fetch(rename, old="T9", new="T8").rowcount == 1, "what waits to be written is written first"
        raise ZeroDivisionError
    assert names() == before
    with transaction():
        fetch(rename, old="T1", new="T7")
    with transaction():
        db.session.add(Device(id=new_id(), name="T9"))
        fetch(rename, old="T9", new="T8")
    assert names() == ["T2", "T7", "T8"]
    assert db.session.scalar(select(Device.name).where(Device.name == "T8")) == "T8"


def test_what_was_read_once_is_forgotten_when_a_transaction_begins_and_when_it_ends(in_app: Flask) -> None:
    remembered("devices")["T1"] = "read"
    with transaction():
        assert remembered("devices") == {}
        remembered("devices")["T1"] = "not committed yet"
    assert remembered("devices") == {}


def test_a_connection_that_was_lost_in_a_transaction_leaves_the_door_open_for_the_next(in_app: Flask) -> None:
    before = entries()
    with pytest.raises(PendingRollbackError), transaction():
        audit.record("lost", "x", by=SYSTEM)
        line().invalidate()
    with transaction():
        audit.record("after", "x", by=SYSTEM)
    assert entries() == before + 1


@ON_SQLITE
def test_a_clinic_that_was_made_is_one_file_that_can_be_copied(tmp_path: Path) -> None:
    cli.prepare(settings_for(tmp_path / "data"))
    assert [file.name for file in (tmp_path / "data").glob("intake.db*")] == ["intake.db"]


def test_a_read_sees_one_moment_until_it_is_let_go(app: Flask) -> None:
    def meanwhile() -> None:
        with app.app_context(), transaction():
            db.session.add(Device(id=new_id(), name="T9"))

    with app.app_context():
        count = select(func.count()).select_from(Device)
        assert fetch(count).scalar() == db.session.scalar(count) == 2
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
        if not SERVER:  # PostgreSQL reads what is committed (READ COMMITTED)
            assert fetch(count).scalar() == db.session.scalar(count) == 2
        let_go()
        assert fetch(count).scalar() == db.session.scalar(count) == 3


def test_the_log_is_not_written_outside_a_transaction(in_app: Flask) -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"):
        audit.record("anything", "x", by=SYSTEM)


def test_a_read_that_becomes_a_write_waits_its_turn_and_sees_the_newest_state(app: Flask) -> None:
    """SQLite refuses such an upgrade at once, whatever the busy timeout; that is why a write begins as one."""
    with app.app_context():
        known = a_tablet()
        assert known.wiped_at is None  # this connection now reads an old state

        def meanwhile() -> None:
            with app.app_context(), transaction():
                a_tablet().wiped_at = clock.now()

        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
        with transaction():
            assert known.wiped_at == clock.now()
            known.wiped_at = clock.now() + timedelta(hours=1)
        assert a_tablet().wiped_at == clock.now() + timedelta(hours=1)


def test_of_two_writers_the_second_waits_and_neither_loses_anything(app: Flask) -> None:
    inside, order = threading.Event(), []

    def first() -> None:
        with app.app_context(), transaction():
            db.session.scalars(select(AuditHead).with_for_update()).one()
            inside.set()
            audit.record("first", "x", by=SYSTEM)
            second_thread.join(0.2)  # it cannot get in, so it is still there afterwards
            order.append("first" if second_thread.is_alive() else "too late")

    def second() -> None:
        inside.wait()
        with app.app_context(), transaction():
            db.session.scalars(select(AuditHead).with_for_update()).one()
            order.append("second")
            audit.record("second", "x", by=SYSTEM)

    second_thread = threading.Thread(target=second)
    first_thread = threading.Thread(target=first)
    second_thread.start()
    first_thread.start()
    for thread in (first_thread, second_thread):
        thread.join()
    assert order == ["first", "second"]
    with app.app_context():
        assert [entry.event for entry in audit.history_of("x")] == ["first", "second"]


def test_the_slower_of_two_people_is_told_and_their_change_is_not_kept(in_app: Flask) -> None:
    with pytest.raises(Stale) as refusal, transaction():
        tablet = a_tablet()
        faster = update(Device).where(Device.id == tablet.id).values(version=Device.version + 1)
        db.session.execute(faster.execution_options(synchronize_session=False))
        tablet.name = "mine"
    assert refusal.value.code == "db.changed_meanwhile"
    assert a_tablet().name == "T1"


def test_a_time_without_a_zone_is_refused_and_any_other_comes_back_in_utc(in_app: Flask) -> None:
    tablet = a_tablet()
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with transaction():
        tablet.wiped_at = noon
    assert (tablet.wiped_at, tablet.wiped_at.tzinfo) == (noon, UTC)
    with pytest.raises(StatementError, match="must be aware"), transaction():
        tablet.wiped_at = datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001  # the mistake itself


def test_a_reference_to_nothing_is_refused(in_app: Flask) -> None:
    from intake.kiosk.models import PairingCode

    with pytest.raises(IntegrityError), transaction():
        db.session.add(PairingCode(id=new_id(), device_id=new_id(), code_hash=b"", made_at=clock.now(), used_at=None))


def test_the_text_of_a_database_error_holds_no_values(in_app: Flask) -> None:
    """It may end up in a log."""
    row = {"created_at": clock.now(), "seen_at": clock.now(), "ended_at": None, "id_hash": b"twice"}
    with pytest.raises(IntegrityError) as error, transaction():
        for _ in range(2):
            db.session.execute(WebSession.__table__.insert().values(**row, data="Farida"))
    assert "Farida" not in str(error.value)


@ON_SQLITE
@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: after "saved" is on the screen a power cut changes nothing
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("secure_delete", 1),
        ("recursive_triggers", 1),
        ("trusted_schema", 0),
    ],
)
def test_every_connection_to_sqlite_keeps_what_it_was_given(in_app: Flask, pragma: str, value: object) -> None:
    assert db.session.scalar(text(f"PRAGMA {pragma}")) == value


def test_eight_desks_that_issue_tokens_at_once_get_eight_numbers(app: Flask) -> None:
    start, failed = threading.Barrier(8), []

    def issue(number: int) -> None:
        start.wait()
        try:
            a_visit(app, name=f"Patient {number}")
        except Exception as error:
            failed.append(error)

    desks = [threading.Thread(target=issue, args=(number,)) for number in range(8)]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    with app.app_context():
        tokens = [str(visit.token) for visit in visits.list_day(date(2026, 11, 23))]
    assert (failed, sorted(tokens)) == ([], [f"K {number:02d}" for number in range(1, 9)])
