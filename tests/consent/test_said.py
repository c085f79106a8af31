"""What the evidence keeps of an answer beside its words: its English, its entry, and what was offered with it."""

from typing import Any

import pytest
from flask import Flask

from intake import answers, consent, i18n
from intake.consent import Kind
from intake.consent.evidence import FORMAT, answers_part
from intake.consent.rules import parts_of
from intake.db import transaction
from intake.definitions.loader import load
from intake.definitions.rules import Value
from intake.definitions.shorthand import compile_shorthand
from intake.i18n import clinic
from tests.builders import TABLET, a_visit, answered
from tests.endings import countersigned
from tests.review.conftest import FLAGGED

FORM = """\
url: https://clinic.example/Questionnaire/medicines
version: 1.0.0
languages: [en, hi]
title: {en: Medicines, hi: दवाइयाँ}
sections:
  - id: meds
    title: {en: Your medicines, hi: आपकी दवाइयाँ}
    items:
      - id: ill
        type: choice
        multiple: true
        text: {en: 'Do you have any of these?', hi: 'क्या इनमें से कुछ है?'}
        options:
          sugar: {en: Diabetes, hi: मधुमेह}
          asthma: {en: Asthma, hi: दमा}
          none: {en: None of these, hi: इनमें से कुछ नहीं, exclusive: true}
      - id: skin
        type: open-choice
        multiple: true
        text: {en: 'Which creams?', hi: 'कौन सी क्रीम?'}
        other: {en: Something else, hi: कुछ और}
        options:
          acid: {en: Acid, hi: अम्ल}
          none: {en: None, hi: कोई नहीं, exclusive: true}
      - id: med
        type: group
        multiple: true
        text: {en: Your medicines, hi: आपकी दवाइयाँ}
        short: {en: Medicine, hi: दवा}
        items:
          - {id: med.name, type: string, text: {en: Name, hi: नाम}}
      - {id: shop, type: string, text: {en: Pharmacy, hi: दुकान}}
"""
QUESTIONNAIRE = load(compile_shorthand(FORM.encode(), "q.yaml"))


def chosen(*codes: str) -> list[Value]:
    return [{"valueCoding": {"code": code}} for code in codes]


def rows(language: str = "en", **said: Any) -> dict[str, dict[str, Any]]:
    [section] = answers_part(QUESTIONNAIRE, {link.replace("_", "."): v for link, v in said.items()}, language, None)
    return {row["item"]: row for row in section["rows"]}


TWO = {"med.name": [{"valueString": "Aspirin"}], "med.name#2": [{"valueString": "Zinc"}]}


def test_answers_in_a_repeating_group_name_their_entry_in_the_language_read_and_in_english() -> None:
    told = rows(**TWO)
    assert [row.get("entry") for row in told.values()] == [None, None, "Medicine 1", "Medicine 2", None]
    assert not any(key.endswith("_en") for row in told.values() for key in row)
    told = rows("hi", **TWO)
    assert (told["med.name#2"]["entry"], told["med.name#2"]["entry_en"]) == ("दवा 2", "Medicine 2")


def test_where_none_of_these_was_chosen_alone_the_evidence_keeps_what_these_were() -> None:
    assert rows(ill=chosen("none"))["ill"]["offered"] == [
        {"code": "sugar", "text": "Diabetes"},
        {"code": "asthma", "text": "Asthma"},
    ]
    told = rows("hi", ill=chosen("none"), skin=chosen("none"))
    assert told["ill"]["offered"][0] == {"code": "sugar", "text": "मधुमेह", "text_en": "Diabetes"}
    assert told["skin"]["offered"][-1] == {"text": "कुछ और", "text_en": "Something else"}


@pytest.mark.parametrize("codes", [(), ("sugar",), ("sugar", "asthma"), ("sugar", "none")])
def test_every_other_answer_speaks_for_itself(codes: tuple[str, ...]) -> None:
    assert "offered" not in rows(ill=chosen(*codes))["ill"]


def test_what_the_doctor_decided_about_is_kept_in_the_language_read_and_in_english(app: Flask, in_app: Flask) -> None:
    said, titles = decisions_of(app, "hi")
    assert said and all(set(row) == {"question", "question_en", "answer", "answer_en"} for row in said)
    assert all(row["question_en"].isascii() and not row["question"].isascii() for row in said)
    assert any(row["answer_en"] == "Aspirin (Ecosprin)" and row["answer"] != row["answer_en"] for row in said)
    assert all(english.isascii() and english != own for own, english in titles)


def test_what_was_read_in_english_is_kept_once(app: Flask, in_app: Flask) -> None:
    said, titles = decisions_of(app, "en")
    assert said and all(set(row) == {"question", "answer"} for row in said)
    assert all(english is None for _own, english in titles)


def decisions_of(app: Flask, language: str) -> tuple[list[dict[str, str]], list[tuple[str, str | None]]]:
    """What the decisions of a countersigned visit are about: what was said, and their titles with the English."""
    visit_id = a_visit(app)
    answered(app, visit_id, FLAGGED, submit=False)
    with transaction():
        answers.submit(visit_id, language, by=TABLET)
        i18n.set_language(language)
        shown = consent.present(clinic(), visit_id, language, by=TABLET)
        for page in shown.body["pages"]:
            parts = [part["id"] for part in parts_of(page)]
            consent.reply(visit_id, page["id"], {part: "understood" for part in parts}, by=TABLET)
        for question in shown.body["teachback"]:
            for _twice in range(2):
                consent.teach_back(visit_id, question["id"], "unsure", by=TABLET)
        statements = consent.shown(visit_id).body["statements"]
        typed = {"method": "typed", "typed": "F", "statements": statements, "language": language, "device": ""}
        consent.sign(clinic(), visit_id, typed, by=TABLET)
    countersigned(app, visit_id)
    stated = consent.find_statement(visit_id, Kind.COUNTERSIGNED)
    assert stated is not None and stated.body["format"] == FORMAT
    decisions = stated.body["review"]["decisions"]
    assert {decision["kind"] for decision in decisions} == {"finding", "teachback"}
    titles = [(decision["title"], decision.get("title_en")) for decision in decisions]
    return [row for decision in decisions for row in decision["said"]], titles
