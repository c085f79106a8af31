"""New tokens through HTTP: refused with words, for new and known patients, at closed doors, and all at once."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import staff, visits
from tests.builders import a_signed_visit, a_visit
from tests.conftest import MONDAY_NOON, SUNDAY_NOON, StrictClient, sign_in

ClockAt = Callable[[datetime], None]


def key_of(html: str) -> str:
    found = re.search(r'name="form_key"[^>]*value="([^"]+)"', html)
    assert found
    return found[1]


def doctor_id(app: Flask, letter: str = "K") -> str:
    with app.test_request_context():
        return str(next(d.id for d in staff.list_doctors() if d.letter == letter))


def new_token(app: Flask, client: StrictClient, **entered: str) -> Any:
    page = client.get("/desk").text
    form = {"name": "Farida Sheikh", "phone": "98400 00421", "doctor": doctor_id(app), "form_key": key_of(page)}
    return client.submit("/desk", form | entered)


def tokens_of(app: Flask, day: datetime = MONDAY_NOON) -> list[str]:
    with app.test_request_context():
        return [str(visit.token) for visit in visits.list_day(day.date())]


def test_a_new_token_is_issued_and_the_list_shows_it(app: Flask, as_reception: StrictClient) -> None:
    response = new_token(app, as_reception)
    assert (response.status_code, response.location) == (303, "/desk")
    page = as_reception.get("/desk").text
    assert "Token K 01 is issued." in page
    assert "Farida Sheikh" in page and "Waiting for a tablet" in page


def test_the_same_form_sent_twice_issues_one_token(app: Flask, as_reception: StrictClient) -> None:
    form = {
        "name": "Farida Sheikh",
        "phone": "",
        "doctor": doctor_id(app),
        "form_key": key_of(as_reception.get("/desk").text),
    }
    for _ in range(2):
        assert as_reception.submit("/desk", form).status_code == 303
    assert tokens_of(app) == ["K 01"]


def test_desks_that_issue_at_the_same_moment_get_different_numbers(app: Flask) -> None:
    desks = [sign_in(app, "reception@demo.example") for _ in range(4)]
    keys = [key_of(desk.get("/desk").text) for desk in desks]
    doctor, together = doctor_id(app), threading.Barrier(len(desks))

    def press(desk: StrictClient, key: str) -> int:
        together.wait()
        form = {"csrf_token": desk.token, "name": "Farida Sheikh", "doctor": doctor, "form_key": key}
        return int(desk.post("/desk", data=form).status_code)

    with ThreadPoolExecutor(len(desks)) as pool:
        assert list(pool.map(press, desks, keys)) == [303] * len(desks)
    assert sorted(tokens_of(app)) == ["K 01", "K 02", "K 03", "K 04"]


def test_a_button_pressed_twice_in_one_moment_issues_one_token(app: Flask, as_reception: StrictClient) -> None:
    key, doctor, together = key_of(as_reception.get("/desk").text), doctor_id(app), threading.Barrier(2)
    cookie = as_reception.get_cookie("intake-session")
    assert cookie

    def press(_: int) -> int:
        client = app.test_client()
        client.set_cookie("intake-session", cookie.value)
        together.wait()
        form = {"csrf_token": as_reception.token, "name": "Farida Sheikh", "doctor": doctor, "form_key": key}
        return int(client.post("/desk", data=form).status_code)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(press, range(2))) == [303, 303]
    assert tokens_of(app) == ["K 01"]


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"name": "   "}, "Write the patient&#39;s name"),
        ({"name": "x" * 5000}, "Write at most 200 letters"),
        ({"phone": "98400 OO421"}, "Write the number with digits, for example 98765 43210"),
        ({"phone": "12"}, "Write the number with digits, for example 98765 43210"),
        ({"doctor": ""}, "Choose a doctor"),
        ({"doctor": "00000000-0000-0000-0000-000000000001"}, "Choose a doctor"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_the_field_and_kept(
    app: Flask, as_reception: StrictClient, entered: dict[str, str], said: str
) -> None:
    response = new_token(app, as_reception, **entered)
    assert response.status_code == 422
    assert response.text.count(said) >= 2, "in the summary and beside the field"
    assert "<title>Error: " in response.text
    assert ('value="98400 00421"' in response.text) is ("phone" not in entered), "what was entered is kept"
    assert tokens_of(app) == []


def test_a_form_without_its_key_gets_a_new_one_and_is_kept(app: Flask, as_reception: StrictClient) -> None:
    response = new_token(app, as_reception, form_key="")
    assert response.status_code == 422 and "This page is too old" in response.text
    form = {"name": "Farida Sheikh", "doctor": doctor_id(app), "form_key": key_of(response.text)}
    assert as_reception.submit("/desk", form).status_code == 303


@pytest.mark.parametrize("name", ["फरीदा शेख", "فريدة الشيخ", "Zoë 🌸 O'Brien", "<b>Ann</b>"])
def test_names_in_any_script_are_taken_and_shown_as_text(app: Flask, as_reception: StrictClient, name: str) -> None:
    assert new_token(app, as_reception, name=name).status_code == 303
    assert name in as_reception.get("/desk").text.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'")


def test_digits_of_another_script_are_a_phone_number(app: Flask, as_reception: StrictClient) -> None:
    assert new_token(app, as_reception, phone="९८४०० ००४२१").status_code == 303


def test_the_form_says_the_number_each_doctors_next_token_gets(app: Flask, as_reception: StrictClient) -> None:
    a_visit(app)
    page = as_reception.get("/desk").text
    assert "Dr Ananya Rao · K 02" in page and "Dr Joseph Menon · T 01" in page


def test_on_a_sunday_the_page_says_when_tokens_are_given_again(
    app: Flask, as_reception: StrictClient, clock_at: ClockAt
) -> None:
    clock_at(SUNDAY_NOON)
    client = sign_in(app, "reception@demo.example")
    page = client.get("/desk").text
    assert "Closed. Next tokens: Monday 10:00" in page
    assert "Closed today" in page
    response = new_token(app, client)
    assert response.status_code == 409
    assert "The clinic is closed. Write why a token is issued now" in response.text
    assert 'value="Farida Sheikh"' in response.text, "what was entered is kept"
    assert tokens_of(app, SUNDAY_NOON) == []


def test_a_typed_reason_issues_a_token_while_the_clinic_is_closed(app: Flask, clock_at: ClockAt) -> None:
    clock_at(SUNDAY_NOON)
    client = sign_in(app, "reception@demo.example")
    assert new_token(app, client, reason="Came from far away").status_code == 303
    assert tokens_of(app, SUNDAY_NOON) == ["K 01"]
    assert "far away" not in client.get("/desk").text


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (MONDAY_NOON.replace(hour=8), "Closed. Next tokens: today 10:00"),
        (MONDAY_NOON.replace(hour=18, minute=15), "Closed. Next tokens: Tuesday 10:00"),
        (MONDAY_NOON.replace(hour=18, minute=15) + timedelta(days=5), "Closed. Next tokens: Monday 10:00"),
    ],
)
def test_the_next_opening_is_said_in_words(app: Flask, clock_at: ClockAt, at: datetime, words: str) -> None:
    clock_at(at)
    assert words in sign_in(app, "reception@demo.example").get("/desk").text


def test_reception_finds_who_has_been_here_before_without_a_name_in_the_address(
    app: Flask, as_reception: StrictClient, clock_at: ClockAt
) -> None:
    a_signed_visit(app)
    as_reception.get("/desk/returning")
    response = as_reception.submit("/desk/returning", {"name": "shei", "phone": ""})
    assert "F. S." in response.text and "1968" in response.text
    assert "Farida" not in response.text
    link = re.search(r'href="(/desk/patients/[0-9a-f-]{36}/token)"', response.text)
    assert link
    page = as_reception.get(link[1]).text
    assert "F. S." in page and "Farida" not in page
    form = {"doctor": doctor_id(app, "T"), "form_key": key_of(page)}
    for _ in range(2):
        assert as_reception.submit(link[1], form).status_code == 303
    assert tokens_of(app) == ["K 01", "T 01"]
    with app.test_request_context():
        first, second = visits.list_day(MONDAY_NOON.date())
        assert first.patient_id == second.patient_id


def test_a_search_that_says_too_little_is_told_what_to_write(as_reception: StrictClient) -> None:
    response = as_reception.submit("/desk/returning", {"name": "fa"})
    assert response.status_code == 422
    assert "Write at least 3 letters of the name" in response.text


def test_a_patient_nobody_knows_gets_no_token(as_reception: StrictClient) -> None:
    assert as_reception.get(f"/desk/patients/{UUID(int=5)}/token").status_code == 404
