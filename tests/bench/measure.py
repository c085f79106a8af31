"""Measuring two sides against each other on a machine whose speed drifts: pairs interleaved within milliseconds.

Time is the processor's for this process where nothing waits for a disk, a network or another process, and what else
runs is not ours; a side that works in other processes too is timed by the clock.
"""

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAIRS = 40
SIDE = 0.012
"""Seconds that one side of a pair takes at least: long enough for the clock, short enough for the machine's drift."""


@dataclass(frozen=True)
class Spread:
    """What was found: the median, what one in ten was below and above, and what one in twenty was above."""

    p50: float
    p10: float
    p90: float
    p95: float

    @classmethod
    def of(cls, found: Sequence[float]) -> "Spread":
        """The spread of some figures."""
        ranked = sorted(found)
        return cls(*(ranked[round((len(ranked) - 1) * part)] for part in (0.5, 0.1, 0.9, 0.95)))

    @classmethod
    def only(cls, found: float) -> "Spread":
        """A figure that was measured once."""
        return cls(found, found, found, found)

    @property
    def digits(self) -> int:
        """After the point, as many as tell something."""
        return 3 if 0 < self.p50 < 1 else 2 if self.p50 < 100 else 0

    @property
    def milliseconds(self) -> str:
        """As a time, with its 95th percentile."""
        return f"{self}, p95 {self.p95:.{self.digits}f} ms"

    def __str__(self) -> str:
        digits = self.digits
        if self.p10 == self.p90:
            return f"{self.p50:.{digits}f}"
        return f"{self.p50:.{digits}f} ({self.p10:.{digits}f} to {self.p90:.{digits}f})"


@dataclass(frozen=True)
class Row:
    """A line of the report. `bar` is the most that `found` may be; without one the line only informs."""

    what: str
    ours: str
    peer: str
    found: Spread
    unit: str = "x"
    bar: float | None = None

    @property
    def is_missed(self) -> bool:
        """Whether the median is past the bar."""
        return self.bar is not None and self.found.p50 > self.bar


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what is timed, and what makes its argument beforehand, untimed."""

    run: Callable[[Any], object]
    make: Callable[[], Any] = lambda: None
    clock: Callable[[], float] = time.process_time

    def seconds(self, times: int) -> float:
        """How long one call takes, from this many."""
        spent = 0.0
        for _ in range(times):
            argument = self.make()
            began = self.clock()
            self.run(argument)
            spent += self.clock() - began
        return spent / times

    def often(self) -> int:
        """How many calls fill one side of a pair."""
        self.seconds(3)  # what is made once is made now
        return max(1, round(SIDE / min(self.seconds(1) for _ in range(5))))


def compare(what: str, ours: Side, peer: Side, *, against: str, bar: float | None = None, pairs: int = PAIRS) -> Row:
    """Time two sides in pairs, each first in every other pair. The figure is the median of the pairs' ratios."""
    times = ours.often(), peer.often()
    gc.collect()
    found: list[tuple[float, float]] = []
    for pair in range(pairs):
        if pair % 2:
            other = peer.seconds(times[1])
            found.append((ours.seconds(times[0]), other))
        else:
            found.append((ours.seconds(times[0]), peer.seconds(times[1])))
    mine, theirs = (Spread.of([1000 * pair[side] for pair in found]) for side in (0, 1))
    ratios = Spread.of([one / other for one, other in found])
    return Row(what, mine.milliseconds, f"{theirs.milliseconds} {against}", ratios, bar=bar)


def resident(pid: int | None = None) -> int:
    """The memory a process holds, this one or another, in KB (proc(5), statm)."""
    pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
