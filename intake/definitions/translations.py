"""The words of an edition in one more language, as a gettext catalogue (PO) that translators know.

An entry belongs to one file (`msgctxt`, for example "consent") and to the exact words it translates: when the words
change, it no longer fits, is marked stale and is not offered to patients. Reading YAML is left to yamlfile.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po

from intake.definitions.problems import DefinitionError, Problem

Key = tuple[str, str]
"""The file's kind, and words in the base language."""


@dataclass(frozen=True)
class Translations:
    """What one catalogue offers. `lines` says where each entry stands, `stale` names those to look at again."""

    language: str
    words: Mapping[Key, str]
    lines: Mapping[Key, int] = field(default_factory=dict)
    stale: frozenset[Key] = frozenset()

    def of(self, kind: str) -> Mapping[str, str]:
        """Return the words of one file: base words to translated words."""
        return {base: words for (context, base), words in self.words.items() if context == kind}


def read_translations(data: bytes, name: str) -> Translations:
    """Return the translations of a PO file (UTF-8). Raises DefinitionError if it is none, or names no language."""
    try:
        catalogue = read_po(BytesIO(data), abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise DefinitionError([Problem("Y01", name, f"this is not a PO catalogue: {error}")]) from error
    language = str(catalogue.locale_identifier or "").replace("_", "-")
    if not language:
        raise DefinitionError([Problem("Y03", name, "the header names no language", "Language: hi")])
    entries = {(entry.context or "", str(entry.id)): entry for entry in catalogue if entry.id}
    return Translations(
        language=language,
        words={key: str(entry.string) for key, entry in entries.items() if entry.string and not entry.fuzzy},
        lines={key: entry.lineno or 1 for key, entry in entries.items()},
        stale=frozenset(key for key, entry in entries.items() if entry.fuzzy),
    )


def update_translations(data: bytes, strings: Iterable[tuple[Key, str]]) -> bytes:
    """Return a catalogue brought up to these strings, each with its place (``file:line``).

    New strings are added empty. Where words changed a little, the old translation stays as a suggestion and is marked
    "fuzzy", which is how PO says stale; what is no longer used is kept at the end, commented out.
    """
    catalogue = read_po(BytesIO(data))
    template = Catalog(fuzzy=False, creation_date=catalogue.creation_date)  # the same words give the same bytes
    for (kind, base), place in strings:
        file, _, line = place.rpartition(":")
        template.add(base, context=kind, locations=[(file, int(line))])
    catalogue.update(template, update_header_comment=False, keep_user_comments=True)
    out = BytesIO()
    write_po(out, catalogue, width=100, include_previous=True, sort_output=False)
    return out.getvalue()


def check_translations(found: Translations, strings: Iterable[tuple[Key, str]], name: str) -> list[Problem]:
    """Return what a catalogue lacks for its language to be offered: missing words (Y03) and stale ones (Y08), which
    were translated from words that have changed since."""
    wanted = dict(strings)
    missing = [
        Problem("Y03", place, f"the words in '{found.language}' are missing", f"'{base}'")
        for (kind, base), place in wanted.items()
        if (kind, base) not in found.words and (kind, base) not in found.stale
    ]
    stale = [
        Problem("Y08", f"{name}:{line}", f"the words in '{found.language}' are older than their source", f"'{key[1]}'")
        for key, line in found.lines.items()
        if key in found.stale or key not in wanted
    ]
    return missing + stale
