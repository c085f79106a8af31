"""The archive in a real browser: its viewer opens a PDF that is shut in a sandbox, and a day's zip arrives whole."""

import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from intake import cli, records
from tests.builders import a_visit
from tests.conftest import PASSWORD
from tests.endings import declined, work_done
from tests.serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def filed(app: Flask) -> Any:
    """A filed record."""
    visit = a_visit(app)
    declined(app, visit)
    # In a thread of its own: sealing and the browser's driver each want to run an event loop.
    with ThreadPoolExecutor(1) as worker:
        assert worker.submit(work_done, app).result() == 1
    with app.test_request_context():
        return records.record_of_visit(visit)


@pytest.fixture
def desk(app: Flask, chromium: Browser) -> Iterator[Page]:
    """Ramesh of the archive, signed in at the real server."""
    with serving(app, host="127.0.0.1", port=0, **cli.server_options(app.config["INTAKE"])) as port:
        context = chromium.new_context(base_url=f"http://127.0.0.1:{port}")
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto("/sign-in")
        page.fill("input[name=email]", "records@demo.example")
        page.fill("input[name=password]", PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        yield page
        context.close()


def test_the_pdf_opens_in_the_browsers_own_viewer(desk: Page, filed: Any) -> None:
    with desk.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-extension://")) as viewer:
        desk.goto(f"/archive/records/{filed.id}/pdf")
    expect(viewer.value.locator("#title").first).to_contain_text(filed.number)
    expect(viewer.value.locator("#pagelength")).to_have_text(re.compile("[1-9]"))


def test_a_days_zip_arrives_whole(app: Flask, desk: Page, filed: Any) -> None:
    desk.goto("/archive/days/2026-11-23")
    with desk.expect_download() as coming:
        desk.click("text=Download all as one zip")
    assert coming.value.suggested_filename == "records-2026-11-23.zip"
    with zipfile.ZipFile(coming.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{filed.number}.pdf", "list.csv", "not-filed.csv"]
        with app.test_request_context():
            assert archive.read(f"{filed.number}.pdf") == records.open_pdf(filed.id)


def test_a_file_is_compared_in_the_browser_and_never_sent(app: Flask, desk: Page, filed: Any) -> None:
    with app.test_request_context():
        pdf = records.open_pdf(filed.id)
    sent: list[str] = []
    desk.goto(f"/verify/{filed.number}")
    desk.on("request", lambda request: sent.append(request.url))
    told = desk.locator("[data-told]")
    for data, words in (
        (pdf, "Not a byte is different"),
        (pdf[:-1] + b"!", "This is not the file"),
        (b"", "not the file"),
    ):
        desk.set_input_files("#pdf", {"name": "record.pdf", "mimeType": "application/pdf", "buffer": data})
        expect(told).to_contain_text(words)
    assert "POST" not in sent and "PUT" not in sent
