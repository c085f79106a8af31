"""A day's records as one zip: whole, listed exactly, in the log before they leave, never on the disk in the clear."""

import io
import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import audit, consent, jobs, records
from intake.access import Actor, Role
from intake.archive import export, views
from intake.config import Settings
from intake.db import db, in_transaction, transaction
from intake.i18n import clinic
from intake.records.models import Record
from tests.builders import DESK, a_visit
from tests.conftest import MONDAY_NOON, StrictClient

RAMESH = Actor("staff", UUID(int=7), frozenset({Role.RECORDS}))
MONDAY = MONDAY_NOON.date()
ZIP = "/archive/days/2026-11-23/zip"


def decided(app: Flask, name: str) -> UUID:
    """A declined visit: an outcome like any other, and quick to make."""
    visit = a_visit(app, name=name)
    with app.test_request_context(), transaction():
        consent.decline(clinic(), visit, "", by=DESK)
    return visit


@pytest.fixture
def filed(app: Flask) -> Callable[..., list[records.RecordView]]:
    """Make these people's visits and their records."""

    def file(*names: str) -> list[records.RecordView]:
        visits = [decided(app, name) for name in names]
        with app.test_request_context():
            while jobs.run_due():
                pass
            return [record for visit in visits if (record := records.record_of_visit(visit))]

    return file


def file_of(settings: Settings, record: records.RecordView) -> Path:
    """Where a record's encrypted bytes lie."""
    key = db.session.get_one(Record, record.id).storage_key
    return settings.data / "files" / key[:2] / key[2:4] / key


def events(subject: UUID | str) -> list[str]:
    return [entry.event for entry in audit.history_of(subject)]


def taken(app: Flask, day: date = MONDAY) -> bytes:
    """The day's zip as it would be sent."""
    with app.test_request_context():
        return b"".join(views._pieces(export.Package(clinic(), export.day_of(day)), RAMESH))


def opened(data: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


def listed(archive: zipfile.ZipFile, name: str) -> list[str]:
    return archive.read(name).decode("utf-8-sig").splitlines()[1:]


def test_a_day_as_a_zip_holds_each_pdf_a_list_and_what_is_not_filed(app: Flask, filed: Any) -> None:
    first, second = filed("=HYPERLINK(1)", "Farida Sheikh")
    decided(app, "Anjali Desai")
    with opened(taken(app)) as archive:
        assert archive.namelist() == [f"{first.number}.pdf", f"{second.number}.pdf", "list.csv", "not-filed.csv"]
        with app.test_request_context():
            for record in (first, second):
                assert archive.read(f"{record.number}.pdf") == records.open_pdf(record.id)
        one, two = listed(archive, "list.csv")
        assert one.startswith(f'"{first.number}","K 01","\'=HYPERLINK(1)"') and second.pdf_sha256 in two
        assert listed(archive, "not-filed.csv") == ['"K 03","","declined","being made"']


def test_a_day_without_records_is_a_zip_of_two_empty_lists(app: Flask) -> None:
    with opened(taken(app)) as archive:
        assert archive.namelist() == ["list.csv", "not-filed.csv"]
        assert listed(archive, "list.csv") == listed(archive, "not-filed.csv") == []


def test_every_entry_says_its_size_before_its_bytes_so_that_any_program_opens_the_zip(app: Flask, filed: Any) -> None:
    filed("Farida Sheikh")
    data = taken(app)
    with opened(data) as archive:
        for entry in archive.infolist():
            flags, packed, size = struct.unpack("<6xH10xII", data[entry.header_offset :][:26])
            assert not flags & 0x08 and (packed, size) == (entry.compress_size, entry.file_size), entry.filename


def test_a_record_damaged_in_the_middle_is_named_and_the_others_arrive(
    app: Flask, settings: Settings, filed: Any
) -> None:
    first, broken, last = filed("Farida Sheikh", "Anjali Desai", "Jo Rao")
    with app.test_request_context():
        path = file_of(settings, broken)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    with opened(taken(app)) as archive:
        assert archive.namelist() == [f"{first.number}.pdf", f"{last.number}.pdf", "list.csv", "not-filed.csv"]
        assert [line.split(",")[0] for line in listed(archive, "list.csv")] == [f'"{first.number}"', f'"{last.number}"']
        why = "the file is not what was sealed: storage.damaged"
        assert listed(archive, "not-filed.csv") == [f'"K 02","{broken.number}","declined","{why}"']
    with app.test_request_context():
        assert events(broken.id) == ["record.open_failed"]
        assert events(first.id) == events(last.id) == ["record.exported"]
        assert '"broken":1' in audit.history_of("2026-11-23")[-1].body.decode()


def test_each_record_is_in_the_log_before_its_bytes_leave_and_what_was_not_taken_is_not(
    app: Flask, as_records: StrictClient, filed: Any
) -> None:
    first, second = filed("Farida Sheikh", "Anjali Desai")
    response = as_records.submit(ZIP, buffered=False)
    pieces: Iterator[bytes] = iter(response.response)
    with app.test_request_context():
        assert events("2026-11-23") == ["archive.day_export_begun"]
    assert first.number.encode() in next(pieces)
    with app.test_request_context():
        assert events(first.id) == ["record.exported"] and events(second.id) == []
    response.close()  # the browser went away
    with app.test_request_context():
        assert events(second.id) == [] and events("2026-11-23") == ["archive.day_export_begun"]
        assert audit.verify() is None


def test_a_day_taken_whole_ends_with_an_entry_that_counts_it(app: Flask, as_records: StrictClient, filed: Any) -> None:
    (record,) = filed("Farida Sheikh")
    response = as_records.submit(ZIP)
    assert response.status_code == 200 and response.mimetype == "application/zip"
    assert response.headers["Content-Disposition"] == "attachment; filename=records-2026-11-23.zip"
    with opened(response.data) as archive:
        assert archive.namelist() == [f"{record.number}.pdf", "list.csv", "not-filed.csv"]
    with app.test_request_context():
        log = audit.history_of("2026-11-23")
        assert [entry.event for entry in log] == ["archive.day_export_begun", "archive.day_exported"]
        assert {entry.actor.split(":")[0] for entry in log} == {"staff"}
        assert '"broken":0' in log[1].body.decode() and '"records":1' in log[1].body.decode()
        assert events(record.id) == ["record.exported"]


def test_while_a_slow_browser_takes_a_piece_nothing_is_held_open(app: Flask, filed: Any) -> None:
    filed("Farida Sheikh", "Anjali Desai")
    with app.test_request_context():
        for _ in views._pieces(export.Package(clinic(), export.day_of(MONDAY)), RAMESH):
            assert not in_transaction() and not db.session().in_transaction(), "not even a read"
            with transaction():  # somebody else writes meanwhile
                audit.record("meanwhile", "x", by=RAMESH)


def test_a_long_day_needs_the_memory_of_one_record_and_no_temporary_file(
    app: Flask, filed: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (record,) = filed("Farida Sheikh")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with app.test_request_context():
        pdf = records.open_pdf(record.id) * 20
        day = export.day_of(MONDAY)
        package = export.Package(clinic(), day)
        tracemalloc.start()
        sent = 0
        for n in range(50):
            sent += len(package.add(replace(day.rows[0], number=f"{n:03}"), pdf))
        sent += len(package.finish())
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sent > 50 * len(pdf)
    assert most < 4 * len(pdf), f"{most} bytes for records of {len(pdf)}"
