"""The log's checkpoints, time-stamped by somebody else once a day: kept, checked by fsck, late but never lost."""

from collections import Counter
from datetime import timedelta
from hashlib import sha256

import pytest
from asn1crypto import tsp
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from intake import audit, clock
from intake.access import SYSTEM
from intake.audit.models import LogStamp
from intake.audit.work import time_stamp
from intake.cli_fsck import faults_of
from intake.db import db, transaction
from intake.errors import NotAllowed
from intake.jobs import Job
from intake.time_stamps import check, the_authorities
from tests import tsa
from tests.endings import work_done


def grown(app: Flask) -> audit.Kept:
    """The log grew, and was signed."""
    with app.app_context():
        with transaction():
            audit.record("test.happened", "somebody", by=SYSTEM)
        audit.checkpoint()
        kept = audit.newest_checkpoint()
        db.session.remove()
        assert kept is not None
        return kept


def asked(app: Flask) -> int:
    """The worker's round, and what is due."""
    with app.app_context():
        audit.ask_for_time_stamp()
        db.session.remove()
    return work_done(app)


def sizes(app: Flask) -> list[int]:
    with app.app_context():
        found = list(db.session.scalars(select(LogStamp.size).order_by(LogStamp.size)))
        db.session.remove()
        return found


def found_by_fsck(app: Flask) -> list[tuple[str, str]]:
    return [(fault.code, fault.where) for fault in faults_of(app, Counter())]


def test_each_days_newest_checkpoint_is_stamped_once_and_the_token_is_of_its_note(stamping_app: Flask) -> None:
    kept = grown(stamping_app)
    assert asked(stamping_app) == 1 and asked(stamping_app) == 0
    with stamping_app.app_context():
        token = audit.token_of(kept.size)
        assert token is not None
        at = check(token, sha256(kept.note.encode()).digest(), the_authorities()).at
        assert at == audit.newest_stamp_at()
        db.session.remove()
    later = grown(stamping_app)
    assert asked(stamping_app) == 0 and sizes(stamping_app) == [kept.size], "one a day"
    with clock.frozen(clock.now() + timedelta(days=1)), stamping_app.app_context():
        audit.ask_for_time_stamp()
        db.session.remove()
    # Done now, a day early by the job's clock: the service stamps with today's time.
    with stamping_app.app_context():
        with transaction():
            db.session.execute(update(Job).where(Job.done_at.is_(None)).values(due_at=clock.now()))
        db.session.remove()
    assert work_done(stamping_app) == 1 and sizes(stamping_app) == [kept.size, later.size]
    assert found_by_fsck(stamping_app) == []


@pytest.mark.parametrize("lie", ["error 500", "other digest", "stranger"])
def test_a_service_that_fails_or_lies_is_asked_again_and_nothing_of_it_is_kept(
    stamping_app: Flask, time_service: tsa.Service, lie: str
) -> None:
    kept = grown(stamping_app)
    time_service.lie = lie
    assert asked(stamping_app) == 1 and sizes(stamping_app) == []
    time_service.lie = ""
    with clock.frozen(clock.now() + timedelta(seconds=4)):
        assert work_done(stamping_app) == 1
    assert sizes(stamping_app) == [kept.size]


def test_without_a_service_nothing_is_asked_for(app: Flask) -> None:
    grown(app)
    assert asked(app) == 0 and sizes(app) == []


def test_fsck_names_a_token_that_is_of_something_else_or_by_a_stranger(
    stamping_app: Flask, time_service: tsa.Service
) -> None:
    first, second, third = grown(stamping_app), grown(stamping_app), grown(stamping_app)
    with stamping_app.app_context():
        service = stamping_app.extensions["intake_time_service"]
        of_first = service.stamp(sha256(first.note.encode()).digest())
        query = _query(sha256(third.note.encode()).digest())
        with transaction():
            for size, token in ((first.size, of_first.der), (second.size, of_first.der)):
                db.session.add(LogStamp(size=size, token=token, stamped_at=clock.now(), authority="Test TSA"))
            strange = _token(time_service.stranger.reply(query))
            db.session.add(LogStamp(size=third.size, token=strange, stamped_at=clock.now(), authority="Test TSA"))
        db.session.remove()
    assert found_by_fsck(stamping_app) == [
        ("checkpoint.stamp_wrong", f"checkpoint {second.size}"),
        ("checkpoint.stamp_unknown", f"checkpoint {third.size}"),
    ]


def _query(digest: bytes) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
    return bytes(tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True}).dump())


def _token(reply: bytes) -> bytes:
    return bytes(tsp.TimeStampResp.load(reply)["time_stamp_token"].dump())


def test_tokens_are_never_changed(stamping_app: Flask) -> None:
    grown(stamping_app)
    asked(stamping_app)
    with stamping_app.app_context():
        for statement in ("UPDATE log_stamp SET authority = 'x'", "DELETE FROM log_stamp"):
            with pytest.raises(DatabaseError, match="append-only"), transaction():
                db.session.execute(text(statement))


def test_a_job_that_is_left_when_the_service_is_taken_out_of_the_settings_is_not_called_done(
    app: Flask, stamping_app: Flask
) -> None:
    grown(stamping_app)
    with stamping_app.app_context():
        audit.ask_for_time_stamp()
        db.session.remove()
    with app.app_context():
        with pytest.raises(NotAllowed, match="no_service"):
            time_stamp()
