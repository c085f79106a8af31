"""A published questionnaire with the words of those languages too that its edition carries and does not offer yet, so
that authors can look at a translation before patients get it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
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

    return replace(
        questionnaire,
        title=more(questionnaire.title),
        sections=tuple(replace(section, title=more(section.title)) for section in questionnaire.sections),
        items={link_id: _item(item, more) for link_id, item in questionnaire.items.items()},
        carried=tuple(sorted({*questionnaire.carried, *(language for language, words in wanted.items() if words)})),
        sha256=f"{questionnaire.sha256} with {', '.join(sorted(wanted))}",
    )


def _item(item: Item, more: Callable[[Text], Text]) -> Item:
    words: dict[str, Any] = {name: more(getattr(item, name)) for name in _TEXTS}
    if item.markdown:  # the catalogue knows the words with their marks
        plain = {language: without_marks(marked) for language, marked in words["markdown"].pairs}
        words["text"] = Text.of({**dict(item.text.pairs), **plain})
    options = tuple(replace(option, text=more(option.text), prefix=more(option.prefix)) for option in item.options)
    return replace(item, options=options, **words)
