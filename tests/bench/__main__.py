"""Runs every row and prints the report. Exits with 1 where a bar is missed, so that a person who asks is told; nothing
else depends on it."""

import sys
from collections.abc import Callable

from tests.bench import questions, sealed, signing
from tests.bench.clinic import Clinic, open_clinic
from tests.bench.measure import Row

ROWS: dict[str, tuple[Callable[[Clinic], Row | tuple[Row, ...]], ...]] = {
    "questions": (
        questions.compiled,
        questions.form_alone,
        questions.whole_page,
        questions.page_sent,
        questions.whole_page_by_hand,
        questions.page_sent_by_hand,
        questions.form_beside_plain,
        questions.answers_beside_plain,
        questions.memory,
    ),
    "records": (*sealed.ROWS, signing.tap_on_sign),
}
TITLES = ("what", "ours: median (p10 to p90), p95", "peer", "found: median (p10 to p90)", "bar", "")
WIDTHS = (36, 38, 54, 28, 8, 6)


def main() -> int:
    """Print the report of the parts named, or of all, each line as soon as it is known. Returns the exit code."""
    parts = sys.argv[1:] or list(ROWS)
    if unknown := set(parts) - set(ROWS):
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    _say(TITLES)
    missed = 0
    with open_clinic() as clinic:
        for measure in (measure for part in parts for measure in ROWS[part]):
            found = measure(clinic)
            for row in found if isinstance(found, tuple) else (found,):
                missed += row.is_missed
                _report(row)
    return int(missed > 0)


def _report(row: Row) -> None:
    bar = "" if row.bar is None else f"{row.bar:g} {row.unit}"
    said = "" if row.bar is None else "missed" if row.is_missed else "held"
    _say((row.what, row.ours, row.peer, f"{row.found} {row.unit}", bar, said))


def _say(cells: tuple[str, ...]) -> None:
    print("  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
