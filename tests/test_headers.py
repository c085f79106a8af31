"""What every answer carries, whoever asks and whatever happens: the security headers, and nothing of the machine."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from intake import create_app
from intake.access import PUBLIC, allow, allowed_for
from intake.config import Settings
from intake.db import db
from tests.loglines import log_lines
from tests.routes import Browsers, missing_headers, routes

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


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line of every log while a test runs."""
    with log_lines() as written:
        yield written


def test_every_route_carries_every_header_whoever_asks(app: Flask, plain: FlaskClient) -> None:
    lacking = {}
    for rule, path in routes(app):
        for method in (rule.methods or set()) - {"HEAD"}:
            response = plain.open(path, method=method)
            if missing := missing_headers(response):
                lacking[f"{method} {rule.rule} {response.status_code}"] = missing
    assert lacking == {}


def test_every_page_carries_them_for_those_who_may_enter(app: Flask, browsers: Browsers) -> None:
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
