"""Responses to questionnaires by others: ours are valid FHIR R4 and come back unchanged, theirs are judged as recorded.

Run it as ``python -m tests.corpus_responses``; without the corpus it says so and is done.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import fhirkit

from intake.answers.export import ResponseError, answers_of, questionnaire_response
from intake.answers.faults import count_faults, typed, value_faults
from intake.definitions.loader import load
from intake.definitions.problems import DefinitionError
from intake.definitions.rules import Questionnaire, Value, initial_answers, strip
from tests.answers.given_answers import random_answers
from tests.corpus.files import FOLDER, questionnaires

Json = dict[str, Any]
SEEDS = 20
AUTHORED = datetime(2026, 11, 23, tzinfo=UTC)


def main() -> int:
    """Print what was found; 1 if anything is not as it should be."""
    if not FOLDER.is_dir():
        print(f"skipped: there is no corpus of questionnaires at {FOLDER}")
        return 0
    taken = dict(_taken())
    wrong = [*_ours(taken), *_judged(taken), *_theirs(taken)]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def _taken() -> Iterator[tuple[str, Questionnaire]]:
    """Every questionnaire our profile takes, by its file's SHA-256 and its place in that file."""
    for entry in questionnaires():
        for index, data in enumerate(entry.inside or [entry.data]):
            try:
                yield f"{entry.sha256}/{index}", load(data)
            except DefinitionError:
                continue


def _ours(taken: dict[str, Questionnaire]) -> Iterator[str]:
    """Write random answers in every language, have them validated, and read them back."""
    written = 0
    begun = {name: _sound_initials(questionnaire) for name, questionnaire in taken.items()}
    for name, questionnaire in taken.items():
        for seed in range(SEEDS):
            given = random_answers(questionnaire, Random(seed), (seed + 1) / SEEDS)
            answers = {**begun[name], **given}
            for language in (*questionnaire.languages, *questionnaire.carried):
                written += 1
                problem = _tried(questionnaire, answers, language)
                if problem:
                    yield f"{name} seed {seed} {language}: {problem}"
    print(f"{written} responses written to {len(taken)} questionnaires, validated and read back")


def _sound_initials(questionnaire: Questionnaire) -> dict[str, list[Value]]:
    """What a response begins with, but for initial values that their own question does not take: an option that is
    none, a year where a date is asked, two answers to a question with one."""
    initials = initial_answers(questionnaire)
    for link_id in list(initials):
        item, values = questionnaire.items[link_id], initials[link_id]
        found = [*count_faults(item, values), *(fault for value in values for fault in value_faults(item, value, ""))]
        if found or None in [typed(item, value) for value in values]:
            print(f"  initial value left out, its question does not take it: {questionnaire.url} {link_id}")
            del initials[link_id]
    return initials


def _tried(questionnaire: Questionnaire, answers: Any, language: str) -> str:
    """What is wrong with our response to these answers, "" where nothing is."""
    written = questionnaire_response(questionnaire, answers, language=language, authored=AUTHORED, status="in-progress")
    text = json.dumps(written)
    if issues := fhirkit.validate(text):
        return "; ".join(map(str, issues))
    try:
        back = answers_of(questionnaire, json.loads(text))
    except ResponseError as error:
        return str(error)
    return "" if list(back.items()) == list(strip(questionnaire, answers).items()) else "came back changed"


def _judged(taken: dict[str, Questionnaire]) -> Iterator[str]:
    """Compare our verdict with the recorded one of the standard's reference validator."""
    rows = list(_rows())
    by_path = {row["path"]: row for row in rows if row["repo"] == "FHIR/fhir-test-cases"}
    counts: Counter[str] = Counter()
    for row in (row for row in rows if row["kind"] == "qr-for-validation"):
        named = dict(part.split("=", 1) for part in row["note_or_reject_reasons"].split())
        asked, outcome = by_path.get(named["questionnaire"]), by_path.get(named.get("outcome", ""))
        questionnaire = taken.get(f"{asked['sha256']}/0") if asked else None
        if asked is None or outcome is None or questionnaire is None:
            lacking = "questionnaire not in the corpus" if asked is None else "questionnaire refused by our profile"
            counts[lacking if questionnaire is None else "no verdict recorded"] += 1
            continue
        issues = _read(outcome)["issue"]
        is_refused = any(issue["severity"] in ("error", "fatal") for issue in issues)
        said = _verdict(questionnaire, _read(row))
        counts["agreed" if bool(said) is is_refused else "disagreed"] += 1
        print(f"  {row['path']}: {said or 'taken'}; recorded: {[issue['details']['text'] for issue in issues]}")
        if bool(said) is not is_refused:
            yield f"{row['path']}: our verdict differs"
    print(f"responses with a recorded verdict: {dict(counts)}")


def _theirs(taken: dict[str, Questionnaire]) -> Iterator[str]:
    """Read every response against every questionnaire that we take: each is taken or refused, and nothing else."""
    responses = [_read(row) for row in _rows() if row["kind"] in ("questionnaireresponse", "qr-for-validation")]
    counts: Counter[str] = Counter()
    for index, response in enumerate(responses):
        for name, questionnaire in taken.items():
            try:
                verdict = _verdict(questionnaire, {**response, "questionnaire": questionnaire.url})
            except Exception as error:  # whatever it is, it is what is being looked for
                yield f"response {index} to {name} raised {error!r}"
            else:
                counts["refused" if verdict else "taken"] += 1
    print(f"{len(responses)} responses by others read as if to each questionnaire: {dict(counts)}")


def _verdict(questionnaire: Questionnaire, response: Json) -> str:
    try:
        answers_of(questionnaire, response)
    except ResponseError as error:
        return str(error)
    return ""


def _rows() -> Iterator[dict[str, str]]:
    with (FOLDER / "index.tsv").open(encoding="utf-8", newline="") as index:
        yield from csv.DictReader(index, delimiter="\t")


def _read(row: dict[str, str]) -> Json:
    data: Json = json.loads(next((FOLDER / "files").glob(f"{row['sha256']}*")).read_bytes())
    return data


if __name__ == "__main__":
    sys.exit(main())
