"""The auditor's story: what somebody with the database, an old backup or the checkpoints can do to the log, and how
`intake fsck` names it."""

import json
import re
import shutil
import sqlite3
import tracemalloc
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from intake import audit, cli_fsck, create_app
from intake.access import SYSTEM
from intake.audit import rules
from intake.audit.note import LogKey
from intake.config import Settings
from intake.db import db, transaction
from intake.errors import DomainError
from tests.audit.tampering import change, rewrite
from tests.conftest import SERVER
from tests.endings import a_declined_visit
from tests.fsck.conftest import JUNK, Run, codes, findings, notes, tampered, worked

# ---- (b) An old backup is put back ----


@pytest.mark.skipif(bool(SERVER), reason="copies the database's file")
def test_an_old_backup_put_back_is_named_also_when_it_was_written_to_again(
    app: Flask, settings: Settings, fsck: Run, tmp_path: Path
) -> None:
    database, backup = settings.data / "intake.db", tmp_path / "old.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    with app.app_context():
        old = audit.newest_checkpoint()
    a_declined_visit(app, name="Lost Patient")
    with app.app_context():
        new = audit.newest_checkpoint()
        db.session.remove()
        db.engine.dispose()
    assert old is not None and new is not None
    for path in settings.data.glob("intake.db*"):
        path.unlink()
    shutil.copy(backup, database)
    beside = f"{notes(settings)}: {new.size} entries were signed, {old.size} are left"
    assert findings(fsck("--json")) == [("log.cut_off", beside)]

    restored = create_app(settings)
    worked(restored, new.size - old.size)  # now as many entries as there were
    with restored.app_context(), pytest.raises(DomainError, match=r"audit\.history_differs"):
        audit.checkpoint(whole=True)
    beside = f"{notes(settings)}: right up to entry {old.size}, not up to {new.size}"
    assert findings(fsck("--json")) == [("log.history_differs", beside)]
    worked(restored, 5)
    assert findings(fsck("--json")) == [("log.history_differs", beside)]

    lost = notes(settings).rename(tmp_path / "before-the-loss.txt")  # the clinic says: we know, go on
    with restored.app_context():
        assert audit.checkpoint(whole=True) is not None
    assert findings(fsck("--json")) == []
    assert codes(fsck("--json", "--checkpoint", lost)) == {"log.history_differs"}
    with restored.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_checkpoint_kept_elsewhere_finds_it_although_both_places_here_were_put_back(
    app: Flask, settings: Settings, fsck: Run, tmp_path: Path
) -> None:
    stick, older = tmp_path / "stick.txt", notes(settings).read_bytes()
    worked(app)
    with app.app_context():
        assert audit.checkpoint() is not None
    stick.write_bytes(notes(settings).read_bytes().replace(b"\n", b"\r\n"))  # as a mail program may have left it
    assert findings(fsck("--json", "--checkpoint", stick)) == []
    with app.app_context():
        rewrite(lambda links: links[:-3])
        change("log_checkpoint", "DELETE FROM log_checkpoint WHERE size > (SELECT seq FROM audit_head)")
        db.session.remove()
    notes(settings).write_bytes(older)
    assert findings(fsck("--json")) == []
    assert [code for code, where in findings(fsck("--json", "--checkpoint", stick)) if str(stick) in where] == [
        "log.cut_off"
    ]


# ---- (c) Entries are removed ----


def test_a_removed_entry_is_named_by_its_number(app: Flask, fsck: Run) -> None:
    tampered(app, "audit_entry", "DELETE FROM audit_entry WHERE seq = 7")
    found = findings(fsck("--json"))
    assert ("log.chain_broken", "entry 7") in found
    assert {code for code, _ in found} >= {"log.history_differs", "log.cut_off"}


def test_the_last_entries_cut_off_with_the_head_moved_to_fit_are_missed_by_the_tree(app: Flask, fsck: Run) -> None:
    with app.app_context():
        kept = audit.newest_checkpoint()
        rewrite(lambda links: links[:-2])
        assert audit.verify() is None and kept is not None
        db.session.remove()
    left = f"{kept.size} entries were signed, {kept.size - 2} are left"
    found = findings(fsck("--json"))
    assert [(code, where.partition(": ")[2]) for code, where in found] == [("log.cut_off", left)] * 2


def test_a_log_without_a_head_is_named(app: Flask, fsck: Run) -> None:
    with app.app_context(), transaction():
        db.session.execute(text("DELETE FROM audit_head"))
    assert codes(fsck("--json")) == {"log.head_missing"}


# ---- (d) An entry is changed, and every hash with it ----


def test_an_entry_rewritten_with_every_hash_and_the_head_disagrees_with_each_older_checkpoint(
    app: Flask, settings: Settings, fsck: Run
) -> None:
    with app.app_context():
        rewrite(lambda links: [*links[:4], replace(links[4], actor="staff:other"), *links[5:]])
        assert audit.verify() is None
        first = db.session.scalar(text("SELECT min(size) FROM log_checkpoint"))
        db.session.remove()
    expected = {
        ("log.history_differs", f"{place}: right up to entry 0, not up to {first}")
        for place in ("the database", notes(settings))
    }
    assert set(findings(fsck("--json"))) == expected


def test_a_rewritten_history_whose_checkpoints_here_were_removed_is_found_by_one_kept_elsewhere(
    app: Flask, settings: Settings, fsck: Run, tmp_path: Path
) -> None:
    stick = tmp_path / "stick.txt"
    stick.write_bytes(notes(settings).read_bytes())
    with app.app_context():
        rewrite(lambda links: [*links[:4], replace(links[4], actor="staff:other"), *links[5:]])
        change("log_checkpoint", "DELETE FROM log_checkpoint")
        db.session.remove()
    notes(settings).unlink()
    with create_app(settings).app_context():  # the service goes on, and signs the new history with the log's key
        assert audit.checkpoint() is not None
        db.session.remove()
        db.engine.dispose()
    assert findings(fsck("--json")) == []
    assert codes(fsck("--json", "--checkpoint", stick)) == {"log.history_differs"}


def test_a_rewritten_consent_does_not_fit_the_statement_it_is_about(app: Flask, fsck: Run) -> None:
    def forge(links: list[rules.Link]) -> list[rules.Link]:
        return [replace(link, event="consent.signed") if link.event == "consent.declined" else link for link in links]

    with app.app_context():
        rewrite(forge)
        db.session.remove()
    assert codes(fsck("--json")) == {"log.history_differs", "statement.not_in_log", "statement.missing"}


# ---- The checkpoints themselves ----


def test_forged_edited_and_lost_checkpoints_are_named(
    app: Flask, settings: Settings, fsck: Run, tmp_path: Path
) -> None:
    file = notes(settings)
    sound = file.read_text("utf-8")
    with app.app_context():
        size = db.session.scalar(text("SELECT min(size) FROM log_checkpoint"))
    foreign = LogKey.from_seed("other.example/log", bytes(32)).sign(f"other.example/log\n1\n{'A' * 43}=\n")
    oldest = "".join(sound.splitlines(keepends=True)[:5])
    for changed, code in [
        (sound.replace(f"\n{size}\n", f"\n{size + 1}\n"), "checkpoint.signature_wrong"),
        (foreign + sound, "checkpoint.other_key"),
        (sound + "nothing\n" * 7, "checkpoint.unreadable"),
        (sound + oldest, "checkpoint.out_of_order"),
        (oldest, "checkpoint.file_behind"),
    ]:
        file.write_text(changed, "utf-8")
        assert codes(fsck("--json")) == {code}
    file.unlink()
    assert codes(fsck("--json")) == {"checkpoint.file_behind"}
    file.write_text(sound + sound[:40], "utf-8")  # what a power cut leaves
    assert findings(fsck("--json")) == []
    tampered(app, "log_checkpoint", f"UPDATE log_checkpoint SET root = {JUNK} WHERE size = {size}")
    assert findings(fsck("--json")) == [("checkpoint.row_differs", f"the database, checkpoint {size}")]
    given = tmp_path / "given.txt"
    given.write_bytes(b"\xff\n")
    assert ("checkpoint.unreadable", f"{given}, line 1") in findings(fsck("--json", "--checkpoint", given))
    given.write_bytes(b"")
    assert ("checkpoint.unreadable", f"{given}, line 1") in findings(fsck("--json", "--checkpoint", given))


def test_a_replaced_log_key_is_named(settings: Settings, fsck: Run) -> None:
    (settings.keys / "log.key").unlink()
    LogKey.create(settings.keys / "log.key", "localhost")
    assert codes(fsck("--json")) == {"checkpoint.other_key", "checkpoint.file_behind"}


# ---- What is said ----


def test_every_code_has_its_words_and_every_word_its_code() -> None:
    root = Path(cli_fsck.__file__).parent
    checks = [*root.glob("*/*checking.py"), root / "audit" / "trusted_time.py", root / "cli_fsck.py"]
    said = "".join(path.read_text("utf-8") for path in checks)
    said = re.sub(r"MEANINGS = \{.*?\n\}", "", said, flags=re.S)
    used = set(re.findall(r'"((?:log|checkpoint|receipt|statement|submission|record|stamp|check)\.[a-z_]+)"', said))
    own_words = used - {"record.sealed", "submission.not_opened"}
    assert own_words == cli_fsck.MEANINGS.keys()
    assert cli_fsck.meaning_of("reply.not_opened") == cli_fsck.NOT_OPENED


def test_a_thousand_faults_of_a_kind_are_told_and_the_rest_counted(app: Flask, fsck: Run) -> None:
    worked(app, 1100)
    tampered(app, "audit_entry", "UPDATE audit_entry SET leaf = previous")
    said = json.loads(fsck("--json").stdout)
    assert len([one for one in said["findings"] if one["code"] == "log.leaf_wrong"]) == 1000
    assert said["not_told"] == {"log.leaf_wrong": said["checked"]["log entry"] - 1000}
    assert f"log.leaf_wrong: and {said['not_told']['log.leaf_wrong']} more" in fsck().output


def test_a_log_five_times_as_long_takes_no_more_memory(app: Flask) -> None:
    def peak() -> int:
        tracemalloc.start()
        assert list(cli_fsck.faults_of(app, Counter())) == []
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    def write(entries: int) -> None:
        with app.app_context(), transaction():
            for turn in range(entries):
                audit.record("turn", "x", by=SYSTEM, turn=turn)

    write(2000)
    peak()  # what is made once and kept, such as compiled statements
    before = peak()
    write(8000)
    assert peak() < 1.5 * before, "what is held of each entry would make it five times as much"
