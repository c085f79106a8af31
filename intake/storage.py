"""Bytes that never change, kept under the hash of what is stored: a Storage protocol and its one-machine form.

Whoever puts, encrypts first (`intake.vault`); the row that names a key is written after the bytes are safe.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from flask import current_app

from intake.errors import Damaged, Invalid, NotFound

KEY = re.compile(r"[0-9a-f]{64}")
UNFINISHED = ".new"
LOST_BYTES = {errno.EIO, errno.EBADMSG, errno.EUCLEAN}  # a broken disk's answers; any other is not the file's fault


class Storage(Protocol):
    """Where files live. Both calls may be slow: never inside a transaction."""

    def put(self, data: bytes) -> str:
        """Keep the bytes for good and return their key, SHA-256 in 64 hex characters; safe to repeat."""

    def get(self, key: str) -> bytes:
        """Return the bytes of a key. Raises Invalid, NotFound, or Damaged when they are no longer what was put."""


class FileStorage:
    """Files below one directory, two levels deep, written so that a power cut leaves a whole file or none.

    What is still being written lies in a folder of its own (`unfinished`), where a killed worker's leavings are found.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def unfinished(self) -> Path:
        """Where files are written before they have their name."""
        return self.directory / UNFINISHED

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their key once they are on the disk; the same bytes again are the same file.

        Raises Damaged when a file of that key lies there with other bytes.
        """
        key = sha256(data).hexdigest()
        final = self._path(key)
        folders = (self.directory, final.parent.parent, final.parent)
        for folder in (*folders, self.unfinished):
            _make(folder)
        with _temporary(self.unfinished, data) as temporary:
            try:
                # A link, unlike a rename, never replaces what is there.
                os.link(temporary, final)
            except FileExistsError:
                self.get(key)
        # All of them each time: a folder just made by another process may not be on the disk yet.
        for folder in reversed(folders):
            _sync_directory(folder)
        return key

    def get(self, key: str) -> bytes:
        """Return the bytes of a key. Raises Invalid for what is no key, NotFound, or Damaged."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFound("storage.not_found", key=key) from None
        except OSError as error:
            if error.errno not in LOST_BYTES:
                raise
            raise Damaged("storage.unreadable", key=key) from error
        if sha256(data).hexdigest() != key:
            raise Damaged("storage.damaged", key=key)
        return data

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise Invalid("storage.bad_key")
        return self.directory / key[:2] / key[2:4] / key


@contextmanager
def _temporary(directory: Path, data: bytes) -> Iterator[str]:
    """A complete, synced, read-only file in `directory`, gone again afterwards."""
    descriptor, name = tempfile.mkstemp(dir=directory)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o400)
            os.fsync(descriptor)
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def sweep(folder: Path, pattern: str, before: datetime) -> int:
    """Remove what lies in a folder under names of this pattern and has not changed since; gives how many there were.

    For the leavings of a process that was killed while it wrote: what somebody writes now is younger than that.
    """
    count = 0
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):  # another worker sweeps too
            if path.lstat().st_mtime < before.timestamp():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                count += 1
    return count


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_directory(folder.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def the_storage() -> Storage:
    """The running application's storage."""
    storage: Storage = current_app.extensions["intake_storage"]
    return storage
