"""How long the questionnaire takes at a fast but human pace, against the 7 minutes promised: every tap and every typed
character is counted, and costs what a person needs for it. pytest -s -m browser tests/journeys/test_pace.py prints."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page

from tests.journeys import path

pytestmark = pytest.mark.browser
TAP, CHARACTER = 3.0, 60 / (40 * 5)  # seconds: a tap with its thought; 40 words a minute, 5 characters a word
PROMISED = 7.0  # minutes for the questionnaire, from its first page until "Check your answers" is sent
PATIENTS = {
    one["id"]: one
    for one in json.loads((Path(__file__).parent.parent / "samples" / "patients.json").read_text("utf-8"))
}
# What a patient types: short, and true. An optional box is left empty by who has nothing to say.
TYPED = {
    "ct.mobile": "9840000421",
    "ct.ec_name": "Imran Sheikh",
    "ct.ec_phone": "9840000422",
    "bi.change": "Fresher skin",
    "md.list": "Ecosprin 75, once a day",
}
SOMETHING = "Since last year"
DAY = {"d": "1", "m": "10", "y": "2026", "t": "9:30"}

# The next question nobody has looked at yet, with its own boxes; what stands in them already is known.
NEXT = """() => {
  for (const item of document.querySelectorAll('.item')) {
    if (!item.getClientRects().length || item.dataset.paced) continue;
    item.dataset.paced = '1';
    const own = [...item.querySelectorAll('input, textarea, select')].filter(one =>
      one.closest('[data-item]') === item && !one.matches('[type=hidden], .seg *') && one.getClientRects().length);
    if (!own.length) continue;
    return { item: item.dataset.item, optional: !!item.querySelector('legend, label').querySelector('.optional'),
      boxes: own.map(({ id, type, value, checked, dataset: { part = '' } }) => ({ id, type, value, checked, part })) };
  }
  return null;
}"""


@dataclass
class Effort:
    """What a person did, and how long the pages let them wait."""

    taps: int = 0
    characters: int = 0
    pages: int = 0
    waited: float = 0.0

    @property
    def minutes(self) -> float:
        """At the human pace, without the waiting."""
        return (self.taps * TAP + self.characters * CHARACTER) / 60

    def tap(self, page: Page, selector: str) -> None:
        """Touch something."""
        page.locator(selector).first.tap()
        self.taps += 1

    def type(self, page: Page, box: str, words: str) -> None:
        """Touch a box and write into it."""
        self.tap(page, box)
        page.fill(box, words)
        self.characters += len(words)

    def go_on(self, page: Page) -> None:
        """Touch the main button, and wait for the next page as long as it takes."""
        began = time.perf_counter()
        path.go_on(page)
        self.waited += time.perf_counter() - began
        self.taps += 1
        self.pages += 1


def wanted_of(codes: Sequence[str], wish: Any) -> list[str]:
    """The codes this patient chooses: as written down, otherwise what most people say."""
    wishes = wish if isinstance(wish, list) else [wish]
    said = {"yes": "true", "no": "false"} if "true" in codes else {}
    chosen = [code for code in (said.get(str(one), str(one)) for one in wishes) if code in codes]
    return chosen or [next((code for code in path.USUAL if code in codes), codes[0])]


def answer_page(page: Page, patient: Mapping[str, Any], effort: Effort) -> None:
    """Every question of the page that is asked, top to bottom; those that open on the way too."""
    while asked := page.evaluate(NEXT):
        boxes, wish = asked["boxes"], patient.get(asked["item"])
        if asked["optional"] and wish is None:
            continue
        if choices := {box["value"]: box for box in boxes if box["type"] in ("radio", "checkbox")}:
            if not any(box["checked"] for box in choices.values()):
                for code in wanted_of(list(choices), wish):
                    effort.tap(page, f'[id="{choices[code]["id"]}"]')
        elif boxes[0]["type"] == "select-one":
            page.locator(f'[id="{boxes[0]["id"]}"]').select_option(index=1)
            effort.taps += 2
        else:
            for box in [box for box in boxes if not box["value"]]:
                words = DAY.get(box["part"]) or str(wish or TYPED.get(asked["item"], SOMETHING))
                effort.type(page, f'[id="{box["id"]}"]', words)


def read_page(page: Page, effort: Effort) -> None:
    """A page of the consent: every part is clear; the answers of a teach-back one by one until it is right."""
    for box in page.locator("input[type=radio][value=understood]").all():
        effort.tap(page, f'[id="{box.get_attribute("id")}"]')
    options = page.locator("input[name=option]")
    if options.count():
        tried = int(page.locator("input[name=tries]").input_value() or 0)
        effort.tap(page, f"input[name=option] >> nth={min(tried, options.count() - 1)}")


def visit(patient: Page, base: str, answers: Mapping[str, Any]) -> tuple[Effort, Effort, str]:
    """The effort of the questionnaire, and of the whole visit on the tablet with it; and where that ended."""
    began, whole, asking = Effort(), Effort(), Effort()
    patient.goto(f"http://localhost:{base.split(':')[1]}/tablet")
    began.tap(patient, "button.btn-main[form=start]")
    patient.wait_for_url("**/visit/identity")
    for part, value in zip("dmy", ("4", "3", "1968"), strict=True):
        began.type(patient, f"input[name=born-{part}]", value)
    began.go_on(patient)
    for _page in range(80):
        where = patient.evaluate("location.pathname")
        if where == "/visit/sign" or where.startswith(("/visit/doctor-first", "/visit/thanks")):
            break
        if where.startswith("/visit/questions/"):
            answer_page(patient, answers, asking)
        else:
            read_page(patient, whole)
        (asking if where.startswith(("/visit/questions/", "/visit/check")) else whole).go_on(patient)
    if where == "/visit/sign":
        path.draw_signature(patient)
        whole.taps += 1
        whole.go_on(patient)
    whole.tap(patient, "form[data-finish] button")
    patient.wait_for_url("**/tablet")  # or the browser would be closed in the middle of it
    for part in (began, asking):
        whole.taps, whole.characters = whole.taps + part.taps, whole.characters + part.characters
        whole.pages, whole.waited = whole.pages + part.pages, whole.waited + part.waited
    return asking, whole, where


@pytest.mark.parametrize("who", ["K-01", "K-05"])
def test_the_questionnaire_takes_at_most_the_seven_minutes_promised(
    live: tuple[Flask, str], tablet: BrowserContext, desk: BrowserContext, who: str
) -> None:
    reception, patient = desk.new_page(), tablet.new_page()
    path.sign_in(reception, live[1], "reception@demo.example")
    path.pair_tablet(reception, patient, live[1])
    path.issue_and_hand_over(reception, live[1])
    asking, whole, end = visit(patient, live[1], PATIENTS[who]["answers"])
    for what, effort in (("questionnaire", asking), ("whole visit", whole)):
        print(
            f"\n{who} {what}: {effort.taps} taps, {effort.characters} characters, {effort.pages} pages"
            f" = {effort.minutes:.1f} min, and {effort.waited:.1f} s of waiting for pages; to {end}"
        )
    assert asking.pages > 10
    assert asking.minutes <= PROMISED
