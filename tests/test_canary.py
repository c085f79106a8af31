"""A whole day of the clinic, and nothing private in an address, a title, a cookie or a log line."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote_plus

import pytest
from flask import Flask

from intake import telemetry
from intake.db import db
from intake.rehearsal.people import Person
from intake.rehearsal.play import _Day
from tests.conftest import SERVER, _fresh_database, settings_for
from tests.loglines import log_lines

NAME, PHONE, BORN = "Quokkalina Zanzibarsson", "9123407589", date(1947, 8, 29)
TYPED = "platypus whispers"
PRIVATE = ("quokkalina", "zanzibarsson", PHONE, PHONE[-4:], "1947", "platypus", "whispers")


class Canary(Person):
    """Somebody whose every word would be recognised."""

    def words(self) -> str:
        return TYPED


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line of every log while a test runs."""
    with log_lines() as written:
        yield written


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
