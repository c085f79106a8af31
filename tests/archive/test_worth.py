"""The archive's page of a record says what its consent is worth now, as the public page of its number does."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from intake import records, visits
from tests.builders import TWO_TREATMENTS, a_signed_visit
from tests.conftest import MONDAY_NOON, sign_in
from tests.endings import a_declined_visit, countersigned, record_id_of, withdrawn, work_done

FAT, HAIR = "treatment:FAT", "treatment:HAIR"
Clock = Callable[[datetime], None]


def nothing(app: Flask, visit_id: UUID, clock_at: Clock) -> None:
    """Nothing happens to the record."""


def one_taken_back(app: Flask, visit_id: UUID, clock_at: Clock) -> None:
    withdrawn(app, visit_id, FAT)


def all_taken_back(app: Flask, visit_id: UUID, clock_at: Clock) -> None:
    withdrawn(app, visit_id, FAT)
    withdrawn(app, visit_id, HAIR)


def agreed_to_anew(app: Flask, visit_id: UUID, clock_at: Clock) -> None:
    clock_at(MONDAY_NOON + timedelta(minutes=5))
    with app.app_context():
        patient_id = visits.get_visit(visit_id).patient_id
    countersigned(app, a_signed_visit(app, TWO_TREATMENTS, patient_id=patient_id))


def time_is_over(app: Flask, visit_id: UUID, clock_at: Clock) -> None:
    clock_at(MONDAY_NOON + timedelta(days=200))


def stated(page: str) -> list[str]:
    """What a page says under "State"."""
    found = re.findall(r"<dt>State</dt><dd[^>]*>(.*?)</dd>", page, re.DOTALL)
    return [re.sub(r"<svg.*?</svg>|<[^>]*>", "", one, flags=re.DOTALL).strip() for one in found]


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (nothing, "Current: not replaced, not taken back"),
        (one_taken_back, "Taken back in part; the rest stands"),
        (all_taken_back, "Taken back by the patient"),
        (agreed_to_anew, "Replaced by a newer record"),
        (time_is_over, "Its time is over"),
    ],
)
def test_the_page_of_a_consent_says_what_it_is_worth_now_in_the_words_of_the_public_page(
    app: Flask, clock_at: Clock, happens: Callable[[Flask, UUID, Clock], None], said: str
) -> None:
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    countersigned(app, visit_id)
    work_done(app)
    happens(app, visit_id, clock_at)
    record_id = record_id_of(app, visit_id)
    browser = sign_in(app, "records@demo.example")
    with app.app_context():
        number = records.get_record(record_id).number
    assert stated(browser.get(f"/archive/records/{record_id}").text) == [said]
    assert stated(app.test_client().get(f"/verify/{number}").text) == [said]


def test_a_record_that_is_no_consent_is_not_called_current_beside_its_outcome(app: Flask) -> None:
    declined, taken = a_declined_visit(app), a_signed_visit(app, TWO_TREATMENTS)
    withdrawn(app, taken)
    work_done(app)
    browser = sign_in(app, "records@demo.example")
    for visit_id, outcome in ((declined, "Declined"), (taken, "Withdrawn")):
        page = browser.get(f"/archive/records/{record_id_of(app, visit_id)}").text
        assert outcome in page and stated(page) == []
