"""Every route of the application with an address, a browser for whoever may enter it, and what each answer carries."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.routing import Rule

from intake import answers, kiosk
from intake.access import Actor, Role
from intake.db import transaction
from intake.kiosk import service as tablets
from tests.builders import TABLET, a_tablet, a_visit
from tests.conftest import StrictClient, sign_in

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
UNKNOWN = UUID(int=7)
WORDS = {"number": "KS-0000-0000", "day": "2026-11-23", "section_id": "id", "page_id": "what", "question_id": "TB-1"}


def address(app: Flask, rule: Rule) -> str:
    """An address of this route, of things that do not exist."""
    values: dict[str, Any] = {name: WORDS.get(name, UNKNOWN) for name in rule.arguments}
    values |= {"filename": "dist/no-such-file.js"} if "filename" in rule.arguments else {}
    adapter = app.url_map.bind("localhost")
    return str(adapter.build(rule.endpoint, values, method="GET" if "GET" in (rule.methods or ()) else "POST"))


def routes(app: Flask, method: str = "") -> list[tuple[Rule, str]]:
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
    return [(rule, address(app, rule)) for rule in rules if not method or method in (rule.methods or ())]


def missing_headers(response: Any) -> list[str]:
    """What this answer lacks of what every answer has."""
    lacking = [name for name, value in HEADERS.items() if response.headers.getlist(name) != [value]]
    if response.headers.getlist("Cache-Control") != ["no-store"]:
        lacking.append("Cache-Control")
    return lacking + [name for name in ("Server", "X-Powered-By") if name in response.headers]


def a_tablet_in_hand(app: Flask, visit_id: UUID | None = None) -> StrictClient:
    """A tablet whose patient has said who they are and begun."""
    visit_id = visit_id or a_visit(app)
    tablet = a_tablet(app, visit_id)
    with app.test_request_context(), transaction():
        device = next(one for one in kiosk.list_tablets() if one.visit_id == visit_id)
        assert tablets.identify(date(1968, 3, 4), by=Actor("tablet", device.id, frozenset()))
        answers.begin(visit_id, by=TABLET)
    assert isinstance(tablet, StrictClient)
    return tablet


STAFF = {"reception": "reception", "doctor": "rao", "records": "records", "admin": "admin", "author": "author"}


class Browsers:
    """A browser that may enter where these may, made once for each kind of person."""

    def __init__(self, app: Flask) -> None:
        self.app, self.made = app, dict[str, StrictClient]()

    def __call__(self, allowed: frozenset[Role | str]) -> StrictClient:
        kind = next((who for who in (*STAFF, "kiosk", "tablet") if who in allowed), "nobody")
        if kind not in self.made:
            self.made[kind] = self._browser(kind)
        return self.made[kind]

    def _browser(self, kind: str) -> Any:
        if kind in STAFF:
            return sign_in(self.app, f"{STAFF[kind]}@demo.example")
        if kind == "nobody":
            return self.app.test_client()
        return a_tablet_in_hand(self.app) if kind == "kiosk" else a_tablet(self.app, name="T2")
