"""What a patient agrees to, in whole sentences, when they may sign it, and what the evidence of it holds."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from intake import answers, audit, consent, visits
from intake.consent import Kind, State
from intake.consent.models import Statement
from intake.db import db, transaction
from intake.errors import NotAllowed
from intake.i18n import clinic
from tests.builders import HEALTHY, TABLET, a_signed_visit, a_visit, answered, complete_answers, understood
from tests.endings import declined, doctor_of

TYPED = {"method": "typed", "typed": "Farida Sheikh", "language": "en", "device": ""}

# ---- The words ----


def test_what_is_shown_in_hindi_stands_in_the_evidence_with_its_english_each_filled_in_its_own_tongue(
    app: Flask, in_app: Flask
) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, HEALTHY)
    with transaction():
        body = consent.present(clinic(), visit_id, "hi", by=TABLET).body
    assert body["treatment_en"].isascii() and not body["treatment"].isascii()
    assert body["statements_en"][-1].startswith("I agree to mesotherapy for ")
    assert "सहमत हूँ" in body["statements"][-1]
    cost = next(c for page in body["pages"] for c in page["clauses"] if c.get("en", "").startswith("The cost is"))
    assert "3,000 रुपये" in cost["text"] and "14 दिन" in cost["text"]
    assert "Rs 3,000" in cost["en"] and "within 14 days" in cost["en"] and cost["en"].isascii()


def agreed(app: Flask, **wishes: Any) -> tuple[str, str]:
    """What a patient with these wishes agrees to: the last statement above the signature, and clause C-25."""
    visit_id = a_visit(app)
    answered(app, visit_id, {**HEALTHY, **{link.replace("__", "."): value for link, value in wishes.items()}})
    with transaction():
        body = consent.present(clinic(), visit_id, "en", by=TABLET).body
    return body["statements"][-1], next(
        clause["text"] for page in body["pages"] for clause in page["clauses"] if clause["id"] == "C-25"
    )


def test_treatment_and_areas_stand_in_the_agreement_as_in_a_sentence(app: Flask, in_app: Flask) -> None:
    statement, clause = agreed(app, tx__goals=["tighten"], tx__areas_face=["cheeks"], tx__areas_body=["chin"])
    assert statement == (
        "I agree to mesotherapy for lines and firmer skin by Dr Ananya Rao, on these areas: cheeks, under the chin. "
        "Signing does not take away my legal rights."
    )
    assert "I agree to mesotherapy for lines and firmer skin on these areas: cheeks, under the chin. Signing" in clause


def test_one_area_is_one_area(app: Flask, in_app: Flask) -> None:
    statement, _clause = agreed(app, tx__goals=["lips_dry"])
    assert statement.startswith("I agree to mesotherapy for dry lips and fine lines near the mouth by Dr Ananya Rao, ")
    assert "on this area: lips and the skin around the mouth." in statement


def test_a_treatment_that_is_written_in_capitals_keeps_them(app: Flask, in_app: Flask) -> None:
    statement, _clause = agreed(app, tx__goals=["hair"], tx__areas_scalp=["mid"], hr__prp="yes")
    assert "I agree to mesotherapy for hair loss, and PRP for hair loss (injections" in statement
    assert "on this area: mid-scalp." in statement


def test_what_is_signed_keeps_the_sentences_as_they_were_shown(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app)
    shown = consent.shown(visit_id).body
    stated = consent.find_statement(visit_id, Kind.SIGNED)
    assert stated is not None and stated.body["presented"] == shown
    assert stated.body["signature"]["statements"] == shown["statements"]
    assert shown["areas"] == "Cheeks, Stomach", "a list of areas is no sentence"


# ---- The talk that comes first ----


def test_a_signature_before_the_talk_that_must_come_first_is_refused(app: Flask, in_app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, {**HEALTHY, "pr.status": ["pregnant"]})
    understood(app, visit_id)
    with pytest.raises(NotAllowed) as refusal, transaction():
        consent.sign(clinic(), visit_id, TYPED, by=TABLET)
    assert refusal.value.code == "consent.talk_first"
    assert consent.state_of(visit_id) is State.OPEN
    assert db.session.scalar(select(func.count()).select_from(Statement)) == 0
    with transaction():
        visits.move(visit_id, visits.Move.RELEASED, by=doctor_of(visit_id))
        consent.sign(clinic(), visit_id, TYPED, by=TABLET)
    assert consent.state_of(visit_id) is State.SIGNED


def test_where_the_clinic_talks_first_nobody_signs_before(app: Flask, in_app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)
    understood(app, visit_id)
    talks_first = replace(clinic(), sign_first=False)
    with pytest.raises(NotAllowed) as refusal, transaction():
        consent.sign(talks_first, visit_id, TYPED, by=TABLET)
    assert refusal.value.code == "consent.talk_first"
    with transaction():
        consent.sign(clinic(), visit_id, TYPED, by=TABLET)


# ---- The evidence ----


def test_every_event_in_the_evidence_carries_its_facts_as_the_log_has_them(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app, questions=("C-01",))
    stated = consent.find_statement(visit_id, Kind.SIGNED)
    assert stated is not None
    told = stated.body["events"]
    logged = audit.history_of(visit_id)[: len(told)]
    assert [(event["seq"], event["facts"]) for event in told] == [(e.seq, json.loads(e.body)["facts"]) for e in logged]
    facts: dict[str, list[Any]] = {}
    for event in told:
        facts.setdefault(event["event"], []).append(event["facts"])
    assert [fact["page"] for fact in facts["consent.page_answered"]] == [
        p["id"] for p in stated.body["presented"]["pages"]
    ]
    assert [fact["section"] for fact in facts["response.page_saved"]][:3] == ["pn", "st", "id"]
    assert facts["response.submitted"][0]["commitment"]
    assert [event["event"] for event in told].count("consent.signed") == 0, "it is what is being signed"


def test_somebody_who_says_no_on_the_way_is_recorded_with_the_pages_they_saved_alone(app: Flask, in_app: Flask) -> None:
    visit_id = a_visit(app)
    with transaction():
        begun = answers.begin(visit_id, by=TABLET, known={"ct.mobile": [{"valueString": "98400 00421"}]})
        asked = begun.edition.questionnaire
        said = complete_answers(asked, HEALTHY)
        for section_id in ("st", "td"):
            section = asked.section(section_id)
            assert section is not None
            page = {link: said[link] for link in section.items if link in said}
            answers.save(visit_id, section_id, page, answers.get(visit_id).revision, by=TABLET)
    declined(app, visit_id)
    stated = consent.find_statement(visit_id, Kind.DECLINED)
    assert stated is not None and stated.body["submitted"] is False
    assert [section["id"] for section in stated.body["answers"]] == ["st", "td"]
    rows = [row["item"] for section in stated.body["answers"] for row in section["rows"]]
    assert "st.who" in rows and "ct.mobile" not in rows, "what reception knew was never asked"
