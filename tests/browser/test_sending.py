"""Sending, leaving and reading a patient's page in Chromium: errors, a lost connection, links, help, larger text."""

import json

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.site import Seen, input_of

pytestmark = pytest.mark.browser

# ---- Errors, saving, the connection ----


def test_an_error_takes_the_focus_and_leads_to_its_field(tablet: Page) -> None:
    tablet.goto("/questions")
    tablet.get_by_role("button", name="Continue").click()
    expect(tablet.locator("#errors")).to_be_focused()
    expect(tablet).to_have_title("Error: Questions – Kesari Skin & Hair")
    tablet.locator("#errors a").click()
    expect(tablet.locator('[data-item="smoke"] input').first).to_be_focused()
    group = tablet.get_by_role("radiogroup", name="Smoke?")
    assert group.get_attribute("aria-invalid") == "true"
    assert {tablet.locator(f"#{name}").count() for name in str(group.get_attribute("aria-describedby")).split()} == {1}


def test_a_lost_connection_keeps_the_answers_and_sends_them_when_it_is_back(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/questions")
    tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    tablet.locator(input_of("much")).fill("12")
    tablet.context.set_offline(True)
    tablet.get_by_role("button", name="Continue").click()
    expect(tablet.get_by_role("alert")).to_contain_text("lost its connection")
    tablet.clock.run_for(4000)
    assert tablet.locator(input_of("much")).input_value() == "12"
    tablet.clock.run_for(40000)
    expect(tablet.get_by_role("alert")).to_contain_text("tell reception")
    tablet.context.set_offline(False)
    tablet.clock.run_for(4000)
    tablet.wait_for_url("**/done")
    assert [sent.get("q2") for sent in seen.sent] == ["12"]


def test_a_server_that_fails_is_asked_again_with_the_same_answers(tablet: Page, seen: Seen) -> None:
    seen.failing = 2
    tablet.clock.install()
    tablet.goto("/questions")
    tablet.locator('[data-item="smoke"] input[value="no"]').check()
    tablet.get_by_role("button", name="Continue").click()
    for _ in range(2):
        expect(tablet.get_by_role("alert")).to_be_visible()
        tablet.clock.run_for(4000)
    tablet.wait_for_url("**/done")
    assert len({json.dumps(sent.to_dict(), sort_keys=True) for sent in seen.sent}) == 1


def test_a_slow_save_says_so_and_a_second_tap_sends_nothing(tablet: Page, seen: Seen) -> None:
    held: list[Route] = []
    tablet.goto("/questions")
    tablet.locator('[data-item="smoke"] input[value="no"]').check()
    tablet.route("**/questions", lambda route: held.append(route))
    button = tablet.locator(".btn-main")
    button.click()
    expect(button).to_have_text("Saving…")
    expect(button).to_have_attribute("aria-busy", "true")
    button.click()
    assert len(held) == 1
    held[0].continue_()
    tablet.wait_for_url("**/done")
    assert len(seen.sent) == 1


def test_help_comes_without_leaving_the_page(tablet: Page, seen: Seen) -> None:
    tablet.goto("/questions")
    tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    tablet.get_by_role("button", name="Ask for help").click()
    expect(tablet.get_by_role("button", name="Someone is coming")).to_be_visible()
    assert seen.calls == ["help"]
    assert tablet.locator('[data-item="smoke"] input[value="yes"]').is_checked()


@pytest.mark.parametrize("path", ["/questions", "/thanks", "/errors/404?kind=patient"])
def test_larger_text_is_larger_at_once_on_every_page_and_keeps_what_was_typed(
    tablet: Page, seen: Seen, path: str
) -> None:
    tablet.goto(path)
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = tablet.evaluate(size)
    if path == "/questions":
        tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    button = tablet.get_by_role("button", name="Larger text")
    button.focus()
    with tablet.expect_response("**/larger"):
        tablet.keyboard.press("Enter")
    assert tablet.evaluate(size) / before == pytest.approx(23 / 19, rel=0.01)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_be_focused()
    assert seen.calls == ["larger on"]
    with tablet.expect_response("**/larger"):
        tablet.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert seen.calls == ["larger on", "larger off"]
    assert tablet.evaluate(size) == before
    if path == "/questions":
        assert tablet.locator('[data-item="smoke"] input[value="yes"]').is_checked()


def test_without_script_larger_text_is_offered_only_where_nothing_can_be_lost(
    chromium: Browser, site: tuple[str, Seen, Flask]
) -> None:
    plain = chromium.new_context(base_url=site[0], java_script_enabled=False).new_page()
    plain.goto("/questions")
    expect(plain.get_by_role("button", name="Larger text")).to_be_hidden()
    plain.goto("/thanks")
    expect(plain.get_by_role("button", name="Larger text")).to_be_visible()
    plain.context.close()


# ---- Leaving the page ----


def test_a_link_tapped_without_a_connection_leaves_what_was_typed_and_is_followed_later(tablet: Page) -> None:
    tablet.clock.install()
    tablet.goto("/questions?idle")
    tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    tablet.locator(input_of("much")).fill("12")
    tablet.context.set_offline(True)
    tablet.get_by_role("link", name="Back").click()
    expect(tablet.get_by_role("alert")).to_contain_text("lost its connection")
    tablet.clock.run_for(40000)
    expect(tablet.get_by_role("alert")).to_contain_text("tell reception")
    assert tablet.locator(input_of("much")).input_value() == "12"
    tablet.context.set_offline(False)
    tablet.clock.run_for(4000)
    tablet.wait_for_url("**/back")


def test_who_goes_on_answering_stays_when_the_connection_is_back(tablet: Page) -> None:
    tablet.clock.install()
    tablet.goto("/questions?idle")
    tablet.context.set_offline(True)
    tablet.get_by_role("link", name="I do not want this treatment").click()
    expect(tablet.get_by_role("alert")).to_be_visible()
    tablet.locator('[data-item="smoke"] input[value="no"]').check()
    tablet.context.set_offline(False)
    tablet.clock.run_for(4000)
    expect(tablet.get_by_role("alert")).to_be_hidden()
    assert "/questions" in tablet.url
    tablet.get_by_role("link", name="I do not want this treatment").click()
    tablet.wait_for_url("**/decline")


def test_a_page_on_its_way_to_the_server_is_not_left_by_a_link(tablet: Page, seen: Seen) -> None:
    held: list[Route] = []
    tablet.goto("/questions?idle")
    tablet.locator('[data-item="smoke"] input[value="no"]').check()
    tablet.route("**/questions?idle", lambda route: held.append(route))
    tablet.locator(".actions .btn-main").click()
    expect(tablet.locator(".actions .btn-main")).to_have_text("Saving…")
    tablet.get_by_role("link", name="Back").click()
    held[0].continue_()
    tablet.wait_for_url("**/done")
    assert len(seen.sent) == 1
    assert "alive" not in seen.calls


def test_a_form_sent_plainly_waits_for_the_connection_too(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/plain?idle")
    tablet.get_by_label("Token").fill("K 14")
    tablet.context.set_offline(True)
    tablet.get_by_role("button", name="Hindi").click()
    expect(tablet.get_by_role("alert")).to_be_visible()
    tablet.context.set_offline(False)
    tablet.clock.run_for(4000)
    tablet.wait_for_url("**/done")
    assert [(sent["token"], sent["stay"]) for sent in seen.sent] == [("K 14", "hi")]
