"""A page read aloud in Chromium: what is said, in which order and language, when it stops, where it is not offered."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Seen
from tests.voices import VOICES, give_voice, listen, said

pytestmark = pytest.mark.browser
QUESTIONS = ["Questions", "Smoke?", "Why we ask", "yes", "no", "unsure", "Not no?", "Silent?", "Allergy?"]


def words(page: Page) -> list[str]:
    """What was said so far, without its languages."""
    return [spoken for spoken, _language in said(page)]


def end_sentence(page: Page) -> None:
    """The device comes to the end of what it is saying."""
    page.evaluate("device.end()")


def test_the_heading_and_the_questions_with_their_options_are_read_in_the_order_of_the_page(tablet: Page) -> None:
    give_voice(tablet)
    tablet.goto("/questions")
    heard = listen(tablet)
    assert [spoken for spoken, _language in heard][: len(QUESTIONS)] == QUESTIONS
    assert {language for _spoken, language in heard} == {"en-IN"}
    assert not {"How much?", "Said?", "Quit?", "Continue", "Ask for help"} & {spoken for spoken, _language in heard}


def test_a_question_that_opens_while_the_page_is_read_is_read_in_its_place(tablet: Page) -> None:
    give_voice(tablet, hold=True)
    tablet.goto("/questions")
    tablet.get_by_role("button", name="Listen").click()
    for _words in QUESTIONS[:3]:
        end_sentence(tablet)
    tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    for _sentence in range(20):
        end_sentence(tablet)
    assert words(tablet)[3:9] == ["yes", "no", "unsure", "How much?", "Not no?", "Said?"]


def test_what_is_being_read_stands_in_a_frame_and_a_second_press_stops_at_once(tablet: Page) -> None:
    give_voice(tablet, hold=True)
    tablet.goto("/questions")
    tablet.get_by_role("button", name="Listen").click()
    expect(tablet.locator(".is-read")).to_have_text("Questions")
    end_sentence(tablet)
    expect(tablet.locator(".is-read")).to_have_text("Smoke?")
    assert tablet.locator(".is-read").evaluate("part => getComputedStyle(part).outlineStyle") == "solid"
    button = tablet.get_by_role("button", name="Stop")
    expect(button).to_be_focused()
    button.click()
    assert tablet.evaluate("device.now") is None
    expect(tablet.locator(".is-read")).to_have_count(0)
    expect(tablet.get_by_role("button", name="Listen")).to_be_visible()
    end_sentence(tablet)
    assert words(tablet) == QUESTIONS[:2]


def test_listening_again_begins_at_the_top(tablet: Page) -> None:
    give_voice(tablet, hold=True)
    tablet.goto("/questions")
    for name in ("Listen", "Stop", "Listen"):
        tablet.get_by_role("button", name=name).click()
    assert words(tablet) == ["Questions", "Questions"]


def test_nothing_is_said_before_somebody_asks_and_leaving_the_page_stops(tablet: Page) -> None:
    give_voice(tablet, hold=True)
    tablet.goto("/questions")
    expect(tablet.get_by_role("button", name="Listen")).to_be_visible()
    assert words(tablet) == []
    tablet.get_by_role("button", name="Listen").click()
    before = tablet.evaluate("device.stops")
    tablet.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert (tablet.evaluate("device.stops"), tablet.evaluate("device.now")) == (before + 1, None)


@pytest.mark.parametrize("voices", [[], [("en-US", False)], [("hi-IN", True)]])
def test_there_is_no_button_without_a_voice_of_the_device_for_the_language_of_the_page(
    tablet: Page, voices: list[tuple[str, bool]]
) -> None:
    give_voice(tablet, voices)
    tablet.goto("/questions")
    expect(tablet.get_by_role("button", name="Larger text")).to_be_visible()
    expect(tablet.locator("[data-aloud]")).to_be_hidden()


def test_the_button_comes_with_the_voice_and_goes_with_it(tablet: Page) -> None:
    give_voice(tablet, [], hold=True)
    tablet.goto("/questions")
    expect(tablet.locator("[data-aloud]")).to_be_hidden()
    tablet.evaluate("device.give([['en_US', true]])")
    tablet.get_by_role("button", name="Listen").click()
    assert said(tablet) == [("Questions", "en_US")]
    tablet.evaluate("device.give([])")
    expect(tablet.locator("[data-aloud], .is-read")).to_be_hidden()


@pytest.mark.parametrize(("language", "voice"), [("hi", "hi_IN"), ("ar", "ar-SA")])
def test_a_page_is_read_by_a_voice_of_its_language(tablet: Page, language: str, voice: str) -> None:
    give_voice(tablet)
    tablet.goto(f"/questions?lang={language}")
    assert {spoken_in for _words, spoken_in in listen(tablet)} == {voice}


def test_words_of_another_language_are_read_by_its_voice_or_left_out(tablet: Page) -> None:
    give_voice(tablet)
    tablet.goto("/effects")
    assert ("Words between", "ar-SA") in listen(tablet)
    tablet.evaluate("voices => device.give(voices)", [list(VOICES[0])])
    before = len(said(tablet))
    assert "Words between" not in [spoken for spoken, _language in listen(tablet)[before:]]


def test_an_answer_on_a_list_of_answers_is_not_read(tablet: Page) -> None:
    give_voice(tablet)
    tablet.goto("/effects")
    heard = [spoken for spoken, _language in listen(tablet)]
    assert "Calm." in heard
    assert not {"F", "58", "We will tell the doctor"} & set(heard)


def test_a_long_text_is_said_sentence_by_sentence(tablet: Page) -> None:
    give_voice(tablet)
    tablet.goto("/plain")
    tablet.locator("label").evaluate("label => { label.textContent = 'Take 2.5 ml. Rest! यह ठीक है। هل تفهم؟ Yes' }")
    assert [spoken for spoken, _language in listen(tablet)][1:] == [
        "Take 2.5 ml.",
        "Rest!",
        "यह ठीक है।",
        "هل تفهم؟",
        "Yes",
    ]


def test_who_listens_is_there_and_neither_the_lock_nor_the_end_of_the_visit_comes_meanwhile(
    tablet: Page, seen: Seen
) -> None:
    give_voice(tablet, hold=True)
    tablet.clock.install()
    tablet.goto("/questions?idle")
    tablet.get_by_role("button", name="Listen").click()
    for _minute in range(2):
        tablet.clock.run_for(200_000)
        end_sentence(tablet)
    expect(tablet.get_by_role("dialog")).to_be_hidden()
    tablet.clock.run_for(301_000)
    expect(tablet.get_by_role("dialog")).to_be_visible()  # a device that hangs in one sentence is nobody listening
    tablet.goto("/thanks")
    tablet.get_by_role("button", name="Listen").click()
    tablet.clock.run_for(20_000)
    end_sentence(tablet)
    tablet.clock.run_for(20_000)
    assert "finish" not in seen.calls
    tablet.clock.run_for(11_000)
    tablet.wait_for_url("**/welcome")
