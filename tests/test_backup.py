"""The backup script of deploy/: what it copies, what it leaves out, and what its check finds."""

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

STAMP = "%Y-%m-%dT%H-%M-%SZ"
SCRIPT = Path(__file__).parent.parent / "deploy" / "intake-backup"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, check=False)


def keep(data: Path, content: bytes) -> Path:
    """Store bytes as the service does: under the hash of what is stored."""
    key = hashlib.sha256(content).hexdigest()
    path = data / "files" / key[:2] / key[2:4] / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "vault.key").write_text("secret")
    with closing(sqlite3.connect(folder / "intake.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE record (number TEXT PRIMARY KEY)")
        connection.execute("INSERT INTO record VALUES ('IN-1')")
        connection.commit()
    keep(folder, b"first record")
    return folder


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder


def rows(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM record ORDER BY number")]


def test_a_copy_holds_every_row_and_file_and_no_key(data: Path, backup: Path) -> None:
    made = run("make", data, backup)
    assert made.returncode == 0, made.stderr
    assert [rows(path) for path in backup.glob("*.db")] == [["IN-1"]]
    assert [path.read_bytes() for path in backup.glob("files/??/??/*")] == [b"first record"]
    assert not [path for path in backup.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert run("check", backup).returncode == 0


def note(size: int) -> str:
    return f"clinic.example/log\n{size}\n{'A' * 43}=\n\n— clinic.example/log {'B' * 90}==\n"


def test_what_was_signed_of_the_log_is_copied_as_far_as_it_is_whole_and_grows(data: Path, backup: Path) -> None:
    source, copy = data / "log-checkpoints.txt", backup / "log-checkpoints.txt"
    assert run("make", data, backup).returncode == 0 and not copy.exists()
    for sizes, rest in (([3], ""), ([3, 5], note(7)[:-1]), ([3, 5, 7], "clinic.example/log\n9\n")):
        source.write_text("".join(map(note, sizes)) + rest, "utf-8")
        assert run("make", data, backup).returncode == 0
        assert copy.read_text("utf-8") == "".join(map(note, sizes))


@pytest.mark.parametrize("now", ["", note(3), note(3) + note(6) + note(7)])
def test_what_was_signed_and_is_gone_or_says_something_else_is_named_and_the_copy_kept(
    data: Path, backup: Path, now: str
) -> None:
    (data / "log-checkpoints.txt").write_text(note(3) + note(5), "utf-8")
    run("make", data, backup)
    (data / "log-checkpoints.txt").write_text(now, "utf-8")
    made = run("make", data, backup)
    assert made.returncode == 1 and "intake fsck --checkpoint" in made.stderr
    assert (backup / "log-checkpoints.txt").read_text("utf-8") == note(3) + note(5)
    assert len(list(backup.glob("*.db"))) >= 1, "the database is copied all the same"


def test_only_the_owner_can_read_a_copy(data: Path, backup: Path) -> None:
    run("make", data, backup)
    assert {path.stat().st_mode & 0o077 for path in backup.rglob("*")} == {0}


def test_a_copy_made_during_a_write_holds_what_was_committed(data: Path, backup: Path) -> None:
    with closing(sqlite3.connect(data / "intake.db", isolation_level=None)) as clinic:
        clinic.execute("BEGIN IMMEDIATE")
        clinic.execute("INSERT INTO record VALUES ('IN-2')")
        assert run("make", data, backup).returncode == 0
        clinic.execute("COMMIT")
    assert rows(next(backup.glob("*.db"))) == ["IN-1"]


def test_a_file_half_written_is_left_for_the_next_copy(data: Path, backup: Path) -> None:
    (next(data.glob("files/??/??")) / ".new-abc").write_bytes(b"half")
    assert run("make", data, backup).returncode == 0
    assert len(list(backup.glob("files/??/??/*"))) == 1


def test_a_damaged_file_is_named_and_not_copied(data: Path, backup: Path) -> None:
    damaged = keep(data, b"second record")
    damaged.write_bytes(b"changed")
    made = run("make", data, backup)
    assert made.returncode == 1
    assert damaged.name in made.stderr
    assert damaged.name not in {path.name for path in backup.glob("files/??/??/*")}


@pytest.mark.parametrize("harm", ["remove", "change", "database"])
def test_a_harmed_copy_does_not_pass_the_check(data: Path, backup: Path, harm: str) -> None:
    run("make", data, backup)
    stored, database = next(backup.glob("files/??/??/*")), next(backup.glob("*.db"))
    if harm == "remove":
        stored.unlink()
    elif harm == "change":
        stored.write_bytes(b"changed")
    else:
        database.write_bytes(database.read_bytes()[:5000] + b"\xff" * 200)
    checked = run("check", backup)
    assert checked.returncode == 1
    assert (database if harm == "database" else stored).name in checked.stderr


def test_a_backup_disk_that_is_not_there_is_an_error(data: Path, tmp_path: Path) -> None:
    made = run("make", data, tmp_path / "not-mounted")
    assert made.returncode == 1
    assert "is the disk mounted?" in made.stderr
    assert run("check", data).returncode == 1


def test_old_copies_thin_out_to_one_a_day_and_then_to_none(data: Path, backup: Path) -> None:
    run("make", data, backup)
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    moments = [noon - timedelta(days=40), noon - timedelta(days=3), noon - timedelta(days=3) + timedelta(minutes=5)]
    for moment in moments:
        copy_as_of(moment, backup)
    run("make", data, backup)
    assert moments[2].strftime(STAMP) in [path.stem for path in backup.glob("*.files")]
    assert not {moment.strftime(STAMP) for moment in moments[:2]} & {path.stem for path in backup.iterdir()}


def test_an_erased_file_leaves_the_backup_with_the_last_copy_that_lists_it(data: Path, backup: Path) -> None:
    run("make", data, backup)
    next(data.glob("files/??/??/*")).unlink()
    copy_as_of(datetime.now(UTC) - timedelta(days=10), backup, move=True)
    run("make", data, backup)
    assert len(list(backup.glob("files/??/??/*"))) == 1
    run("make", data, backup, "--keep-days", 9)
    assert list(backup.glob("files/??/??/*")) == []


def copy_as_of(moment: datetime, backup: Path, *, move: bool = False) -> None:
    """Make the newest copy once more, or move it, to that moment."""
    newest = max(backup.glob("*.files"))
    for ending in (".files", ".db"):
        source = newest.with_suffix(ending)
        source.with_name(moment.strftime(STAMP) + ending).write_bytes(source.read_bytes())
        if move:
            source.unlink()
