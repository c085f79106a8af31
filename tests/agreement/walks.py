"""Walks questionnaires in the room for authors with each page's own script running: what the browser asked and what
was to be expected is compared with what the server asked, took and refused. One thing is no difference: an answer that
cannot be taken (too long, no number) counts for the script and not for the server, whose page comes back anyway.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from flask import Flask
from werkzeug.datastructures import MultiDict

from intake import answers, i18n
from intake.answers.forms import asked
from intake.authoring import trial
from intake.definitions import Item, ItemType, Questionnaire, Section, enabled
from tests.agreement.clinic import Forms
from tests.agreement.drafts import bounds_of
from tests.agreement.keystrokes import PARTS, Keystrokes
from tests.agreement.oracle import Filled
from tests.agreement.person import Left, Person, Plan

GOOD, LEFT_EMPTY, ADDED = 0.75, 0.2, 0.3
MOST_TRIES = 4
"""How often a page is sent before a walk is given up; two are enough where server and browser agree."""


@dataclass
class Tally:
    """What was walked and decided, and every difference as a line to look into."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Page:
    """A page in hand: its HTML, and what the server was told before."""

    html: str
    here: trial.Trial
    section: Section


@dataclass(frozen=True, eq=False)
class Walk:
    """One way through a questionnaire in one language, drawn from a seed."""

    app: Flask
    client: Any
    person: Person
    address: str
    name: str
    questionnaire: Questionnaire
    language: str
    seed: str
    tally: Tally

    def go(self) -> None:
        """Go from the first page to what would be submitted."""
        random = Random(f"{self.seed} {self.questionnaire.sha256} {self.language}")
        keystrokes = Keystrokes(bounds_of(self.questionnaire), random)
        self.tally.counts["walks through all pages"] += 1
        page, tries, wrong, hidden = self._read(self._get()), 0, set[str](), set[str]()
        while page is not None:
            left = self._fill_in(page, keystrokes, wrong | hidden if tries else None)
            button = None if tries else self._button(page, random)
            response = self.client.post(
                self.address, data=MultiDict([*left.sent, *([("entry", button)] if button else [])])
            )
            filled = self._compare_asked(page, left, keystrokes, wrong)
            wrong, hidden = filled.wrong(), set(left.items) - set(left.shown)
            if button is None:
                self._compare_verdict(page, left, response, filled, wrong)
            tries = tries + 1 if response.status_code == 422 or button else 0
            if tries > MOST_TRIES:
                self._differs(page, "the page never becomes one that the server takes")
                return
            wrong = wrong if tries else set()
            page = self._read(response.text)

    def _get(self) -> str:
        return str(self.client.get(self.address).text)

    def _read(self, text: str) -> Page | None:
        """The page of questions in some HTML; None for the page of what would be submitted."""
        token = re.search(r'name="rev" value="([^"]+)"', text)
        if token is None:
            return None
        with self.app.test_request_context():
            here = trial.resume(self.questionnaire, html.unescape(token[1]))
        assert here is not None and here.page is not None
        return Page(text, here, here.page)

    def _fill_in(self, page: Page, keystrokes: Keystrokes, repairs: set[str] | None) -> Left:
        """Type something, and think again about some of it; on a page sent back, put right what was wrong and
        answer what that opens."""
        items = self._items(page)
        if repairs is not None:
            wanted = [item for item in items if item.link_id in repairs]
            return self.person.fill_in(
                page.html, [step for item in wanted for step in self._steps(page, item, keystrokes, 1.0)]
            )
        random = keystrokes.random
        first = [item for item in items if random.random() >= LEFT_EMPTY]
        again = [item for item in first if random.random() < 0.25]
        plans = [
            [step for item in some for step in self._steps(page, item, keystrokes, GOOD)] for some in (first, again)
        ]
        return self.person.fill_in(page.html, *plans)

    def _items(self, page: Page) -> list[Item]:
        shape = page.here.shape
        return asked(shape, page.section)

    def _steps(self, page: Page, item: Item, keystrokes: Keystrokes, share_good: float) -> Plan:
        name, boxes = answers.field_name(page.here.shape, item.link_id), keystrokes.draw(item, share_good)
        if item.type in PARTS:
            return [(name + part, text) for part, text in zip(PARTS[item.type], boxes, strict=True)]
        if item.acknowledgement:
            return [(name, ["y"])]
        words: Plan = []
        if item.type is ItemType.OPEN_CHOICE:
            words, boxes = [(f"{name}-o", boxes[0])], boxes[1:]
        return [(name, list(boxes) if item.repeats else boxes[0]), *words] if boxes else words

    def _button(self, page: Page, random: Random) -> str | None:
        """Now and then "Add another", where the page has it."""
        found = re.findall(r'name="entry" value="(add [^"]+)"', page.html)
        return random.choice(found) if found and random.random() < ADDED else None

    def _compare_asked(self, page: Page, left: Left, keystrokes: Keystrokes, before: set[str]) -> Filled:
        """Compare what is asked when the page opens and when it is sent; `before` are the answers on it that could not
        be taken when it was sent before."""
        sent: MultiDict[str, str] = MultiDict(left.sent)
        with self.app.test_request_context():
            i18n.set_language(self.language)
            here = answers.open_page(self.questionnaire, page.section.id, page.here.said, sent)
            assert here is not None
            on = enabled(here.shape, answers.take(here, sent).now) & set(left.items)
        filled, counts = Filled(here.shape, left.shown, left.sent, keystrokes), self.tally.counts
        counts["decisions on the page: asked or not"] += 2 * len(left.items)
        counts["of these not asked"] += 2 * len(left.items) - len(left.before) - len(left.shown)
        self._compare_shown(page, left, filled, ("drawn", set(left.drawn), set(left.before), before))
        self._compare_shown(page, left, filled, ("asked", set(on), set(left.shown), filled.wrong()))
        return filled

    def _compare_shown(
        self, page: Page, left: Left, filled: Filled, both: tuple[str, set[str], set[str], set[str]]
    ) -> None:
        what, server, browser, wrong = both
        for link_id in server ^ browser:
            if _waits(filled.shape, link_id, wrong):
                self.tally.counts["of these put off by an answer that cannot be taken"] += 1
            else:
                who = "the server" if link_id in server else "the browser"
                self._differs(page, f"{link_id} is {what} by {who} alone; sent {_told(left)}")

    def _compare_verdict(self, page: Page, left: Left, response: Any, filled: Filled, wrong: set[str]) -> None:
        counts = self.tally.counts
        refused = {filled.link_ids.get(name, name) for name in _errors(response.text)}
        counts["pages sent"] += 1
        counts["pages sent and refused"] += bool(wrong)
        counts["decisions on the page: taken or refused"] += len(filled.questions)
        for link_id in refused ^ wrong:
            who = "the server" if link_id in refused else "the definition"
            self._differs(page, f"{link_id} is refused by {who} alone: {filled.boxes.get(link_id)}")
        if response.status_code != (422 if wrong else 200):
            self._differs(page, f"status {response.status_code} where {sorted(wrong)} is wrong; sent {_told(left)}")
        for what, found in (
            ("the page cuts", left.cut),
            ("the page itself refuses", left.refused),
            ("fault", left.faults),
        ):
            for one in found:
                self._differs(page, f"{what} {one}")

    def _differs(self, page: Page, what: str) -> None:
        self.tally.differences.append(
            f"{self.name} {self.language} seed {self.seed}, page {page.section.id}: {what}"[:700]
        )


def _errors(text: str) -> list[str]:
    """The names of the questions that a page sent back is about."""
    summary = re.search(r'<div class="errors".*?</div>', text, re.DOTALL)
    return re.findall(r'<a href="#([^"]+)"', summary[0]) if summary else []


def _waits(shape: Questionnaire, link_id: str, wrong: set[str]) -> bool:
    """Whether being asked depends on one of these answers: explained in this file's docstring."""
    parent = shape.parents.get(link_id)
    behind = {source for condition in shape.items[link_id].conditions for source in condition.sources}
    behind |= {parent} if parent else set()
    return bool(behind & wrong) or any(_waits(shape, one, wrong) for one in behind)


def _told(left: Left) -> list[tuple[str, str]]:
    return [(name, text) for name, text in left.sent if name not in ("csrf_token", "rev")]


def languages(questionnaire: Questionnaire) -> Sequence[str]:
    """Every language that a questionnaire has words in."""
    return (*questionnaire.languages, *questionnaire.carried)


def walks(app: Flask, client: Any, person: Person, forms: Forms, seeds: int, tally: Tally) -> Iterator[Walk]:
    """Every walk through every form, by name with its address: each language from each seed."""
    for name, (address, one) in forms.items():
        for language in languages(one):
            for seed in range(seeds):
                yield Walk(app, client, person, f"{address}?language={language}", name, one, language, str(seed), tally)
