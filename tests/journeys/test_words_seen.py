"""Whether the end of the words was on the screen, and with what was signed, as a real browser tells it."""

from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from intake import consent
from intake.db import transaction
from intake.i18n import clinic
from tests.builders import TABLET, a_visit, answered, understood
from tests.conftest import StrictClient
from tests.journeys import path
from tests.kiosk.pages import events, identified

pytestmark = pytest.mark.browser
END = "input[name=read_end]"


def holding(app: Flask, base: str, tablet: BrowserContext, visit_id: UUID) -> Page:
    """The visit in this browser, its holder known."""
    app.test_client_class = StrictClient
    client = identified(app, visit_id)
    for name in ("intake-device", "intake-session"):
        cookie = client.get_cookie(name)
        assert cookie is not None
        tablet.add_cookies([{"name": name, "value": cookie.value, "url": f"http://localhost:{base.split(':')[1]}"}])
    return tablet.new_page()


def test_the_end_of_the_risks_counts_once_it_is_above_the_bar_at_the_foot(
    live: tuple[Flask, str], tablet: BrowserContext
) -> None:
    app, base = live
    visit_id = a_visit(app)
    answered(app, visit_id)
    with app.test_request_context(), transaction():
        consent.present(clinic(), visit_id, "en", by=TABLET)
    page = holding(app, base, tablet, visit_id)
    page.goto(f"http://localhost:{base.split(':')[1]}/visit/effects/effects")
    expect(page.locator(END)).to_have_value("0")
    page.locator("[data-end]").evaluate("end => scrollBy(0, end.getBoundingClientRect().top - innerHeight + 40)")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    bar = page.locator(".actions").bounding_box()
    end = page.locator("[data-end]").evaluate("end => end.getBoundingClientRect().top")
    assert bar is not None and bar["y"] < end < 1180 and page.locator(END).input_value() == "0", (
        "under the bar it is not seen"
    )
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator(END)).to_have_value("1")
    for box in page.locator("input[value=understood]").all():
        box.evaluate("box => { box.checked = true; }")
    path.go_on(page)
    assert events(app, visit_id, "page.sent") == [{"page": "consent.effects effects", "end": "seen"}]


def test_a_signature_says_that_a_finger_drew_it(live: tuple[Flask, str], tablet: BrowserContext) -> None:
    app, base = live
    visit_id = a_visit(app)
    answered(app, visit_id)
    understood(app, visit_id)
    page = holding(app, base, tablet, visit_id)
    page.goto(f"http://localhost:{base.split(':')[1]}/visit/sign")
    pad = page.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    finger = tablet.new_cdp_session(page)
    for step in range(30):
        point = {"x": box["x"] + 40 + 9 * step, "y": box["y"] + 60 + 20 * (step % 2)}
        kind = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("[data-strokes]")).not_to_have_value("")
    with page.expect_navigation():  # clicked: a tap straight after the raw touches is at times taken for a part of them
        page.locator("button.btn-main:visible").click()
    with app.test_request_context():
        signed = consent.find_statement(visit_id, consent.Kind.SIGNED)
        assert signed is not None
        signature = signed.body["signature"]
    assert signature["drawn"]["pointers"] == ["touch"]
    assert signature["screen"] == {"width": 820, "height": 1180}
