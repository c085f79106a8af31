"""Shows what we do with questionnaires by others (`make check-corpus`): each is taken or refused with reasons; those
taken are drawn, answered with the page's script running, exported, and given to evaluators by others.

Exits with 1 where anything is not as it should be; says so and exits with 0 where the corpus is missing.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from time import monotonic

from flask import Flask

from intake import definitions
from intake.definitions import Questionnaire
from tests.agreement import lhcforms
from tests.agreement.clinic import a_clinic, kept_drafts, own_editions, script_of
from tests.agreement.drawn import drawing_faults
from tests.agreement.forms import Known, samples, the_bundled
from tests.agreement.mutants import MUTANTS, mutated
from tests.agreement.packages import install
from tests.agreement.pages import asked_by_the_browser, differences, pages
from tests.agreement.person import person
from tests.agreement.schema import schema_faults
from tests.agreement.walks import Tally, walks
from tests.corpus import responses
from tests.corpus.files import FOLDER, questionnaires
from tests.corpus.gate import disagreements, figures, judged, unexplained

DRAFTS, DRAFTS_FOR_LHC_FORMS, WALKS = 200, 40, 6


def main() -> int:
    """Run every check and print its figures. Returns the exit code."""
    if not (FOLDER / "index.tsv").is_file():
        print("check-corpus: skipped, there is no corpus beside the project (CORPUS=folder names another place)")
        return 0
    if not install(with_lforms=True):
        print("check-corpus: node, npm and a registry are needed, once, for jsdom, LHC-Forms and the schema of FHIR")
        return 1
    since, counts = monotonic(), Counter[str]()
    taken, wrong = at_the_gate(counts)
    ours = samples() | the_bundled()
    wrong += [*responses.ours(taken | ours, counts)]
    wrong += [*responses.judged(taken), *responses.theirs(taken)]
    wrong += agreement_of_evaluators(taken, ours, counts)
    wrong += on_the_page(taken | samples(), counts)
    for line in wrong:
        print("WRONG:", line[:1000])
    print_table(counts)
    print(f"check-corpus: {f'{len(wrong)} things are wrong' if wrong else 'all is well'}, {monotonic() - since:.0f} s")
    return 1 if wrong else 0


def at_the_gate(counts: Counter[str]) -> tuple[Known, list[str]]:
    """Judge every file. Returns what is taken, by hash and place in its file, and what is wrong."""
    entries = list(questionnaires())
    verdicts = {entry.sha256: judged(entry.data) for entry in entries}
    inside = {f"{entry.sha256}/{place}": data for entry in entries for place, data in enumerate(entry.inside)}
    of_inside = {name: judged(data) for name, data in inside.items()}
    print("files            ", figures(verdicts.values()))
    print("inside of Bundles", figures(of_inside.values()))
    wrong = [*unexplained([*verdicts.values(), *of_inside.values()]), *disagreements(entries, verdicts)]
    all_data = {f"{entry.sha256}/0": entry.data for entry in entries if not entry.inside} | inside
    all_of_them = {f"{sha256}/0": one for sha256, one in verdicts.items()} | of_inside
    taken = {name: (all_data[name], one) for name, one in all_of_them.items() if isinstance(one, Questionnaire)}
    counts["questionnaires taken"], counts["refused"] = len(taken), len(all_data) - len(taken)
    return taken, wrong


def agreement_of_evaluators(taken: Known, ours: Known, counts: Counter[str]) -> list[str]:
    """Compare what the server asks with what the browser's evaluator asks, and with what LHC-Forms does."""
    found = agreement_with_the_browser(taken | ours, counts)
    return found + agreement_with_lhc_forms(taken | ours, counts)


def agreement_with_the_browser(forms: Known, counts: Counter[str]) -> list[str]:
    """Compare our two evaluators on random drafts, then once more with each mistake in the server's."""
    given = [page for name, (_, one) in forms.items() for page in pages(name, one, DRAFTS)]
    browser = asked_by_the_browser(given)
    found = differences(given, browser)
    names, decisions = len({page.name for page in given}), sum(len(page.items) for page in given)
    counts["decisions of both evaluators alone"] += decisions
    print(f"agreement of server and browser: {names} questionnaires with conditions, {decisions} decisions", end=" ")
    print(f"({sum(map(len, browser))} times asked), {len(found)} differences")
    print_power(lambda: len(differences(given, browser)) - len(found), counts, "the browser's evaluator")
    return found


def agreement_with_lhc_forms(forms: Known, counts: Counter[str]) -> list[str]:
    """Compare the server's evaluator with one by others, then once more with each mistake in it."""
    cases = lhcforms.ask(forms, DRAFTS_FOR_LHC_FORMS)
    found = lhcforms.differences(cases)
    read = [case for case in cases if case.there is not None]
    names, decisions = len({case.name for case in read}), sum(len(case.compared) for case in read)
    counts["decisions with LHC-Forms"] += decisions
    print(f"agreement with LHC-Forms: {names} questionnaires with conditions, {decisions} decisions", end=" ")
    print(f"({sum(case.conditional for case in read)} conditional), {len(found)} differences,", end=" ")
    print(f"{len(cases) - len(read)} responses it cannot read")
    for (name, link_id), reason in lhcforms.EXPLAINED.items():
        print(f"  explained: {name} {link_id}: {reason}")
    print_power(lambda: len(lhcforms.differences(cases)) - len(found), counts, "LHC-Forms")
    return found


def print_power(differing: Callable[[], int], counts: Counter[str], who: str) -> None:
    """Print how many differences each mistake in the server's evaluator makes."""
    print("differences with a mistake put into the server's:")
    for mistake in MUTANTS:
        with mutated(mistake):
            more = differing()
        counts[f"mistakes that {who} shows"] += more > 0
        print(f"  {more:6} {mistake}")


def on_the_page(forms: Known, counts: Counter[str]) -> list[str]:
    """Draw every page of every form, then walk through all of them with the page's own script running."""
    tally = Tally(counts)
    with a_clinic() as (app, client):
        everything = kept_drafts(app, forms) | own_editions(app)
        tally.differences += published_faults(app, counts)
        for name, (_, one) in everything.items():
            tally.differences += drawing_faults(app, name, one, counts)
        script = script_of(client, next(iter(everything.values()))[0])
        with person(script) as somebody:
            for walk in walks(app, client, somebody, everything, WALKS, tally):
                walk.go()
    return tally.differences


def published_faults(app: Flask, counts: Counter[str]) -> list[str]:
    """What the schema of FHIR R4 says against the questionnaires of our own editions, as they are published."""
    with app.test_request_context():
        bodies = {one: definitions.get_files(one.name, one.version) for one in definitions.list_editions()}
    counts["questionnaires of ours given to the schema"] = len(bodies)
    found = ((one.name, schema_faults(json.loads(body["questionnaire"]))) for one, body in bodies.items())
    return [f"{name}: {fault}" for name, faults in found for fault in faults]


def print_table(counts: Counter[str]) -> None:
    """Print every figure, one a line."""
    for what, count in counts.items():
        print(f"{count:8,} {what}")


if __name__ == "__main__":
    sys.exit(main())
