"""Consent with the database: presented once and anew when it must be, answered, signed, decided; never twice."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from intake import answers, audit, consent, jobs, vault, visits
from intake.consent import Kind, State, Teach, parts_of
from intake.consent.models import Presentation, Reply, Statement
from intake.db import db, transaction
from intake.definitions import enabled
from intake.errors import Damaged, Invalid, NotAllowed, NotFound
from intake.i18n import clinic
from intake.signer import the_signer
from tests.builders import TABLET, a_signed_visit, a_visit, answered, signed, understood, value_of
from tests.endings import countersigned, declined, doctor_of

TYPED = {"method": "typed", "typed": "Farida Sheikh", "language": "en", "device": ""}


def presented(visit_id: UUID, language: str = "en", **changes: Any) -> consent.Shown:
    with transaction():
        return consent.present(replace(clinic(), **changes), visit_id, language, by=TABLET)


def change_answers(visit_id: UUID, **changes: Any) -> None:
    """The patient changes answers before they are given."""
    with transaction():
        begun = answers.get(visit_id)
        page = {link: value_of(begun.edition.questionnaire, link, plain) for link, plain in changes.items()}
        answers.save(visit_id, "tx", page, begun.revision, by=TABLET)


def count(model: type, visit_id: UUID) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(model.visit_id == visit_id)) or 0  # type: ignore[attr-defined]


def events(visit_id: UUID) -> list[str]:
    return [entry.event for entry in audit.history_of(visit_id)]


def refused(code: str, call: Any) -> NotAllowed:
    with pytest.raises(NotAllowed) as refusal, transaction():
        call()
    assert refusal.value.code == code
    return refusal.value


@pytest.fixture
def visit_id(app: Flask) -> UUID:
    """A visit whose questions are answered and given."""
    visit_id = a_visit(app)
    answered(app, visit_id)
    return visit_id


@pytest.fixture
def open_visit(app: Flask) -> UUID:
    """A visit whose questions are answered and not yet given."""
    visit_id = a_visit(app)
    answered(app, visit_id, submit=False)
    return visit_id


# ---- Presenting ----


NEEDED = {
    "phone": "clinic.phone",
    "backup_hospital": "clinic.backup_hospital",
    "retention_period": "clinic.retention_period",
    "refund_policy": "clinic.refund_policy",
    "grievance_contact": "clinic.grievance_contact",
    "treatments": "treatments.*.",
}


def test_a_setting_that_a_clause_needs_and_nobody_made_refuses_the_consent_and_is_named(
    in_app: Flask, visit_id: UUID
) -> None:
    for setting, named in NEEDED.items():
        without = replace(clinic(), **{setting: {} if setting == "treatments" else " "})
        refusal = refused(
            "consent.blank_missing", lambda without=without: consent.present(without, visit_id, "en", by=TABLET)
        )
        assert str(refusal.facts["setting"]).startswith(named)
        assert consent.find_shown(visit_id) is None


def test_the_words_shown_have_no_blank_left_and_name_doctor_treatment_and_area(in_app: Flask, visit_id: UUID) -> None:
    body = presented(visit_id).body
    words = json.dumps(body, ensure_ascii=False)
    assert "{" not in "".join(c["text"] for page in body["pages"] for c in page["clauses"])
    assert (body["doctor"], body["treatments"], body["areas"]) == ("Ananya Rao", ["REJUV"], "Cheeks, Stomach")
    assert "+91 98400 00000" in words and "DMC-00001" in words


def test_presenting_again_shows_the_same_words_and_writes_nothing(in_app: Flask, visit_id: UUID) -> None:
    first = presented(visit_id)
    assert presented(visit_id) == first
    assert count(Presentation, visit_id) == 1
    assert events(visit_id).count("consent.presented") == 1


def test_a_change_of_treatment_or_area_makes_new_words_and_the_old_answers_to_them_do_not_count(
    in_app: Flask, open_visit: UUID
) -> None:
    first = presented(open_visit)
    page = next(page for page in first.body["pages"] if parts_of(page))
    with transaction():
        replies = {part["id"]: "understood" for part in parts_of(page)}
        consent.reply(open_visit, page["id"], replies, by=TABLET)
    change_answers(open_visit, **{"tx.areas_face": ["neck"]})
    begun = answers.get(open_visit)
    assert not consent.fits(consent.shown(open_visit), begun.edition, begun.draft.answers)
    second = presented(open_visit)
    assert second.id != first.id and second.body["areas"] == "Neck, Stomach"
    assert second.replies == {} and page["id"] in second.open_pages
    assert consent.fits(second, begun.edition, begun.draft.answers)
    assert count(Presentation, open_visit) == 2, "what was shown before is kept"


def test_an_area_that_is_no_longer_asked_for_is_not_in_the_words(in_app: Flask, open_visit: UUID) -> None:
    """Changing one's mind leaves the old answer in the draft; nobody consents to it."""
    change_answers(
        open_visit, **{"tx.goals": ["fat", "lines"], "tx.areas_body": ["stomach"], "tx.areas_face": ["cheeks"]}
    )
    assert presented(open_visit).body["areas"] == "Stomach, Cheeks"
    change_answers(open_visit, **{"tx.goals": ["lines"]})
    now, begun = presented(open_visit), answers.get(open_visit)
    assert (now.body["treatments"], now.body["areas"]) == (["REJUV"], "Cheeks")
    assert consent.fits(now, begun.edition, begun.draft.answers), "so the patient is not asked again"


def test_nothing_is_presented_where_no_treatment_is_chosen(in_app: Flask, open_visit: UUID) -> None:
    change_answers(open_visit, **{"tx.goals": []})
    refused("consent.no_treatment", lambda: consent.present(clinic(), open_visit, "en", by=TABLET))


def test_another_doctors_token_names_that_doctor(app: Flask) -> None:
    visit_id = a_visit(app, letter="T")
    answered(app, visit_id)
    with app.test_request_context():
        assert presented(visit_id).body["doctor"] == "Joseph Menon"


# ---- Answering ----


def test_a_page_is_taken_whole_with_the_two_answers_it_offers_and_no_others(in_app: Flask, visit_id: UUID) -> None:
    page = next(page for page in presented(visit_id).body["pages"] if len(parts_of(page)) > 1)
    parts = [part["id"] for part in parts_of(page)]
    good = dict.fromkeys(parts, "understood")
    wrong = [{}, good | {"C-99": "understood"}, good | {parts[0]: ""}, good | {parts[0]: "agreed"}]
    for replies in [*wrong, {part: good[part] for part in parts[1:]}]:
        with pytest.raises(Invalid) as refusal, transaction():
            consent.reply(visit_id, page["id"], replies, by=TABLET)
        assert refusal.value.code == "consent.reply_missing"
    assert consent.shown(visit_id).replies == {}
    with transaction():
        consent.reply(visit_id, page["id"], good, by=TABLET)
    assert consent.shown(visit_id).replies == good


def test_the_newest_answer_counts_every_one_is_kept_and_the_same_page_twice_is_one(
    in_app: Flask, visit_id: UUID
) -> None:
    now = presented(visit_id)
    page = next(page for page in now.body["pages"] if parts_of(page))
    first = parts_of(page)[0]
    for answer in ("understood", "question", "question"):
        with transaction():
            replies = {part["id"]: "understood" for part in parts_of(page)} | {first["id"]: answer}
            consent.reply(visit_id, page["id"], replies, by=TABLET)
    now = consent.shown(visit_id)
    assert now.replies[first["id"]] == "question" and now.asked == [first]
    rows = db.session.scalar(select(func.count()).select_from(Reply).where(Reply.presentation_id == now.id))
    assert rows == len(parts_of(page)) + 1


def test_a_page_or_a_question_that_was_not_shown_is_not_found(in_app: Flask, visit_id: UUID) -> None:
    with pytest.raises(NotFound):
        consent.shown(visit_id)
    presented(visit_id)
    with pytest.raises(NotFound), transaction():
        consent.reply(visit_id, "no-such-page", {}, by=TABLET)
    with pytest.raises(NotFound), transaction():
        consent.teach_back(visit_id, "no-such-question", "a", by=TABLET)


def test_teach_back_stops_nobody_and_a_settled_question_stays_settled(in_app: Flask, visit_id: UUID) -> None:
    one, two = presented(visit_id).body["teachback"][:2]
    right = next(option["code"] for option in one["options"] if option["right"])
    wrong = next(option["code"] for option in two["options"] if not option["right"])
    tries = [(one, "unsure"), (one, right), (one, "unsure"), (two, wrong), (two, wrong), (two, wrong)]
    with transaction():
        stands = [consent.teach_back(visit_id, question["id"], option, by=TABLET) for question, option in tries]
    assert stands == [Teach.AGAIN, Teach.RIGHT, Teach.RIGHT, Teach.AGAIN, Teach.DOCTOR, Teach.DOCTOR]
    now = consent.shown(visit_id)
    assert (now.tries[one["id"]], now.tries[two["id"]]) == (["unsure", right], [wrong, wrong])
    assert now.for_doctor == [two["id"]]
    with pytest.raises(Invalid), transaction():
        consent.teach_back(visit_id, two["id"], "no-such-option", by=TABLET)


# ---- Signing ----


def test_nobody_signs_before_the_end_is_reached(app: Flask, in_app: Flask, open_visit: UUID) -> None:
    def sign() -> None:
        consent.sign(clinic(), open_visit, TYPED, by=TABLET)

    with pytest.raises(NotFound), transaction():
        sign()  # nothing was shown
    presented(open_visit)
    with pytest.raises(NotFound), transaction():
        sign()  # the answers are not given
    with transaction():
        answers.submit(open_visit, "en", by=TABLET)
    refused("consent.not_finished", sign)
    understood(app, open_visit, wrong=("TB-1",))
    with transaction():
        sign()
    assert consent.state_of(open_visit) is State.SIGNED


def test_one_open_teach_back_question_keeps_the_signature_waiting(in_app: Flask, visit_id: UUID) -> None:
    now = presented(visit_id)
    with transaction():
        for page in now.body["pages"]:
            consent.reply(visit_id, page["id"], {p["id"]: "understood" for p in parts_of(page)}, by=TABLET)
    assert not consent.shown(visit_id).open_pages
    refused("consent.not_finished", lambda: consent.sign(clinic(), visit_id, TYPED, by=TABLET))


def test_words_that_no_longer_fit_the_answers_given_cannot_be_signed(
    app: Flask, in_app: Flask, open_visit: UUID
) -> None:
    """Two tabs: one ready to sign, in the other the area is changed and the answers are given."""
    understood(app, open_visit)
    change_answers(open_visit, **{"tx.areas_face": ["neck"]})
    with transaction():
        answers.submit(open_visit, "en", by=TABLET)
    refused("consent.not_finished", lambda: consent.sign(clinic(), open_visit, TYPED, by=TABLET))
    understood(app, open_visit)
    signed(app, open_visit)
    stated = consent.find_statement(open_visit, Kind.SIGNED)
    assert stated is not None and stated.body["presented"]["areas"] == "Neck, Stomach"


def test_a_signature_is_one_statement_one_entry_and_signed_evidence_of_everything(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app, questions=("C-01",))
    refused("consent.already_signed", lambda: consent.sign(clinic(), visit_id, TYPED, by=TABLET))
    assert count(Statement, visit_id) == 1 and events(visit_id).count("consent.signed") == 1
    stated = consent.find_statement(visit_id, Kind.SIGNED)
    assert stated is not None
    assert the_signer().verify_evidence(stated.data, stated.signature)  # type: ignore[attr-defined]
    assert not the_signer().verify_evidence(stated.data + b" ", stated.signature)  # type: ignore[attr-defined]
    body = stated.body
    assert body["signature"]["typed"] == "Farida Sheikh" and len(body["signature"]["statements"]) == 4
    assert body["presented"] == consent.shown(visit_id).body
    assert body["patient"]["name"] == "Farida Sheikh" and body["visit"]["token"] == "K 01"
    given = answers.get_submission(visit_id)
    questionnaire = given.edition.questionnaire
    on = enabled(questionnaire, given.answers)
    asked = [i.link_id for i in questionnaire.questions if i.link_id in on and not i.hidden]
    assert [row["item"] for section in body["answers"] for row in section["rows"]] == asked
    assert [event["event"] for event in body["events"]][:1] == ["token.issued"]


def test_after_signing_nothing_the_patient_said_can_move(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app)
    now = consent.shown(visit_id)
    page = now.body["pages"][0]
    replies = {part["id"]: "question" for part in parts_of(page)}
    refused("consent.already_signed", lambda: consent.reply(visit_id, page["id"], replies, by=TABLET))
    refused("consent.already_signed", lambda: consent.decline(clinic(), visit_id, "", by=TABLET))
    revision = answers.get(visit_id).revision
    refused("answers.submitted", lambda: answers.save(visit_id, "tx-1", {}, revision, by=TABLET))
    assert consent.shown(visit_id) == now


def test_evidence_put_under_another_statement_does_not_open(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app)
    row = db.session.scalars(select(Statement)).one()
    patient_id = visits.get_visit(visit_id).patient_id
    with pytest.raises(Damaged):
        vault.open_(patient_id, f"statement|body|{visit_id}", row.body)


# ---- Saying no, and deciding ----


def test_saying_no_is_possible_at_any_time_and_twice_is_once(app: Flask, in_app: Flask) -> None:
    visit_id = a_visit(app)
    for reason in ("  I want to think about it  ", "another reason"):
        declined(app, visit_id, reason)
    stated = consent.find_statement(visit_id, Kind.DECLINED)
    assert stated is not None and stated.body["reason"] == "I want to think about it"
    assert "answers" not in stated.body and "presented" not in stated.body
    assert count(Statement, visit_id) == 1 and events(visit_id).count("consent.declined") == 1
    assert [job.key for job in jobs.list_unfinished()] == [str(visit_id)]


def test_saying_no_keeps_what_was_answered_until_then_and_says_that_it_was_not_given(
    app: Flask, in_app: Flask, open_visit: UUID
) -> None:
    declined(app, open_visit)
    stated = consent.find_statement(open_visit, Kind.DECLINED)
    assert stated is not None and stated.body["submitted"] is False
    assert stated.body["answers"][0]["rows"]
    refused("consent.already_decided", lambda: consent.sign(clinic(), open_visit, TYPED, by=TABLET))


def test_a_visit_is_decided_once(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    part = {"doctor": {"name": "Dr Joseph Menon"}, "decisions": []}
    for kind in (Kind.COUNTERSIGNED, Kind.POSTPONED, Kind.CLOSED):
        refused(
            "consent.already_decided",
            lambda kind=kind: consent.decide(clinic(), visit_id, kind, part, by=doctor_of(visit_id)),
        )
    assert consent.kinds_of(visit_id) == {Kind.SIGNED, Kind.COUNTERSIGNED}
    assert [job.key for job in jobs.list_unfinished()] == [str(visit_id)]


def test_a_countersignature_stands_on_the_patients_signature_and_names_its_digest(app: Flask, in_app: Flask) -> None:
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    first, second = (consent.find_statement(visit_id, kind) for kind in (Kind.SIGNED, Kind.COUNTERSIGNED))
    assert first is not None and second is not None
    assert second.body["patient_statement_sha256"] == first.sha256 == second.body["review"]["confirmed_sha256"]
    assert "answers" not in second.body


def test_postponed_before_signing_the_evidence_holds_what_the_patient_said(
    app: Flask, in_app: Flask, visit_id: UUID
) -> None:
    refused(
        "consent.not_signed",
        lambda: consent.decide(clinic(), visit_id, Kind.COUNTERSIGNED, {}, by=doctor_of(visit_id)),
    )
    with transaction():
        consent.decide(clinic(), visit_id, Kind.POSTPONED, {"words": "Come back in May"}, by=doctor_of(visit_id))
    stated = consent.find_statement(visit_id, Kind.POSTPONED)
    assert stated is not None and stated.body["answers"] and stated.body["review"]["words"] == "Come back in May"


def test_an_unknown_visit_is_not_found(in_app: Flask) -> None:
    nobody = UUID(int=0)
    with pytest.raises(NotFound), transaction():
        consent.decline(clinic(), nobody, "", by=TABLET)
    assert consent.state_of(nobody) is State.OPEN and consent.find_shown(nobody) is None
