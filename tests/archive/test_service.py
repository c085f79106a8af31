"""Finding, opening, proving and handing over, with real sealed records."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from intake import audit, consent, jobs, records, visits
from intake.access import Actor, Role
from intake.archive import export, search, service
from intake.config import Settings
from intake.db import db, transaction
from intake.errors import Damaged, Invalid, NotFound
from intake.i18n import clinic
from intake.visits import Fact
from tests.builders import DESK, HEALTHY, a_signed_visit, a_visit
from tests.conftest import MONDAY_NOON

ClockAt = Callable[[datetime], None]
RAMESH = Actor("staff", UUID(int=7), frozenset({Role.RECORDS}))
MONDAY = MONDAY_NOON.date()


def a_decided_visit(app: Flask, name: str = "Farida Sheikh", phone: str = "9840000421", letter: str = "K") -> UUID:
    """A declined visit: an outcome like any other, and quick to make."""
    visit = a_visit(app, name=name, phone=phone, letter=letter)
    with app.test_request_context(), transaction():
        consent.decline(clinic(), visit, "", by=DESK)
    return visit


def file_all(app: Flask) -> None:
    """Let the worker do everything that is due."""
    with app.test_request_context():
        while jobs.run_due():
            pass


def a_record(app: Flask, name: str = "Farida Sheikh", phone: str = "9840000421", letter: str = "K") -> UUID:
    visit = a_decided_visit(app, name, phone, letter)
    file_all(app)
    with app.test_request_context():
        record = records.record_of_visit(visit)
        assert record is not None
        return record.id


def found(app: Flask, typed: str, since: date | None = None, until: date | None = None) -> list[str]:
    with app.test_request_context(), transaction():
        return [row.patient for row in search.find(clinic(), typed, since, until, None, by=RAMESH).rows]


def stored(settings: Settings) -> Path:
    (path,) = (p for p in (settings.data / "files").rglob("*") if p.is_file())
    return path


def test_a_record_is_found_by_everything_that_names_it(app: Flask) -> None:
    record_id = a_record(app)
    a_record(app, "Anjali Desai", "9840011111", letter="T")
    with app.test_request_context():
        record = records.get_record(record_id)
        with transaction():
            visits.write_fact(record.patient_id, Fact.BORN_ON, "1968-03-04", by=DESK)
    loose = record.number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    for typed in (
        "far",
        "Sheikh",
        "0421",
        "98400 00421",
        "4 March 1968",
        "farida 0421",
        "Farida Sheikh 0421",
        "K 1",
        record.number,
        loose,
    ):
        assert found(app, typed) == ["Farida Sheikh"], typed


def test_a_short_name_in_devanagari_is_found_by_its_first_three_signs_and_not_by_fewer(app: Flask) -> None:
    """A vowel sign counts like a letter, so that "मी" is as little as "mi" and "मीन" as much as "min"."""
    a_record(app, "मीना")
    a_record(app, "Mina", "9840011111", letter="T")
    for typed in ("मीना", "मीन", "मी\u200dना", "  मीना "):
        assert found(app, typed) == ["मीना"], typed
    for typed in ("मी", "mi", "म"):
        with pytest.raises(Invalid, match="too_short"):
            found(app, typed)
    assert found(app, "मी 0421") == [], "not the beginning of a name with a number either"


def test_a_two_letter_name_is_found_whole_with_one_more_fact(app: Flask) -> None:
    a_record(app, "जय")
    assert found(app, "जय 0421") == ["जय"]
    with pytest.raises(Invalid, match="too_short"):
        found(app, "जय")


def test_nothing_is_found_by_what_names_nobody(app: Flask) -> None:
    a_record(app)
    for typed in ("khan", "farida 1111", "KS-0000-0000", "K 2", "5 March 1968"):
        assert found(app, typed) == [], typed


def test_days_narrow_a_search(app: Flask, clock_at: ClockAt) -> None:
    a_record(app)
    tuesday = MONDAY + timedelta(days=1)
    clock_at(MONDAY_NOON + timedelta(days=1))
    a_record(app)
    assert len(found(app, "sheikh")) == 2
    assert len(found(app, "sheikh", tuesday)) == len(found(app, "sheikh", None, MONDAY)) == 1
    assert found(app, "K 01", MONDAY, tuesday) == ["Farida Sheikh"] * 2
    assert found(app, "sheikh", tuesday + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("typed", "since", "until", "code"),
    [
        ("fa", None, None, "archive.too_short"),
        ("sheikh", MONDAY, MONDAY - timedelta(days=1), "archive.dates_turned"),
        ("K 01", MONDAY - timedelta(days=40), None, "archive.token_dates"),
    ],
)
def test_a_search_that_cannot_be_made_says_why(
    app: Flask, typed: str, since: date | None, until: date | None, code: str
) -> None:
    with app.test_request_context(), pytest.raises(Invalid) as refused, transaction():
        search.find(clinic(), typed, since, until, None, by=RAMESH)
    assert refused.value.code == code


def test_a_long_list_comes_in_pages_that_lose_nothing(
    app: Flask, clock_at: ClockAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE", 2)
    made = []
    for minute in range(5):
        clock_at(MONDAY_NOON + timedelta(minutes=minute))
        made.append(a_record(app))
    shown: list[UUID] = []
    after = None
    while True:
        with app.test_request_context(), transaction():
            page = search.find(clinic(), "sheikh", None, None, after, by=RAMESH)
        assert (page.total, page.first) == (5, len(shown) + 1)
        shown += [row.record_id for row in page.rows]
        if (after := page.next_after) is None:
            break
    assert shown == list(reversed(made))


def test_a_search_is_in_the_log_without_its_words(app: Flask) -> None:
    a_record(app)
    found(app, "sheik 0421")
    with app.test_request_context():
        body = audit.history_of("archive")[-1].body.decode()
    assert '"kinds":"name,phone"' in body and '"found":1' in body and RAMESH.label in body
    assert "sheik" not in body.lower() and "0421" not in body


def test_a_whole_record_is_genuine_and_opens(app: Flask) -> None:
    record_id = a_record(app)
    with app.test_request_context():
        page = service.page_of(record_id)
        assert page.check.is_genuine and page.check.seals == 1
        assert page.row.patient == "Farida Sheikh" and page.row.outcome == "declined"
        assert service.open_file(record_id).startswith(b"%PDF-")


def test_a_changed_byte_on_the_disk_stops_everything_but_the_check(app: Flask, settings: Settings) -> None:
    record_id = a_record(app)
    path = stored(settings)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    with app.test_request_context():
        assert service.check(record_id).fault == "storage.damaged"
        with pytest.raises(Damaged):
            service.open_file(record_id)


def test_a_file_that_is_gone_is_said_to_be_gone(app: Flask, settings: Settings) -> None:
    record_id = a_record(app)
    stored(settings).unlink()
    with app.test_request_context():
        assert service.check(record_id).fault == "storage.not_found"
        with pytest.raises(Damaged):
            service.open_file(record_id)


def test_a_file_of_another_record_in_its_place_is_found_out(app: Flask) -> None:
    mine, other = a_record(app), a_record(app, "Anjali Desai")
    with app.test_request_context():
        _without_triggers(
            "UPDATE record SET storage_key = (SELECT storage_key FROM record WHERE id = :other) WHERE id = :mine",
            mine,
            other,
        )
        assert service.check(mine).fault == "vault.not_intact"


def _without_triggers(statement: str, mine: UUID, other: UUID) -> None:
    """What somebody with the database file in hand could do."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.begin() as connection:
        if is_sqlite:
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'record'")
            )
            for name in names.scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE record DISABLE TRIGGER USER"))
        ids = {"mine": mine.hex if is_sqlite else mine, "other": other.hex if is_sqlite else other}
        connection.execute(text(statement), ids)


def test_a_record_nobody_knows_is_not_found(app: Flask) -> None:
    with app.test_request_context():
        for verb in (service.page_of, service.check, service.open_file):
            with pytest.raises(NotFound):
                verb(UUID(int=1))


def test_a_day_lists_what_is_filed_and_what_is_not(app: Flask) -> None:
    a_record(app)
    a_decided_visit(app, "Anjali Desai")
    a_signed_visit(app, {**HEALTHY, "id.name": "Not Decided"}, name="Not Decided")
    with app.test_request_context():
        day = export.day_of(MONDAY)
        assert [str(row.token) for row in day.rows] == ["K 01"]
        assert [(w.token, w.outcome, w.error, w.is_given_up) for w in day.waiting] == [("K 02", "declined", "", False)]
        assert export.day_of(MONDAY + timedelta(days=1)).rows == []
