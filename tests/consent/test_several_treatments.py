"""Of several treatments agreed to at one visit, one is taken back and the others stay; what was written before stays
readable."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import clock, consent, records, vault, visits
from intake.consent import TREATMENT, Force, Kind, Request, State
from intake.consent.models import Presentation
from intake.consent.statements import make_statement, statements_of
from intake.db import db, new_id, transaction
from intake.errors import Invalid
from intake.i18n import clinic
from intake.records.service import unsealed
from tests.builders import TABLET, TWO_TREATMENTS, a_signed_visit, a_visit, answered, signed, understood
from tests.conftest import MONDAY_NOON
from tests.endings import countersigned, record_id_of, withdrawn, work_done

MONDAY = MONDAY_NOON.date()
FAT, HAIR = "treatment:FAT", "treatment:HAIR"
FAT_WORDS = "Mesotherapy for fat and body shape: Under the chin"
HAIR_WORDS = "Mesotherapy for hair loss: Crown"
HAIR_ALONE = {link: said for link, said in TWO_TREATMENTS.items() if link != "tx.areas_body"} | {"tx.goals": ["hair"]}


@pytest.fixture
def visit_id(app: Flask) -> UUID:
    """A signed visit for two treatments, with photos for the record."""
    return a_signed_visit(app, TWO_TREATMENTS)


def shown_as(visit_id: UUID, **changes: Any) -> None:
    """Have a visit's words kept otherwise: a key changed, or left out where it is None, as a release before had it."""
    now = consent.shown(visit_id)
    body = {key: value for key, value in {**now.body, **changes}.items() if value is not None}
    with transaction():
        newest = db.session.get_one(Presentation, now.id)
        row = Presentation(
            id=new_id(),
            visit_id=visit_id,
            seq=newest.seq + 1,
            edition_id=newest.edition_id,
            language=newest.language,
            body=b"",
            at=clock.now(),
        )
        row.body = vault.seal(
            visits.get_visit(visit_id).patient_id, f"presentation|body|{row.id}", json.dumps(body).encode()
        )
        db.session.add(row)


def stands(visit_id: UUID) -> list[str]:
    return [part.id for part in consent.standing_of(visit_id, "en").parts]


def words(visit_id: UUID, language: str) -> list[tuple[str, str]]:
    parts = consent.standing_of(visit_id, language).parts
    return [(part.words, part.english) for part in parts if part.is_treatment]


# ---- What the parts are called ----


def test_each_treatment_of_a_visit_is_a_part_with_its_own_name_and_areas(app: Flask, visit_id: UUID) -> None:
    with app.app_context():
        now = consent.standing_of(visit_id, "en")
        assert [(part.id, part.words) for part in now.parts[:2]] == [(FAT, FAT_WORDS), (HAIR, HAIR_WORDS)]
        assert now.had_several and [part.is_treatment for part in now.parts] == [True, True, False]


def test_the_words_are_those_that_were_shown_not_those_of_the_definition(app: Flask, visit_id: UUID) -> None:
    with app.app_context():
        shown = [
            {"code": "FAT", "treatment": "Fat, as it was called", "areas": "Chin"},
            {"code": "HAIR", "treatment": "Hair", "areas": ""},
        ]
        shown_as(visit_id, by_treatment=shown)
        assert words(visit_id, "en") == [("Fat, as it was called: Chin",) * 2, ("Hair", "Hair")]


def test_read_in_hindi_they_stand_in_hindi_with_their_english(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, TWO_TREATMENTS)
    understood(app, visit_id, language="hi")
    signed(app, visit_id)
    with app.app_context():
        shown = consent.shown(visit_id).body["by_treatment"]
        said = [(f"{one['treatment']}: {one['areas']}", f"{one['treatment_en']}: {one['areas_en']}") for one in shown]
        assert words(visit_id, "hi") == said and [english for _own, english in said] == [FAT_WORDS, HAIR_WORDS]
        assert words(visit_id, "en") == [(FAT_WORDS, FAT_WORDS), (HAIR_WORDS, HAIR_WORDS)]


@pytest.mark.parametrize("language", ["en", "hi"])
def test_where_what_was_shown_does_not_name_each_the_edition_that_was_shown_does(
    app: Flask, visit_id: UUID, language: str
) -> None:
    with app.app_context():
        before = words(visit_id, language)
        shown_as(visit_id, by_treatment=None)
        assert words(visit_id, language) == before and [english for _own, english in before] == [FAT_WORDS, HAIR_WORDS]


def test_a_visit_of_one_treatment_has_the_part_and_the_words_it_always_had(app: Flask) -> None:
    visit_id = a_signed_visit(app)
    with app.app_context():
        before = words(visit_id, "en")
        shown_as(visit_id, by_treatment=None)
        assert stands(visit_id)[0] == TREATMENT and words(visit_id, "en") == before
        assert before == [("Mesotherapy for lines and firmer skin: Cheeks, Stomach",) * 2]


# ---- What is taken back ----


def test_one_treatment_is_taken_back_and_the_other_stays_in_force(app: Flask, visit_id: UUID) -> None:
    countersigned(app, visit_id)
    withdrawn(app, visit_id, FAT)
    with app.app_context():
        assert stands(visit_id) == [HAIR, "ph.rec"]
        assert consent.state_of(visit_id) is State.COUNTERSIGNED
        assert consent.force_of(visit_id, MONDAY) is Force.IN_FORCE
    withdrawn(app, visit_id, HAIR)
    with app.app_context():
        assert stands(visit_id) == ["ph.rec"]
        assert consent.state_of(visit_id) is State.WITHDRAWN
        assert consent.force_of(visit_id, MONDAY) is Force.WITHDRAWN


def test_asked_twice_is_once_and_another_treatment_is_refused(app: Flask, visit_id: UUID) -> None:
    with app.app_context():
        for expected in (True, False):
            with transaction():
                how = Request.PERSON
                taken = consent.withdraw(clinic(), visit_id, [FAT], "", how, identity=[], language="en", by=TABLET)
            assert taken is expected
        with pytest.raises(Invalid), transaction():
            consent.withdraw(clinic(), visit_id, ["treatment:LIPS"], "", how, identity=[], language="en", by=TABLET)
        assert stands(visit_id) == [HAIR, "ph.rec"]


def test_the_evidence_names_what_was_taken_back_and_what_still_stands(app: Flask, visit_id: UUID) -> None:
    withdrawn(app, visit_id, HAIR)
    with app.app_context():
        stated = consent.find_statement(visit_id, Kind.PART_WITHDRAWN)
        assert stated is not None
        assert stated.body["withdrawn"] == [{"id": HAIR, "words": HAIR_WORDS}]
        photos = {"id": "ph.rec", "words": "May we take photos for your medical record?"}
        assert stated.body["stands"] == [{"id": FAT, "words": FAT_WORDS}, photos]
        assert stated.body["withdrawn_before"] == []
    withdrawn(app, visit_id, FAT)
    with app.app_context():
        stated = consent.find_statement(visit_id, Kind.WITHDRAWN)
        assert stated is not None
        assert stated.body["withdrawn"] == [{"id": FAT, "words": FAT_WORDS}]
        assert stated.body["withdrawn_before"] == [{"id": HAIR, "words": HAIR_WORDS}]
        assert stated.body["stands"] == [photos]


def test_evidence_of_before_that_took_the_treatment_back_means_all_of_them(app: Flask, visit_id: UUID) -> None:
    with app.app_context():
        with transaction():
            said = {"withdrawn": [{"id": TREATMENT, "words": f"{FAT_WORDS}, {HAIR_WORDS}"}]}
            asked = {"request": {"how": "tablet", "identity": ["born_on"]}, "reason": "", "about": {}}
            make_statement(visit_id, Kind.WITHDRAWN, {"type": "intake/withdrawn", "format": 4} | said | asked, TABLET)
        now = consent.standing_of(visit_id, "en")
        assert [part.id for part in now.parts] == ["ph.rec"] and [part.id for part in now.gone] == [FAT, HAIR]
        assert now.taken_back[0].words == (f"{FAT_WORDS}, {HAIR_WORDS}",)


# ---- What it is worth ----


def test_a_later_consent_to_what_still_stands_replaces_the_earlier_one(
    app: Flask, visit_id: UUID, clock_at: Any
) -> None:
    countersigned(app, visit_id)
    with app.app_context():
        patient_id = visits.get_visit(visit_id).patient_id
    clock_at(MONDAY_NOON + timedelta(minutes=30))
    countersigned(app, a_signed_visit(app, HAIR_ALONE, patient_id=patient_id))
    with app.app_context():
        assert consent.force_of(visit_id, MONDAY) is Force.IN_FORCE, "the later one says nothing of FAT"
    withdrawn(app, visit_id, FAT)
    with app.app_context():
        assert consent.force_of(visit_id, MONDAY) is Force.SUPERSEDED


@pytest.mark.parametrize("is_before", [True, False])
def test_a_later_consent_replaces_what_was_still_in_it_when_it_was_countersigned(
    app: Flask, clock_at: Any, is_before: bool
) -> None:
    first = a_signed_visit(app, HAIR_ALONE)
    countersigned(app, first)
    with app.app_context():
        patient_id = visits.get_visit(first).patient_id
    clock_at(MONDAY_NOON + timedelta(minutes=30))
    second = a_signed_visit(app, TWO_TREATMENTS, patient_id=patient_id)
    if is_before:
        withdrawn(app, second, HAIR)
    countersigned(app, second)
    if not is_before:
        withdrawn(app, second, HAIR)
    with app.app_context():
        assert consent.force_of(first, MONDAY) is (Force.IN_FORCE if is_before else Force.SUPERSEDED)


def test_what_the_record_says_itself_leaves_it_current_and_what_came_later_does_not(app: Flask, visit_id: UUID) -> None:
    withdrawn(app, visit_id, FAT)
    countersigned(app, visit_id)
    assert work_done(app) == 2
    first = record_id_of(app, visit_id)
    with app.app_context():
        assert records.state_of(records.get_record(first)) is records.RecordState.CURRENT
    withdrawn(app, visit_id, "ph.rec")
    with app.app_context():
        assert records.state_of(records.get_record(first)) is records.RecordState.IN_PART


def test_the_first_record_says_in_part_and_each_taking_back_has_a_record(app: Flask, visit_id: UUID) -> None:
    countersigned(app, visit_id)
    work_done(app)
    first = record_id_of(app, visit_id)
    for part, worth, outcomes in (
        (FAT, records.RecordState.IN_PART, ["countersigned", "part_withdrawn"]),
        (HAIR, records.RecordState.WITHDRAWN, ["countersigned", "part_withdrawn", "withdrawn"]),
    ):
        withdrawn(app, visit_id, part)
        assert work_done(app) == 1
        with app.app_context():
            assert records.state_of(records.get_record(first)) is worth
            found = records.records_of_visit(visit_id)
            assert sorted(one.outcome for one in found) == outcomes
            assert all(records.verify_record(one.id).is_genuine for one in found)
            assert record_id_of(app, visit_id) == first


def test_the_record_of_a_taking_back_names_the_record_that_it_is_about_where_that_is_sealed_already(
    app: Flask, visit_id: UUID
) -> None:
    def told() -> list[str]:
        """What the record of the newest taking back says that it is about, as it is to be sealed now."""
        with app.test_request_context():
            *_, newest = statements_of(visit_id, {Kind.PART_WITHDRAWN})
            made = unsealed(visit_id, newest.sha256)
            assert made is not None
            return [fact.value.text for fact in made.snapshot.request if fact.label.text == "Is about the record"]

    withdrawn(app, visit_id, FAT)
    assert told() == []
    countersigned(app, visit_id)
    work_done(app)
    withdrawn(app, visit_id, "ph.rec")
    with app.app_context():
        number = records.get_record(record_id_of(app, visit_id)).number
    assert told() == [number]
