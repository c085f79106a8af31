"""What the gate says of questionnaires by others: each is taken, or refused with reasons; where that is otherwise than
the corpus's collector guessed, disagreements.tsv says why."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from intake.definitions import DefinitionError, Problem, Questionnaire
from intake.definitions.loader import load
from tests.corpus.files import Entry

KNOWN = Path(__file__).with_name("disagreements.tsv")
A_CODE = re.compile(r"Q(0[1-9]|1\d|20)")

Verdict = Questionnaire | tuple[Problem, ...]


def judged(data: bytes) -> Verdict:
    """The questionnaire, or every problem of it. Anything else that is raised ends the check: the gate must not."""
    try:
        return load(data)
    except DefinitionError as error:
        return error.problems


def figures(verdicts: Iterable[Verdict]) -> str:
    """How many were taken and refused, and how many files each code was given to."""
    found = list(verdicts)
    refused = [one for one in found if not isinstance(one, Questionnaire)]
    files = Counter(code for problems in refused for code in {problem.code for problem in problems})
    times = Counter(problem.code for problems in refused for problem in problems)
    head = f"{len(found) - len(refused)} taken, {len(refused)} refused with {times.total()} problems"
    return "\n".join([head, *(f"  {code} in {files[code]} files, {times[code]} times" for code in sorted(files))])


def unexplained(verdicts: list[Verdict]) -> Iterator[str]:
    """Refusals that do not say what, where and by which rule."""
    for problems in verdicts:
        if isinstance(problems, Questionnaire):
            continue
        if not problems:
            yield "refused without a reason"
        for problem in problems:
            if not (A_CODE.fullmatch(problem.code) and problem.place and problem.message):
                yield f"a problem that explains nothing: {problem!r}"


def disagreements(entries: list[Entry], verdicts: dict[str, Verdict]) -> Iterator[str]:
    """Print where we judge otherwise than the corpus's collector guessed, and yield those without a reason."""
    with KNOWN.open(encoding="utf-8", newline="") as file:
        reasons = {row["sha256"]: row for row in csv.DictReader(file, delimiter="\t")}
    print("otherwise than estimated:")
    for entry in entries:
        ours = "accept" if isinstance(verdicts[entry.sha256], Questionnaire) else "reject"
        known = reasons.pop(entry.sha256, {"ours": entry.estimate, "reason": ""})
        if ours != entry.estimate:
            print(f"  {ours} {entry.sha256[:12]} {entry.name[-60:]:60} {known['reason'] or '?'}")
        if ours != known["ours"]:
            yield f"{entry.name}: {ours}; write the reason into {KNOWN.name}, or put the gate right"
    yield from (f"{KNOWN.name} names a file that the corpus lacks: {sha256}" for sha256 in reasons)
