"""Editions as folders of files: read, checked against each other, compiled to the bytes that are published.

What a clinic has published, and which of it is in force, is for service.py to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from intake.definitions import content
from intake.definitions.contentfile import ContentFile
from intake.definitions.loader import check_publishable, load
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import Questionnaire
from intake.definitions.ruleset import load_ruleset
from intake.definitions.shorthand import compile_shorthand
from intake.definitions.translations import Translations, check_translations, read_translations
from intake.definitions.yamlfile import Input, Translated

NAME = "mesotherapy"
KINDS = ("questionnaire", "screening", "consent", "teachback", "aftercare", "treatments")
"""The files that make an edition; its process rules and its sources are carried beside it."""
TRANSLATIONS = "translations."


@dataclass(frozen=True, eq=False)
class Library:
    """One edition as files. `bodies` holds the bytes by kind (the questionnaire as canonical FHIR JSON, and each PO
    catalogue as ``translations.LANGUAGE``), `digests` their SHA-256 in hex. The version is the edition's own; each file
    also carries one. `warnings` are about what is carried and not offered."""

    name: str
    version: str
    bodies: Mapping[str, bytes]
    digests: Mapping[str, str]
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, eq=False)
class Contents:
    """One edition, read. `screening` stays text: its rules are for the screening room to read."""

    questionnaire: Questionnaire
    treatments: content.Treatments
    consent: content.ConsentDocument
    teachback: content.TeachBack
    aftercare: content.AfterCare
    screening: Input


@dataclass(frozen=True, eq=False)
class Folder:
    """An edition's folder: ``edition.yaml`` names its files, its languages (the base first) and their catalogues."""

    name: str
    place: Traversable
    version: str
    languages: tuple[str, ...]
    names: Mapping[str, str]
    catalogues: Mapping[str, str]

    def read(self, name: str) -> bytes:
        """Return the bytes of one of its files. Raises DefinitionError if it is not there."""
        try:
            return self.place.joinpath(name).read_bytes()
        except (OSError, ValueError) as error:
            raise DefinitionError([Problem("Y05", name, "there is no such file beside edition.yaml")]) from error


def open_folder(place: Traversable, name: str = "") -> Folder:
    """Return an edition's folder, known by its name. Raises DefinitionError if its ``edition.yaml`` is wrong."""
    try:
        manifest = place.joinpath("edition.yaml").read_bytes()
    except OSError as error:
        raise DefinitionError([Problem("Y05", "edition.yaml", "there is no such file")]) from error
    file = ContentFile(manifest, "edition.yaml", ("files",), ("translations",))
    names = {kind: file.reader.string(node) for kind, node in file.pairs("files")}
    for kind in KINDS:
        if kind not in names:
            file.reader.problem(file.top.get("files", file.reader.root), "Y03", f"the file of '{kind}' is not named")
    catalogues = {language: file.reader.string(node) for language, node in file.pairs("translations")}
    return file.done(Folder(name or place.name, place, file.version, file.languages, names, catalogues))


def compile_folder(folder: Folder) -> Library:
    """Return an edition ready to be published: every file read, checked against those it builds on, and whole in every
    language that ``edition.yaml`` declares.

    Raises DefinitionError with every problem of the first file that has any; a catalogue of a language that is not
    declared may be incomplete, and gives warnings.
    """
    bodies = {kind: folder.read(folder.names[kind]) for kind in KINDS}
    for language, name in folder.catalogues.items():
        bodies[TRANSLATIONS + language] = folder.read(name)
    sources = _translated(bodies, folder.languages)
    questionnaire = sources["questionnaire"]
    bodies["questionnaire"] = compile_shorthand(questionnaire, folder.names["questionnaire"])
    check_publishable(bodies["questionnaire"])
    contents = _read_all(bodies, sources, folder.names)
    load_ruleset(contents.screening, contents.questionnaire, contents.treatments, folder.names["screening"])
    warnings = tuple(_check_languages(folder, bodies, sources))
    digests = {kind: sha256(body).hexdigest() for kind, body in bodies.items()}
    return Library(folder.name, folder.version, bodies, digests, warnings)


def read_contents(bodies: Mapping[str, bytes], languages: tuple[str, ...] = ()) -> Contents:
    """Return what a published edition's bytes say, each file checked against those it builds on.

    Raises DefinitionError. The questionnaire says which languages are offered, unless `languages` does.
    """
    offered = languages or load(bodies["questionnaire"]).languages
    return _read_all(bodies, _translated(bodies, offered), dict.fromkeys(KINDS, ""))


def strings(folder: Folder) -> dict[tuple[str, str], str]:
    """Return every text of an edition that a patient may read, by file and base words, with its place."""
    bodies = {kind: folder.read(folder.names[kind]) for kind in KINDS}
    sources = _translated(bodies, folder.languages[:1])
    bodies["questionnaire"] = compile_shorthand(sources["questionnaire"], folder.names["questionnaire"])
    contents = _read_all(bodies, sources, folder.names)
    load_ruleset(contents.screening, contents.questionnaire, contents.treatments, folder.names["screening"])
    return {(kind, base): place for kind, source in sources.items() for base, place in source.strings.items()}


@cache
def bundled_folder() -> Folder:
    """Return the folder of the edition in the package."""
    return open_folder(files("intake.definitions").joinpath("library", NAME), NAME)


@cache
def bundled() -> Library:
    """Return the edition in the package. Raises DefinitionError if its files contradict each other."""
    return compile_folder(bundled_folder())


@cache
def bundled_contents() -> Contents:
    """Return the bundled edition, read. Raises DefinitionError."""
    return read_contents(bundled().bodies)


@cache
def bundled_process() -> tuple[content.ProcessRule, ...]:
    """Return the rules about products, sessions and signatures of the bundled edition. Raises DefinitionError."""
    name = bundled_folder().names["process"]
    return content.load_process(bundled_folder().read(name), bundled_contents().treatments, name)


@cache
def bundled_sources() -> Mapping[str, content.Source]:
    """Return the sources the bundled content refers to, by key. Raises DefinitionError."""
    name = bundled_folder().names["sources"]
    return content.load_sources(bundled_folder().read(name), name)


def with_demo_plans(treatments: content.Treatments) -> content.Treatments:
    """Return the treatments with invented sessions and prices, for demonstrations and rehearsals only."""
    return content.load_plans(bundled_folder().read("plans-demo.yaml"), treatments, "plans-demo.yaml")


def _read_all(bodies: Mapping[str, bytes], sources: Mapping[str, Translated], names: Mapping[str, str]) -> Contents:
    def name(kind: str) -> str:
        return names[kind] or f"{kind}.yaml"

    questionnaire = load(bodies["questionnaire"])
    treatments = content.load_treatments(sources["treatments"], questionnaire, name("treatments"))
    consent = content.load_consent(sources["consent"], treatments, name("consent"))
    return Contents(
        questionnaire=questionnaire,
        treatments=treatments,
        consent=consent,
        teachback=content.load_teachback(sources["teachback"], consent, treatments, name("teachback")),
        aftercare=content.load_aftercare(sources["aftercare"], name("aftercare")),
        screening=sources["screening"],
    )


def _catalogues(bodies: Mapping[str, bytes]) -> Iterator[Translations]:
    for kind, body in bodies.items():
        if kind.startswith(TRANSLATIONS):
            yield read_translations(body, f"{kind.removeprefix(TRANSLATIONS)}.po")


def _translated(bodies: Mapping[str, bytes], languages: tuple[str, ...]) -> dict[str, Translated]:
    """Each YAML file with the words of those catalogues whose language is offered."""
    catalogues = [found for found in _catalogues(bodies) if found.language in languages]
    return {
        kind: Translated(bodies[kind], languages, {found.language: found.of(kind) for found in catalogues})
        for kind in KINDS
    }


def _check_languages(
    folder: Folder, bodies: Mapping[str, bytes], sources: Mapping[str, Translated]
) -> Iterator[Problem]:
    """Yield what the catalogues lack; where the language is declared that refuses the edition, all of it at once."""
    wanted = {(kind, base): place for kind, source in sources.items() for base, place in source.strings.items()}
    for found in _catalogues(bodies):
        problems = check_translations(found, wanted.items(), folder.catalogues[found.language])
        missing = [problem for problem in problems if problem.code == "Y03"]
        if found.language in folder.languages and missing:
            raise DefinitionError(missing)
        yield from problems
