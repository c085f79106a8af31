"""Shows what the gate does with questionnaires by others (`make check-corpus`): each is taken, or refused with reasons.

Those taken are also given to the browser's evaluator and to LHC-Forms. Exits with 1 where anything is not as it should
be; says so and exits with 0 where the corpus is missing.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from intake.definitions import DefinitionError, Problem, Questionnaire
from intake.definitions.loader import load
from tests.agreement import lhcforms
from tests.agreement.forms import Known, samples, the_bundled
from tests.agreement.mutants import MUTANTS, mutated
from tests.agreement.pages import NODE, asked_by_the_browser, differences, pages
from tests.corpus.files import FOLDER, Entry, questionnaires

KNOWN = Path(__file__).with_name("disagreements.tsv")
A_CODE = re.compile(r"Q(0[1-9]|1\d|20)")
DRAFTS, DRAFTS_FOR_LHC_FORMS = 200, 40

Verdict = Questionnaire | tuple[Problem, ...]


def main() -> int:
    """Run every check and print its figures. Returns the exit code."""
    if not (FOLDER / "index.tsv").is_file():
        print("check-corpus: skipped, there is no corpus beside the project (CORPUS=folder names another place)")
        return 0
    entries = list(questionnaires())
    verdicts = {entry.sha256: judged(entry.data) for entry in entries}
    inside = [judged(data) for entry in entries for data in entry.inside]
    print("files            ", figures(verdicts.values()))
    print("inside of Bundles", figures(inside))
    wrong: list[str] = [*unexplained([*verdicts.values(), *inside]), *disagreements(entries, verdicts)]
    taken = {
        one.sha256[:12]: (data, one)
        for entry in entries
        for data in (entry.data, *entry.inside)
        if isinstance(one := judged(data), Questionnaire)
    }
    wrong += agreement_with_the_browser(taken)
    wrong += agreement_with_lhc_forms({**samples(), **the_bundled(), **taken})
    for line in wrong:
        print("WRONG:", line[:1000])
    print("check-corpus:", f"{len(wrong)} things are wrong" if wrong else "all is well")
    return 1 if wrong else 0


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


def agreement_with_the_browser(taken: Known) -> list[str]:
    """Compare our two evaluators on random drafts, then once more with each mistake in the server's."""
    if NODE is None:
        print("agreement of server and browser: skipped, node is not installed")
        return []
    given = [page for name, (_, one) in taken.items() for page in pages(name, one, DRAFTS)]
    browser = asked_by_the_browser(given)
    found = differences(given, browser)
    forms, all_of_them = len({page.name for page in given}), sum(len(page.items) for page in given)
    print(f"agreement of server and browser: {forms} questionnaires with conditions, {all_of_them} decisions", end=" ")
    print(f"({sum(map(len, browser))} times asked), {len(found)} differences")
    print_power(lambda: len(differences(given, browser)) - len(found))
    return found


def agreement_with_lhc_forms(forms: Known) -> list[str]:
    """Compare the server's evaluator with one by others, then once more with each mistake in it."""
    if not lhcforms.install():
        print("agreement with LHC-Forms: skipped, it could not be installed (node, npm and a registry are needed)")
        return []
    cases = lhcforms.ask(forms, DRAFTS_FOR_LHC_FORMS)
    found = lhcforms.differences(cases)
    read = [case for case in cases if case.there is not None]
    names, decisions = len({case.name for case in read}), sum(len(case.compared) for case in read)
    print(f"agreement with LHC-Forms: {names} questionnaires with conditions, {decisions} decisions", end=" ")
    print(f"({sum(case.conditional for case in read)} conditional), {len(found)} differences,", end=" ")
    print(f"{len(cases) - len(read)} responses it cannot read")
    for (name, link_id), reason in lhcforms.EXPLAINED.items():
        print(f"  explained: {name} {link_id}: {reason}")
    print_power(lambda: len(lhcforms.differences(cases)) - len(found))
    return found


def print_power(differing: Callable[[], int]) -> None:
    """Print how many differences each mistake in the server's evaluator makes."""
    print("differences with a mistake put into the server's:")
    for mistake in MUTANTS:
        with mutated(mistake):
            print(f"  {differing():6} {mistake}")


if __name__ == "__main__":
    sys.exit(main())
