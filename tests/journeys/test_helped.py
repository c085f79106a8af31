"""A patient with a helper signs by typing, after the page came back because the helper's role was missing; the sealed
record names both and says until when the consent is good."""

import re
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, expect

from intake import consent, records
from tests.builders import HEALTHY, answered, understood
from tests.journeys import path

pytestmark = pytest.mark.browser


def test_a_visit_with_a_helper_and_a_typed_name_ends_in_a_record_that_names_both(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext, tmp_path: Path
) -> None:
    app, base = live
    reception, patient = desk.new_page(), tablet.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    path.identify(patient, base)
    answered(app, UUID(visit_id), HEALTHY)
    understood(app, UUID(visit_id))
    patient.goto(f"http://localhost:{base.split(':')[1]}/visit/sign")

    name = patient.locator("#helper_name")
    expect(name).to_be_hidden()
    path.draw_signature(patient)
    patient.get_by_text("Someone is helping me", exact=True).tap()
    name.fill("Imran Sheikh")
    path.go_on(patient)
    expect(patient.get_by_role("alert").filter(has_text="Helper: Choose who this person is")).to_be_focused()
    expect(name).to_have_value("Imran Sheikh")
    expect(patient.locator("[data-padmsg]")).to_have_text("Signed. You can undo or clear.")
    patient.get_by_role("link", name="Helper: Choose who this person is").tap()
    role = patient.get_by_role("group", name="Helper").get_by_label("Who is this person?")
    expect(role).to_be_focused()
    role.select_option("family")
    patient.locator("label", has_text="Type my name").tap()
    patient.get_by_label("Type your full name to sign").fill("Farida Sheikh")
    path.go_on(patient)
    patient.wait_for_url("**/visit/thanks")

    doctor = desk.browser.new_context().new_page() if desk.browser else desk.new_page()
    path.sign_in(doctor, base, "rao@demo.example")
    path.decide_and_countersign(doctor, base, visit_id, lambda page: expect(page.locator("#took-part")).to_be_visible())
    doctor.context.close()
    path.run_jobs(app)
    with app.test_request_context():
        stated = consent.find_statement(UUID(visit_id), consent.Kind.SIGNED)
        record = records.record_of_visit(UUID(visit_id))
        assert stated is not None and record is not None
        assert stated.body["people"] == [{"part": "helper", "name": "Imran Sheikh", "role": "family"}]
        assert "drawn" not in stated.body["signature"] and stated.body["signature"]["typed"] == "Farida Sheikh"
        file = tmp_path / "record.pdf"
        file.write_bytes(records.open_pdf(record.id))
    text = subprocess.run(["pdftotext", file, "-"], check=True, capture_output=True, text=True).stdout
    plain = re.sub(r"\s+", "", text)
    expected = (
        "Who took part",
        "Imran Sheikh",
        "Helper: Family or friend",
        "Good until",
        "typed on the clinic's tablet",
    )
    for words in expected:
        assert re.sub(r"\s+", "", words) in plain, words
