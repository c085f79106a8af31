"""The application, its database, and a strict client for each kind of person.
Nothing of ours is replaced by a stand-in."""

import gc
import os
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as property_tests
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from intake import Service, cli, clock, create_app
from intake.access import SYSTEM
from intake.config import Clinic, Settings, TimeStamps
from intake.db import db, transaction
from tests import tsa
from tests.once import Compiled, Route

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
# How long one example takes says how busy the machine is, not whether the rule holds.
property_tests.register_profile("intake", deadline=None)
property_tests.load_profile("intake")
INDIA = ZoneInfo("Asia/Kolkata")
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=INDIA)
SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=INDIA)
PASSWORD = "a long enough password"
SERVER = os.environ.get("INTAKE_TEST_DATABASE_URL")
KNOWN = "rev|presentation|tries"  # what a page says of the state it was made from
MADE = f"intake_made_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
MAY_WRITE_ON_GET = {
    "audit_entry",
    "audit_head",
    "web_session",
    "tablet_visit",
    "sign_in_attempt",
}  # the log, the asker's own session row, and a wrong guess at a public page


Service.jinja_options = {"bytecode_cache": Compiled()}
Service.url_rule_class = Route


def settings_for(folder: Path, **more: Any) -> Settings:
    """The demonstration clinic's settings over a folder."""
    values = cli.demo_settings(folder, 8000) | {"demo": False} | more
    values["origin"], values["tablet_origin"] = "http://localhost", "http://localhost"
    return Settings.from_mapping(values)


@pytest.fixture(scope="session")
def made_clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic's data folder with keys, tables, content, people and two tablets, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("clinic") / "data"
    settings = settings_for(folder, **({"database_url": _fresh_database(MADE)} if SERVER else {}))
    with clock.frozen(MONDAY_NOON):
        cli.prepare(settings)
        app = create_app(settings)
        # A hash says what it cost, so a sign-in in a test costs little; tests/staff shows what the product's cost.
        app.extensions["security"].pwd_context.update(argon2__rounds=1, argon2__memory_cost=8, argon2__parallelism=1)
        with app.app_context(), transaction():
            from intake import kiosk, staff

            for person in cli.DEMO_PEOPLE:
                staff.add_member(password=PASSWORD, **person)
            for name in ("T1", "T2"):
                kiosk.add_tablet(name, by=SYSTEM)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return folder


def _fresh_database(name: str, template: str = "template1") -> str:
    admin = create_engine(str(SERVER), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    admin.dispose()
    return make_url(str(SERVER)).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def data(made_clinic: Path, tmp_path: Path) -> Path:
    """This test's own copy of the clinic's folder."""
    shutil.copytree(made_clinic, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def settings(data: Path) -> Iterator[Settings]:
    """The settings of this test's clinic, with a database of its own."""
    with own_settings(data, MADE) as found:
        yield found


@contextmanager
def own_settings(data: Path, template: str) -> Iterator[Settings]:
    """Settings for a data folder; on the server with a database made from this one, which is gone afterwards."""
    if not SERVER:
        yield settings_for(data)
        return
    name = f"intake_{uuid.uuid4().hex[:12]}"
    yield settings_for(data, database_url=_fresh_database(name, template))
    admin = create_engine(str(SERVER), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture(autouse=True)
def clock_at() -> Iterator[Callable[[datetime], None]]:
    """Time stands at Monday noon in the clinic; call it to move the clock."""
    frozen: list[Any] = []

    def set_to(moment: datetime) -> None:
        context = clock.frozen(moment)
        context.__enter__()
        frozen.append(context)

    set_to(MONDAY_NOON)
    yield set_to
    for context in reversed(frozen):
        context.__exit__(None, None, None)


@contextmanager
def opened(settings: Settings) -> Iterator[Flask]:
    """The application over what is there, its connections closed afterwards."""
    app = create_app(settings)
    app.test_client_class = StrictClient
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app(settings: Settings, clock_at: Callable[[datetime], None]) -> Iterator[Flask]:
    """The real application."""
    with opened(settings) as app:
        yield app


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Close what a command or a second application of this test left connected: a process would end with it."""
    yield
    for engines in [*db._app_engines.values()] if SERVER else []:
        for engine in engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def a_time_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tsa.Service]:
    """A real time-stamping service on loopback, started once for the run."""
    with tsa.served(tmp_path_factory.mktemp("tsa")) as service:
        yield service


@pytest.fixture
def time_service(a_time_service: tsa.Service, clock_at: Callable[[datetime], None]) -> Iterator[tsa.Service]:
    """The same, honest again; the clock stands at the system's time, with which it stamps."""
    clock_at(tsa.real_now())
    honest = a_time_service.stamper
    yield a_time_service
    a_time_service.lie, a_time_service.stamper = "", honest
    a_time_service.authority.revoked.clear()
    a_time_service.lists.clear()
    a_time_service.let_go.set()
    a_time_service.let_go = threading.Event()


def always_open(clinic: Clinic) -> Clinic:
    """The clinic with its door open day and night."""
    return replace(clinic, hours={day: (time.min, time.max) for day in range(7)}, last_token=time.max)


@pytest.fixture
def stamping_app(settings: Settings, time_service: tsa.Service) -> Iterator[Flask]:
    """The real application of a clinic with a time service; it never closes, because the time is the system's."""
    chosen = TimeStamps(time_service.url, time_service.authority.pem, frozenset({"127.0.0.1"}))
    with opened(replace(settings, clinic=always_open(settings.clinic), time_stamps=chosen)) as app:
        yield app


@pytest.fixture
def in_app(app: Flask) -> Iterator[Flask]:
    """The application with its context open, for calling verbs directly."""
    with app.test_request_context():
        yield app
        db.session.remove()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for all tests marked `browser`, which run in a process of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


class StrictClient(FlaskClient):
    """A browser that fails on a GET that writes, on HTML that is not well-formed, on a page without a language."""

    token: str = ""
    hidden: dict[str, dict[str, str]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hidden = {}

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with _watched(self.application) as written:
            response = super().open(*args, **kwargs)
        if response.request.method == "GET":
            assert not written - MAY_WRITE_ON_GET, f"GET {response.request.path} wrote {written - MAY_WRITE_ON_GET}"
        if response.mimetype == "text/html" and not 300 <= response.status_code < 400 and response.text:
            self.check_page(response.text, response.request.path)
        return response

    def check_page(self, html: str, path: str) -> None:
        """Hold a page to what every page must be; remember its CSRF token."""
        parser = html5lib.HTMLParser(strict=True)
        try:
            tree = parser.parse(html)
        except html5lib.html5parser.ParseError as error:
            line = parser.tokenizer.stream.position()
            raise AssertionError(f"{path} is not well-formed at {line}: {error}") from error
        assert tree.get("lang"), f"{path} does not say its language"
        slip = re.search(r"(built-in|bound) method|function \w+ at 0x| object at 0x", html)
        assert slip is None, f"{path} prints code where a value was meant: {slip and slip[0]}"
        if found := re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html):
            self.token = found[1]
        self.hidden[path] = dict(re.findall(rf'<input type="hidden" name="({KNOWN})" value="([^"]*)"', html))

    def submit(self, path: str, form: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """Send a form as a person would: with the token of the page seen last."""
        asks = path.startswith(("/visit/check", "/visit/effects", "/visit/teach-back", "/visit/sign"))
        if not self.token or (asks and path not in self.hidden):
            self.get(path)
        return self.post(path, data={"csrf_token": self.token} | self.hidden.get(path, {}) | (form or {}), **kwargs)


@contextmanager
def _watched(app: Flask) -> Iterator[set[str]]:
    with app.app_context():
        engine = db.engine
    written: set[str] = set()

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if found := re.match(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', statement):
            written.add(found[1])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield written
    finally:
        event.remove(engine, "before_cursor_execute", note)


def sign_in(app: Flask, email: str) -> StrictClient:
    """A browser in which this person is signed in."""
    client = app.test_client()
    assert isinstance(client, StrictClient)
    response = client.submit("/sign-in", {"email": email, "password": PASSWORD})
    assert response.status_code == 303, response.text
    return client


@pytest.fixture
def anonymous(app: Flask) -> StrictClient:
    """A browser nobody signed in."""
    client = app.test_client()
    assert isinstance(client, StrictClient)
    return client


@pytest.fixture
def as_reception(app: Flask) -> StrictClient:
    """Sunita at the desk."""
    return sign_in(app, "reception@demo.example")


@pytest.fixture
def as_doctor(app: Flask) -> StrictClient:
    """Dr Rao, letter K."""
    return sign_in(app, "rao@demo.example")


@pytest.fixture
def as_other_doctor(app: Flask) -> StrictClient:
    """Dr Menon, letter T."""
    return sign_in(app, "menon@demo.example")


@pytest.fixture
def as_records(app: Flask) -> StrictClient:
    """Ramesh of the archive."""
    return sign_in(app, "records@demo.example")


@pytest.fixture
def as_author(app: Flask) -> StrictClient:
    """Dr Shah, who writes the forms."""
    return sign_in(app, "author@demo.example")


@pytest.fixture
def as_admin(app: Flask) -> StrictClient:
    """Arun, who keeps the machine."""
    return sign_in(app, "admin@demo.example")


def pytest_collection_finish() -> None:
    """What is loaded by now stays, so the collector of unreachable objects need not look at it again and again."""
    gc.collect()
    gc.freeze()
