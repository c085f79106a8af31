"""A patient who chose Arabic, on the sample edition: right to left from the welcome page to the sealed record."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, expect

from intake import answers, cli, clock, consent, definitions, records
from intake.access import SYSTEM
from intake.config import Settings
from intake.db import transaction
from tests.conftest import MONDAY_NOON
from tests.journeys import path
from tests.journeys.conftest import listening
from tests.journeys.reading import ARABIC, Reading

pytestmark = pytest.mark.browser
SAMPLE = Path(__file__).parent.parent / "samples" / "lips-short"
CLINIC = {
    "backup_hospital": "مستشفى مدينة ديمو، مدخل الطوارئ",
    "retention_period": "7 سنوات",
    "refund_policy": "يُعاد كاملًا خلال 14 يومًا",
    "grievance_contact": "مدير العيادة، +91 98400 00001",
}
PLAN = {"sessions": "6", "interval": "أسبوعان", "price": "3,000 روبية", "price_total": "18,000 روبية"}
WISHES = {"tx.goals": "lips_dry", "tx.visits": "٣", "al.list": "latex"}


def in_arabic(folder: Path) -> dict[str, Any]:
    """The demonstration clinic's settings with what it says in Arabic."""
    said = cli.demo_settings(folder, 8000)
    plans = {code: plan | {"ar": PLAN} for code, plan in said["treatments"].items()}
    return {"clinic": said["clinic"] | {"ar": CLINIC}, "treatments": plans}


@pytest.fixture
def clinic(data: Path, settings: Settings) -> Iterator[tuple[Flask, str]]:
    """A clinic that published the sample edition and wrote its own words in Arabic too."""
    with listening(data, settings, **in_arabic(data)) as (app, base):
        with app.app_context(), clock.frozen(MONDAY_NOON + timedelta(minutes=1)), transaction():
            definitions.publish(definitions.compile_edition(SAMPLE), by=SYSTEM)
        yield app, base


def asked(page: Page, item: str, what: str) -> Locator:
    """What stands in the page for a question."""
    return page.locator(f"[data-item='{item}'] {what}")


def fill_in_by_hand(page: Page) -> None:
    """What takes more than a tap: the list that opens, digits of the patient's own script, a second entry."""
    if asked(page, "lp.sore", "select").count():
        asked(page, "lp.sore", "select").select_option("no")
        asked(page, "tx.before", "label:has(input[value='true'])").tap()
        for part, digits in zip("dmy", ("٢", "٥", "٢٠٢٥"), strict=True):
            asked(page, "tx.last", f"input[name$='-{part}']").fill(digits)
    if asked(page, "md.any", "input").count():
        asked(page, "md.any", "label:has(input[value='true'])").tap()
        take(page, "", "ميتفورمين", "٥٠٠")
        with page.expect_navigation():
            page.get_by_role("button", name="إضافة أخرى").tap()
        expect(page.get_by_role("group", name="دواء 2")).to_be_focused()
        take(page, "#2", "زنك", "١٢٫٥")


def take(page: Page, entry: str, name: str, dose: str) -> None:
    """One entry of the medicines."""
    asked(page, f"md.name{entry}", "input").fill(name)
    asked(page, f"md.dose{entry}", "input").fill(dose)
    asked(page, f"md.often{entry}", "label:has(input[value='daily'])").tap()


def remove_the_second(page: Page) -> None:
    """An entry can be taken away again."""
    if asked(page, "md.name#2", "input").count():
        with page.expect_navigation():
            page.get_by_role("group", name="دواء 2").get_by_role("button", name="إزالة").tap()
        expect(asked(page, "md.name#2", "input")).to_have_count(0)


def test_a_visit_in_arabic_from_the_welcome_to_the_sealed_record(
    clinic: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext, tmp_path: Path
) -> None:
    app, base = clinic
    reception, patient = desk.new_page(), tablet.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    read = Reading(ARABIC, names=frozenset({"English", "Farida Sheikh"}))

    def look(page: Page) -> None:
        fill_in_by_hand(page)
        read.words(page)
        read.shape(page)
        remove_the_second(page)

    path.identify(patient, base, ("٤", "٣", "١٩٦٨"), language="ar", seen=look)
    path.walk(patient, look, WISHES)
    assert patient.url.endswith("/visit/sign")
    path.draw_signature(patient)
    path.go_on(patient)
    look(patient)
    assert (read.english, read.tongues) == ({}, {("ar", "rtl")})
    assert (read.too_wide, read.barriers) == ({}, {})

    doctor = desk.browser.new_context().new_page() if desk.browser else desk.new_page()
    path.sign_in(doctor, base, "rao@demo.example")
    path.decide_and_countersign(doctor, base, visit_id, lambda page: None)
    path.run_jobs(app)
    doctor.context.close()
    with app.test_request_context():
        check_what_is_kept(UUID(visit_id), tmp_path)


def check_what_is_kept(visit_id: UUID, folder: Path) -> None:
    """The answers in the digits computers read, the words that were signed, and a record in both languages."""
    given = answers.get_submission(visit_id).answers
    assert given["tx.visits"] == [{"valueInteger": 3}]
    assert given["tx.last"] == [{"valueDate": "2025-05-02"}]
    assert given["md.dose"][0]["valueQuantity"]["value"] == 500
    assert not [link_id for link_id in given if link_id.endswith("#2")]
    signed = consent.find_statement(visit_id, consent.Kind.SIGNED)
    record = records.record_of_visit(visit_id)
    assert signed is not None
    assert record is not None
    assert signed.body["presented"]["language"] == "ar"
    (folder / "record.pdf").write_bytes(records.open_pdf(record.id))
    said, faces = (run(tool, folder / "record.pdf", *to) for tool, to in (("pdftotext", ("-",)), ("pdffonts", ())))
    for english in ("Name of the medicine", "Dry lips", "What the patient told us", "Language read"):
        assert english in said
    assert "Intake-Arabic" in faces


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
