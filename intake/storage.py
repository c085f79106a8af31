"""Bytes that never change, kept under the hash of what is stored: a Storage protocol and its one-machine form.

Whoever puts, encrypts first (`intake.vault`); the row that names a key is written after the bytes are safe.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from flask import current_app

from intake.errors import Damaged, Invalid, NotFound

KEY = re.compile(r"[0-9a-f]{64}")


class Storage(Protocol):
    """Where files live. Both calls may be slow: never inside a transaction."""

    def put(self, data: bytes) -> str:
        """Keep the bytes for good and return their key, SHA-256 in 64 hex characters; safe to repeat."""

    def get(self, key: str) -> bytes:
        """Return the bytes of a key. Raises Invalid, NotFound, or Damaged when they are no longer what was put."""


class FileStorage:
    """Files below one directory, two levels deep, written so that a power cut leaves a whole file or none."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their key once they are on the disk; the same bytes again are the same file.

        Raises Damaged when a file of that key lies there with other bytes.
        """
        key = sha256(data).hexdigest()
        final = self._path(key)
        folders = (self.directory, final.parent.parent, final.parent)
        for folder in folders:
            _make(folder)
        with _temporary(final.parent, data) as temporary:
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
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=directory)
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
