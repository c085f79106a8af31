"""The end of a visit on a tablet: a new cookie, also when the answer that brings it is lost, and never for who left."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from intake import audit, kiosk
from intake.db import transaction
from intake.kiosk import service
from tests.builders import DESK, a_visit
from tests.conftest import MONDAY_NOON, StrictClient
from tests.kiosk.pages import BORN, at_questions, events, title_of

Clock = Callable[[datetime], None]
Jar = dict[str, str]
COOKIES = ("intake-device", "intake-session")


def jar_of(client: FlaskClient) -> Jar:
    """The cookies a browser holds."""
    found = {name: client.get_cookie(name) for name in COOKIES}
    return {name: cookie.value for name, cookie in found.items() if cookie is not None}


def fill(client: FlaskClient, jar: Jar) -> None:
    """Give a browser these cookies and no others."""
    for name in COOKIES:
        client.delete_cookie(name)
        if name in jar:
            client.set_cookie(name, jar[name])


def finished_unheard(app: Flask) -> tuple[StrictClient, Jar]:
    """A tablet whose patient pressed "Finish" and whose answer never came: it still holds its old cookies."""
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    old = jar_of(client)
    assert client.submit("/visit/finish").status_code == 303
    fill(client, old)
    return client, old


def a_copy(app: Flask, jar: Jar) -> StrictClient:
    """Somebody else's browser with copied cookies."""
    app.test_client_class = StrictClient
    thief = app.test_client()
    assert isinstance(thief, StrictClient)
    fill(thief, jar)
    return thief


def is_ours(client: StrictClient) -> bool:
    """Whether the clinic takes this browser for a tablet."""
    answer = client.get("/tablet")
    assert answer.status_code == 200 or answer.headers["Location"] == "/tablet/pair"
    return bool(answer.status_code == 200)


def hand_on(app: Flask) -> UUID:
    """Reception wipes T1 and hands it to the next patient."""
    visit_id = a_visit(app, name="Meera Iyer", phone="98400 00999")
    with app.test_request_context(), transaction():
        t1 = next(t.id for t in kiosk.list_tablets() if t.name == "T1")
        kiosk.wipe(t1, by=DESK)
        kiosk.give(t1, visit_id, "en", by=DESK)
    return visit_id


def test_a_finish_whose_answer_was_lost_is_sent_again_and_brings_a_new_cookie(app: Flask) -> None:
    client, old = finished_unheard(app)
    again = client.submit("/visit/finish", headers={"X-Requested-With": "fetch"})
    assert (again.status_code, again.headers["X-Next"]) == (204, "/tablet")
    assert again.headers["Clear-Site-Data"] == '"storage"'
    assert jar_of(client)["intake-device"] != old["intake-device"]
    assert is_ours(client)
    next_visit = hand_on(app)
    assert "Welcome" in title_of(client.get("/tablet").text)
    assert events(app, next_visit, "tablet.given") != []


def test_loading_the_tablets_first_page_again_brings_the_new_cookie_as_well(app: Flask) -> None:
    client, old = finished_unheard(app)
    page = client.get("/tablet")
    assert title_of(page.text).startswith("Please wait")
    assert page.headers["Clear-Site-Data"] == '"storage"'
    assert jar_of(client)["intake-device"] != old["intake-device"]
    hand_on(app)
    assert "Welcome" in title_of(client.get("/tablet").text)


def test_several_answers_may_be_lost_in_a_row(app: Flask, clock_at: Clock) -> None:
    client, old = finished_unheard(app)
    for seconds, path in ((20, "/visit/finish"), (60, "/tablet"), (119, "/visit/finish")):
        clock_at(MONDAY_NOON + timedelta(seconds=seconds))
        answer = client.get(path) if path == "/tablet" else client.submit(path)
        assert answer.status_code in (200, 303)
        fill(client, old)
    clock_at(MONDAY_NOON + timedelta(seconds=120))
    client.submit("/visit/finish")
    assert is_ours(client) and is_ours(client)


def test_after_two_minutes_the_old_cookie_is_refused(app: Flask, clock_at: Clock) -> None:
    client, old = finished_unheard(app)
    clock_at(MONDAY_NOON + timedelta(minutes=2, seconds=1))
    assert client.submit("/visit/finish").status_code == 403
    assert not is_ours(client)
    assert jar_of(client)["intake-device"] == old["intake-device"]


@pytest.mark.parametrize(
    "path",
    ["/visit/next", "/visit/identity", "/visit/questions/id", "/visit/check", "/visit/sign", "/visit/thanks"],
)
def test_the_old_cookie_opens_no_other_page(app: Flask, path: str) -> None:
    client, _old = finished_unheard(app)
    assert client.get(path).status_code == 403


def test_the_old_cookie_does_nothing_else(app: Flask) -> None:
    client, _old = finished_unheard(app)
    for path in ("/visit/lock", "/visit/larger", "/visit/help", "/visit/alive", "/visit/start"):
        assert client.post(path).status_code in (400, 403), path


@pytest.mark.parametrize("heard", [0, 1])
def test_a_double_tap_on_finish_leaves_the_tablet_paired_whichever_answer_it_hears(app: Flask, heard: int) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    old, answers = jar_of(client), []
    for _tap in range(2):
        fill(client, old)
        assert client.submit("/visit/finish").status_code == 303
        answers.append(jar_of(client))
    fill(client, answers[heard])
    assert is_ours(client) and is_ours(client)
    assert not is_ours(a_copy(app, answers[1 - heard])) and not is_ours(a_copy(app, old))
    hand_on(app)
    assert "Welcome" in title_of(client.get("/tablet").text)


def test_two_taps_in_the_very_same_moment_end_the_visit_once_and_leave_the_tablet_paired(app: Flask) -> None:
    client, visit_id = at_questions(app)
    client.get("/visit/questions/id")
    old, token = jar_of(client), client.token
    app.test_client_class = FlaskClient
    taps = [app.test_client() for _tap in range(4)]
    start, statuses = threading.Barrier(len(taps)), list[int]()

    def tap(browser: FlaskClient) -> None:
        start.wait(timeout=10)
        statuses.append(browser.post("/visit/finish", data={"csrf_token": token}).status_code)

    for browser in taps:
        fill(browser, old)
    threads = [threading.Thread(target=tap, args=(browser,)) for browser in taps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert statuses == [303] * len(taps)
    assert len(events(app, visit_id, "tablet.finished")) == 1
    newest = {jar["intake-device"]: jar for jar in map(jar_of, taps)}
    assert len(newest) == len(taps) and old["intake-device"] not in newest
    fits = [jar for jar in newest.values() if a_copy(app, jar).get("/tablet").status_code == 200]
    assert len(fits) == 1


def test_a_finish_pressed_again_with_the_new_cookie_changes_nothing(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    client.submit("/visit/finish")
    first = jar_of(client)["intake-device"]
    assert client.submit("/visit/finish").status_code == 303
    assert jar_of(client)["intake-device"] == first and is_ours(client)


def test_a_copied_cookie_is_worthless_as_soon_as_the_tablet_came_back_with_its_new_one(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    old = jar_of(client)
    client.submit("/visit/finish")
    client.get("/tablet")
    thief = a_copy(app, old)
    assert not is_ours(thief)
    assert thief.post("/visit/finish", data={"csrf_token": client.token}).status_code == 403
    assert is_ours(client)


def test_a_copied_cookie_never_opens_the_next_visit(app: Flask) -> None:
    client, old = finished_unheard(app)
    visit_id = hand_on(app)
    thief = a_copy(app, old)
    assert not is_ours(thief)
    assert thief.post("/visit/finish").status_code == 403
    assert thief.get("/visit/identity").status_code == 403
    assert not is_ours(client), "and a tablet that never heard its answer must be paired again"
    assert events(app, visit_id, "tablet.finished") == []


def test_of_a_tablet_and_a_copy_only_one_is_ever_the_tablet(app: Flask) -> None:
    """Who is faster with a copy keeps the cookie, and the tablet itself asks to be paired: nobody shares in silence."""
    client, old = finished_unheard(app)
    client.submit("/visit/finish")
    thief = a_copy(app, old)
    assert is_ours(thief) and is_ours(thief)
    assert not is_ours(client)
    with app.test_request_context(), transaction():
        code = kiosk.pairing_code(next(t.id for t in kiosk.list_tablets() if t.name == "T1"), by=DESK)
    client.get("/tablet/pair")
    assert client.submit("/tablet/pair", {"code": code}).status_code == 303
    assert is_ours(client) and not is_ours(thief)


@pytest.mark.parametrize("verb", ["pair", "unpair"])
def test_pairing_and_taking_out_of_use_end_every_cookie_from_before(app: Flask, verb: str) -> None:
    client, old = finished_unheard(app)
    client.submit("/visit/finish")
    with app.test_request_context(), transaction():
        t1 = next(t.id for t in kiosk.list_tablets() if t.name == "T1")
        if verb == "unpair":
            kiosk.unpair(t1, by=DESK)
        else:
            service.pair(kiosk.pairing_code(t1, by=DESK))
    assert not is_ours(client) and not is_ours(a_copy(app, old))


def test_a_visit_taken_back_and_then_finished_on_the_tablet_gets_a_new_cookie_too(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    client.get("/visit/questions/id")
    old = jar_of(client)
    with app.test_request_context(), transaction():
        kiosk.take_back(next(t.id for t in kiosk.list_tablets() if t.name == "T1"), by=DESK)
    client.submit("/visit/finish")
    fill(client, old)
    assert client.submit("/visit/finish").status_code == 303
    assert jar_of(client)["intake-device"] != old["intake-device"] and is_ours(client)
    assert not is_ours(a_copy(app, old))


def test_a_cookie_handed_out_again_is_in_the_log(app: Flask) -> None:
    client, _old = finished_unheard(app)
    client.get("/tablet")
    with app.test_request_context():
        t1 = next(t.id for t in kiosk.list_tablets() if t.name == "T1")
        assert [e.event for e in audit.history_of(t1)][-1] == "tablet.cookie_again"


def test_finishing_still_wants_the_pages_token(app: Flask) -> None:
    client, visit_id = at_questions(app)
    assert client.post("/visit/finish", data={"csrf_token": "forged"}).status_code == 400
    assert events(app, visit_id, "tablet.finished") == []
    client.get("/visit/identity")
    assert client.submit("/visit/identity", BORN).status_code == 303
