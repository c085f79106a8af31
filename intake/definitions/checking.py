"""Looks at what an author wrote and says everything that is wrong with it: a FHIR questionnaire, a shorthand file, or
an edition's folder with all its files and translations. Nothing is stored; publishing is left to service.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from intake.definitions import content
from intake.definitions.library_files import KINDS, Folder, Library, compile_folder, open_folder
from intake.definitions.loader import MAX_BYTES, check_publishable, load
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import Questionnaire
from intake.definitions.ruleset import load_ruleset
from intake.definitions.shorthand import compile_shorthand, lines_of
from intake.definitions.translations import Translations, check_translations, read_translations
from intake.definitions.yamlfile import Input, Reader, Translated

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Checked:
    """What was found in one file, or in one edition. It is taken if it has no problem.

    `questionnaire` and `body` (its FHIR JSON) are there for a questionnaire that is taken, `library` for an edition.
    """

    file: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    questionnaire: Questionnaire | None = None
    body: bytes = b""
    library: Library | None = None

    @property
    def taken(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems

    @property
    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "file": self.file,
            "taken": self.taken,
            "problems": [problem.as_json for problem in self.problems],
            "warnings": [warning.as_json for warning in self.warnings],
        }


def check(path: Path) -> Checked:
    """Return what is found in a FHIR questionnaire (.json), a shorthand file (.yaml, .yml), or an edition's folder,
    which its ``edition.yaml`` stands for too. Never raises: what cannot be read is a problem too."""
    name = str(path)
    try:
        if path.is_dir() or path.name == "edition.yaml":
            return _check_edition(path if path.is_dir() else path.parent, name)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Checked(name, (Problem("Y05", name, f"this cannot be read: {error.strerror}"),))
    return check_questionnaire(data, name)


def check_questionnaire(data: bytes, name: str) -> Checked:
    """Return what is found in the bytes of one questionnaire; the end of its name says what they are."""
    kind = name.rpartition(".")[2].lower()
    if kind not in ("json", "yaml", "yml"):
        hint = "a questionnaire is a .json or .yaml file, an edition a folder with edition.yaml"
        return Checked(name, (Problem("Y01", name, "what kind of file this is cannot be told from its name", hint),))
    if len(data) > MAX_BYTES:
        return Checked(name, (Problem("Q20", name, f"the file is larger than {MAX_BYTES} bytes"),))
    try:
        found, body = (load(data), data) if kind == "json" else _from_shorthand(data, name, load)
    except DefinitionError as error:
        return Checked(name, error.problems)
    return Checked(name, (), tuple(_warnings(found, "$" if kind == "json" else name)), found, body)


def compile_edition(place: Path) -> Library:
    """Return an edition's folder ready to be published.

    Raises DefinitionError with every problem of all its files, those of every declared language among them.
    """
    checked = _check_edition(place, str(place))
    if checked.library is None:
        raise DefinitionError(checked.problems)
    return checked.library


def _warnings(found: Questionnaire, place: str) -> Iterator[Problem]:
    return (Problem("W01", place, words) for words in found.warnings)


def _from_shorthand(source: Input, name: str, gate: Callable[[bytes], Questionnaire]) -> tuple[Questionnaire, bytes]:
    """Compile a shorthand file and pass it through the gate, which speaks of the lines of the file then."""
    body = compile_shorthand(source, name)
    try:
        return gate(body), body
    except DefinitionError as error:
        raise DefinitionError(_in_lines(error.problems, lines_of(source, name), name)) from error


def _in_lines(problems: tuple[Problem, ...], lines: Mapping[str, str], name: str) -> Iterator[Problem]:
    for problem in problems:
        owner = problem.link_id.removesuffix(".help").removesuffix(".flyover").removesuffix(".intro")
        yield replace(problem, place=lines.get(problem.link_id) or lines.get(owner) or name)


def _check_edition(place: Path, name: str) -> Checked:
    try:
        folder = open_folder(place, place.resolve().name)
    except DefinitionError as error:
        return Checked(name, error.problems)
    found = _Edition(folder)
    found.look()
    if found.problems:
        return Checked(name, tuple(found.problems), tuple(found.warnings))
    try:
        library = compile_folder(folder)
    except DefinitionError as error:
        return Checked(name, error.problems, tuple(found.warnings))
    return Checked(name, (), tuple(found.warnings), library=library)


class _Edition:
    """One run over an edition's folder: each file by itself as far as it can be read without the others, then the
    languages. What builds on a file with problems is named in a warning rather than judged wrongly."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.sound: set[str] = set()
        self.bodies: dict[str, bytes] = {}
        self.catalogues: list[Translations] = []
        self.made: dict[str, Any] = {}

    def look(self) -> None:
        """Find everything."""
        for kind in self.folder.names:
            body = self._try(kind, partial(self.folder.read, self.folder.names[kind]))
            if body is not None:
                self.bodies[kind] = body
        for language in self.folder.catalogues:
            self._read_catalogue(language)
        base = self.folder.languages[:1]
        sources = self._sources(base)
        self._read(sources)
        wanting = self._check_catalogues(sources)
        # Words that stand in the files themselves are told missing there; a catalogue that lacks some has said so.
        whole = tuple(language for language in self.folder.languages if language not in wanting)
        if self.sound >= set(KINDS) and whole != base:
            self._read(self._sources(whole))

    def _try(self, kind: str, read: Callable[[], T]) -> T | None:
        """What one file says, or None with its problems kept."""
        try:
            return read()
        except DefinitionError as error:
            self.problems += [problem for problem in error.problems if problem not in self.problems]
            self.sound.discard(kind)
            return None

    def _sources(self, languages: tuple[str, ...]) -> dict[str, Translated]:
        offered = [found for found in self.catalogues if found.language in languages]
        return {
            kind: Translated(body, languages, {found.language: found.of(kind) for found in offered})
            for kind, body in self.bodies.items()
        }

    def _read(self, sources: Mapping[str, Translated]) -> None:
        """Read every file after those it builds on, or (where only a language made it fail) on what was read before."""
        for kind, (needs, read) in _READERS.items():
            name = self.folder.names.get(kind, "")
            if kind not in sources:
                continue
            if missing := [need for need in needs if need not in self.made]:
                self._not_judged(kind, sources[kind].data, missing[0])
                continue
            self.sound.add(kind)
            found = self._try(kind, partial(read, sources[kind], *(self.made[need] for need in needs), name))
            if found is not None:
                self.made[kind] = found
        if questionnaire := self.made.get("questionnaire"):
            name = self.folder.names["questionnaire"]
            self.warnings += [w for w in _warnings(questionnaire, name) if w not in self.warnings]

    def _not_judged(self, kind: str, data: str | bytes, missing: str) -> None:
        """At least whether it is YAML can be told of a file whose ground is missing."""
        name = self.folder.names[kind]
        if self._try(kind, partial(Reader, data, name)) is not None:
            hint = f"put '{missing}' right first"
            self.warnings.append(
                Problem("W02", name, "this could not be looked at: what it builds on has problems", hint)
            )

    def _read_catalogue(self, language: str) -> None:
        name = self.folder.catalogues[language]

        def read() -> Translations:
            found = read_translations(self.folder.read(name), name)
            if found.language != language:
                message = f"the catalogue of '{language}' says that it is one of '{found.language}'"
                raise DefinitionError([Problem("Y07", name, message)])
            return found

        if (found := self._try(name, read)) is not None:
            self.catalogues.append(found)

    def _check_catalogues(self, sources: Mapping[str, Translated]) -> set[str]:
        """Look at every catalogue, as far as the files it translates could be read; return the languages that lack
        words. What a language lacks is a problem once it is declared, and a warning before."""
        strings = {
            (kind, base): place
            for kind in KINDS
            if kind in self.sound
            for base, place in sorted(sources[kind].strings.items(), key=lambda pair: _line(pair[1]))
        }
        wanting: set[str] = set()
        for found in self.catalogues:
            for problem in check_translations(
                _only(found, self.sound), strings.items(), self.folder.catalogues[found.language]
            ):
                serious = problem.code == "Y03" or _is_used(problem, found, strings)
                if serious and found.language in self.folder.languages:
                    self.problems.append(problem)
                    wanting.add(found.language)
                else:
                    self.warnings.append(problem)
        return wanting


def _line(place: str) -> int:
    return int(place.rpartition(":")[2])


def _only(found: Translations, kinds: set[str]) -> Translations:
    """A catalogue with the entries of those files alone."""
    return replace(
        found,
        words={key: words for key, words in found.words.items() if key[0] in kinds},
        lines={key: line for key, line in found.lines.items() if key[0] in kinds},
        stale=frozenset(key for key in found.stale if key[0] in kinds),
    )


def _is_used(problem: Problem, found: Translations, strings: Mapping[tuple[str, str], str]) -> bool:
    """Whether a stale entry is for words that are still in use, so that patients would miss it."""
    line = _line(problem.place)
    return any(found.lines[key] == line and key in strings for key in found.stale)


def _read_questionnaire(source: Translated, name: str) -> Questionnaire:
    return _from_shorthand(source, name, check_publishable)[0]


_READERS: Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "questionnaire": ((), _read_questionnaire),
    "sources": ((), lambda source, name: content.load_sources(source.data, name)),
    "aftercare": ((), content.load_aftercare),
    "treatments": (("questionnaire",), content.load_treatments),
    "screening": (("questionnaire", "treatments"), load_ruleset),
    "consent": (("treatments",), content.load_consent),
    "process": (("treatments",), lambda source, treatments, name: content.load_process(source.data, treatments, name)),
    "teachback": (("consent", "treatments"), content.load_teachback),
}
"""Each file of an edition: the files it builds on, and what reads it, given them and its name."""
