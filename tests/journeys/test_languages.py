"""A patient who chose Hindi meets Hindi on every page, signs it, and the record says so."""

import re
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page

from intake import consent, records
from tests.journeys import path

pytestmark = pytest.mark.browser
DEVANAGARI = re.compile(r"[\u0900-\u097f]")
# What stays as it is: names, codes, numbers with their units, Latin names of medicines, and what the clinic wrote.
LATIN_WORD = re.compile(r"\b[A-Za-z]{3,}\b")


def sentences(page: Page) -> list[str]:
    """The words a patient reads on a page, element by element."""
    return [
        words
        for words in page.locator("main :is(h1, h2, legend, label, p, li, button, a):visible").all_inner_texts()
        if words.strip()
    ]


def in_english(words: str) -> bool:
    return bool(LATIN_WORD.search(words)) and not DEVANAGARI.search(words)


def test_a_visit_in_hindi_from_the_welcome_to_the_sealed_record(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext
) -> None:
    app, base = live
    reception, patient = desk.new_page(), tablet.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    path.identify(patient, base, language="hi")
    english: dict[str, list[str]] = {}
    tongues = set()

    def look(page: Page) -> None:
        tongues.add((page.get_attribute("html", "lang"), page.get_attribute("html", "dir")))
        if found := [words for words in sentences(page) if in_english(words)]:
            english[page.url] = found

    path.walk(patient, look)
    assert patient.url.endswith("/visit/sign")
    path.draw_signature(patient)
    path.go_on(patient)
    look(patient)
    assert (english, tongues) == ({}, {("hi", "ltr")})

    doctor = desk.browser.new_context().new_page() if desk.browser else desk.new_page()
    path.sign_in(doctor, base, "rao@demo.example")
    path.decide_and_countersign(doctor, base, visit_id, lambda page: None)
    path.run_jobs(app)
    doctor.context.close()
    with app.test_request_context():
        signed = consent.find_statement(UUID(visit_id), consent.Kind.SIGNED)
        record = records.record_of_visit(UUID(visit_id))
        assert signed is not None and record is not None
        assert signed.body["presented"]["language"] == "hi"
        assert records.open_pdf(record.id).startswith(b"%PDF-")
