"""The desk takes back for a patient who calls: after the right date of birth, at once, and never learns what it was."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import audit, consent, visits
from intake.consent import TREATMENT, Kind, State
from intake.db import transaction
from intake.i18n import clinic
from intake.review.service import postpone
from tests.builders import DESK, HEALTHY, TWO_TREATMENTS, a_signed_visit
from tests.conftest import MONDAY_NOON, StrictClient, sign_in
from tests.endings import doctor_of

RIGHT = {"born-d": "4", "born-m": "March", "born-y": "1968"}
ASKED = {"parts": [TREATMENT], "how": "phone", "called_back": "y", "reason": "Afraid of <b>needles</b>"} | RIGHT


@pytest.fixture
def visit_id(app: Flask) -> UUID:
    visit_id = a_signed_visit(app, dict(HEALTHY) | {"ph.rec": True, "ph.teach": False, "ph.pub": True})
    with app.app_context(), transaction():
        visits.check_birth_date(visits.get_visit(visit_id).patient_id, date(1968, 3, 4), by=DESK)
    return visit_id


def sent(browser: StrictClient, visit_id: UUID, **changes: Any) -> Any:
    fields = {key: value for key, value in (ASKED | changes).items() if value}
    return browser.submit(f"/desk/visits/{visit_id}/withdraw", fields)


def state_of(app: Flask, visit_id: UUID) -> State:
    with app.app_context():
        return consent.state_of(visit_id)


def test_a_patient_who_calls_takes_the_treatment_back(app: Flask, as_reception: StrictClient, visit_id: UUID) -> None:
    answer = sent(as_reception, visit_id)
    assert answer.status_code == 303
    with app.app_context():
        stated = consent.find_statement(visit_id, Kind.WITHDRAWN)
        assert stated is not None
        assert stated.body["request"] == {"how": "phone", "identity": ["born_on", "called_back"]}
        assert stated.body["reason"] == ASKED["reason"]
    page = as_reception.get(answer.location).text
    assert "Taken back on" in page and "show your photos" in page, "the photos were not taken back with it"


def test_a_wrong_date_of_birth_takes_nothing_back_and_is_in_the_log(
    app: Flask, as_reception: StrictClient, visit_id: UUID
) -> None:
    answer = sent(as_reception, visit_id, **{"born-y": "1986"})
    assert answer.status_code == 422
    assert "This is not the date we have" in answer.text
    assert "1968" not in answer.text, "what is right is not told"
    assert 'value="1986"' in answer.text and "Afraid of &lt;b&gt;needles" in answer.text, "what was typed is kept"
    assert state_of(app, visit_id) is State.SIGNED
    with app.app_context():
        assert audit.history_of(visit_id)[-1].event == "identity.refused"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parts": []}, "Choose what is taken back"),
        ({"how": ""}, "Choose how the patient asked"),
        ({"born-d": ""}, "day, the month and the year"),
    ],
)
def test_what_is_missing_is_asked_for_and_nothing_is_taken(
    app: Flask, as_reception: StrictClient, visit_id: UUID, changes: dict[str, Any], says: str
) -> None:
    answer = sent(as_reception, visit_id, **changes)
    assert answer.status_code == 422 and says in answer.text
    assert state_of(app, visit_id) is State.SIGNED


def test_the_desk_learns_of_no_treatment(app: Flask, as_reception: StrictClient, visit_id: UUID) -> None:
    with app.app_context():
        patient_id = visits.get_visit(visit_id).patient_id
    for address in (f"/desk/patients/{patient_id}/consents", f"/desk/visits/{visit_id}/withdraw"):
        page = as_reception.get(address).text
        assert "The consent to the treatment" in page
        assert "firmer skin" not in page and "Cheeks" not in page and "Farida" not in page


def test_a_part_the_patient_never_agreed_to_is_refused_and_in_the_log(
    app: Flask, as_reception: StrictClient, visit_id: UUID
) -> None:
    answer = sent(as_reception, visit_id, parts=["ph.teach"])
    assert answer.status_code == 422 and "did not agree to all of this" in answer.text
    assert "Afraid of &lt;b&gt;needles" in answer.text, "what was typed is kept"
    with app.app_context():
        assert audit.history_of(visit_id)[-1].event == "withdrawal.refused"
        assert consent.kinds_of(visit_id) == {Kind.SIGNED}


# ---- Several treatments at one visit ----


@pytest.fixture
def of_two(app: Flask) -> UUID:
    """A visit for two treatments, of somebody whose date of birth is known."""
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    with app.app_context(), transaction():
        visits.check_birth_date(visits.get_visit(visit_id).patient_id, date(1968, 3, 4), by=DESK)
    return visit_id


def boxes_of(page: str) -> list[str]:
    """The values of what may be taken back; nothing is chosen in advance."""
    found = [tag for tag in re.findall(r"<input[^>]*>", page) if 'name="parts"' in tag]
    assert not any("checked" in tag for tag in found)
    return [re.findall(r'value="([^"]*)"', tag)[0] for tag in found]


def test_the_desk_ticks_the_treatment_that_the_patient_names_and_reads_nowhere_which_were_agreed_to(
    app: Flask, as_reception: StrictClient, of_two: UUID
) -> None:
    address = f"/desk/visits/{of_two}/withdraw"
    page = as_reception.get(address).text
    assert "agreed to or not" in page
    before = boxes_of(page)
    every = [f"treatment:{code}" for code in ("FAT", "REJUV", "LIGHT", "HAIR", "PRP", "LIPS")]
    assert before == [TREATMENT, *every, "ph.rec"], "every treatment of the clinic, agreed to or not"
    assert sent(as_reception, of_two, parts=["treatment:FAT"]).status_code == 303
    assert state_of(app, of_two) is State.SIGNED
    with app.app_context():
        assert [part.id for part in consent.standing_of(of_two, "en").parts] == ["treatment:HAIR", "ph.rec"]
        patient_id = visits.get_visit(of_two).patient_id
    page = as_reception.get(f"/desk/patients/{patient_id}/consents").text
    assert "The consent to one treatment" in page and "Taken back on" in page
    assert "fat" not in page and "hair" not in page and "Under the chin" not in page
    assert boxes_of(as_reception.get(address).text) == before


def test_before_anything_is_taken_back_the_desk_reads_how_many_treatments_there_are(
    app: Flask, as_reception: StrictClient, of_two: UUID
) -> None:
    with app.app_context():
        patient_id = visits.get_visit(of_two).patient_id
    page = as_reception.get(f"/desk/patients/{patient_id}/consents").text
    assert "The consent to 2 treatments" in page and "Mesotherapy" not in page


def test_a_treatment_of_the_clinic_that_was_not_agreed_to_is_refused_with_what_to_do(
    app: Flask, as_reception: StrictClient, of_two: UUID
) -> None:
    answer = sent(as_reception, of_two, parts=["treatment:FAT", "treatment:LIPS"])
    assert answer.status_code == 422 and "Ask once more what they mean" in answer.text
    with app.app_context():
        assert consent.kinds_of(of_two) == {Kind.SIGNED}


def test_every_treatment_of_the_visit_goes_with_one_tick(app: Flask, as_reception: StrictClient, of_two: UUID) -> None:
    assert sent(as_reception, of_two).status_code == 303
    assert state_of(app, of_two) is State.WITHDRAWN
    page = as_reception.get(f"/desk/visits/{of_two}/withdraw").text
    assert boxes_of(page) == ["ph.rec"] and "agreed to or not" not in page


@pytest.mark.parametrize("parts", [[TREATMENT], ["treatment:FAT"]])
def test_a_page_opened_before_the_doctor_postponed_takes_nothing_back_and_says_so(
    app: Flask, as_reception: StrictClient, of_two: UUID, parts: list[str]
) -> None:
    assert "treatment:FAT" in boxes_of(as_reception.get(f"/desk/visits/{of_two}/withdraw").text)
    with app.test_request_context(), transaction():
        postpone(clinic(), of_two, "Not today", by=doctor_of(of_two))
    page = as_reception.get(sent(as_reception, of_two, parts=parts).location).text
    assert "It is taken back from now on" not in page
    assert "Nothing of it was left to take back" in page
    with app.app_context():
        assert consent.kinds_of(of_two) == {Kind.SIGNED, Kind.POSTPONED}
        assert audit.history_of(of_two)[-1].event == "withdrawal.nothing_left", "so nobody tries them unseen"


def test_the_same_page_sent_twice_takes_back_once_and_says_it_the_second_time(
    app: Flask, as_reception: StrictClient, of_two: UUID
) -> None:
    first = as_reception.get(sent(as_reception, of_two, parts=["treatment:FAT"]).location).text
    again = as_reception.get(sent(as_reception, of_two, parts=["treatment:FAT"]).location).text
    assert "It is taken back from now on" in first and "Nothing of it was left to take back" in again
    with app.app_context():
        assert len(consent.standing_of(of_two, "en").taken_back) == 1


WRONG = {"born-y": "1986"}


def wrong_dates(browser: StrictClient, visit_id: UUID) -> None:
    for _ in range(5):
        sent(browser, visit_id, **WRONG)


def test_after_five_wrong_dates_the_desk_hears_no_more_and_says_what_to_do(
    app: Flask, as_reception: StrictClient, visit_id: UUID, clock_at: Callable[[datetime], None]
) -> None:
    wrong_dates(as_reception, visit_id)
    told = sent(as_reception, visit_id)
    assert told.status_code == 429 and int(told.headers["Retry-After"]) == 24 * 3600
    assert "Call the patient back on the number we have, or ask them to come in." in told.text
    assert "This is not the date we have" not in told.text, "the right date is not looked at, so it tells nothing"
    assert state_of(app, visit_id) is State.SIGNED
    assert "Call the patient back" in as_reception.get(f"/desk/visits/{visit_id}/withdraw").text
    with app.app_context():
        events = [entry.event for entry in audit.history_of(visit_id)]
    assert events.count("identity.refused") == 5
    clock_at(MONDAY_NOON + timedelta(days=1, seconds=1))
    browser = sign_in(app, "reception@demo.example")
    assert sent(browser, visit_id).status_code == 303, "never for good"


def test_the_wrong_dates_of_all_visits_of_a_patient_count_together_and_no_others(
    app: Flask, as_reception: StrictClient, visit_id: UUID
) -> None:
    with app.app_context():
        patient_id = visits.get_visit(visit_id).patient_id
    second = a_signed_visit(app, dict(HEALTHY), patient_id=patient_id)
    other = a_signed_visit(app, dict(HEALTHY), name="Anjali Desai", phone="9840011111")
    with app.app_context(), transaction():
        visits.check_birth_date(visits.get_visit(other).patient_id, date(1968, 3, 4), by=DESK)
    for number in range(5):
        sent(as_reception, (visit_id, second)[number % 2], **WRONG)
    assert sent(as_reception, second).status_code == 429
    assert sent(as_reception, other).status_code == 303


@pytest.mark.parametrize("who", ["menon", "admin"])
def test_a_doctor_or_the_administrator_goes_on_slowly_and_a_right_date_forgives(
    app: Flask, as_reception: StrictClient, visit_id: UUID, clock_at: Callable[[datetime], None], who: str
) -> None:
    wrong_dates(as_reception, visit_id)
    browser = sign_in(app, f"{who}@demo.example")
    told = sent(browser, visit_id)
    assert (told.status_code, told.headers["Retry-After"]) == (429, "2") and "Several dates were wrong" in told.text
    clock_at(MONDAY_NOON + timedelta(seconds=2))
    assert sent(browser, visit_id, **WRONG).status_code in (422, 429)
    clock_at(MONDAY_NOON + timedelta(seconds=10))
    assert sent(browser, visit_id).status_code == 303
    assert state_of(app, visit_id) is State.WITHDRAWN
    assert sent(as_reception, visit_id, parts=["ph.pub"]).status_code == 303, "the desk hears dates again"
