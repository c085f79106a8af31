"""The sample edition in two scripts: whole, published and offered in both, and never a source of clinical words."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from intake import definitions
from intake.access import SYSTEM
from intake.db import transaction
from intake.definitions.library_files import bundled, bundled_contents, open_folder, strings
from intake.definitions.rules import enabled, load_ruleset, visible_sections
from intake.definitions.translations import read_translations
from intake.i18n import direction
from tests.conftest import MONDAY_NOON

SAMPLE = Path(__file__).parent.parent / "samples" / "lips-short"


@pytest.fixture
def edition(in_app: Flask, clock_at: Any) -> definitions.Edition:
    """The sample, published into a clinic that had the program's own edition."""
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    with transaction():
        return definitions.get_edition(definitions.publish(definitions.compile_edition(SAMPLE), by=SYSTEM))


def test_the_sample_passes_the_gate_without_a_warning() -> None:
    found = definitions.check(SAMPLE)
    assert (found.taken, found.problems, found.warnings) == (True, (), ())


def test_it_is_published_and_offered_in_english_and_in_arabic(edition: definitions.Edition) -> None:
    assert definitions.current_edition().id == edition.id
    assert edition.questionnaire.languages == ("en", "ar")
    assert [direction(language) for language in edition.questionnaire.languages] == ["ltr", "rtl"]
    assert edition.questionnaire.title.get("ar") == "بعض الأسئلة قبل العلاج"
    assert edition.consent.title.get("ar") == "الموافقة على العلاج"


def test_every_word_a_patient_may_read_is_in_its_catalogue_and_none_is_stale() -> None:
    arabic = read_translations((SAMPLE / "ar.po").read_bytes(), "ar.po")
    wanted = strings(open_folder(SAMPLE, SAMPLE.name))
    assert len(wanted) > 100
    assert wanted.keys() == arabic.words.keys()
    assert not arabic.stale
    left = {base for (_, base), words in arabic.words.items() if words == base}
    assert left == {"English", "العربية"}


def test_bringing_its_catalogue_up_to_date_changes_no_byte(tmp_path: Path) -> None:
    folder = shutil.copytree(SAMPLE, tmp_path / "lips-short")
    [updated] = definitions.update_catalogues(folder)
    assert (updated.new, updated.empty, updated.stale, updated.unused) == (0, 0, 0, 0)
    assert (folder / "ar.po").read_bytes() == (SAMPLE / "ar.po").read_bytes()


def test_it_is_no_part_of_the_program_and_a_fresh_clinic_is_not_offered_it(in_app: Flask) -> None:
    library = Path(definitions.__file__).parent / "library"
    assert [folder.name for folder in library.iterdir() if folder.is_dir()] == [bundled().name]
    assert definitions.current_edition().name == bundled().name != SAMPLE.name


def test_it_shows_what_small_editions_need(edition: definitions.Edition) -> None:
    asked = edition.questionnaire
    assert len(asked.sections) == 4
    on = enabled(asked, {})
    assert len([item for item in asked.questions if item.link_id in on and item.is_asked]) == 11
    assert len(visible_sections(asked, {})) == 4
    assert asked.items["md.list"].repeats
    assert asked.items["al.list"].type == definitions.ItemType.OPEN_CHOICE


def test_its_clinical_words_are_those_of_the_mesotherapy_edition(edition: definitions.Edition) -> None:
    known = bundled_contents()
    for clause in edition.consent.clauses:
        whole = known.consent.clause(clause.id)
        assert whole is not None
        assert (clause.title.get("en"), clause.text.get("en")) == (whole.title.get("en"), whole.text.get("en"))
        assert [part.text.get("en") for part in clause.parts] == [part.text.get("en") for part in whole.parts]
    signs = {flag.id: flag.text.get("en") for flag in known.aftercare.red_flags}
    assert {flag.id: flag.text.get("en") for flag in edition.aftercare.red_flags}.items() <= signs.items()
    said = load_ruleset(known.screening, known.questionnaire, known.treatments).messages
    for name, message in load_ruleset(edition.screening, edition.questionnaire, edition.treatments).messages.items():
        assert message.get("en") == said[name].get("en")
