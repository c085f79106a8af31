"""Screening rules are data: what a condition reads, and what a file of rules may not say."""

from datetime import date
from typing import Any

import pytest

from intake.definitions.library_files import bundled_contents
from intake.definitions.problems import DefinitionError
from intake.definitions.rules import Ruleset, load_ruleset
from intake.screening.rules import Raised, evaluate

CONTENTS = bundled_contents()
QUESTIONNAIRE = CONTENTS.questionnaire


def coded(code: str) -> list[dict[str, Any]]:
    return [{"valueCoding": {"code": code}}]


PATIENT: dict[str, list[dict[str, Any]]] = {
    "id.dob": [{"valueDate": "1996-01-01"}],
    "tx.goals": coded("tighten"),
    "td.today": coded("none"),
    "td.skin": coded("none"),
    "mh.dm": coded("no"),
    "ls.event": [{"valueBoolean": False}],
}

HEAD = "version: 1.0.0\nlanguages: [en]\nmessages: {TALK: Thank you.}\nnames: {legs: Legs}\nrules:\n"
RULE = """\
  - id: R-1
    severity: caution
    applies: ALL
    when: %s
    holds: nothing
    held: nothing
    doctor: Look.
    patient: TALK
    clears: Seen
    source: [S01]
    confidence: High
"""


def ruleset(text: str) -> Ruleset:
    return load_ruleset(text, QUESTIONNAIRE, CONTENTS.treatments)


def evaluate_rules(rules: Ruleset) -> list[Raised]:
    return evaluate(rules, QUESTIONNAIRE, PATIENT, date(2026, 6, 15))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("td.today = none", True),
        ("td.today != none", False),
        ("mh.dm_ctrl != no", True),
        ("td.today in [fever, none]", True),
        ("count(td.today) >= 1", True),
        ("count(td.today) > 1", False),
        ("count(mh.dm_ctrl) = 0", True),
        ("ls.event = false", True),
        ("tx = REJUV", True),
        ("tx in [HAIR, LIPS]", False),
        ("age >= 30", True),
        ("bmi < 40", False),
        ("ft.height > 100", False),
        ("{not: ls.event = true}", True),
        ("{all: [ls.event = false, {any: [age > 90, td.skin = none]}]}", True),
        ("{all: [ls.event = false, {not: {any: [age > 90, td.skin = none]}}]}", False),
    ],
)
def test_a_condition_says_what_it_reads(when: str, holds: bool) -> None:
    written = when if when.startswith("{") else f'"{when}"'
    assert bool(evaluate_rules(ruleset(HEAD + RULE % written))) is holds


def test_of_several_ways_to_hold_only_those_that_do_are_named() -> None:
    rules = ruleset(
        HEAD + RULE % "{all: [{any: [age > 90, td.skin = none]}, {not: {any: [ls.event = true, bmi > 50]}}]}"
    )
    assert evaluate_rules(rules)[0].items == ("td.skin", "ls.event", "ft.height", "ft.weight")


@pytest.mark.parametrize(
    ("when", "slip"),
    [
        ("td.gone = none", "there is no question 'td.gone'"),
        ("td.today = gone", "'td.today' has no option 'gone'"),
        ("td.today in [none, gone]", "'td.today' has no option 'gone'"),
        ("td.today > none", "cannot be ordered"),
        ("ls.event = yes", "'ls.event' has no option 'yes'"),
        ("tx = NOSE", "'tx' has no option 'NOSE'"),
        ("age < young", "'young' is not"),
        ("count(td.gone) > 1", "there is no question 'td.gone'"),
        ("mh.free = asthma", "own words"),
        ("td.today has none", "is not a comparison"),
        ("mh = no", "there is no question 'mh'"),
    ],
)
def test_a_condition_that_could_never_be_read_is_refused(when: str, slip: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        ruleset(HEAD + RULE % f'"{when}"')
    assert slip in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "slip"),
    [
        ("severity: caution", "severity: grave", "no severity 'grave'"),
        ("applies: ALL", "applies: [NOSE]", "no treatment 'NOSE'"),
        ("patient: TALK", "patient: SHOUT", "no message 'SHOUT'"),
        ("holds: nothing", "holds: everything", "no thing to hold 'everything'"),
        ("holds: nothing", "holds: [{area: [nose]}]", "no name to hold as area 'nose'"),
        ("holds: nothing", "holds: [{treatment: [NOSE]}]", "no name to hold as treatment 'NOSE'"),
        ("holds: nothing", "holds: [{area: [legs], product: all}]", "each entry holds one thing"),
        ("when: age > 1", "when: {some: [age > 1]}", "all: [...]"),
        ("when: age > 1", "when: {all: [age > 1]}", "two conditions or more"),
        ("when: age > 1", "general: false", "says 'general: true'"),
        ("clears: Seen", "cleared: Seen", "unknown key 'cleared'"),
    ],
)
def test_a_rule_that_names_what_does_not_exist_is_refused(old: str, new: str, slip: str) -> None:
    text = HEAD + RULE % "age > 1"
    assert old in text
    with pytest.raises(DefinitionError) as caught:
        ruleset(text.replace(old, new))
    assert slip in str(caught.value)


def test_two_rules_cannot_have_the_same_name() -> None:
    with pytest.raises(DefinitionError, match="'R-1' is used twice"):
        ruleset(HEAD + RULE % "age > 1" + RULE % "age > 2")
