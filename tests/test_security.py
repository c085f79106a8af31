"""What every answer carries and what no request gets through:
headers, page tokens, methods, sizes, forged addresses. Longer than most: one table of every route serves all of it."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from intake import answers, consent, create_app, kiosk, telemetry
from intake.access import PUBLIC, Actor, Role, allow, allowed_for
from intake.config import Settings
from intake.db import db, transaction
from intake.kiosk import service as tablets
from intake.rehearsal.people import Person
from intake.rehearsal.play import _Day
from tests.builders import TABLET, a_tablet, a_visit, answered, fields_of, understood
from tests.conftest import SERVER, StrictClient, _fresh_database, _watched, settings_for, sign_in

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
ONE_MEGABYTE = 1024 * 1024


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


@pytest.fixture
def plain(app: Flask) -> FlaskClient:
    """A browser nobody signed in, that does not look at pages."""
    app.test_client_class = FlaskClient
    return app.test_client()


@pytest.fixture
def browsers(app: Flask) -> Callable[[frozenset[Role | str]], StrictClient]:
    """A browser that may enter where these may, made once for each kind."""
    made: dict[str, StrictClient] = {}
    staff = {"reception": "reception", "doctor": "rao", "records": "records", "admin": "admin", "author": "author"}

    def browser(allowed: frozenset[Role | str]) -> StrictClient:
        kind = next((who for who in (*staff, "kiosk", "tablet") if who in allowed), "nobody")
        if kind not in made:
            made[kind] = _browser(kind)
        return made[kind]

    def _browser(kind: str) -> Any:
        if kind in staff:
            return sign_in(app, f"{staff[kind]}@demo.example")
        if kind == "nobody":
            return app.test_client()
        return a_tablet_in_hand(app) if kind == "kiosk" else a_tablet(app, name="T2")

    return browser


# ---- Headers ----


def test_every_route_carries_every_header_whoever_asks(app: Flask, plain: FlaskClient) -> None:
    lacking = {}
    for rule, path in routes(app):
        for method in (rule.methods or set()) - {"HEAD"}:
            response = plain.open(path, method=method)
            if missing := missing_headers(response):
                lacking[f"{method} {rule.rule} {response.status_code}"] = missing
    assert lacking == {}


def test_every_page_carries_them_for_those_who_may_enter(
    app: Flask, browsers: Callable[[frozenset[Role | str]], StrictClient]
) -> None:
    lacking = {}
    for rule, path in routes(app, "GET"):
        response = browsers(allowed_for(app, rule.endpoint) or frozenset()).get(path)
        if missing := missing_headers(response):
            lacking[f"{rule.rule} {response.status_code}"] = missing
    assert lacking == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no/such/page", 404),
        ("GET", "/static/dist/no-such-file.js", 404),
        ("GET", "/static/../config.py", 404),
        ("GET", "/static/%2e%2e/config.py", 404),
        ("DELETE", "/sign-in", 405),
        ("POST", "/sign-in", 400),
        ("POST", "/large", 413),
        ("GET", "/crash", 500),
        ("GET", "/teapot", 418),
    ],
)
def test_every_error_carries_them_too_and_tells_nothing_of_the_machine(
    app: Flask, method: str, path: str, status: int
) -> None:
    @allow(PUBLIC)
    def crash() -> str:
        raise RuntimeError("Farida Sheikh")

    @allow(PUBLIC)
    def teapot() -> tuple[str, int]:
        return "short and stout", 418

    app.add_url_rule("/crash", "crash", crash)
    app.add_url_rule("/teapot", "teapot", teapot)
    app.test_client_class = FlaskClient
    address = "/sign-in" if path == "/large" else path
    body = b"x=" + b"y" * ONE_MEGABYTE if path == "/large" else None
    response = app.test_client().open(
        address, method=method, data=body, content_type="application/x-www-form-urlencoded"
    )
    assert (response.status_code, missing_headers(response)) == (status, [])
    for word in ("Farida", "Traceback", "RuntimeError", "werkzeug", "Flask", str(Path(__file__).parents[1])):
        assert word not in response.text


def test_a_crash_gives_a_reference_that_stands_in_the_log(app: Flask, lines: list[str]) -> None:
    @allow(PUBLIC)
    def crash() -> str:
        raise RuntimeError("Farida Sheikh")

    app.add_url_rule("/crash", "crash", crash)
    page = app.test_client().get("/crash").text
    crashes = [line for line in lines if '"event": "crash"' in line]
    assert len(crashes) == 1 and "Farida" not in "".join(lines)
    found = re.search(r'"request": "([0-9a-f]{32})"', crashes[0])
    assert found is not None and found[1] in page


def test_a_built_asset_may_be_kept_for_ever_and_is_still_not_sniffed(app: Flask, plain: FlaskClient) -> None:
    name = next(iter(app.extensions["intake_assets"].values()))
    response = plain.get(f"/static/dist/{name}")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = plain.get(f"/static/dist/{name}", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304 and "immutable" in again.headers["Cache-Control"]
    for answer in (response, again):
        answer.close()


def test_over_https_every_answer_says_that_there_is_no_other_way(settings: Settings) -> None:
    app = create_app(replace(settings, origin="https://intake.clinic.example"))
    client = app.test_client()
    for path in ("/sign-in", "/no/such/page", "/healthz", "/desk"):
        response = client.get(path, base_url="https://intake.clinic.example")
        assert response.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


# ---- Requests nobody of ours would send ----


def test_no_post_is_taken_without_the_token_of_a_page(
    app: Flask, browsers: Callable[[frozenset[Role | str]], StrictClient]
) -> None:
    taken = []
    for rule, path in routes(app, "POST"):
        browser = browsers(allowed_for(app, rule.endpoint) or frozenset())
        for token in ({}, {"csrf_token": ""}, {"csrf_token": "x" * 91}):
            with _watched() as written:
                response = FlaskClient.post(browser, path, data={**token, "code": "ABCDEFGH", "reason": "x"})
            # A page that is not this tablet's next one sends it there before it looks at anything.
            is_refused = response.status_code >= 400 or (response.status_code == 303 and path.startswith("/visit/"))
            if not is_refused or written - {"web_session"}:
                taken.append(f"{rule.rule} {token} answered {response.status_code} and wrote {written}")
    assert taken == []


def test_an_old_token_signs_nothing_and_keeps_what_was_typed(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)
    understood(app, visit_id)
    tablet = a_tablet_in_hand(app, visit_id)
    form = fields_of(tablet.get("/visit/sign").text) | {"how": "type", "typed": "Farida Sheikh"}
    response = tablet.post("/visit/sign", data=form | {"csrf_token": "old"})
    assert 400 <= response.status_code < 500 and "Farida Sheikh" in response.text
    with app.test_request_context():
        assert consent.state_of(visit_id) is consent.State.OPEN
    assert tablet.post("/visit/sign", data=form | {"csrf_token": tablet.token}).status_code == 303
    with app.test_request_context():
        assert consent.state_of(visit_id) is consent.State.SIGNED


def test_over_https_a_post_must_come_from_our_own_pages(settings: Settings) -> None:
    app = create_app(replace(settings, origin="https://intake.clinic.example"))
    client, base = app.test_client(), "https://intake.clinic.example"
    page = client.get("/sign-in", base_url=base).text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    form = {"csrf_token": found[1], "email": "x@demo.example", "password": "x"}
    statuses = [
        client.post("/sign-in", data=form, base_url=base, headers={"Referer": referer} if referer else {}).status_code
        for referer in ("", "https://evil.example/", f"{base}.evil.example/", f"{base}/sign-in")
    ]
    assert statuses == [400, 400, 400, 422]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_method_that_a_route_does_not_have_is_405_and_says_which_it_has(app: Flask, plain: FlaskClient) -> None:
    methods = ("TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND", "GET", "POST", "get", "FARIDA")
    by_path: dict[str, set[str]] = {}
    for rule, path in routes(app):
        by_path.setdefault(path, set()).update(rule.methods or ())
    for path, has in by_path.items():
        for method in set(methods) - has - {"get"}:
            response = plain.open(path, method=method)
            assert response.status_code == 405, f"{method} {path}"
            assert {name.strip() for name in response.headers["Allow"].split(",")} == has, f"{method} {path}"


def test_a_body_larger_than_a_megabyte_is_refused_on_every_route(
    app: Flask, browsers: Callable[[frozenset[Role | str]], StrictClient]
) -> None:
    body = b"csrf_token=" + b"x" * ONE_MEGABYTE
    wrong = []
    for rule, path in routes(app, "POST"):
        browser = browsers(allowed_for(app, rule.endpoint) or frozenset())
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            with _watched() as written:
                status = FlaskClient.post(browser, path, data=body, content_type=kind).status_code
            is_refused = status == 413 or (status in (303, 404) and path.startswith("/visit/"))
            if not is_refused or written - {"web_session"}:
                wrong.append(f"{rule.rule} answered {status} and wrote {written}")
    assert wrong == []


def test_a_ten_megabyte_signature_is_refused_before_it_is_read(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)
    understood(app, visit_id)
    tablet = a_tablet_in_hand(app, visit_id)
    tablet.get("/visit/sign")
    form = {"csrf_token": tablet.token, "how": "draw", "strokes": "x" * 10 * ONE_MEGABYTE}
    assert tablet.post("/visit/sign", data=form).status_code == 413
    with app.test_request_context():
        assert consent.state_of(visit_id) is consent.State.OPEN


def test_a_form_of_a_thousand_parts_is_refused(plain: FlaskClient) -> None:
    parts = (
        "".join(f'--x\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\n1\r\n' for n in range(1000)) + "--x--\r\n"
    )
    response = plain.post("/sign-in", data=parts.encode(), content_type="multipart/form-data; boundary=x")
    assert response.status_code == 413


BODIES = (b"", b"%", b"%ff=%00", b"=&=&=", b"\xff\xfe\x00", b"a" * 5000, b"csrf_token=" + "é".encode("utf-16"))
KINDS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json", "", "x")
ADDRESSES = (
    *("/verify/%00", "/verify/%ff", "/verify/..%2f..%2fetc", "/verify/" + "x" * 5000, "/log?before=" + "9" * 60),
    *("/log?before=-1", "/log?before=x", "/archive/days/2026-13-45", "/archive/days/%00%00%00", "/review?of=%00"),
    *("/archive/days?day=%ff", "/sign-in?next=%00", "/sign-in?next=" + "x" * 9000, "/desk/visits/not-a-uuid"),
    *("/visit/questions/%00", "/visit/effects/%f0%9f%98%80", "/review/00000000-0000-0000-0000-00000000000G"),
)


def test_a_body_of_rubbish_is_a_plain_refusal(plain: FlaskClient) -> None:
    for path in ("/sign-in", "/tablet/pair", "/visit/sign", "/desk", "/archive"):
        for body, kind in product(BODIES, KINDS):
            status = plain.post(path, data=body, content_type=kind).status_code
            assert 400 <= status < 500, f"{path} {kind} {body!r} answered {status}"


@pytest.mark.parametrize("who", [PUBLIC, Role.ADMIN, Role.DOCTOR, Role.KIOSK])
def test_an_address_of_rubbish_is_no_crash_for_anybody(
    browsers: Callable[[frozenset[Role | str]], StrictClient], who: Role | str
) -> None:
    browser = browsers(frozenset({who}))
    for path in ADDRESSES:
        status = FlaskClient.get(browser, path).status_code
        assert status < 500, f"{path} answered {status}"


# ---- Forged addresses ----

FORGED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "host=evil.example;proto=https",
    "X-Original-URL": "/log",
    "X-Rewrite-URL": "/log",
    "X-HTTP-Method-Override": "DELETE",
}


@pytest.mark.parametrize("header", FORGED)
def test_a_forged_address_changes_no_link_no_redirect_and_no_cookie(
    app: Flask, plain: FlaskClient, header: str
) -> None:
    for path in ("/sign-in", "/desk", "/tablet/pair", "/verify/KS-0000-0000", "/no/such/page"):
        honest, forged = plain.get(path), app.test_client().get(path, headers={header: FORGED[header]})
        assert forged.status_code == honest.status_code
        assert forged.headers.get("Location") == honest.headers.get("Location")
        assert "evil" not in forged.text + str(forged.headers)
        assert "Strict-Transport-Security" not in forged.headers and "Secure" not in str(
            forged.headers.getlist("Set-Cookie")
        )


# ---- Canary: a whole day, and nothing private where it does not belong ----

NAME, PHONE, BORN = "Quokkalina Zanzibarsson", "9123407589", date(1947, 8, 29)
TYPED = "platypus whispers"
PRIVATE = ("quokkalina", "zanzibarsson", PHONE, PHONE[-4:], "1947", "platypus", "whispers")


class Canary(Person):
    """Somebody whose every word would be recognised."""

    def words(self) -> str:
        return TYPED


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line of every log, in the form in which it leaves the process."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(telemetry.JsonLines().format(record))

    keep, loggers = Keep(), [logging.getLogger(), telemetry.log]
    for logger in loggers:
        logger.addHandler(keep)
    yield written
    for logger in loggers:
        logger.removeHandler(keep)
    telemetry.set_up()


class Passing:
    """Stands in the door and writes down every address, every redirect, every cookie and every title."""

    def __init__(self, app: Flask) -> None:
        self.inner, self.seen = app.wsgi_app, list[str]()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}")
        headers: list[tuple[str, str]] = []

        def begin(status: str, given: list[tuple[str, str]], *rest: Any) -> Any:
            headers.extend(given)
            return start(status, given, *rest)

        body = b"".join(self.inner(environ, begin))
        self.seen += [
            f"{k}: {v}" for k, v in headers if k in ("Location", "Set-Cookie", "Refresh", "Content-Disposition")
        ]
        self.seen += re.findall(r"<title>(.*?)</title>", body.decode("utf-8", "replace"), re.S)
        return [body]


def test_in_a_whole_day_no_private_word_is_in_an_address_a_title_a_cookie_or_a_log_line(
    tmp_path: Path, lines: list[str]
) -> None:
    database = {"database_url": _fresh_database("intake_canary")} if SERVER else {}
    day = _Day(settings_for(tmp_path / "data", **database))
    telemetry.log.setLevel(logging.INFO)
    day.app.wsgi_app = passing = Passing(day.app)  # type: ignore[method-assign]
    person = Canary(NAME, BORN, PHONE, "K", ["fat", "tighten"], Random(7), rare=0.3, asks=0.3, misses=0.5)
    person.answers = {"tx.goals": person.goals, "id.sex": ["female"]}
    day.play(0, person, tmp_path)
    assert [(visit.outcome, visit.error) for visit in day.visits] == [("countersigned", "")]
    for wanted in (NAME, PHONE, BORN.isoformat(), "Zanzibarsson"):
        page = day.records.get("/archive")
        found = page.submit(page.form(lambda form: "q" in form.controls), page.forms[0].values() | {"q": wanted})
        assert NAME in found.html, "the search itself finds them"
    desk = day.reception.get("/desk/returning")
    form = desk.form(lambda form: form.action.endswith("/returning") or "name" in form.controls)
    desk.submit(form, form.values() | dict.fromkeys(form.controls.keys() & {"name", "q", "phone"}, NAME))
    for address in ("/desk", "/review", "/review?of=all", "/archive/days/2026-11-23"):
        (day.reception if address == "/desk" else day.doctors["K"][0]).get(address)
    with day.app.app_context():
        db.session.remove()
        db.engine.dispose()
    assert len(passing.seen) > 150 and len(lines) > 80
    leaks = [text for text in passing.seen for word in PRIVATE if word in unquote_plus(text).lower()]
    assert [leak for leak in leaks if not is_chance(leak)] == []
    assert [line for line in lines for word in PRIVATE if word in line.lower() and not is_chance(line)] == []


def is_chance(text: str) -> bool:
    """Four digits may stand in a random id or in a time; words and whole numbers may not."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|[\w-]{40,}|\"ms\": [\d.]+", "", text.lower())
    return not any(word in plain for word in PRIVATE)
