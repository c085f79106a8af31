"""Asks both evaluators of what is asked, page by page, and says where they differ."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from intake.answers import asked, conditions_for
from intake.definitions import Questionnaire, with_entries
from intake.definitions import enablement as server
from tests.agreement.drafts import Draft, drafts, sent
from tests.agreement.packages import NODE

RUNNER = Path(__file__).with_name("browser.mjs")
SEED = 20261123


@dataclass(frozen=True)
class Page:
    """One page of a questionnaire on one draft, as the server would send it to the browser."""

    name: str
    questionnaire: Questionnaire
    draft: Draft
    section: str
    items: tuple[str, ...]
    line: str


def pages(name: str, questionnaire: Questionnaire, count: int) -> Iterator[Page]:
    """Yield every page on `count` random drafts, with what its fields hold and what the server tells of other pages."""
    random = Random(f"{SEED} {name}")
    for draft in drafts(questionnaire, count, SEED):
        yield from pages_of(name, questionnaire, draft, random)


def pages_of(name: str, questionnaire: Questionnaire, draft: Draft, random: Random) -> Iterator[Page]:
    """Yield every page on one draft that has something to decide."""
    shape = with_entries(questionnaire, draft)
    for section in shape.sections:
        told = conditions_for(questionnaire, section, draft)
        if not told["items"]:
            continue
        here = {one.link_id: sent(one, draft.get(one.link_id, ()), random) for one in asked(shape, section)}
        told["answers"] |= here
        line = json.dumps(told | {"asked": section.items})
        yield Page(name, questionnaire, draft, section.id, section.items, line)


def asked_by_the_browser(given: Iterable[Page]) -> list[set[str]]:
    """For each page the linkIds that the browser's evaluator asks. Raises OSError where NODE is None."""
    lines = "".join(page.line + "\n" for page in given)
    run = subprocess.run([NODE or "node", RUNNER], input=lines, capture_output=True, text=True, check=True, timeout=120)
    return [set(json.loads(line)) for line in run.stdout.splitlines()]


def differences(given: Iterable[Page], browser: Iterable[set[str]]) -> list[str]:
    """Where the server decides otherwise than the browser did, each as a line to look into."""
    by_server = cache(_by_server)
    return [
        f"{page.name}, page {page.section}: {link_id} is asked by the {who} alone; answers {json.dumps(page.draft)}"
        for page, there in zip(given, browser, strict=True)
        for here in [by_server(_Same(page)) & set(page.items)]
        for link_id in here ^ there
        for who in ["server" if link_id in here else "browser"]
    ]


class _Same:
    """The pages of one draft, so that it is decided on once."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __hash__(self) -> int:
        return id(self.page.draft)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.page.draft is self.page.draft


def _by_server(same: _Same) -> frozenset[str]:
    return server.enabled(same.page.questionnaire, same.page.draft)
