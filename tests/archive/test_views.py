"""The archive's pages through HTTP."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import audit, consent, jobs, records
from intake.config import Settings
from intake.db import transaction
from intake.i18n import clinic
from intake.records import service as filing
from intake.records.render import render
from intake.records.seal import the_sealer
from tests.builders import DESK, a_signed_visit, a_visit
from tests.conftest import StrictClient, sign_in
from tests.endings import countersigned


@pytest.fixture
def record(app: Flask) -> Any:
    """A filed record of Farida Sheikh, token K 01."""
    visit = a_visit(app)
    with app.test_request_context():
        with transaction():
            consent.decline(clinic(), visit, "", by=DESK)
        assert jobs.run_due()
        return records.record_of_visit(visit)


def events(app: Flask, subject: UUID | str) -> list[tuple[str, str]]:
    with app.test_request_context():
        return [(entry.event, entry.actor.split(":")[0]) for entry in audit.history_of(subject)]


def break_file(settings: Settings) -> None:
    (path,) = (p for p in (settings.data / "files").rglob("*") if p.is_file())
    assert isinstance(path, Path)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])


def search(client: StrictClient, **asked: str) -> Any:
    client.get("/archive")
    return client.submit("/archive", asked)


def test_a_search_shows_what_it_found_and_keeps_its_words_out_of_the_address(
    app: Flask, as_records: StrictClient, record: Any
) -> None:
    response = search(as_records, q="shei")
    assert response.status_code == 200 and response.request.full_path == "/archive?"
    assert "1 record found." in response.text and record.number in response.text
    assert "Farida Sheikh" in response.text and "Dr Ananya Rao" in response.text and "Declined" in response.text
    assert 'value="shei"' in response.text
    title = re.search("<title>(.*?)</title>", response.text)
    assert title and "hei" not in title[1]
    assert events(app, "archive") == [("archive.searched", "staff")]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"q": ""}, "Write what to look for"),
        ({"q": "sh"}, "Write at least 3 letters"),
        ({"q": "x" * 201}, "Write at most 200 letters"),
        ({"q": "sheikh", "since": "23.11.2026"}, "for example 2026-11-23"),
        ({"q": "sheikh", "since": "2026-11-23", "until": "2026-11-22"}, "The first day is after the last"),
        ({"q": "K 01", "since": "2026-01-01"}, "Choose at most 31 days"),
    ],
)
def test_a_search_that_cannot_be_made_says_what_to_write(
    as_records: StrictClient, asked: dict[str, str], said: str
) -> None:
    response = search(as_records, **asked)
    assert response.status_code == 422
    assert response.text.count(said) == 2, "in the summary and beside the field"


def test_nothing_found_says_what_to_try(as_records: StrictClient) -> None:
    assert "No record fits." in search(as_records, q="nobody").text


def test_a_nonsense_cursor_begins_at_the_beginning(as_records: StrictClient, record: Any) -> None:
    for after in ("", "nonsense", str(UUID(int=3))):
        assert record.number in search(as_records, q="sheikh", after=after).text


def test_looking_at_a_record_is_written_down_and_the_page_says_so(
    app: Flask, as_records: StrictClient, record: Any
) -> None:
    page = as_records.get(f"/archive/records/{record.id}").text
    assert record.number in page and record.pdf_sha256 in page and "The file matches its seal" in page
    assert "each written to the log, with your name" in page
    assert events(app, record.id) == [("record.read", "staff")]
    assert "Looked at: Ramesh Iyer, 23 November 2026, 12:00" in as_records.get(f"/archive/records/{record.id}").text


def test_the_pdf_opens_in_the_browser_under_its_number_and_can_do_nothing(
    app: Flask, as_records: StrictClient, record: Any
) -> None:
    response = as_records.get(f"/archive/records/{record.id}/pdf")
    assert response.status_code == 200 and response.mimetype == "application/pdf"
    assert response.data.startswith(b"%PDF-") and len(response.data) == record.size
    headers = response.headers
    assert headers["Content-Disposition"] == f"inline; filename={record.number}.pdf"
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert events(app, record.id) == [("record.opened", "staff")]


def test_a_copy_is_saved_under_its_number_and_noted_as_one(app: Flask, as_records: StrictClient, record: Any) -> None:
    response = as_records.get(f"/archive/records/{record.id}/pdf?download=1")
    assert response.headers["Content-Disposition"] == f"attachment; filename={record.number}.pdf"
    assert events(app, record.id) == [("record.downloaded", "staff")]


def test_a_whole_record_proves_to_be_genuine(app: Flask, as_records: StrictClient, record: Any) -> None:
    as_records.get(f"/archive/records/{record.id}")
    response = as_records.submit(f"/archive/records/{record.id}/verify")
    assert response.status_code == 200
    assert "What the check found" in response.text and "They are those that were kept" in response.text
    assert "not a qualified one" in response.text
    assert events(app, record.id)[-1] == ("record.verified", "staff")


def test_a_broken_record_shows_a_banner_and_can_only_be_checked(
    app: Flask, settings: Settings, as_records: StrictClient, record: Any
) -> None:
    break_file(settings)
    page = as_records.get(f"/archive/records/{record.id}").text
    assert "This file has changed since it was sealed" in page and "Do not use it" in page
    assert "Download" not in page and "Open or print" not in page and "Check the seal" in page
    for path in ("pdf", "pdf?download=1"):
        response = as_records.get(f"/archive/records/{record.id}/{path}")
        assert response.status_code == 500 and response.mimetype == "text/html"
        assert "This file has changed since it was sealed" in response.text
    assert [event for event, _ in events(app, record.id)] == ["record.read", "record.open_failed", "record.open_failed"]
    assert "Could not be opened: the file was damaged, gone, or not to be confirmed: Ramesh Iyer" in response.text
    with app.test_request_context():
        looked, *_, failed = (entry.body.decode() for entry in audit.history_of(record.id))
    assert '"genuine":false' in looked and '"fault":"storage.damaged"' in failed
    checked = as_records.submit(f"/archive/records/{record.id}/verify").text
    assert "The stored bytes are not those that were put there." in checked


def test_a_day_is_listed_with_what_is_not_filed_yet(app: Flask, as_records: StrictClient, record: Any) -> None:
    waiting = a_visit(app, name="Anjali Desai")
    with app.test_request_context(), transaction():
        consent.decline(clinic(), waiting, "", by=DESK)
    page = as_records.get("/archive/days/2026-11-23").text
    assert record.number in page and "1 visit is decided and not filed" in page and "Being made" in page
    assert "Download all as one zip" in page
    assert [event for event, _ in events(app, "2026-11-23")] == ["archive.day_read"]


def test_a_job_that_gave_up_is_shown_on_its_day(
    app: Flask, settings: Settings, as_records: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = a_visit(app)
    with app.test_request_context():
        with transaction():
            consent.decline(clinic(), visit, "", by=DESK)
        monkeypatch.setattr(jobs, "MOST_TRIES", 1)
        settings.data.joinpath("files").mkdir(exist_ok=True)
        settings.data.joinpath("files").chmod(0o700)
        for n in range(256):
            settings.data.joinpath("files", f"{n:02x}").write_text("a full disk")
        assert jobs.run_due()
    page = as_records.get("/archive/days/2026-11-23").text
    assert "Given up: tell the administrator" in page


def test_the_chosen_day_is_shown_and_nonsense_is_not_found(as_records: StrictClient) -> None:
    assert as_records.get("/archive/days?day=2026-11-20").location == "/archive/days/2026-11-20"
    assert as_records.get("/archive/days").location == "/archive/days/2026-11-23"
    assert "No record of this day." in as_records.get("/archive/days/2026-11-20").text
    for day in ("2026-13-01", "0001-01-01", "9999-12-31", "yesterday!"):
        assert as_records.get(f"/archive/days/{day}").status_code == 404
        assert as_records.get(f"/archive/days?day={day}").status_code == 404


def test_doctors_may_read_the_archive(as_doctor: StrictClient, record: Any) -> None:
    assert as_doctor.get(f"/archive/records/{record.id}").status_code == 200


@pytest.mark.parametrize("who", ["reception", "author", "admin"])
def test_nobody_else_may_read_the_archive(app: Flask, who: str, record: Any) -> None:
    client = sign_in(app, f"{who}@demo.example")
    day = "/archive/days/2026-11-23"
    for path in ("/archive", day, f"/archive/records/{record.id}", f"/archive/records/{record.id}/pdf"):
        assert client.get(path).status_code == 403
    for path in ("/archive", f"{day}/zip", f"/archive/records/{record.id}/verify"):
        assert client.post(path).status_code in (400, 403)
    assert events(app, record.id) == []


def test_a_record_nobody_knows_is_not_found(as_records: StrictClient) -> None:
    for path in ("", "/pdf", "/pdf?download=1"):
        assert as_records.get(f"/archive/records/{UUID(int=1)}{path}").status_code == 404


def test_a_file_in_an_earlier_state_is_not_handed_out_and_the_page_says_what_is_wrong(
    app: Flask, as_records: StrictClient
) -> None:
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    with app.test_request_context():
        made = filing.unsealed(visit_id)
        assert made is not None
        pdf = the_sealer().seal(render(made.snapshot, made.evidence))
        key = filing.store(made, pdf)
        with transaction():
            filing.add(made, pdf, key)
        kept = records.record_of_visit(visit_id)
        assert kept is not None
    page = as_records.get(f"/archive/records/{kept.id}")
    assert page.status_code == 200
    assert "The signature of the doctor is missing: this is an earlier state of the record." in page.text
    assert as_records.get(f"/archive/records/{kept.id}/pdf").status_code == 500
    assert ("record.open_failed", "staff") in events(app, kept.id)
