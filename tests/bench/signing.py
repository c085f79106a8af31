"""The row about the signature: from the tap on "Sign" to the thank-you page, over a socket and with a commit that waits
for the disk, beside a bare Flask view that commits one row the same way. The record is drawn later, by the worker.
"""

import http.client
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from intake import cli, create_app, kiosk
from intake.access import SYSTEM
from intake.config import Settings
from intake.db import transaction
from tests.bench.clinic import Clinic, open_clinic
from tests.bench.measure import Row, Spread
from tests.builders import a_visit, answered, strokes, understood
from tests.conftest import StrictClient
from tests.kiosk.pages import browser_fields, identified
from tests.serving import serving

PATIENTS = 100  # so that one in twenty is five
POINTS = 300  # of a drawn signature; a pen sends one every 8 to 16 ms
SIGN, THANKS = "/visit/sign", "/visit/thanks"


def tap_on_sign(_clinic: Clinic) -> tuple[Row, Row]:
    """The 95th percentiles of both: the tap alone, and with the thank-you page that follows."""
    ours: dict[str, list[float]] = {"tap": [], "page": []}
    theirs: list[float] = []
    with open_clinic(durable=True) as clinic, _served(clinic.app) as tablet, _served(_bare(clinic.folder)) as browser:
        making = create_app(clinic.app.config["INTAKE"])
        making.test_client_class = StrictClient
        for number in range(PATIENTS + 3):
            fields, cookies = _at_sign(making, f"S{number}")
            theirs.append(browser.post("/", fields)[0])
            tap, place = tablet.post(SIGN, fields, cookies)
            page, body = tablet.get(place, cookies)
            if place != THANKS or b"Your form is signed." not in body:
                raise RuntimeError(f"not signed: {place}")
            ours["tap"].append(tap)
            ours["page"].append(tap + page)
    peer = Spread.of([1000 * one for one in theirs[3:]])
    return tuple(  # type: ignore[return-value]
        _row(what, Spread.of([1000 * one for one in ours[kind][3:]]), peer)
        for what, kind in (("tap on Sign until it is kept", "tap"), ("until the thank-you page is there", "page"))
    )


def _row(what: str, ours: Spread, peer: Spread) -> Row:
    against = f"{peer.milliseconds} bare POST, one row"
    return Row(what, ours.milliseconds, against, Spread.only(ours.p95 / peer.p95), "x of p95", bar=10)


def _at_sign(app: Flask, name: str) -> tuple[dict[str, Any], str]:
    """A patient with a drawn signature under the finger, on a tablet of their own: what the page sends, its cookies."""
    with app.app_context(), transaction():
        kiosk.add_tablet(name, by=SYSTEM)
    visit_id = a_visit(app, out_of_hours="Measured at any hour")
    client = identified(app, visit_id, name)
    answered(app, visit_id)
    understood(app, visit_id)
    fields = browser_fields(client.get(SIGN).text) | {"how": "draw", "strokes": strokes(POINTS)}
    cookies = [client.get_cookie(f"intake-{kind}") for kind in ("session", "device")]
    return fields, "; ".join(f"{cookie.key}={cookie.value}" for cookie in cookies if cookie)


def _bare(folder: Path) -> Flask:
    """An application with one view, which commits one row as durably as we do, on a connection that stays open as ours
    do, and sends on."""
    app, own = Flask("bare"), threading.local()
    file = folder / "bare.sqlite"

    def connection() -> sqlite3.Connection:
        if not hasattr(own, "connection"):
            own.connection = sqlite3.connect(file, isolation_level=None)
            own.connection.execute("PRAGMA journal_mode=WAL")
            own.connection.execute("PRAGMA synchronous=FULL")
        found: sqlite3.Connection = own.connection
        return found

    @app.post("/")
    def view() -> BaseResponse:
        connection().execute("INSERT INTO kept (words) VALUES (?)", (request.form["strokes"],))
        return redirect("/", 303)

    connection().execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, words TEXT)")
    return app


class _Browser:
    """A connection that stays open, as a tablet's does."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def post(self, path: str, fields: Mapping[str, Any], cookies: str = "") -> tuple[float, str]:
        """Seconds until the answer is there, and where it sends on to."""
        seconds, response, _body = self._ask("POST", path, cookies, urlencode(fields, doseq=True))
        if response.status != 303:
            raise RuntimeError(f"answered {response.status}")
        return seconds, response.headers["Location"]

    def get(self, path: str, cookies: str) -> tuple[float, bytes]:
        """Seconds until the page is there, and the page."""
        seconds, response, body = self._ask("GET", path, cookies)
        if response.status != 200:
            raise RuntimeError(f"answered {response.status}")
        return seconds, body

    def _ask(
        self, method: str, path: str, cookies: str, sent: str | None = None
    ) -> tuple[float, http.client.HTTPResponse, bytes]:
        headers = {"Host": "localhost", "Origin": "http://localhost", "Cookie": cookies}
        if sent is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._line.request(method, path, sent, headers)
        response = self._line.getresponse()
        body = response.read()
        return time.perf_counter() - began, response, body


@contextmanager
def _served(app: Flask) -> Iterator[_Browser]:
    settings = app.config.get("INTAKE")
    options = cli.server_options(settings) if isinstance(settings, Settings) else {"threads": 8, "ident": ""}
    with serving(app, host="127.0.0.1", port=0, **options) as port:
        yield _Browser(port)
