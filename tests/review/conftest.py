"""The doctors who review, as actors for the verbs; what a browser sends from a review page; patients with flags."""

import html
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import consent, review, screening, staff
from intake.access import Actor, Role
from intake.db import transaction
from intake.i18n import clinic
from intake.review.rules import Kind, Verdict
from tests.builders import HEALTHY, fields_of

FLAGGED = {
    **HEALTHY,
    "md.thin": ["asp"],
    "al.list": ["la"],
    "al.detail": "Fainted at the dentist",
    "al.how": "mild",
    "ph.rec": False,
}
PRESSED = {**HEALTHY, "bi.own": "pressed"}
MINOR = {**HEALTHY, "id.dob": "2010-03-04"}
Said = Mapping[str, tuple[str, str]]
FILL = {Kind.NOTE: Verdict.SEEN, Kind.QUESTION: Verdict.ANSWERED, Kind.TEACHBACK: Verdict.EXPLAINED}


def _actor(app: Flask, letter: str) -> Actor:
    with app.test_request_context():
        member = next(doctor for doctor in staff.list_doctors() if doctor.letter == letter)
    return Actor("staff", member.id, frozenset({Role.DOCTOR}))


@pytest.fixture
def doctor(app: Flask) -> Actor:
    """Dr Rao, letter K."""
    return _actor(app, "K")


@pytest.fixture
def other_doctor(app: Flask) -> Actor:
    """Dr Menon, letter T."""
    return _actor(app, "T")


def about(app: Flask, visit_id: UUID, rule: str) -> str:
    """How the finding of a rule is named in decisions."""
    with app.test_request_context():
        return next(f"finding:{f.id}" for f in screening.findings_of(visit_id) if f.rule == rule)


def settled(app: Flask, visit_id: UUID) -> dict[str, tuple[str, str]]:
    """A verdict with words for everything there is to settle: go ahead, seen, answered, explained."""
    with app.test_request_context():
        points = [matter.point for matter in review.review_of(visit_id).matters.all]
    return {p.about: (FILL.get(p.kind, Verdict.GO_AHEAD).value, f"Talked about it: {p.title}") for p in points}


def digest(app: Flask, visit_id: UUID) -> str:
    """The SHA-256 of what the patient signed."""
    with app.test_request_context():
        statement = consent.find_statement(visit_id, consent.Kind.SIGNED)
    assert statement is not None
    return statement.sha256


def sign_off(app: Flask, visit_id: UUID, by: Actor, sha256: str = "") -> None:
    """A visit countersigned."""
    with app.test_request_context(), transaction():
        review.sign_off(clinic(), visit_id, sha256 or digest(app, visit_id), by=by, device="a laptop")


def as_sent(page: str, said: Said = {}) -> dict[str, Any]:  # noqa: B006  # only read
    """What a browser would send from a review page: what stands there, and what is chosen and typed besides."""
    form = {name: html.unescape(values[0]) for name, values in fields_of(page).items()} | {"password": ""}
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.S):
        form[name] = html.unescape(text)
    for point, (verdict, words) in said.items():
        suffix = point.replace(":", "-")
        form[f"v-{suffix}"], form[f"w-{suffix}"] = verdict, words
    return form


Send = Callable[..., Any]


@pytest.fixture
def send() -> Send:
    """Open a visit's review page, type, and press a button: "" saves, the others are countersign and release."""

    def press(client: Any, visit_id: UUID, button: str = "", said: Said = {}, **more: str) -> Any:  # noqa: B006
        page = client.get(f"/review/{visit_id}")
        assert page.status_code == 200, page.text
        address = f"/review/{visit_id}/{button}".rstrip("/")
        return client.post(address, data=as_sent(page.text, said) | more)

    return press
