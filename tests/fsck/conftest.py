"""A clinic with filed visits to tamper with, `intake fsck` as typed, and what it found."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from intake import audit, clock, create_app
from intake.access import SYSTEM
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import db, transaction
from intake.records.models import Record
from tests.audit.tampering import change
from tests.builders import HEALTHY, a_signed_visit, a_visit, answered
from tests.conftest import MADE, MONDAY_NOON, SERVER, _fresh_database, own_settings, settings_for
from tests.endings import a_declined_visit, countersigned, work_done

JUNK = "decode('00', 'hex')" if SERVER else "x'00'"
FILED = MADE.replace("made", "filed")
Run = Callable[..., Result]


@pytest.fixture(scope="session")
def filed_clinic(made_clinic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic in which one visit was countersigned and filed, one was declined and filed, and one is under way."""
    folder = tmp_path_factory.mktemp("filed") / "data"
    shutil.copytree(made_clinic, folder)
    with clock.frozen(MONDAY_NOON):
        app = create_app(settings_for(folder, **({"database_url": _fresh_database(FILED, MADE)} if SERVER else {})))
        visit_id = a_signed_visit(app, {**HEALTHY, "md.thin": ["asp"]}, questions=("C-09a",))
        countersigned(app, visit_id)
        assert work_done(app) == 1
        a_declined_visit(app, name="Jo Strasser", letter="T")
        answered(app, a_visit(app, name="Meena Pillai"), submit=False)
    with app.app_context():
        audit.checkpoint()
        db.session.remove()
        db.engine.dispose()
    return folder


@pytest.fixture
def data(filed_clinic: Path, tmp_path: Path) -> Path:
    """This test's own copy of it."""
    shutil.copytree(filed_clinic, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def settings(data: Path) -> Iterator[Settings]:
    """Its settings, with a database of its own."""
    with own_settings(data, FILED) as found:
        yield found


@pytest.fixture
def fsck(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command as typed."""
    file = settings.data / "intake.toml"
    values = demo_settings(settings.data, 8000) | {"database_url": settings.database_url}
    file.write_text(toml(values), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return lambda *words: CliRunner().invoke(main, ["fsck", *map(str, words)])


def findings(result: Result) -> list[tuple[str, str]]:
    """What a run with --json found; it ends with 1 exactly where that is something."""
    said = json.loads(result.stdout)
    found = [(one["code"], one["where"]) for one in said["findings"]]
    assert result.exit_code == (1 if found else 0), result.output
    assert all(one["meaning"].endswith(".") for one in said["findings"])
    return found


def codes(result: Result) -> set[str]:
    return {code for code, _ in findings(result)}


def notes(settings: Settings) -> Path:
    return settings.data / "log-checkpoints.txt"


def worked(app: Flask, entries: int = 3) -> None:
    """The clinic goes on."""
    with app.app_context():
        for turn in range(entries):
            with transaction():
                audit.record("turn", "x", by=SYSTEM, turn=turn)


def tampered(app: Flask, table: str, *statements: str, **values: Any) -> None:
    with app.app_context():
        change(table, *statements, **values)
        db.session.remove()


def a_record(app: Flask, outcome: str) -> Any:
    with app.app_context():
        return db.session.query(Record).filter(Record.outcome == outcome).one()


def file_of(settings: Settings, record: Any) -> Path:
    key = record.storage_key
    return settings.data / "files" / key[:2] / key[2:4] / key
