"""The connection goes in the middle of a page: no word is lost, nothing is doubled, nothing is signed until it is back.

The network is really cut (no request leaves the browser); the 30 seconds pass on the page's own clock, which the test
winds on, so that nobody waits for them."""

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from intake import answers, consent
from intake.db import transaction
from tests.builders import TABLET, answered, understood
from tests.journeys import path
from tests.journeys.in_hand import KEPT, Visit, at_reach, counted
from tests.kiosk.pages import drafted, events

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext) -> Visit:
    """A patient in front of the page that asks how to reach them."""
    return at_reach(*live, tablet, desk)


def failing(page: Page, seconds: int) -> None:
    """Wind the page's clock on, and further until a request has failed: the page begins to wait for its next try when
    it learns of the last failure, which may be while its clock is being wound on."""
    failed: list[Request] = []
    page.once("requestfailed", lambda request: failed.append(request))
    page.clock.run_for(seconds * 1000)
    for _half_second in range(60):
        if failed:
            return
        page.clock.run_for(500)
    raise AssertionError("nothing was sent")


def test_half_a_minute_without_a_connection_in_the_middle_of_a_page_loses_no_word_and_doubles_nothing(
    visit: Visit,
) -> None:
    app, patient = visit.app, visit.patient
    visit.box("ct.ec_name").fill("Imran")
    visit.keep()
    assert drafted(app, visit.id, "ct.ec_name") == ["Imran"]
    patient.context.set_offline(True)
    visit.box("ct.ec_phone").fill("98400 00422")
    failing(patient, 3)
    expect(visit.bar).to_be_hidden()  # a moment without a connection is nobody's concern
    failing(patient, 4)
    expect(visit.bar).to_contain_text("lost its connection")
    expect(patient.get_by_text(KEPT)).to_be_hidden()

    path.answer_section(patient)
    patient.get_by_role("button", name="Continue").tap()
    for _three_seconds in range(8):
        failing(patient, 4)
    expect(visit.bar).to_contain_text("Your answers are on this page. Please tell reception")
    visit.box("ct.ec_name").fill("Imran Sheikh")
    assert visit.box("ct.ec_phone").input_value() == "98400 00422"
    assert drafted(app, visit.id, "ct.ec_phone") == []
    assert patient.url.endswith("/visit/questions/ct")

    patient.context.set_offline(False)
    with patient.expect_navigation():
        patient.clock.resume()
    expect(patient.get_by_role("alert")).to_be_hidden()
    expect(patient).to_have_url(f"http://localhost:{visit.base.split(':')[1]}/visit/questions/tx")
    assert drafted(app, visit.id, "ct.ec_name") == ["Imran Sheikh"]
    assert drafted(app, visit.id, "ct.ec_phone") == ["98400 00422"]
    saved = [entry["section"] for entry in events(app, visit.id, "response.page_saved")]
    assert sorted(saved) == ["ct", "id", "pn", "st"]


def test_a_page_that_nobody_sends_is_kept_by_itself_when_the_connection_is_back_and_says_so(visit: Visit) -> None:
    patient = visit.patient
    patient.context.set_offline(True)
    visit.box("ct.ec_name").fill("Imran")
    failing(patient, 3)
    failing(patient, 4)
    expect(visit.bar).to_be_visible()
    patient.context.set_offline(False)
    patient.clock.resume()
    expect(visit.bar).to_be_hidden()
    expect(patient.locator("[data-live]")).to_have_text(KEPT)
    expect(patient.get_by_text(KEPT).first).to_be_visible()
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran"]


def test_a_link_waits_until_what_was_typed_just_before_is_kept(visit: Visit) -> None:
    patient = visit.patient
    visit.box("ct.ec_name").fill("Imran")
    with counted(patient) as sent, patient.expect_navigation():
        patient.get_by_role("link", name="I do not want this treatment").tap()
    assert sent == ["questions/ct?partial=1", "alive"]
    expect(patient.get_by_role("heading", name="You can say no")).to_be_visible()
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran"]


def test_who_types_on_after_a_link_that_waited_stays_and_is_kept_as_before(visit: Visit) -> None:
    patient = visit.patient
    patient.context.set_offline(True)
    visit.box("ct.ec_name").fill("Imran")
    failing(patient, 3)
    patient.get_by_role("link", name="I do not want this treatment").tap()
    expect(visit.bar).to_be_visible()
    visit.box("ct.ec_name").fill("Imran S")
    patient.context.set_offline(False)
    patient.clock.resume()
    expect(visit.bar).to_be_hidden()
    assert patient.url.endswith("/visit/questions/ct")
    visit.box("ct.ec_name").fill("Imran Sheikh")
    visit.keep()
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran Sheikh"]


def test_a_tablet_left_alone_without_a_connection_keeps_the_page_before_it_locks(visit: Visit) -> None:
    patient = visit.patient
    patient.route("**/ct?partial=1", lambda route: route.abort())
    visit.box("ct.ec_name").fill("Imran")
    with counted(patient) as sent:
        for _minute in range(6):
            failing(patient, 60)
        failing(patient, 10)
        expect(patient.get_by_role("heading", level=1)).to_be_hidden()
        failing(patient, 10)
        assert "lock" not in sent
    patient.unroute("**/ct?partial=1")
    with patient.expect_navigation(url="**/tablet"):
        patient.clock.resume()
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran"]


# ---- An answer of the server that is lost on its way ----


def losing_the_answer(page: Page, is_it: str) -> list[str]:
    """The next POST to an address reaches the server, and what the server says is lost. Gives the addresses."""
    lost: list[str] = []

    def handle(route: Route, request: Request) -> None:
        if request.method != "POST" or lost:
            route.fallback()
            return
        lost.append(request.url)
        route.fetch()
        route.abort()

    page.route(is_it, handle)
    return lost


def test_a_kept_page_whose_answer_was_lost_is_not_taken_for_somebody_elses_change(visit: Visit) -> None:
    patient = visit.patient
    lost = losing_the_answer(patient, "**/ct?partial=1")
    visit.box("ct.ec_name").fill("Imran")
    failing(patient, 3)
    assert len(lost) == 1
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran"]
    visit.box("ct.ec_name").fill("Imran Sheikh")
    path.answer_section(patient)
    path.go_on(patient)
    assert patient.url.endswith("/visit/questions/tx")
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran Sheikh"]


def test_what_is_typed_after_a_continue_whose_answer_was_lost_is_saved_too(visit: Visit) -> None:
    patient = visit.patient
    visit.box("ct.ec_name").fill("Imran")
    path.answer_section(patient)
    visit.keep()
    lost = losing_the_answer(patient, "**/visit/questions/ct")
    with patient.expect_event("requestfailed"):
        patient.get_by_role("button", name="Continue").tap()
    expect(visit.bar).to_be_visible()
    visit.box("ct.ec_name").fill("Imran Sheikh")
    with patient.expect_navigation():
        patient.clock.resume()
    assert len(lost) == 1
    assert patient.url.endswith("/visit/questions/tx")
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran Sheikh"]


def test_one_error_of_the_server_ends_no_keeping_and_one_that_stays_holds_nobody(visit: Visit) -> None:
    patient, said = visit.patient, []

    def fail(route: Route) -> None:
        said.append(500)
        route.fulfill(status=500)

    patient.route("**/ct?partial=1", fail, times=1)
    visit.box("ct.ec_name").fill("Imran")
    with patient.expect_response(lambda answer: answer.status == 204):
        for _second in range(10):
            patient.clock.run_for(1000)
    assert (said, drafted(visit.app, visit.id, "ct.ec_name")) == ([500], ["Imran"])

    patient.route("**/ct?partial=1", fail)
    visit.box("ct.ec_name").fill("Imran Sheikh")
    for _second in range(20):
        patient.clock.run_for(1000)
    expect(visit.bar).to_be_hidden()
    path.answer_section(patient)
    path.go_on(patient)
    assert patient.url.endswith("/visit/questions/tx")
    assert len(said) == 4


# ---- The page in hand and Continue ----


def test_continue_waits_for_the_page_that_is_on_its_way_and_then_goes_once(visit: Visit) -> None:
    patient, held = visit.patient, []
    path.answer_section(patient)
    visit.keep()
    patient.route("**/ct?partial=1", lambda route: held.append(route))
    visit.box("ct.ec_name").fill("Imran S")
    with patient.expect_request("**/ct?partial=1"):
        patient.clock.run_for(2100)
    with counted(patient) as sent:
        visit.box("ct.ec_name").fill("Imran Sheikh")
        patient.get_by_role("button", name="Continue").tap()
        patient.clock.run_for(5000)
        assert sent == []
        with patient.expect_navigation():
            held[0].continue_()
    assert sent == ["questions/ct"]
    assert patient.url.endswith("/visit/questions/tx")
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran Sheikh"]


def test_what_somebody_changed_elsewhere_is_told_by_continue_and_not_while_somebody_types(visit: Visit) -> None:
    app, patient = visit.app, visit.patient
    with app.test_request_context(), transaction():
        said = {"ct.ec_name": [{"valueString": "Sana"}]}
        answers.save(visit.id, "ct", said, answers.get(visit.id).revision, by=TABLET, in_hand=True)
    visit.box("ct.ec_phone").fill("98400 00422")
    with patient.expect_response("**/ct?partial=1") as refused:
        patient.clock.run_for(2100)
    assert refused.value.status == 409
    expect(visit.bar).to_be_hidden()
    expect(patient.get_by_text(KEPT)).to_be_hidden()
    with counted(patient) as sent:
        visit.box("ct.ec_name").fill("Imran")
        patient.clock.run_for(20_000)
        assert [one for one in sent if "partial" in one] == []
    path.answer_section(patient)
    path.go_on(patient)
    expect(patient.get_by_role("alert")).to_contain_text("changed in another window")
    assert visit.box("ct.ec_phone").input_value() == "98400 00422"
    path.go_on(patient)
    assert patient.url.endswith("/visit/questions/tx")


def test_a_page_that_came_back_with_an_error_is_kept_as_well(visit: Visit) -> None:
    patient = visit.patient
    visit.box("ct.ec_name").fill("Imran")
    visit.box("ct.mobile").fill("12")
    path.go_on(patient)
    expect(patient.locator("#errors")).to_be_focused()
    visit.keep()
    assert drafted(visit.app, visit.id, "ct.ec_name") == ["Imran"]
    assert drafted(visit.app, visit.id, "ct.mobile") == ["98400 00421"]


def test_a_page_that_was_open_for_too_long_is_kept_once_it_came_back_whatever_is_pressed_then(visit: Visit) -> None:
    app, patient = visit.app, visit.patient
    path.answer_section(patient)
    patient.locator("form[data-save] input[name=csrf_token]").evaluate("token => { token.value = 'old'; }")
    path.go_on(patient)
    expect(patient.get_by_role("alert")).to_contain_text("had been open for a long time")
    assert drafted(app, visit.id, "ct.ec_phone") == []
    with patient.expect_navigation(url="**/visit/questions/id"):
        patient.get_by_role("link", name="Back").tap()
    assert drafted(app, visit.id, "ct.ec_phone") == ["98400 00422"]


def test_an_answer_that_is_taken_back_after_it_was_kept_stays_away(visit: Visit) -> None:
    app, patient = visit.app, visit.patient
    path.answer_section(patient)
    path.go_on(patient)
    patient.locator('[data-item="tx.goals"] label:has(input[value=tighten])').tap()
    eyes = patient.locator('[data-item="tx.areas_face"] input[value=eyes]')
    eyes.check()
    with patient.expect_response("**/tx?partial=1"):
        patient.clock.run_for(2100)
    assert drafted(app, visit.id, "tx.areas_face") == [{"code": "eyes"}]
    eyes.uncheck()
    with patient.expect_response("**/tx?partial=1"):
        patient.clock.run_for(2100)
    assert drafted(app, visit.id, "tx.areas_face") == []
    path.go_on(patient)
    expect(patient.locator("#errors")).to_be_focused()
    expect(patient.get_by_text("One more thing")).to_have_count(0)
    expect(eyes).not_to_be_checked()


# ---- The signature ----


def test_nothing_is_signed_while_the_connection_is_cut_and_it_is_signed_once_when_it_is_back(visit: Visit) -> None:
    app, patient = visit.app, visit.patient
    answered(app, visit.id)
    understood(app, visit.id)
    patient.goto(f"http://localhost:{visit.base.split(':')[1]}/visit/next")
    assert patient.url.endswith("/visit/sign")
    path.draw_signature(patient)
    patient.context.set_offline(True)
    patient.get_by_role("button", name="Sign and finish").tap()
    expect(visit.bar).to_contain_text("lost its connection")
    for _three_seconds in range(11):
        failing(patient, 3)
    expect(visit.bar).to_contain_text("Please tell reception")
    assert patient.url.endswith("/visit/sign")
    with app.test_request_context():
        assert consent.find_statement(visit.id, consent.Kind.SIGNED) is None

    patient.context.set_offline(False)
    with patient.expect_navigation():
        patient.clock.resume()
    expect(patient.get_by_role("heading", name="Thank you")).to_be_visible()
    with app.test_request_context():
        assert consent.find_statement(visit.id, consent.Kind.SIGNED) is not None
    assert len(events(app, visit.id, "consent.signed")) == 1
