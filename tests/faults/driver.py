"""A process that does one thing for the clinic and meets its fault where it is told to: for each order a fork, which
opens the clinic anew as a restarted process would; without arguments one order, in this fresh process. A fork is spared
reading (modules, the clinic's texts, what the engine draws with: `forked.py`). Database, connections, limits, sessions
and the engine's process are its own; random numbers come from the kernel."""

import json
import os
import resource
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from intake import audit, clock, create_app, definitions, jobs
from intake.audit import checkpoints
from intake.audit.checkpoints import CheckpointFile
from intake.consent import service as consent_service
from intake.consent import withdrawal
from intake.db import RequestSession, before_commit, db
from intake.errors import NotAllowed
from intake.records import PadesSealer, doctor_keys, stamp_keeping, wire, work
from intake.records import service as records_service
from intake.sessions import DatabaseSessions
from tests import endings
from tests.builders import fields_of
from tests.conftest import settings_for
from tests.faults import forked
from tests.faults.counting import counted

Deed = Callable[..., Any]
Trap = Callable[[Deed], None]
"""Puts a deed (to die, to fill the disk) at one place of our own code."""


def die(*_: Any, **__: Any) -> None:
    """What a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> Trap:
    """When this is about to be called."""

    def trap(deed: Deed) -> None:
        real = getattr(owner, name)

        def call(*a: Any, **k: Any) -> Any:
            if when(*a, **k):
                deed()
            return real(*a, **k)

        setattr(owner, name, call)

    return trap


def after(owner: Any, name: str, then: Trap = lambda deed: deed()) -> Trap:
    """When this has just been done; or then at the next place."""

    def trap(deed: Deed) -> None:
        real = getattr(owner, name)

        def call(*a: Any, **k: Any) -> Any:
            result = real(*a, **k)
            then(deed)
            return result

        setattr(owner, name, call)

    return trap


def either(*traps: Trap) -> Trap:
    """At whichever of these places comes first."""

    def trap(deed: Deed) -> None:
        for one in traps:
            one(deed)

    return trap


def at_commit(*, committed: bool) -> Trap:
    """Just before or just after the database commits."""
    target: Any = Session if committed else Engine
    return lambda deed: event.listen(target, "after_commit" if committed else "commit", deed)


def around_handler(*, before: bool = False, then: Trap = lambda deed: deed()) -> Trap:
    """Before or after the sealing job does its work; or at the next place from there."""

    def trap(deed: Deed) -> None:
        real = jobs.HANDLERS["records.seal"]

        def handle(**payload: str) -> None:
            if before:
                then(deed)
            real(**payload)
            if not before:
                then(deed)

        jobs.HANDLERS["records.seal"] = handle

    return trap


def stating(place: Callable[..., Trap], *more: Any) -> Trap:
    """At the making of a statement, whichever verb makes it."""
    return either(*(place(verbs, "make_statement", *more) for verbs in (consent_service, withdrawal)))


def is_statement(name: str, *_: Any, **__: Any) -> bool:
    """Whether an entry of the log is about a statement or a record."""
    return name.startswith("consent.") or name == "record.sealed"


START = "it begins"
STATING: dict[str, Trap] = {  # signed, countersigned, declined, taken back
    "nothing is written": stating(before),
    "the evidence is signed": after(PadesSealer, "sign_evidence"),
    "the statement is in the database": before(audit, "record", is_statement),
    "the job is asked for": after(jobs, "enqueue"),
    "the log is not chained": lambda deed: before_commit.insert(0, deed),
    "the log is chained": lambda deed: before_commit.append(deed),
    "everything is written": stating(after, at_commit(committed=False)),
    "it is committed": stating(after, at_commit(committed=True)),
    "the answer is not sent": before(DatabaseSessions, "save_session"),
}
SEALING: dict[str, Trap] = {
    "the job is claimed": around_handler(before=True),
    "the evidence is read": before(work, "render"),
    "it is being rendered": after(wire, "send"),
    "it is rendered": after(work, "render"),
    "it is sealed": after(PadesSealer, "seal"),
    "the temporary file is written": before(os, "link"),
    "the file has its name": after(os, "link"),
    "the file is stored": before(records_service, "add"),
    "the row is in the database": before(audit, "record", is_statement),
    "the record is written": after(records_service, "add", at_commit(committed=False)),
    "the record is committed": after(records_service, "add", at_commit(committed=True)),
    "the log's state is signed": before(CheckpointFile, "append"),
    "the log's state is in its file": after(CheckpointFile, "append"),
    "the log's state is written": after(checkpoints, "keep", at_commit(committed=False)),
    "the log's state is kept": after(checkpoints, "keep", at_commit(committed=True)),
    "the job is not yet done": around_handler(),
    "the job is almost done": around_handler(then=at_commit(committed=False)),
    "the job is done": around_handler(then=at_commit(committed=True)),
}
SIGNING_TOO: dict[str, Trap] = {  # a record that a doctor signs
    "the doctor's key is made": after(doctor_keys, "make_key"),
    "the doctor's key is in the database": after(doctor_keys, "keep_key"),
    "the doctor's key is kept": after(work, "_doctors_key"),
    "the doctor has signed": after(PadesSealer, "countersign"),
}
STAMP_TRAPS: dict[str, Trap] = {
    "the stamp is asked for": before(work, "stamp"),
    "the file is stamped": after(work, "stamp"),
    "the stamped file is stored": after(stamp_keeping, "store_stamped"),
    "the stamp is in the database": before(audit, "record", lambda name, *_, **__: name == stamp_keeping.STAMPED),
    "the stamp is written": after(stamp_keeping, "add_stamp", at_commit(committed=False)),
    "the stamp is committed": after(stamp_keeping, "add_stamp", at_commit(committed=True)),
}
TRAPS: dict[str, Trap] = {START: lambda deed: deed()} | STATING | SEALING | SIGNING_TOO | STAMP_TRAPS
KILLED, FULL, LOCKED = "killed", "disk full", "database locked"
reached: list[str] = []
"""The place in this process where the fault came, once it has."""


def fill_the_disk() -> None:
    """No file of this process grows or is written any more, as on a full disk. The kernel says EFBIG where a disk says
    ENOSPC: SQLite calls the one an error of the disk and the other a full one, and writes neither."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))


others: list[sqlite3.Connection] = []


def lock_the_database() -> None:
    """Somebody else takes the database's one write lock and keeps it: now or, where we hold it ourselves, the moment
    that we let go."""
    other = sqlite3.connect(str(db.engine.url.database), isolation_level=None, timeout=0)
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        other.close()
        before(RequestSession, "begin_writing", lambda *_: not others)(lock_the_database)
    else:
        others.append(other)


DEEDS: dict[str, Deed] = {KILLED: die, FULL: fill_the_disk, LOCKED: lock_the_database}


def once(place: str, deed: Deed) -> Deed:
    """The deed at the first time that its place is reached."""

    def do(*_: Any, **__: Any) -> None:
        if not reached:
            reached.append(place)
            deed()

    return do


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """A disk on which no file can grow past this size: the next byte is refused, as on a full one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full_while_storing() -> None:
    """The disk is full while the record's file is written, and only then."""
    real = records_service.store

    def store(*a: Any, **k: Any) -> str:
        with disk_of(4096):
            return real(*a, **k)

    records_service.store = store


def set_trap(order: dict[str, Any]) -> None:
    """Set what the order asks for, just before the deed itself."""
    if order.get("kill"):
        TRAPS[order["kill"]](die)
    if order.get("fault"):
        TRAPS[order["at_place"]](once(order["at_place"], DEEDS[order["fault"]]))
    if order.get("full"):
        full_while_storing()


def sign(app: Flask, order: dict[str, Any]) -> Any:
    """The patient presses "Sign" on the tablet, as far as the page still offers it."""
    client = app.test_client()
    for name, value in order["cookies"].items():
        client.set_cookie(name, value)
    page = client.get("/visit/sign")
    if page.status_code != 200:
        return page.status_code
    form = fields_of(page.text) | {"how": "type", "typed": "Farida Sheikh"}
    set_trap(order)
    with disk_of(order.get("disk", resource.RLIM_INFINITY)):
        return client.post("/visit/sign", data=form).status_code


def end(how: Callable[[Flask, UUID], None]) -> Callable[[Flask, dict[str, Any]], Any]:
    """Somebody ends the visit, unless that is done already."""

    def do(app: Flask, order: dict[str, Any]) -> Any:
        set_trap(order)
        try:
            with disk_of(order.get("disk", resource.RLIM_INFINITY)):
                how(app, UUID(order["visit"]))
        except NotAllowed as refusal:
            return refusal.code
        return "done"

    return do


def seal(app: Flask, order: dict[str, Any]) -> int:
    """The worker does what is due; gives how many jobs it did."""
    set_trap(order)
    return endings.work_done(app)


ORDERS: dict[str, Callable[[Flask, dict[str, Any]], Any]] = {
    "sign": sign,
    "countersign": end(endings.countersigned),
    "decline": end(endings.declined),
    "withdraw": end(endings.withdrawn),
    "work": seal,
    "count": lambda app, order: counted(app, UUID(order["visit"])),
}


def obey(order: dict[str, Any]) -> Any:
    """Open the clinic and do what was ordered."""
    if order.get("fault") == LOCKED:  # a locked database is not waited for
        event.listen(Engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=100"))
    app = create_app(settings_for(Path(order["folder"]), **order["settings"]))
    with clock.frozen(datetime.fromisoformat(order["at"])):
        return ORDERS[order["do"]](app, order)


def answer_to(order: dict[str, Any]) -> str:
    """Obey; gives as JSON the answer or the error, and whether the fault came."""
    try:
        said: dict[str, Any] = {"answer": obey(order)}
    except Exception as error:
        said = {"error": repr(error)}
    return json.dumps(said | ({"reached": bool(reached)} if order.get("fault") else {}), default=str)


def in_a_child(order: dict[str, Any], warm: forked.Warm) -> dict[str, Any]:
    """Obey in a process of its own; gives what it answered, and the signal that ended it."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.close(read)
        if order["do"] == "work":
            forked.use(warm)
        os.write(write, answer_to(order).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {"signal": ended, **(json.loads(said) if said else {})}


def read_ahead(folder: Path, settings: dict[str, Any]) -> None:
    """Read what never changes, the clinic's texts, so that no child has to; leaves no connection open."""
    app = create_app(settings_for(folder, **settings))
    with app.app_context():
        definitions.current_edition()
        db.session.remove()
        db.engine.dispose()


def main() -> None:
    """Take orders until there are none; or, without arguments, one, in this very process."""
    if len(sys.argv) == 1:
        print(answer_to(json.loads(sys.stdin.readline())), flush=True)
        os._exit(0)  # as the others end: no engine is waited for
    with tempfile.TemporaryDirectory(prefix="intake-driver-") as folder:
        warm = forked.Warm(Path(folder))
        read_ahead(Path(sys.argv[1]), json.loads(sys.argv[2]))
        for line in sys.stdin:
            print(json.dumps(in_a_child(json.loads(line), warm)), flush=True)


if __name__ == "__main__":
    main()
