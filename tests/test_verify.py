"""`intake verify`: on any computer with the root certificate, in the clinic with its rows; never an exception."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from cryptography.x509 import Certificate
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from intake import clock, records
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import transaction
from intake.records import SENTENCES, ClinicKeys, Fault, service, verify
from intake.records.render import render
from intake.records.seal import the_sealer
from tests import tsa
from tests.builders import a_visit
from tests.conftest import SERVER
from tests.endings import a_declined_visit, a_filed_visit, declined, record_id_of, work_done

Verify = Callable[..., Result]


@pytest.fixture
def verify_here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run `intake verify` in this test's clinic."""
    values = demo_settings(settings.data, 8000) | {"database_url": settings.database_url}
    file = settings.data / "intake.toml"
    file.write_text(toml(values), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return lambda *args: CliRunner().invoke(main, ["verify", *map(str, args)])


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run it on a computer without a clinic."""
    monkeypatch.setenv("INTAKE_SETTINGS", str(tmp_path / "none.toml"))
    return lambda *args: CliRunner().invoke(main, ["verify", *map(str, args)])


def saved(app: Flask, visit_id: UUID, path: Path) -> Path:
    with app.app_context():
        path.write_bytes(records.open_pdf(record_id_of(app, visit_id)))
    return path


def codes(result: Result) -> list[str]:
    return [problem["code"] for problem in json.loads(result.stdout)["problems"]]


def test_a_record_of_the_clinic_is_genuine_and_says_who_signed(app: Flask, verify_here: Verify, tmp_path: Path) -> None:
    file = saved(app, a_filed_visit(app), tmp_path / "r.pdf")
    said = verify_here(file)
    assert said.exit_code == 0, said.output
    assert said.stdout.count("\n") == 1 and "genuine: KS-" in said.stdout
    assert "countersigned; signed by Kesari Skin & Hair seal at 2026-11-23 06:30:00 UTC, Dr Ananya Rao" in said.stdout
    found = json.loads(verify_here(file, "--json").stdout)
    assert (found["file"], found["genuine"], found["problems"]) == (str(file), True, [])
    assert [(one["who"], one["role"], one["valid"], one["covers"]) for one in found["signatures"]] == [
        ("Kesari Skin & Hair seal", "seal", True, "file as it was then"),
        ("Dr Ananya Rao", "doctor", True, "whole file"),
    ]
    assert {one["at"] for one in found["signatures"]} == {"2026-11-23T06:30:00+00:00"}


def test_with_the_root_certificate_any_computer_can_check(
    app: Flask, settings: Settings, elsewhere: Verify, tmp_path: Path
) -> None:
    file, root = saved(app, a_declined_visit(app), tmp_path / "r.pdf"), settings.keys / "seal" / "root.pem"
    assert elsewhere(file, "--root", root).exit_code == 0
    stranger = ClinicKeys.create(tmp_path / "stranger", "Kesari Skin & Hair").folder / "root.pem"
    said = elsewhere(file, "--root", stranger, "--json")
    assert said.exit_code == 1 and codes(said) == ["unknown_root"]
    said = elsewhere(file)
    assert said.exit_code == 1 and "--root" in said.output
    assert "not a certificate" in elsewhere(file, "--root", file).output


def test_one_file_that_is_not_genuine_makes_the_end_1_and_each_file_gets_its_line(
    app: Flask, verify_here: Verify, tmp_path: Path
) -> None:
    good = saved(app, a_declined_visit(app), tmp_path / "good.pdf")
    bad = tmp_path / "bad\n.pdf"
    bad.write_bytes(good.read_bytes() + b"more")
    said = verify_here(good, bad)
    assert said.exit_code == 1
    first, second = said.stdout.splitlines()
    assert ": genuine: KS-" in first
    assert "bad\\n.pdf: not genuine (KS-" in second and "Something was added after the last signature." in second
    assert [one["genuine"] for one in json.loads(verify_here(good, bad, "--json").stdout)] == [True, False]


def test_a_record_that_the_clinic_replaced_or_never_had_is_told_from_its_rows(
    app: Flask, verify_here: Verify, tmp_path: Path
) -> None:
    """Both files are sound in themselves: sealed by the clinic's own key, as whoever steals it could."""
    visit_id = a_visit(app)
    declined(app, visit_id)
    with app.test_request_context():
        kept, other = service.unsealed(visit_id), service.unsealed(visit_id)
        assert kept is not None and other is not None and kept.snapshot.number != other.snapshot.number
        sealed = {
            "kept": the_sealer().seal(render(kept.snapshot, kept.evidence)),
            "unknown_record": the_sealer().seal(render(other.snapshot, other.evidence)),
            "replaced": the_sealer().seal(render(replace(other.snapshot, number=kept.snapshot.number), other.evidence)),
        }
        key = service.store(kept, sealed["kept"])
        with transaction():
            service.add(kept, sealed["kept"], key)
    for name, data in sealed.items():
        (tmp_path / name).write_bytes(data)
        assert codes(verify_here(tmp_path / name, "--json")) == ([] if name == "kept" else [name])


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: None, lambda p: os.mkfifo(p), lambda p: p.touch()])
def test_whatever_a_path_is_there_is_a_line_for_it(
    make: Callable[[Path], object], settings: Settings, elsewhere: Verify, tmp_path: Path
) -> None:
    make(tmp_path / "odd")
    said = elsewhere(tmp_path / "odd", "--root", settings.keys / "seal" / "root.pem", "--json")
    assert said.exit_code == 1 and codes(said)[0] in ("unreadable", "not_a_pdf")


def test_without_its_database_the_clinic_says_that_it_did_not_look(
    app: Flask, settings: Settings, verify_here: Verify, tmp_path: Path
) -> None:
    file = saved(app, a_declined_visit(app), tmp_path / "r.pdf")
    if SERVER:
        pytest.skip("the database is a file of its own here")
    for database in settings.data.glob("intake.db*"):
        database.unlink()
    said = verify_here(file)
    assert said.exit_code == 0 and "does not answer" in said.stderr
    assert not (settings.data / "intake.db").exists()


@pytest.fixture(scope="module")
def some_root(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return ClinicKeys.create(tmp_path_factory.mktemp("keys"), "Clinic").root


@given(tail=st.binary(max_size=300))
def test_any_bytes_at_all_get_a_verdict(tail: bytes, some_root: Certificate) -> None:
    for begin in (b"", b"%PDF-1.7\n", b"%PDF-1.7\n/ByteRange [0 9 20 5]", b"%PDF-1.7\n/ByteRange ["):
        assert not verify(begin + tail, some_root).is_genuine


def test_every_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Fault) and all(text.endswith(".") for text in SENTENCES.values())


def test_a_stamped_file_is_genuine_ten_years_on_with_the_time_it_was_stamped(
    stamping_app: Flask, settings: Settings, time_service: tsa.Service, elsewhere: Verify, tmp_path: Path
) -> None:
    visit_id = a_visit(stamping_app)
    declined(stamping_app, visit_id)
    work_done(stamping_app)
    file, root = saved(stamping_app, visit_id, tmp_path / "r.pdf"), settings.keys / "seal" / "root.pem"
    with clock.frozen(clock.now() + timedelta(days=3653)):
        said = elsewhere(file, "--root", root, "--time-authority", time_service.authority.pem)
        assert said.exit_code == 0 and re.search(r"time-stamped at 20\S+ \S+ UTC by Test TSA$", said.stdout.strip())
        found = json.loads(elsewhere(file, "--root", root, "--json").stdout)
    assert (found["time"]["proof"], found["time"]["authority_checked"]) == ("archive", False)
    assert "not checked" in elsewhere(file, "--root", root).stdout
    stranger = time_service.authority.folder.parent / "stranger" / "authority.pem"
    said = elsewhere(file, "--root", root, "--time-authority", stranger, "--json")
    assert said.exit_code == 1 and codes(said) == ["unknown_time_authority"]
