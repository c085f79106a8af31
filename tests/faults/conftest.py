"""A clinic in the middle of its work, copied for each test, and a process that can be killed in it."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from intake import clock, create_app, kiosk
from intake.access import Actor
from intake.db import db, transaction
from intake.kiosk import service as tablets
from tests.builders import a_signed_visit, a_tablet, a_visit, answered, understood
from tests.conftest import MADE, MONDAY_NOON, SERVER, StrictClient, _fresh_database, settings_for
from tests.endings import declined

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-W", "error", "-m", "tests.faults.driver"]
LEASE = {"lease_seconds": 1}


@dataclass(frozen=True)
class Morning:
    """A clinic with three visits, each one step from the next: to be signed, to be countersigned, to be sealed."""

    folder: Path
    unsigned: uuid.UUID
    signed: uuid.UUID
    decided: uuid.UUID
    device: str
    settings: dict[str, Any]

    @contextmanager
    def served(self) -> Iterator[Flask]:
        """The clinic's application in this process, for browsers."""
        app = create_app(settings_for(self.folder, **self.settings))
        app.test_client_class = StrictClient
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()

    @contextmanager
    def opened(self) -> Iterator[Flask]:
        """The same with its context open, for looking into the database."""
        with self.served() as app, app.test_request_context():
            yield app


@pytest.fixture(scope="session")
def yesterday(made_clinic: Path, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    """The clinic that each test's is a copy of."""
    folder = tmp_path_factory.mktemp("morning") / "data"
    shutil.copytree(made_clinic, folder)
    more = {"database_url": _fresh_database(MADE.replace("made", "morning"), MADE)} if SERVER else {}
    with clock.frozen(MONDAY_NOON):
        app = create_app(settings_for(folder, **more))
        app.test_client_class = StrictClient
        unsigned = a_visit(app)
        device = a_tablet(app, unsigned).get_cookie("intake-device")
        assert device is not None
        with app.test_request_context(), transaction():
            tablet = next(one for one in kiosk.list_tablets() if one.visit_id == unsigned)
            assert tablets.identify(date(1968, 3, 4), by=Actor("tablet", tablet.id, frozenset()))
        answered(app, unsigned)
        understood(app, unsigned)
        signed, decided = a_signed_visit(app, name="Jo Strasser"), a_visit(app, name="Zoë Ng")
        declined(app, decided)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return Morning(folder, unsigned, signed, decided, device.value, more)


@pytest.fixture
def morning(yesterday: Morning, tmp_path: Path) -> Iterator[Morning]:
    """This test's own clinic."""
    folder = tmp_path / "data"
    shutil.copytree(yesterday.folder, folder)
    name = f"intake_{uuid.uuid4().hex[:12]}"
    more = {"database_url": _fresh_database(name, MADE.replace("made", "morning"))} if SERVER else {}
    yield Morning(folder, yesterday.unsigned, yesterday.signed, yesterday.decided, yesterday.device, LEASE | more)
    if SERVER:
        admin = create_engine(str(SERVER), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        admin.dispose()


class Driver:
    """Sends orders to a process that forks one for each, or has one started anew for each."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def __call__(
        self,
        morning: Morning,
        do: str,
        *,
        later: float = 0,
        may_fail: bool = False,
        is_fresh: bool = False,
        **order: Any,
    ) -> dict[str, Any]:
        """What became of an order, given `later` seconds after noon: the signal that ended it, or its answer, or the
        error where it `may_fail`. One that `is_fresh` is obeyed by a program started for it."""
        plain = {
            "do": do,
            "folder": str(morning.folder),
            "settings": morning.settings,
            "cookies": {"intake-device": morning.device},
            "at": (MONDAY_NOON + timedelta(seconds=later)).isoformat(),
        }
        told = json.dumps(plain | order, default=str) + "\n"
        result = self._by_a_fresh_one(told) if is_fresh else self._by_a_fork(told)
        assert may_fail or "error" not in result, result
        return result

    def _by_a_fork(self, told: str) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(told)
        self.process.stdin.flush()
        result: dict[str, Any] = json.loads(self.process.stdout.readline())
        return result

    @staticmethod
    def _by_a_fresh_one(told: str) -> dict[str, Any]:
        done = subprocess.run(PROGRAM, cwd=ROOT, input=told, stdout=subprocess.PIPE, text=True, check=False)
        return {"signal": max(0, -done.returncode), **(json.loads(done.stdout) if done.stdout else {})}


@pytest.fixture(scope="session")
def drive(yesterday: Morning) -> Iterator[Driver]:
    """The driver program, started once for the run."""
    with a_driver(yesterday) as started:
        yield started


@contextmanager
def a_driver(yesterday: Morning) -> Iterator[Driver]:
    """A driver program, until it is let go."""
    command = [*PROGRAM, str(yesterday.folder), json.dumps(yesterday.settings)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Driver(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=30)
