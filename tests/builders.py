"""Short stories to start a test from: a visit, a patient on a tablet, a signed consent.
They go the real way through HTTP or verbs."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from intake import answers, consent, kiosk, staff, visits
from intake.access import Actor, Role
from intake.db import transaction
from intake.definitions import Questionnaire, Value, enabled, visible_sections
from intake.i18n import clinic

DESK = Actor("staff", None, frozenset({Role.RECEPTION}))
TABLET = Actor("tablet", None, frozenset({Role.TABLET, Role.KIOSK}))
NEUTRAL = ("none", "no", "na", "self", "never", "small", "yes", "call", "male", "3")
HEALTHY: Mapping[str, Any] = {
    "id.name": "Farida Sheikh",
    "id.dob": "1968-03-04",
    "id.sex": "female",
    "ct.mobile": "9840000421",
    "ct.ec_name": "Imran Sheikh",
    "ct.ec_phone": "9840000422",
    "tx.goals": ["tighten"],
    "tx.areas_face": ["cheeks"],
    "bi.change": "Fresher cheeks",
    "sk.sun": "3",
    "ph.rec": True,
    "st.privacy": True,
    "bi.own": "yes",
    "ct.ok": ["call"],
}


def a_visit(
    app: Flask,
    *,
    name: str = "Farida Sheikh",
    phone: str = "98400 00421",
    letter: str = "K",
    out_of_hours: str = "",
    patient_id: UUID | None = None,
) -> UUID:
    """A token for a new patient, or one of before, issued at the desk; `out_of_hours` is why, where the clinic is
    closed."""
    with app.test_request_context(), transaction():
        doctor = next(d for d in staff.list_doctors() if d.letter == letter)
        visit = visits.issue_token(
            clinic(),
            doctor_id=doctor.id,
            name=name,
            phone=phone,
            patient_id=patient_id,
            override_reason=out_of_hours,
            by=DESK,
        )
        return visit.id


TWO_TREATMENTS: Mapping[str, Any] = {
    **{link: said for link, said in HEALTHY.items() if link != "tx.areas_face"},
    "tx.goals": ["fat", "hair"],
    "tx.areas_body": ["chin"],
    "tx.areas_scalp": ["crown"],
}
"""A patient who comes for two treatments at once: FAT and HAIR."""


def value_of(questionnaire: Questionnaire, link_id: str, plain: Any) -> list[Value]:
    """Plain Python data as the FHIR values of an item."""
    item = questionnaire.items[link_id]
    if item.is_choice:
        codes = plain if isinstance(plain, list) else [plain]
        return [option.value for option in item.options if option.code in codes]
    keys = {"boolean": "valueBoolean", "integer": "valueInteger", "decimal": "valueDecimal", "date": "valueDate"}
    return [{keys.get(item.type.value, "valueString"): plain}]


def complete_answers(questionnaire: Questionnaire, given: Mapping[str, Any]) -> dict[str, list[Value]]:
    """Given answers, and a neutral one for every required question they leave open."""
    said = {link: value_of(questionnaire, link, plain) for link, plain in given.items()}
    for link_id in questionnaire.order:
        item = questionnaire.items[link_id]
        if (
            item.is_question
            and item.required
            and not item.hidden
            and link_id not in said
            and link_id in enabled(questionnaire, said)
        ):
            said[link_id] = value_of(questionnaire, link_id, _neutral(item))
    return said


def _neutral(item: Any) -> Any:
    if item.is_choice:
        codes = [option.code for option in item.options]
        code = next((c for c in NEUTRAL if c in codes), codes[0])
        return [code] if item.repeats else code
    return {"boolean": bool(item.acknowledgement), "integer": 165, "decimal": 60.0, "date": "2026-11-01"}.get(
        item.type.value, "9840000421"
    )


def answered(app: Flask, visit_id: UUID, given: Mapping[str, Any] = HEALTHY, *, submit: bool = True) -> None:
    """The questionnaire of a visit, answered and (by default) given."""
    with app.test_request_context(), transaction():
        begun = answers.begin(visit_id, by=TABLET)
        said = complete_answers(begun.edition.questionnaire, given)
        for section in visible_sections(begun.edition.questionnaire, said):
            now = answers.get(visit_id)
            page = {link: said[link] for link in section.items if link in said}
            answers.save(visit_id, section.id, page, now.revision, by=TABLET)
        if submit:
            answers.submit(visit_id, "en", by=TABLET)


def understood(
    app: Flask,
    visit_id: UUID,
    *,
    questions: tuple[str, ...] = (),
    wrong: tuple[str, ...] = (),
    language: str = "en",
) -> None:
    """Every clause answered in a language ("I have a question" to those named),
    every teach-back right (or wrong twice for those named)."""
    with app.test_request_context(), transaction():
        shown = consent.present(clinic(), visit_id, language, by=TABLET)
        from intake.consent.rules import parts_of

        for page in shown.body["pages"]:
            replies = {p["id"]: "question" if p["id"] in questions else "understood" for p in parts_of(page)}
            consent.reply(visit_id, page["id"], replies, by=TABLET)
        for question in shown.body["teachback"]:
            right = next(o["code"] for o in question["options"] if o["right"])
            for option in ("unsure", "unsure") if question["id"] in wrong else (right,):
                consent.teach_back(visit_id, question["id"], option, by=TABLET)


def signed(app: Flask, visit_id: UUID, name: str = "Farida Sheikh") -> None:
    """The patient's typed signature."""
    with app.test_request_context(), transaction():
        statements = consent.shown(visit_id).body["statements"]
        consent.sign(
            clinic(),
            visit_id,
            {"method": "typed", "typed": name, "statements": statements, "language": "en", "device": ""},
            by=TABLET,
        )


def a_signed_visit(
    app: Flask,
    given: Mapping[str, Any] = HEALTHY,
    *,
    questions: tuple[str, ...] = (),
    wrong: tuple[str, ...] = (),
    **visit: Any,
) -> UUID:
    """A visit up to the patient's signature."""
    visit_id = a_visit(app, **visit)
    answered(app, visit_id, given)
    understood(app, visit_id, questions=questions, wrong=wrong)
    signed(app, visit_id, str(visit.get("name", "Farida Sheikh")))
    return visit_id


def a_tablet(app: Flask, visit_id: UUID | None = None, name: str = "T1") -> FlaskClient:
    """A paired tablet's browser, in the hands of a visit where one is given."""
    with app.test_request_context(), transaction():
        device = next(t for t in kiosk.list_tablets() if t.name == name)
        code = kiosk.pairing_code(device.id, by=DESK)
    client = app.test_client()
    assert client.submit("/tablet/pair", {"code": code}).status_code == 303  # type: ignore[attr-defined]
    client.token = ""  # type: ignore[attr-defined]  # pairing begins a new session
    if visit_id is not None:
        with app.test_request_context(), transaction():
            kiosk.give(device.id, visit_id, "en", by=DESK)
    return client


def fields_of(html: str) -> dict[str, Any]:
    """What a browser would send from a page untouched: hidden fields and stored values."""
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", html):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if attributes.get("type") in ("radio", "checkbox") and "checked" not in tag:
            continue
        if name := attributes.get("name"):
            fields.setdefault(name, []).append(attributes.get("value", "on"))
    return fields


def strokes(length: int = 12) -> str:
    """A drawn signature as the pad sends it."""
    points = [
        {"x": 100 + 12 * n, "y": 120 + (n % 3) * 20, "time": 1000 + 16 * n, "pressure": 0.5} for n in range(length)
    ]
    return json.dumps({"width": 760, "height": 280, "strokes": [{"points": points}]})
