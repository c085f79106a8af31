"""The consent document: pages of clauses, how each is answered, and the blanks that are filled before anyone signs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from intake.definitions.contentfile import ContentFile, for_treatments
from intake.definitions.questionnaire import Text
from intake.definitions.treatments import Treatments
from intake.definitions.yamlfile import Input, Node

_BLANK = re.compile(r"\{([^{}]*)\}")


class Acknowledge(StrEnum):
    """How a patient answers a clause: by itself, together with its page, or not at all."""

    OWN = "own"
    GROUP = "group"
    NONE = "none"


class FilledFrom(StrEnum):
    """Where the words for a blank come from, always before anybody signs."""

    CLINIC = "clinic"
    TREATMENT = "treatment"
    DOCTOR = "doctor"
    ANSWERS = "answers"


@dataclass(frozen=True)
class Part:
    """One effect of a clause that is answered by itself."""

    id: str
    title: Text
    text: Text


@dataclass(frozen=True)
class Clause:
    """One numbered statement. `applies` lists treatments, empty for everyone; `blanks` are its {names}."""

    id: str
    applies: tuple[str, ...]
    title: Text
    text: Text
    acknowledge: Acknowledge
    parts: tuple[Part, ...]
    blanks: tuple[str, ...]
    source: tuple[str, ...]
    confidence: str


@dataclass(frozen=True)
class ConsentPage:
    """One page of clauses; its group clauses share one answer."""

    id: str
    title: Text
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class ConsentDocument:
    """The whole consent. `blanks` says for each {name} who fills it."""

    version: str
    title: Text
    languages: tuple[str, ...]
    blanks: Mapping[str, FilledFrom]
    pages: tuple[ConsentPage, ...]

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause, in the order of the pages."""
        return tuple(clause for page in self.pages for clause in page.clauses)

    def clause(self, clause_id: str) -> Clause | None:
        """Return the clause with this id, or None."""
        return next((clause for clause in self.clauses if clause.id == clause_id), None)

    def pages_for(self, treatments: Collection[str]) -> tuple[ConsentPage, ...]:
        """Return the pages with only what applies to these treatments; a page left empty is left out."""
        kept = (replace(page, clauses=tuple(for_treatments(page.clauses, treatments))) for page in self.pages)
        return tuple(page for page in kept if page.clauses)


def load_consent(data: Input, treatments: Treatments, name: str = "consent.yaml") -> ConsentDocument:
    """Return the consent of a file. Raises DefinitionError.

    Every blank must be declared and used, every treatment known, every clause stand on one page only, and the clause
    a treatment names for its alternatives must exist.
    """
    file = ContentFile(data, name, ("title", "blanks", "pages"))
    blanks = {
        blank: FilledFrom(word)
        for blank, node in file.pairs("blanks")
        if (word := file.reader.code(node, list(FilledFrom), "source of blanks")) in list(FilledFrom)
    }

    def read_page(node: Node) -> ConsentPage:
        fields = file.fields(node, ("id", "title", "clauses"))
        clauses = tuple(
            _clause(file, entry, treatments, blanks) for entry in file.reader.sequence(fields.get("clauses"))
        )
        return ConsentPage(file.new_id(fields.get("id")), file.text(fields.get("title")), clauses)

    pages = file.every("pages", read_page)
    found = ConsentDocument(file.version, file.text(file.top.get("title")), file.languages, blanks, pages)
    used = {blank for clause in found.clauses for blank in clause.blanks}
    for blank in blanks.keys() - used:
        file.reader.problem(file.top["blanks"], "Y05", f"no clause has the blank {{{blank}}}")
    for one in treatments.all:
        if one.alternatives and found.clause(one.alternatives) is None:
            file.reader.problem(file.reader.root, "Y05", f"treatment {one.code} names the clause '{one.alternatives}'")
    return file.done(found)


def _clause(file: ContentFile, node: Node, treatments: Treatments, blanks: Collection[str]) -> Clause:
    names = ("id", "applies", "title", "text", "acknowledge", "source", "confidence")
    fields = file.fields(node, names, ("parts",))
    text = file.text(fields.get("text"))
    word = file.reader.code(fields.get("acknowledge"), list(Acknowledge), "way to acknowledge")
    acknowledge = Acknowledge(word) if word in list(Acknowledge) else Acknowledge.OWN
    parts = tuple(_part(file, part) for part in file.reader.sequence(fields.get("parts")))
    if parts and acknowledge is not Acknowledge.OWN:
        file.reader.problem(node, "Y07", "only a clause with its own answer can have parts")
    return Clause(
        id=file.new_id(fields.get("id")),
        applies=file.applies(fields.get("applies"), treatments.codes),
        title=file.text(fields.get("title")),
        text=text,
        acknowledge=acknowledge,
        parts=parts,
        blanks=_blanks(file, node, text, blanks),
        source=file.reader.strings(fields.get("source")),
        confidence=file.reader.string(fields.get("confidence")),
    )


def _part(file: ContentFile, node: Node) -> Part:
    fields = file.fields(node, ("id", "title", "text"))
    return Part(file.new_id(fields.get("id")), file.text(fields.get("title")), file.text(fields.get("text")))


def _blanks(file: ContentFile, node: Node, text: Text, known: Collection[str]) -> tuple[str, ...]:
    """Return the names in {braces}; they must be declared, and the same in every language the text has."""
    found = {language: tuple(dict.fromkeys(_BLANK.findall(words))) for language, words in text.pairs}
    base = found.get(file.base, ())
    for language, names in found.items():
        if set(names) != set(base):
            file.reader.problem(node, "Y07", f"the blanks in '{language}' differ from those in '{file.base}'")
    for name in base:
        if name not in known:
            file.reader.problem(node, "Y05", f"the blank {{{name}}} is not declared", "list it under 'blanks'")
    return base
