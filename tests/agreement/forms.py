"""The questionnaires of our own that evaluators are compared on: the samples, and a few that ask for more."""

import json
from pathlib import Path

from intake.definitions import DefinitionError, Questionnaire
from intake.definitions.library_files import bundled
from intake.definitions.loader import load
from tests.definitions.fhir import form, group, item

SAMPLES = Path(__file__).parent.parent / "samples"


def when(question: str, operator: str, **answer: object) -> dict[str, object]:
    return {"question": question, "operator": operator, **answer}


ENTRIES = form(
    group(
        "medicine",
        item("name", "string"),
        item("often", "integer"),
        item("why", "text", enableWhen=[when("often", ">=", answerInteger=3)]),
    ),
    item("sum", enableWhen=[when("often", ">", answerInteger=4)]),
    item("none", enableWhen=[when("name", "exists", answerBoolean=False)]),
)
ORDERINGS = form(
    item("weight", "decimal"),
    item("day", "date"),
    *(
        item(f"weight{n}", enableWhen=[when("weight", operator, answerDecimal=72.5)])
        for n, operator in enumerate(("<", "<=", ">", ">=", "=", "!="))
    ),
    *(
        item(f"day{n}", enableWhen=[when("day", operator, answerDate="2026-02-28")])
        for n, operator in enumerate(("<", "<=", ">", ">=", "=", "!="))
    ),
)
OWN = {"entries": ENTRIES, "orderings": ORDERINGS}

Known = dict[str, tuple[bytes, Questionnaire]]


def samples() -> Known:
    """Every small questionnaire of ours that can be taken, by name: its bytes and what they load to."""
    found = {name: json.dumps(questionnaire).encode() for name, questionnaire in OWN.items()}
    found |= {path.stem: path.read_bytes() for path in sorted(SAMPLES.glob("*.json"))}
    return {name: (data, taken) for name, data in found.items() if (taken := _taken(data))}


def the_bundled() -> Known:
    """The questionnaire that comes with the program."""
    data = bundled().bodies["questionnaire"]
    return {"the bundled questionnaire": (data, load(data))}


def _taken(data: bytes) -> Questionnaire | None:
    try:
        return load(data)
    except DefinitionError:
        return None  # a sample of what is refused
