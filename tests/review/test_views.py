"""The doctor's pages through HTTP: who may enter, what each button does, what wrong input gets."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from intake import audit, clock, consent, jobs, review
from intake.access import Actor
from intake.db import db
from tests.builders import HEALTHY, a_signed_visit, a_visit, answered
from tests.conftest import MONDAY_NOON, PASSWORD
from tests.review.conftest import FLAGGED, MINOR, PRESSED, Send, about, as_sent, settled


def field(point: str) -> str:
    return point.replace(":", "-")


def errors_of(page: str) -> list[str]:
    """What the error summary says, in order."""
    summary = re.search(r'<div class="errors".*?</div>', page, re.S)
    return re.findall(r"<li>(?:<a[^>]*>)?([^<]+)", summary[0]) if summary else []


def state(app: Flask, visit_id: Any) -> consent.State:
    with app.test_request_context():
        return consent.state_of(visit_id)


@pytest.mark.parametrize("who", ["as_reception", "as_records", "as_admin", "as_author"])
def test_only_a_doctor_sees_the_worklist_or_a_review(app: Flask, request: pytest.FixtureRequest, who: str) -> None:
    visit_id = a_signed_visit(app)
    client = request.getfixturevalue(who)
    assert client.get("/review").status_code == 403
    assert client.get(f"/review/{visit_id}").status_code == 403
    for button in ("", "/release", "/countersign", "/postpone"):
        assert client.submit(f"/review/{visit_id}{button}").status_code == 403
    assert state(app, visit_id) is consent.State.SIGNED


def test_somebody_not_signed_in_is_sent_to_the_door(app: Flask, anonymous: FlaskClient) -> None:
    response = anonymous.get(f"/review/{a_visit(app)}")
    assert response.status_code == 303
    assert "/sign-in" in response.location


def test_an_unknown_visit_is_a_page_that_is_not_there(as_doctor: FlaskClient) -> None:
    assert as_doctor.get("/review/00000000-0000-0000-0000-000000000001").status_code == 404


def test_opening_a_review_is_an_event_in_the_log(app: Flask, as_doctor: FlaskClient) -> None:
    visit_id = a_signed_visit(app)
    as_doctor.get(f"/review/{visit_id}")
    with app.test_request_context():
        opened = [entry for entry in audit.history_of(visit_id) if entry.event == "review.opened"]
    assert len(opened) == 1
    assert b'"own_token":true' in opened[0].body


def test_the_patients_name_stands_in_the_page_and_never_in_its_title(app: Flask, as_doctor: FlaskClient) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    page = as_doctor.get(f"/review/{visit_id}").text
    title = re.search(r"<title>(.*?)</title>", page, re.S)
    assert title is not None
    assert "Farida" not in title[1]
    assert "<bdi>Farida Sheikh</bdi>" in page


def test_the_page_says_how_the_pages_with_the_risks_were_read(app: Flask, as_doctor: FlaskClient) -> None:
    line = "<dt>Pages with the risks</dt><dd>not known whether the end was seen, time not known</dd>"
    assert line in as_doctor.get(f"/review/{a_signed_visit(app)}").text


def test_the_page_is_dark_where_the_system_is(app: Flask, as_doctor: FlaskClient) -> None:
    assert 'class="staff auto-dark' in as_doctor.get(f"/review/{a_signed_visit(app)}").text


def test_the_page_quotes_the_patient_and_says_what_clears_a_block(app: Flask, as_doctor: FlaskClient) -> None:
    page = as_doctor.get(f"/review/{a_signed_visit(app, FLAGGED, questions=('C-09c',), wrong=('TB-1',))}").text
    assert "Do you take a blood thinner? <q><bdi>Aspirin (Ecosprin)</bdi></q>" in page
    assert "<b>Clears when:</b> Allergy disproved or non-amide plan recorded" in page
    assert "Has a question: Small bumps at the needle points" in page
    assert "Explain in person: What can this treatment NOT do?" in page
    assert "R-ALG-01" not in page


def test_another_doctors_token_is_shown_as_such(app: Flask, as_other_doctor: FlaskClient) -> None:
    assert "Token of Dr Ananya Rao." in as_other_doctor.get(f"/review/{a_signed_visit(app)}").text


def test_the_worklist_shows_own_tokens_and_on_asking_everybodys(app: Flask, as_other_doctor: FlaskClient) -> None:
    visit_id = a_signed_visit(app)
    assert str(visit_id) not in as_other_doctor.get("/review").text
    assert str(visit_id) in as_other_doctor.get("/review?of=all").text


def test_what_was_left_undecided_for_long_is_folded_under_the_age_of_the_oldest(
    app: Flask, as_doctor: FlaskClient
) -> None:
    for days in (3, 9, 24):
        with clock.frozen(MONDAY_NOON - timedelta(days=days)):
            answered(app, a_visit(app), PRESSED)
    page = as_doctor.get("/review").text
    recent, older = page.split("<details")
    assert "Of the last 7 days, not decided" in recent and ">3 days</td>" in recent
    assert "Older than 7 days, not decided" in older and "the oldest waits 24 days" in older
    assert re.findall(r">(\d+ days)</td>", older) == ["24 days", "9 days"]


def test_decisions_are_saved_and_shown_with_who_made_them(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution = about(app, visit_id, "R-BLD-04")
    response = send(as_doctor, visit_id, "", {caution: ("change_plan", "Fewer points <b>today</b>")})
    assert response.status_code == 303
    page = as_doctor.get(response.location).text
    assert "Your decisions are saved." in page
    assert re.search(
        r"<b>Change plan</b>: <q><bdi>Fewer points &lt;b&gt;today&lt;/b&gt;</bdi></q>"
        r'<br><span class="num">Dr Ananya Rao, 12:00</span>',
        page,
    )


def test_a_decision_without_words_is_an_error_beside_the_field_and_the_rest_is_kept(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution, block = about(app, visit_id, "R-BLD-04"), about(app, visit_id, "R-ALG-01")
    response = send(as_doctor, visit_id, "", {caution: ("go_ahead", "Told about bruises"), block: ("change_plan", " ")})
    assert response.status_code == 422
    page = response.text
    assert errors_of(page) == ["Write it in your words, for “Reported local-anaesthetic allergy”"]
    assert f'id="w-{field(block)}-err"' in page
    assert "Told about bruises</textarea>" in page
    assert re.search(rf'name="v-{field(block)}"[^>]* value="change_plan" checked', page)
    with app.test_request_context():
        assert review.review_of(visit_id).matters.decisions == ()


def test_words_without_a_decision_are_not_lost_silently(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    response = send(as_doctor, visit_id, "", {about(app, visit_id, "R-BLD-04"): ("", "Stopped it last week")})
    assert response.status_code == 422
    assert errors_of(response.text) == ["Choose a decision, or take the words out"]
    assert "Stopped it last week</textarea>" in response.text


def test_a_rule_that_is_not_clearable_offers_no_go_ahead(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, MINOR)
    minor = about(app, visit_id, "R-AGE-01")
    page = as_doctor.get(f"/review/{visit_id}").text
    offered = re.findall(rf'name="v-{field(minor)}"[^>]* value="(\w+)"', page)
    assert offered == ["postpone"]
    response = send(as_doctor, visit_id, "release", {minor: ("go_ahead", "Mother agrees")})
    assert response.status_code == 422
    assert errors_of(response.text) == ["Choose one of the decisions shown"]


def test_countersigning_early_says_what_is_open_as_links_and_keeps_the_words(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09c",), wrong=("TB-1",))
    said = {about(app, visit_id, "R-BLD-04"): ("go_ahead", "Told about bruises")}
    response = send(as_doctor, visit_id, "countersign", said, password=PASSWORD)
    assert response.status_code == 422
    page = response.text
    assert errors_of(page) == [
        "Decide about “Reported local-anaesthetic allergy”",
        "Tick that you have seen “No clinical photos”",
        "Say how you answered the question about “Small bumps at the needle points”",
        "Explain in person: “What can this treatment NOT do?”",
    ]
    targets = re.findall(r'<li><a href="#([^"]+)"', page)
    assert all(f'id="{target}"' in page for target in targets)
    assert page.startswith("<!doctype html>")
    assert "<title>Error:" in page
    assert PASSWORD not in page
    assert "Told about bruises</textarea>" in as_doctor.get(f"/review/{visit_id}").text
    assert state(app, visit_id) is consent.State.SIGNED


def test_where_much_is_open_it_is_said_in_short_above_and_in_full_beside_each_point(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09a", "C-09b", "C-09c"), wrong=("TB-1", "TB-2"))
    early = send(as_doctor, visit_id, "countersign", password=PASSWORD).text
    assert errors_of(early) == [
        "2 findings need your decision",
        "Tick that you have seen “No clinical photos”",
        "3 questions to answer",
        "2 teach-back questions to explain",
    ]
    first = re.findall(r'<li><a href="#([^"]+)"', early)
    assert first[0] == "v-" + field(about(app, visit_id, "R-ALG-01"))
    assert all(f'id="{target}"' in early for target in first)
    assert f'id="v-{field(about(app, visit_id, "R-BLD-04"))}-err"' in early
    assert "Decide about “Antiplatelet”" in early
    assert "<b>8 things are still open:</b>" in early
    assert "and 5 more." in early


def test_a_wrong_password_is_said_clearly_and_the_words_are_kept(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    said = settled(app, visit_id)
    response = send(as_doctor, visit_id, "countersign", said, password="not the password at all")
    assert response.status_code == 422
    assert errors_of(response.text) == [
        "That password is not right. Your decisions are saved; write the password again"
    ]
    assert "Talked about it: Antiplatelet</textarea>" in response.text
    assert state(app, visit_id) is consent.State.SIGNED
    with app.test_request_context():
        assert "staff.reauthentication_refused" in [e.event for e in audit.history_of(_doctor_id(app))]


def _doctor_id(app: Flask) -> Any:
    from intake import staff

    return next(doctor.id for doctor in staff.list_doctors() if doctor.letter == "K")


def test_without_a_password_the_page_asks_for_it(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    response = send(as_doctor, a_signed_visit(app), "countersign")
    assert response.status_code == 422
    assert errors_of(response.text) == ["Write your password to countersign"]


def test_a_guesser_of_the_password_is_slowed_down(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_signed_visit(app)
    answers = [send(as_doctor, visit_id, "countersign", password=f"wrong password {n}") for n in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert "Too many tries. Please wait until 12:00" in errors_of(answers[-1].text)[0]
    assert send(as_doctor, visit_id, "countersign", password=PASSWORD).status_code == 429
    with clock.frozen(MONDAY_NOON.replace(minute=5)):
        assert send(as_doctor, visit_id, "countersign", password=PASSWORD).status_code == 303


def test_countersigning_saves_signs_and_orders_the_record(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09c",), wrong=("TB-1",))
    response = send(as_doctor, visit_id, "countersign", settled(app, visit_id), password=PASSWORD)
    assert response.status_code == 303
    assert response.location == "/review"
    page = as_doctor.get("/review").text
    assert "K 01 is countersigned. Its record is being sealed." in page
    assert "Decided today" in page
    assert state(app, visit_id) is consent.State.COUNTERSIGNED
    with app.test_request_context():
        assert [job.key for job in jobs.list_unfinished()] == [str(visit_id)]


def test_a_decided_visit_is_read_only_and_says_who_decided(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    before = as_doctor.get(f"/review/{visit_id}").text
    send(as_doctor, visit_id, "countersign", settled(app, visit_id), password=PASSWORD)
    page = as_doctor.get(f"/review/{visit_id}").text
    assert "<b>Countersigned</b>, 23 November 2026" in page
    assert "Dr Ananya Rao" in page
    assert "<textarea" not in page
    late = as_doctor.post(f"/review/{visit_id}", data=as_sent(before) | {"csrf_token": as_doctor.token})
    assert late.status_code == 409
    assert "Your press changed nothing: this visit was decided before it." in late.text


def test_a_page_opened_before_the_patient_signed_does_not_countersign_unseen_evidence(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app)
    response = send(as_doctor, visit_id, "countersign", password=PASSWORD, sha256="")
    assert response.status_code == 409
    assert errors_of(response.text) == ["The patient signed after you opened this page. Look again, then countersign"]
    assert state(app, visit_id) is consent.State.SIGNED


def test_what_another_doctor_decided_meanwhile_is_shown_and_not_overwritten(
    app: Flask, as_doctor: FlaskClient, as_other_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution = about(app, visit_id, "R-BLD-04")
    mine = as_doctor.get(f"/review/{visit_id}").text
    send(as_other_doctor, visit_id, "", {caution: ("postpone", "Ask the cardiologist")})
    typed = as_sent(mine, {caution: ("go_ahead", "Small area")})
    response = as_doctor.post(f"/review/{visit_id}", data=typed)
    assert response.status_code == 409
    assert errors_of(response.text) == [
        "“Antiplatelet” was decided by somebody else meanwhile. Look at both, then save again"
    ]
    assert "Small area</textarea>" in response.text
    assert "<b>Postpone</b>: <q><bdi>Ask the cardiologist</bdi></q>" in response.text
    again = as_doctor.post(f"/review/{visit_id}", data=as_sent(response.text))
    assert again.status_code == 303
    assert "<b>Go ahead</b>: <q><bdi>Small area</bdi></q>" in as_doctor.get(f"/review/{visit_id}").text


def test_a_patient_who_must_talk_first_goes_on_after_the_talk(app: Flask, as_doctor: FlaskClient, send: Send) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PRESSED)
    early = send(as_doctor, visit_id, "release")
    assert early.status_code == 422
    assert errors_of(early.text) == ["Decide about “Possible pressure from another person”"]
    said = {about(app, visit_id, "R-CON-03"): ("go_ahead", "Talked alone; her own choice")}
    assert send(as_doctor, visit_id, "release", said).status_code == 303
    assert "K 01 may go on now." in as_doctor.get("/review").text
    again = send(as_doctor, visit_id, "release")
    assert again.status_code == 303


def test_a_patient_whose_answers_lead_to_no_treatment_cannot_be_sent_on_to_sign(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, {**HEALTHY, "tx.goals": ["unsure"]})
    response = send(as_doctor, visit_id, "release", settled(app, visit_id))
    assert response.status_code == 409
    assert errors_of(response.text) == [
        "These answers lead to no treatment that could be signed for. Postpone the session"
    ]


def test_before_the_answers_are_given_there_is_nothing_to_press(app: Flask, as_doctor: FlaskClient) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, submit=False)
    page = as_doctor.get(f"/review/{visit_id}").text
    assert "The patient is still answering." in page
    assert "<textarea" not in page
    assert as_doctor.submit(f"/review/{visit_id}").status_code == 409
    assert as_doctor.get(f"/review/{visit_id}/postpone").status_code == 303


def test_postponing_keeps_what_was_typed_asks_once_more_and_for_words(
    app: Flask, as_doctor: FlaskClient, send: Send
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    said = {about(app, visit_id, "R-BLD-04"): ("postpone", "Ask the cardiologist")}
    response = send(as_doctor, visit_id, "", said, then="postpone")
    assert response.location == f"/review/{visit_id}/postpone"
    page = as_doctor.get(response.location).text
    assert "Ask the cardiologist</textarea>" in page
    assert state(app, visit_id) is consent.State.SIGNED
    empty = as_doctor.submit(response.location, {"words": " "})
    assert empty.status_code == 422
    assert errors_of(empty.text) == ["Write why the session is postponed, in your words"]
    done = as_doctor.submit(response.location, {"words": "Ask the cardiologist, then come back"})
    assert done.location == "/review"
    assert state(app, visit_id) is consent.State.POSTPONED
    assert "Ask the cardiologist, then come back" in as_doctor.get(f"/review/{visit_id}").text
    twice = as_doctor.submit(response.location, {"words": "Once more"})
    assert twice.status_code == 409


def test_of_two_doctors_countersigning_at_once_one_wins_and_the_other_is_told(
    app: Flask, as_doctor: FlaskClient, as_other_doctor: FlaskClient
) -> None:
    visit_id = a_signed_visit(app)
    clients = {"Dr Ananya Rao": as_doctor, "Dr Joseph Menon": as_other_doctor}
    forms = {name: as_sent(c.get(f"/review/{visit_id}").text) | {"password": PASSWORD} for name, c in clients.items()}
    barrier, answers = threading.Barrier(2), dict[str, Any]()

    def press(name: str) -> None:
        barrier.wait(timeout=10)
        answers[name] = clients[name].post(f"/review/{visit_id}/countersign", data=forms[name])

    threads = [threading.Thread(target=press, args=(name,)) for name in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(answer.status_code for answer in answers.values()) == [303, 409]
    winner = next(name for name, answer in answers.items() if answer.status_code == 303)
    told = next(answer.text for answer in answers.values() if answer.status_code == 409)
    assert "Your press changed nothing: this visit was decided before it." in told
    assert f"12:00</span>, {winner}</p>" in told
    with app.test_request_context():
        assert [e.event for e in audit.history_of(visit_id)].count("consent.countersigned") == 1
        assert audit.verify() is None
        db.session.remove()


def test_the_demo_says_that_the_password_stands_in_for_a_passkey(app: Flask, as_doctor: FlaskClient) -> None:
    visit_id = a_signed_visit(app)
    sentence = "Demo: the password is taken in place of a passkey."
    assert sentence not in as_doctor.get(f"/review/{visit_id}").text
    app.config["INTAKE"] = replace(app.config["INTAKE"], demo=True)
    assert sentence in as_doctor.get(f"/review/{visit_id}").text


def test_emoji_right_to_left_text_and_markup_in_answers_are_shown_as_typed(
    app: Flask, as_doctor: FlaskClient, doctor: Actor
) -> None:
    visit_id = a_signed_visit(app, {**FLAGGED, "al.detail": "عند طبيب الأسنان 😀 <script>alert(1)</script>"})
    page = as_doctor.get(f"/review/{visit_id}").text
    assert "عند طبيب الأسنان 😀 &lt;script&gt;alert(1)&lt;/script&gt;" in page
