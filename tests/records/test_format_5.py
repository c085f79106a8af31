"""What format 5 of the evidence adds to a record: which of several treatments was taken back, and what still stands.
Evidence of the formats before it composes all the same, and what is composed can be read in the PDF."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from intake.i18n import translator
from intake.records.compose import snapshot
from intake.records.render import render
from intake.records.rules import Fact, Snapshot, Words
from tests.records.statements import COUNTERSIGNED, GIVEN, PRESENTED, SIGNED

FAT = {"id": "treatment:FAT", "words": "Fat: Chin"}
HAIR = {"id": "treatment:HAIR", "words": "Hair: Crown"}
PHOTOS = {"id": "ph.rec", "words": "Photos for the record?"}
FILMS = {"id": "ph.teach", "words": "Photos for teaching?"}
BOTH = SIGNED | {"presented": PRESENTED | {"treatments": ["FAT", "HAIR"], "treatment": "Fat, Hair", "areas": "Chin"}}
WHO = ("at", "by", "clinic", "visit", "patient", "doctor", "language", "events")
OF_TREATMENT = "The patient took back some of the treatments. The rest, named below, is not changed by it."
OF_AGREEMENT = "The patient took a part back. The consent to the treatment is not changed by it."
OF_AGREEMENT_ALONE = "The patient took a part back. No treatment of this visit is agreed to."
WHOLLY = "The patient took this consent back"


def taken(kind: str, *parts: dict[str, str], **more: Any) -> Snapshot:
    """A record of something taken back."""
    asked = {"how": "tablet", "identity": ["born_on"]}
    said = {"type": f"intake/{kind}", "withdrawn": list(parts), "reason": "", "request": asked}
    evidence = {key: SIGNED[key] for key in WHO} | said | more
    return snapshot(evidence, evidence, b"{}", GIVEN)


def decided(before: list[dict[str, str]], stands: list[dict[str, str]], first: dict[str, Any] = BOTH) -> Snapshot:
    """A countersigned record, of which something had been taken back before."""
    review = COUNTERSIGNED["review"] | {"taken_back": before, "stands": stands}
    return snapshot(first, COUNTERSIGNED | {"review": review}, b"{}", GIVEN)


def text_of(record: Snapshot, folder: Path) -> str:
    """The text of the record's PDF, spaces made one."""
    (folder / "record.pdf").write_bytes(render(record, b"{}", translator("en")))
    said = subprocess.run(["pdftotext", folder / "record.pdf", "-"], check=True, capture_output=True, text=True).stdout
    return re.sub(r"\s+", " ", said)


@pytest.mark.parametrize(
    ("record", "sentence", "others"),
    [
        (taken("part_withdrawn", FAT, stands=[HAIR, PHOTOS]), OF_TREATMENT, [OF_AGREEMENT, WHOLLY]),
        (taken("part_withdrawn", PHOTOS, stands=[FAT, HAIR]), OF_AGREEMENT, [OF_TREATMENT, WHOLLY]),
        (taken("part_withdrawn", PHOTOS, stands=[FILMS], withdrawn_before=[FAT]), OF_AGREEMENT_ALONE, [OF_AGREEMENT]),
        (taken("withdrawn", FAT, HAIR, stands=[PHOTOS]), WHOLLY, [OF_TREATMENT, OF_AGREEMENT]),
    ],
)
def test_the_record_names_what_was_taken_back_and_then_what_still_stands(
    record: Snapshot, sentence: str, others: list[str], tmp_path: Path
) -> None:
    text = text_of(record, tmp_path)
    assert sentence in text and not any(other in text for other in others)
    places = [text.index(one.text) for one in (*record.taken_back, *record.stands)]
    assert places == sorted(places)
    assert text.index("What was taken back") < places[0] < text.index("What was not taken back") < places[-1]


def test_the_record_of_the_last_one_names_what_went_before_it(tmp_path: Path) -> None:
    record = taken("withdrawn", HAIR, stands=[], withdrawn_before=[FAT])
    text = text_of(record, tmp_path)
    assert text.index("What was taken back") < text.index("Hair: Crown") < text.index("Taken back before")
    assert text.index("Taken back before") < text.index("Fat: Chin") and "not taken back" not in text


def test_evidence_of_the_formats_before_says_of_no_treatment_that_it_stands(tmp_path: Path) -> None:
    for record, sentence in (
        (taken("part_withdrawn", PHOTOS), OF_AGREEMENT),
        (taken("withdrawn", {"id": "treatment", "words": "Fat, Hair: Chin"}), WHOLLY),
    ):
        text = text_of(record, tmp_path)
        assert record.stands == record.taken_back_before == () and sentence in text
        assert "not taken back" not in text and "Taken back before" not in text


def test_who_took_it_down_is_named_where_known_and_otherwise_leaves_no_empty_line() -> None:
    at_tablet, unknown = taken("withdrawn", HAIR), taken("withdrawn", HAIR, by="system:9")
    assert Fact(Words("Taken down by"), Words("Tablet T1")) in at_tablet.request
    assert [fact.label.text for fact in unknown.request] == ["How the patient asked", "Who asked was checked"]


def test_what_was_taken_back_before_the_doctor_decided_stands_in_the_record_and_not_in_its_headline() -> None:
    record = decided([FAT], [HAIR, PHOTOS])
    assert record.summary == Words("Hair: Crown. Dr Ananya Rao")
    assert record.treatment[-2:] == (
        Fact(Words("Taken back before the doctor decided"), Words("Fat: Chin", "Fat: Chin")),
        Fact(
            Words("Still agreed to"),
            Words("Hair: Crown; Photos for the record?", "Hair: Crown; Photos for the record?"),
        ),
    )


def test_a_postponed_record_names_what_was_taken_back_before_and_says_of_nothing_that_it_is_agreed_to() -> None:
    review = COUNTERSIGNED["review"] | {"words": "Not today", "taken_back": [FAT], "stands": [HAIR, PHOTOS]}
    record = snapshot(BOTH, COUNTERSIGNED | {"type": "intake/postponed", "review": review}, b"{}", GIVEN)
    labels = [fact.label.text for fact in record.treatment]
    assert "Taken back before the doctor decided" in labels and "Still agreed to" not in labels


def test_an_agreement_taken_back_before_leaves_the_headline_as_it_is() -> None:
    assert decided([PHOTOS], [FAT, HAIR]).summary == Words("Fat, Hair: Chin. Dr Ananya Rao")
    assert decided([FAT, PHOTOS], [HAIR]).treatment[-1].value.text == "Hair: Crown"


def test_each_stands_in_the_language_read_with_its_english() -> None:
    own = {"Still agreed to": "S", "Taken back before the doctor decided": "T"}
    hair, fat = HAIR | {"words": "बाल", "words_en": "Hair"}, FAT | {"words": "चर्बी", "words_en": "Fat"}
    review = COUNTERSIGNED["review"] | {"taken_back": [fat], "stands": [hair, PHOTOS]}
    record = snapshot(BOTH, COUNTERSIGNED | {"review": review}, b"{}", GIVEN, lambda english: own.get(english, english))
    assert record.treatment[-2:] == (
        Fact(Words("T", "Taken back before the doctor decided"), Words("चर्बी", "Fat")),
        Fact(Words("S", "Still agreed to"), Words("बाल; Photos for the record?", "Hair; Photos for the record?")),
    )
