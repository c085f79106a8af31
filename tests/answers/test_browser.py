"""Every type of question in Chromium: the script asks what the server asks, entries come and go, axe finds nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from tests.answers.test_every_type import MORE
from tests.definitions.editions import FILES
from tests.journeys import conftest as journeys
from tests.journeys.path import sign_in

pytestmark = pytest.mark.browser
live, desk = journeys.live, journeys.desk
# A question for every kind of box that a condition can read, each shown by one exact answer.
WATCHED = {"dose": "dose > 2.4", "wake": "wake = 06:05:00", "skin": "skin = dry", "town": "town = c"}


@pytest.fixture
def trial(live: tuple[Flask, str], desk: BrowserContext, tmp_path: Path) -> Iterator[Page]:
    """An author in front of the page with every kind of question; a script or style that is refused fails the test."""
    page, base, refused = desk.new_page(), live[1], []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    sign_in(page, base, "author@demo.example")
    more = "".join(
        f"      - {{id: after-{link}, type: string, text: After {link}, when: '{when}'}}\n"
        for link, when in WATCHED.items()
    )
    head, _, meds = MORE.partition("  - id: meds")
    file = tmp_path / "every.yaml"
    file.write_text(FILES["questions.yaml"].partition("  - id: tx")[0] + head + more + "  - id: meds" + meds, "utf-8")
    page.goto(f"http://{base}/forms/check")
    page.get_by_label("Questionnaire (.json or .yaml)").set_input_files(file)
    page.get_by_role("button", name="Check and keep as a draft").click()
    page.get_by_role("link", name="Try it every.yaml").click()
    page.set_viewport_size({"width": 820, "height": 1180})
    yield page
    assert [text for text in refused if "422" not in text] == []


def broken(page: Page) -> list[str]:
    """What axe finds on a page."""
    return [violation["id"] for violation in Axe().run(page).response["violations"]]


def test_every_kind_of_answer_opens_what_depends_on_it_at_once(trial: Page) -> None:
    assert broken(trial) == []
    for link in WATCHED:
        expect(trial.get_by_label(f"After {link}")).to_be_hidden()
    trial.locator('[data-item="dose"] input').fill("2,5")
    trial.locator('[data-item="wake"] input').fill("6.05")
    trial.locator('[data-item="skin"]').get_by_text("Dry").click()
    trial.locator('[data-item="town"] select').select_option("c")
    for link in WATCHED:
        expect(trial.get_by_label(f"After {link}")).to_be_visible()
    trial.locator('[data-item="skin"]').get_by_text("Something else").click()
    expect(trial.get_by_label("After skin")).to_be_hidden()
    expect(trial.get_by_label("Packs a day")).to_be_hidden()
    trial.locator('[data-item="smoke"]').get_by_text("Yes").first.click()
    expect(trial.get_by_label("Packs a day")).to_be_visible()
    trial.get_by_role("button", name="Continue").click()
    expect(trial.get_by_role("alert").get_by_role("link")).to_have_text(
        ["Skin: Write your answer in the box", "Packs a day: Write a number, such as 72"]
    )
    assert broken(trial) == []


def test_entries_come_and_go_and_enter_goes_on(trial: Page) -> None:
    trial.locator('[data-item="tea"]').get_by_text("No").click()
    trial.get_by_role("button", name="Continue").click()
    expect(trial.get_by_role("heading", level=1)).to_have_text("Your medicines")
    trial.get_by_label("Name").fill("Aspirin")
    trial.get_by_role("button", name="Add another").click()
    second = trial.get_by_role("group", name="Medicine 2")
    expect(second).to_be_focused()
    assert broken(trial) == []
    second.get_by_label("Name").fill("Zinc")
    trial.get_by_role("button", name="Remove Medicine 1").click()
    expect(trial.get_by_role("group", name="Medicine 2")).to_have_count(0)
    expect(trial.get_by_label("Name")).to_have_value("Zinc")
    trial.get_by_label("Pharmacy").press("Enter")
    expect(trial.get_by_role("heading", level=1)).to_have_text("End of the preview")
    expect(trial.get_by_text("Zinc")).to_be_visible()


def test_why_a_question_is_asked_opens_by_key_and_by_a_tap_of_a_fingers_size(trial: Page) -> None:
    why, dose = trial.get_by_text("Why we ask, and what it means"), trial.locator('[data-item="dose"] input')
    words = trial.get_by_text("It sets the strength of the peel")
    expect(words).to_be_hidden()
    trial.wait_for_load_state()  # with its style sheet: what is measured is what a finger finds
    assert (why.bounding_box() or {"height": 0})["height"] >= 48
    dose.focus()
    trial.keyboard.press("Shift+Tab")
    expect(why).to_be_focused()
    trial.keyboard.press("Enter")
    expect(words).to_be_visible()
    expect(dose).to_have_accessible_description("")
    assert broken(trial) == []
    why.click()
    expect(words).to_be_hidden()
