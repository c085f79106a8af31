"""The edition that comes with the program: its files out of the package, as bytes to publish and as types to use.

What a clinic has published, and which of it is in force, is for service.py to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from intake.definitions import content
from intake.definitions.contentfile import ContentFile
from intake.definitions.loader import load
from intake.definitions.questionnaire import Questionnaire
from intake.definitions.shorthand import compile_shorthand

NAME = "mesotherapy"
KINDS = ("questionnaire", "screening", "consent", "teachback", "aftercare", "treatments")
"""The files that make an edition; its process rules and its sources are carried beside it."""


@dataclass(frozen=True, eq=False)
class Library:
    """One edition as files. `bodies` holds the bytes by kind (the questionnaire as canonical FHIR JSON), `digests`
    their SHA-256 in hex. The version is the edition's own; each file also carries one."""

    name: str
    version: str
    bodies: Mapping[str, bytes]
    digests: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Contents:
    """One edition, read. `screening` stays text: its rules are for the screening room to read."""

    questionnaire: Questionnaire
    treatments: content.Treatments
    consent: content.ConsentDocument
    teachback: content.TeachBack
    aftercare: content.AfterCare
    screening: bytes


@cache
def bundled() -> Library:
    """Return the edition in the package. Raises DefinitionError if its files contradict each other."""
    version, names = _manifest()
    bodies = {kind: _read(names[kind]) for kind in KINDS}
    bodies["questionnaire"] = compile_shorthand(bodies["questionnaire"], names["questionnaire"])
    digests = {kind: sha256(body).hexdigest() for kind, body in bodies.items()}
    return Library(NAME, version, bodies, digests)


@cache
def bundled_contents() -> Contents:
    """Return the bundled edition, read. Raises DefinitionError."""
    return read_contents(bundled().bodies)


def read_contents(bodies: Mapping[str, bytes]) -> Contents:
    """Return what an edition's bytes say, each file checked against those it builds on. Raises DefinitionError."""
    questionnaire = load(bodies["questionnaire"])
    treatments = content.load_treatments(bodies["treatments"], questionnaire)
    consent = content.load_consent(bodies["consent"], treatments)
    return Contents(
        questionnaire=questionnaire,
        treatments=treatments,
        consent=consent,
        teachback=content.load_teachback(bodies["teachback"], consent, treatments),
        aftercare=content.load_aftercare(bodies["aftercare"]),
        screening=bodies["screening"],
    )


@cache
def bundled_process() -> tuple[content.ProcessRule, ...]:
    """Return the rules about products, sessions and signatures of the bundled edition. Raises DefinitionError."""
    name = _manifest()[1]["process"]
    return content.load_process(_read(name), bundled_contents().treatments, name)


@cache
def bundled_sources() -> Mapping[str, content.Source]:
    """Return the sources the bundled content refers to, by key. Raises DefinitionError."""
    name = _manifest()[1]["sources"]
    return content.load_sources(_read(name), name)


def with_demo_plans(treatments: content.Treatments) -> content.Treatments:
    """Return the treatments with invented sessions and prices, for demonstrations and rehearsals only."""
    return content.load_plans(_read("plans-demo.yaml"), treatments, "plans-demo.yaml")


@cache
def _manifest() -> tuple[str, Mapping[str, str]]:
    """Return the edition's version and the file of each kind."""
    file = ContentFile(_read("edition.yaml"), "edition.yaml", ("files",))
    names = {kind: file.reader.string(node) for kind, node in file.pairs("files")}
    return file.done((file.version, names))


def _read(name: str) -> bytes:
    return files("intake.definitions").joinpath("library", NAME, name).read_bytes()
