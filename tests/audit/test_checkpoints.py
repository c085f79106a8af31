"""The log's signed checkpoints: made when it grew, kept in two places, never for a second history."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from intake import audit, cli, clock, create_app, records
from intake.access import SYSTEM
from intake.audit import merkle
from intake.audit.checkpoints import CheckpointFile, find_checkpoint, notes_in
from intake.audit.note import Checkpoint, LogKey, split_note
from intake.audit.service import leaves
from intake.config import Settings
from intake.db import db, transaction
from intake.errors import DomainError
from tests.audit.tampering import change, rewrite
from tests.builders import a_visit
from tests.endings import a_declined_visit, declined
from tests.loglines import log_lines


def grown(entries: int = 3) -> None:
    for turn in range(entries):
        with transaction():
            audit.record("turn", "x", by=SYSTEM, turn=turn)


def file_of(settings: Settings) -> CheckpointFile:
    return CheckpointFile(settings.data / "log-checkpoints.txt")


def notes_of(settings: Settings) -> list[Checkpoint]:
    """What the file says, each note's signature checked."""
    with open(file_of(settings).path, encoding="utf-8", newline="\n") as file:
        key = LogKey.load(settings.keys / "log.key")
        return [Checkpoint.parse(key.verifier.open(note)) for _, note in notes_in(file)]


def closed(app: Flask) -> None:
    """Let go of what another process would have held."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def refused(*, whole: bool = False) -> str:
    """The code with which a checkpoint is refused, which is also said as an error in the service's own log."""
    with log_lines() as lines, pytest.raises(DomainError) as refusal:
        audit.checkpoint(whole=whole)
    said = [line for line in map(json.loads, lines) if line["event"] == "audit.checkpoint_refused"]
    assert [(line["level"], line["code"]) for line in said] == [("error", refusal.value.code)]
    return refusal.value.code


def test_a_checkpoint_signs_the_root_over_every_entry_and_is_kept_in_both_places(
    in_app: Flask, settings: Settings
) -> None:
    grown()
    made = audit.checkpoint()
    assert made is not None and made.root == merkle.root_of(leaves()) and made.size == len(list(leaves()))
    kept = audit.newest_checkpoint()
    assert kept is not None and (kept.size, kept.root, kept.at) == (made.size, made.root, clock.now())
    assert file_of(settings).path.read_text("utf-8") == kept.note
    assert notes_of(settings) == [made]
    assert file_of(settings).path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_has_not_grown_is_not_signed_again(in_app: Flask, settings: Settings) -> None:
    grown()
    first = audit.checkpoint()
    assert first is not None
    assert audit.checkpoint() is None and audit.checkpoint(whole=True) is None
    grown(1)
    second = audit.checkpoint()
    assert second is not None and second.size == first.size + 1
    assert notes_of(settings) == [first, second]
    path = merkle.consistency_proof(first.size, second.size, leaves())
    assert merkle.verify_consistency(first.size, second.size, first.root, second.root, path)


def test_an_empty_log_has_no_checkpoint(in_app: Flask) -> None:
    change("audit_entry", "DELETE FROM audit_entry")
    assert audit.checkpoint() is None and audit.newest_checkpoint() is None


def test_each_sealed_record_is_followed_by_a_checkpoint_that_holds_it(app: Flask) -> None:
    visit_id = a_declined_visit(app)
    with app.app_context():
        kept = audit.newest_checkpoint()
        sealed = [entry.seq for entry in audit.history_of(visit_id) if entry.event == "record.sealed"]
        assert kept is not None and sealed[0] <= kept.size


def test_the_worker_signs_a_log_that_grew_when_it_starts_and_once_an_hour(
    app: Flask, clock_at: Callable[[datetime], None]
) -> None:
    with app.app_context():
        grown()
    cli.work(app, threading.Event(), once=True)
    with app.app_context():
        first = audit.newest_checkpoint()
        assert first is not None
        grown()
    clock_at(clock.now() + timedelta(hours=1))
    cli.work(app, threading.Event(), once=True)
    with app.app_context():
        second = audit.newest_checkpoint()
        assert second is not None and second.size == first.size + 3
        assert second.at - first.at == timedelta(hours=1)


def test_two_processes_that_sign_by_turns_keep_one_series(app: Flask, settings: Settings) -> None:
    other = create_app(settings)
    for turn in range(3):
        for one in (app, other, other):
            with one.app_context():
                grown(1 + turn)
                audit.checkpoint()
    sizes = [note.size for note in notes_of(settings)]
    assert len(sizes) == 9 and sizes == sorted(set(sizes))
    with app.app_context():
        assert all(find_checkpoint(size) for size in sizes)
    closed(other)


# ---- What is refused ----


def test_a_database_put_back_to_an_older_state_is_not_signed(in_app: Flask, settings: Settings) -> None:
    grown()
    signed = audit.checkpoint()
    assert signed is not None
    rewrite(lambda links: links[:-2])
    change("log_checkpoint", "DELETE FROM log_checkpoint")
    assert refused() == refused(whole=True) == "audit.log_cut_off"
    grown(2)  # as many entries as there were, and others
    assert refused(whole=True) == "audit.history_differs"
    grown(5)
    assert refused(whole=True) == "audit.history_differs"
    assert notes_of(settings) == [signed] and audit.newest_checkpoint() is None


def test_a_rewritten_entry_is_not_signed_over_although_every_hash_fits(in_app: Flask, settings: Settings) -> None:
    grown()
    audit.checkpoint()
    rewrite(lambda links: [replace(links[0], actor="staff:other"), *links[1:]])
    grown(1)
    assert audit.verify() is None
    assert refused(whole=True) == "audit.history_differs"
    file_of(settings).path.unlink()
    assert refused(whole=True) == "audit.history_differs"  # the table alone remembers too


def test_what_this_process_has_signed_goes_on_from_what_it_signed_before(in_app: Flask, settings: Settings) -> None:
    """Between two readings of the whole log, changed rows cannot make it sign a second history."""
    grown()
    first = audit.checkpoint()
    before = list(leaves())
    rewrite(lambda links: [replace(links[0], actor="staff:other"), *links[1:]])
    grown(1)
    second = audit.checkpoint()
    assert first is not None and second is not None
    assert second.root == merkle.root_of([*before, list(leaves())[-1]])
    assert refused(whole=True) == "audit.history_differs"


def test_a_forged_checkpoint_stops_the_signing(in_app: Flask, settings: Settings) -> None:
    grown()
    signed = audit.checkpoint()
    assert signed is not None
    forged = LogKey.from_seed("another.example/log", bytes(32)).sign("another.example/log\n1\n" + "A" * 43 + "=\n")
    change("log_checkpoint", "UPDATE log_checkpoint SET note = :note", note=forged)
    grown(1)
    assert refused() == "audit.other_key"
    change("log_checkpoint", "DELETE FROM log_checkpoint")
    noted = file_of(settings).path.read_text("utf-8")
    file_of(settings).path.write_text(noted.replace(f"\n{signed.size}\n", f"\n{signed.size + 1}\n"), "utf-8")
    assert refused() == "audit.bad_signature"


def test_a_new_key_does_not_go_on_with_the_old_keys_series(app: Flask, settings: Settings) -> None:
    with app.app_context():
        grown()
        audit.checkpoint()
    (settings.keys / "log.key").unlink()
    LogKey.create(settings.keys / "log.key", "localhost")
    other = create_app(settings)
    with other.app_context():
        grown(1)
        assert refused() == "audit.other_key"
    closed(other)


def test_a_log_that_cannot_be_signed_keeps_no_record_from_being_sealed(app: Flask) -> None:
    with app.app_context():
        grown(5)
        audit.checkpoint()
        rewrite(lambda links: links[:-2])
    visit_id = a_visit(app)
    declined(app, visit_id)
    with log_lines() as lines:
        cli.work(app, threading.Event(), once=True)
    assert [line["code"] for line in map(json.loads, lines) if line["event"] == "audit.checkpoint_refused"]
    with app.app_context():
        assert records.record_of_visit(visit_id) is not None


# ---- The file ----


def test_a_note_that_a_power_cut_left_unfinished_is_written_anew(in_app: Flask, settings: Settings) -> None:
    grown()
    first = audit.checkpoint()
    path = file_of(settings).path
    whole = path.read_bytes()
    for end in range(1, len(whole)):
        path.write_bytes(whole + whole[:end])
        assert file_of(settings).newest() == whole.decode()
        assert file_of(settings).end() == len(whole)
        path.write_bytes(whole[:end])
        assert file_of(settings).newest() is None and file_of(settings).end() == 0
    path.write_bytes(whole + whole[:100])
    assert audit.checkpoint() is None
    grown(1)
    second = audit.checkpoint()
    assert notes_of(settings) == [first, second]


def test_what_was_lost_of_either_place_is_made_up_from_the_log(in_app: Flask, settings: Settings) -> None:
    """A crash between the two, or a file left out of a backup."""
    grown()
    made = audit.checkpoint()
    assert made is not None
    file_of(settings).path.unlink()
    assert audit.checkpoint() == made and notes_of(settings) == [made]
    change("log_checkpoint", "DELETE FROM log_checkpoint")
    assert audit.checkpoint() == made and audit.newest_checkpoint() is not None
    assert notes_of(settings) == [made]


def test_a_smaller_tree_is_not_written_behind_a_larger_one(tmp_path: Path) -> None:
    key = LogKey.from_seed("clinic.example/log", bytes(32))
    file = CheckpointFile(tmp_path / "notes.txt")
    for size in (3, 7, 5, 7, 9):
        file.append(key.sign(Checkpoint("clinic.example/log", size, bytes(32)).text), size)
    with open(file.path, encoding="utf-8", newline="\n") as lines:
        assert [Checkpoint.parse(split_note(note)[0]).size for _, note in notes_in(lines)] == [3, 7, 9]


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_kept_of_that_note(app: Flask, settings: Settings) -> None:
    with app.app_context():
        grown()
        file_of(settings).path.mkdir()
        before = db.session.execute(text("SELECT count(*) FROM audit_entry")).scalar()
        db.session.remove()
    with log_lines() as lines:
        cli.work(app, threading.Event(), once=True)
    assert "worker.checkpoint_failed" in [line["event"] for line in map(json.loads, lines)]
    with app.app_context():
        assert audit.newest_checkpoint() is None
        assert db.session.execute(text("SELECT count(*) FROM audit_entry")).scalar() == before


def test_notes_are_found_among_blank_lines_and_with_several_signatures() -> None:
    key = LogKey.from_seed("clinic.example/log", bytes(32))
    witness = LogKey.from_seed("witness.example/w", bytes(32))
    one, two = (Checkpoint("clinic.example/log", size, bytes(32)).text for size in (1, 2))
    both = key.sign(one) + witness.sign(one).rpartition("\n\n")[2]
    lines = f"\n{both}\n\n{key.sign(two)}broken\n".splitlines(keepends=True)
    assert list(notes_in(lines)) == [(2, both), (10, key.sign(two)), (15, "broken\n")]
    many = ["junk\n"] * 250
    assert [first for first, _ in notes_in(many)] == [1, 102, 203]
