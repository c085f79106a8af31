"""Taking back on the tablet: after the signature and at a later visit, as easy as agreeing was."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import consent, visits
from intake.consent import TREATMENT, State
from tests.builders import HEALTHY, TWO_TREATMENTS, a_signed_visit, a_tablet, a_visit, answered, signed, understood
from tests.conftest import MONDAY_NOON, StrictClient
from tests.endings import countersigned, work_done
from tests.kiosk.pages import identified

WITHDRAW = "/visit/withdraw"
PHOTOS = dict(HEALTHY) | {"ph.rec": True, "ph.teach": True, "ph.pub": False}


@pytest.fixture
def later(app: Flask, clock_at: Any) -> tuple[UUID, StrictClient]:
    """A countersigned visit, and the same patient's tablet at the next one."""
    first = a_signed_visit(app, PHOTOS)
    countersigned(app, first)
    work_done(app)
    with app.app_context():
        patient_id = visits.get_visit(first).patient_id
    clock_at(MONDAY_NOON + timedelta(minutes=30))
    return first, identified(app, a_visit(app, patient_id=patient_id))


def state_of(app: Flask, visit_id: UUID) -> State:
    with app.app_context():
        return consent.state_of(visit_id)


def test_who_says_no_is_shown_the_way_to_take_an_earlier_consent_back(
    app: Flask, later: tuple[UUID, StrictClient]
) -> None:
    first, client = later
    assert WITHDRAW in client.get("/visit/decline").text
    page = client.get(WITHDRAW).text
    assert "May we take photos for your medical record?" in page and "checked" not in page
    answer = client.submit(WITHDRAW, {"parts": [f"{first}:{TREATMENT}", f"{first}:ph.teach"], "reason": ""})
    assert answer.status_code == 303
    assert state_of(app, first) is State.WITHDRAWN
    page = client.get(WITHDRAW).text
    assert "This is taken back" in page and f"{first}:ph.rec" in page and f"{first}:ph.teach" not in page


def labels_of(page: str) -> list[tuple[str, str]]:
    """Each box of the page, with its value and the words beside it."""
    boxes = re.findall(
        r'<label class="choice"><input type="checkbox"([^>]*)><span>(.*?)</span></label>', page, re.DOTALL
    )
    assert not any("checked" in attributes for attributes, _words in boxes)
    values = [re.findall(r'value="([^"]*)"', attributes)[0] for attributes, _words in boxes]
    return [
        (value, re.sub("</?small>", " | ", words).strip(" |")) for value, (_, words) in zip(values, boxes, strict=True)
    ]


def at_two_treatments(app: Flask) -> tuple[UUID, StrictClient]:
    """A patient who has just signed for two treatments."""
    visit_id = a_visit(app)
    client = identified(app, visit_id)
    answered(app, visit_id, TWO_TREATMENTS)
    understood(app, visit_id)
    signed(app, visit_id)
    return visit_id, client


def test_each_of_several_treatments_has_a_box_of_its_own_in_plain_words_and_none_is_chosen(app: Flask) -> None:
    # In <bdi>, for they may be in another language than the page: their own question mark stays at their own end.
    visit_id, client = at_two_treatments(app)
    assert labels_of(client.get(WITHDRAW).text) == [
        (
            f"{visit_id}:treatment:FAT",
            "<bdi>Mesotherapy for fat and body shape: Under the chin</bdi> | You agreed to this treatment",
        ),
        (f"{visit_id}:treatment:HAIR", "<bdi>Mesotherapy for hair loss: Crown</bdi> | You agreed to this treatment"),
        (f"{visit_id}:ph.rec", "<bdi>May we take photos for your medical record?</bdi> | You said yes"),
    ]
    assert client.submit(WITHDRAW, {"parts": [f"{visit_id}:treatment:FAT"]}).status_code == 303
    assert state_of(app, visit_id) is State.SIGNED
    page = client.get(WITHDRAW).text
    assert "This is taken back. It counts at once." in page and "<li><bdi>Mesotherapy for fat and body shape" in page
    assert [value for value, _words in labels_of(page)] == [f"{visit_id}:treatment:HAIR", f"{visit_id}:ph.rec"]
    assert "Your form is signed." in client.get("/visit/thanks").text
    assert client.submit(WITHDRAW, {"parts": [f"{visit_id}:treatment:HAIR"]}).status_code == 303
    assert state_of(app, visit_id) is State.WITHDRAWN


def test_a_page_from_before_treatments_were_told_apart_takes_back_all_it_named(app: Flask) -> None:
    visit_id, client = at_two_treatments(app)
    assert client.submit(WITHDRAW, {"parts": [f"{visit_id}:{TREATMENT}"]}).status_code == 303
    assert state_of(app, visit_id) is State.WITHDRAWN


def test_one_treatment_is_called_the_treatment(app: Flask, later: tuple[UUID, StrictClient]) -> None:
    first, client = later
    words = "The treatment | <bdi>Mesotherapy for lines and firmer skin: Cheeks, Stomach</bdi>"
    assert labels_of(client.get(WITHDRAW).text)[0] == (f"{first}:{TREATMENT}", words)


def test_nothing_chosen_says_what_to_do_and_keeps_the_reason(app: Flask, later: tuple[UUID, StrictClient]) -> None:
    first, client = later
    answer = client.submit(WITHDRAW, {"reason": "I slept <i>badly</i>"})
    assert answer.status_code == 422
    assert "Choose what you take back" in answer.text and "I slept &lt;i&gt;badly" in answer.text
    assert state_of(app, first) is State.COUNTERSIGNED


def test_pressed_twice_it_is_taken_back_once(app: Flask, later: tuple[UUID, StrictClient]) -> None:
    first, client = later
    for _ in range(2):
        assert client.submit(WITHDRAW, {"parts": [f"{first}:{TREATMENT}"]}).status_code == 303
    with app.app_context():
        assert len(consent.standing_of(first, "en").taken_back) == 1


def test_nobody_takes_back_for_another_patient(app: Flask, later: tuple[UUID, StrictClient]) -> None:
    _first, client = later
    other = a_signed_visit(app, PHOTOS, name="Imran Khan", phone="98400 00999")
    assert client.submit(WITHDRAW, {"parts": [f"{other}:{TREATMENT}"]}).status_code == 303
    assert state_of(app, other) is State.SIGNED
    assert "Imran" not in client.get(WITHDRAW).text


def test_a_tablet_that_was_not_told_who_holds_it_shows_nothing(app: Flask) -> None:
    client = a_tablet(app, a_visit(app), "T1")
    assert client.get(WITHDRAW).status_code == 303
    assert client.get(WITHDRAW).location.endswith("/visit/next")
