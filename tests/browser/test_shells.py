"""The shells and macros on sample pages: well-formed, fit for every screen and both directions, WCAG 2.2 AA by axe."""

from pathlib import Path
from typing import Any

import html5lib
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.browser.site import Seen, make_site

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "assets/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PORTRAIT, LANDSCAPE, PHONE, NARROW = (820, 1180), (1180, 820), (390, 844), (320, 640)
ERRORS = ("400", "403", "404", "405", "409", "410", "413", "429", "500", "503", "csrf")

SAMPLES = ["/questions", "/areas", "/sign", "/effects", "/thanks", "/board", "/review"]
SAMPLES += ["/errors/500?kind=patient", "/errors/404?kind=staff"]
KINDS = ("patient", "staff", "plain")


@pytest.mark.browser
@pytest.mark.parametrize("path", SAMPLES)
def test_a_page_passes_axe_and_fits_every_screen(chromium: Browser, site: tuple[str, Seen, Flask], path: str) -> None:
    scheme: Any = "dark" if path == "/review" else "light"
    context = chromium.new_context(base_url=site[0], bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(path)
    for width, height in (PORTRAIT, LANDSCAPE, NARROW, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "scrolls sideways"
    page.evaluate(AXE.read_text("utf-8"))
    options = {"runOnly": TAGS, "rules": {"target-size": {"enabled": True}}}
    for width, height in (PHONE, PORTRAIT):
        page.set_viewport_size({"width": width, "height": height})
        found = page.evaluate("options => axe.run(document, options).then(r => r.violations)", options)
        assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/questions?dir=rtl", "/areas?dir=rtl", "/sign?dir=rtl", "/effects?dir=rtl"])
def test_a_page_read_from_right_to_left_does_not_scroll_sideways(tablet: Page, path: str) -> None:
    for width, height in (PORTRAIT, LANDSCAPE, NARROW):
        tablet.set_viewport_size({"width": width, "height": height})
        tablet.goto(path)
        assert tablet.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_larger_letters_fit_the_narrowest_phone(tablet: Page) -> None:
    for path in ("/questions", "/sign", "/effects", "/errors/404?kind=patient"):
        for width, height in (PHONE, NARROW, LANDSCAPE):
            tablet.set_viewport_size({"width": width, "height": height})
            tablet.goto(path)
            tablet.get_by_role("button", name="Larger text").click()
            assert tablet.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.browser
def test_the_strip_of_a_demonstration_takes_one_line_on_a_phone(tablet: Page) -> None:
    for width, height in (PHONE, NARROW):
        tablet.set_viewport_size({"width": width, "height": height})
        tablet.goto("/questions")
        line = tablet.evaluate("parseFloat(getComputedStyle(document.querySelector('.ribbon')).lineHeight)")
        assert tablet.locator(".ribbon span").evaluate("words => words.getBoundingClientRect().height") < 2 * line


@pytest.mark.parametrize("path", [*SAMPLES, *(f"/errors/{name}?kind={kind}" for name in ERRORS for kind in KINDS)])
def test_a_page_is_well_formed_and_marked_as_a_demonstration(path: str) -> None:
    page = make_site()[0].test_client().get(path).text
    html5lib.HTMLParser(strict=True).parse(page)
    assert "Every person and every answer here is invented." in page
    assert "<style" not in page and " style=" not in page and "onclick" not in page
