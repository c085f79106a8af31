"""What format 2 of the evidence adds to a record: named entries, what was offered, decisions in English. Evidence of
format 1 composes all the same."""

from typing import Any

from intake.records.rules import Words
from tests.records.statements import COUNTERSIGNED, SIGNED, decision, made


def row(item: str, question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"item": item, "question": question, "answer": answer, "values": [], **more}


def with_rows(*rows: dict[str, Any], **more: Any) -> Any:
    return made(SIGNED | {"answers": [{"id": "md", "title": "Medicines", "rows": list(rows)}]} | more)


def test_what_was_said_in_an_entry_stands_under_the_name_of_the_entry() -> None:
    named = {"entry": "दवा 1", "entry_en": "Medicine 1"}, {"entry": "दवा 2", "entry_en": "Medicine 2"}
    [section] = with_rows(
        row("md.any", "Any?", "Yes"),
        row("med.name", "Name", "Aspirin", **named[0]),
        row("med.dose", "Dose", "75 mg", **named[0]),
        row("med.name#2", "Name", "Zinc", **named[1]),
        row("md.shop", "Pharmacy", "Corner"),
    ).answers
    assert [(name, [one.value.text for one in rows]) for name, rows in section.entries] == [
        (Words(""), ["Yes"]),
        (Words("दवा 1", "Medicine 1"), ["Aspirin", "75 mg"]),
        (Words("दवा 2", "Medicine 2"), ["Zinc"]),
        (Words(""), ["Corner"]),
    ]


def test_beside_none_of_these_stands_what_these_were() -> None:
    these = [{"code": "a", "text": "मधुमेह", "text_en": "Diabetes"}, {"code": "b", "text": "दमा", "text_en": "Asthma"}]
    none, other = row("il", "Any?", "None of these", offered=these), row("x", "Any?", "Yes")
    rows = with_rows(none, other).answers[0].rows
    assert [one.offered for one in rows] == [Words("Offered: मधुमेह; दमा", "Offered: Diabetes; Asthma"), Words("")]
    plain = [{"code": "a", "text": "Diabetes"}, {"text": "Something else"}]
    [only] = with_rows(row("il", "Any?", "None of these", offered=plain)).answers[0].rows
    assert only.offered == Words("Offered: Diabetes; Something else")


def test_a_decision_says_in_english_too_what_it_is_about() -> None:
    said = [
        {"question": "दवा 1: नाम", "question_en": "Medicine 1: Name", "answer": "डिस्प्रिन", "answer_en": "Disprin"},
        {"question": "गर्भवती?", "question_en": "Pregnant?", "answer": "", "answer_en": ""},
    ]
    review = COUNTERSIGNED["review"] | {"decisions": [decision("finding:f", "go_ahead") | {"said": said}]}
    [about] = [d.about for d in made(SIGNED, COUNTERSIGNED | {"review": review}).decisions]
    assert about == Words("दवा 1: नाम “डिस्प्रिन”; गर्भवती? “–”", "Medicine 1: Name “Disprin”; Pregnant? “–”")


def test_evidence_of_format_1_composes_as_it_did() -> None:
    old = [{"question": "दवा?", "answer": "हाँ"}]
    review = COUNTERSIGNED["review"] | {"decisions": [decision("finding:f", "go_ahead") | {"said": old}]}
    record = made(SIGNED | {"language": "hi"}, COUNTERSIGNED | {"review": review})
    assert [d.about for d in record.decisions] == [Words("दवा? “हाँ”")]
    assert [(one.entry, one.offered) for one in record.answers[0].rows] == [(Words(""), Words(""))] * 2
    assert [name for name, _rows in record.answers[0].entries] == [Words("")]
