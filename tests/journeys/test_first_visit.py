"""The whole first visit in a real browser: token, tablet in the patient's hands, doctor,
sealed PDF out of the archive."""

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page

from tests.journeys import path

pytestmark = pytest.mark.browser


def look_for_trouble(page: Page) -> list[str]:
    """What the browser complains about on a page: script errors and anything the content policy blocked."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "console",
        lambda message: (
            found.append(message.text) if message.type == "error" and "status of 4" not in message.text else None
        ),
    )
    return found


def test_from_token_to_countersigned_record_on_a_touch_tablet(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext
) -> None:
    app, base = live
    reception, patient = desk.new_page(), tablet.new_page()
    trouble = look_for_trouble(reception), look_for_trouble(patient)
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    path.identify(patient, base)
    titles: list[str] = []
    path.walk(patient, lambda page: titles.append(page.title()), ask="C-09c")
    assert patient.url.endswith("/visit/sign")
    assert not [title for title in titles if "Farida" in title]
    path.draw_signature(patient)
    path.go_on(patient)
    assert patient.url.endswith("/visit/thanks")
    patient.tap("button.btn-main:visible")
    patient.wait_for_url("**/tablet")
    assert "Farida" not in patient.content()

    doctor = desk.browser.new_context().new_page() if desk.browser else desk.new_page()
    path.sign_in(doctor, base, "rao@demo.example")
    path.decide_and_countersign(doctor, base, visit_id, lambda page: None)
    path.run_jobs(app)

    archive = desk.browser.new_context().new_page() if desk.browser else desk.new_page()
    path.sign_in(archive, base, "records@demo.example")
    archive.goto(f"http://{base}/archive")
    archive.fill("input[name=q], input[name=name]", "Farida")
    archive.click("main button[type=submit]")
    archive.click("a:has-text('Farida')")
    address = archive.get_attribute("a[href$='/pdf']", "href")
    pdf = archive.request.get(f"http://{base}{address}")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.body().startswith(b"%PDF-")
    assert trouble == ([], [])
    doctor.context.close()
    archive.context.close()
