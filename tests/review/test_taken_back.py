"""What a doctor sees and countersigns of a consent of which the patient took a part back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from intake import consent, visits
from tests.builders import HEALTHY, TWO_TREATMENTS, a_signed_visit
from tests.conftest import MONDAY_NOON, PASSWORD
from tests.endings import countersigned, withdrawn
from tests.review.conftest import Send, as_sent, settled
from tests.review.test_views import errors_of


def one_taken_back_since(app: Flask, as_doctor: FlaskClient) -> tuple[UUID, str]:
    """A visit of which one of two treatments was taken back after the doctor opened it, and what that page named."""
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    before = as_sent(as_doctor.get(f"/review/{visit_id}").text)["sha256"]
    withdrawn(app, visit_id, "treatment:FAT")
    return visit_id, before


def test_a_page_opened_before_a_treatment_was_taken_back_does_not_countersign_it_unseen(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id, before = one_taken_back_since(app, as_doctor)
    said = settled(app, visit_id)
    response = send(as_doctor, visit_id, "countersign", said, password=PASSWORD, sha256=before)
    assert response.status_code == 409
    assert errors_of(response.text) == [
        "The patient took something back after you opened this page. Look again, then countersign"
    ]
    page = as_doctor.get(f"/review/{visit_id}").text
    assert "The patient took back: Mesotherapy for fat and body shape: Under the chin" in page
    assert "Still agreed to: Mesotherapy for hair loss: Crown" in page
    plan = page[page.index("Treatment today") :]
    assert "<dd>Mesotherapy for hair loss</dd>" in plan and "<dd>Crown</dd>" in plan
    assert send(as_doctor, visit_id, "countersign", said, password=PASSWORD).status_code == 303
    with app.test_request_context():
        stated = consent.find_statement(visit_id, consent.Kind.COUNTERSIGNED)
    assert stated is not None
    signed = stated.body["patient_statement_sha256"]
    assert stated.body["review"]["confirmed_sha256"] == signed
    assert [part["id"] for part in stated.body["review"]["taken_back"]] == ["treatment:FAT"]
    assert [part["id"] for part in stated.body["review"]["stands"]] == ["treatment:HAIR", "ph.rec"]


def test_a_press_from_an_older_page_says_so_before_it_asks_for_anything_else(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id, before = one_taken_back_since(app, as_doctor)
    for said, password in ((settled(app, visit_id), "not the password"), ({}, PASSWORD)):
        response = send(as_doctor, visit_id, "countersign", said, password=password, sha256=before)
        assert response.status_code == 409, "else the next press, from the page of this answer, would countersign"
        assert "The patient took something back after you opened this page" in response.text
    with app.test_request_context():
        assert consent.kinds_of(visit_id) == {consent.Kind.SIGNED, consent.Kind.PART_WITHDRAWN}


def test_an_earlier_visit_of_which_a_part_was_taken_back_says_so(
    app: Flask, as_doctor: FlaskClient, clock_at: Any
) -> None:
    first = a_signed_visit(app, TWO_TREATMENTS)
    countersigned(app, first)
    withdrawn(app, first, "treatment:HAIR")
    with app.test_request_context():
        patient_id = visits.get_visit(first).patient_id
    clock_at(MONDAY_NOON + timedelta(minutes=5))
    later = a_signed_visit(app, patient_id=patient_id)
    assert "(taken back in part)" in as_doctor.get(f"/review/{later}").text
    assert "(taken back in part)" not in as_doctor.get(f"/review/{first}").text
    withdrawn(app, first, "treatment:FAT")
    page = as_doctor.get(f"/review/{later}").text
    assert "Taken back" in page and "(taken back in part)" not in page, "nothing of it stands any more"


def plan_of(page: str) -> str:
    """What the doctor reads of the treatment in short."""
    return page[page.index("Treatment today") : page.index("<dt>Wants")]


def test_an_area_of_two_treatments_stays_where_one_of_them_is_taken_back_and_the_other_goes(
    app: Flask, as_doctor: FlaskClient
) -> None:
    both = {**HEALTHY, "tx.goals": ["fat", "tighten"], "tx.areas_body": ["chin"], "tx.areas_face": ["cheeks"]}
    visit_id = a_signed_visit(app, both)
    before = plan_of(as_doctor.get(f"/review/{visit_id}").text)
    assert "fat and body shape; Mesotherapy for lines" in before and "<dd>Cheeks; Under the chin</dd>" in before
    withdrawn(app, visit_id, "treatment:REJUV")
    after = plan_of(as_doctor.get(f"/review/{visit_id}").text)
    assert "<dd>Mesotherapy for fat and body shape</dd>" in after and "<dd>Under the chin</dd>" in after


def test_where_all_was_taken_back_the_page_still_says_what_it_was_about(app: Flask, as_doctor: FlaskClient) -> None:
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    withdrawn(app, visit_id)
    page = as_doctor.get(f"/review/{visit_id}").text
    assert "The patient took back: Mesotherapy for fat and body shape: Under the chin; Mesotherapy for hair" in page
    assert "<dd>Mesotherapy for fat and body shape; Mesotherapy for hair loss</dd>" in plan_of(page)
    assert "Countersign" not in page
