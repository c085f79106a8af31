"""docs/states.md names every state and every move there is."""

from enum import StrEnum
from pathlib import Path

import pytest

from intake.consent.rules import OUTCOMES, Force, Kind, State, Teach
from intake.jobs import MOST_TRIES
from intake.kiosk.rules import CODE_LIFE, GRACE, LONGEST_VISIT, WARNING, Hold, Place
from intake.records.verdict import Proof
from intake.records.worth import RecordState
from intake.review.rules import Stage, Verdict
from intake.visits.rules import Move, TokenState

PAGE = (Path(__file__).parent.parent / "docs" / "states.md").read_text("utf-8")


@pytest.mark.parametrize(
    "names",
    [TokenState, Move, Hold, Place, State, Kind, Force, RecordState, Proof, Teach, Stage, Verdict],
    ids=lambda e: e.__name__,
)
def test_every_state_and_move_has_a_word_on_the_page(names: type[StrEnum]) -> None:
    assert [name.value for name in names if f"`{name.value}`" not in PAGE] == []


def test_the_page_says_the_numbers_that_the_code_holds() -> None:
    assert f"after {MOST_TRIES} tries" in PAGE
    assert f"{CODE_LIFE.seconds // 60} minutes, once" in PAGE
    assert f"{WARNING.seconds} seconds of warning and a minute of grace" in PAGE and GRACE.seconds == 60
    assert "an hour after it was opened" in PAGE and LONGEST_VISIT.seconds == 3600


def test_every_statement_is_a_state_and_every_outcome_is_called_one() -> None:
    assert {kind.value for kind in Kind} - {Kind.PART_WITHDRAWN} == {state.value for state in State} - {State.OPEN}
    outcomes = next(line for line in PAGE.splitlines() if "are outcomes" in line)
    assert all(f"`{kind.value}`" in outcomes for kind in OUTCOMES)
