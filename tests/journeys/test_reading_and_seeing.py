"""The patient's pages for who sees or reads badly: the narrowest screen, larger letters, every page read aloud, and
what a screen reader is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from intake import clock, definitions
from intake.access import SYSTEM
from intake.config import Settings
from intake.db import transaction
from tests.conftest import MONDAY_NOON
from tests.journeys import path
from tests.journeys.conftest import listening
from tests.journeys.narrow import Narrow
from tests.journeys.test_arabic import SAMPLE, WISHES, fill_in_by_hand, in_arabic
from tests.journeys.tree import Told
from tests.voices import give_voice, listen

pytestmark = pytest.mark.browser
# Never said in a waiting room: the name, the numbers and the words the patient typed.
PRIVATE = ("Farida", "Sheikh", "Imran", "00421", "00422", "1957", "Softer")
BORN = ("7", "9", "1957")


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    """The narrowest screen there is, with a voice for each language."""
    context = chromium.new_context(viewport={"width": 320, "height": 640}, has_touch=True)
    give_voice(context)
    yield context
    context.close()


@pytest.fixture
def in_two_scripts(data: Path, settings: Settings) -> Iterator[tuple[Flask, str]]:
    """A clinic that published the sample edition, in English and Arabic."""
    with listening(data, settings, **in_arabic(data)) as (app, base):
        with app.app_context(), clock.frozen(MONDAY_NOON + timedelta(minutes=1)), transaction():
            definitions.publish(definitions.compile_edition(SAMPLE), by=SYSTEM)
        yield app, base


class Listener:
    """Presses Listen on every page and keeps what should not be."""

    def __init__(self, language: str) -> None:
        self.language, self.wrong, self.said = language, [], 0

    def listen(self, page: Page) -> None:
        """The heading comes first, or the note that has the focus; all in the page's language; nothing about the
        patient."""
        heard, where = listen(page), page.evaluate("location.pathname")
        self.said += len(heard)
        title = page.locator("[data-focus]:visible, h1").first.inner_text()
        if not heard or heard[0][0] not in title:
            self.wrong.append((where, "does not begin with the heading", heard[:3]))
        for words, language in heard:
            if language[:2] != self.language and where != "/tablet":
                self.wrong.append((where, "is in another language", words))
            if any(part in words for part in PRIVATE):
                self.wrong.append((where, "tells who the patient is", words))


def walked(
    base: str, desk: BrowserContext, phone: BrowserContext, language: str, wishes: Any = path.WISHES
) -> tuple[Narrow, Listener, Told]:
    """A whole visit on the narrow screen, each page looked at and listened to, from the welcome to the thank-you; each
    page of questions also as it comes back with errors."""
    reception, patient = desk.new_page(), phone.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    path.issue_and_hand_over(reception, base)
    narrow, ears, told = Narrow(), Listener(language), Told()

    def seen(page: Page) -> None:
        if language == "ar":
            fill_in_by_hand(page)
        narrow.look(page)
        ears.listen(page)
        told.look(page)
        if "/visit/questions/" in page.url and told.provoke(page):
            narrow.look(page)
            told.look(page)

    path.identify(patient, base, BORN, language=language, seen=seen)
    path.walk(patient, seen, wishes)
    assert patient.url.endswith("/visit/sign")
    patient.goto(f"http://localhost:{base.split(':')[1]}/visit/decline")
    seen(patient)
    patient.go_back()
    patient.locator("label:has([data-how=type])").tap()
    patient.locator("input[name=typed]").fill("Farida Sheikh")
    seen(patient)
    path.go_on(patient)
    seen(patient)
    expect(patient.locator(".bigticket")).to_be_visible()
    return narrow, ears, told


@pytest.mark.parametrize("language", ["en", "hi"])
def test_every_page_fits_the_narrowest_screen_and_is_read_and_told_without_a_word_about_the_patient(
    live: tuple[Flask, str], phone: BrowserContext, desk: BrowserContext, language: str
) -> None:
    narrow, ears, told = walked(live[1], desk, phone, language)
    assert (narrow.wrong, ears.wrong, told.wrong) == ({}, [], [])
    assert (narrow.pages, told.questions, told.errors) > (45, 80, 30)


def test_every_page_in_arabic_fits_the_narrowest_screen_and_is_read_and_told(
    in_two_scripts: tuple[Flask, str], phone: BrowserContext, desk: BrowserContext
) -> None:
    narrow, ears, told = walked(in_two_scripts[1], desk, phone, "ar", WISHES)
    assert (narrow.wrong, ears.wrong, told.wrong) == ({}, [], [])
    assert (narrow.pages, told.questions, told.errors) > (15, 10, 5)
