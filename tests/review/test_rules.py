"""What a verdict needs, what is still open, and when a patient may sign or a doctor countersign."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from intake.consent.rules import State
from intake.definitions.library_files import bundled_contents
from intake.review.rules import (
    Decided,
    Entry,
    Fault,
    Kind,
    OpenPoint,
    Point,
    Stage,
    Still,
    Verdict,
    age,
    all_said,
    before_countersign,
    before_release,
    changes,
    fault,
    gathered,
    headline,
    is_settled,
    newest,
    open_points,
    order,
    said_about,
    stage,
    talks_first,
    verdicts_for,
    words_of,
)
from tests.definitions.fhir import form, item, loaded

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RAO = UUID(int=1)
BLOCK = Point("finding:1", Kind.BLOCK, "May be pregnant", "Negative test recorded by doctor", holds_consent=True)
CAUTION = Point("finding:2", Kind.CAUTION, "Antiplatelet", "Doctor decides")
NOTE = Point("finding:3", Kind.NOTE, "Over 75", "Doctor acknowledges")
QUESTION = Point("question:C-09c", Kind.QUESTION, "Small bumps")
TEACHBACK = Point("teachback:TB-1", Kind.TEACHBACK, "What can this treatment NOT do?")
NEVER = Point("finding:4", Kind.BLOCK, "Under 18", "Not clearable in the app; reschedule after 18", holds_consent=True)
WORDS = "Test today negative"


def decided(point: Point, verdict: Verdict, words: str = WORDS, seq: int = 1) -> Decided:
    return Decided(point.about, verdict, words, seq, NOON, RAO)


def known(*decisions: Decided) -> dict[str, Decided]:
    return newest(decisions)


FINDING_VERDICTS = {Verdict.GO_AHEAD, Verdict.CHANGE_PLAN, Verdict.POSTPONE}


@pytest.mark.parametrize(
    ("point", "offered"),
    [
        (BLOCK, FINDING_VERDICTS),
        (CAUTION, FINDING_VERDICTS),
        (NOTE, {Verdict.SEEN}),
        (QUESTION, {Verdict.ANSWERED, Verdict.NOT_YET}),
        (TEACHBACK, {Verdict.EXPLAINED, Verdict.NOT_YET}),
        (NEVER, {Verdict.POSTPONE}),
    ],
)
@pytest.mark.parametrize("verdict", Verdict)
def test_each_kind_of_point_takes_its_own_verdicts_and_no_other(
    point: Point, offered: set[Verdict], verdict: Verdict
) -> None:
    expected = None if verdict in offered else Fault.NOT_OFFERED
    assert fault(point, Entry(point.about, verdict, WORDS)) is expected
    assert (verdict in verdicts_for(point)) is (verdict in offered)


def test_a_rule_marked_as_not_clearable_is_never_gone_ahead_with() -> None:
    assert Verdict.GO_AHEAD not in verdicts_for(NEVER)
    assert fault(NEVER, Entry(NEVER.about, Verdict.GO_AHEAD, "She is mature")) is Fault.NOT_OFFERED


def test_a_rule_that_is_not_clearable_and_holds_the_treatment_only_postpones() -> None:
    assert verdicts_for(replace(NEVER, holds_consent=True)) == (Verdict.POSTPONE,)
    assert verdicts_for(replace(NEVER, holds_consent=False)) == (Verdict.CHANGE_PLAN, Verdict.POSTPONE)


@pytest.mark.parametrize(
    ("point", "verdict", "needed"),
    [
        (BLOCK, Verdict.GO_AHEAD, True),
        (BLOCK, Verdict.CHANGE_PLAN, True),
        (BLOCK, Verdict.POSTPONE, True),
        (CAUTION, Verdict.GO_AHEAD, True),
        (CAUTION, Verdict.CHANGE_PLAN, True),
        (CAUTION, Verdict.POSTPONE, True),
        (NOTE, Verdict.SEEN, False),
        (QUESTION, Verdict.ANSWERED, True),
        (QUESTION, Verdict.NOT_YET, False),
        (TEACHBACK, Verdict.EXPLAINED, False),
        (TEACHBACK, Verdict.NOT_YET, False),
    ],
)
@pytest.mark.parametrize("blank", ["", "   ", "\n\t "])
def test_flags_and_questions_are_decided_with_words_and_notes_are_only_seen(
    point: Point, verdict: Verdict, needed: bool, blank: str
) -> None:
    assert fault(point, Entry(point.about, verdict, blank)) is (Fault.NO_WORDS if needed else None)


def test_words_without_a_verdict_and_too_many_words_are_refused() -> None:
    assert fault(CAUTION, Entry(CAUTION.about, "", "Stopped it last week")) is Fault.NO_VERDICT
    assert fault(CAUTION, Entry(CAUTION.about, Verdict.GO_AHEAD, "x" * 2001)) is Fault.TOO_LONG
    assert fault(CAUTION, Entry(CAUTION.about, Verdict.GO_AHEAD, "x" * 2000)) is None


def test_an_entry_that_says_nothing_has_no_fault_and_an_unknown_verdict_has() -> None:
    assert fault(BLOCK, Entry(BLOCK.about, "", " ")) is None
    assert fault(BLOCK, Entry(BLOCK.about, "approve", WORDS)) is Fault.NOT_OFFERED


def test_not_yet_leaves_a_question_open() -> None:
    assert is_settled(QUESTION, decided(QUESTION, Verdict.ANSWERED))
    assert not is_settled(QUESTION, decided(QUESTION, Verdict.NOT_YET, ""))
    assert not is_settled(QUESTION, None)


def test_what_is_open_is_named_in_the_doctors_order() -> None:
    assert open_points([BLOCK, CAUTION, NOTE, QUESTION, TEACHBACK], {}) == [
        OpenPoint("finding:1", Still.UNDECIDED, "May be pregnant"),
        OpenPoint("finding:2", Still.UNDECIDED, "Antiplatelet"),
        OpenPoint("finding:3", Still.UNSEEN, "Over 75"),
        OpenPoint("question:C-09c", Still.UNANSWERED, "Small bumps"),
        OpenPoint("teachback:TB-1", Still.UNEXPLAINED, "What can this treatment NOT do?"),
    ]


def test_nothing_is_open_once_every_point_is_settled() -> None:
    decisions = known(
        decided(BLOCK, Verdict.GO_AHEAD),
        decided(CAUTION, Verdict.CHANGE_PLAN),
        decided(NOTE, Verdict.SEEN, ""),
        decided(QUESTION, Verdict.ANSWERED),
        decided(TEACHBACK, Verdict.EXPLAINED, ""),
    )
    points = [BLOCK, CAUTION, NOTE, QUESTION, TEACHBACK]
    assert open_points(points, decisions) == []
    assert before_countersign(True, points, decisions) == []


def test_the_newest_decision_about_a_point_counts() -> None:
    first, second = decided(BLOCK, Verdict.GO_AHEAD), decided(BLOCK, Verdict.POSTPONE, seq=2)
    assert newest([second, first])[BLOCK.about] is second
    assert newest([first, second], until=1)[BLOCK.about] is first


def test_a_patient_who_talked_first_may_sign_when_every_holding_finding_is_decided() -> None:
    assert before_release([BLOCK, CAUTION], {}) == [OpenPoint(BLOCK.about, Still.UNDECIDED, BLOCK.title)]
    assert before_release([BLOCK, CAUTION], known(decided(BLOCK, Verdict.GO_AHEAD))) == []
    assert before_release([BLOCK, CAUTION], known(decided(BLOCK, Verdict.CHANGE_PLAN))) == []


def test_a_verdict_to_postpone_does_not_let_a_patient_sign() -> None:
    assert before_release([BLOCK], known(decided(BLOCK, Verdict.POSTPONE))) == [
        OpenPoint(BLOCK.about, Still.POSTPONED, BLOCK.title)
    ]


def test_a_doctor_countersigns_only_what_is_signed_settled_and_not_postponed() -> None:
    settled = known(decided(CAUTION, Verdict.GO_AHEAD))
    postponed = known(decided(CAUTION, Verdict.POSTPONE))

    def stands_between(*points: Point, is_signed: bool = True, decisions: dict[str, Decided] = settled) -> list[Still]:
        return [point.still for point in before_countersign(is_signed, points, decisions)]

    assert stands_between(CAUTION) == []
    assert stands_between(CAUTION, is_signed=False) == [Still.NOT_SIGNED]
    assert stands_between(CAUTION, QUESTION) == [Still.UNANSWERED]
    assert stands_between(CAUTION, decisions=postponed) == [Still.POSTPONED]


def test_a_few_open_points_are_listed_one_by_one_and_many_by_their_sort() -> None:
    few = open_points([BLOCK, CAUTION, NOTE, QUESTION], {})
    assert gathered(few) == [(point, 1) for point in few]
    many = open_points([BLOCK, CAUTION, NOTE, QUESTION, TEACHBACK], {})
    assert gathered(many) == [(many[0], 2), (many[2], 1), (many[3], 1), (many[4], 1)]
    assert gathered([]) == []


def test_only_what_says_something_new_is_a_change() -> None:
    before = known(decided(CAUTION, Verdict.GO_AHEAD, "Small area"))
    same, more = Entry(CAUTION.about, "go_ahead", " Small area "), Entry(CAUTION.about, "go_ahead", "Two small areas")
    assert changes([same, Entry(BLOCK.about, "", " ")], before) == []
    assert changes([more], before) == [more]


@pytest.mark.parametrize(
    ("state", "waits", "expected"),
    [
        (State.OPEN, False, Stage.FILLING_IN),
        (State.OPEN, True, Stage.TALK_FIRST),
        (State.SIGNED, False, Stage.SIGNED),
        (State.COUNTERSIGNED, False, Stage.DECIDED),
        (State.POSTPONED, False, Stage.DECIDED),
        (State.DECLINED, False, Stage.DECIDED),
        (State.CLOSED, False, Stage.DECIDED),
    ],
)
def test_where_a_visit_stands_for_the_doctor(state: State, waits: bool, expected: Stage) -> None:
    assert stage(state, waits_for_talk=waits) is expected


def test_the_talk_comes_first_by_the_clinics_order_by_a_holding_finding_or_without_a_treatment() -> None:
    assert not talks_first(sign_first=True, holds_consent=False, has_treatment=True)
    assert talks_first(sign_first=False, holds_consent=False, has_treatment=True)
    assert talks_first(sign_first=True, holds_consent=True, has_treatment=True)
    assert talks_first(sign_first=True, holds_consent=False, has_treatment=False)


def test_the_worklist_begins_with_who_waits_longest_today() -> None:
    early, late = NOON, NOON + timedelta(minutes=30)
    rows = {
        "decided": order(Stage.DECIDED, True, early),
        "writing": order(Stage.FILLING_IN, True, early),
        "yesterday": order(Stage.SIGNED, False, early - timedelta(days=1)),
        "later": order(Stage.SIGNED, True, late),
        "first": order(Stage.TALK_FIRST, True, early),
    }
    assert sorted(rows, key=lambda name: rows[name]) == ["first", "later", "yesterday", "writing", "decided"]


@pytest.mark.parametrize(
    ("text", "title", "rest"),
    [
        ("May be pregnant. Offer a urine test today.", "May be pregnant", "Offer a urine test today."),
        ("Keloid tendency: many needle points. Avoid chest.", "Keloid tendency", "Many needle points. Avoid chest."),
        ("Check the clinic's legal position.", "Check the clinic's legal position", ""),
    ],
)
def test_a_findings_text_is_read_as_what_it_is_and_what_to_do(text: str, title: str, rest: str) -> None:
    assert headline(text) == (title, rest)


def test_an_age_is_known_only_from_a_date() -> None:
    assert age("1968-03-04", date(2026, 11, 23)) == 58
    assert age("", date(2026, 11, 23)) is None


def test_what_was_said_in_an_entry_of_a_repeating_group_names_the_entry() -> None:
    medicine = item("med", "group", repeats=True, text="Your medicines", item=[item("name", "string", text="Name")])
    shape = loaded(form(item("page", "group", item=[medicine, item("shop", "string", text="Pharmacy")])))
    answers = {"name": [{"valueString": "Aspirin"}], "name#2": [{"valueString": "Zinc"}]}
    [section] = all_said(shape, answers, "en")
    assert [(said.question, said.answer) for said in section.rows] == [
        ("Your medicines 1: Name", "Aspirin"),
        ("Your medicines 2: Name", "Zinc"),
        ("Pharmacy", ""),
    ]
    assert [said.question for said in said_about(shape, answers, ["name#2"], "en")] == ["Your medicines 2: Name"]


def test_only_what_was_asked_is_quoted() -> None:
    questionnaire = bundled_contents().questionnaire
    answers = {"md.thin": [{"valueCoding": {"code": "asp"}}], "al.detail": [{"valueString": "Not asked"}]}
    quoted = said_about(questionnaire, answers, ["md.thin", "al.detail"], "en")
    assert [(said.question, said.answer) for said in quoted] == [("Do you take a blood thinner?", "Aspirin (Ecosprin)")]
    assert words_of(questionnaire, answers, "al.detail", "en") == ""
    assert words_of(questionnaire, answers, "no.such", "en") == ""
    listed = [said.question for section in all_said(questionnaire, answers, "en") for said in section.rows]
    assert listed.count("Do you take a blood thinner?") == 1
    assert "What happened, and to which one?" not in listed
