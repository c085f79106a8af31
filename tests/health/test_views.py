"""The health page, the note on staff pages, the command: who sees them, and what they say of a key out of order."""

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

from intake import audit, cli, cli_health, clock, health, jobs, records
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import db, transaction
from intake.errors import NotReady
from intake.records import ClinicKeys, ClinicSealer
from intake.records.keeping import the_clinic_sealer
from tests.builders import a_signed_visit
from tests.conftest import MONDAY_NOON, StrictClient, sign_in
from tests.endings import a_filed_visit, countersigned, record_id_of, work_done

NOTE = "A key of the clinic is out of order"


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """This test's clinic as the commands find it."""
    file = settings.data / "intake.toml"
    file.write_text(toml(demo_settings(settings.data, 8000) | {"database_url": settings.database_url}), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return settings


def worked(app: Flask) -> None:
    cli.work(app, threading.Event(), once=True)


def test_a_clinic_that_works_is_in_order_in_every_line_but_the_backup_it_does_not_have(
    app: Flask, as_admin: StrictClient, settings: Settings
) -> None:
    a_filed_visit(app)
    worked(app)
    with app.app_context():
        found = {check.name: check for check in health.checks(settings)}
    not_good = {name: check.code for name, check in found.items() if check.level is not health.Level.GOOD}
    assert not_good in ({"backup": "backup.unknown"}, {"backup": "backup.unknown", "disk": found["disk"].code})
    page = as_admin.get("/health").text
    assert "Dr Ananya Rao: good for 1096 more days" in page and NOTE not in page
    keys = ClinicKeys.load(settings.keys)
    assert keys.root_fingerprint in page and keys.seal_fingerprint in page and "The clinic certified its seal" in page
    assert all(name in page for name in ("Certificate of the seal", "Certificate of the root", "Checkpoint of the log"))


def test_the_last_backup_is_known_from_what_the_backup_wrote_down(app: Flask, settings: Settings) -> None:
    (settings.data / "last-backup.txt").write_text((MONDAY_NOON - timedelta(minutes=20)).isoformat() + "\n", "ascii")
    with app.app_context():
        [backup] = [check for check in health.checks(settings) if check.name == "backup"]
    assert (backup.level, backup.facts) == (health.Level.GOOD, {"minutes": 20})


def test_a_missing_seal_key_stops_nobody_is_said_to_staff_and_what_waited_is_sealed_later(
    app: Flask,
    settings: Settings,
    as_admin: StrictClient,
    as_reception: StrictClient,
    clock_at: Callable[[datetime], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = settings.keys / "seal" / "seal.key"
    key.rename(settings.keys / "seal.key.away")
    assert cli_health.try_keys(app, "web") == {"seal": "seal.file_missing"}
    assert "Put it back from the stick" in capsys.readouterr().err
    assert NOTE in as_reception.get("/desk").text and "Tell the administrator" in as_reception.get("/desk").text
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    worked(app)
    page = as_admin.get("/health").text
    assert NOTE in page and "See to it now" in page and "A file of the seal is not there" in page
    assert as_admin.get("/healthz").json == {"status": "ok"}
    (settings.keys / "seal.key.away").rename(key)
    for minutes in (1, 2, 3):
        clock_at(MONDAY_NOON + timedelta(minutes=minutes))
        worked(app)
    with app.app_context():
        assert not jobs.list_unfinished()
        assert records.verify_record(record_id_of(app, visit_id)).is_genuine
        events = [entry.event for entry in audit.history_of("worker")]
        assert events == ["keys.failed", "keys.good"]
    assert NOTE not in as_reception.get("/desk").text


def test_a_record_that_waits_is_counted_with_its_age_and_its_reason(
    app: Flask, settings: Settings, clock_at: Callable[[datetime], None]
) -> None:
    (settings.keys / "seal" / "root.key").unlink()  # no doctor's certificate can be made
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    work_done(app)
    clock_at(MONDAY_NOON + timedelta(minutes=75))
    page = sign_in(app, "rao@demo.example").get("/health").text
    assert "1, the oldest for 75 minutes" in page
    assert "Last reason: The root's key is not there; it is needed to give a certificate." in page.replace("&#39;", "'")


def test_a_lost_log_key_keeps_no_record_from_being_sealed(app: Flask, settings: Settings) -> None:
    a_filed_visit(app)
    (settings.keys / "log.key").unlink()
    again = cli.create_app(settings)
    visit_id = a_signed_visit(again)
    countersigned(again, visit_id)
    work_done(again)
    with again.app_context():
        assert records.verify_record(record_id_of(again, visit_id)).is_genuine
        assert {job.error for job in jobs.list_unfinished()} == {"log.key_missing"}
        assert health.try_keys()["log"] == "log.key_missing"
        db.session.remove()
        db.engine.dispose()
    cli.prepare(settings)
    assert not (settings.keys / "log.key").exists()  # another key in its place would sign another log


def test_a_start_without_the_vaults_key_is_refused_and_makes_no_other(here: Settings) -> None:
    (here.keys / "vault.key").unlink()
    said = CliRunner().invoke(main, ["serve", "--port", "1"])
    assert said.exit_code == 1 and "Put it back from a stick" in said.output
    assert not (here.keys / "vault.key").exists()


def test_a_start_with_the_key_of_another_vault_is_refused(app: Flask, here: Settings) -> None:
    a_signed_visit(app)
    (here.keys / "vault.key").chmod(0o600)
    (here.keys / "vault.key").write_text("ab" * 32 + "\n", "ascii")
    (here.keys / "vault.key").chmod(0o400)
    said = CliRunner().invoke(main, ["serve", "--port", "1"])
    assert said.exit_code == 1 and "is not the one that this clinic's data were sealed with" in said.output


def test_the_command_says_the_same_and_ends_with_1_where_something_is_to_be_seen_to_now(
    app: Flask, here: Settings
) -> None:
    worked(app)
    calm = CliRunner().invoke(main, ["health", "--json"])
    assert calm.exit_code == 0, calm.output
    assert json.loads(calm.output)["level"] == "soon"
    with app.app_context(), transaction():
        health.note_test("worker", {"seal": "seal.wrong_password", "log": "", "vault": ""})
    told = CliRunner().invoke(main, ["health"])
    assert told.exit_code == 1 and "-> Correct the password's file" in told.output
    found = json.loads(CliRunner().invoke(main, ["health", "--json"]).output)
    assert found["level"] == "now" and found["checks"][0]["code"] == "seal.wrong_password"


def test_tables_of_another_version_are_found(app: Flask, settings: Settings) -> None:
    with app.app_context():
        with transaction():
            db.session.execute(text("UPDATE alembic_version SET version_num = '0008'"))
        [tables] = [check for check in health.checks(settings) if check.name == "migrations"]
        assert (tables.level, tables.facts["present"]) == (health.Level.NOW, "0008")


def test_the_machines_own_page_tells_nothing_and_needs_nobody(anonymous: StrictClient) -> None:
    assert anonymous.get("/healthz").json == {"status": "ok"}
    assert anonymous.get("/health").status_code == 303


def test_another_seal_than_the_clinics_roots_is_found(app: Flask, settings: Settings) -> None:
    worked(app)
    seal = settings.keys / "seal"
    other = ClinicKeys.create(settings.data / "other", "Another clinic").folder
    for name in ("seal.key", "seal.pem"):
        (seal / name).unlink()
        (seal / name).write_bytes((other / name).read_bytes())
        (seal / name).chmod(0o400)
    with cli.create_app(settings).app_context():
        assert health.try_keys()["seal"] == "seal.chain_incomplete"
        db.session.remove()
        db.engine.dispose()


def test_a_folder_of_the_seal_that_cannot_be_read_stops_no_patient_and_is_said(
    app: Flask, settings: Settings, as_admin: StrictClient, clock_at: Callable[[datetime], None]
) -> None:
    with app.app_context():
        assert records.try_seal() == ""
    folder, away = settings.keys / "seal", settings.keys / "seal.away"
    folder.rename(away)
    folder.symlink_to("x" * 300)  # whoever looks into it is told of an error, the computer's administrator too
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    worked(app)
    with app.app_context():
        assert {job.error for job in jobs.list_unfinished()} <= {"seal.unreadable", "seal.statement_not_signed", ""}
        assert {job.given_up_at for job in jobs.list_unfinished()} == {None}
    page = as_admin.get("/health").text
    assert NOTE in page and "A file of the seal cannot be read" in page
    folder.unlink()
    away.rename(folder)
    for _ in range(2):
        clock_at(clock.now() + timedelta(seconds=31))
        worked(app)
    assert NOTE not in as_admin.get("/health").text
    with app.app_context():
        assert records.verify_record(record_id_of(app, visit_id)).is_genuine


def test_what_was_signed_is_checked_with_what_was_read_before_where_the_folder_cannot_be_read_now(
    app: Flask, settings: Settings
) -> None:
    with app.app_context():
        sealer = the_clinic_sealer()
        signature = sealer.sign_at_once(b"x")
        (settings.keys / "seal").rename(settings.keys / "seal.away")
        (settings.keys / "seal").symlink_to("x" * 300)
        assert sealer.verify_evidence(b"x", signature) and not sealer.verify_evidence(b"y", signature)
        with pytest.raises(NotReady, match=r"seal\.unreadable"):
            ClinicSealer(settings.keys).verify_evidence(b"x", signature)


def test_the_certificate_of_a_doctor_who_left_is_nobodys_task(
    app: Flask, settings: Settings, clock_at: Callable[[datetime], None]
) -> None:
    a_filed_visit(app)
    (settings.keys / "seal" / "root.key").rename(settings.data / "root.key")
    clock_at(clock.now() + timedelta(days=1100))
    with app.app_context():
        assert [check.level for check in health.checks(settings) if check.name == "doctor"] == [health.Level.NOW]
        with transaction():
            db.session.execute(text("UPDATE staff_member SET active = :no WHERE letter IS NOT NULL"), {"no": False})
        assert not [check for check in health.checks(settings) if check.name == "doctor"]


def test_a_log_that_did_not_grow_over_a_closed_weekend_needs_no_new_stamp(stamping_app: Flask) -> None:
    countersigned(stamping_app, a_signed_visit(stamping_app))
    work_done(stamping_app)
    begun = clock.now()
    for later in (timedelta(minutes=2), timedelta(hours=27), timedelta(hours=54)):
        with clock.frozen(begun + later):
            worked(stamping_app)
    with clock.frozen(begun + timedelta(hours=54)), stamping_app.app_context():
        assert audit.unstamped_since() is None
        [found] = [one for one in health.checks(stamping_app.config["INTAKE"]) if one.name == "log_stamp"]
        assert found.level is health.Level.GOOD and int(found.facts["hours"]) > 48


def test_where_the_roots_key_is_kept_elsewhere_the_page_says_when_its_list_ends_and_what_stamps_wait_for(
    stamping_app: Flask,
) -> None:
    settings, begun = stamping_app.config["INTAKE"], clock.now()
    countersigned(stamping_app, a_signed_visit(stamping_app))
    worked(stamping_app)
    key = settings.keys / "seal" / "root.key"
    key.rename(settings.data / "root.key")
    for days, level in ((19, health.Level.GOOD), (21, health.Level.SOON), (31, health.Level.NOW)):
        with clock.frozen(begun + timedelta(days=days)), stamping_app.app_context():
            assert [one.level for one in health.checks(settings) if one.name == "root_list"] == [level]
    (settings.keys / "seal" / "root.crl").unlink()
    countersigned(stamping_app, a_signed_visit(stamping_app))
    worked(stamping_app)
    page = sign_in(stamping_app, "admin@demo.example").get("/health").text
    assert "List of revoked certificates" in page and "It cannot be read" in page
    assert "Put root.key back from its stick until this number falls" in page
    (settings.data / "root.key").rename(key)
    with clock.frozen(begun + timedelta(minutes=2)):
        worked(stamping_app)
    with stamping_app.app_context():
        assert records.count_awaiting_time_stamp().count == 0
