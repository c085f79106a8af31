"""The whole first visit with JavaScript switched off, at the tablet and at every desk: nothing needs a script."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect

from intake import consent
from tests.journeys import path

pytestmark = pytest.mark.browser


@pytest.fixture
def plain_tablet(chromium: Browser) -> Iterator[BrowserContext]:
    """A tablet whose browser runs no script."""
    context = chromium.new_context(viewport={"width": 820, "height": 1180}, has_touch=True, java_script_enabled=False)
    yield context
    context.close()


@pytest.fixture
def plain_desk(chromium: Browser) -> Iterator[BrowserContext]:
    """A desk whose browser runs no script."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=False)
    yield context
    context.close()


def test_a_first_visit_from_the_welcome_to_the_countersigned_record_needs_no_script(
    live: tuple[Flask, str], plain_tablet: BrowserContext, plain_desk: BrowserContext
) -> None:
    app, base = live
    reception, patient = plain_desk.new_page(), plain_tablet.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    path.identify(patient, base)
    seen: list[str] = []
    path.walk(patient, lambda page: seen.append(page.url.partition("/visit/")[2]))
    assert {page.partition("/")[0] for page in seen} >= {"questions", "check", "effects", "teach-back", "sign"}
    expect(patient.locator("canvas")).to_be_hidden()
    patient.get_by_label("Type your full name to sign").fill("Farida Sheikh")
    path.go_on(patient)
    expect(patient.get_by_role("heading", name="Thank you")).to_be_visible()
    with patient.expect_navigation():
        patient.locator("button.btn-main:visible").tap()
    assert "Farida" not in patient.content()

    assert plain_desk.browser is not None
    at_doctor = plain_desk.browser.new_context(java_script_enabled=False)
    doctor = at_doctor.new_page()
    path.sign_in(doctor, base, "rao@demo.example")
    path.decide_and_countersign(doctor, base, visit_id, lambda page: None)
    path.run_jobs(app)
    with app.test_request_context():
        signed = consent.find_statement(UUID(visit_id), consent.Kind.SIGNED)
        assert signed is not None and signed.body["signature"]["method"] == "typed"
        assert consent.state_of(UUID(visit_id)) is consent.State.COUNTERSIGNED

    at_archive = plain_desk.browser.new_context(java_script_enabled=False)
    archive = at_archive.new_page()
    path.sign_in(archive, base, "records@demo.example")
    archive.goto(f"http://{base}/archive")
    archive.fill("input[name=q], input[name=name]", "Farida")
    archive.click("main button[type=submit]")
    archive.click("a:has-text('Farida')")
    address = archive.get_attribute("a[href$='/pdf']", "href")
    assert archive.request.get(f"http://{base}{address}").body().startswith(b"%PDF-")
    at_doctor.close()
    at_archive.close()
