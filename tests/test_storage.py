"""The file store: what is put comes back whole or not at all."""

import errno
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from intake.errors import Damaged, Invalid, NotFound
from intake.storage import FileStorage, sweep

RECORD = b"%PDF- encrypted bytes of a record"


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path / "files")


def the_file(storage: FileStorage, key: str) -> Path:
    return storage.directory / key[:2] / key[2:4] / key


def test_what_was_put_comes_back_under_the_hash_of_its_bytes(storage: FileStorage) -> None:
    key = storage.put(RECORD)
    assert key == sha256(RECORD).hexdigest()
    assert storage.get(key) == RECORD


def test_the_same_bytes_twice_are_one_file(storage: FileStorage) -> None:
    assert storage.put(RECORD) == storage.put(RECORD)
    assert sum(path.is_file() for path in storage.directory.rglob("*")) == 1


def test_a_file_is_readable_by_its_owner_alone_and_never_writable(storage: FileStorage) -> None:
    path = the_file(storage, storage.put(RECORD))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in list(path.parents)[:3]} == {0o700}


def test_a_key_that_was_never_put_is_not_found(storage: FileStorage) -> None:
    with pytest.raises(NotFound) as refusal:
        storage.get("0" * 64)
    assert refusal.value.facts == {"key": "0" * 64}


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", "0" * 63 + "\0"]
)
def test_what_is_no_key_never_reaches_the_disk(storage: FileStorage, key: str) -> None:
    with pytest.raises(Invalid):
        storage.get(key)


def test_a_changed_file_is_damaged_and_stays_as_it_is(storage: FileStorage) -> None:
    key = storage.put(RECORD)
    path = the_file(storage, key)
    path.chmod(0o600)
    path.write_bytes(RECORD[:-1] + b"?")
    with pytest.raises(Damaged):
        storage.get(key)
    with pytest.raises(Damaged):
        storage.put(RECORD)
    assert path.read_bytes() == RECORD[:-1] + b"?"


def test_a_file_the_disk_cannot_read_is_damaged_and_any_other_trouble_is_not_the_files(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = storage.put(RECORD)
    for number in (errno.EIO, errno.EMFILE):

        def fails(_path: Path, number: int = number) -> bytes:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "read_bytes", fails)
        if number == errno.EIO:
            with pytest.raises(Damaged) as refusal:
                storage.get(key)
            assert refusal.value.code == "storage.unreadable"
        else:
            with pytest.raises(OSError, match="open files"):
                storage.get(key)


def test_a_full_disk_leaves_neither_a_file_nor_a_part_of_one(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        storage.put(RECORD)
    monkeypatch.undo()
    assert not [path for path in storage.directory.rglob("*") if path.is_file()]
    with pytest.raises(NotFound):
        storage.get(sha256(RECORD).hexdigest())


def test_bytes_reach_the_disk_before_their_name_does_and_the_name_before_the_answer(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def seen_fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def seen_link(source: str, target: Path) -> None:
        steps.append("name")
        link(source, target)

    storage.put(b"makes the folders")
    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "link", seen_link)
    storage.put(b"makes the folders")
    assert steps == ["file", "name", "folder", "folder", "folder"]


def test_many_at_once_agree_on_one_file(storage: FileStorage) -> None:
    start, keys = threading.Barrier(8), []

    def put() -> None:
        start.wait()
        keys.append(storage.put(RECORD * 1000))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8 and len(set(keys)) == 1
    assert storage.get(keys[0]) == RECORD * 1000


def test_what_a_killed_worker_left_is_swept_when_it_is_a_day_old_and_nothing_else_is(
    storage: FileStorage, tmp_path: Path
) -> None:
    key, now = storage.put(RECORD), datetime.now(UTC)
    old, young = storage.unfinished / "old", storage.unfinished / "young"
    keys = tmp_path / ".seal-old"
    keys.mkdir()
    for path in (old, young, keys / "seal.key", tmp_path / "vault.key"):
        path.write_bytes(b"half")
        path.chmod(0o400)
    long_ago = (now - timedelta(hours=25)).timestamp()
    for path in (old, keys, tmp_path / "vault.key", the_file(storage, key)):
        os.utime(path, (long_ago, long_ago))
    before = now - timedelta(days=1)
    assert (sweep(storage.unfinished, "*", before), sweep(tmp_path, ".seal-*", before)) == (1, 1)
    assert [path.name for path in storage.unfinished.iterdir()] == ["young"]
    assert not keys.exists() and (tmp_path / "vault.key").exists()
    assert storage.get(key) == RECORD
    assert sweep(storage.unfinished, "*", before) == sweep(tmp_path / "nowhere", "*", before) == 0


def test_a_process_killed_while_it_writes_leaves_only_what_is_swept(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing after it runs."""

    def dies(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(os, "link", dies)
    monkeypatch.setattr(os, "unlink", dies)
    with pytest.raises(Killed):
        storage.put(RECORD)
    monkeypatch.undo()
    left = [path for path in storage.directory.rglob("*") if path.is_file()]
    assert [path.parent for path in left] == [storage.unfinished]
    assert sweep(storage.unfinished, "*", datetime.now(UTC) + timedelta(days=1)) == 1
