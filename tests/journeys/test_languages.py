"""A patient who chose Hindi meets Hindi on every page, signs it, and the record says so."""

from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext

from intake import consent, records
from tests.journeys import path
from tests.journeys.reading import DEVANAGARI, Reading

pytestmark = pytest.mark.browser


def test_a_visit_in_hindi_from_the_welcome_to_the_sealed_record(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext
) -> None:
    app, base = live
    reception, patient = desk.new_page(), tablet.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    path.identify(patient, base, language="hi")
    read = Reading(DEVANAGARI)
    path.walk(patient, read.words)
    assert patient.url.endswith("/visit/sign")
    path.draw_signature(patient)
    path.go_on(patient)
    read.words(patient)
    assert (read.english, read.tongues) == ({}, {("hi", "ltr")})

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
