"""The authors' pages in Chromium: the list, a check, and a walk in which the page's own script opens what is asked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from tests.definitions.editions import FILES
from tests.journeys import conftest as journeys
from tests.journeys.path import sign_in

pytestmark = pytest.mark.browser
live, desk = journeys.live, journeys.desk


@pytest.fixture
def author(live: tuple[Flask, str], desk: BrowserContext) -> Iterator[tuple[Page, str]]:
    """Dr Shah at her desk; a script or style that the page's policy refuses fails the test."""
    page, base, refused = desk.new_page(), live[1], []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    sign_in(page, base, "author@demo.example")
    yield page, base
    assert [text for text in refused if "422" not in text] == []


def broken(page: Page) -> list[str]:
    """What axe finds on a page."""
    return [violation["id"] for violation in Axe().run(page).response["violations"]]


def test_an_author_checks_a_file_keeps_it_and_walks_through_it(author: tuple[Page, str], tmp_path: Path) -> None:
    page, base = author
    file = tmp_path / "peel.yaml"
    file.write_text(
        FILES["questions.yaml"] + "      - {id: long, type: string, required: true, text: How long, when: sun = true}\n"
    )
    page.goto(f"http://{base}/forms")
    assert broken(page) == []
    page.get_by_role("link", name="Check a file").click()
    page.get_by_label("Questionnaire (.json or .yaml)").set_input_files(file)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("peel.yaml can be taken")
    assert broken(page) == []
    page.get_by_label("Questionnaire (.json or .yaml)").set_input_files(file)
    page.get_by_role("button", name="Check and keep as a draft").click()
    page.get_by_role("link", name="Try it peel.yaml").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What you want")
    page.set_viewport_size({"width": 820, "height": 1180})  # the patient's frame is a tablet's
    assert broken(page) == []
    page.get_by_text("Smooth skin").click()
    expect(page.get_by_label("How long")).to_be_hidden()
    page.locator('[data-item="sun"]').get_by_text("Yes").click()
    expect(page.get_by_label("How long")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").filter(has_text=re.compile("There is a problem"))).to_be_visible()
    page.get_by_label("How long").fill("all day")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("End of the preview")
    expect(page.get_by_text("all day")).to_be_visible()
    assert broken(page) == []
