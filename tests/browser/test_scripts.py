"""The pages' scripts in Chromium, under the service's own content policy; without a script the page still works."""

import json
import random
import re
from math import dist
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from intake.consent.rules import read_strokes
from intake.definitions.rules import enabled
from tests.browser.site import QUESTIONS, Seen, input_of

pytestmark = pytest.mark.browser

PORTRAIT, PHONE, NARROW = (820, 1180), (390, 844), (320, 640)


def shown(page: Page) -> set[str]:
    boxes = "[...document.querySelectorAll('[data-item]')].filter(box => !box.hidden)"
    return set(page.evaluate(f"{boxes}.map(box => box.dataset.item)"))


# ---- Conditions ----


def give(page: Page, link_id: str, value: Any) -> dict[str, list[dict[str, Any]]]:
    """Answer a question if it is asked; return the answer as the server would store it."""
    box = page.locator(f'[data-item="{link_id}"]')
    if box.is_hidden():
        return {}
    if link_id in ("smoke", "stop"):
        box.locator(f'input[value="{value}"]').check()
        return {link_id: [{"valueBoolean": value == "true"} if link_id == "stop" else {"valueCoding": {"code": value}}]}
    if link_id == "allergy":
        for code in ("latex", "nuts"):
            box.locator(f'input[value="{code}"]').set_checked(code in value)
        return {link_id: [{"valueCoding": {"code": code}} for code in value]}
    if link_id == "since":
        for part, words in zip("dmy", value, strict=True):
            box.locator(f'[data-part="{part}"]').fill(words)
        box.locator('[data-part="y"]').blur()
        day, month, year = value
        return {link_id: [{"valueDate": f"{year}-{month:0>2}-{day:0>2}"}]}
    box.locator("input").fill(str(value))
    box.locator("input").blur()
    return {link_id: [{"valueInteger": value}]}


def test_the_browser_asks_exactly_what_the_server_asks(tablet: Page) -> None:
    tablet.goto("/questions")
    dice = random.Random(7)
    answers: dict[str, list[dict[str, Any]]] = {}
    for _ in range(25):
        choices = {
            "smoke": dice.choice(["yes", "yes", "no", "unsure"]), "much": dice.choice([3, 9, 10, 40]),
            "stop": dice.choice(["true", "false"]), "allergy": dice.sample(["latex", "nuts"], dice.randint(0, 2)),
            "since": dice.choice([("14", "6", "2020"), ("15", "06", "2020"), ("1", "1", "2019")]),
        }  # fmt: skip
        for link_id in dice.sample(sorted(choices), 2):
            answers |= give(tablet, link_id, choices[link_id])
        assert shown(tablet) == enabled(QUESTIONS, answers) - {"page"}, answers


def fill_in(page: Page, link_id: str, *words: str) -> None:
    """Type into the boxes of a date, and perhaps of its time, and go on."""
    boxes = page.locator(f'[data-item="{link_id}"] [data-part]')
    for box, typed in zip(boxes.all(), words, strict=True):
        box.fill(typed)
    boxes.last.blur()


def test_a_month_by_its_word_opens_what_depends_on_the_date_at_once(tablet: Page) -> None:
    tablet.goto("/questions")
    for month, is_before in (("March", True), ("डाकघर", False), ("मार्च", True), ("July", False), ("آذار", True)):
        fill_in(tablet, "since", "14", month, "2020")
        assert ("long" in shown(tablet)) is is_before, month
    fill_in(tablet, "since", "31", "2", "2020")
    assert "long" not in shown(tablet)


def test_a_moment_on_the_clinics_clocks_opens_what_depends_on_it_at_once(tablet: Page) -> None:
    tablet.goto("/questions")
    for time, is_then in (("9:30", True), ("9:30 pm", False), ("9.30 am", True), ("", False)):
        fill_in(tablet, "seen", "4", "March", "2026", time)
        assert ("then" in shown(tablet)) is is_then, time


def test_what_is_not_asked_is_not_sent(tablet: Page, seen: Seen) -> None:
    tablet.goto("/questions")
    tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    tablet.locator(input_of("much")).fill("12")
    tablet.locator('[data-item="smoke"] input[value="no"]').check()
    tablet.get_by_role("button", name="Continue").click()
    tablet.wait_for_url("**/done")
    assert "12" not in seen.sent[0].values()


def test_none_of_these_stands_alone(tablet: Page) -> None:
    tablet.goto("/questions")
    boxes = {code: tablet.locator(f'[data-item="allergy"] input[value="{code}"]') for code in ("latex", "nuts", "none")}
    boxes["latex"].check()
    boxes["nuts"].check()
    boxes["none"].check()
    assert [box.is_checked() for box in boxes.values()] == [False, False, True]
    boxes["nuts"].check()
    assert [box.is_checked() for box in boxes.values()] == [False, True, False]


# ---- Body maps ----


def test_touching_the_drawing_ticks_the_answer_on_both_sides(tablet: Page) -> None:
    tablet.goto("/areas")
    figure = tablet.locator(".fig-face")
    figure.locator('.reg[data-for="eyes"]').first.tap()
    assert tablet.locator('input[name="face"][value="eyes"]').is_checked()
    assert figure.locator('.reg.on[data-for="eyes"]').count() == 2
    expect(tablet.locator("[data-live]")).to_have_text("eyes: chosen")
    expect(tablet.locator("[data-chosen]").first).to_contain_text("eyes, cheeks")
    tablet.locator('input[name="face"][value="eyes"]').uncheck()
    assert figure.locator('.reg.on[data-for="eyes"]').count() == 0


def test_the_back_of_the_body_is_one_touch_away(tablet: Page) -> None:
    tablet.goto("/areas")
    expect(tablet.locator(".fig-back")).to_be_hidden()
    tablet.locator('input[name="view-body"][value="back"]').tap()
    tablet.locator('.fig-back .reg[data-for="buttocks"]').first.tap()
    assert tablet.locator('input[name="body"][value="buttocks"]').is_checked()


def test_every_place_on_a_drawing_can_be_touched_on_the_narrowest_phone(tablet: Page) -> None:
    tablet.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    tablet.goto("/areas")
    boxes = "[...document.querySelectorAll('.reg')].map(place => place.getBoundingClientRect())"
    sizes = f"{boxes}.filter(box => box.width).map(box => Math.min(box.width, box.height))"
    found = tablet.evaluate(sizes)
    tablet.locator('input[name="view-body"][value="back"]').tap()
    found += tablet.evaluate(sizes)
    assert len(found) > 50
    assert min(found) >= 24  # WCAG 2.5.8; each place is a 56 px row as well


# ---- Signing ----


def draw(page: Page, *lines: list[tuple[float, float]]) -> None:
    box = page.locator("canvas").bounding_box()
    assert box
    for line in lines:
        for n, (x, y) in enumerate(line):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=1 if n == 0 else 6)
            if n == 0:
                page.mouse.down()
        page.mouse.up()


def strokes(page: Page) -> Any:
    raw = page.locator("input[name=strokes]").input_value()
    return json.loads(raw) if raw else None


SIGNATURE = ([(0.2, 0.5), (0.4, 0.3), (0.5, 0.6)], [(0.6, 0.4), (0.8, 0.5)])


def test_a_drawn_signature_is_sent_as_points_the_server_can_read(tablet: Page) -> None:
    tablet.goto("/sign")
    draw(tablet, *SIGNATURE)
    drawn = read_strokes(strokes(tablet), 1000)
    assert len(drawn.strokes) == 2
    assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for stroke in drawn.strokes for x, y, *_ in stroke)
    expect(tablet.locator("[data-padmsg]")).to_have_text("Signed. You can undo or clear.")


def test_a_signature_survives_turning_the_tablet_there_and_back(tablet: Page) -> None:
    tablet.goto("/sign")
    draw(tablet, *SIGNATURE)
    before = strokes(tablet)
    tablet.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    field = tablet.locator("input[name=strokes]")
    expect(field).not_to_have_value(json.dumps(before, separators=(",", ":")))
    small = strokes(tablet)
    tablet.set_viewport_size({"width": PORTRAIT[0], "height": PORTRAIT[1]})
    expect(field).to_have_value(re.compile(rf'"width":{before["width"]},'))
    after = strokes(tablet)
    assert small["width"] < before["width"] == after["width"]
    assert [len(s["points"]) for s in after["strokes"]] == [len(s["points"]) for s in before["strokes"]]
    places = [[(p["x"], p["y"]) for stroke in kept["strokes"] for p in stroke["points"]] for kept in (before, after)]
    assert all(dist(one, two) < 1 for one, two in zip(*places, strict=True))


def test_a_touch_is_not_a_signature_and_undo_takes_the_last_line_back(tablet: Page) -> None:
    tablet.goto("/sign")
    draw(tablet, [(0.5, 0.5), (0.51, 0.51)])
    assert strokes(tablet) is None
    tablet.get_by_role("button", name="Clear").click()
    draw(tablet, *SIGNATURE)
    tablet.get_by_role("button", name="Undo").click()
    assert len(strokes(tablet)["strokes"]) == 1
    tablet.get_by_role("button", name="Clear").click()
    assert strokes(tablet) is None


def test_a_typed_name_is_the_other_way_to_sign_and_the_only_one_without_script(
    chromium: Browser, tablet: Page, site: tuple[str, Seen, Flask]
) -> None:
    tablet.goto("/sign")
    expect(tablet.get_by_label("Type your full name to sign")).to_be_hidden()
    tablet.get_by_text("Type my name").click()
    expect(tablet.get_by_label("Type your full name to sign")).to_be_visible()
    expect(tablet.locator("canvas")).to_be_hidden()
    plain = chromium.new_context(base_url=site[0], java_script_enabled=False).new_page()
    plain.goto("/sign")
    expect(plain.get_by_label("Type your full name to sign")).to_be_visible()
    expect(plain.locator("canvas")).to_be_hidden()
    assert plain.locator("input[name=how]:checked").get_attribute("value") == "type"
    plain.context.close()


# ---- Alone ----


def test_a_tablet_left_alone_asks_and_goes_on_when_somebody_is_there(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/questions?idle")
    tablet.locator('[data-item="smoke"] input[value="yes"]').check()
    tablet.clock.run_for(301_000)
    expect(tablet.get_by_role("dialog")).to_contain_text("Are you still there?")
    expect(tablet.get_by_role("button", name="Yes, carry on")).to_be_focused()
    tablet.clock.run_for(50_000)
    tablet.get_by_role("button", name="Yes, carry on").click()
    tablet.clock.run_for(60_000)
    expect(tablet.get_by_role("dialog")).to_be_hidden()
    assert tablet.locator('[data-item="smoke"] input[value="yes"]').is_checked()
    assert "lock" not in seen.calls


def test_a_tablet_nobody_answers_for_locks_and_back_does_not_open_it(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/welcome")
    tablet.goto("/questions?idle")
    tablet.clock.run_for(301_000)
    tablet.clock.run_for(61_000)
    tablet.wait_for_url("**/welcome")
    assert seen.calls == ["lock"]
    tablet.go_back()
    assert tablet.url.endswith("/welcome")


def test_a_lock_that_cannot_reach_the_server_covers_the_answers(tablet: Page) -> None:
    tablet.clock.install()
    tablet.goto("/questions?idle")
    tablet.clock.run_for(301_000)
    tablet.context.set_offline(True)
    tablet.get_by_role("button", name="Lock now").click()
    expect(tablet.get_by_role("heading", name="Questions")).to_be_hidden()
    tablet.context.set_offline(False)
    tablet.clock.run_for(6000)
    tablet.wait_for_url("**/welcome")


def test_somebody_who_reads_on_keeps_the_visit_alive(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/questions?idle")
    for _minute in range(2):
        tablet.clock.run_for(40_000)
        tablet.keyboard.press("Shift")
        tablet.clock.run_for(40_000)
        with tablet.expect_response("**/alive"):
            tablet.mouse.wheel(0, 50)
            tablet.keyboard.press("Shift")
    expect(tablet.get_by_role("dialog")).to_be_hidden()
    assert seen.calls.count("alive") == 2


def test_the_thank_you_page_clears_itself_after_half_a_minute(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/thanks")
    expect(tablet.locator("[data-counting]")).to_contain_text("30")
    tablet.clock.run_for(31_000)
    tablet.wait_for_url("**/welcome")
    assert seen.calls == ["finish"]


# ---- The board ----


def test_a_board_changes_only_the_cards_that_changed_and_leaves_focus_alone(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/board")
    tablet.evaluate("document.querySelectorAll('.card').forEach(card => { card.mark = true; })")
    tablet.get_by_role("button", name="Call K2").focus()
    seen.cards, seen.words = ["K4", "K2", "K3"], {"K3": "waits", "news": "K4 has come"}
    tablet.clock.run_for(5100)
    expect(tablet.locator(".card")).to_contain_text(["K4", "K2", "K3 waits"])
    marks = "[...document.querySelectorAll('.card')].map(card => !!card.mark)"
    expect(tablet.get_by_role("button", name="Call K2")).to_be_focused()
    expect(tablet.locator("[data-live]")).to_have_text("K4 has come")
    assert tablet.evaluate(marks) == [False, True, False]
    tablet.evaluate("document.querySelectorAll('.card').forEach(card => { card.mark = true; })")
    seen.words = {"K2": "signed"}
    tablet.clock.run_for(5100)
    expect(tablet.locator("#card-K2")).to_contain_text("signed")
    expect(tablet.get_by_role("button", name="Call K2")).to_be_focused()
    assert tablet.evaluate(marks)[0] is True


def test_a_board_that_is_old_says_so_and_its_buttons_wait(tablet: Page, seen: Seen) -> None:
    tablet.clock.install()
    tablet.goto("/board")
    seen.failing = 1
    for _ in range(2):
        with tablet.expect_response("**/board"):
            tablet.clock.run_for(5100)
    expect(tablet.locator("[data-stale]")).to_be_visible()
    tablet.get_by_role("button", name="Call K1").click(force=True)
    assert tablet.url.endswith("/board")
    seen.failing = 0
    tablet.clock.run_for(5100)
    expect(tablet.locator("[data-stale]")).to_be_hidden()
