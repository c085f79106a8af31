"""Records of one treatment of several taken back hold for anybody outside, and for the clinic's own check of all it
keeps."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from intake import records
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import transaction
from intake.desk.service import close_unreviewed
from intake.i18n import clinic
from intake.records.seal import the_sealer
from tests.archive.bundles import bundled, files_of, told, zipped
from tests.builders import DESK, TWO_TREATMENTS, a_signed_visit
from tests.endings import countersigned, record_id_of, withdrawn, work_done

FAT, HAIR = "treatment:FAT", "treatment:HAIR"


def test_each_record_of_treatments_taken_back_one_after_another_is_proved_to_anybody(
    app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    withdrawn(app, visit_id, FAT)
    countersigned(app, visit_id)
    withdrawn(app, visit_id, HAIR)
    assert work_done(app) == 3
    with app.app_context():
        root, found = the_sealer().keys.root_fingerprint, records.records_of_visit(visit_id)
        files = {one.outcome: (one.id, records.open_pdf(one.id)) for one in found}
    assert files.keys() == {"part_withdrawn", "countersigned", "withdrawn"}
    values = demo_settings(settings.data, 8000) | {"database_url": settings.database_url}
    (tmp_path / "intake.toml").write_text(toml(values), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(tmp_path / "intake.toml"))
    for outcome, (record_id, pdf) in files.items():
        parts = files_of(bundled(app, record_id))
        status, report = told(zipped(tmp_path / f"{outcome}.zip", parts), root)
        assert (status, report["problems"]) == (0, []), outcome
        assert any("took something back" in note for note in report["notes"]) is (outcome != "withdrawn")
        (tmp_path / f"{outcome}.pdf").write_bytes(pdf)
        assert CliRunner().invoke(main, ["verify", str(tmp_path / f"{outcome}.pdf")]).exit_code == 0
    last = json.loads(files_of(bundled(app, files["withdrawn"][0]))["statements/withdrawn.json"])
    assert [[part["id"] for part in last[name]] for name in ("withdrawn", "withdrawn_before")] == [[HAIR], [FAT]]
    checked = CliRunner().invoke(main, ["fsck"])
    assert checked.exit_code == 0, checked.output


def test_what_a_record_does_not_say_of_what_was_taken_back_before_it_the_checker_says(
    app: Flask, tmp_path: Path
) -> None:
    visit_id = a_signed_visit(app, TWO_TREATMENTS)
    withdrawn(app, visit_id, "ph.rec")
    with app.test_request_context(), transaction():
        close_unreviewed(clinic(), visit_id, "Left before the doctor came", by=DESK)
    assert work_done(app) == 2
    parts = files_of(bundled(app, record_id_of(app, visit_id)))
    with app.app_context():
        root = the_sealer().keys.root_fingerprint
    status, report = told(zipped(tmp_path / "closed.zip", parts), root)
    assert (status, report["problems"]) == (0, [])
    assert [note for note in report["notes"] if "took something back" in note and "part_withdrawn" in note]
