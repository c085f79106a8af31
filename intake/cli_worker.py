"""The worker's loop: jobs one after another, what asks outside the clinic beside them, and tidying once an hour.

Starting and ending its process is left to cli.py.
"""

import os
import threading
from datetime import timedelta

import click
from flask import Flask

from intake import audit, cli_health, clock, jobs, records, telemetry
from intake.config import Settings
from intake.db import db, empty_wal
from intake.errors import DomainError
from intake.storage import FileStorage, sweep

WORKER_PAUSE = 0.5  # seconds between looks when no job is due
TIDY_EVERY = timedelta(hours=1)
TRY_AGAIN = timedelta(seconds=30)  # until keys that were out of order are tried again
LEFT_BEHIND = timedelta(days=1)  # no process writes one file for a day: it was killed


def work(app: Flask, stop: threading.Event, *, once: bool = False) -> None:
    """Run due jobs until told to stop; tidy up, renew the seal in time, sign the log, ask for time stamps and try the
    keys once an hour, keys that are out of order every 30 seconds. With `once` until none is due."""
    with app.app_context():
        telemetry.note("worker.started", pid=os.getpid(), retried=jobs.retry_given_up())
    beside, ended = None, threading.Event()
    if not once:
        beside = threading.Thread(target=work_outside, args=(app, ended), name="outside", daemon=True)
        beside.start()
    try:
        _work_inside(app, stop, once=once)
    finally:
        ended.set()
        if beside is not None:
            beside.join(timeout=1)  # whoever is still asked then is asked again, with the job's next lease


def _work_inside(app: Flask, stop: threading.Event, *, once: bool) -> None:
    parent, tidy_at, try_at = os.getppid(), clock.now(), clock.now()
    # A worker whose server was killed ends too: after an update none of the old program may go on beside the new.
    while not stop.is_set() and os.getppid() == parent:
        with app.app_context():
            if clock.now() >= tidy_at:
                try:
                    tidy(app.config["INTAKE"])
                except OSError as error:  # a file that cannot be removed must not keep records from being sealed
                    telemetry.log.error("worker.tidy_failed", exc_info=error)
                records.renew_when_due(app.config["INTAKE"])
                sign_log()
                ask_for_time_stamps()
                tidy_at = clock.now() + TIDY_EVERY
        if clock.now() >= try_at:
            wrong = cli_health.try_keys(app, "worker")
            if wrong.get("vault"):
                raise click.ClickException("the worker stops: it would open nothing")
            try_at = clock.now() + (TRY_AGAIN if wrong else TIDY_EVERY)
        with app.app_context():
            # With `once` one after the other; else what asks outside has a thread of its own, and nothing waits for it.
            did = jobs.run_due(outside=None if once else False)
            db.session.remove()
        if not did:
            if once:
                return
            stop.wait(WORKER_PAUSE)


def work_outside(app: Flask, stop: threading.Event) -> None:
    """Run due jobs that ask somebody outside the clinic until told to stop, beside all others."""
    while not stop.is_set():
        with app.app_context():
            try:
                did = jobs.run_due(outside=True)
            except Exception as error:  # a busy database, a full disk: the job is due again with its lease
                telemetry.log.error("worker.outside_failed", exc_info=error)
                did = False
            finally:
                db.session.remove()
        if not did:
            stop.wait(WORKER_PAUSE)


def ask_for_time_stamps() -> None:
    """Ask for the time stamps that records and the log lack, and again for those that were given up."""
    records.ask_for_time_stamps()
    audit.ask_for_time_stamp()
    jobs.retry_given_up(outside=True)


def tidy(settings: Settings) -> None:
    """Sweep what killed processes left half-written more than a day ago, and clean the database's files of what an
    erasure destroyed where that had to wait."""
    before = clock.now() - LEFT_BEHIND
    files = sweep(FileStorage(settings.data / "files").unfinished, "*", before)
    leavings = (
        (settings.keys, ".seal-*"),
        (settings.keys / "seal", ".seal-*"),
        (settings.keys / "seal", ".root.crl-*"),
    )
    keys = sum(sweep(folder, pattern, before) for folder, pattern in leavings)
    telemetry.note("worker.tidied", files_swept=files, keys_swept=keys, wal_emptied=empty_wal())


def sign_log() -> None:
    """Sign a checkpoint of the log where it grew; a log that cannot be signed keeps no record from being sealed."""
    try:
        audit.checkpoint(whole=True)
    except DomainError:  # said by the verb, with its code
        return
    except OSError as error:
        telemetry.log.error("worker.checkpoint_failed", exc_info=error)
