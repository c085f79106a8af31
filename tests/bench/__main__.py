"""Runs every row and prints the report. Exits with 1 where a bar is missed, so that a person who asks is told; nothing
else depends on it."""

import sys
from collections.abc import Callable

from tests.bench import questions
from tests.bench.clinic import Clinic, open_clinic
from tests.bench.measure import Row

ROWS: tuple[Callable[[Clinic], Row], ...] = (
    questions.compiled,
    questions.form_alone,
    questions.whole_page,
    questions.page_sent,
    questions.whole_page_by_hand,
    questions.page_sent_by_hand,
    questions.form_beside_plain,
    questions.answers_beside_plain,
    questions.memory,
)
TITLES = ("what", "ours: median (p10 to p90)", "peer", "found: median (p10 to p90)", "bar", "")
WIDTHS = (36, 32, 42, 28, 8, 6)


def main() -> int:
    """Print the report, each line as soon as it is known. Returns the exit code."""
    _say(TITLES)
    missed = 0
    with open_clinic() as clinic:
        for measure in ROWS:
            row = measure(clinic)
            missed += row.is_missed
            bar = "" if row.bar is None else f"{row.bar:g} {row.unit}"
            said = "" if row.bar is None else "missed" if row.is_missed else "held"
            _say((row.what, row.ours, row.peer, f"{row.found} {row.unit}", bar, said))
    return int(missed > 0)


def _say(cells: tuple[str, ...]) -> None:
    print("  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
