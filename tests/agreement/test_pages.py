"""Every page of our own questionnaires is drawn in every language, shows with its script what the server asks, is taken
where it should be, and leaves behind what is valid FHIR R4. `make check-corpus` shows the same of those by others.
"""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from intake import definitions
from tests.agreement.clinic import Forms, kept_drafts, own_editions, script_of
from tests.agreement.drawn import drawing_faults
from tests.agreement.forms import Known, samples
from tests.agreement.mutants import mutated
from tests.agreement.packages import install
from tests.agreement.person import Person, person
from tests.agreement.schema import schema_faults
from tests.agreement.walks import Tally, languages, walks
from tests.conftest import StrictClient
from tests.corpus.responses import AUTHORED, ours
from tests.definitions.fhir import form, item, loaded

FEW = ("operators", "disabled-ancestor", "any-and-all")
needs_packages = pytest.mark.skipif(
    not install(), reason="node, npm and a registry are needed, once, for jsdom and the schema of FHIR"
)


@pytest.fixture
def own(app: Flask) -> Forms:
    """Our editions and samples, each with the address where it can be tried."""
    return own_editions(app) | kept_drafts(app, samples())


@pytest.fixture
def somebody(as_author: StrictClient, own: Forms) -> Iterator[Person]:
    """Somebody who fills in pages with the script that they name."""
    with person(script_of(as_author, next(iter(own.values()))[0])) as found:
        yield found


def walked(app: Flask, client: StrictClient, somebody: Person, forms: Forms, *, seeds: int = 1) -> Tally:
    tally = Tally()
    for walk in walks(app, client, somebody, forms, seeds, tally):
        walk.go()
    return tally


def test_every_page_is_drawn_in_every_language(app: Flask, own: Forms) -> None:
    counts = Counter[str]()
    assert [fault for name, (_, one) in own.items() for fault in drawing_faults(app, name, one, counts)] == []
    assert counts["pages drawn"] > 50 and counts["rows of check pages"] > 150
    assert {"en", "hi", "ar"} <= {language for _, one in own.values() for language in languages(one)}


@pytest.mark.parametrize("tag", ["nb-NO", "zh-Hant-TW", "qaa"])
def test_a_questionnaire_in_any_language_is_drawn(app: Flask, tag: str) -> None:
    one = loaded(form(item("a", "date"), item("b", "choice", answerOption=[{"valueString": "x"}]), language=tag))
    assert list(drawing_faults(app, tag, one, Counter())) == []


@needs_packages
def test_the_server_asks_takes_and_refuses_what_the_page_lets_expect(
    app: Flask, as_author: StrictClient, somebody: Person, own: Forms
) -> None:
    tally = walked(app, as_author, somebody, own)
    assert tally.differences == []
    assert tally.counts["pages sent and refused"] > 10 and tally.counts["of these not asked"] > 100


@needs_packages
@pytest.mark.parametrize(
    "mistake",
    ["a disabled ancestor does not matter", "one condition is always enough", "more than means at least"],
)
def test_a_mistake_in_the_server_shows_on_its_pages(
    app: Flask, as_author: StrictClient, somebody: Person, mistake: str
) -> None:
    forms = kept_drafts(app, {name: one for name, one in samples().items() if name in FEW})
    with mutated(mistake):
        assert walked(app, as_author, somebody, forms, seeds=4).differences


@needs_packages
def test_every_response_is_valid_by_both_validators(app: Flask, own: Forms) -> None:
    forms: Known = {name: (b"", one) for name, (_, one) in own.items()}
    counts = Counter[str]()
    assert list(ours(forms, counts, seeds=4)) == []
    assert counts["responses valid"] >= 4 * len(forms)


@needs_packages
def test_every_published_questionnaire_is_valid_by_the_schema(app: Flask, own: Forms) -> None:
    with app.test_request_context():
        bodies = [definitions.get_files(one.name, one.version)["questionnaire"] for one in definitions.list_editions()]
    assert len(bodies) > 1
    assert [fault for body in bodies for fault in schema_faults(json.loads(body))] == []


@needs_packages
@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"status": "done"}, "$.status: 'done' is not one of"),
        ({"authored": "23 November"}, "$.authored: '23 November' does not match"),
        ({"item": [{"linkId": "a", "answers": []}]}, "$.item[0]: Additional properties"),
    ],
)
def test_the_schema_names_what_is_wrong_with_a_response(broken: dict[str, object], says: str) -> None:
    sound = {"resourceType": "QuestionnaireResponse", "status": "completed", "authored": AUTHORED.isoformat()}
    assert schema_faults(sound) == []
    assert [fault[: len(says)] for fault in schema_faults(sound | broken)] == [says]
