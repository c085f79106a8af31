"""From evidence to what is printed: everything the patient said and was told, nothing of the rules behind it."""

import base64
import json
from dataclasses import asdict
from typing import Any

import pytest

from intake.records.certificates import ECDSA
from intake.records.compose import EVENTS, bundle, snapshot
from intake.records.rules import Ending, Event, Exchange, Helper, Outcome, Words, canonical, digest
from intake.records.seal import PadesSealer
from tests.records.statements import COUNTERSIGNED, GIVEN, SIGNED, made


def test_a_countersigned_record_says_who_what_and_when_on_the_clinics_clock() -> None:
    record = made()
    assert (record.outcome, record.number, record.patient_name) == (
        Outcome.COUNTERSIGNED,
        GIVEN.number,
        "Farida Sheikh",
    )
    facts = {fact.label.text: fact.value.text for fact in record.patient}
    assert facts == {
        "Date of birth": "4 March 1968",
        "Mobile": "98400 00421",
        "Sex": "Female",
        "Token": "K 14, 23 November 2026",
        "Doctor": "Dr Ananya Rao, DMC-00001",
        "Language read": "English",
    }
    assert {fact.label.text: fact.value.text for fact in record.treatment} == {
        "Treatment": "Skin rejuvenation",
        "Areas": "Cheeks",
        "Doctor": "Dr Ananya Rao",
    }
    assert record.sealed_on == Words("23 November 2026, 13:02")
    assert record.countersignature.name == "Dr Ananya Rao" and record.countersignature.at == record.sealed_on
    assert record.evidence_sha256 == digest(b"{}") and record.ending is None


def test_rule_names_and_severities_stay_inside() -> None:
    printed = json.dumps(asdict(made()), default=str)
    for word in ("R-BLD", "block", "caution", "Bleeds", "severity", "finding:f", "C-05", "go_ahead"):
        assert word not in printed


def test_every_question_with_its_answer_is_printed_and_an_empty_answer_is_a_dash() -> None:
    section = made().answers[0]
    assert section.title == Words("Medicines")
    assert [(row.label.text, row.value.text) for row in section.rows] == [
        ("Blood thinner?", "Yes"),
        ("Which ones?", "–"),
    ]


def test_a_decision_is_printed_with_its_words_its_doctor_and_its_time() -> None:
    decisions = made().decisions
    assert [(d.about.text, d.verdict.text, d.words, d.by, d.at.text) for d in decisions] == [
        ("Blood thinner?", "Go ahead.", "Stopped a week ago", "Dr Ananya Rao", "23 November 2026, 12:50")
    ]


def test_each_clause_carries_the_patients_own_answer_and_a_question_its_reply() -> None:
    clauses = made().clauses[0].clauses
    assert [(clause.title.text, clause.answer.text) for clause in clauses] == [
        ("Pain", "I have a question"),
        ("Common effects", "–"),
        ("Itching", "I understand"),
        ("Redness", "I have a question"),
        ("Help", "I understand"),
        ("After-care", "I understand"),
        ("About us", "–"),
    ]
    answered, unanswered = clauses[0].asked, clauses[3].asked
    assert answered == Exchange(
        Words("I have a question"), "About a minute", "Dr Ananya Rao", Words("23 November 2026, 12:50")
    )
    assert unanswered == Exchange(Words("I have a question"))
    assert all(clause.asked is None for clause in clauses if clause.answer.text != "I have a question")


def test_teach_back_shows_every_try_and_who_explained_and_leaves_out_what_was_not_reached() -> None:
    [question] = made().teach_back
    assert [(one.answer.text, one.is_right) for one in question.tries] == [
        ("I am not sure", False),
        ("It is a filler.", False),
    ]
    assert question.explained == Words("Explained in person: With the drawing (Dr Ananya Rao)")


def test_a_typed_signature_is_printed_as_typed_and_a_drawn_one_as_a_path() -> None:
    signature = made().signature
    assert (signature.typed, signature.path, signature.name) == ("F. Sheikh", "", "Farida Sheikh")
    points = [[10.0, 10.0, 0, 0.5], [90.0, 40.0, 16, 0.5]]
    drawn = {"method": "drawn", "drawn": {"width": 760, "height": 280, "strokes": [points]}}
    signature = made(SIGNED | {"signature": drawn}).signature
    assert signature.typed == "" and signature.path.startswith("M") and signature.at == Words("23 November 2026, 12:36")


def test_the_timeline_names_people_leaves_out_the_small_steps_and_ends_with_the_statements() -> None:
    assert made().timeline == (
        Event(Words("23 November 2026, 12:00"), Words("Token issued"), Words("Sunita Patil")),
        Event(Words("23 November 2026, 12:29"), Words("Answers given"), Words("Tablet T1")),
        Event(Words("23 November 2026, 12:36"), Words("Signed"), Words("Tablet T1")),
        Event(Words("23 November 2026, 13:02"), Words("Countersigned"), Words("Dr Ananya Rao")),
    )


def test_somebody_who_left_the_clinic_has_no_name_on_the_timeline_but_the_event_stays() -> None:
    assert [event.who.text for event in made(people={}, tablets={}).timeline] == [""] * 4


def test_every_statement_has_words_for_its_event() -> None:
    assert {f"consent.{outcome.value}" for outcome in Outcome if outcome is not Outcome.WITHDRAWN} <= EVENTS.keys()
    assert "consent.signed" in EVENTS


def test_the_definitions_are_named_by_version_and_digest_and_unapproved_ones_make_a_draft() -> None:
    record = made()
    assert [(d.title.text, d.version, d.sha256) for d in record.definitions] == [
        ("Questionnaire", "1.0.0", "q"),
        ("Screening rules", "1.0.0", "s"),
        ("Consent texts", "1.0.0", "c"),
        ("Teach-back", "1.0.0", "t"),
    ]
    assert record.is_draft
    assert not made(SIGNED | {"edition": SIGNED["edition"] | {"approved": True}}).is_draft


def test_a_helper_named_in_the_answers_is_named_in_the_record() -> None:
    rows = [
        {"item": "st.helper_name", "question": "Who helps?", "answer": "Imran", "values": []},
        {"item": "st.helper_role", "question": "How?", "answer": "Reads aloud", "values": []},
    ]
    section = {"id": "st", "title": "Start", "rows": rows}
    assert made(SIGNED | {"answers": [section]}).helpers == (Helper("Imran", Words("Reads aloud")),)
    assert made().helpers == ()


def test_english_stands_under_another_language() -> None:
    rows = [
        {"item": "a", "question": "दवा?", "question_en": "Medicine?", "answer": "हाँ", "answer_en": "Yes", "values": []}
    ]
    hindi = {"language": "hi", "answers": [{"id": "md", "title": "दवाइयाँ", "title_en": "Medicines", "rows": rows}]}
    record = made(SIGNED | hindi)
    [row] = record.answers[0].rows
    assert (row.label, row.value) == (Words("दवा?", "Medicine?"), Words("हाँ", "Yes"))
    assert record.answers[0].title == Words("दवाइयाँ", "Medicines")
    assert record.language == "hi" and record.direction == "ltr"
    assert made(SIGNED | {"language": "ar"}).direction == "rtl"


# ---- Our own words, in the language the patient read ----

HINDI = {
    "Date of birth": "जन्मतिथि",
    "Female": "महिला",
    "Go ahead.": "आगे बढ़ सकते हैं।",
    "I understand": "मुझे समझ आ गया",
    "Explained in person: %(words)s (%(by)s)": "%(by)s ने समझाया: %(words)s",
    "Signed": "हस्ताक्षर किए",
    "Tablet %(name)s": "टैबलेट %(name)s",
    "Consent texts": "सहमति के पाठ",
}


def in_hindi(first: dict[str, Any] = SIGNED, outcome: dict[str, Any] = COUNTERSIGNED) -> Any:
    return snapshot(first | {"language": "hi"}, outcome, b"{}", GIVEN, lambda text: HINDI.get(text, text))


def test_our_own_words_are_in_the_patients_language_with_their_english_beside_them() -> None:
    record = in_hindi()
    facts = {fact.label: fact.value for fact in record.patient}
    assert facts[Words("जन्मतिथि", "Date of birth")] == Words("4 मार्च 1968", "4 March 1968")
    assert facts[Words("Sex")] == Words("महिला", "Female")
    assert record.decisions[0].verdict == Words("आगे बढ़ सकते हैं।", "Go ahead.")
    assert record.decisions[0].words == "Stopped a week ago"
    assert record.clauses[0].clauses[2].answer == Words("मुझे समझ आ गया", "I understand")
    assert record.definitions[2].title == Words("सहमति के पाठ", "Consent texts")


def test_a_sentence_takes_its_facts_in_both_languages() -> None:
    assert in_hindi().teach_back[0].explained == Words(
        "Dr Ananya Rao ने समझाया: With the drawing", "Explained in person: With the drawing (Dr Ananya Rao)"
    )


def test_the_timeline_is_in_the_patients_language_with_latin_digits() -> None:
    assert in_hindi().timeline[2] == Event(
        Words("23 नवंबर 2026, 12:36", "23 November 2026, 12:36"),
        Words("हस्ताक्षर किए", "Signed"),
        Words("टैबलेट T1", "Tablet T1"),
    )


def test_what_has_no_translation_stays_english_and_is_printed_once() -> None:
    record = in_hindi()
    assert record.title == Words("Mesotherapy: intake and consent") and not record.title.has_english
    assert record.timeline[0].what == Words("Token issued")


def test_a_language_nobody_has_heard_of_is_printed_as_english_is() -> None:
    record = made(SIGNED | {"language": "xx"})
    assert record.sealed_on == Words("23 November 2026, 13:02") and record.direction == "ltr"
    assert Words("xx") in [fact.value for fact in record.patient]


def test_a_sex_that_was_not_told_is_said_in_words() -> None:
    told = {"patient": SIGNED["patient"] | {"sex": "nosay"}}
    assert Words("Not said") in [fact.value for fact in made(SIGNED | told).patient]


# ---- The other endings ----

BARE = {key: SIGNED[key] for key in ("at", "by", "clinic", "visit", "patient", "doctor", "language", "events")}
DECLINED = BARE | {"type": "intake/declined", "reason": ""}


def test_a_no_at_the_very_beginning_is_a_whole_record_too() -> None:
    record = made(DECLINED, DECLINED)
    assert record.outcome is Outcome.DECLINED
    assert (record.answers, record.clauses, record.teach_back, record.statements) == ((), (), (), ())
    assert record.signature is None and record.countersignature is None and record.definitions == ()
    assert record.ending == Ending(
        Words("No reason given. None is needed."), "Farida Sheikh", Words("23 November 2026, 12:36")
    )
    assert [event.what.text for event in record.timeline] == ["Token issued", "Answers given", "Said no"]


def test_a_no_keeps_its_reason_and_what_had_been_answered_but_no_statement_above_a_signature() -> None:
    late = {key: value for key, value in SIGNED.items() if key != "signature"}
    record = made(
        late | {"type": "intake/declined", "reason": "Too dear"},
        late | {"type": "intake/declined", "reason": "Too dear"},
    )
    assert record.ending is not None and record.ending.words == Words("Too dear")
    assert record.answers and record.clauses and record.statements == ()


@pytest.mark.parametrize(("kind", "by"), [("postponed", "Dr Ananya Rao"), ("closed", "Sunita Patil")])
def test_a_visit_that_ended_otherwise_says_why_and_who(kind: str, by: str) -> None:
    doctor = {"doctor": {"name": "Dr Ananya Rao"}} if kind == "postponed" else {}
    outcome = {"type": f"intake/{kind}", "at": COUNTERSIGNED["at"], "by": "staff:2"}
    record = made(SIGNED, outcome | {"review": doctor | {"words": "Come back in May"}})
    assert record.ending == Ending(Words("Come back in May"), by, Words("23 November 2026, 13:02"))
    assert record.countersignature is None and record.signature is not None


# ---- What is embedded ----


def test_the_embedded_evidence_gives_back_the_very_bytes_that_were_signed(sealer: PadesSealer) -> None:
    parts = {"signed": canonical(SIGNED), "countersigned": canonical(COUNTERSIGNED)}
    data = bundle({kind: (part, sealer.keys.private.sign(part, ECDSA)) for kind, part in parts.items()})
    assert data == canonical(json.loads(data))
    for statement in json.loads(data)["statements"]:
        again = canonical(statement["evidence"])
        assert again == parts[statement["kind"]] and statement["sha256"] == digest(again)
        assert sealer.verify_evidence(again, base64.b64decode(statement["signature"]))
        assert not sealer.verify_evidence(again + b" ", base64.b64decode(statement["signature"]))
