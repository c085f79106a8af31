"""The public page of a record's number: what it says to anybody, and what it never says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from intake import consent, records
from intake.db import db, transaction
from intake.i18n import clinic
from tests.builders import TABLET, TWO_TREATMENTS, a_signed_visit
from tests.conftest import MONDAY_NOON, StrictClient
from tests.endings import a_declined_visit, a_filed_visit, countersigned, record_id_of, withdrawn, work_done


@pytest.fixture
def filed(app: Flask) -> Any:
    visit_id = a_filed_visit(app)
    with app.app_context():
        return records.record_of_visit(visit_id)


def take_back(app: Flask, visit_id: UUID) -> None:
    with app.app_context(), transaction():
        consent.withdraw(
            clinic(),
            visit_id,
            [consent.TREATMENT],
            "",
            consent.Request.TABLET,
            identity=["born_on"],
            language="en",
            by=TABLET,
        )


@pytest.mark.parametrize("change", [str.lower, lambda n: n.replace("-", " "), lambda n: n.replace("0", "O")])
def test_a_number_is_found_however_it_is_typed(anonymous: StrictClient, filed: Any, change: Any) -> None:
    answer = anonymous.submit("/verify", {"number": change(filed.number)})
    assert (answer.status_code, answer.location) == (303, f"/verify/{filed.number}")
    page = anonymous.get(answer.location).text
    assert "Current: not replaced, not taken back" in page and filed.pdf_sha256 in page


def test_what_the_page_says_is_nobodys_name_and_nothing_of_health(anonymous: StrictClient, filed: Any) -> None:
    page = anonymous.get(f"/verify/{filed.number}").text
    for word in ("Farida", "Sheikh", "1968", "firmer", "Cheeks", "K 01", "Countersigned", "Rao"):
        assert word not in page


def test_a_consent_that_was_taken_back_says_so_at_once(app: Flask, anonymous: FlaskClient, filed: Any) -> None:
    take_back(app, filed.visit_id)
    page = anonymous.get(f"/verify/{filed.number}").text
    assert "Taken back by the patient" in page and "It is not in force any more" in page
    assert work_done(app) == 1
    with app.app_context():
        second = records.records_of_visit(filed.visit_id)[1]
    assert "Current: not" in anonymous.get(f"/verify/{second.number}").text, "that it was taken back stays true"


def test_a_record_of_which_a_part_was_taken_back_says_in_part_and_never_which(
    app: Flask, anonymous: FlaskClient
) -> None:
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    countersigned(app, visit_id)
    work_done(app)
    with app.app_context():
        number = records.get_record(record_id_of(app, visit_id)).number
    withdrawn(app, visit_id, "treatment:FAT")
    page = anonymous.get(f"/verify/{number}").text
    assert "Taken back in part; the rest stands" in page and "Ask the clinic which part" in page
    assert "not in force" not in page and "Current" not in page and "at and body" not in page
    withdrawn(app, visit_id, "treatment:HAIR")
    page = anonymous.get(f"/verify/{number}").text
    assert "Taken back by the patient" in page and "It is not in force any more" in page


def test_a_record_that_gives_no_consent_is_not_called_one_in_force(app: Flask, anonymous: StrictClient) -> None:
    visit_id = a_declined_visit(app)
    with app.app_context():
        no = records.record_of_visit(visit_id)
    assert no is not None
    page = anonymous.get(f"/verify/{no.number}").text
    assert "Current: not replaced" in page and "in force" not in page.lower()


@pytest.mark.parametrize("number", ["KS-0000-0000", "nonsense", "KS-7KQ2-M9X", "x" * 20])
def test_a_number_nobody_has_gets_one_answer_whatever_it_is(anonymous: StrictClient, number: str) -> None:
    answer = anonymous.get(f"/verify/{number}")
    assert answer.status_code == 404 and "There is no record with this number here" in answer.text
    assert number not in answer.text


@pytest.mark.parametrize("typed", ["", "hello", "KS-7KQ2"])
def test_what_is_no_number_says_how_one_looks_and_is_kept(anonymous: StrictClient, typed: str) -> None:
    answer = anonymous.submit("/verify", {"number": typed})
    assert answer.status_code == 422
    assert "for example KS-7KQ2-M9XF" in answer.text and f'value="{typed}"' in answer.text


GUESS = "/verify/KS-0000-00{:02d}"


def test_a_place_that_guesses_waits_and_is_told_how_long(
    app: Flask, anonymous: StrictClient, filed: Any, clock_at: Callable[[datetime], None]
) -> None:
    assert [anonymous.get(GUESS.format(n)).status_code for n in range(5)] == [404] * 5
    told = anonymous.get(GUESS.format(5))
    assert (told.status_code, told.headers["Retry-After"]) == (429, "2")
    assert "Please try again in 2 seconds." in told.text and "Nothing is wrong with your record" in told.text
    right = anonymous.get(f"/verify/{filed.number}")
    assert right.status_code == 429 and filed.pdf_sha256 not in right.text, "or the wait would tell which is right"
    clock_at(MONDAY_NOON + timedelta(seconds=2))
    assert anonymous.get(f"/verify/{filed.number}").status_code == 200
    assert anonymous.get(GUESS.format(6)).status_code == 404
    told = anonymous.get(GUESS.format(7))
    assert (told.status_code, told.headers["Retry-After"]) == (429, "4"), "a right number forgives no wrong one"


def test_the_wait_grows_to_a_quarter_of_an_hour_and_never_for_good(
    app: Flask, anonymous: StrictClient, clock_at: Callable[[datetime], None]
) -> None:
    now, waits = MONDAY_NOON, list[int]()
    for n in range(16):
        clock_at(now)
        answer = anonymous.get(GUESS.format(n))
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            now += timedelta(seconds=waits[-1])
            clock_at(now)
            answer = anonymous.get(GUESS.format(n))
        assert answer.status_code == 404
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    clock_at(now + timedelta(hours=2))
    assert anonymous.get(GUESS.format(1)).status_code == 404


def test_another_place_does_not_wait_for_it_but_many_places_wait_together(app: Flask, filed: Any) -> None:
    browser = app.test_client()
    for n in range(100):
        place = {"REMOTE_ADDR": f"192.0.2.{n // 5}"}
        assert browser.get(GUESS.format(n % 100), environ_base=place).status_code == 404
    told = browser.get(f"/verify/{filed.number}", environ_base={"REMOTE_ADDR": "198.51.100.7"})
    assert (told.status_code, told.headers["Retry-After"]) == (429, "2")


def test_what_is_no_number_costs_nothing_and_a_right_one_neither(anonymous: StrictClient, filed: Any) -> None:
    for _ in range(8):
        assert anonymous.get("/verify/nonsense").status_code == 404
        assert anonymous.get(f"/verify/{filed.number}").status_code == 200


def test_the_count_names_no_place(app: Flask, anonymous: StrictClient) -> None:
    anonymous.get(GUESS.format(1))
    with app.app_context():
        rows = db.session.execute(text("SELECT * FROM sign_in_attempt")).all()
    assert len(rows) == 2 and "127.0.0.1" not in str(rows)
