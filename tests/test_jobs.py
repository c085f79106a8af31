"""The outbox: a job is asked for once, belongs to one worker at a time, is tried again, and is given up loudly."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from intake import clock, jobs
from intake.db import db, transaction
from intake.errors import NotAllowed
from intake.jobs import MOST_TRIES, Job
from tests.conftest import MONDAY_NOON

Advance = Callable[[timedelta], None]


class Killed(BaseException):
    """What a worker that dies looks like from inside: nothing after it runs."""


class Work:
    """A handler that counts its runs and does, once each, what it is told to do."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.then: list[Callable[[], None]] = []

    def __call__(self, what: str) -> None:
        self.runs.append(what)
        if self.then:
            self.then.pop(0)()


@pytest.fixture
def work() -> Iterator[Work]:
    handler = Work()
    jobs.handler("test.work")(handler)
    yield handler
    del jobs.HANDLERS["test.work"]


@pytest.fixture
def advance(clock_at: Callable[[datetime], None]) -> Advance:
    """Move the clock on."""
    return lambda step: clock_at(clock.now() + step)


def ask(key: str = "1", what: str = "x") -> None:
    with transaction():
        jobs.enqueue("test.work", key, what=what)


def the_job(key: str = "1") -> Job:
    db.session.rollback()
    return db.session.scalars(select(Job).where(Job.name == "test.work", Job.key == key)).one()


def fails(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def dies() -> None:
    raise Killed


def test_the_same_job_asked_for_twice_runs_once_even_when_it_is_done(in_app: Flask, work: Work) -> None:
    ask()
    ask(what="y")
    assert jobs.run_due()
    ask(what="z")
    assert not jobs.run_due()
    assert work.runs == ["x"]
    assert the_job().done_at == clock.now() and not jobs.list_unfinished()


def test_a_job_of_a_transaction_that_fails_was_never_asked_for(in_app: Flask, work: Work) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        jobs.enqueue("test.work", "1", what="x")
        raise ZeroDivisionError
    assert not jobs.run_due() and not jobs.list_unfinished()


def test_a_job_nobody_can_do_is_refused_when_it_is_asked_for(in_app: Flask) -> None:
    with pytest.raises(LookupError, match=r"test\.unheard"), transaction():
        jobs.enqueue("test.unheard", "1")


def test_jobs_run_in_the_order_they_were_asked_for(in_app: Flask, work: Work, advance: Advance) -> None:
    for key in ("b", "a", "c"):
        ask(key, key)
        advance(timedelta(seconds=1))
    while jobs.run_due():
        pass
    assert work.runs == ["b", "a", "c"]


def test_while_one_worker_has_a_job_no_other_gets_it(in_app: Flask, work: Work) -> None:
    ask()
    seen: list[bool] = []
    work.then = [lambda: seen.append(jobs.run_due())]
    assert jobs.run_due()
    assert seen == [False] and work.runs == ["x"]


def test_two_workers_at_once_share_the_jobs_and_none_runs_twice(app: Flask, work: Work) -> None:
    with app.app_context():
        for number in range(12):
            ask(str(number), str(number))
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        did = True
        while did:
            with app.app_context():
                did = jobs.run_due()

    workers = [threading.Thread(target=run) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(work.runs, key=int) == [str(number) for number in range(12)]


def test_the_job_of_a_dead_worker_goes_to_another_when_its_lease_runs_out(
    in_app: Flask, work: Work, advance: Advance
) -> None:
    ask()
    work.then = [dies]
    with pytest.raises(Killed):
        jobs.run_due()
    assert not jobs.run_due(), "the dead worker still has it"
    advance(timedelta(seconds=in_app.config["INTAKE"].lease_seconds))
    assert jobs.run_due()
    assert work.runs == ["x", "x"]
    assert the_job().done_at is not None


def test_a_worker_that_comes_back_late_changes_nothing(in_app: Flask, work: Work, advance: Advance) -> None:
    ask()

    def is_slow() -> None:
        advance(timedelta(minutes=5))
        assert jobs.run_due(), "the lease ran out, so another worker does it"
        raise NotAllowed("test.too_late")

    work.then = [is_slow]
    assert jobs.run_due()
    job = the_job()
    assert job.done_at is not None and (job.error, job.given_up_at, job.tries) == (None, None, 2)
    assert not jobs.run_due()


def test_a_worker_that_succeeds_late_does_not_take_the_job_from_the_one_that_has_it_now(
    in_app: Flask, work: Work, advance: Advance
) -> None:
    ask()

    def is_slow() -> None:
        advance(timedelta(minutes=5))
        work.then = [dies]
        with pytest.raises(Killed):
            jobs.run_due()

    work.then = [is_slow]
    assert jobs.run_due()
    job = the_job()
    assert job.done_at is None and job.lease is not None and job.tries == 2
    advance(timedelta(seconds=in_app.config["INTAKE"].lease_seconds))
    assert jobs.run_due() and the_job().done_at is not None


def test_a_failing_job_is_tried_again_after_growing_pauses_and_given_up_at_last(
    in_app: Flask, work: Work, advance: Advance
) -> None:
    ask()
    pauses = []
    for _ in range(MOST_TRIES):
        work.then = [fails(NotAllowed("seal.not_in_force"))]
        assert jobs.run_due()
        assert not jobs.run_due(), "not before its pause is over"
        pauses.append(the_job().due_at - clock.now())
        advance(pauses[-1])
    assert [pause.total_seconds() for pause in pauses[:-1]] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    advance(timedelta(days=30))
    assert not jobs.run_due()
    job = the_job()
    assert (job.tries, job.error, job.done_at) == (MOST_TRIES, "seal.not_in_force", None)
    assert job.given_up_at is not None and job.lease is None
    assert [one.id for one in jobs.list_unfinished()] == [job.id], "and shown"
    assert len(work.runs) == MOST_TRIES


def test_a_job_that_kills_its_worker_each_time_is_given_up_too(in_app: Flask, work: Work, advance: Advance) -> None:
    ask()
    for _ in range(MOST_TRIES):
        work.then = [dies]
        with pytest.raises(Killed):
            jobs.run_due()
        advance(timedelta(seconds=in_app.config["INTAKE"].lease_seconds))
    assert not jobs.run_due()
    job = the_job()
    assert (job.error, job.tries, job.given_up_at) == ("worker_lost", MOST_TRIES, clock.now())
    assert [one.id for one in jobs.list_unfinished()] == [job.id]


def test_a_given_up_job_is_due_again_when_a_worker_starts(in_app: Flask, work: Work) -> None:
    """Whoever mended what stopped it (a full disk, a certificate) starts the worker anew, and that is all."""
    ask("1")
    ask("2", "y")
    with transaction():
        db.session.execute(update(Job).where(Job.key == "1").values(given_up_at=clock.now(), tries=MOST_TRIES))
        db.session.execute(update(Job).where(Job.key == "2").values(done_at=clock.now()))
    assert not jobs.run_due()
    assert jobs.retry_given_up() == 1
    assert jobs.run_due() and not jobs.run_due()
    assert work.runs == ["x"], "and what was done is not done again"
    assert jobs.retry_given_up() == 0


def test_a_failure_later_mended_ends_done_and_says_nothing_more(in_app: Flask, work: Work, advance: Advance) -> None:
    ask()
    work.then = [fails(OSError(28, "No space left on device"))]
    assert jobs.run_due()
    assert the_job().error == "OSError" and the_job().given_up_at is None
    advance(timedelta(seconds=2))
    assert jobs.run_due()
    assert (the_job().error, the_job().given_up_at, the_job().tries) == (None, None, 2)
    assert not jobs.list_unfinished()


def test_what_a_failing_job_left_half_written_is_not_kept(in_app: Flask, work: Work) -> None:
    ask()

    def writes_and_fails() -> None:
        with transaction():
            db.session.execute(update(Job).values(payload="{}"))
            raise ValueError("Farida Sheikh cannot be read")

    work.then = [writes_and_fails]
    assert jobs.run_due()
    assert json.loads(the_job().payload) == {"what": "x"}
    assert the_job().error == "ValueError", "the kind of an error, never its words"


def test_one_failing_job_does_not_hold_up_the_others(in_app: Flask, work: Work) -> None:
    ask("1", "first")
    ask("2", "second")
    work.then = [fails(ValueError())]
    assert jobs.run_due() and jobs.run_due()
    assert work.runs == ["first", "second"]
    assert [job.key for job in jobs.list_unfinished()] == ["1"]


def test_a_job_left_by_another_version_fails_by_name_and_waits(in_app: Flask, work: Work) -> None:
    ask()
    del jobs.HANDLERS["test.work"]
    assert jobs.run_due()
    assert the_job().error == "KeyError"
    jobs.handler("test.work")(work)
    assert the_job().due_at == MONDAY_NOON + timedelta(seconds=2)
