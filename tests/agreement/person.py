"""Somebody at a page of questions with its script running, in a process of Node.js (person.mjs)."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agreement.packages import FOLDER, NODE

RUNNER = Path(__file__).with_name("person.mjs")

Plan = Sequence[tuple[str, str | Sequence[str]]]
"""What each box shall hold, by name; of boxes to tick, which are ticked."""


@dataclass(frozen=True)
class Left:
    """A page as somebody leaves it: `items` are its questions, groups and words by linkId, `drawn` those the server
    showed, `before` those its script showed at once, `shown` those it shows at the end, `sent` what would be sent.

    `refused` names boxes that the browser itself would send back, `cut` what it did not let be typed to its end.
    """

    items: list[str]
    drawn: list[str]
    before: list[str]
    shown: list[str]
    sent: list[tuple[str, str]]
    refused: list[str]
    cut: list[tuple[str, str]]
    faults: list[str]


class Person:
    """Fills in one page after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def fill_in(self, html: str, *plans: Plan) -> Left:
        """Open a page and fill it in, one plan after the other; what is not asked is passed over."""
        found: dict[str, Any] = json.loads(self.say({"html": html, "plans": plans}))
        pairs = {name: [(one, text) for one, text in found.pop(name)] for name in ("sent", "cut")}
        return Left(**found, **pairs)

    def say(self, what: object) -> str:
        """Send a line and wait for the one that answers it."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the page's script ended the process: see what it wrote above"
        return answer


@contextmanager
def person(script: str) -> Iterator[Person]:
    """Somebody whose pages run this script. Needs packages.install()."""
    command = [NODE or "node", str(RUNNER), str(FOLDER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        process.stdin.write(json.dumps(script) + "\n")
        yield Person(process)
        process.stdin.close()
