"""A process that does one thing for the clinic and is killed where it is told to be. Run as a program.

It reads orders as JSON lines and forks for each: the child opens the clinic anew, as a restarted process would, sets
the trap into our own functions, does what was ordered, and dies by SIGKILL or reports back through a pipe.
"""

import json
import os
import resource
import signal
import sys
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
from intake.consent import service as consent_service
from intake.db import before_commit, db
from intake.errors import NotAllowed
from intake.records import PadesSealer, doctor_keys, stamp_keeping, wire, work
from intake.records import service as records_service
from intake.sessions import DatabaseSessions
from tests import endings
from tests.builders import fields_of
from tests.conftest import settings_for

Trap = Callable[[], None]


def die(*_: Any, **__: Any) -> None:
    """What a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> Trap:
    """Die when this is about to be called."""

    def trap() -> None:
        real = getattr(owner, name)
        setattr(owner, name, lambda *a, **k: die() if when(*a, **k) else real(*a, **k))

    return trap


def after(owner: Any, name: str, then: Callable[[], Any] = die) -> Trap:
    """Die (or do something else) when this has just been done."""

    def trap() -> None:
        real = getattr(owner, name)

        def call(*a: Any, **k: Any) -> Any:
            result = real(*a, **k)
            then()
            return result

        setattr(owner, name, call)

    return trap


def at_commit(*, committed: bool) -> Trap:
    """Die just before or just after the database commits."""
    target: Any = Session if committed else Engine
    return lambda: event.listen(target, "after_commit" if committed else "commit", die)


def around_handler(*, then: Callable[[], Any]) -> Trap:
    """Let the sealing job do its work, then die or set the next trap."""

    def trap() -> None:
        real = jobs.HANDLERS["records.seal"]

        def handle(**payload: str) -> None:
            real(**payload)
            then()

        jobs.HANDLERS["records.seal"] = handle

    return trap


def is_statement(name: str, *_: Any, **__: Any) -> bool:
    """Whether an entry of the log is about a statement or a record."""
    return name in ("consent.signed", "consent.countersigned", "consent.declined", "record.sealed")


TRAPS: dict[str, Trap] = {
    # A statement: signed, countersigned, declined.
    "nothing is written": before(consent_service, "make_statement"),
    "the evidence is signed": after(PadesSealer, "sign_evidence"),
    "the statement is in the database": before(audit, "record", is_statement),
    "the job is asked for": after(jobs, "enqueue"),
    "the log is not chained": lambda: before_commit.insert(0, die),
    "the log is chained": lambda: before_commit.append(die),
    "everything is written": after(consent_service, "make_statement", at_commit(committed=False)),
    "it is committed": after(consent_service, "make_statement", at_commit(committed=True)),
    "the answer is not sent": before(DatabaseSessions, "save_session"),
    # A record.
    "the job is claimed": lambda: jobs.HANDLERS.__setitem__("records.seal", die),
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
    "the job is not yet done": around_handler(then=die),
    "the job is almost done": around_handler(then=at_commit(committed=False)),
    "the job is done": around_handler(then=at_commit(committed=True)),
    # A record that a doctor signs too.
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
        (TRAPS | STAMP_TRAPS)[order["kill"]]()
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
    "work": seal,
}


def obey(order: dict[str, Any]) -> Any:
    """Open the clinic and do what was ordered."""
    if order.get("hurry"):  # a locked database is not waited for
        event.listen(Engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=100"))
    app = create_app(settings_for(Path(order["folder"]), **order["settings"]))
    with clock.frozen(datetime.fromisoformat(order["at"])):
        return ORDERS[order["do"]](app, order)


def in_a_child(order: dict[str, Any]) -> dict[str, Any]:
    """Obey in a process of its own; gives what it answered, and the signal that ended it."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            answer = {"answer": obey(order)}
        except Exception as error:
            answer = {"error": repr(error)}
        os.write(write, json.dumps(answer, default=str).encode())
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
    """Take orders until there are none."""
    read_ahead(Path(sys.argv[1]), json.loads(sys.argv[2]))
    for line in sys.stdin:
        print(json.dumps(in_a_child(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
