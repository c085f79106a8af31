"""Who may enter which page: the list under review, and every route answered as the list says."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from intake import clock, visits
from intake.access import PUBLIC, STAFF, Role, access_list, allowed_for, check_routes
from intake.db import Base, db, new_id, transaction
from tests.builders import a_tablet, a_visit
from tests.conftest import StrictClient, sign_in

LIST = Path(__file__).parent / "access.txt"
ROOT = Path(__file__).parent.parent


def test_the_list_of_routes_and_who_may_enter_is_the_one_under_review(app: Flask) -> None:
    """Where this is a change that is meant: write `access_list(app)` to tests/access.txt and have it reviewed."""
    assert LIST.read_text("utf-8").splitlines() == access_list(app)


def test_a_route_that_does_not_say_who_may_enter_stops_the_start(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "")
    with pytest.raises(RuntimeError, match="forgotten"):
        check_routes(app)


def test_every_id_in_an_address_is_a_uuid_and_every_other_word_has_a_length(app: Flask) -> None:
    """So that neither a guessable number nor something endless stands in an address."""
    loose = []
    for rule in app.url_map.iter_rules():
        for name, converter in rule._converters.items():
            kind = type(converter).__name__
            if name.endswith("_id") and kind != "UUIDConverter" and f"{rule.endpoint}.{name}" not in WORDS:
                loose.append(f"{rule.rule}: {name} is a {kind}")
            if kind == "UnicodeConverter" and not re.search(r"\{1,\d+\}|\{\d+\}", converter.regex):
                loose.append(f"{rule.rule}: {name} may be endless")
    assert loose == []


WORDS = {  # names of parts of a definition, the same for everybody
    "answers.section.section_id",
    "consent.effects.page_id",
    "consent.teach_back.question_id",
}


def test_every_view_says_it_itself_and_once() -> None:
    """Read from the source: a view whose permission comes from elsewhere is easily lost."""
    found = []
    for path in [*sorted((ROOT / "intake").glob("**/views.py")), ROOT / "intake" / "web.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            names = [ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
            is_view = any(re.fullmatch(r"\w*bp\.(route|get|post)", name) for name in names)
            if is_view and names.count("allow") != 1:
                found.append(f"{path.name}: {node.name} says {names.count('allow')} times who may enter")
            if is_view and not re.fullmatch(r"\w*bp\.(route|get|post)", names[0]):
                found.append(f"{path.name}: {node.name} is registered before it says who may enter")
    assert found == []


def test_no_page_of_the_staff_is_open_to_a_tablet_nor_one_of_a_tablet_to_the_staff(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        who = allowed_for(app, rule.endpoint) or frozenset()
        assert not (who & set(STAFF) and who & {Role.TABLET, Role.KIOSK}), rule.endpoint
        assert PUBLIC not in who or who == {PUBLIC}, rule.endpoint


def test_public_pages_are_few(app: Flask) -> None:
    public = {rule.endpoint for rule in app.url_map.iter_rules() if PUBLIC in (allowed_for(app, rule.endpoint) or ())}
    checking = {"records.check", "records.verify"}
    assert public == {"static", "web.healthz", "web.readyz", "staff.sign_in", "kiosk.pair"} | checking


# ---- Every route, every actor ----

LAST = ("kiosk.finish", "kiosk.lock", "staff.sign_out")  # what ends the actor's own session comes last
STAFF_EMAILS = {
    "reception": "reception@demo.example",
    "doctor": "rao@demo.example",
    "records": "records@demo.example",
    "author": "author@demo.example",
    "admin": "admin@demo.example",
}
ACTORS = ("nobody", *STAFF_EMAILS, "tablet", "tablet with a visit")


@dataclass(frozen=True)
class Known:
    """Things that exist, for those who may not see them; things that do not, for those who may."""

    ids: dict[str, Any]

    def path(self, app: Flask, rule: Rule, *, exists: bool) -> str:
        values = {name: self.ids[name] if exists or name not in UNKNOWN else UNKNOWN[name] for name in rule.arguments}
        with app.test_request_context():
            adapter = app.url_map.bind("localhost")
            return str(adapter.build(rule.endpoint, values, method=next(iter(rule.methods or {"GET"}))))


UNKNOWN = {
    name: UUID(int=7)
    for name in ("visit_id", "patient_id", "record_id", "tablet_id", "edition_id", "draft_id", "of_id")
}


@pytest.fixture
def known(app: Flask) -> Known:
    visit_id, record_id, number = a_visit(app), new_id(), "KS-7KQ2-M9XF"
    with app.app_context(), transaction():
        patient_id = visits.get_visit(visit_id).patient_id
        digests = dict.fromkeys(("statement_sha256", "pdf_sha256", "storage_key"), "0" * 64)
        row = {"id": record_id, "visit_id": visit_id, "patient_id": patient_id, "number": number, **digests}
        row |= {"outcome": "declined", "size": 1, "sealed_at": clock.now()}
        db.session.execute(Base.metadata.tables["record"].insert().values(row))
    return Known(
        {
            "visit_id": visit_id,
            "patient_id": patient_id,
            "record_id": record_id,
            "tablet_id": UUID(int=7),
            **dict.fromkeys(("edition_id", "draft_id", "of_id"), UUID(int=7)),
            "kind": "consent",
            "number": number,
            "day": "2026-11-23",
            "section_id": "id",
            "page_id": "what",
            "question_id": "TB-1",
            "filename": "dist/manifest.json",
        }
    )


def roles_of(actor: str) -> set[str]:
    if actor == "tablet with a visit":
        return {PUBLIC, Role.TABLET, Role.KIOSK}
    return {PUBLIC} if actor == "nobody" else {PUBLIC, actor}


def browser_of(app: Flask, actor: str) -> FlaskClient:
    """A browser in the hands of this actor."""
    app.test_client_class = FlaskClient
    if actor == "nobody":
        return app.test_client()
    app.test_client_class = StrictClient
    if actor in STAFF_EMAILS:
        return sign_in(app, STAFF_EMAILS[actor])
    return a_tablet(app, a_visit(app, name="Zoë Ng") if actor == "tablet with a visit" else None)


def requests(app: Flask, known: Known, actor: str) -> Iterator[tuple[bool, str, str]]:
    """Whether the actor may, the method and the address, of every route; what ends the actor's session last."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule))
    pairs = [(rule, bool(roles_of(actor) & (allowed_for(app, rule.endpoint) or frozenset()))) for rule in rules]
    for rule, may in sorted(pairs, key=lambda pair: pair[1] and pair[0].endpoint in LAST):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield may, method, known.path(app, rule, exists=not may)


@pytest.mark.parametrize("actor", ACTORS)
def test_every_route_answers_every_actor_as_the_list_says(app: Flask, known: Known, actor: str) -> None:
    browser = browser_of(app, actor)
    token = token_of(browser)
    wrong = []
    for may, method, path in requests(app, known, actor):
        form = {"csrf_token": token} if method == "POST" else None
        response = FlaskClient.open(browser, path, method=method, data=form)
        target = response.headers.get("Location", "")
        to_the_door = response.status_code == 303 and target.startswith("/sign-in?next=")
        to_the_start = response.status_code == 303 and target in ("/tablet", "/tablet/pair")
        turned_away = response.status_code in (401, 403) or to_the_door
        if (may and (turned_away and path != "/sign-in")) or response.status_code >= 500:
            wrong.append(f"may: {method} {path} answered {response.status_code} {target}")
        if not may and not (turned_away or (actor in ("nobody", "tablet") and to_the_start)):
            wrong.append(f"may not: {method} {path} answered {response.status_code} {target}")
        response.close()
    assert wrong == []


def token_of(browser: FlaskClient) -> str:
    """A page token that is good for this browser's session, whoever it belongs to."""
    for path in ("/tablet", "/home", "/sign-in", "/tablet/pair"):
        page = FlaskClient.get(browser, path, follow_redirects=True)
        if page.status_code == 200 and (found := re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)):
            return found[1]
    raise AssertionError("no page has a token")


@pytest.mark.parametrize("actor", ACTORS)
def test_what_is_forbidden_and_what_does_not_exist_look_the_same(app: Flask, known: Known, actor: str) -> None:
    browser = browser_of(app, actor)
    for rule in app.url_map.iter_rules():
        if (
            roles_of(actor) & (allowed_for(app, rule.endpoint) or frozenset())
            or not set(rule.arguments) & UNKNOWN.keys()
        ):
            continue
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        answers = []
        for exists in (True, False):
            path = known.path(app, rule, exists=exists)
            response = FlaskClient.open(browser, path, method=method)
            answers.append((response.status_code, response.headers.get("Location", "").replace(path, "")))
        assert answers[0] == answers[1], rule.rule
