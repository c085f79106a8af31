"""Answers with the database: a draft that loses nothing, two tabs that do not fight, a submission that is final."""

import json
import threading
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from flask import Flask
from sqlalchemy import func, select

from intake import answers, audit, screening, vault, visits
from intake.answers.models import Response, Submission
from intake.audit.rules import commitment
from intake.db import db, transaction
from intake.errors import Damaged, DomainError, NotAllowed, NotFound, Stale
from tests.builders import HEALTHY, TABLET, a_visit, answered, complete_answers, value_of


@pytest.fixture
def visit_id(in_app: Flask, app: Flask) -> UUID:
    """A visit whose questionnaire has just begun."""
    visit_id = a_visit(app)
    with transaction():
        answers.begin(visit_id, by=TABLET)
    return visit_id


@pytest.fixture
def full(in_app: Flask, app: Flask) -> UUID:
    """A visit with every page answered and nothing given yet."""
    visit_id = a_visit(app)
    answered(app, visit_id, submit=False)
    return visit_id


def page(visit_id: UUID, **plain: Any) -> dict[str, Any]:
    questionnaire = answers.get(visit_id).edition.questionnaire
    return {link: value_of(questionnaire, link, value) for link, value in plain.items()}


def save(visit_id: UUID, revision: int, section: str = "tx", **plain: Any) -> int:
    """Save a page as the browser sends it; gives the revision afterwards."""
    with transaction():
        answers.save(visit_id, section, page(visit_id, **plain), revision, by=TABLET)
    return answers.get(visit_id).revision


def said(visit_id: UUID, link_id: str) -> Any:
    return answers.get(visit_id).draft.answers.get(link_id)


def events(visit_id: UUID, event: str) -> list[Any]:
    return [json.loads(e.body)["facts"] for e in audit.history_of(visit_id) if e.event == event]


FAT = {"tx.goals": ["fat"], "tx.areas_body": ["stomach"]}
LINES = {"tx.goals": ["lines"], "tx.areas_face": ["cheeks"]}


# ---- A draft ----


def test_a_response_begins_once_on_the_current_edition_with_what_is_known(in_app: Flask, app: Flask) -> None:
    visit_id = a_visit(app)
    assert answers.find(visit_id) is None
    with transaction():
        first = answers.begin(visit_id, by=TABLET, known={"id.name": [{"valueString": "Farida Sheikh"}]})
    with transaction():
        again = answers.begin(visit_id, by=TABLET, known={"id.name": [{"valueString": "Somebody Else"}]})
    assert again == first
    assert said(visit_id, "id.name") == [{"valueString": "Farida Sheikh"}]
    assert first.draft.saved == frozenset(), "what is filled in for the patient is not yet the patient's word"
    assert len(events(visit_id, "response.begun")) == 1


def test_a_page_saved_is_there_again(visit_id: UUID) -> None:
    save(visit_id, 1, **FAT)
    begun = answers.get(visit_id)
    assert begun.draft.answers["tx.areas_body"] == page(visit_id, **FAT)["tx.areas_body"]
    assert begun.draft.saved == {"tx"} and begun.revision == 2


def test_the_same_page_sent_twice_is_one_result(visit_id: UUID) -> None:
    assert save(visit_id, 1, **FAT) == 2
    assert save(visit_id, 1, **FAT) == 2, "a form sent again by an impatient finger"
    assert events(visit_id, "response.page_saved") == [{"section": "tx"}]


def test_of_two_tabs_the_older_one_is_told_and_overwrites_nothing(visit_id: UUID) -> None:
    assert save(visit_id, 1, **FAT) == 2
    with pytest.raises(Stale) as refusal:
        save(visit_id, 1, **LINES)
    assert refusal.value.code == "answers.changed_elsewhere"
    assert said(visit_id, "tx.goals") == page(visit_id, **FAT)["tx.goals"]
    assert save(visit_id, 2, **LINES) == 3


@pytest.mark.parametrize("revision", [0, -1, 7, 2**40])
def test_a_revision_that_never_was_is_stale_too(visit_id: UUID, revision: int) -> None:
    with pytest.raises(Stale):
        save(visit_id, revision, **FAT)


def test_an_answer_to_a_question_that_is_not_asked_is_dropped_and_said_in_the_log(visit_id: UUID) -> None:
    save(visit_id, 1, **LINES, **{"tx.areas_scalp": ["crown"]})
    assert said(visit_id, "tx.areas_scalp") is None
    assert said(visit_id, "tx.areas_face")
    assert events(visit_id, "response.not_asked_dropped") == [{"items": "tx.areas_scalp"}]


def test_changing_ones_mind_back_restores_what_was_answered_before(full: UUID) -> None:
    revision = answers.get(full).revision
    revision = save(full, revision, **FAT)
    revision = save(full, revision, **{"tx.goals": ["hair"], "tx.areas_scalp": ["crown"]})
    assert said(full, "tx.areas_body"), "kept in the draft while it is not asked"
    save(full, revision, **{"tx.goals": ["fat"]})
    begun = answers.get(full)
    assert begun.draft.answers["tx.areas_body"] == page(full, **FAT)["tx.areas_body"]


def test_an_item_nobody_knows_is_dropped(visit_id: UUID) -> None:
    with transaction():
        answers.save(visit_id, "tx", {"no.such": [{"valueString": "x"}]}, 1, by=TABLET)
    assert "no.such" not in answers.get(visit_id).draft.answers
    assert events(visit_id, "response.not_asked_dropped") == [{"items": "no.such"}]


def test_a_draft_is_sealed_for_its_patient_in_its_own_row(visit_id: UUID) -> None:
    save(visit_id, 1, **FAT)
    row = db.session.scalars(select(Response)).one()
    assert b"stomach" not in row.body
    patient_id = visits.get_visit(visit_id).patient_id
    assert b"stomach" in vault.open_(patient_id, f"response|body|{row.id}", row.body)
    with pytest.raises(Damaged):
        vault.open_(patient_id, f"submission|body|{row.id}", row.body)


def test_nothing_is_saved_for_a_visit_that_has_not_begun(in_app: Flask, app: Flask) -> None:
    visit_id = a_visit(app)
    with pytest.raises(NotFound), transaction():
        answers.save(visit_id, "tx", {}, 1, by=TABLET)
    with pytest.raises(NotFound), transaction():
        answers.submit(visit_id, "en", by=TABLET)
    with pytest.raises(NotFound):
        answers.get(visit_id)


# ---- Given ----


def test_answers_are_not_taken_while_a_page_is_open(visit_id: UUID) -> None:
    save(visit_id, 1, **FAT)
    with pytest.raises(NotAllowed) as refusal, transaction():
        answers.submit(visit_id, "en", by=TABLET)
    assert refusal.value.code == "answers.incomplete"
    assert answers.find_submission(visit_id) is None and not screening.findings_of(visit_id)


def test_a_page_that_a_change_opens_again_must_be_answered_first(full: UUID) -> None:
    save(full, answers.get(full).revision, **{"tx.goals": ["hair"], "tx.areas_scalp": ["crown"]})
    with pytest.raises(NotAllowed, match=r"answers\.incomplete"), transaction():
        answers.submit(full, "en", by=TABLET)


def test_given_twice_is_given_once(full: UUID) -> None:
    with transaction():
        first = answers.submit(full, "en", by=TABLET)
    with transaction():
        again = answers.submit(full, "hi", by=TABLET)
    assert again == first and again.language == "en"
    assert db.session.scalar(select(func.count()).select_from(Submission)) == 1
    assert len(events(full, "response.submitted")) == len(events(full, "visit.screened")) == 1


def test_eight_tabs_that_give_the_same_answers_at_once_give_them_once(app: Flask, full: UUID) -> None:
    db.session.rollback()
    start, given, failed = threading.Barrier(8), set(), []

    def submit() -> None:
        start.wait()
        try:
            with app.test_request_context(), transaction():
                given.add(answers.submit(full, "en", by=TABLET).id)
        except DomainError as error:
            failed.append(error)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(given), failed) == (1, [])
    assert len(events(full, "response.submitted")) == 1


def test_only_what_was_asked_is_given(full: UUID) -> None:
    revision = save(full, answers.get(full).revision, **{"tx.goals": ["tighten", "fat"], "tx.areas_body": ["arms"]})
    save(full, revision, **{"tx.goals": ["lighten"], "tx.areas_face": ["cheeks"]})
    begun = answers.get(full)
    complete = complete_answers(begun.edition.questionnaire, dict(HEALTHY) | {"tx.goals": ["lighten"]})
    with transaction():
        for section in begun.edition.questionnaire.sections:
            now = answers.get(full)
            answers.save(
                full, section.id, {i: complete[i] for i in section.items if i in complete}, now.revision, by=TABLET
            )
        given = answers.submit(full, "en", by=TABLET)
    assert "tx.areas_body" not in given.answers and "tx.areas_body" in answers.get(full).draft.answers
    assert answers.get_submission(full) == given


def test_after_giving_nothing_can_be_saved(full: UUID) -> None:
    with transaction():
        answers.submit(full, "en", by=TABLET)
    revision = answers.get(full).revision
    with pytest.raises(NotAllowed, match=r"answers\.submitted"):
        save(full, revision, **FAT)


def test_the_log_holds_a_commitment_to_the_answers_and_not_the_answers(full: UUID) -> None:
    with transaction():
        given = answers.submit(full, "en", by=TABLET)
    facts = events(full, "response.submitted")[0]
    assert facts == {"commitment": commitment(bytes.fromhex(given.salt), rfc8785.dumps(given.answers))}


def test_what_the_patient_says_of_themselves_is_learned_and_finds_them_afterwards(in_app: Flask, app: Flask) -> None:
    visit_id = a_visit(app, name="Farida Shaikh", phone="")
    answered(app, visit_id)
    patient_id = visits.get_visit(visit_id).patient_id
    facts = visits.facts_of(patient_id)
    assert (facts[visits.Fact.NAME], facts[visits.Fact.BORN_ON]) == ("Farida Sheikh", "1968-03-04")
    for name in ("Shaikh", "Sheikh"):
        assert visits.find_patients_by(name=name, phone="0421") == {patient_id}


def test_which_visits_have_given_answers_is_known_without_opening_them(in_app: Flask, app: Flask, full: UUID) -> None:
    other = a_visit(app, name="Jo")
    with transaction():
        answers.submit(full, "en", by=TABLET)
    assert answers.is_submitted([full, other]) == {full}
    assert answers.is_submitted([]) == set()
