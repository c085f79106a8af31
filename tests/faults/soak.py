"""`make soak`: many days in the life of one visit, from signature to stored record, each with kill -9, a full disk or a
locked database at places dealt from a seed; afterwards everything is there once, and each fault came at each place.
Interrupted, it tells what it has seen. The short form are the tests beside it.
"""

import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import SERVER
from tests.faults.conftest import Driver, Morning, a_driver
from tests.faults.counting import DOCTOR_SIDE, PATIENT_SIDE, RECORD_SIDE
from tests.faults.driver import FULL, KILLED, LOCKED, SEALING, SIGNING_TOO, START
from tests.faults.test_kill import ENDING, SIGNING

RUNS = int(os.environ.get("INTAKE_TEST_SOAK_RUNS", "200"))
ENOUGH = 200  # runs after which each fault has come at each place
LANES = 2  # visits at a time, each with a driver of its own
FRESH = 10  # one run in so many has each of its orders obeyed by a program started for it
SEED = 6
MOST_FAULTS = 4  # at one step of one run

# Each step with what it is ordered as and its places; each story with its steps and what is there at its end.
STEPS: dict[str, tuple[str, list[str]]] = {
    "sign": ("sign", SIGNING),
    "countersign": ("countersign", ENDING),
    "seal a yes": ("work", [*SEALING, *SIGNING_TOO]),
    "take back": ("withdraw", ENDING),
    "seal what was taken back": ("work", list(SEALING)),
    "decline": ("decline", ENDING),
    "seal a no": ("work", list(SEALING)),
}
YES = ("sign", "countersign", "seal a yes")
AGREED = dict.fromkeys((*PATIENT_SIDE, *DOCTOR_SIDE, *RECORD_SIDE), 1)
TAKEN_BACK = AGREED | {"statement withdrawn": 1, "consent.withdrawn": 1} | dict.fromkeys(RECORD_SIDE, 2)
DECLINED = dict.fromkeys(("statement declined", "consent.declined", *RECORD_SIDE), 1)
STORIES = (
    (YES, AGREED),
    (("decline", "seal a no"), DECLINED),
    ((*YES, "take back", "seal what was taken back"), TAKEN_BACK),
)
Cell = tuple[str, str, str]
"""A step, a place in it, and the fault that comes there."""
CELLS: list[Cell] = [
    (step, place, fault)
    for step, (_do, places) in STEPS.items()
    for place, fault in product([START, *places], (KILLED, FULL, LOCKED))
    if (place, fault) != (START, KILLED)
]


@dataclass
class Deck:
    """The faults of one lane as cards: first its own share, then all of them; each comes once before any comes again,
    and one that missed is dealt again."""

    chance: random.Random
    left: list[Cell]

    def deal(self, step: str) -> list[Cell]:
        """Some faults for one step, in the order in which they come: none to MOST_FAULTS."""
        if not any(cell[0] == step for cell in self.left):
            again = [cell for cell in CELLS if cell[0] == step]
            self.left += self.chance.sample(again, len(again))
        dealt = [cell for cell in self.left if cell[0] == step][: self.chance.randint(0, MOST_FAULTS)]
        self.left = [cell for cell in self.left if cell not in dealt]
        return dealt


@dataclass
class Lane:
    """One lane's runs one after the other, and what came of them."""

    drive: Driver
    deck: Deck
    came: Counter[Cell] = field(default_factory=Counter)
    missed: Counter[Cell] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def run(self, number: int, morning: Morning) -> None:
        """One story with faults in the way of each step, and then once without; its end is counted."""
        steps, expected = STORIES[number // LANES % len(STORIES)]
        is_fresh, later = number // LANES % FRESH == FRESH - 1, 0.0
        for step in steps:
            do = STEPS[step][0]
            for cell in self.deck.deal(step):
                self._suffer(cell, morning, do, later, is_fresh=is_fresh)
                later += 900 if do == "work" else 10  # past the dead worker's lease, and the wait after a failure
            self.drive(morning, do, later=later, visit=morning.unsigned, is_fresh=is_fresh)
        found: dict[str, int] = self.drive(morning, "count", later=later, visit=morning.unsigned)["answer"]
        told = f"run {number}: {found}"
        self.lost += [told for name, count in expected.items() if found.get(name, 0) < count][:1]
        self.doubled += [told for name, count in found.items() if count > expected.get(name, 0)][:1]

    def _suffer(self, cell: Cell, morning: Morning, do: str, later: float, *, is_fresh: bool) -> None:
        _step, place, fault = cell
        told = self.drive(
            morning,
            do,
            later=later,
            may_fail=True,
            is_fresh=is_fresh,
            visit=morning.unsigned,
            at_place=place,
            fault=fault,
        )
        if told["signal"] == signal.SIGKILL or told.get("reached"):
            self.came[cell] += 1
        else:
            self.missed[cell] += 1
            self.deck.left.append(cell)


@pytest.fixture
def lanes(yesterday: Morning, drive: Driver) -> Iterator[list[Lane]]:
    """The lanes, on a clinic whose other visit has its record already, so that a worker has one job to do."""
    assert drive(yesterday, "work")["answer"] == 1
    with a_driver(yesterday) as second:
        chances = [random.Random(SEED * 1_000_003 + n) for n in range(LANES)]
        decks = [Deck(chance, chance.sample(own, len(own))) for chance, own in zip(chances, shares(), strict=True)]
        yield [Lane(one, deck) for one, deck in zip((drive, second), decks, strict=True)]


def shares() -> list[list[Cell]]:
    """All faults, dealt out to the lanes."""
    return [CELLS[n::LANES] for n in range(LANES)]


def table(lanes: list[Lane]) -> str:
    """How often each fault came at each place of each step; in brackets how often the step had passed it already."""
    came, missed = sum((lane.came for lane in lanes), Counter()), sum((lane.missed for lane in lanes), Counter())
    lines = [f"{'':62}{KILLED:>16}{FULL:>16}{LOCKED:>16}"]
    for step, (_do, places) in STEPS.items():
        for place in [START, *places]:
            cells = [(step, place, fault) for fault in (KILLED, FULL, LOCKED)]
            told = [f"{came[cell]} ({missed[cell]})" if cell in CELLS else "-" for cell in cells]
            lines.append(f"{step + ', ' + place:62}" + "".join(f"{one:>16}" for one in told))
    return "\n".join(lines)


@pytest.mark.skipif(bool(SERVER), reason="copies and locks SQLite's own files")
def test_whatever_happens_on_the_way_there_is_one_of_everything_at_the_end(
    lanes: list[Lane], yesterday: Morning, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began, is_interrupted = time.monotonic(), threading.Event()

    def runs_of(lane: Lane, first: int) -> int:
        for done, number in enumerate(range(first, RUNS, LANES)):
            if is_interrupted.is_set():
                return done
            folder = tmp_path / str(number)
            shutil.copytree(yesterday.folder, folder)
            visits = (yesterday.unsigned, yesterday.signed, yesterday.decided)
            lane.run(number, Morning(folder, *visits, yesterday.device, {}))
            shutil.rmtree(folder)
        return len(range(first, RUNS, LANES))

    with ThreadPoolExecutor(LANES) as pool:
        lives = [pool.submit(runs_of, lane, n) for n, lane in enumerate(lanes)]
        try:
            wait(lives)
        except KeyboardInterrupt:  # what is in hand is finished, and what was seen is told
            is_interrupted.set()
        runs = sum(life.result() for life in lives)
    lost, doubled = ([told for lane in lanes for told in getattr(lane, name)] for name in ("lost", "doubled"))
    faults = sum(sum(lane.came.values()) for lane in lanes)
    with capsys.disabled():
        seconds = time.monotonic() - began
        print(f"\n{runs} runs, seed {SEED}, {faults} faults: {len(lost)} lost, {len(doubled)} doubled, {seconds:.0f} s")
        print("\n".join([table(lanes), *lost, *doubled]))
    assert (lost, doubled) == ([], [])
    never = [cell for cell in CELLS if not any(lane.came[cell] for lane in lanes)]
    assert runs < ENOUGH or not never, "these came at no time"
