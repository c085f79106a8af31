"""What `intake fsck` says of a sound clinic, and of rows and files that were changed past every guard of ours."""

import json
import re
import uuid
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update

from intake import consent, records, vault, visits
from intake.canonical import canonical
from intake.config import Settings
from intake.consent.models import Statement
from intake.db import db, transaction
from intake.signer import the_signer
from intake.storage import the_storage
from tests.audit.tampering import rewrite, without_guard
from tests.builders import a_signed_visit
from tests.conftest import SERVER
from tests.fsck.conftest import JUNK, Run, a_record, codes, file_of, findings, notes, tampered, worked

# ---- A sound clinic ----


def test_in_a_sound_clinic_nothing_is_found_and_everything_was_looked_at(app: Flask, fsck: Run) -> None:
    result = fsck("--json", "--seals")
    assert findings(result) == []
    said = json.loads(result.stdout)
    with app.app_context():
        for name, table in {
            **{name: name for name in ("statement", "record", "presentation", "reply", "response", "submission")},
            **{name: name for name in ("patient_fact", "finding", "decision")},
            "log entry": "audit_entry",
        }.items():
            assert said["checked"][name] == db.session.scalar(text(f"SELECT count(*) FROM {table}")) > 0, name
        kept = db.session.scalar(text("SELECT count(*) FROM log_checkpoint"))
        assert said["checked"]["checkpoint"] == 2 * kept >= 6  # the table and the file
    assert (said["erased"], said["not_told"]) == (0, {}) and said["seconds"] > 0


def test_the_same_is_said_in_words_for_people(app: Flask, fsck: Run) -> None:
    sound = fsck()
    assert sound.exit_code == 0
    assert re.search(r"Checked in \d+\.\d s: log entry \d+, .*record 2\b", sound.output)
    assert "Findings: 0." in sound.output
    tampered(app, "audit_entry", "UPDATE audit_entry SET actor = 'staff:else' WHERE seq = 7")
    broken = fsck()
    assert broken.exit_code == 1
    assert "log.chain_broken: entry 7\n    The first entry of the log that is missing" in broken.output
    assert "Findings: 1." in broken.output


def test_it_changes_nothing_not_even_the_log(app: Flask, settings: Settings, fsck: Run) -> None:
    def state() -> list[Any]:
        with app.app_context():
            counts = [db.session.scalar(text(f"SELECT count(*) FROM {name}")) for name in db.metadata.tables]
            counts += [db.session.scalar(text("SELECT seq FROM audit_head"))]
            db.session.remove()
        return [*counts, notes(settings).read_bytes()]

    before = state()
    fsck()
    assert state() == before


def test_it_may_run_while_the_clinic_works(app: Flask, fsck: Run) -> None:
    for _ in range(3):
        worked(app)
        assert findings(fsck("--json")) == []
        a_signed_visit(app)


def test_what_was_erased_is_counted_and_is_no_finding(app: Flask, fsck: Run) -> None:
    record = a_record(app, "countersigned")
    with app.app_context(), transaction():
        vault.destroy_patient_key(record.patient_id)
    result = fsck("--json")
    assert findings(result) == []
    assert json.loads(result.stdout)["erased"] > 10


def test_a_clinic_without_its_keys_is_told_in_one_line(settings: Settings, fsck: Run) -> None:
    (settings.keys / "log.key").unlink()
    result = fsck()
    assert result.exit_code == 1 and result.output.startswith("Error: ") and "log.key" in result.output


# ---- (a) A row is changed past the triggers ----


@pytest.mark.parametrize(
    ("table", "statement", "expected"),
    [
        ("statement", "UPDATE statement SET sha256 = 'x' WHERE kind = 'signed'", {"statement.hash_differs"}),
        ("statement", "UPDATE statement SET signature = body WHERE kind = 'signed'", {"statement.signature_wrong"}),
        ("statement", "UPDATE statement SET body = signature WHERE kind = 'signed'", {"statement.not_opened"}),
        (
            *("statement", "UPDATE statement SET kind = 'postponed' WHERE kind = 'declined'"),
            {"statement.row_differs", "statement.not_in_log", "statement.missing"},
        ),
        ("statement", "UPDATE statement SET by = 'staff:else' WHERE kind = 'signed'", {"statement.row_differs"}),
        ("statement", "DELETE FROM statement WHERE kind = 'declined'", {"statement.missing"}),
        ("presentation", f"UPDATE presentation SET body = {JUNK}", {"presentation.not_opened"}),
        ("reply", f"UPDATE reply SET body = {JUNK} WHERE seq = 1", {"reply.not_opened"}),
        ("submission", f"UPDATE submission SET body = {JUNK}", {"submission.not_opened"}),
        ("submission", "DELETE FROM submission", {"submission.missing"}),
        ("finding", f"UPDATE finding SET body = {JUNK} WHERE position = 0", {"finding.not_opened"}),
        ("decision", f"UPDATE decision SET body = {JUNK} WHERE seq = 1", {"decision.not_opened"}),
        ("patient_fact", f"UPDATE patient_fact SET value = {JUNK} WHERE kind = 'name'", {"patient_fact.not_opened"}),
        ("record", "UPDATE record SET pdf_sha256 = 'x'", {"record.hash_differs", "record.log_differs"}),
        ("record", "DELETE FROM record WHERE outcome = 'declined'", {"record.missing"}),
    ],
)
def test_a_row_changed_past_the_triggers_is_named(
    app: Flask, fsck: Run, table: str, statement: str, expected: set[str]
) -> None:
    tampered(app, table, statement)
    assert codes(fsck("--json")) == expected


def test_a_statement_replaced_by_another_signed_one_is_not_what_the_log_committed_to(app: Flask, fsck: Run) -> None:
    """Somebody with every key but an older log: evidence that opens, hashes and is signed, with other words in it."""
    with app.app_context():
        row = db.session.execute(text("SELECT id, visit_id FROM statement WHERE kind = 'signed'")).one()
        statement_id, visit_id = (uuid.UUID(str(value)) for value in row)
        stated = consent.find_statement(visit_id, consent.Kind.SIGNED)
        assert stated is not None
        body = {**stated.body, "signature": {"method": "typed", "typed": "Somebody Else"}}
        forged = canonical(body)
        sealed = vault.seal(visits.get_visit(visit_id).patient_id, f"statement|body|{statement_id}", forged)
        values = {"body": sealed, "sha256": sha256(forged).hexdigest(), "signature": the_signer().sign_evidence(forged)}
        with transaction():
            without_guard("statement")
            db.session.execute(update(Statement).where(Statement.id == statement_id).values(**values))
        db.session.remove()
    assert codes(fsck("--json")) == {"statement.log_differs"}


def test_a_row_in_a_form_that_the_program_never_writes_stops_that_check_alone(app: Flask, fsck: Run) -> None:
    if SERVER:
        pytest.skip("PostgreSQL refuses such a value itself")
    tampered(app, "statement", "UPDATE statement SET at = 'yesterday' WHERE kind = 'signed'")
    tampered(app, "record", "DELETE FROM record WHERE outcome = 'declined'")
    assert findings(fsck("--json"))[0] == ("check.stopped", "consent, ValueError")
    assert codes(fsck("--json")) == {"check.stopped", "record.missing"}


# ---- (e) A record's file ----


def test_a_deleted_a_changed_and_a_swapped_file_are_each_named(app: Flask, settings: Settings, fsck: Run) -> None:
    record, other = a_record(app, "countersigned"), a_record(app, "declined")
    path, theirs = file_of(settings, record), file_of(settings, other)
    sound = path.read_bytes()
    of_record = f"record {record.number}, visit {record.visit_id}"
    path.unlink()
    assert findings(fsck("--json")) == [("record.file_missing", of_record)]
    for changed in (sound[:100] + bytes([sound[100] ^ 1]) + sound[101:], sound[:-1], b"", theirs.read_bytes()):
        path.write_bytes(changed)
        assert findings(fsck("--json")) == [("record.file_damaged", of_record)]
    path.write_bytes(sound)
    assert findings(fsck("--json")) == []


def test_a_row_made_to_point_to_another_patients_file_is_named(app: Flask, fsck: Run) -> None:
    record, other = a_record(app, "countersigned"), a_record(app, "declined")
    statement = "UPDATE record SET storage_key = :key WHERE outcome = 'countersigned'"
    tampered(app, "record", statement, key=other.storage_key)
    assert findings(fsck("--json")) == [("record.not_opened", f"record {record.number}, visit {record.visit_id}")]


def test_a_record_of_which_the_log_says_nothing_and_one_whose_seal_is_not_the_clinics_are_named(
    app: Flask, settings: Settings, fsck: Run
) -> None:
    record = a_record(app, "declined")
    with app.app_context():
        pdf = records.open_pdf(record.id)
        forged = pdf.replace(b"/Reason", b"/Raeson")
        assert forged != pdf and len(forged) == len(pdf)
        key = the_storage().put(vault.seal(record.patient_id, f"record|pdf|{record.visit_id}", forged))
        db.session.remove()
    values = {"key": key, "sha": sha256(forged).hexdigest()}
    tampered(
        *(app, "record", "UPDATE record SET storage_key = :key, pdf_sha256 = :sha WHERE outcome = 'declined'"), **values
    )
    assert codes(fsck("--json")) == {"record.log_differs"}
    assert codes(fsck("--json", "--seals")) == {"record.log_differs", "record.seal_wrong"}
    with app.app_context():
        rewrite(lambda links: [link for link in links if link.subject != str(record.visit_id)])
        db.session.remove()
    assert "record.not_in_log" in codes(fsck("--json"))
