"""What format 3 of the evidence adds to a record: who signed, who took part, for how long. Evidence of the formats
before it composes all the same, and what is composed can be read in the PDF."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intake.i18n import translator
from intake.records.compose import snapshot
from intake.records.render import render
from intake.records.rules import Fact, Helper, Words
from tests.records.statements import COUNTERSIGNED, GIVEN, SIGNED, made

SCOPE = {
    "treatments": ["REJUV"],
    "areas": [{"treatment": "REJUV", "codes": ["cheeks"]}],
    "doctor": {"id": "1", "name": "Dr Ananya Rao", "registration_no": "DMC-00001"},
    "sessions": "4",
    "months": 6,
    "valid_until": "2027-05-23",
}
HELPER = {"part": "helper", "name": "Imran Sheikh", "role": "family"}
WITNESS = {"part": "witness", "name": "Asha Iyer", "role": "staff"}
GUARDIAN = {"part": "guardian", "name": "Imran Sheikh", "role": "guardian"}


def newer(method: str = "typed", *people: dict[str, str], by: str = "patient", **more: Any) -> dict[str, Any]:
    """Signed evidence of format 3."""
    signature = {"method": method, "by": by} | ({"typed": "F. Sheikh"} if method == "typed" else {})
    return SIGNED | {"format": 3, "signature": signature, "people": list(people), "notes": [], "scope": SCOPE} | more


def words_of_pdf(evidence: dict[str, Any], folder: Path, language: str = "en") -> str:
    """The text of the PDF that this evidence makes, without the spaces."""
    translate = translator(language)
    record = snapshot(evidence | {"language": language}, COUNTERSIGNED, b"{}", GIVEN, translate)
    file = folder / "record.pdf"
    file.write_bytes(render(replace(record, sealed_at=GIVEN.sealed_at), b"{}", translate))
    text = subprocess.run(["pdftotext", file, "-"], check=True, capture_output=True, text=True).stdout
    return re.sub(r"\s+", "", text)


def test_the_treatment_box_says_how_many_visits_are_planned_and_until_when_the_consent_is_good() -> None:
    assert made(newer()).treatment[-2:] == (
        Fact(Words("Planned visits"), Words("4")),
        Fact(Words("Good until"), Words("23 May 2027")),
    )


def test_the_treatment_box_names_the_kinds_of_product_where_they_were_signed() -> None:
    hindi = made(newer(language="hi", scope=SCOPE | {"products": "विटामिन", "products_en": "Vitamins"})).treatment
    assert Fact(Words("Kinds of product"), Words("विटामिन", "Vitamins")) in hindi
    assert "Kinds of product" not in [fact.label.text for fact in made(newer()).treatment]


def test_who_took_part_stands_with_part_and_role_in_the_order_of_the_page() -> None:
    assert made(newer("typed", HELPER, WITNESS)).helpers == (
        Helper("Imran Sheikh", Words("Helper: Family or friend")),
        Helper("Asha Iyer", Words("Witness: Clinic staff")),
    )


def test_parts_and_roles_stand_in_the_language_read_with_their_english() -> None:
    hindi = {"Helper": "मददगार", "Family or friend": "परिवार या दोस्त"}
    evidence = newer("typed", HELPER, language="hi")
    record = snapshot(evidence, COUNTERSIGNED, b"{}", GIVEN, lambda english: hindi.get(english, english))
    assert record.helpers == (Helper("Imran Sheikh", Words("मददगार: परिवार या दोस्त", "Helper: Family or friend")),)


def test_a_guardian_is_named_under_the_signature_as_the_one_who_signed() -> None:
    signature = made(newer("typed", GUARDIAN, by="guardian")).signature
    assert (signature.name, signature.who.text) == ("Imran Sheikh", "Guardian, for the patient")
    assert made(newer()).signature.who == Words("Patient")


def test_a_thumb_print_is_said_to_be_on_paper_before_its_witness() -> None:
    signature = made(newer("thumb", WITNESS)).signature
    assert (signature.name, signature.typed, signature.path) == ("Farida Sheikh", "", "")
    assert signature.where == Words("thumb print on paper, witnessed by Asha Iyer, Clinic staff")


def test_evidence_of_the_formats_before_composes_as_it_did() -> None:
    answers = [
        {"item": "st.helper_name", "question": "Who helps?", "answer": "Imran", "values": []},
        {"item": "st.helper_role", "question": "How?", "answer": "Family or friend", "values": []},
    ]
    record = made(SIGNED | {"answers": [{"id": "st", "title": "Start", "rows": answers}]})
    assert record.helpers == (Helper("Imran", Words("Family or friend")),)
    assert [fact.label.text for fact in record.treatment] == ["Treatment", "Areas", "Doctor"]
    assert (record.signature.name, record.signature.who) == ("Farida Sheikh", Words("Patient"))


@pytest.mark.parametrize("language", ["en", "hi", "ar"])
def test_the_pdf_holds_it_in_words(language: str, tmp_path: Path) -> None:
    text = words_of_pdf(newer("thumb", HELPER, WITNESS), tmp_path, language)
    for words in ("Thumb print on paper", "Who took part", "Imran Sheikh", "Asha Iyer"):
        assert words.replace(" ", "") in text, words
    if language == "en":
        for words in ("Witness: Clinic staff", "Planned visits4", "Good until23 May 2027"):
            assert words.replace(" ", "") in text, words
