"""The small files beside a questionnaire are read strictly: what they name must exist, and every slip is reported."""

from collections.abc import Callable
from typing import Any

import pytest

from intake.definitions import content
from intake.definitions.loader import load
from intake.definitions.problems import DefinitionError
from intake.definitions.shorthand import compile_shorthand

QUESTIONNAIRE = load(
    compile_shorthand(
        """\
url: https://clinic.example/Questionnaire/q
version: 1.0.0
languages: [en]
title: Q
sections:
  - id: s
    title: S
    items:
      - {id: goals, type: choice, multiple: true, text: Goals, options: {hair: Hair, lips: Lips}}
      - {id: prp, type: choice, text: PRP, options: {yes: Yes, no: No}, when: goals = hair}
      - {id: areas, type: choice, text: Areas, options: {crown: Crown}, when: goals = hair}
""",
        "q.yaml",
    )
)

HEAD = "version: 1.0.0\nlanguages: [en]\n"
TREATMENTS = (
    HEAD
    + """\
goals: goals
treatments:
  - {code: HAIR, name: Hair, goals: [hair], areas: [areas], alternatives: C-1}
  - {code: PRP, name: PRP, goals: [hair], needs: {item: prp, any_of: [yes]}}
  - {code: LIPS, name: Lips, goals: [lips], area: The lips}
"""
)
CONSENT = (
    HEAD
    + """\
title: Consent
blanks: {phone: clinic}
pages:
  - id: what
    title: What it is
    clauses:
      - id: C-1
        applies: ALL
        title: Call
        text: Call {phone}.
        acknowledge: own
        parts: [{id: C-1a, title: Itch, text: Some hours.}]
        source: [S1]
        confidence: High
  - id: hair
    title: Hair
    clauses:
      - {id: C-2, applies: [HAIR], title: H, text: Hair., acknowledge: none, source: [S1], confidence: Low}
"""
)
TEACHBACK = (
    HEAD
    + """\
questions:
  - id: T-1
    clause: C-1
    applies: [HAIR]
    text: Whom do you call?
    options: {clinic: {en: The clinic, right: true}, nobody: Nobody}
    feedback: The clinic.
"""
)
AFTERCARE = (
    HEAD
    + """\
steps: [{id: A-1, when: First day, text: Rest., confidence: Low}]
red_flags: [{id: F-1, urgency: now, when: Now, text: Fainting, why: Allergy, source: [S1]}]
"""
)
PROCESS = (
    HEAD
    + """\
rules:
  - id: P-1
    subject: product
    applies: ALL
    when: expired
    held: that product
    doctor: Do not use.
    clears: Another vial
    source: [S1]
    confidence: High
"""
)

treatments = content.load_treatments(TREATMENTS, QUESTIONNAIRE)
consent = content.load_consent(CONSENT, treatments)


def coded(*codes: str) -> list[dict[str, Any]]:
    return [{"valueCoding": {"code": code}} for code in codes]


# ---- What is read ----


def test_a_goal_leads_to_its_treatments_and_a_second_question_may_be_needed() -> None:
    assert treatments.wanted({"goals": coded("hair")}) == {"HAIR"}
    assert treatments.wanted({"goals": coded("hair"), "prp": coded("yes")}) == {"HAIR", "PRP"}
    assert treatments.wanted({"goals": coded("lips"), "prp": coded("yes")}) == {"LIPS"}
    assert treatments.wanted({}) == frozenset()


def test_a_treatment_knows_where_it_is_done() -> None:
    hair, lips = treatments.get("HAIR"), treatments.get("LIPS")
    assert hair is not None and hair.areas == ("areas",)
    assert lips is not None and str(lips.area) == "The lips"
    assert treatments.get("FAT") is None


def test_a_plan_is_added_to_the_treatment_it_names_and_none_is_assumed() -> None:
    plan = "plans:\n  HAIR: {sessions: '6', interval: 2 weeks, price_per_session: ₹ 1, price_total: ₹ 6}\n"
    planned = content.load_plans(HEAD + plan, treatments)
    assert [one.plan and str(one.plan.price_total) for one in planned.all] == ["₹ 6", None, None]
    assert [one.plan for one in treatments.all] == [None, None, None]


def test_pages_keep_only_what_applies_and_empty_pages_are_left_out() -> None:
    assert [page.id for page in consent.pages_for({"HAIR"})] == ["what", "hair"]
    assert [page.id for page in consent.pages_for({"LIPS"})] == ["what"]
    assert [page.id for page in consent.pages_for(())] == ["what"]


def test_a_clause_knows_its_blanks_and_its_parts() -> None:
    clause = consent.clause("C-1")
    assert clause is not None
    assert (clause.blanks, clause.acknowledge) == (("phone",), content.Acknowledge.OWN)
    assert [(part.id, str(part.text)) for part in clause.parts] == [("C-1a", "Some hours.")]
    assert consent.blanks == {"phone": content.FilledFrom.CLINIC}
    assert consent.clause("C-9") is None


def test_a_teach_back_question_has_one_right_answer() -> None:
    teachback = content.load_teachback(TEACHBACK, consent, treatments)
    [question] = teachback.questions_for({"HAIR"})
    assert question.right.code == "clinic"
    assert str(question.right.text) == "The clinic"
    assert teachback.questions_for({"LIPS"}) == ()


def test_after_care_and_the_process_are_read() -> None:
    sheet = content.load_aftercare(AFTERCARE)
    assert (str(sheet.steps[0].text), sheet.red_flags[0].urgency) == ("Rest.", content.Urgency.NOW)
    [rule] = content.load_process(PROCESS, treatments)
    assert (rule.subject, rule.applies) == (content.Subject.PRODUCT, ())


# ---- What is refused ----

SLIPS: list[tuple[Callable[[str], object], str, str, str, str]] = [
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "goals: goals", "goals: x", "no item 'x'"),
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "[lips]", "[nose]", "no goal 'nose'"),
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "[yes]", "[maybe]", "no option 'maybe'"),
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "item: prp", "item: pr", "no item 'pr'"),
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "[areas]", "[area]", "no item 'area'"),
    (
        lambda t: content.load_treatments(t, QUESTIONNAIRE),
        TREATMENTS,
        "code: PRP",
        "code: HAIR",
        "'HAIR' is used twice",
    ),
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "name: PRP", "nam: PRP", "unknown key 'nam'"),
    (lambda t: content.load_treatments(t, QUESTIONNAIRE), TREATMENTS, "1.0.0", "1", "'1' is not a version"),
    (lambda t: content.load_plans(t, treatments), HEAD + "plans: {}\n", "{}", "{NOSE: {}}", "no treatment 'NOSE'"),
    (lambda t: content.load_plans(t, treatments), HEAD + "plans: {}\n", "{}", "{HAIR: {}}", "'sessions' is missing"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "[HAIR]", "[NOSE]", "no treatment 'NOSE'"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "C-2", "C-1", "'C-1' is used twice"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "{phone}", "{fax}", "blank {fax} is not declared"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "{phone}", "us", "no clause has the blank {phone}"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "clinic}", "patient}", "no source of blanks 'patient'"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "id: C-1\n", "id: C-3\n", "names the clause 'C-1'"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "own", "always", "no way to acknowledge 'always'"),
    (lambda t: content.load_consent(t, treatments), CONSENT, "own", "group", "only a clause with its own answer"),
    (
        lambda t: content.load_consent(t, treatments),
        CONSENT,
        "Call {phone}.",
        "{en: 'Call {phone}', hi: x}",
        "'hi' differ",
    ),
    (lambda t: content.load_consent(t, treatments), CONSENT, "[en]", "[en, hi]", "the words in 'hi' are missing"),
    (lambda t: content.load_teachback(t, consent, treatments), TEACHBACK, "C-1", "C-8", "no clause 'C-8'"),
    (lambda t: content.load_teachback(t, consent, treatments), TEACHBACK, ", right: true", "", "one of them right"),
    (lambda t: content.load_teachback(t, consent, treatments), TEACHBACK, "feedback: The clinic.", "", "'feedback'"),
    (content.load_aftercare, AFTERCARE, "urgency: now", "urgency: soon", "no urgency 'soon'"),
    (content.load_aftercare, AFTERCARE, "F-1", "A-1", "'A-1' is used twice"),
    (lambda t: content.load_process(t, treatments), PROCESS, "product\n", "weather\n", "no subject 'weather'"),
    (content.load_sources, HEAD + "sources: {S1: {title: T, says: S}}\n", "S}", "S, year: 1}", "unknown key 'year'"),
]


@pytest.mark.parametrize(("read", "text", "old", "new", "slip"), SLIPS)
def test_a_slip_is_reported(read: Callable[[str], object], text: str, old: str, new: str, slip: str) -> None:
    assert old in text
    with pytest.raises(DefinitionError) as caught:
        read(text.replace(old, new, 1))
    assert slip in str(caught.value)


@pytest.mark.parametrize("taken", ["treatment", "treatment:HAIR"])
def test_no_optional_agreement_is_called_as_a_treatment_is_among_the_parts_of_a_consent(taken: str) -> None:
    asked = f"  - {{id: s, title: S, items: [{{id: {taken!r}, type: boolean, text: Photos}}]}}\n"
    shape = compile_shorthand(f"url: https://clinic.example/Questionnaire/q\n{HEAD}title: Q\nsections:\n{asked}", "q")
    with pytest.raises(DefinitionError) as caught:
        content.load_treatments(f"{HEAD}goals: {taken!r}\nagreements: [{taken!r}]\ntreatments: []\n", load(shape))
    assert "is what a treatment is called" in str(caught.value)


def test_all_slips_of_a_file_are_reported_together() -> None:
    wrong = CONSENT.replace("[HAIR]", "[NOSE]").replace("{phone}", "{fax}").replace("own", "always")
    with pytest.raises(DefinitionError) as caught:
        content.load_consent(wrong, treatments)
    assert len(caught.value.problems) >= 4
