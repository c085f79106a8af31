"""Signing over HTTP: alone, with a helper, an interpreter, a witness, by a guardian or with a thumb print; what is
refused keeps what was typed; what was signed says who took part and until when it is good."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import consent, i18n, visits
from intake.access import SYSTEM
from intake.config import Settings
from intake.consent.evidence import FORMAT
from intake.db import transaction
from intake.errors import Invalid
from tests.builders import HEALTHY, a_visit, answered, strokes, understood
from tests.conftest import StrictClient, sign_in
from tests.kiosk.pages import at_sign, browser_fields, errors_of, identified, send, title_of

SIGN = "/visit/sign"
TYPED = {"how": "type", "typed": "Farida Sheikh"}
HELPED = {"st.who": "helped", "st.helper_name": "Asha Iyer", "st.helper_role": "family"}
GUARDED = {"st.who": "guardian", "st.helper_name": "Imran Sheikh", "st.helper_role": "guardian"}


def signed(app: Flask, visit_id: UUID) -> dict[str, Any]:
    """What was signed; {} while nothing was."""
    with app.test_request_context():
        stated = consent.find_statement(visit_id, consent.Kind.SIGNED)
        return stated.body if stated else {}


def at_sign_with(app: Flask, said: Mapping[str, Any], born_on: str = "") -> tuple[StrictClient, UUID]:
    """A patient in front of the signature page who answered so, after the doctor's talk where one comes first; their
    stored date of birth can be another."""
    visit_id = a_visit(app)
    answered(app, visit_id, HEALTHY | dict(said))
    understood(app, visit_id)
    client = identified(app, visit_id)
    with app.test_request_context(), transaction():
        if consent.waits_for_doctor(i18n.clinic(), visit_id):
            visits.move(visit_id, visits.Move.RELEASED, by=SYSTEM)
        if born_on:
            patient = visits.get_visit(visit_id).patient_id
            visits.write_fact(patient, visits.Fact.BORN_ON, born_on, by=SYSTEM)
    return client, visit_id


def helping(page: str) -> str:
    """The box for other people."""
    return page.split('<details class="why helping"')[1].split("</details>")[0]


def test_a_patient_alone_signs_as_before_and_the_box_for_others_stays_closed(app: Flask) -> None:
    client, visit_id = at_sign(app)
    page = client.get(SIGN).text
    assert not helping(page).startswith(" open") and 'value="Asha' not in page
    assert send(client, SIGN, **TYPED).status_code == 303
    body = signed(app, visit_id)
    assert (body["format"], body["signature"]["by"], body["people"], body["notes"]) == (FORMAT, "patient", [], [])


def test_who_helped_with_the_questions_is_suggested_and_no_signature_is(app: Flask) -> None:
    client, visit_id = at_sign_with(app, HELPED)
    page = client.get(SIGN).text
    assert helping(page).startswith(" open")
    fields = browser_fields(page)
    assert (fields["helper_name"], fields["typed"], fields["strokes"]) == (["Asha Iyer"], [""], [""])
    assert '<option value="family" selected>' in helping(page)
    assert client.post(SIGN, data=fields | TYPED | {"helper_role": "family"}).status_code == 303
    assert signed(app, visit_id)["people"] == [{"part": "helper", "name": "Asha Iyer", "role": "family"}]


def test_a_suggestion_that_was_cleared_is_nobody(app: Flask) -> None:
    client, visit_id = at_sign_with(app, HELPED)
    assert send(client, SIGN, **TYPED, helper_name="", helper_role="").status_code == 303
    assert signed(app, visit_id)["people"] == []


def test_helper_interpreter_and_witness_are_each_kept_with_name_and_role(app: Flask) -> None:
    client, visit_id = at_sign(app)
    people = {
        "helper_name": "Imran Sheikh",
        "helper_role": "family",
        "interpreter_name": "Meera  Das ",
        "interpreter_role": "interp",
        "witness_name": "आशा अय्यर",
        "witness_role": "staff",
    }
    assert send(client, SIGN, how="draw", strokes=strokes(), **people).status_code == 303
    body = signed(app, visit_id)
    assert body["people"] == [
        {"part": "helper", "name": "Imran Sheikh", "role": "family"},
        {"part": "interpreter", "name": "Meera  Das", "role": "interp"},
        {"part": "witness", "name": "आशा अय्यर", "role": "staff"},
    ]
    assert body["signature"]["method"] == "drawn" and body["notes"] == []


def test_a_thumb_print_is_made_on_paper_before_a_named_witness(app: Flask) -> None:
    client, visit_id = at_sign(app)
    assert send(client, SIGN, how="thumb", witness_name="Asha Iyer", witness_role="other").status_code == 303
    signature = signed(app, visit_id)["signature"]
    assert (signature["method"], signature["by"]) == ("thumb", "patient")
    assert "typed" not in signature and "drawn" not in signature


def test_a_guardian_signs_for_an_adult_with_a_name_of_their_own(app: Flask) -> None:
    client, visit_id = at_sign_with(app, GUARDED)
    page = client.get(SIGN).text
    assert browser_fields(page)["guardian_name"] == ["Imran Sheikh"]
    assert send(client, SIGN, how="type", typed="Imran Sheikh", guardian_role="guardian").status_code == 303
    body = signed(app, visit_id)
    assert (body["signature"]["by"], body["signature"]["typed"]) == ("guardian", "Imran Sheikh")
    assert body["people"] == [{"part": "guardian", "name": "Imran Sheikh", "role": "guardian"}]


REFUSED = [
    ({**TYPED, "helper_name": "Asha Iyer"}, "Helper: Choose who this person is", "helper_role"),
    ({**TYPED, "helper_role": "family"}, "Helper: Write the name", "helper_name"),
    (
        {**TYPED, "interpreter_name": "Meera Das", "interpreter_role": "guardian"},
        "Interpreter: Choose who this person is",
        "interpreter_role",
    ),
    ({"how": "thumb"}, "Witness: A thumb print needs a witness. Write the name", "witness_name"),
    (
        {**TYPED, "witness_name": "farida SHEIKH", "witness_role": "other"},
        "Witness: Nobody can be their own witness. Name somebody else",
        "witness_name",
    ),
    ({**TYPED, "witness_name": "x" * 201, "witness_role": "other"}, "Write at most 200 characters", "witness_name"),
]


@pytest.mark.parametrize(("form", "says", "box"), REFUSED)
def test_who_takes_part_and_is_not_named_as_they_must_be_is_asked_for_and_what_was_typed_stays(
    app: Flask, form: dict[str, str], says: str, box: str
) -> None:
    client, visit_id = at_sign(app)
    answer = send(client, SIGN, **form)
    assert (answer.status_code, errors_of(answer.text)) == (422, [says])
    assert title_of(answer.text).startswith("Error:") and f'href="#{box}"' in answer.text
    assert helping(answer.text).startswith(" open")
    assert re.search(rf'id="{box}"[^>]*aria-describedby="[^"]*{box}-err"[^>]*aria-invalid="true"', answer.text)
    kept = browser_fields(answer.text)
    for name, value in form.items():
        chosen = re.search(rf'<select[^>]* name="{name}".*?<option value="([^"]*)" selected>', answer.text, re.S)
        assert kept.get(name) == [value] or (chosen and chosen[1] == value) or name.endswith("_role"), name
    assert signed(app, visit_id) == {}


def test_a_drawing_is_kept_on_the_page_where_only_the_witness_is_missing(app: Flask) -> None:
    client, visit_id = at_sign(app)
    answer = send(client, SIGN, how="draw", strokes=strokes(), witness_name="Asha Iyer")
    assert errors_of(answer.text) == ["Witness: Choose who this person is"]
    assert browser_fields(answer.text)["strokes"] == [strokes()]
    assert signed(app, visit_id) == {}


def test_a_signature_and_a_witness_that_are_both_missing_are_both_named(app: Flask) -> None:
    client, _visit_id = at_sign(app)
    answer = send(client, SIGN, how="type", typed="", witness_name="Asha Iyer")
    assert errors_of(answer.text) == ["Type your full name to sign", "Witness: Choose who this person is"]


def test_a_guardian_who_types_the_name_of_the_patient_is_asked_for_their_own(app: Flask) -> None:
    client, visit_id = at_sign_with(app, GUARDED)
    answer = send(client, SIGN, **TYPED, guardian_role="guardian")
    assert errors_of(answer.text) == [
        "Parent or guardian, who signs: A guardian signs with their own name, not with that of the patient"
    ]
    assert signed(app, visit_id) == {}


def test_a_guardian_of_somebody_under_18_is_sent_to_the_doctor_and_signs_nothing(app: Flask) -> None:
    client, visit_id = at_sign_with(app, GUARDED, born_on="2010-03-04")
    for answer in (client.get(SIGN), client.submit(SIGN, {"how": "type", "typed": "Imran Sheikh"})):
        assert title_of(answer.text).startswith("A guardian cannot sign here today")
        assert "give the tablet back to reception" in answer.text and "/visit/decline" in answer.text
    assert signed(app, visit_id) == {}


def test_nobody_signs_for_a_patient_who_answers_for_themselves(app: Flask) -> None:
    client, visit_id = at_sign(app)
    assert "guardian_name" not in client.get(SIGN).text
    answer = send(client, SIGN, how="type", typed="Imran Sheikh", guardian_name="Imran Sheikh", guardian_role="family")
    assert errors_of(answer.text) == [
        "Parent or guardian, who signs: Somebody else signs only after a talk with the doctor. Please ask reception"
    ]
    assert browser_fields(answer.text)["guardian_name"] == ["Imran Sheikh"] and signed(app, visit_id) == {}


def test_a_clinic_may_let_guardians_sign_for_somebody_under_18(app: Flask, settings: Settings) -> None:
    app.config["INTAKE"] = replace(settings, clinic=replace(settings.clinic, guardian_may_sign=True))
    client, visit_id = at_sign_with(app, GUARDED, born_on="2010-03-04")
    assert send(client, SIGN, how="type", typed="Imran Sheikh", guardian_role="guardian").status_code == 303
    assert signed(app, visit_id)["signature"]["by"] == "guardian"


def test_a_verb_called_past_the_page_refuses_the_same(app: Flask) -> None:
    _client, visit_id = at_sign(app)
    with app.test_request_context(), pytest.raises(Invalid) as refusal, transaction():
        consent.sign(i18n.clinic(), visit_id, {"method": "thumb"}, by=SYSTEM)
    assert (refusal.value.code, refusal.value.facts) == ("signature.no_witness", {"part": "witness"})
    assert signed(app, visit_id) == {}


def test_the_doctor_reads_who_took_part_and_that_a_relative_interpreted_alone(app: Flask) -> None:
    client, visit_id = at_sign(app)
    people = {"interpreter_name": "Imran Sheikh", "interpreter_role": "family"}
    assert send(client, SIGN, **TYPED, **people).status_code == 303
    assert signed(app, visit_id)["notes"] == ["relative_interprets"]
    page = sign_in(app, "rao@demo.example").get(f"/review/{visit_id}").text
    part = page.split('id="took-part"')[1].split("</section>")[0]
    assert "The patient. Typed on the tablet" in part and "<bdi>Imran Sheikh</bdi>, Family or friend" in part
    assert "A relative was the only interpreter." in part and "23 May 2027" in part


# ---- What the consent is about ----


def test_the_page_says_what_the_consent_is_for_and_until_when(app: Flask) -> None:
    client, _visit_id = at_sign(app)
    listed = client.get(SIGN).text.split('<section class="scope"')[1].split("</section>")[0]
    rows = re.findall(r"<dt>(.*?)</dt><dd><bdi[^>]*>(.*?)</bdi>", listed)
    assert rows == [
        ("Treatment", "Mesotherapy for lines and firmer skin"),
        ("Areas", "Cheeks, Stomach"),
        ("With", "Dr Ananya Rao"),
        ("Planned visits", "about 6"),
        ("Good until", "23 May 2027"),
    ]


def with_products(settings: Settings, **products: str) -> Settings:
    """The clinic's settings with kinds of product of some treatments."""
    plans = settings.clinic.treatments
    named = {code: replace(plans[code], products=words) for code, words in products.items()}
    return replace(settings, clinic=replace(settings.clinic, treatments={**plans, **named}))


def test_kinds_of_product_stand_on_the_page_and_in_what_is_signed_where_the_clinic_names_them(
    app: Flask, settings: Settings
) -> None:
    app.config["INTAKE"] = with_products(settings, REJUV="Vitamins, hyaluronic acid", FAT="Never asked for here")
    client, visit_id = at_sign(app)
    said = re.findall(r"<dt>Kinds of product</dt><dd><bdi[^>]*>(.*?)</bdi>", client.get(SIGN).text)
    assert said == ["Vitamins, hyaluronic acid"]
    send(client, SIGN, **TYPED)
    assert signed(app, visit_id)["scope"]["products"] == "Vitamins, hyaluronic acid"


@pytest.mark.parametrize(
    ("products", "said"),
    [
        ({}, None),
        ({"REJUV": "vitamins"}, "vitamins (mesotherapy for lines and firmer skin)"),
        ({"REJUV": "vitamins", "LIPS": "vitamins"}, "vitamins"),
        (
            {"REJUV": "vitamins, biotin", "LIPS": "hyaluronic acid"},
            "vitamins, biotin (mesotherapy for lines and firmer skin); "
            "hyaluronic acid (mesotherapy for dry lips and fine lines near the mouth)",
        ),
    ],
)
def test_kinds_of_product_of_one_of_two_treatments_are_not_said_of_both(
    app: Flask, settings: Settings, products: dict[str, str], said: str | None
) -> None:
    app.config["INTAKE"] = with_products(settings, **products)
    client, visit_id = at_sign_with(app, {"tx.goals": ["lines", "lips_lines"]})
    send(client, SIGN, **TYPED)
    assert signed(app, visit_id)["scope"].get("products") == said


def test_the_scope_is_signed_with_codes_doctor_visits_and_the_last_day(app: Flask) -> None:
    client, visit_id = at_sign(app)
    send(client, SIGN, **TYPED)
    body = signed(app, visit_id)
    assert body["scope"] == body["presented"]["scope"] | {"valid_until": "2027-05-23"}
    assert body["scope"] == {
        "treatments": ["REJUV"],
        "areas": [{"treatment": "REJUV", "codes": ["cheeks", "stomach"]}],
        "doctor": body["doctor"],
        "sessions": "6",
        "months": 6,
        "valid_until": "2027-05-23",
    }


def test_a_consent_is_good_for_the_months_that_were_on_the_page(app: Flask, settings: Settings) -> None:
    app.config["INTAKE"] = replace(settings, clinic=replace(settings.clinic, consent_months=3))
    client, visit_id = at_sign(app)
    assert "23 February 2027" in client.get(SIGN).text
    app.config["INTAKE"] = settings
    send(client, SIGN, **TYPED)
    assert signed(app, visit_id)["scope"]["valid_until"] == "2027-02-23"
