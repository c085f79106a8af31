"""The checkpoints that were signed, as they are kept: a table, and a text file outside the database, one note after
another. So a database that was put back to an older state does not agree with the file. Signing is left to work.py."""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from flask import Flask, current_app
from sqlalchemy import select

from intake import clock
from intake.audit.models import LogCheckpoint
from intake.audit.note import LOG_KEY, Checkpoint, LogKey, split_note
from intake.db import db, fetch, take_turns
from intake.errors import DomainError, Invalid, NotReady

FILE_NAME = "log-checkpoints.txt"
DASH = "— "
SIGNED_LINE = re.compile(rb"(?:^|\n)\xe2\x80\x94 [^\n]*(?=\n)")
TAIL = 4096  # bytes; a note of ours has about 250
NOTE_LINES = 5
LONGEST = 100  # lines; what has more before a signature is no note


@dataclass(frozen=True)
class Kept:
    """A checkpoint with the note that says it, and when it was signed by the clinic's clock; the note has no time."""

    size: int
    root: bytes
    at: datetime
    note: str


class CheckpointFile:
    """The file of all notes, the newest last; only ever added to, but for a note that a power cut left unfinished."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, note: str, size: int) -> None:
        """Add the note of a tree of this size and have it on the disk; not where the file has one as large already."""
        with self._locked() as file:
            end = _end(file)
            if (newest := _newest(file, end)) is not None and _size_of(newest) >= size:
                return
            file.truncate(end)
            file.seek(end)
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file, made where there is none, and nobody else's until it is closed."""
        with open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def newest(self) -> str | None:
        """The last note, checked by nobody yet; None where the file has none."""
        if not self.path.exists():
            return None
        with open(self.path, "rb") as file:
            return _newest(file, _end(file))

    def end(self) -> int:
        """Up to which byte there are whole notes; 0 without a file."""
        if not self.path.exists():
            return 0
        with open(self.path, "rb") as file:
            return _end(file)


def _end(file: BinaryIO) -> int:
    """Where the last whole note ends. Five lines after it are not the beginning of one, so they are not passed over."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - TAIL))
    tail = file.read()
    whole = max((found.end() + 1 for found in SIGNED_LINE.finditer(tail)), default=0)
    is_torn = tail.count(b"\n", whole) < NOTE_LINES and (whole or not start)
    return start + whole if is_torn else size


def _newest(file: BinaryIO, end: int) -> str | None:
    start = file.seek(max(0, end - TAIL))
    lines = file.read(end - start).decode(errors="replace").splitlines(keepends=True)
    found = [note for _, note in notes_in(lines)]
    return found[-1] if found else None


def _size_of(note: str) -> int:
    return Checkpoint.parse(split_note(note)[0]).size


def notes_in(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each note with the number of its first line; what is none is given too, for whoever checks to say so.

    A note ends with its last signature; blank lines between notes are passed over.
    """
    first, block, is_signed = 1, list[str](), False
    for number, line in enumerate(lines, 1):
        if (is_signed and not line.startswith(DASH)) or len(block) > LONGEST:
            yield first, "".join(block)
            block = []
        if not block:
            if not line.strip():
                is_signed = False
                continue
            first = number
        block.append(line)
        is_signed = line.startswith(DASH)
    if block:
        yield first, "".join(block)


@dataclass
class Log:
    """The clinic's log as an application has it: where the key lies that signs its checkpoints, and their file."""

    path: Path
    file: CheckpointFile

    @cached_property
    def key(self) -> LogKey:
        """The key, read when it is first needed: without it everything goes on but signing. Raises NotReady."""
        try:
            return LogKey.load(self.path)
        except FileNotFoundError as error:
            raise NotReady("log.key_missing") from error
        except (OSError, ValueError, DomainError) as error:
            raise NotReady("log.key_unusable") from error


def init_app(app: Flask) -> None:
    """Where this application's log has its key and its checkpoints."""
    settings = app.config["INTAKE"]
    app.extensions["intake_log"] = Log(settings.keys / LOG_KEY, CheckpointFile(settings.data / FILE_NAME))


def the_log() -> Log:
    """The running application's."""
    log: Log = current_app.extensions["intake_log"]
    return log


def try_key() -> str:
    """Try the log's key as its file holds it now: that its own public half opens what it signed, and that it is the one
    that signed the newest checkpoint. Gives the code of what is wrong, "" where nothing is."""
    try:
        key = Log(the_log().path, the_log().file).key
        key.verifier.open(key.sign("self-test\n"))
        if (kept := newest_checkpoint()) is not None:
            key.verifier.open(kept.note)
    except Invalid:
        return "log.other_key"
    except DomainError as error:
        return error.code
    return ""


def newest_checkpoint() -> Kept | None:
    """The newest checkpoint in the database, or None before the first."""
    row = fetch(_KEPT.order_by(LogCheckpoint.size.desc()).limit(1)).first()
    return Kept(*row) if row else None


def oldest_checkpoint() -> Kept | None:
    """The first checkpoint that was signed, or None before it."""
    row = fetch(_KEPT.order_by(LogCheckpoint.size).limit(1)).first()
    return Kept(*row) if row else None


_KEPT = select(LogCheckpoint.size, LogCheckpoint.root, LogCheckpoint.at, LogCheckpoint.note)


def find_checkpoint(size: int) -> Kept | None:
    """The checkpoint of a tree of this size, or None."""
    row = fetch(_KEPT.where(LogCheckpoint.size == size)).first()
    return Kept(*row) if row else None


def keep(made: Checkpoint, note: str) -> None:
    """Write the row of a checkpoint whose note is in the file; twice is once."""
    take_turns("log checkpoint")
    if find_checkpoint(made.size) is None:
        db.session.add(LogCheckpoint(size=made.size, root=made.root, at=clock.now(), note=note))
        db.session.flush()
