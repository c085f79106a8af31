"""Compares what we ask with what LHC-Forms asks, an implementation of FHIR by others (`make check-corpus`).

Left out: repeating groups, whose items it names otherwise, and items that compare a date or time: with one answered, it
holds neither equal nor unequal to be true.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intake.definitions import Questionnaire, Value, initial_answers
from intake.definitions import enablement as server
from intake.definitions.rules import ItemType, Operator
from tests.agreement.drafts import Draft, drafts
from tests.agreement.packages import FOLDER, LFORMS, NODE
from tests.agreement.pages import SEED

RUNNER = Path(__file__).with_name("lhcforms.mjs")
TIMES = (ItemType.DATE, ItemType.DATETIME, ItemType.TIME)
EXPLAINED = {
    ("coding-systems", "unnamed"): "LHC-Forms takes a coding without a system for another than one with; "
    "we do not, for a page's codes name no system (docs/questionnaires.md, E8)",
}


@dataclass(frozen=True)
class Case:
    """One draft, and the linkIds that LHC-Forms asks on it; None where it could not read the response."""

    name: str
    questionnaire: Questionnaire
    draft: Draft
    there: frozenset[str] | None

    @property
    def compared(self) -> list[str]:
        """The items that are decided on."""
        return [link_id for link_id in self.questionnaire.items if not _compares_times(self.questionnaire, link_id)]

    @property
    def conditional(self) -> int:
        """On how many of them a condition has a say, their own or one above them."""
        return sum(_depends(self.questionnaire, link_id) for link_id in self.compared)


def ask(forms: Mapping[str, tuple[bytes, Questionnaire]], count: int) -> list[Case]:
    """Ask LHC-Forms of `count` drafts of each questionnaire (by name, as stored bytes and as loaded). Needs
    packages.install()."""
    drawn = [(name, data, one, draft) for name, (data, one) in forms.items() if _is_comparable(one)
             for draft in _whole(one, count)]  # fmt: skip
    lines = (json.dumps({"questionnaire": json.loads(data), "response": _response(data, draft)}) + "\n"
             for _, data, _, draft in drawn)  # fmt: skip
    run = subprocess.run(
        [NODE or "node", RUNNER, FOLDER, FOLDER / LFORMS],
        input="".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
    )
    said = [json.loads(line) for line in run.stdout.splitlines()]
    return [Case(name, one, draft, None if isinstance(asked, dict) else frozenset(asked))
            for (name, _, one, draft), asked in zip(drawn, said, strict=True)]  # fmt: skip


def differences(cases: Iterable[Case]) -> list[str]:
    """Where we decide otherwise than LHC-Forms did and no reason is known, each as a line to look into."""
    return [
        f"{case.name}: {link_id} is asked by {who} alone; answers {json.dumps(case.draft)}"
        for case in cases
        if case.there is not None
        for here in [server.enabled(case.questionnaire, case.draft)]
        for link_id in sorted((here ^ case.there) & set(case.compared))
        if (case.name, link_id) not in EXPLAINED
        for who in ["us" if link_id in here else "LHC-Forms"]
    ]


def _depends(one: Questionnaire, link_id: str) -> bool:
    parent = one.parents.get(link_id)
    return bool(one.items[link_id].conditions) or (parent is not None and _depends(one, parent))


def _is_comparable(one: Questionnaire) -> bool:
    return not one.entries and any(item.conditions for item in one.items.values())


def _compares_times(one: Questionnaire, link_id: str) -> bool:
    """Whether a comparison of dates or times has a say in an item, directly or through what it depends on."""
    conditions = one.items[link_id].conditions
    if any(c.operator is not Operator.EXISTS and one.items[c.source].type in TIMES for c in conditions):
        return True
    behind = {c.source for c in conditions} | ({one.parents[link_id]} if link_id in one.parents else set())
    return any(_compares_times(one, link) for link in behind)


def _whole(one: Questionnaire, count: int) -> Iterator[Draft]:
    """Drafts that a response can hold: with initial values, and nothing below a question without one answer."""
    for draft in drafts(one, count, SEED):
        filled = {**initial_answers(one), **draft}
        yield {
            link_id: values[:1] if one.items[link_id].items else values
            for link_id, values in filled.items()
            if _has_place(one, link_id, filled)
        }


def _has_place(one: Questionnaire, link_id: str, draft: Draft) -> bool:
    parent = one.parents.get(link_id)
    if parent is None:
        return True
    return (not one.items[parent].is_question or parent in draft) and _has_place(one, parent, draft)


def _response(data: bytes, draft: Draft) -> dict[str, Any]:
    top = json.loads(data)
    return {"resourceType": "QuestionnaireResponse", "status": "in-progress", "item": _answered(top["item"], draft)}


def _answered(items: Sequence[Mapping[str, Any]], draft: Draft) -> list[dict[str, Any]]:
    found = []
    for item in items:
        below = _answered(item.get("item", []), draft)
        answers: list[dict[str, Value | Any]] = [dict(value) for value in draft.get(item["linkId"], ())]
        if answers and below:
            answers[0]["item"] = below
        if answers:
            found.append({"linkId": item["linkId"], "answer": answers})
        elif below:
            found.append({"linkId": item["linkId"], "item": below})
    return found
