"""The patient's way without scripts: questions, treatment, effects, check, sign, thanks; and the ways out."""

import html
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import consent, visits
from intake.db import transaction
from intake.i18n import clinic
from tests.builders import DESK, HEALTHY, TABLET, a_visit, answered, understood
from tests.conftest import StrictClient
from tests.kiosk.pages import (
    answer_section,
    at_check,
    at_effects,
    at_questions,
    at_sign,
    browser_fields,
    errors_of,
    events,
    identified,
    send,
    sent,
    title_of,
    untouched,
)

PREGNANT = {**HEALTHY, "pr.status": ["pregnant"]}


def follow(client: StrictClient, response: Any) -> tuple[str, Any]:
    """Where a redirect leads in the end, and the page there."""
    path = response.request.path
    while response.status_code == 303:
        path = response.headers["Location"].removeprefix("http://localhost")
        response = client.get(path)
    return path, response


def state(app: Flask, visit_id: UUID) -> consent.State:
    """Where the visit's consent stands."""
    with app.test_request_context():
        return consent.state_of(visit_id)


def answer(app: Flask, client: StrictClient, visit_id: UUID, path: str, page: Any) -> Any:
    """What a healthy patient sends from any page."""
    if path.startswith("/visit/questions/"):
        return answer_section(app, client, visit_id, path)
    fields = untouched(client, path)
    if path.startswith("/visit/effects/"):
        fields |= {name: "understood" for name in re.findall(r'type="radio" name="(part-[^"]+)"', page.text)}
    if path.startswith("/visit/teach-back/"):
        fields |= {"option": "unsure"}
    if path == "/visit/sign":
        fields |= {"typed": "Farida Sheikh"}
    return client.post(path, data=fields)


def test_a_patient_without_scripts_comes_from_the_token_to_the_thank_you_page(app: Flask) -> None:
    client, visit_id = at_questions(app)
    path, page = follow(client, client.get("/visit/next"))
    seen = []
    while path != "/visit/thanks":
        seen.append(path.split("/")[2])
        path, page = follow(client, answer(app, client, visit_id, path, page))
        assert page.status_code == 200 and len(seen) < 80, (path, errors_of(page.text))
    assert list(dict.fromkeys(seen)) == ["questions", "treatment", "effects", "teach-back", "check", "sign"]
    assert state(app, visit_id) is consent.State.SIGNED
    shown = [facts["page"] for facts in events(app, visit_id, "page.shown")]
    assert "consent.effects effects" in shown and shown[-1] == "consent.sign"


def test_every_page_has_one_heading_a_way_back_help_and_a_way_to_say_no(app: Flask) -> None:
    client, visit_id = at_questions(app)
    path, page = follow(client, client.get("/visit/next"))
    before = "/tablet"
    while path != "/visit/sign":
        assert len(re.findall("<h1", page.text)) == 1, path
        assert 'class="btn btn-quiet" type="submit" form="help"' in page.text, path
        assert 'href="/visit/decline">I do not want this treatment</a>' in page.text, path
        back = re.search(r'class="back" href="([^"]+)"', page.text)
        assert back is not None and client.get(back[1]).status_code == 200, path
        assert back[1] == before or not path.startswith("/visit/questions/"), path
        before = path
        path, page = follow(client, answer(app, client, visit_id, path, page))


def test_the_script_is_told_the_next_page_so_that_it_is_shown_once(app: Flask) -> None:
    client, visit_id = at_questions(app)
    fields = untouched(client, "/visit/questions/st") | sent(app, visit_id, st__who="self")
    answer = client.post("/visit/questions/st", data=fields, headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, answer.headers["X-Next"]) == (204, "/visit/next")
    assert "Location" not in answer.headers and not answer.data


def test_back_never_loses_an_answer(app: Flask) -> None:
    client, visit_id = at_questions(app)
    answer_section(app, client, visit_id, "/visit/questions/st")
    assert 'value="self" checked' in client.get("/visit/questions/st").text


def test_titles_and_addresses_hold_no_name(app: Flask) -> None:
    client, _visit_id = at_check(app)
    page = client.get("/visit/check")
    assert title_of(page.text) == "Check your answers – Kesari Skin & Hair"
    assert not [
        url for url in re.findall(r'(?:href|action)="([^"]+)"', page.text) if "Farida" in url or "Sheikh" in url
    ]


def test_the_check_page_lists_what_was_asked_masks_numbers_and_marks_what_the_doctor_is_told(app: Flask) -> None:
    client, _visit_id = at_check(app, {**HEALTHY, "md.thin": ["asp"]})
    page = html.unescape(client.get("/visit/check").text)
    assert "Your full name" in page and "Farida Sheikh" in page
    assert "9840000421" not in page and "98•••• ••421" in page
    assert "Which parts of the scalp?" not in page
    aspirin = page.split("Do you take a blood thinner?")[1].split("</div>")[0]
    assert "We will tell the doctor" in aspirin
    assert "We will tell the doctor" not in page.split("Your full name")[1].split("</div>")[0]


def test_change_leads_to_the_question_and_continue_straight_back(app: Flask) -> None:
    client, visit_id = at_check(app)
    assert 'href="/visit/questions/id?change=1"' in client.get("/visit/check").text
    page = client.get("/visit/questions/id?change=1").text
    assert 'class="back" href="/visit/check"' in page
    fields = untouched(client, "/visit/questions/id?change=1") | sent(app, visit_id, id__name="Farida Begum")
    path, page = follow(client, client.post("/visit/questions/id?change=1", data=fields))
    assert path == "/visit/check" and "Farida Begum" in page.text


def test_a_changed_wish_has_its_treatment_explained_again(app: Flask) -> None:
    client, visit_id = at_check(app)
    fields = untouched(client, "/visit/questions/tx?change=1") | sent(app, visit_id, tx__areas_face=["forehead"])
    path, page = follow(client, client.post("/visit/questions/tx?change=1", data=fields))
    assert path.startswith("/visit/questions/") or path == "/visit/treatment"
    while path.startswith("/visit/questions/"):
        path, page = follow(
            client, answer_section(app, client, visit_id, path, {**HEALTHY, "tx.areas_face": ["forehead"]})
        )
    assert path == "/visit/treatment" and "Your answers have changed." in page.text
    path, page = follow(client, client.submit("/visit/treatment"))
    assert path == "/visit/effects/what" and " checked" not in page.text.split("<main")[1].split("</form>")[0]


def test_questions_for_the_doctor_stand_on_the_check_page(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, submit=False)
    understood(app, visit_id, questions=("C-09b",))
    page = identified(app, visit_id).get("/visit/check").text
    assert "Your questions for the doctor" in page and "Slight redness" in page
    assert 'href="/visit/effects/effects?change=1"' in page


def test_the_check_page_is_not_open_before_everything_is_answered(app: Flask) -> None:
    client, visit_id = at_questions(app)
    assert client.get("/visit/check").headers["Location"].endswith("/visit/next")
    client.get("/visit/questions/st")
    assert client.submit("/visit/check", {"rev": "1"}).status_code in (303, 409)
    assert events(app, visit_id, "response.submitted") == []


def test_everything_is_right_sent_twice_is_one_submission(app: Flask) -> None:
    client, visit_id = at_check(app)
    page = untouched(client, "/visit/check")
    assert [client.post("/visit/check", data=page).status_code for _twice in range(2)] == [303, 303]
    assert len(events(app, visit_id, "response.submitted")) == 1


@pytest.mark.parametrize("path", ["/visit/check", "/visit/treatment"])
def test_a_page_without_fields_says_so_when_its_token_is_old(app: Flask, path: str) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, submit=False)
    if path == "/visit/check":
        understood(app, visit_id)
    client = identified(app, visit_id)
    client.get(path)
    client.delete_cookie("intake-session")
    late = client.post(path, data={"csrf_token": client.token})
    assert late.status_code == 422 and "Please press Continue again" in errors_of(late.text)[0]
    assert follow(client, client.post(path, data=browser_fields(late.text)))[0] != path


def test_answers_changed_in_another_window_are_looked_at_again_before_they_are_given(app: Flask) -> None:
    client, visit_id = at_check(app)
    page = untouched(client, "/visit/check")
    other = untouched(client, "/visit/questions/id") | sent(app, visit_id, id__name="Farida Begum")
    assert client.post("/visit/questions/id", data=other).status_code == 303
    late = client.post("/visit/check", data=page)
    assert late.status_code == 409 and "Farida Begum" in late.text
    assert "look at them here once more" in errors_of(late.text)[0]
    assert events(app, visit_id, "response.submitted") == []
    assert client.post("/visit/check", data=browser_fields(late.text)).status_code == 303


def test_a_finding_that_holds_the_signature_sends_the_patient_to_the_doctor_first(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PREGNANT, submit=False)
    client = identified(app, visit_id)
    path, page = follow(client, send(client, "/visit/check"))
    assert path == "/visit/doctor-first"
    words = html.unescape(page.text)
    assert "Nothing is decided and nothing is signed yet." in words
    assert (
        "R-" not in re.sub(r"<[^>]+>", "", words.split("<main")[1]) and "block" not in words.split("<main")[1].lower()
    )
    assert 'action="/visit/finish"' in page.text
    assert client.get("/visit/sign").headers["Location"].endswith("/visit/next")


def test_when_the_doctor_has_talked_the_patient_reads_and_signs(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PREGNANT)
    client = identified(app, visit_id)
    with app.test_request_context(), transaction():
        visits.move(visit_id, visits.Move.RELEASED, by=DESK)
    assert follow(client, client.get("/visit/doctor-first"))[0] == "/visit/treatment"


def test_a_setting_that_a_clause_needs_and_the_clinic_lacks_stops_before_anything_is_shown(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, submit=False)
    client = identified(app, visit_id)
    settings = app.config["INTAKE"]
    app.config["INTAKE"] = replace(settings, clinic=replace(settings.clinic, refund_policy=""))
    client.get("/visit/treatment")
    stopped = client.submit("/visit/treatment")
    assert stopped.status_code == 409 and "clinic.refund_policy" in stopped.text
    assert "Please give the tablet to reception" in title_of(stopped.text)
    assert events(app, visit_id, "consent.presented") == []
    app.config["INTAKE"] = settings
    assert follow(client, client.submit("/visit/treatment"))[0] == "/visit/effects/what"


def test_a_postponed_visit_does_not_claim_to_be_signed(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PREGNANT)
    client = identified(app, visit_id)
    with app.test_request_context(), transaction():
        consent.decide(clinic(), visit_id, consent.Kind.POSTPONED, {"words": "After the birth"}, by=DESK)
    path, page = follow(client, client.get("/visit/doctor-first"))
    assert path == "/visit/thanks" and "moved to another day" in page.text and "signed" not in page.text


@pytest.mark.parametrize("start", [at_questions, at_effects, at_check, at_sign])
def test_saying_no_is_possible_everywhere_and_is_an_answer(app: Flask, start: Any) -> None:
    client, visit_id = start(app)
    page = client.get("/visit/decline").text
    assert "You do not need a reason" in page and 'href="/visit/next">Go back</a>' in page
    path, thanks = follow(client, client.submit("/visit/decline", {"reason": "Too soon 🌸"}))
    assert path == "/visit/thanks" and "You said no to this treatment. That is fine" in html.unescape(thanks.text)
    assert "Hand the tablet back" in thanks.text
    assert state(app, visit_id) is consent.State.DECLINED
    assert follow(client, client.submit("/visit/decline", {"reason": "again"}))[0] == "/visit/thanks"
    assert len(events(app, visit_id, "consent.declined")) == 1


@pytest.mark.parametrize("path", ["/visit/questions/id", "/visit/check", "/visit/treatment", "/visit/sign"])
def test_what_is_sent_after_saying_no_is_gone(app: Flask, path: str) -> None:
    client, visit_id = at_questions(app)
    client.submit("/visit/decline", {"reason": ""})
    said = len(events(app, visit_id, "response.page_saved"))
    assert client.post(path, data={"csrf_token": client.token, "rev": "1"}).status_code == 410
    assert follow(client, client.get(path))[0] == "/visit/thanks"
    assert state(app, visit_id) is consent.State.DECLINED
    assert len(events(app, visit_id, "response.page_saved")) == said


def test_a_very_long_reason_is_kept_and_shortened_by_the_patient(app: Flask) -> None:
    client, visit_id = at_questions(app)
    long = client.submit("/visit/decline", {"reason": "no " * 1000})
    assert (long.status_code, errors_of(long.text)) == (422, ["Write at most 2,000 characters"])
    assert "no no no" in long.text and state(app, visit_id) is consent.State.OPEN


def test_saying_no_with_an_old_token_keeps_the_reason(app: Flask) -> None:
    client, visit_id = at_questions(app)
    client.get("/visit/decline")
    client.delete_cookie("intake-session")
    late = client.post("/visit/decline", data={"reason": "My sister had it", "csrf_token": client.token})
    assert late.status_code == 422 and "My sister had it" in late.text
    assert state(app, visit_id) is consent.State.OPEN


def test_the_thank_you_page_says_what_comes_next_and_lets_the_screen_be_cleared(app: Flask) -> None:
    client, visit_id = at_sign(app)
    with app.test_request_context(), transaction():
        consent.reply(visit_id, "effects", _asking(visit_id), by=TABLET)
    path, page = follow(client, send(client, "/visit/sign", how="type", typed="Farida Sheikh"))
    assert path == "/visit/thanks"
    assert "You asked about one thing." in page.text and "Dr Ananya Rao, room 2" in page.text
    assert 'data-finish="30"' in page.text and "Farida" not in page.text


def _asking(visit_id: UUID) -> dict[str, str]:
    page = next(p for p in consent.shown(visit_id).body["pages"] if p["id"] == "effects")
    return {part["id"]: "question" if part["id"] == "C-09b" else "understood" for part in consent.parts_of(page)}
