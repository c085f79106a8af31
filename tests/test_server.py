"""How pages are served and the worker runs: nothing private is spooled to the disk, what is left behind is swept."""

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from intake import cli, clock, records
from intake.config import Settings
from tests.builders import a_visit
from tests.endings import declined
from tests.loglines import log_lines
from tests.serving import serving

PIECE = 64 * 1024
PIECES = 1000  # more than the server, the kernel and its sockets together hold back
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def served(application: Application, settings: Settings) -> Iterator[socket.socket]:
    """A connection to waitress as `intake serve` sets it up."""
    with serving(application, host="127.0.0.1", port=0, **cli.server_options(settings)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            yield connection


@pytest.fixture
def no_temporary_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever wants to write a temporary file fails."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("no_temporary_file")
def test_a_large_answer_to_a_slow_browser_arrives_without_touching_the_disk(settings: Settings) -> None:
    made = threading.Semaphore(0)

    def zip_of_a_day(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "application/zip")])
        for _ in range(PIECES):
            yield bytes(PIECE)
            made.release()

    with served(zip_of_a_day, settings) as browser:
        browser.sendall(b"GET / HTTP/1.0\r\n\r\n")
        count = 0
        while made.acquire(timeout=1):  # the browser takes nothing yet, until the server makes no more
            count += 1
        received = 0
        while data := browser.recv(1024 * 1024):
            received += len(data)
    assert received > PIECES * PIECE, "every byte arrives"
    assert count < PIECES / 2, "and they never were in memory all at once"


@pytest.mark.usefixtures("no_temporary_file")
@pytest.mark.parametrize(("size", "status"), [(1_000_000, b"200"), (50_000_000, b"413")])
def test_what_a_patient_sends_is_held_in_memory_and_what_nobody_would_send_is_not_held_at_all(
    settings: Settings, size: int, status: bytes
) -> None:
    def takes(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        assert len(environ["wsgi.input"].read()) == size
        start("200 OK", [("Content-Length", "0")])
        return []

    with served(takes, settings) as browser:
        browser.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        if status == b"200":
            browser.sendall(bytes(size))
        assert browser.recv(100).split()[1] == status


def test_a_worker_sweeps_what_a_killed_one_left_and_says_how_much(app: Flask, settings: Settings) -> None:
    unfinished = settings.data / "files" / ".new"
    unfinished.mkdir(parents=True)
    (settings.keys / ".seal-abc").mkdir()
    files = [unfinished / "old", unfinished / "young", settings.keys / "seal" / ".root.crl-abc"]
    left = [*files, settings.keys / ".seal-abc"]
    for path in files:
        path.write_bytes(b"half")
    now = clock.now().timestamp()
    for path, hours in zip(left, (25, 23, 25, 25), strict=True):
        os.utime(path, (now - hours * 3600, now - hours * 3600))
    with log_lines() as lines:
        cli.work(app, threading.Event(), once=True)
    said = next(line for line in map(json.loads, lines) if line["event"] == "worker.tidied")
    assert (said["files_swept"], said["keys_swept"], said["wal_emptied"]) == (1, 2, True)
    assert [path.exists() for path in left] == [False, True, False, False]
    assert (settings.keys / "seal" / "seal.key").is_file() and (settings.keys / "vault.key").is_file()


def test_what_cannot_be_swept_is_said_and_keeps_no_record_from_being_sealed(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("not ours")

    (settings.keys / ".seal-abc").mkdir()
    long_ago = clock.now().timestamp() - 25 * 3600
    os.utime(settings.keys / ".seal-abc", (long_ago, long_ago))
    monkeypatch.setattr(shutil, "rmtree", refused)
    visit = a_visit(app)
    declined(app, visit)
    with log_lines() as lines:
        cli.work(app, threading.Event(), once=True)
    (failed,) = [line for line in map(json.loads, lines) if line["event"] == "worker.tidy_failed"]
    assert failed["error"] == "PermissionError"
    with app.test_request_context():
        assert records.record_of_visit(visit) is not None
