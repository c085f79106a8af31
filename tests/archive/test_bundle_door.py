"""Who may make an evidence bundle, from the record's page and by the command, and what the log says of it."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from intake import audit, records
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.records.seal import the_sealer
from tests.archive.bundles import told
from tests.audit.tampering import rewrite
from tests.conftest import StrictClient, sign_in
from tests.endings import a_declined_visit, record_id_of

Run = Callable[..., Result]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`intake bundle` in this test's clinic."""
    file = settings.data / "intake.toml"
    values = demo_settings(settings.data, 8000) | {"database_url": settings.database_url}
    file.write_text(toml(values), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return lambda *words: CliRunner().invoke(main, ["bundle", *map(str, words)])


def said(app: Flask, subject: object) -> list[tuple[str, str]]:
    with app.app_context():
        return [(entry.event, entry.actor.partition(":")[0]) for entry in audit.history_of(str(subject))]


def root_of(app: Flask) -> str:
    with app.app_context():
        return the_sealer().keys.root_fingerprint


def test_a_bundle_is_made_from_the_records_page_and_the_log_names_who_took_it(
    app: Flask, as_records: StrictClient, tmp_path: Path
) -> None:
    record = record_id_of(app, a_declined_visit(app))
    page = as_records.get(f"/archive/records/{record}").text
    assert "Evidence bundle" in page and "give it to the patient or a court alone" in page
    response = as_records.submit(f"/archive/records/{record}/bundle")
    assert response.status_code == 200 and response.mimetype == "application/zip"
    assert response.headers["Content-Disposition"].endswith("-evidence.zip")
    assert response.headers["Cache-Control"] == "no-store"
    assert said(app, record) == [("record.read", "staff"), ("record.bundled", "staff")]
    assert "Evidence bundle made: Ramesh Iyer" in as_records.get(f"/archive/records/{record}").text
    path = tmp_path / "b.zip"
    path.write_bytes(response.data)
    assert told(path, root_of(app))[0] == 0


@pytest.mark.parametrize("who", ["reception", "author", "admin"])
def test_nobody_but_doctors_and_records_staff_may_make_one(app: Flask, who: str) -> None:
    record = record_id_of(app, a_declined_visit(app))
    client = sign_in(app, f"{who}@demo.example")
    assert client.post(f"/archive/records/{record}/bundle").status_code in (400, 403)
    assert said(app, record) == []


def test_a_log_that_is_not_the_one_that_was_signed_makes_no_bundle_and_the_page_says_why(
    app: Flask, as_records: StrictClient
) -> None:
    record = record_id_of(app, a_declined_visit(app))
    with app.app_context():
        audit.checkpoint()
        rewrite(lambda links: links[:-3])
    response = as_records.submit(f"/archive/records/{record}/bundle")
    assert response.status_code == 500 and response.mimetype == "text/html"
    assert "The evidence bundle could not be made" in response.text
    assert "Entries of the log that were signed are gone." in response.text
    assert said(app, record)[-1] == ("record.bundle_failed", "staff")


def test_the_command_writes_a_bundle_that_nobody_else_may_read_and_never_over_a_file(
    app: Flask, command: Run, tmp_path: Path
) -> None:
    record, out = record_id_of(app, a_declined_visit(app)), tmp_path / "b.zip"
    with app.app_context():
        number = records.get_record(record).number
    done = command(number.lower(), "-o", out)
    assert done.exit_code == 0 and number in done.output, done.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert said(app, record) == [("record.bundled", "system")]
    assert told(out, root_of(app))[0] == 0
    again = command(number, "-o", out)
    assert again.exit_code == 1 and "cannot be written" in again.output


def test_the_command_knows_no_number_that_nobody_has(app: Flask, command: Run, tmp_path: Path) -> None:
    done = command("KS-0000-0000", "-o", tmp_path / "b.zip")
    assert done.exit_code == 1 and "there is no record with the number KS-0000-0000" in done.output
    assert not (tmp_path / "b.zip").exists()
