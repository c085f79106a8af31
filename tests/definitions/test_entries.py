"""A group that repeats is one questionnaire in several shapes: each entry is asked, decided and kept by itself."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from intake.definitions.loader import load
from intake.definitions.rules import Questionnaire, enabled, strip, visible_sections, with_entries

Json = dict[str, Any]
HL7 = "http://hl7.org/fhir/StructureDefinition/"


def medicines(**more: Any) -> Questionnaire:
    """A page that asks for medicines, one entry each, and a question that depends on what was said there."""
    name = {"linkId": "name", "text": "Name", "type": "string"}
    blood = {"linkId": "thins", "text": "Does it thin the blood?", "type": "boolean"}
    since = {"linkId": "since", "text": "Since when?", "type": "date", "enableWhen": [is_true("thins")]}
    group = {
        "linkId": "med",
        "text": "Medicine",
        "type": "group",
        "repeats": True,
        "item": [name, blood, since],
        **more,
    }
    told = {"linkId": "told", "text": "Does your doctor know?", "type": "boolean", "enableWhen": [is_true("thins")]}
    page = {"linkId": "p", "text": "Medicines", "type": "group", "item": [group, told]}
    top = {"resourceType": "Questionnaire", "url": "https://c.example/q", "version": "1.0.0", "status": "draft"}
    return load(json.dumps({**top, "title": "Q", "language": "en", "item": [page]}).encode())


def is_true(question: str) -> Json:
    return {"question": question, "operator": "=", "answerBoolean": True}


def said(**answers: Any) -> dict[str, list[Json]]:
    keys = {bool: "valueBoolean", str: "valueString", int: "valueInteger"}
    return {link_id.replace("_", "#"): [{keys[type(value)]: value}] for link_id, value in answers.items()}


def test_without_answers_there_is_one_entry() -> None:
    shape = with_entries(medicines(), {})
    assert list(shape.items) == ["p", "med", "name", "thins", "since", "told"]
    assert shape.section("p").items == ("med", "name", "thins", "since", "told")  # type: ignore[union-attr]


def test_each_entry_has_its_items_in_the_order_of_the_document() -> None:
    shape = with_entries(medicines(), said(name_2="Aspirin"))
    assert list(shape.items) == ["p", "med", "name", "thins", "since", "med#2", "name#2", "thins#2", "since#2", "told"]
    assert shape.parents["since#2"] == "med#2"
    assert shape.items["med#2"].items == ("name#2", "thins#2", "since#2")
    assert visible_sections(medicines(), said(name_2="Aspirin"))[0].items == tuple(list(shape.items)[1:])


def test_an_entry_that_is_still_empty_is_kept_by_the_groups_own_count() -> None:
    assert with_entries(medicines(), said(med=3)).entries == {"med": 3}
    assert with_entries(with_entries(medicines(), said(med=3)), said(med=2)).entries == {"med": 2}


def test_a_group_never_has_more_entries_than_it_allows() -> None:
    most = [{"url": HL7 + "questionnaire-maxOccurs", "valueInteger": 2}]
    assert with_entries(medicines(extension=most), said(med=99)).entries == {"med": 2}
    assert with_entries(medicines(), said(name_99="x")).entries == {"med": 10}


def test_a_condition_reads_the_entry_it_stands_in() -> None:
    on = enabled(medicines(), said(name="A", name_2="B", thins_2=True))
    assert "since#2" in on
    assert "since" not in on


def test_read_from_outside_every_entry_counts() -> None:
    assert "told" in enabled(medicines(), said(thins=False, thins_2=True))
    assert "told" not in enabled(medicines(), said(thins=False, thins_2=False))


def test_an_answer_hidden_in_one_entry_is_stripped_there_alone() -> None:
    answers = said(thins=False, since="2020-01-01", thins_2=True, since_2="2021-01-01")
    assert list(strip(medicines(), answers)) == ["thins", "thins#2", "since#2"]


def test_an_entry_in_which_nothing_is_answered_is_left_out_and_the_next_moves_up() -> None:
    kept = strip(medicines(), said(med=4, name_2="B", name_4="D", thins_4=False))
    assert kept == {**said(name="B"), **said(name_2="D", thins_2=False)}


@given(st.lists(st.tuples(st.booleans(), st.text("ab", max_size=2)), min_size=1, max_size=10))
def test_stripping_keeps_every_answered_entry_in_order_and_twice_is_once(entries: list[tuple[bool, str]]) -> None:
    questionnaire = medicines()
    answers: dict[str, list[Json]] = {"med": [{"valueInteger": len(entries)}]}
    for number, (thins, name) in enumerate(entries, start=1):
        suffix = "" if number == 1 else f"#{number}"
        answers[f"name{suffix}"] = [{"valueString": name}] if name else []
        answers[f"thins{suffix}"] = [{"valueBoolean": True}] if thins else []
    kept = strip(questionnaire, answers)
    assert strip(questionnaire, kept) == kept
    names = [values[0]["valueString"] for link_id, values in kept.items() if link_id.startswith("name")]
    assert names == [name for _, name in entries if name]
    last = sum(bool(thins or name) for thins, name in entries)
    assert with_entries(questionnaire, kept).entries == {"med": max(last, 1)}
