"""A catalogue follows the words of its edition: new ones empty, changed ones stale, old ones kept aside."""

from pathlib import Path

import pytest

from intake.definitions.catalogues import Updated, update_catalogues
from intake.definitions.checking import check
from intake.definitions.problems import DefinitionError
from tests.definitions.editions import FILES, write_edition


def test_a_catalogue_gets_the_words_it_lacks_and_keeps_those_it_has(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel")
    assert update_catalogues(folder) == [Updated("hi", "hi.po", new=18, empty=18, stale=0, unused=0)]
    text = (folder / "hi.po").read_text("utf-8")
    assert 'msgstr "पील से पहले"' in text
    assert 'msgctxt "consent"\nmsgid "You can wait."\nmsgstr ""' in text


def test_nothing_new_leaves_the_bytes_as_they_are(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel")
    update_catalogues(folder)
    before = (folder / "hi.po").read_bytes()
    assert update_catalogues(folder) == [Updated("hi", "hi.po", new=0, empty=18, stale=0, unused=0)]
    assert (folder / "hi.po").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_a_translation_of_words_that_changed_is_stale_and_not_offered(tmp_path: Path) -> None:
    folder = write_edition(
        tmp_path / "peel", questions=FILES["questions.yaml"].replace("Before a peel", "Before the peel")
    )
    [updated] = update_catalogues(folder)
    assert (updated.new, updated.stale, updated.unused) == (19, 1, 0)
    assert "#, fuzzy" in (folder / "hi.po").read_text("utf-8")
    assert "Y08" in {warning.code for warning in check(folder).warnings}


def test_a_translation_nobody_uses_is_kept_aside(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel", questions=FILES["questions.yaml"].replace("Before a peel", "XYZ 123"))
    [updated] = update_catalogues(folder)
    assert updated.unused == 1
    assert '#~ msgid "Before a peel"' in (folder / "hi.po").read_text("utf-8")


def test_a_new_language_begins_with_an_empty_catalogue(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel", edition=FILES["edition.yaml"] + "  ar: ar.po\n")
    assert update_catalogues(folder)[1] == Updated("ar", "ar.po", new=19, empty=19, stale=0, unused=0)
    assert check(folder).taken


@pytest.mark.parametrize(
    "changed",
    [{"hi": "not a catalogue"}, {"consent": "a: ["}, {"edition": FILES["edition.yaml"] + "  a b: ab.po\n"}],
)
def test_where_anything_is_wrong_no_catalogue_is_touched(tmp_path: Path, changed: dict[str, str]) -> None:
    folder = write_edition(tmp_path / "peel", **changed)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DefinitionError):
        update_catalogues(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
