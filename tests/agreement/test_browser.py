"""The server and the browser ask the same questions, whatever was answered; a mistake in either would show."""

from random import Random

import pytest

from tests.agreement.forms import samples, the_bundled, when
from tests.agreement.mutants import MUTANTS, mutated
from tests.agreement.packages import NODE
from tests.agreement.pages import SEED, Page, asked_by_the_browser, differences, pages, pages_of
from tests.definitions.fhir import HL7, Json, extension, form, item, loaded

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: the browser's evaluator cannot be asked")

HIDDEN = item("a", extension=[extension(HL7 + "questionnaire-hidden", valueBoolean=True)])
OPEN = item("a", "open-choice", answerOption=[{"valueCoding": {"code": "x", "display": "X"}}])
DRAFTS_OF_A_SAMPLE, DRAFTS_OF_THE_BUNDLED = 60, 8


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Page], list[set[str]]]:
    given = [page for name, (_, one) in samples().items() for page in pages(name, one, DRAFTS_OF_A_SAMPLE)]
    given += [page for name, (_, one) in the_bundled().items() for page in pages(name, one, DRAFTS_OF_THE_BUNDLED)]
    return given, asked_by_the_browser(given)


def test_the_browser_asks_what_the_server_asks(drawn: tuple[list[Page], list[set[str]]]) -> None:
    given, browser = drawn
    assert sum(len(page.items) for page in given) > 3000
    assert differences(given, browser) == []


@pytest.mark.parametrize(
    ("source", "answer", "condition"),
    [
        pytest.param(
            HIDDEN, {"valueBoolean": True}, when("a", "=", answerBoolean=True), id="a hidden item of the page"
        ),
        pytest.param(OPEN, {"valueString": "x"}, when("a", "=", answerCoding={"code": "x"}), id="words like a code"),
    ],
)
def test_the_browser_knows_of_an_answer_what_the_server_knows(source: Json, answer: Json, condition: Json) -> None:
    questionnaire = loaded(form(source, item("b", enableWhen=[condition])))
    given = list(pages_of("an example", questionnaire, {"a": [answer]}, Random(SEED)))
    assert differences(given, asked_by_the_browser(given)) == []


@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_mistake_in_an_evaluator_is_found(mistake: str, drawn: tuple[list[Page], list[set[str]]]) -> None:
    with mutated(mistake):
        assert differences(*drawn)
