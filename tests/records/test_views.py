"""The public page of a record's number: what it says to anybody, and what it never says."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from intake import consent, records
from intake.db import transaction
from intake.i18n import clinic
from tests.builders import TABLET
from tests.conftest import StrictClient
from tests.endings import a_declined_visit, a_filed_visit, work_done


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
