"""Repeating groups and required ones: what an entry demands, how one comes, and what moves when one goes."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from intake.answers.rules import (
    Draft,
    demanded,
    is_complete,
    short_names,
    unanswered_groups,
    with_more,
    without_entry,
)
from intake.definitions.loader import load
from intake.definitions.rules import Item, ItemType, Option, Questionnaire, Text, strip, with_entries

MEDICINES = {
    "resourceType": "Questionnaire",
    "language": "en",
    "item": [
        {
            "linkId": "page",
            "type": "group",
            "text": "Medicines",
            "item": [
                {
                    "linkId": "med",
                    "type": "group",
                    "repeats": True,
                    "text": "Medicine",
                    "item": [
                        {"linkId": "name", "type": "string", "text": "Name", "required": True},
                        {"linkId": "daily", "type": "boolean", "text": "Daily?", "initial": [{"valueBoolean": True}]},
                    ],
                },
                {
                    "linkId": "habits",
                    "type": "group",
                    "required": True,
                    "text": "Habits",
                    "item": [{"linkId": "tea", "type": "boolean", "text": "Tea?"}],
                },
            ],
        }
    ],
}
ASPIRIN, ZINC = [{"valueString": "Aspirin"}], [{"valueString": "Zinc"}]


def medicines(answers: Any) -> Questionnaire:
    """A form with a repeating group, in the shape of these answers."""
    return with_entries(load(json.dumps(MEDICINES).encode()), answers)


def test_an_entry_that_may_stay_away_demands_nothing_until_something_in_it_is_answered() -> None:
    assert demanded(medicines({}), {}) == frozenset()
    begun = {"daily": [{"valueBoolean": False}], "name#2": ZINC}
    assert demanded(medicines(begun), begun) == {"name", "name#2"}


def test_a_required_group_wants_one_answer_and_keeps_its_page_open() -> None:
    shape = medicines({})
    assert unanswered_groups(shape, shape.sections[0], {}) == [("habits", "tea")]
    assert not is_complete(shape, shape.sections[0], Draft({}, frozenset({"page"})))
    assert is_complete(shape, shape.sections[0], Draft({"tea": [{"valueBoolean": False}]}, frozenset({"page"})))


def test_an_entry_more_begins_with_what_is_answered_before_anybody_speaks() -> None:
    shape = medicines({"name": ASPIRIN})
    assert with_more(shape, "med", {"name": ASPIRIN}) == {
        "med": [{"valueInteger": 2}],
        "daily#2": [{"valueBoolean": True}],
    }
    full = {"med": [{"valueInteger": 10}]}
    assert with_more(medicines(full), "med", full) == {}


@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=10), st.integers(1, 10))
def test_when_an_entry_goes_those_after_it_move_up(said: list[str], gone: int) -> None:
    answers = {f"name#{n}" if n > 1 else "name": [{"valueString": word}] for n, word in enumerate(said, 1)}
    shape = medicines(answers)
    left = {**answers, **without_entry(shape, "med", min(gone, len(said)), answers)}
    del said[min(gone, len(said)) - 1]
    kept = strip(shape, left)
    assert [values[0]["valueString"] for link, values in kept.items() if link.startswith("name")] == said
    assert medicines(left).entries == {"med": max(1, len(said))}


def test_questions_of_two_entries_are_told_apart_by_their_number() -> None:
    options = (Option("yes", Text.of({"en": "Yes"})), Option("no", Text.of({"en": "No"})))
    pair = [Item(f"a#{n}", ItemType.CHOICE, Text.of({"en": "Daily?"}), options=options, entry=n) for n in (1, 2)]
    assert short_names(pair, "en") == {"a#1": "Daily? (1)", "a#2": "Daily? (2)"}
