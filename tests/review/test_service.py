"""Deciding, releasing, countersigning and postponing, with the real database and the real content."""

from uuid import UUID

import pytest
from flask import Flask

from intake import audit, clock, consent, review, staff, visits
from intake.access import Actor, Role
from intake.db import transaction
from intake.errors import Invalid, NotAllowed, NotFound, Stale
from intake.i18n import clinic
from intake.review import Entry, Stage
from intake.review.rules import Verdict
from tests.builders import a_signed_visit, a_visit, answered, signed, understood
from tests.conftest import MONDAY_NOON, PASSWORD
from tests.review.conftest import FLAGGED, MINOR, PRESSED, about, digest, settled, sign_off

WORDS = "Small area, told about bruises"


def decide(app: Flask, visit_id: UUID, point: str, verdict: str, words: str, by: Actor) -> None:
    with app.test_request_context(), transaction():
        review.save(visit_id, [Entry(point, verdict, words)], by=by)


def settle_all(app: Flask, visit_id: UUID, by: Actor) -> None:
    entries = [Entry(point, verdict, words) for point, (verdict, words) in settled(app, visit_id).items()]
    with app.test_request_context(), transaction():
        review.save(visit_id, entries, by=by)


def pressed(app: Flask, visit_id: UUID, by: Actor, password: str = PASSWORD) -> review.Press:
    assert by.id is not None
    with app.test_request_context():
        tried = staff.try_own_password(by.id, password, "127.0.0.1")
    return review.Press(digest(app, visit_id), tried)


def page_of(app: Flask, visit_id: UUID) -> review.ReviewPage:
    with app.test_request_context():
        return review.review_of(visit_id)


def events(app: Flask, visit_id: UUID) -> list[str]:
    with app.test_request_context():
        return [entry.event for entry in audit.history_of(visit_id)]


def test_the_page_says_who_it_is_what_is_open_and_what_the_patient_said(app: Flask) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09c",), wrong=("TB-1",))
    page = page_of(app, visit_id)
    assert (page.token, page.name, page.age, page.sex, page.language) == (
        "K 01",
        "Farida Sheikh",
        58,
        "Female",
        "English",
    )
    assert page.stage is Stage.SIGNED
    severities = [(m.rule, m.point.kind.value) for m in page.matters.findings]
    assert severities == [("R-ALG-01", "block"), ("R-BLD-04", "caution"), ("R-PHO-01", "note")]
    assert [(s.question, s.answer) for s in page.matters.findings[1].said] == [
        ("Do you take a blood thinner?", "Aspirin (Ecosprin)")
    ]
    assert page.matters.findings[0].point.clears == "Allergy disproved or non-amide plan recorded"
    assert [m.point.title for m in page.matters.questions] == ["Small bumps at the needle points"]
    assert [said.answer for said in page.matters.teachbacks[0].said] == ["", ""]
    assert page.brief is not None
    assert page.brief.drawn["face"] == ("cheeks",)
    assert page.brief.allergies.endswith("Fainted at the dentist")
    assert page.brief.numbing == ("Reported local-anaesthetic allergy",)
    assert "Cheeks" in page.brief.areas
    assert page.evidence_sha256 == digest(app, visit_id)
    assert page.is_draft


def test_a_decision_is_kept_with_its_words_and_the_newest_counts(
    app: Flask, doctor: Actor, other_doctor: Actor
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution = about(app, visit_id, "R-BLD-04")
    decide(app, visit_id, caution, "go_ahead", WORDS, doctor)
    decide(app, visit_id, caution, "change_plan", "Fewer points", other_doctor)
    counts = page_of(app, visit_id).matters.counts[caution]
    assert (counts.verdict, counts.words, counts.doctor_id) == (Verdict.CHANGE_PLAN, "Fewer points", other_doctor.id)
    assert len(page_of(app, visit_id).matters.decisions) == 2


def test_the_same_decision_twice_is_one(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution = about(app, visit_id, "R-BLD-04")
    for _ in range(2):
        decide(app, visit_id, caution, "go_ahead", WORDS, doctor)
    assert len(page_of(app, visit_id).matters.decisions) == 1
    assert events(app, visit_id).count("review.decided") == 1


def test_the_log_says_whose_token_it_was_and_never_the_verdict(app: Flask, other_doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    decide(app, visit_id, about(app, visit_id, "R-BLD-04"), "go_ahead", WORDS, other_doctor)
    with app.test_request_context():
        entry = next(e for e in audit.history_of(visit_id) if e.event == "review.decided")
    assert b'"own_token":false' in entry.body
    assert b"go_ahead" not in entry.body
    assert WORDS.encode() not in entry.body


@pytest.mark.parametrize(
    ("rule", "verdict", "words", "code"),
    [
        ("R-BLD-04", "go_ahead", " ", "review.no_words"),
        ("R-ALG-01", "change_plan", "", "review.no_words"),
        ("R-ALG-01", "seen", WORDS, "review.not_offered"),
        ("R-PHO-01", "go_ahead", WORDS, "review.not_offered"),
        ("R-BLD-04", "", WORDS, "review.no_verdict"),
        ("R-BLD-04", "postpone", "x" * 2001, "review.too_long"),
    ],
)
def test_a_decision_without_what_it_needs_is_refused(
    app: Flask, doctor: Actor, rule: str, verdict: str, words: str, code: str
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    with pytest.raises(Invalid, match=code):
        decide(app, visit_id, about(app, visit_id, rule), verdict, words, doctor)


def test_a_finding_of_another_visit_cannot_be_decided_here(app: Flask, doctor: Actor) -> None:
    visit_id, other_id = a_signed_visit(app, FLAGGED), a_signed_visit(app, FLAGGED)
    with pytest.raises(Invalid, match="no_such_point"):
        decide(app, visit_id, about(app, other_id, "R-BLD-04"), "go_ahead", WORDS, doctor)


def test_all_decisions_of_a_form_are_kept_or_none(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    good = Entry(about(app, visit_id, "R-BLD-04"), "go_ahead", WORDS)
    bad = Entry(about(app, visit_id, "R-ALG-01"), "go_ahead", "")
    with app.test_request_context(), pytest.raises(Invalid), transaction():
        review.save(visit_id, [good, bad], by=doctor)
    assert page_of(app, visit_id).matters.decisions == ()


def test_a_rule_that_no_doctor_may_clear_is_never_gone_ahead_with(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, MINOR)
    minor = about(app, visit_id, "R-AGE-01")
    with pytest.raises(Invalid, match="not_offered"):
        decide(app, visit_id, minor, "go_ahead", "Mother agrees", doctor)
    decide(app, visit_id, minor, "postpone", "Come back at 18", doctor)
    with app.test_request_context(), pytest.raises(NotAllowed, match=r"review\.open"), transaction():
        review.release(visit_id, by=doctor)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.RECEPTION, Role.RECORDS])
def test_only_a_doctor_clears_a_finding(app: Flask, doctor: Actor, role: Role) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    somebody = Actor("staff", doctor.id, frozenset({role}))
    with pytest.raises(NotAllowed, match="not_a_doctor"):
        decide(app, visit_id, about(app, visit_id, "R-BLD-04"), "go_ahead", WORDS, somebody)


def test_nothing_is_decided_before_the_answers_are_given(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, FLAGGED, submit=False)
    assert page_of(app, visit_id).stage is Stage.FILLING_IN
    with pytest.raises(NotAllowed, match="not_submitted"):
        decide(app, visit_id, "finding:1", "go_ahead", WORDS, doctor)


def test_an_unknown_visit_is_not_found(app: Flask, doctor: Actor) -> None:
    with pytest.raises(NotFound):
        decide(app, UUID(int=1), "finding:1", "go_ahead", WORDS, doctor)


def test_a_patient_who_must_talk_first_is_released_when_the_finding_is_decided(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PRESSED)
    assert page_of(app, visit_id).stage is Stage.TALK_FIRST
    with app.test_request_context(), pytest.raises(NotAllowed, match=r"review\.open"), transaction():
        review.release(visit_id, by=doctor)
    decide(app, visit_id, about(app, visit_id, "R-CON-03"), "go_ahead", "Talked alone; her own choice", doctor)
    for _ in range(2):
        with app.test_request_context(), transaction():
            review.release(visit_id, by=doctor)
    assert events(app, visit_id).count("visit.released") == 1
    assert page_of(app, visit_id).stage is Stage.FILLING_IN
    understood(app, visit_id)
    signed(app, visit_id)
    assert page_of(app, visit_id).stage is Stage.SIGNED


def test_a_patient_who_must_talk_first_signs_only_once_the_talk_is_noted(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, PRESSED)
    understood(app, visit_id)
    with pytest.raises(NotAllowed, match="talk_first"):
        signed(app, visit_id)
    settle_all(app, visit_id, doctor)
    with pytest.raises(NotAllowed, match="talk_first"):
        signed(app, visit_id)
    with app.test_request_context(), transaction():
        review.release(visit_id, by=doctor)
    signed(app, visit_id)
    assert page_of(app, visit_id).stage is Stage.SIGNED


def test_a_patient_who_does_not_wait_for_a_talk_is_not_released(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app)
    with app.test_request_context(), pytest.raises(NotAllowed, match="no_talk_needed"), transaction():
        review.release(visit_id, by=doctor)


def test_an_open_point_holds_the_countersignature(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09c",), wrong=("TB-1",))
    for point, (verdict, words) in settled(app, visit_id).items():
        with pytest.raises(NotAllowed, match=r"review\.open"):
            sign_off(app, visit_id, doctor)
        decide(app, visit_id, point, verdict, words, doctor)
    sign_off(app, visit_id, doctor)
    assert page_of(app, visit_id).stage is Stage.DECIDED


def test_a_verdict_to_postpone_holds_the_countersignature(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    settle_all(app, visit_id, doctor)
    decide(app, visit_id, about(app, visit_id, "R-BLD-04"), "postpone", "Ask the cardiologist", doctor)
    with pytest.raises(NotAllowed, match=r"review\.open"):
        sign_off(app, visit_id, doctor)


def test_what_is_not_signed_is_not_countersigned(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)
    with app.test_request_context(), pytest.raises(NotAllowed, match=r"review\.open"), transaction():
        review.sign_off(clinic(), visit_id, "0" * 64, by=doctor)


def test_the_countersignature_keeps_every_decision_and_the_digest_the_doctor_confirmed(
    app: Flask, doctor: Actor
) -> None:
    visit_id = a_signed_visit(app, FLAGGED, questions=("C-09c",), wrong=("TB-1",))
    settle_all(app, visit_id, doctor)
    sign_off(app, visit_id, doctor)
    with app.test_request_context():
        statement = consent.find_statement(visit_id, consent.Kind.COUNTERSIGNED)
    assert statement is not None
    part = statement.body["review"]
    assert part["doctor"] == {"id": str(doctor.id), "name": "Dr Ananya Rao", "registration_no": "DMC-00001"}
    assert part["confirmed_sha256"] == statement.body["patient_statement_sha256"] == digest(app, visit_id)
    assert (part["reauthentication"], part["device"]) == ("password", "a laptop")
    assert [d["kind"] for d in part["decisions"]] == ["finding", "finding", "finding", "question", "teachback"]
    caution = part["decisions"][1]
    assert (caution["verdict"], caution["by"]) == ("go_ahead", "Dr Ananya Rao")
    assert caution["title"] == "Do you take a blood thinner?"
    assert (caution["inside"]["rule"], caution["inside"]["severity"]) == ("R-BLD-04", "caution")
    assert part["decisions"][3]["about"] == "question:C-09c"
    assert part["decisions"][4]["about"] == "teachback:TB-1"


def test_a_doctor_confirms_only_the_evidence_that_was_on_the_page(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app)
    with pytest.raises(Stale, match="evidence_changed"):
        sign_off(app, visit_id, doctor, sha256="0" * 64)


def test_the_second_of_two_doctors_is_refused(app: Flask, doctor: Actor, other_doctor: Actor) -> None:
    visit_id = a_signed_visit(app)
    sign_off(app, visit_id, doctor)
    with pytest.raises(NotAllowed, match="already_decided"):
        sign_off(app, visit_id, other_doctor)
    ending = page_of(app, visit_id).ending
    assert ending is not None
    assert (ending.by, ending.kind) == ("Dr Ananya Rao", consent.Kind.COUNTERSIGNED)


def test_a_visit_is_postponed_with_words_and_nothing_more_is_decided(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    with app.test_request_context(), pytest.raises(Invalid, match="no_words"), transaction():
        review.postpone(clinic(), visit_id, "  ", by=doctor)
    with app.test_request_context(), transaction():
        review.postpone(clinic(), visit_id, "Wait for the allergist", by=doctor)
    ending = page_of(app, visit_id).ending
    assert ending is not None
    assert (ending.kind, ending.words) == (consent.Kind.POSTPONED, "Wait for the allergist")
    with pytest.raises(NotAllowed, match="already_decided"):
        decide(app, visit_id, about(app, visit_id, "R-BLD-04"), "go_ahead", WORDS, doctor)


def test_a_visit_that_waits_for_a_talk_can_be_postponed_unsigned(app: Flask, doctor: Actor) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, MINOR)
    with app.test_request_context(), transaction():
        review.postpone(clinic(), visit_id, "Come back at 18", by=doctor)
    assert page_of(app, visit_id).stage is Stage.DECIDED


def test_a_form_older_than_anothers_decision_does_not_overwrite_it(
    app: Flask, doctor: Actor, other_doctor: Actor
) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution, block = about(app, visit_id, "R-BLD-04"), about(app, visit_id, "R-ALG-01")
    decide(app, visit_id, caution, "go_ahead", WORDS, other_doctor)
    mine = [Entry(caution, "postpone", "Ask first"), Entry(block, "change_plan", "No cream")]
    with app.test_request_context(), pytest.raises(Stale, match="changed_elsewhere"), transaction():
        review.save(visit_id, mine, 0, by=doctor)
    with app.test_request_context(), transaction():
        review.save(visit_id, [Entry(caution, "", ""), mine[1]], 0, by=doctor)
    assert page_of(app, visit_id).matters.counts[caution].verdict is Verdict.GO_AHEAD
    assert page_of(app, visit_id).matters.counts[block].verdict is Verdict.CHANGE_PLAN


def test_countersigning_early_keeps_what_was_decided_and_names_what_is_open(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    caution = about(app, visit_id, "R-BLD-04")
    press = pressed(app, visit_id, doctor)
    with app.test_request_context(), transaction():
        attempt = review.countersign(clinic(), visit_id, [Entry(caution, "go_ahead", WORDS)], 0, press, by=doctor)
    assert not attempt.is_done
    assert [p.about for p in attempt.open] == [about(app, visit_id, "R-ALG-01"), about(app, visit_id, "R-PHO-01")]
    assert page_of(app, visit_id).matters.counts[caution].words == WORDS


def test_a_password_is_neither_counted_nor_judged_while_something_is_open(app: Flask, doctor: Actor) -> None:
    visit_id = a_signed_visit(app, FLAGGED)
    attempts = []
    for password in (PASSWORD, *["not the password at all"] * 6):
        press = pressed(app, visit_id, doctor, password)
        with app.test_request_context(), transaction():
            attempts.append(review.countersign(clinic(), visit_id, [], 0, press, by=doctor))
    assert attempts == [attempts[0]] * 7
    assert attempts[0].open and attempts[0].password is None
    settle_all(app, visit_id, doctor)
    press = pressed(app, visit_id, doctor)
    with app.test_request_context(), transaction():
        assert review.countersign(clinic(), visit_id, [], 9, press, by=doctor).is_done


def test_earlier_visits_of_the_patient_are_listed(app: Flask, doctor: Actor) -> None:
    first = a_signed_visit(app)
    sign_off(app, first, doctor)
    with app.test_request_context():
        patient_id, doctor_id = visits.get_visit(first).patient_id, visits.get_visit(first).doctor_id
    with clock.frozen(MONDAY_NOON.replace(day=24)), app.test_request_context(), transaction():
        again = visits.issue_token(clinic(), doctor_id=doctor_id, name="", patient_id=patient_id, by=doctor).id
    earlier = page_of(app, again).earlier
    assert [(one.visit_id, one.state) for one in earlier] == [(first, consent.State.COUNTERSIGNED)]
    assert page_of(app, first).earlier == ()
