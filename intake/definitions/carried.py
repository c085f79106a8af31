"""A published questionnaire with the words of those languages too that its edition carries and does not offer yet, so
that authors can look at a translation before patients get it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from intake.definitions.library_files import TRANSLATIONS
from intake.definitions.questionnaire import Item, Questionnaire, Text
from intake.definitions.translations import read_translations
from intake.definitions.writers import without_marks

_TEXTS = ("text", "markdown", "prefix", "short", "help", "why", "format", "open_label")


def with_carried(questionnaire: Questionnaire, bodies: Mapping[str, bytes]) -> Questionnaire:
    """Return the questionnaire with the words of its edition's catalogues in languages that are not offered, as far as
    they have any; `bodies` are the edition's files by kind. Raises DefinitionError if a catalogue cannot be read."""
    catalogues = {
        kind.removeprefix(TRANSLATIONS): read_translations(body, kind).of("questionnaire")
        for kind, body in bodies.items()
        if kind.startswith(TRANSLATIONS)
    }
    wanted = {language: words for language, words in catalogues.items() if language not in questionnaire.languages}
    if not any(wanted.values()):
        return questionnaire

    def more(text: Text) -> Text:
        found = {language: words[str(text)] for language, words in wanted.items() if str(text) in words}
        return Text.of({**dict(text.pairs), **found})

    # What is drawn is kept under this name: with other words it is another questionnaire.
    catalogue_bytes = b"".join(bodies[TRANSLATIONS + language] for language in wanted)
    return replace(
        questionnaire,
        title=more(questionnaire.title),
        sections=tuple(replace(section, title=more(section.title)) for section in questionnaire.sections),
        items={link_id: _item(item, more) for link_id, item in questionnaire.items.items()},
        carried=tuple(sorted({*questionnaire.carried, *(language for language, words in wanted.items() if words)})),
        sha256=sha256(questionnaire.sha256.encode() + catalogue_bytes).hexdigest(),
    )


def _item(item: Item, more: Callable[[Text], Text]) -> Item:
    words: dict[str, Any] = {name: more(getattr(item, name)) for name in _TEXTS}
    if item.markdown:  # the catalogue knows the words with their marks
        plain = {language: without_marks(marked) for language, marked in words["markdown"].pairs}
        words["text"] = Text.of({**dict(item.text.pairs), **plain})
    options = tuple(replace(option, text=more(option.text), prefix=more(option.prefix)) for option in item.options)
    return replace(item, options=options, **words)
