"""Responses to questionnaires by others: ours are valid FHIR R4 and come back unchanged, theirs judged as recorded."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import fhirkit

from intake.answers.export import ResponseError, answers_of, questionnaire_response
from intake.definitions.rules import Answers, Questionnaire, initial_answers, strip
from tests.agreement.forms import Known
from tests.agreement.schema import schema_faults
from tests.agreement.walks import languages
from tests.answers.given_answers import random_answers
from tests.corpus.files import FOLDER

Json = dict[str, Any]
SEEDS = 20
AUTHORED = datetime(2026, 11, 23, tzinfo=UTC)


def ours(forms: Known, counts: Counter[str], *, seeds: int = SEEDS) -> Iterator[str]:
    """Write random answers in every language, have them validated, and read them back; yield what is wrong."""
    for name, (_, questionnaire) in forms.items():
        for seed in range(seeds):
            given = random_answers(questionnaire, Random(seed), (seed + 1) / seeds)
            answers = {**initial_answers(questionnaire), **given}
            for language in languages(questionnaire):
                problem = response_fault(questionnaire, answers, language)
                counts["responses valid"] += not problem
                if problem:
                    yield f"response {name} seed {seed} {language}: {problem}"


def response_fault(questionnaire: Questionnaire, answers: Answers, language: str) -> str:
    """What is wrong with our response to these answers, "" where nothing is. Needs packages.install()."""
    written = questionnaire_response(questionnaire, answers, language=language, authored=AUTHORED, status="in-progress")
    text = json.dumps(written)
    if issues := [*map(str, fhirkit.validate(text)), *schema_faults(json.loads(text))]:
        return "; ".join(issues)
    try:
        back = answers_of(questionnaire, json.loads(text))
    except ResponseError as error:
        return str(error)
    return "" if list(back.items()) == list(strip(questionnaire, answers).items()) else "came back changed"


def judged(taken: Known) -> Iterator[str]:
    """Compare our verdict with the recorded one of the standard's reference validator."""
    rows = list(_rows())
    by_path = {row["path"]: row for row in rows if row["repo"] == "FHIR/fhir-test-cases"}
    counts: Counter[str] = Counter()
    for row in (row for row in rows if row["kind"] == "qr-for-validation"):
        named = dict(part.split("=", 1) for part in row["note_or_reject_reasons"].split())
        asked, outcome = by_path.get(named["questionnaire"]), by_path.get(named.get("outcome", ""))
        _, questionnaire = taken.get(f"{asked['sha256']}/0", (b"", None)) if asked else (b"", None)
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


def theirs(taken: Known) -> Iterator[str]:
    """Read every response against every questionnaire that we take: each is taken or refused, and nothing else."""
    responses = [_read(row) for row in _rows() if row["kind"] in ("questionnaireresponse", "qr-for-validation")]
    counts: Counter[str] = Counter()
    for index, response in enumerate(responses):
        for name, (_, questionnaire) in taken.items():
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
