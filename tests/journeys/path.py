"""How a person goes through the tablet's pages with a finger, and how staff go through theirs.
Used by journeys and pictures."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page

from intake import jobs
from intake.db import db
from tests.conftest import PASSWORD

WISHES: Mapping[str, Any] = {
    "id.name": "Farida Sheikh",
    "id.sex": "female",
    "ct.mobile": "98400 00421",
    "ct.ec_name": "Imran Sheikh",
    "ct.ec_phone": "98400 00422",
    "ct.ok": "call",
    "tx.goals": "lips_dry",
    "sk.sun": "3",
    "bi.change": "Softer lips",
    "bi.expect": "small",
    "bi.own": "yes",
    "st.who": "self",
}
USUAL = ("none", "na", "no", "false", "never", "self", "small", "3")
Seen = Callable[[Page], None]


def sign_in(page: Page, base: str, email: str) -> None:
    """Sign a member of staff in."""
    page.goto(f"http://{base}/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda address: "/sign-in" not in address)


def pair_tablet(desk: Page, tablet: Page, base: str) -> None:
    """Reception reads a code, the tablet types it."""
    desk.goto(f"http://{base}/desk")
    desk.click("button[formaction$='/pair'] >> nth=0")
    code = desk.inner_text(".code").replace(" ", "")
    tablet.goto(f"http://localhost:{base.split(':')[1]}/tablet/pair")
    tablet.fill("input[name=code]", code)
    tablet.click("main button[type=submit]")
    tablet.wait_for_url("**/tablet")


def issue_and_hand_over(desk: Page, base: str, name: str = "Farida Sheikh") -> str:
    """A new token, and the tablet given to it; gives the visit's id."""
    desk.goto(f"http://{base}/desk")
    desk.fill("input[name=name]", name)
    desk.fill("input[name=phone]", "98400 00421")
    desk.click("label:has(input[name=doctor]) >> nth=0")
    desk.click("form:has(input[name=name]) button[type=submit]")
    desk.wait_for_selector(".card")
    link = desk.get_attribute(f".card a:has-text('{name}') >> nth=-1", "href") or ""
    visit_id = link.rsplit("/", 1)[1]
    with desk.expect_navigation():
        desk.click(f"#visit-{visit_id} button[formaction$='/tablet']")
    return visit_id


def hand_over_again(desk: Page, base: str, visit_id: str) -> None:
    """Take the tablet back, wipe it, and give it to the same visit."""
    desk.goto(f"http://{base}/desk/visits/{visit_id}")
    desk.click("form[action$='/take-back'] button")
    desk.goto(f"http://{base}/desk")
    for button in ("#trays button[formaction$='/wiped']", f"#visit-{visit_id} button[formaction$='/tablet']"):
        with desk.expect_navigation():
            desk.click(button)


def identify(
    tablet: Page,
    base: str,
    born: tuple[str, str, str] = ("4", "3", "1968"),
    *,
    language: str = "",
    seen: Seen = lambda page: None,
) -> None:
    """Choose a language where one is named, start, and give the date of birth, showing both pages to `seen`."""
    tablet.goto(f"http://localhost:{base.split(':')[1]}/tablet")
    if language:
        with tablet.expect_navigation():
            tablet.tap(f"button.lang[value={language}]")
    seen(tablet)
    tablet.tap("button.btn-main[form=start]")
    tablet.wait_for_url("**/visit/identity")
    seen(tablet)
    for part, value in zip("dmy", born, strict=True):
        tablet.fill(f"input[name=born-{part}]", value)
    go_on(tablet)


def go_on(tablet: Page) -> None:
    """Tap the main button, and wait until the next page stands."""
    with tablet.expect_navigation():
        tablet.tap("button.btn-main:visible")


def answer_section(tablet: Page, wishes: Mapping[str, Any] = WISHES) -> None:
    """Answer what is visible, top to bottom; what opens on the way is answered too."""
    done: set[str] = set()
    while True:
        left = [
            item
            for item in tablet.locator(".item:visible").all()
            if (item.get_attribute("data-item") or "") not in done
        ]
        if not left:
            return
        name = left[0].get_attribute("data-item") or ""
        done.add(name)
        _answer(left[0], wishes.get(name))


def _pick(codes: list[str], wish: Any) -> str:
    return str(wish) if wish in codes else next((code for code in USUAL if code in codes), codes[0])


def _answer(item: Locator, wish: Any) -> None:
    codes = [
        box.get_attribute("value") or "on" for box in item.locator("input[type=radio], input[type=checkbox]").all()
    ]
    if codes:
        if not item.locator("input:checked").count():
            item.locator(f"label:has(input[value='{_pick(codes, wish)}'])").first.tap()
        return
    for box in item.locator("input[type=text], input[type=tel], input[type=email], input:not([type]), textarea").all():
        if not box.input_value() and wish is not None:
            box.fill(str(wish))


def walk(tablet: Page, seen: Seen, wishes: Mapping[str, Any] = WISHES, *, ask: str = "") -> None:
    """From the first question to the signature page, showing every page to `seen`."""
    for _page in range(80):
        path = tablet.evaluate("location.pathname")
        seen(tablet)
        if path == "/visit/sign" or path.startswith(("/visit/doctor-first", "/visit/thanks")):
            return
        if path.startswith("/visit/questions/"):
            answer_section(tablet, wishes)
        elif path.startswith("/visit/effects/"):
            for box in tablet.locator("input[type=radio][value=understood]").all():
                name = box.get_attribute("name") or ""
                value = "question" if ask and name == f"part-{ask}" else "understood"
                tablet.locator(f"label:has(input[name='{name}'][value={value}])").tap()
        elif path.startswith("/visit/teach-back/"):
            tablet.locator("label:has(input[name=option])").first.tap()
        go_on(tablet)
    raise AssertionError("the path does not end")


def draw_signature(tablet: Page) -> None:
    """A signature with the finger on the pad."""
    pad = tablet.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    left, top = box["x"] + 60, box["y"] + box["height"] / 2
    tablet.mouse.move(left, top)
    tablet.mouse.down()
    for step in range(40):
        tablet.mouse.move(left + step * 9, top + (-30 if step % 8 < 4 else 30), steps=2)
    tablet.mouse.up()


def decide_and_countersign(doctor: Page, base: str, visit_id: str, seen: Seen) -> None:
    """Everything decided with words, then countersigned with the password."""
    doctor.goto(f"http://{base}/review/{visit_id}")
    seen(doctor)
    for group in doctor.locator("article.flag").all():
        for value in ("go_ahead", "answered", "explained"):
            if group.locator(f"input[value={value}]").count():
                group.locator(f"label:has(input[value={value}])").click()
                group.locator("textarea").fill("Talked about it in person; decided together.")
        if group.locator("input[type=checkbox]").count():
            group.locator("label:has(input[type=checkbox])").click()
    doctor.fill("input[name=password]", PASSWORD)
    doctor.click("button.btn-main[formaction$='/countersign']")
    doctor.wait_for_url("**/review")


def run_jobs(app: Flask) -> None:
    """What the worker does, in a thread of its own: the browser's driver keeps an event loop in the caller's."""

    def work() -> None:
        with app.app_context():
            while jobs.run_due():
                pass
            db.session.remove()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()


# What has the focus: its question, and for a group of choices all values and whether one is chosen.
FOCUSED = """() => {
  const at = document.activeElement, isChoice = at.matches('[type=radio], [type=checkbox]');
  const near = isChoice ? [...document.querySelectorAll(`input[name="${CSS.escape(at.name)}"]`)] : [];
  return {
    item: at.closest('[data-item]')?.dataset.item ?? at.name, value: at.value, kind: at.type,
    isMain: at.matches('main .btn-main'), isText: at.matches('input, textarea') && !isChoice,
    values: near.map(box => box.value), isChosen: near.some(box => box.checked),
  };
}"""


def answer_by_keyboard(page: Page, wishes: Mapping[str, Any] = WISHES) -> None:
    """Go through a page with Tab from its top to its main button, answering on the way, and press that with Enter."""
    done: set[str] = set()
    for _stop in range(120):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at["isMain"]:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
        wish = wishes.get(at["item"])
        if at["isText"]:
            if not at["value"] and wish is not None:
                page.keyboard.type(str(wish))
        elif at["values"] and (at["item"] in done or not at["isChosen"]):
            done.add(at["item"])
            _choose_by_keyboard(page, at, _pick(at["values"], wish))
    raise AssertionError("the main button is out of the keyboard's reach")


def _choose_by_keyboard(page: Page, at: Mapping[str, Any], code: str) -> None:
    if at["kind"] == "radio":
        page.keyboard.press("Space")
        for _step in range(at["values"].index(code)):
            page.keyboard.press("ArrowDown")
    elif at["value"] == code:
        page.keyboard.press("Space")
