"""A tablet and who may see what on it: pairing, who are you, lock, reopen, hand back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from intake import answers, audit, kiosk
from intake.db import transaction
from intake.errors import NotAllowed
from intake.kiosk.rules import GRACE, WARNING
from tests.builders import DESK, a_signed_visit, a_tablet, a_visit, answered
from tests.conftest import MONDAY_NOON, StrictClient
from tests.kiosk.pages import BORN, at_check, at_effects, at_questions, at_sign, errors_of, events, identified, title_of

WRONG = BORN | {"born-y": "1969"}
PAGES = (
    "/visit/questions/id",
    "/visit/check",
    "/visit/sign",
    "/visit/decline",
    "/visit/treatment",
    "/visit/effects/what",
)
UNTOUCHED = timedelta(minutes=5) + WARNING + GRACE
Clock = Callable[[datetime], None]


def tablet_id(app: Flask, name: str = "T1") -> UUID:
    """A tablet's id."""
    with app.test_request_context():
        return next(t.id for t in kiosk.list_tablets() if t.name == name)


def at_desk(app: Flask, verb: Callable[..., object], *more: object) -> None:
    """What reception does with T1."""
    with app.test_request_context(), transaction():
        verb(tablet_id(app), *more, by=DESK)


def code_for(app: Flask, name: str = "T1") -> str:
    """A fresh pairing code."""
    with app.test_request_context(), transaction():
        return kiosk.pairing_code(next(t.id for t in kiosk.list_tablets() if t.name == name), by=DESK)


def a_known_visit(app: Flask) -> UUID:
    """A visit whose patient's date of birth is known from before."""
    visit_id = a_visit(app)
    answered(app, visit_id)
    return visit_id


def test_a_code_pairs_one_browser_once(app: Flask, anonymous: StrictClient) -> None:
    code = code_for(app)
    assert anonymous.submit("/tablet/pair", {"code": f"{code[:4]}-{code[4:].lower()}"}).status_code == 303
    assert title_of(anonymous.get("/tablet").text).startswith("Please wait")
    second = app.test_client().submit("/tablet/pair", {"code": code})  # type: ignore[attr-defined]
    assert second.status_code == 422
    assert errors_of(second.text) == [
        "This code is not right, or it is older than 5 minutes. Ask reception for a new one"
    ]


def test_a_code_is_good_for_5_minutes(app: Flask, anonymous: StrictClient, clock_at: Clock) -> None:
    code = code_for(app)
    clock_at(MONDAY_NOON + timedelta(minutes=5, seconds=1))
    assert anonymous.submit("/tablet/pair", {"code": code}).status_code == 422


def test_a_pairing_page_that_stood_open_for_long_keeps_the_code(app: Flask, anonymous: StrictClient) -> None:
    anonymous.get("/tablet/pair")
    anonymous.delete_cookie("intake-session")
    late = anonymous.post("/tablet/pair", data={"code": "ABCD2345", "csrf_token": anonymous.token})
    assert late.status_code == 422
    assert 'value="ABCD2345"' in late.text


def test_pairing_ends_the_staff_session_of_that_browser_for_good(app: Flask, as_reception: StrictClient) -> None:
    session = as_reception.get_cookie("intake-session")
    assert session is not None and as_reception.get("/desk").status_code == 200
    assert as_reception.submit("/tablet/pair", {"code": code_for(app)}).status_code == 303
    assert title_of(as_reception.get("/tablet").text).startswith("Please wait")
    assert as_reception.get("/desk").status_code == 403
    copied = app.test_client()
    copied.set_cookie("intake-session", session.value)
    assert copied.get("/desk").headers["Location"].startswith("/sign-in")


def test_pairing_a_tablet_anew_ends_the_visit_on_it_and_keeps_the_answers(app: Flask) -> None:
    client, visit_id = at_questions(app)
    client.get("/visit/questions/id")
    second = a_tablet(app)
    assert title_of(second.get("/tablet").text).startswith("Please wait")
    assert client.get("/visit/questions/id").status_code == 403
    assert client.get("/tablet").headers["Location"] == "/tablet/pair"
    assert len(events(app, visit_id, "tablet.taken_back")) == 1
    with app.test_request_context():
        assert kiosk.tablets_of([visit_id]) == {} and answers.find(visit_id) is not None


def test_a_browser_that_is_no_tablet_sees_no_patient_page(
    app: Flask, anonymous: StrictClient, as_reception: StrictClient
) -> None:
    assert anonymous.get("/tablet").headers["Location"].endswith("/tablet/pair")
    assert {anonymous.get(path).status_code for path in PAGES} == {403}
    assert {as_reception.get(path).status_code for path in ("/tablet", *PAGES)} == {403}


def test_a_tablet_in_use_shows_the_token_and_never_a_name_before_it_knows_who_holds_it(app: Flask) -> None:
    client = a_tablet(app, a_visit(app))
    welcome = client.get("/tablet").text
    assert "K\u00a001" in welcome or "K 01" in welcome
    for page in (welcome, client.get("/visit/identity").text):
        assert "Farida" not in page and "Sheikh" not in page
    assert "About 15 minutes in all" in welcome


@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_a_visit_opens_before_the_date_of_birth_is_given(app: Flask, path: str) -> None:
    client = a_tablet(app, a_known_visit(app))
    assert client.get(path).headers["Location"].endswith("/visit/next")
    client.get("/visit/identity")
    assert client.submit(path, {"reason": ""}).headers["Location"].endswith("/visit/next")  # type: ignore[attr-defined]
    assert client.get("/visit/next").headers["Location"].endswith("/visit/identity")


def test_the_right_date_opens_the_first_question(app: Flask) -> None:
    client = identified(app, a_visit(app))
    assert client.get("/visit/next").headers["Location"].endswith("/visit/questions/pn")


@pytest.mark.parametrize(
    ("born", "says"),
    [
        ({}, "Write the day, the month and the year"),
        (
            {"born-d": "31", "born-m": "2", "born-y": "1968"},
            "February 1968 has only 29 days: check the day, the month and the year",
        ),
        ({"born-d": "1", "born-m": "1", "born-y": "2030"}, "Write a date that is not after today, 23 November 2026"),
        ({"born-d": "1", "born-m": "1", "born-y": "1899"}, "The year must be 1900 or later"),
        ({"born-d": "1", "born-m": "1", "born-y": "56"}, "Write the year with four digits, for example 1956"),
    ],
)
def test_a_date_that_cannot_be_is_no_try(app: Flask, born: dict[str, str], says: str) -> None:
    client = a_tablet(app, visit_id := a_known_visit(app))
    response = client.submit("/visit/identity", born)  # type: ignore[attr-defined]
    assert (response.status_code, errors_of(response.text)) == (422, [says])
    assert events(app, visit_id, "identity.refused") == []


def test_three_wrong_dates_ask_for_staff_and_reopening_gives_three_more(app: Flask) -> None:
    client = a_tablet(app, visit_id := a_known_visit(app))
    assert isinstance(client, StrictClient)
    first = client.submit("/visit/identity", WRONG)
    assert errors_of(first.text) == ["This is not the date we have. Check the day, the month and the year"]
    assert 'value="1969"' in first.text
    client.submit("/visit/identity", WRONG)
    third = client.submit("/visit/identity", WRONG)
    assert (third.status_code, title_of(third.text)) == (422, "Please ask reception – Kesari Skin & Hair")
    assert "Please ask reception" in client.submit("/visit/identity", BORN).text
    assert [facts["tries"] for facts in events(app, visit_id, "identity.refused")] == [1, 2, 3]
    at_desk(app, kiosk.reopen)
    assert client.submit("/visit/identity", BORN).status_code == 303


def test_an_old_token_is_no_try_and_keeps_the_date(app: Flask) -> None:
    client = a_tablet(app, visit_id := a_known_visit(app))
    assert isinstance(client, StrictClient)
    client.get("/visit/identity")
    client.delete_cookie("intake-session")
    late = client.post("/visit/identity", data=WRONG | {"csrf_token": client.token})
    assert late.status_code == 422 and 'value="1969"' in late.text
    assert events(app, visit_id, "identity.refused") == []


def test_the_date_is_asked_again_on_another_tablet(app: Flask) -> None:
    visit_id = a_visit(app)
    identified(app, visit_id)
    at_desk(app, kiosk.take_back)
    second = a_tablet(app, visit_id, "T2")
    assert second.get("/visit/questions/id").headers["Location"].endswith("/visit/next")


def test_a_locked_tablet_shows_the_token_and_nothing_else_until_reception_reopens_it(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    assert client.submit("/visit/lock").headers["Location"].endswith("/tablet")
    locked = client.get("/tablet")
    assert title_of(locked.text).startswith("This tablet is locked")
    assert "Farida" not in locked.text and locked.headers["Refresh"] == "10"
    for path in PAGES:
        assert client.get(path).headers["Location"].endswith("/tablet")
    assert client.submit("/visit/questions/id", {"rev": "1"}).status_code == 403
    at_desk(app, kiosk.reopen)
    assert client.get("/visit/questions/id").status_code == 200


def test_an_untouched_tablet_locks_by_itself(app: Flask, clock_at: Clock) -> None:
    client, _visit_id = at_questions(app)
    clock_at(MONDAY_NOON + timedelta(minutes=7, seconds=1))
    assert client.get("/visit/questions/id").headers["Location"].endswith("/tablet")


def test_yes_carry_on_tells_the_server_that_somebody_is_there(app: Flask, clock_at: Clock) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    clock_at(MONDAY_NOON + timedelta(minutes=5, seconds=50))
    assert client.submit("/visit/alive").status_code == 204
    clock_at(MONDAY_NOON + timedelta(minutes=5, seconds=50) + UNTOUCHED)
    assert client.get("/visit/questions/id").status_code == 200
    clock_at(MONDAY_NOON + timedelta(minutes=6) + 3 * UNTOUCHED)
    assert client.submit("/visit/alive").status_code == 403, "too late: it is locked"


def test_every_page_sent_keeps_the_tablet_open(app: Flask, clock_at: Clock) -> None:
    client, _visit_id = at_questions(app)
    for minutes in (4, 8, 12):
        clock_at(MONDAY_NOON + timedelta(minutes=minutes))
        assert client.submit("/visit/alive").status_code == 204
    clock_at(MONDAY_NOON + timedelta(minutes=16))
    assert client.get("/visit/questions/id").status_code == 200


def test_a_page_sent_with_an_old_token_does_not_keep_it_open(app: Flask, clock_at: Clock) -> None:
    client, _visit_id = at_questions(app)
    clock_at(MONDAY_NOON + timedelta(seconds=50))
    client.post("/visit/questions/id", data={"csrf_token": "old"})
    clock_at(MONDAY_NOON + timedelta(minutes=7, seconds=10))
    assert client.get("/visit/questions/id").headers["Location"].endswith("/tablet")


def test_finishing_gives_the_tablet_a_new_cookie_and_the_old_one_opens_nothing(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    old = client.get_cookie("intake-device")
    client.get("/visit/questions/id")
    done = client.submit("/visit/finish")
    assert done.headers["Clear-Site-Data"] == '"storage"'
    new = client.get_cookie("intake-device")
    assert old is not None and new is not None and old.value != new.value
    assert title_of(client.get("/tablet").text).startswith("Please wait")
    assert client.get("/visit/questions/id").headers["Location"].endswith("/tablet")
    thief = app.test_client()
    thief.set_cookie("intake-device", old.value)
    assert thief.get("/tablet").headers["Location"].endswith("/tablet/pair")


def test_a_page_kept_from_the_last_patient_cannot_be_sent_for_the_next(app: Flask) -> None:
    client, _first = at_questions(app)
    client.get("/visit/questions/id")
    kept = client.token
    client.submit("/visit/finish")
    at_desk(app, kiosk.wipe)
    second = a_visit(app, name="Meera Iyer", phone="98400 00999")
    at_desk(app, kiosk.give, second, "en")
    client.get("/visit/identity")
    assert client.submit("/visit/identity", BORN).status_code == 303
    client.post("/visit/questions/id", data={"csrf_token": kept, "rev": "1"})
    assert events(app, second, "response.page_saved") == []


def test_a_token_of_another_day_shows_nothing_and_takes_nothing(app: Flask, clock_at: Clock) -> None:
    client, visit_id = at_questions(app)
    client.get("/visit/questions/id")
    clock_at(MONDAY_NOON + timedelta(days=1))
    assert client.get("/visit/questions/id").headers["Location"].endswith("/tablet")
    page = client.get("/tablet").text
    assert "please ask reception" in page and "Farida" not in page and "K 01" not in page
    assert client.post("/visit/questions/id", data={"rev": "1"}).status_code == 403
    assert events(app, visit_id, "response.page_saved") == []


def test_asking_for_help_reaches_reception_and_leads_back(app: Flask) -> None:
    client, visit_id = at_questions(app)
    client.get("/visit/questions/id")
    page = client.submit("/visit/help", headers={"Referer": "http://localhost/visit/questions/id"})
    assert 'href="/visit/questions/id"' in page.text
    assert len(events(app, visit_id, "visit.help_asked")) == 1
    assert client.submit("/visit/help", headers={"X-Requested-With": "fetch"}).status_code == 204


def test_help_never_leads_to_another_site(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    page = client.submit("/visit/help", headers={"Referer": "http://evil.example/visit/questions/id"})
    assert "evil" not in page.text and 'href="/visit/next"' in page.text


def test_larger_letters_stay_for_the_visit_and_are_gone_for_the_next(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    client.submit("/visit/larger", {"larger": "on"})
    assert 'class="patient large"' in client.get("/visit/questions/id").text
    client.submit("/visit/finish")
    assert 'class="patient large"' not in client.get("/tablet").text


def test_the_size_of_the_letters_is_the_one_the_button_named_however_often_it_is_sent(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    assert '<input type="hidden" name="larger" value="on">' in client.get("/visit/questions/id").text
    for wanted in ("on", "on", "off", "off"):
        assert client.submit("/visit/larger", {"larger": wanted}).status_code == 303
        page = client.get("/visit/questions/id").text
        assert ('class="patient large"' in page) is (wanted == "on")
        assert f'name="larger" value="{"off" if wanted == "on" else "on"}"' in page
        assert f'aria-pressed="{"true" if wanted == "on" else "false"}"' in page


@pytest.mark.parametrize("form", [{}, {"larger": ""}, {"larger": "huge"}])
def test_a_size_nobody_offers_is_refused_and_changes_nothing(app: Flask, form: dict[str, str]) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    assert client.submit("/visit/larger", form).status_code == 400
    assert 'class="patient large"' not in client.get("/visit/questions/id").text


def test_a_language_that_is_not_offered_changes_nothing(app: Flask) -> None:
    client = a_tablet(app, a_visit(app))
    client.get("/tablet")
    assert client.submit("/visit/start", {"stay": "tlh"}).headers["Location"].endswith("/tablet")  # type: ignore[attr-defined]
    assert '<html lang="en" dir="ltr"' in client.get("/tablet").text


def test_a_busy_tablet_or_patient_is_not_given_twice(app: Flask) -> None:
    visit_id = a_visit(app)
    identified(app, visit_id)
    with pytest.raises(NotAllowed, match=r"kiosk\.busy"):
        at_desk(app, kiosk.give, a_visit(app, name="Meera Iyer"), "en")
    a_tablet(app, None, "T2")
    with app.test_request_context(), transaction(), pytest.raises(NotAllowed, match=r"kiosk\.busy"):
        kiosk.give(tablet_id(app, "T2"), visit_id, "en", by=DESK)


def test_a_tablet_goes_to_the_next_patient_only_after_it_was_wiped(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.submit("/visit/finish")
    with pytest.raises(NotAllowed, match=r"kiosk\.not_wiped"):
        at_desk(app, kiosk.give, a_visit(app, name="Meera Iyer"), "en")


@pytest.mark.parametrize("start", [at_questions, at_effects, at_check, at_sign])
def test_no_form_of_a_patient_is_taken_without_a_good_token(
    app: Flask, start: Callable[[Flask], tuple[StrictClient, UUID]]
) -> None:
    client, visit_id = start(app)
    before = len(events(app, visit_id, "page.shown")), state_of_everything(app, visit_id)
    posts = [
        r.rule for r in app.url_map.iter_rules() if r.rule.startswith("/visit/") and "POST" in (r.methods or set())
    ]
    for rule in posts:
        path = rule.replace("<string(maxlength=64):section_id>", "id").replace("<string(maxlength=64):page_id>", "what")
        path = path.replace("<string(maxlength=64):question_id>", "TB-1")
        form = {
            "option": "unsure",
            "how": "type",
            "typed": "Somebody Else",
            "reason": "forged",
            "rev": "99",
            "stay": "en",
        }
        for token in ({}, {"csrf_token": "forged"}):
            response = client.post(path, data=form | token)
            assert response.status_code >= 400 or response.headers["Location"].endswith(
                ("/visit/next", "/visit/thanks")
            ), path
    assert (len(events(app, visit_id, "page.shown")), state_of_everything(app, visit_id)) == before


def state_of_everything(app: Flask, visit_id: UUID) -> list[str]:
    """Every event of a visit, in order."""
    with app.test_request_context():
        return [entry.event for entry in audit.history_of(visit_id)]


def test_after_signing_a_tablet_given_again_shows_thanks_and_asks_nothing(app: Flask) -> None:
    client = a_tablet(app, a_signed_visit(app))
    assert client.get("/visit/next").headers["Location"].endswith("/visit/thanks")
    page = client.get("/visit/thanks").text
    assert "Your form is signed" in page and "Farida" not in page
