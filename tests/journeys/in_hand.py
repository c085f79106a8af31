"""A patient at a page of questions that is kept while it is in hand, for the journeys that cut or close it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.journeys import path

REACH = "/visit/questions/ct"
BAR = "[data-offline]"
KEPT = "Your answers are saved as you go"


@dataclass(frozen=True)
class Visit:
    """A visit at the page that asks how to reach the patient; its tablet's and reception's pages."""

    app: Flask
    base: str
    reception: Page
    patient: Page
    id: UUID

    def box(self, link_id: str) -> Locator:
        """The box of a question that is answered in words."""
        return self.patient.locator(f'[data-item="{link_id}"] input')

    @property
    def bar(self) -> Locator:
        """The bar that says that the connection is lost."""
        return self.patient.locator(BAR)

    def keep(self) -> None:
        """Let the page's clock run until the page in hand was sent, and wait for the answer."""
        with self.patient.expect_response(lambda answer: "partial=1" in answer.url) as kept:
            self.patient.clock.run_for(2100)
        assert kept.value.status == 204
        expect(self.patient.get_by_text(KEPT)).to_be_visible()


def at_reach(app: Flask, base: str, tablet: BrowserContext, desk: BrowserContext) -> Visit:
    """From a new token to the page that asks how to reach the patient; from there on the page's clock stands until a
    test winds it on."""
    reception, patient = desk.new_page(), tablet.new_page()
    patient.clock.install()
    path.sign_in(reception, base, "reception@demo.example")
    path.pair_tablet(reception, patient, base)
    visit_id = path.issue_and_hand_over(reception, base)
    path.identify(patient, base)
    while not patient.url.endswith(REACH):
        path.answer_section(patient)
        path.go_on(patient)
    patient.clock.pause_at(patient.evaluate("Date.now() / 1000 + 1"))
    return Visit(app, base, reception, patient, UUID(visit_id))


@contextmanager
def counted(page: Page) -> Iterator[list[str]]:
    """What a page sends with POST meanwhile, as path and query."""
    sent: list[str] = []

    def note(request: object) -> None:
        if getattr(request, "method", "") == "POST":
            sent.append(str(getattr(request, "url", "")).partition("/visit/")[2])

    page.on("request", note)
    yield sent
    page.remove_listener("request", note)


__all__ = ["BAR", "KEPT", "REACH", "Visit", "at_reach", "counted"]
