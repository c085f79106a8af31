"""kill -9 at every step of signing and sealing: after a restart there is exactly one of everything,
and the log holds."""

import signal
from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import select

from intake import consent, jobs, records
from intake.consent import Kind
from intake.db import db
from intake.records.models import DoctorKey, Record
from tests.faults.conftest import Driver, Morning
from tests.faults.counting import DOCTOR_SIDE, PATIENT_SIDE, RECORD_SIDE, what_there_is
from tests.faults.driver import SEALING, SIGNING_TOO, STATING

ENDING = [trap for trap in STATING if trap != "the answer is not sent"]  # a verb, not a page: nothing is sent
SIGNING = [trap for trap in STATING if trap != "the job is asked for"]  # a signature alone seals no record
NEVER_KEPT = set(list(STATING)[: list(STATING).index("it is committed")])


def is_asked_for(visit_id: UUID) -> bool:
    """Whether the visit's record is still to be sealed."""
    return any((job.name, job.key) == ("records.seal", str(visit_id)) for job in jobs.list_unfinished())


def killed(result: dict[str, object]) -> bool:
    return result["signal"] == signal.SIGKILL


@pytest.mark.parametrize("trap", SIGNING)
def test_killed_while_signing_there_is_one_signature_after_the_restart(
    drive: Driver, morning: Morning, trap: str
) -> None:
    assert killed(drive(morning, "sign", kill=trap))
    with morning.opened():
        kept = 0 if trap in NEVER_KEPT else 1
        assert what_there_is(morning.unsigned) == Counter({"statement signed": kept, "consent.signed": kept})
    assert drive(morning, "sign") == {"signal": 0, "answer": 303}, "signed now, or told that it was signed already"
    with morning.opened():
        assert what_there_is(morning.unsigned) == dict.fromkeys(PATIENT_SIDE, 1)
        stated = consent.find_statement(morning.unsigned, Kind.SIGNED)
        assert stated is not None and stated.body["signature"]["typed"] == "Farida Sheikh"


@pytest.mark.parametrize("trap", ENDING)
def test_killed_while_countersigning_there_is_one_countersignature_and_one_job_after_the_restart(
    drive: Driver, morning: Morning, trap: str
) -> None:
    assert killed(drive(morning, "countersign", visit=morning.signed, kill=trap))
    with morning.opened():
        is_kept = trap not in NEVER_KEPT
        assert (Kind.COUNTERSIGNED in consent.kinds_of(morning.signed)) is is_kept
        assert is_asked_for(morning.signed) is is_kept, "the job comes with its cause or not at all"
    drive(morning, "countersign", visit=morning.signed)
    with morning.opened():
        assert what_there_is(morning.signed) == dict.fromkeys((*PATIENT_SIDE, *DOCTOR_SIDE), 1)
        assert is_asked_for(morning.signed)


@pytest.mark.parametrize("trap", SEALING)
def test_killed_while_sealing_there_is_one_record_after_the_lease_ran_out(
    drive: Driver, morning: Morning, trap: str
) -> None:
    assert killed(drive(morning, "work", kill=trap))
    is_done = trap == "the job is done"
    assert drive(morning, "work")["answer"] == 0, "the dead worker still has the job"
    assert drive(morning, "work", later=1)["answer"] == (0 if is_done else 1)
    assert drive(morning, "work", later=60)["answer"] == 0, "and never again"
    with morning.opened():
        kept = ("statement declined", "consent.declined", "record", "record.sealed")
        assert what_there_is(morning.decided) == dict.fromkeys(kept, 1)
        record = records.record_of_visit(morning.decided)
        assert record is not None and records.verify_record(record.id).is_genuine
        assert not jobs.list_unfinished()
        key = db.session.get_one(Record, record.id).storage_key
    stored = [path for path in (morning.folder / "files").rglob("*") if path.is_file()]
    assert key in {path.name for path in stored}
    assert len(stored) <= 3, "beside it at most the dead worker's file and its temporary name"


@pytest.mark.parametrize("trap", SIGNING_TOO)
def test_killed_while_the_doctor_signs_there_is_one_record_with_both_signatures_and_one_key(
    drive: Driver, morning: Morning, trap: str
) -> None:
    assert drive(morning, "work")["answer"] == 1  # the other visit's record, out of the way
    drive(morning, "countersign", visit=morning.signed)
    assert killed(drive(morning, "work", kill=trap))
    assert drive(morning, "work", later=60)["answer"] == 1
    with morning.opened():
        assert what_there_is(morning.signed) == dict.fromkeys((*PATIENT_SIDE, *DOCTOR_SIDE, *RECORD_SIDE), 1)
        record = records.record_of_visit(morning.signed)
        assert record is not None
        verdict = records.verify_record(record.id)
        assert verdict.is_genuine and len(verdict.signatures) == 2
        assert len(db.session.scalars(select(DoctorKey.id)).all()) == 1


def test_killed_again_and_again_on_the_whole_way_there_is_one_of_everything_at_the_end(
    drive: Driver, morning: Morning
) -> None:
    assert drive(morning, "work")["answer"] == 1  # the other visit's record, out of the way
    visit_id = morning.unsigned
    for trap in ("the statement is in the database", "everything is written"):
        assert killed(drive(morning, "sign", kill=trap))
    assert killed(drive(morning, "sign", kill="it is committed"))
    for trap in ("the log is chained", "it is committed"):
        assert killed(drive(morning, "countersign", visit=visit_id, kill=trap))
    for turn, trap in enumerate(("the file is stored", "the record is written")):
        assert killed(drive(morning, "work", later=turn, kill=trap))
    assert drive(morning, "work", later=60)["answer"] == 1
    with morning.opened():
        assert what_there_is(visit_id) == dict.fromkeys((*PATIENT_SIDE, *DOCTOR_SIDE, *RECORD_SIDE), 1)
        record = records.record_of_visit(visit_id)
        assert record is not None and records.verify_record(record.id).is_genuine
        assert not jobs.list_unfinished()
