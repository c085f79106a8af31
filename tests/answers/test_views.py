"""Answering a section over HTTP, without scripts: what wrong, strange, late and doubled input gets."""

import html
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import answers
from intake.answers.forms import field_name
from intake.db import transaction
from tests.builders import TABLET
from tests.conftest import MONDAY_NOON, StrictClient
from tests.kiosk.pages import (
    at_check,
    at_questions,
    at_sign,
    browser_fields,
    drafted,
    errors_of,
    events,
    questionnaire,
    sent,
    title_of,
    untouched,
)

ABOUT, REACH, START, WISH, PREGNANT = (f"/visit/questions/{name}" for name in ("id", "ct", "st", "tx", "pr"))
CHECK = "/visit/check"


@pytest.fixture
def patient(app: Flask) -> tuple[StrictClient, UUID]:
    """A patient in front of the first question."""
    return at_questions(app)


def send(app: Flask, patient: tuple[StrictClient, UUID], path: str, **plain: Any) -> Any:
    """Open a section and send it with some answers changed."""
    client, visit_id = patient
    return client.post(path, data=untouched(client, path) | sent(app, visit_id, **plain))


def about_you(app: Flask, patient: tuple[StrictClient, UUID], **plain: Any) -> Any:
    """The section about the person with a complete answer, changed by `plain`; dates as id__dob_d, _m, _y."""
    client, visit_id = patient
    born = field_name(questionnaire(app, visit_id), "id.dob")
    boxes = {f"{born}-{key[-1]}": plain.pop(key) for key in list(plain) if key.startswith("id__dob_")}
    typed = sent(app, visit_id, **({"id__name": "Farida Sheikh", "id__sex": "female"} | plain))
    return client.post(ABOUT, data=untouched(client, ABOUT) | typed | boxes)


def test_a_missing_answer_is_named_beside_the_field_and_in_a_summary_that_takes_the_focus(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    response = about_you(app, patient, id__name="  ", id__sex=[])
    assert response.status_code == 422
    assert errors_of(response.text) == [
        "Your full name: Write an answer",
        "Your sex (as it matters for medical care): Choose one answer",
    ]
    assert said_beside(response.text) == ["Write an answer", "Choose one answer"]
    assert title_of(response.text).startswith("Error: About you")
    assert 'aria-invalid="true"' in response.text


def said_beside(page: str) -> list[str]:
    """What stands beside the fields, in order."""
    return [html.unescape(words) for words in re.findall(r'-err">.*?</span>([^<]+)</span></p>', page)]


def test_two_questions_that_say_the_same_are_told_apart_in_the_summary(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    response = send(app, patient, "/visit/questions/mh-2", mh__cancer="no")
    assert errors_of(response.text) == [
        "Do you have any of these? (Fits or epilepsy, Asthma or severe allergies, …): Choose at least one answer",
        "Do you have any of these? (An autoimmune disease, Sarcoidosis or other granuloma…): "
        "Choose at least one answer",
    ]
    assert said_beside(response.text) == ["Choose at least one answer"] * 2


def test_every_line_of_the_summary_leads_to_a_field(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    page = about_you(app, patient, id__name="", id__sex=[], id__dob_y="56").text
    summary = page.split('id="errors"')[1].split("</div>")[0]
    links = re.findall(r'href="#([^"]+)"', summary)
    assert len(links) == summary.count("<li>") == 3
    for link in links:
        assert re.search(rf'<input [^>]*id="{link}"', page), link


def test_nothing_is_kept_of_a_page_with_an_error_but_what_was_typed_stays_in_it(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    response = about_you(app, patient, id__name="Farida Begum", id__sex=[])
    assert 'value="Farida Begum"' in response.text
    assert drafted(app, patient[1], "id.name") == ["Farida Sheikh"]


@pytest.mark.parametrize(
    ("day", "month", "year", "says"),
    [
        ("31", "2", "1968", "February 1968 has only 29 days: check the day, the month and the year"),
        ("31", "april", "1968", "April 1968 has only 30 days: check the day, the month and the year"),
        ("4", "3", "2027", "Write a date that is not after today, 23 November 2026"),
        ("4", "", "1968", "Write the day, the month and the year"),
        ("4", "3", "1868", "The year must be 1900 or later"),
        ("4", "3", "99999", "Write the year with four digits, for example 1956"),
        ("4", "3", "56", "Write the year with four digits, for example 1956"),
        ("4", "13", "1968", "Write the month as a number from 1 to 12, or as a word"),
        ("four", "3", "1968", "Write the day as a number from 1 to 31"),
    ],
)
def test_a_date_that_cannot_be_says_what_to_do(
    app: Flask, patient: tuple[StrictClient, UUID], day: str, month: str, year: str, says: str
) -> None:
    response = about_you(app, patient, id__dob_d=day, id__dob_m=month, id__dob_y=year)
    assert (response.status_code, errors_of(response.text)) == (422, [f"Your date of birth: {says}"])
    assert said_beside(response.text) == [says]


def test_a_month_may_be_a_word_and_digits_of_any_script_count(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    assert about_you(app, patient, id__dob_d="४", id__dob_m="मार्च", id__dob_y="१९६८").status_code == 303
    assert drafted(app, patient[1], "id.dob") == ["1968-03-04"]


REACHABLE = {"ct__ok": ["call"], "ct__ec_name": "Imran", "ct__ec_phone": "98400 00422"}


@pytest.mark.parametrize("typed", ["98400 CALLME", "98abc", "12"])
def test_what_is_no_phone_number_is_refused_with_an_example(
    app: Flask, patient: tuple[StrictClient, UUID], typed: str
) -> None:
    response = send(app, patient, REACH, **REACHABLE, ct__mobile=typed)
    assert response.status_code == 422
    assert errors_of(response.text) == ["Your mobile number: Write the number with digits, for example 98765 43210"]
    assert f'value="{typed}"' in response.text


def test_devanagari_digits_in_a_phone_number_are_taken_and_stored_as_ascii(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    assert send(app, patient, REACH, **REACHABLE, ct__mobile="९८४०० ००४२१").status_code == 303
    assert drafted(app, patient[1], "ct.mobile") == ["98400 00421"]


def test_a_name_of_5000_characters_gets_a_clear_sentence(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    response = about_you(app, patient, id__name="ab " * 1667)
    assert (response.status_code, errors_of(response.text)) == (
        422,
        ["Your full name: Write at most 200 characters"],
    )


@pytest.mark.parametrize(
    "name", ["Farida 🌸 Sheikh", "فريدة شيخ", "सुनीता शर्मा", '<b>Bobby</b> {{7*7}} "O\'Neil"', "Zoë D’Souza"]
)
def test_names_in_any_script_are_kept_as_typed(app: Flask, patient: tuple[StrictClient, UUID], name: str) -> None:
    assert about_you(app, patient, id__name=name).status_code == 303
    assert drafted(app, patient[1], "id.name") == [name]
    assert untouched(patient[0], ABOUT)[field_name(questionnaire(app, patient[1]), "id.name")] == [name]


def test_an_option_that_is_not_offered_is_refused(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    response = about_you(app, patient, id__sex="martian")
    assert (response.status_code, errors_of(response.text)) == (
        422,
        ["Your sex (as it matters for medical care): Choose one of the answers shown"],
    )


def test_none_of_these_stands_alone(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    response = send(app, patient, PREGNANT, pr__status=["none", "bf"])
    assert (response.status_code, errors_of(response.text)) == (
        422,
        ["Which of these apply to you now? “None of these” stands alone. Choose it, or the others"],
    )


def test_an_answer_to_a_question_that_is_not_asked_is_dropped_and_said_in_the_log(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    assert send(app, patient, START, st__who="self", st__helper_name="Nobody").status_code == 303
    assert drafted(app, patient[1], "st.helper_name") == []
    assert [facts["items"] for facts in events(app, patient[1], "response.not_asked_dropped")] == ["st.helper_name"]


def test_two_windows_on_one_page_do_not_lose_an_answer(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    first, second = untouched(client, ABOUT), untouched(client, ABOUT)
    assert client.post(ABOUT, data=first | sent(app, visit_id, id__sex="female", id__name="First")).status_code == 303
    late = client.post(ABOUT, data=second | sent(app, visit_id, id__sex="male", id__name="Second"))
    assert late.status_code == 409
    assert errors_of(late.text) == [
        "These questions were changed in another window. Look at your answers here and press Continue again"
    ]
    assert drafted(app, visit_id, "id.name") == ["First"]
    assert client.post(ABOUT, data=browser_fields(late.text)).status_code == 303
    assert drafted(app, visit_id, "id.name") == ["Second"]


def test_what_one_window_left_open_takes_nothing_away_from_the_other(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    client, visit_id = patient
    reach = "/visit/questions/ct"
    first, second = untouched(client, reach), untouched(client, reach)
    one = sent(app, visit_id, ct__email="farida@example.com", ct__ok=["call"], ct__ec_name="Sana")
    assert client.post(f"{reach}?partial=1", data=first | one).status_code == 204
    other = sent(
        app, visit_id, ct__mobile="98400 00421", ct__ok=["msg"], ct__ec_name="Imran", ct__ec_phone="9840000422"
    )
    late = client.post(reach, data=second | other)
    assert late.status_code == 409
    assert client.post(reach, data=browser_fields(late.text)).status_code == 303
    assert drafted(app, visit_id, "ct.email") == ["farida@example.com"]
    assert drafted(app, visit_id, "ct.ec_name") == ["Imran"]
    assert drafted(app, visit_id, "ct.ec_phone") == ["9840000422"]


def test_a_check_page_that_is_out_of_date_gives_nothing_and_keeps_the_answers(app: Flask) -> None:
    client, visit_id = at_check(app)
    old = untouched(client, CHECK)
    change = untouched(client, ABOUT) | sent(app, visit_id, id__name="Farida Begum")
    assert client.post(ABOUT, data=change).status_code == 303
    for revision in (old["rev"], "0", "no number"):
        late = client.post(CHECK, data=old | {"rev": revision})
        assert late.status_code == 409 and "Farida Begum" in late.text
    assert events(app, visit_id, "response.submitted") == []
    assert drafted(app, visit_id, "id.name") == ["Farida Begum"]
    assert client.post(CHECK, data=browser_fields(late.text)).status_code == 303
    assert len(events(app, visit_id, "response.submitted")) == 1


def test_the_same_page_sent_twice_is_one_result(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    page = untouched(client, ABOUT) | sent(app, visit_id, id__sex="female")
    assert [client.post(ABOUT, data=page).status_code for _twice in range(2)] == [303, 303]
    assert len(events(app, visit_id, "response.page_saved")) == 1


def test_an_old_token_keeps_the_answers_and_asks_to_press_again(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    page = untouched(client, ABOUT) | sent(app, visit_id, id__sex="female", id__name="Farida Begum")
    client.delete_cookie("intake-session")
    late = client.post(ABOUT, data=page)
    assert late.status_code == 422
    assert "Please press Continue again" in errors_of(late.text)[0]
    assert drafted(app, visit_id, "id.name") == ["Farida Sheikh"]
    assert client.post(ABOUT, data=browser_fields(late.text)).status_code == 303
    assert drafted(app, visit_id, "id.name") == ["Farida Begum"]


@pytest.mark.parametrize("token", ["", "garbage"])
def test_without_a_good_token_nothing_is_taken(app: Flask, patient: tuple[StrictClient, UUID], token: str) -> None:
    client, visit_id = patient
    page = untouched(client, ABOUT) | sent(app, visit_id, id__sex="female") | {"csrf_token": token}
    assert client.post(ABOUT, data=page).status_code == 422
    assert drafted(app, visit_id, "id.sex") == []


def test_without_scripts_a_question_opened_by_an_answer_is_shown_before_it_is_an_error(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    client, visit_id = patient
    shown = send(app, patient, START, st__who="helped")
    assert shown.status_code == 422
    assert "Your answers opened more on this page" in shown.text
    assert errors_of(shown.text) == []
    again = client.post(START, data=browser_fields(shown.text))
    assert errors_of(again.text) == [
        "Name of the person helping: Write an answer",
        "Who is this person? Choose one answer",
    ]
    helped = sent(app, visit_id, st__helper_name="Asha", st__helper_role="family")
    assert client.post(START, data=browser_fields(again.text) | helped).status_code == 303


def test_without_scripts_an_optional_question_opened_by_an_answer_is_not_passed_over(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    client, _visit_id = patient
    shown = send(app, patient, PREGNANT, pr__status=["maybe"])
    assert (shown.status_code, errors_of(shown.text)) == (422, [])
    assert "First day of your last period" in shown.text
    assert client.post(PREGNANT, data=browser_fields(shown.text)).status_code == 303


def test_changing_ones_mind_back_brings_the_hidden_answer_back(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    helper = {"st__helper_name": "Asha", "st__helper_role": "family"}
    assert send(app, patient, START, st__who="helped", **helper).status_code == 303
    assert send(app, patient, START, st__who="self").status_code == 303
    assert 'value="Asha"' in send(app, patient, START, st__who="helped").text


def test_a_hidden_question_is_in_the_page_disabled_with_its_condition(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    page = patient[0].get(WISH).text
    assert '<div class="item" data-item="tx.areas_face" hidden><fieldset class="cond" role="none" disabled>' in page
    assert "data-conditions=" in page and "tx.areas_face" in page.split("data-conditions=")[1]


def test_every_field_is_kept_from_the_next_persons_browser_and_brings_its_keyboard(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    page = patient[0].get(REACH).text
    boxes = [tag for tag in page.split("<input")[1:] if 'class="input' in tag.split(">")[0]]
    assert boxes and all('autocomplete="off"' in tag.split(">")[0] for tag in boxes)
    assert page.count('type="tel"') == 2 and page.count('type="email"') == 1
    assert '<form method="post" novalidate autocomplete="off"' in page


def test_no_name_is_in_a_title(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    assert title_of(patient[0].get(ABOUT).text) == "About you – Kesari Skin & Hair"


def test_given_answers_are_not_asked_again(app: Flask) -> None:
    client, visit_id = at_sign(app)
    assert client.get(ABOUT).headers["Location"].endswith("/visit/next")
    refused = client.submit(ABOUT, sent(app, visit_id, id__name="Late", id__sex="female"))
    assert refused.status_code in (409, 422)
    assert drafted(app, visit_id, "id.name") == ["Farida Sheikh"]


def test_an_unknown_section_is_not_found(patient: tuple[StrictClient, UUID]) -> None:
    assert patient[0].get("/visit/questions/nowhere").status_code == 404
    assert patient[0].get("/visit/questions/" + "x" * 65).status_code == 404


def test_a_revision_that_is_no_number_is_an_old_one(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    with app.test_request_context(), transaction():
        answers.save(
            visit_id, "id", {"id.name": [{"valueString": "Meanwhile"}]}, answers.get(visit_id).revision, by=TABLET
        )
    page = untouched(client, ABOUT) | sent(app, visit_id, id__sex="female") | {"rev": "1; DROP"}
    assert client.post(ABOUT, data=page).status_code == 409


def test_a_date_of_today_is_not_in_the_future(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    today = MONDAY_NOON
    response = about_you(app, patient, id__dob_d=str(today.day), id__dob_m=str(today.month), id__dob_y=str(today.year))
    assert response.status_code == 303
