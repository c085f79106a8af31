"""A tablet closed in the middle of a page and opened again: the visit goes on where it stopped, with what was typed."""

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys import path
from tests.journeys.in_hand import REACH, Visit, at_reach
from tests.kiosk.pages import drafted

pytestmark = pytest.mark.browser
HIDE = """() => {
  Object.defineProperty(document, 'hidden', { configurable: true, value: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def finds_the_half_page(patient: Page) -> None:
    """The page that was closed, with its words and its ticks, and without a complaint about what is still missing."""
    assert patient.url.endswith(REACH)
    expect(patient.locator('[data-item="ct.ec_name"] input')).to_have_value("Imran")
    expect(patient.locator('[data-item="ct.ok"] input[value=call]')).to_be_checked()
    expect(patient.locator("#errors")).to_have_count(0)
    path.answer_section(patient)
    path.go_on(patient)
    assert patient.url.endswith("/visit/questions/tx")


def at_the_half_page(app: Flask, base: str, tablet: BrowserContext, desk: BrowserContext) -> Visit:
    """A visit whose page is half filled in, and kept."""
    visit = at_reach(app, base, tablet, desk)
    visit.box("ct.ec_name").fill("Imran")
    visit.patient.locator('[data-item="ct.ok"] input[value=call]').check()
    visit.keep()
    return visit


def test_a_tablet_that_was_closed_in_the_middle_of_a_page_opens_on_the_half_page(
    live: tuple[Flask, str], desk: BrowserContext, chromium: Browser
) -> None:
    closed = chromium.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
    visit = at_the_half_page(*live, closed, desk)
    cookies = closed.storage_state()
    closed.close()

    reopened = chromium.new_context(storage_state=cookies, viewport={"width": 820, "height": 1180}, has_touch=True)
    patient = reopened.new_page()
    patient.goto(f"http://localhost:{visit.base.split(':')[1]}/tablet")
    with patient.expect_navigation():
        patient.tap("button.btn-main[form=start]")
    finds_the_half_page(patient)
    reopened.close()


def test_a_tablet_without_its_cookie_is_paired_and_handed_over_again_and_opens_on_the_half_page_after_the_date_of_birth(
    live: tuple[Flask, str], desk: BrowserContext, chromium: Browser
) -> None:
    closed = chromium.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
    visit = at_the_half_page(*live, closed, desk)
    closed.close()

    another = chromium.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
    patient = another.new_page()
    patient.goto(f"http://localhost:{visit.base.split(':')[1]}{REACH}")
    assert "Imran" not in patient.content()
    path.pair_tablet(visit.reception, patient, visit.base)
    visit.reception.goto(f"http://{visit.base}/desk")
    for button in ("#trays button[formaction$='/wiped']", f"#visit-{visit.id} button[formaction$='/tablet']"):
        with visit.reception.expect_navigation():
            visit.reception.click(button)
    path.identify(patient, visit.base)
    finds_the_half_page(patient)
    another.close()


def test_a_page_that_goes_out_of_sight_is_kept_at_once(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext
) -> None:
    visit = at_reach(*live, tablet, desk)
    visit.box("ct.ec_name").fill("Imran")
    with visit.patient.expect_response("**/ct?partial=1") as kept:
        visit.patient.evaluate(HIDE)
    assert kept.value.status == 204
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran"]


def test_a_page_that_is_loaded_again_right_after_a_word_was_typed_meets_no_change_of_somebody_else(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext
) -> None:
    visit = at_reach(*live, tablet, desk)
    visit.box("ct.ec_name").fill("Imran")
    visit.patient.reload()
    path.answer_section(visit.patient)
    path.go_on(visit.patient)
    assert visit.patient.url.endswith("/visit/questions/tx")
