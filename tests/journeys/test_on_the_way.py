"""On the way through the tablet's pages in a real browser: no finger at all, the wrong hands, the Back button,
a connection that goes."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys import path

pytestmark = pytest.mark.browser

BORN = dict(zip(("born-d", "born-m", "born-y"), ("4", "3", "1968"), strict=True))
SOMEBODY_ELSE = ("4", "3", "1969")


@pytest.fixture
def handed_over(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext
) -> Iterator[tuple[Page, Page, str, str]]:
    """Reception's page, the patient's page on a tablet just handed over, the address, the visit."""
    base = live[1]
    reception, patient = desk.new_page(), tablet.new_page()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    patient.goto(f"http://localhost:{base.split(':')[1]}/tablet")
    yield reception, patient, base, visit_id


def test_a_patient_reaches_the_end_with_the_keyboard_alone(handed_over: tuple[Page, Page, str, str]) -> None:
    patient = handed_over[1]
    for _page in range(60):
        if patient.url.endswith("/visit/sign"):
            break
        path.answer_by_keyboard(patient, {**path.WISHES, **BORN})
    while patient.evaluate(path.FOCUSED)["item"] != "how":
        patient.keyboard.press("Tab")
    patient.keyboard.press("ArrowDown")
    path.answer_by_keyboard(patient, {"typed": "Farida Sheikh"})
    expect(patient.get_by_role("heading", name="Thank you")).to_be_visible()


def test_wrong_hands_are_stopped_after_three_dates_until_reception_opens_the_tablet_again(
    handed_over: tuple[Page, Page, str, str],
) -> None:
    reception, patient, base, visit_id = handed_over
    path.identify(patient, base)
    path.hand_over_again(reception, base, visit_id)
    for _try in range(3):
        path.identify(patient, base, SOMEBODY_ELSE)
    expect(patient.get_by_role("heading", name="Please ask reception")).to_be_visible()
    patient.get_by_role("link", name="Look again").tap()
    expect(patient.get_by_role("heading", name="Please ask reception")).to_be_visible()
    patient.get_by_role("button", name="Call someone").tap()
    expect(patient.get_by_role("button", name="Someone is coming")).to_be_visible()
    reception.goto(f"http://{base}/desk")
    card = reception.locator(f"#visit-{visit_id}")
    expect(card).to_contain_text("Asked for help")
    card.get_by_role("button", name="I am going").click()
    expect(card).not_to_contain_text("Asked for help")
    reception.locator("#trays").get_by_role("button", name="Reopen").click()
    expect(reception.locator("#trays")).not_to_contain_text("locked")
    path.identify(patient, base)
    expect(patient).to_have_url(f"http://localhost:{base.split(':')[1]}/visit/questions/pn")


def test_back_after_a_page_with_errors_shows_the_page_and_asks_for_nothing_to_be_sent_again(
    handed_over: tuple[Page, Page, str, str],
) -> None:
    _reception, patient, base, _visit_id = handed_over
    path.identify(patient, base)
    path.answer_section(patient)
    path.go_on(patient)
    path.go_on(patient)
    expect(patient).to_have_title("Error: Start – Kesari Skin & Hair")
    path.answer_section(patient)
    path.go_on(patient)
    answered, here = patient.locator("h1").inner_text(), patient.url
    answer = patient.go_back()
    assert answer is not None and (answer.request.method, answer.status) == ("GET", 200)
    expect(patient).to_have_title("Start – Kesari Skin & Hair")
    expect(patient.locator('[data-item="st.who"] input[value=self]')).to_be_checked()
    path.go_on(patient)
    assert (patient.locator("h1").inner_text(), patient.url) == (answered, here)


def test_a_link_tapped_while_the_connection_is_cut_keeps_the_answers_until_it_is_back(
    handed_over: tuple[Page, Page, str, str],
) -> None:
    _reception, patient, base, _visit_id = handed_over
    path.identify(patient, base)
    path.answer_section(patient)
    path.go_on(patient)
    path.answer_section(patient)
    patient.context.set_offline(True)
    patient.get_by_role("link", name="I do not want this treatment").tap()
    expect(patient.get_by_role("alert")).to_contain_text("lost its connection")
    assert patient.url.endswith("/visit/questions/st")
    expect(patient.locator('[data-item="st.who"] input[value=self]')).to_be_checked()
    patient.context.set_offline(False)
    expect(patient.get_by_role("heading", name="You can say no")).to_be_visible()
