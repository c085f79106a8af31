"""`make soak`: many days in the life of one visit, from signature to stored record, each with kill -9, a full disk or a
locked database at steps drawn from a seed; afterwards everything is there once. The short form are the tests beside it.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from intake import jobs, records
from tests.conftest import SERVER
from tests.faults.conftest import Driver, Morning
from tests.faults.test_full_and_busy import another_writer
from tests.faults.test_kill import DOCTOR_SIDE, ENDING, PATIENT_SIDE, RECORD_SIDE, SEALING, SIGNING, what_there_is

RUNS = int(os.environ.get("INTAKE_TEST_SOAK_RUNS", "200"))
SEED = 6
FULL, LOCKED = "the disk is full", "the database is locked"
STEPS = {"sign": SIGNING, "countersign": ENDING, "work": SEALING}
ONCE = dict.fromkeys((*PATIENT_SIDE, *DOCTOR_SIDE, *RECORD_SIDE), 1)
AN_HOUR = 3600


def faults_of(chance: random.Random, do: str) -> list[str]:
    """What goes wrong at one step of this run, in order: none to three faults."""
    return chance.sample([*STEPS[do], FULL, LOCKED], chance.randint(0, 3))


def suffer(drive: Driver, morning: Morning, do: str, fault: str, later: float) -> str:
    """Do one step with one fault; gives how it went."""
    order: dict[str, Any] = {"later": later, "may_fail": True, "visit": morning.unsigned}
    if fault == FULL:
        drive(morning, do, **order, **({"full": True} if do == "work" else {"disk": 8192}))
        return f"{do}, {fault}"
    if fault == LOCKED:
        with another_writer(morning.folder):
            drive(morning, do, hurry=True, **order)
        return f"{do}, {fault}"
    is_killed = drive(morning, do, kill=fault, **order)["signal"] == signal.SIGKILL
    return f"{do}, {'killed where' if is_killed else 'not reached:'} {fault}"


def one_run(drive: Driver, morning: Morning, chance: random.Random, seen: Counter[str]) -> Counter[str]:
    """Sign, countersign and seal with faults in the way, then once without; gives what there is at the end."""
    later = 0.0
    for do in STEPS:
        for fault in faults_of(chance, do):
            seen[suffer(drive, morning, do, fault, later)] += 1
            later += 30
        drive(morning, do, later=later + (AN_HOUR if do == "work" else 0), visit=morning.unsigned)
    with morning.opened():
        found = what_there_is(morning.unsigned)
        record = records.record_of_visit(morning.unsigned)
        if record is None or not records.verify_record(record.id).is_genuine or jobs.list_unfinished():
            found["record"] = 0
        return +found


@pytest.mark.skipif(bool(SERVER), reason="copies and locks SQLite's own files")
def test_whatever_happens_on_the_way_there_is_one_of_everything_at_the_end(
    drive: Driver, yesterday: Morning, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen, lost, doubled, began = Counter[str](), 0, 0, time.monotonic()
    for run in range(RUNS):
        folder = tmp_path / str(run)
        shutil.copytree(yesterday.folder, folder)
        morning = Morning(folder, yesterday.unsigned, yesterday.signed, yesterday.decided, yesterday.device, {})
        found = one_run(drive, morning, random.Random(SEED * 1_000_003 + run), seen)
        lost += found < Counter(ONCE)
        doubled += any(found[what] > 1 for what in found)
        shutil.rmtree(folder)
    with capsys.disabled():
        print(f"\n{RUNS} runs, seed {SEED}: {lost} lost, {doubled} doubled, {time.monotonic() - began:.0f} s")
        print("\n".join(f"{count:5} {what}" for what, count in sorted(seen.items())))
    assert (lost, doubled) == (0, 0)
