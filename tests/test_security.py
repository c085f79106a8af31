"""What no request gets through: without a page's token, too large, malformed, with a forged address or name."""

import re
from dataclasses import replace
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient

from intake import consent, create_app
from intake.access import PUBLIC, Role, allowed_for
from intake.config import Settings
from intake.db import db
from tests.builders import a_visit, answered, fields_of, understood
from tests.conftest import StrictClient, _watched
from tests.routes import Browsers, a_tablet_in_hand, missing_headers, routes

ONE_MEGABYTE = 1024 * 1024


@pytest.fixture
def plain(app: Flask) -> FlaskClient:
    """A browser nobody signed in, that does not look at pages."""
    app.test_client_class = FlaskClient
    return app.test_client()


@pytest.fixture
def browsers(app: Flask) -> Browsers:
    """A browser for everybody who may enter anywhere."""
    return Browsers(app)


def test_no_post_is_taken_without_the_token_of_a_page(app: Flask, browsers: Browsers) -> None:
    taken = []
    for rule, path in routes(app, "POST"):
        browser = browsers(allowed_for(app, rule.endpoint) or frozenset())
        for token in ({}, {"csrf_token": ""}, {"csrf_token": "x" * 91}):
            with _watched(app) as written:
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


def test_a_body_larger_than_a_megabyte_is_refused_on_every_route(app: Flask, browsers: Browsers) -> None:
    body = b"csrf_token=" + b"x" * ONE_MEGABYTE
    wrong = []
    for rule, path in routes(app, "POST"):
        browser = browsers(allowed_for(app, rule.endpoint) or frozenset())
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            with _watched(app) as written:
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
def test_an_address_of_rubbish_is_no_crash_for_anybody(browsers: Browsers, who: Role | str) -> None:
    browser = browsers(frozenset({who}))
    for path in ADDRESSES:
        status = FlaskClient.get(browser, path).status_code
        assert status < 500, f"{path} answered {status}"


# ---- Forged addresses ----

FORGED = {
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


# ---- The name under which the service is asked for ----


def test_a_host_that_is_not_the_clinics_gets_a_plain_400_and_no_page_of_ours(app: Flask, plain: FlaskClient) -> None:
    for host in ("evil.example", "localhost.evil.example", "evil.example:80", "localhost.", "10.0.0.1", "[::1", "a b"):
        for path in ("/sign-in", "/desk", "/healthz", "/no/such/page", "/static/dist/no-such-file.js"):
            response = plain.get(path, headers={"Host": host})
            assert (response.status_code, response.mimetype) == (400, "text/plain"), f"{host} {path}"
            assert "evil" not in response.text + str(response.headers) and not response.headers.getlist("Set-Cookie")
            assert missing_headers(response) == []


def test_a_form_sent_to_another_name_changes_nothing(app: Flask, as_reception: StrictClient) -> None:
    as_reception.get("/desk")
    with _watched(app) as written:
        response = as_reception.post(
            "/sign-out", data={"csrf_token": as_reception.token}, headers={"Host": "evil.example"}
        )
    assert response.status_code == 400 and not written
    assert as_reception.get("/desk").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_on_loopback_every_name_of_loopback_is_the_service(plain: FlaskClient, host: str) -> None:
    assert plain.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://intake.clinic.example", "https://192.168.1.10:8443", "https://[fd00::10]"])
def test_a_clinic_is_reached_under_the_address_of_its_settings_alone(settings: Settings, origin: str) -> None:
    app = create_app(replace(settings, origin=origin, tablet_origin=origin))
    app.test_client_class = FlaskClient
    client = app.test_client()
    assert client.get("/sign-in", base_url=origin).status_code == 200
    assert client.get("/sign-in", base_url="https://localhost").status_code == 400
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
