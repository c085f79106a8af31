"""kill -9 at every step between asking for a time stamp and noting it: nothing doubled, nothing lost."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from intake import audit, jobs, records
from intake.db import db
from intake.records import Proof
from intake.records.models import Record, RecordStamp
from tests import tsa
from tests.conftest import MONDAY_NOON
from tests.faults.conftest import Driver, Morning
from tests.faults.driver import STAMP_TRAPS


@pytest.fixture
def stamping(morning: Morning, time_service: tsa.Service) -> Iterator[Morning]:
    """The same morning in a clinic that has a time service."""
    table = {"url": time_service.url, "authority": str(time_service.authority.pem)}
    yield replace(morning, settings=morning.settings | {"time_stamps": table})


@pytest.mark.parametrize("trap", STAMP_TRAPS)
def test_killed_while_stamping_there_is_one_time_stamp_after_the_lease_ran_out(
    drive: Driver, stamping: Morning, trap: str
) -> None:
    now = (tsa.real_now() - MONDAY_NOON).total_seconds()
    ended = drive(stamping, "work", kill=trap, later=now)
    assert ended["signal"] == signal.SIGKILL
    assert "error" not in drive(stamping, "work", later=now + 2)
    assert drive(stamping, "work", later=now + 60)["answer"] == 0, "and never again"
    with stamping.opened():
        assert audit.verify() is None and not jobs.list_unfinished()
        record = records.record_of_visit(stamping.decided)
        assert record is not None
        verdict = records.verify_record(record.id)
        assert verdict.is_genuine and verdict.proof is Proof.ARCHIVE and len(verdict.stamps) == 1
        assert len(db.session.scalars(select(Record.id)).all()) == 1
        (row,) = db.session.scalars(select(RecordStamp)).all()
        (said,) = audit.facts_said("record.time_stamped", stamping.decided)
        assert said["pdf_sha256"] == row.pdf_sha256 == record.pdf_sha256
        assert timedelta(0) <= row.stamped_at - record.sealed_at < timedelta(minutes=5)
