"""The review page in Chromium at the size of a doctor's laptop: what fits, and when a box for words is there."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route

from tests.builders import a_signed_visit
from tests.conftest import PASSWORD, StrictClient
from tests.review.conftest import FLAGGED

pytestmark = pytest.mark.browser
LAPTOP, TABLET = (1280, 800), (820, 1180)


@pytest.fixture
def desk(chromium: Browser, as_doctor: StrictClient) -> Iterator[Page]:
    """A doctor's browser; what it asks for, the signed-in test client answers."""

    def answer(route: Route) -> None:
        asked = route.request
        type_ = asked.headers.get("content-type")
        path, sent = urlsplit(asked.url).path, asked.post_data_buffer
        with as_doctor.open(path, method=asked.method, data=sent, content_type=type_) as response:
            route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.data)

    context = chromium.new_context(viewport={"width": LAPTOP[0], "height": LAPTOP[1]})
    context.route("**/*", answer)
    page = context.new_page()
    page.set_default_timeout(5000)
    yield page
    context.close()


def height(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["height"]


def countersign(page: Page, password: str) -> None:
    page.fill("input[name=password]", password)
    with page.expect_navigation():
        page.click("button.btn-main[formaction$='/countersign']")


def test_a_box_for_words_is_there_where_a_choice_takes_words_and_nothing_typed_is_lost(app: Flask, desk: Page) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09c",))
    desk.goto(f"http://localhost/review/{visit_id}")
    point = desk.locator("article.flag", has_text="Small bumps")
    box = point.locator("textarea")
    assert desk.locator("textarea:visible").count() == 0
    point.locator("label:has(input[value=not_yet])").click()
    assert not box.is_visible(), "nothing was answered, so there is nothing to write"
    point.locator("label:has(input[value=answered])").click()
    box.fill("They go in two days")
    point.locator("label:has(input[value=not_yet])").click()
    assert box.is_visible() and box.input_value() == "They go in two days"
    assert desk.locator("textarea:visible").count() == 1


def test_a_box_for_words_is_there_where_words_are_missing(app: Flask, desk: Page) -> None:
    desk.goto(f"http://localhost/review/{a_signed_visit(app, FLAGGED)}")
    desk.locator("label:has(input[value=go_ahead])").first.click()
    with desk.expect_navigation():
        desk.click("button:has-text('Save decisions')")
    desk.click("#errors a")
    assert desk.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert desk.locator("textarea:visible").count() == 1


@pytest.mark.parametrize("size", [LAPTOP, TABLET])
def test_a_wrong_password_leaves_the_bar_as_wide_as_it_was(app: Flask, desk: Page, size: tuple[int, int]) -> None:
    desk.set_viewport_size({"width": size[0], "height": size[1]})
    desk.goto(f"http://localhost/review/{a_signed_visit(app)}")
    before = desk.locator(".seal p, .seal .row, #password").evaluate_all("all => all.map(one => one.offsetWidth)")
    countersign(desk, "not the password at all")
    after = desk.locator(".seal p:not(.err), .seal .row, #password").evaluate_all(
        "all => all.map(one => one.offsetWidth)"
    )
    assert after == before
    assert height(desk, ".seal .err") < 40, "one line of its own"
    assert desk.locator("button.btn-main[formaction$='/countersign']").is_visible()


def test_much_that_is_open_leaves_the_first_point_on_the_screen(app: Flask, desk: Page) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09a", "C-09b", "C-09c"), wrong=("TB-1", "TB-2", "TB-3"))
    desk.goto(f"http://localhost/review/{visit_id}")
    countersign(desk, PASSWORD)
    assert height(desk, "#errors") < 160
    first, bar = desk.locator("article.flag .pick").first.bounding_box(), desk.locator(".seal").bounding_box()
    assert first and bar and first["y"] + first["height"] < bar["y"]
