"""Brings the PO catalogues of an edition's folder up to the words its files hold now, in place.

What a catalogue is, and when a translation is stale, stands in translations.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from intake.definitions.library_files import open_folder, strings
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.translations import read_translations, update_translations


@dataclass(frozen=True)
class Updated:
    """What became of one catalogue: entries that are new, that lack words (the new ones among them), that are older
    than the words they translate, and that no file uses any more (kept at the end, commented out)."""

    language: str
    file: str
    new: int
    empty: int
    stale: int
    unused: int


def update_catalogues(place: Path) -> list[Updated]:
    """Rewrite each catalogue that ``edition.yaml`` names, a missing one as an empty one; the same words give the same
    bytes. Raises DefinitionError, and then nothing is written, if a file of the edition or a catalogue is wrong."""
    folder = open_folder(place, place.resolve().name)
    wanted = strings(folder)
    made: list[tuple[Path, bytes, Updated]] = []
    for language, name in folder.catalogues.items():
        path = place / name
        before = path.read_bytes() if path.exists() else _empty(language, name)
        known = read_translations(before, name).lines.keys()
        after = update_translations(before, wanted.items())
        now = read_translations(after, name)
        updated = Updated(
            language=language,
            file=name,
            new=len(wanted.keys() - known),
            empty=len(wanted.keys() - now.words.keys() - now.stale),
            stale=len(now.stale),
            unused=len(read_po(BytesIO(after)).obsolete),
        )
        made.append((path, after, updated))
    for path, after, _ in made:
        _replace(path, after)
    return [updated for _, _, updated in made]


def _empty(language: str, name: str) -> bytes:
    out = BytesIO()
    try:
        write_po(out, Catalog(locale=language.replace("-", "_"), fuzzy=False))
    except (UnknownLocaleError, ValueError) as error:
        raise DefinitionError([Problem("Y04", name, f"'{language}' is not a language that catalogues know")]) from error
    return out.getvalue()


def _replace(path: Path, data: bytes) -> None:
    """All of it or nothing: a translator's work must survive a full disk."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    os.replace(beside, path)
