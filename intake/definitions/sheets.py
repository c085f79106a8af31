"""The after-care sheet with its warning signs, the rules of the process, and the sources all content refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from intake.definitions.contentfile import ContentFile
from intake.definitions.questionnaire import Text
from intake.definitions.treatments import Treatments
from intake.definitions.yamlfile import Input, Node


class Urgency(StrEnum):
    """How fast a warning sign needs help."""

    NOW = "now"
    SAME_DAY = "same_day"
    TWO_DAYS = "two_working_days"
    NEXT_VISIT = "before_next_visit"


class Subject(StrEnum):
    """What a rule of the process looks at."""

    PRODUCT = "product"
    SESSION = "session"
    SIGNATURE = "signature"


@dataclass(frozen=True)
class Step:
    """One line of the after-care sheet."""

    id: str
    when: Text
    text: Text
    confidence: str


@dataclass(frozen=True)
class RedFlag:
    """A warning sign: `when` tells the patient how fast to act, `why` tells staff what it may be."""

    id: str
    urgency: Urgency
    when: Text
    text: Text
    why: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class AfterCare:
    """The after-care sheet with its warning signs."""

    version: str
    steps: tuple[Step, ...]
    red_flags: tuple[RedFlag, ...]


@dataclass(frozen=True)
class ProcessRule:
    """A rule that reads no answer but a product, the start of a session or a signature. Carried, not evaluated here."""

    id: str
    subject: Subject
    applies: tuple[str, ...]
    when: str
    held: str
    doctor: Text
    clears: str
    source: tuple[str, ...]
    confidence: str


@dataclass(frozen=True)
class Source:
    """On whose word something is said: a law, a label, a paper. `read` says how much of it was read."""

    title: str
    url: str
    read: str
    says: str
    confidence: str


def load_aftercare(data: Input, name: str = "aftercare.yaml") -> AfterCare:
    """Return the after-care sheet of a file. Raises DefinitionError."""
    file = ContentFile(data, name, ("steps", "red_flags"))

    def read_step(node: Node) -> Step:
        fields = file.fields(node, ("id", "when", "text", "confidence"))
        when, text = file.text(fields.get("when")), file.text(fields.get("text"))
        return Step(file.new_id(fields.get("id")), when, text, file.reader.string(fields.get("confidence")))

    def read_flag(node: Node) -> RedFlag:
        fields = file.fields(node, ("id", "urgency", "when", "text", "why", "source"))
        urgency = file.reader.code(fields.get("urgency"), list(Urgency), "urgency")
        return RedFlag(
            id=file.new_id(fields.get("id")),
            urgency=Urgency(urgency) if urgency in list(Urgency) else Urgency.NOW,
            when=file.text(fields.get("when")),
            text=file.text(fields.get("text")),
            why=file.reader.string(fields.get("why")),
            source=file.reader.strings(fields.get("source")),
        )

    return file.done(AfterCare(file.version, file.every("steps", read_step), file.every("red_flags", read_flag)))


def load_process(data: str | bytes, treatments: Treatments, name: str = "process.yaml") -> tuple[ProcessRule, ...]:
    """Return the rules about products, sessions and signatures of a file. Raises DefinitionError."""
    file = ContentFile(data, name, ("rules",))

    def read(node: Node) -> ProcessRule:
        names = ("id", "subject", "applies", "when", "held", "doctor", "clears", "source", "confidence")
        fields = file.fields(node, names)
        subject = file.reader.code(fields.get("subject"), list(Subject), "subject")
        return ProcessRule(
            id=file.new_id(fields.get("id")),
            subject=Subject(subject) if subject in list(Subject) else Subject.PRODUCT,
            applies=file.applies(fields.get("applies"), treatments.codes),
            when=file.reader.string(fields.get("when")),
            held=file.reader.string(fields.get("held")),
            doctor=file.text(fields.get("doctor")),
            clears=file.reader.string(fields.get("clears")),
            source=file.reader.strings(fields.get("source")),
            confidence=file.reader.string(fields.get("confidence")),
        )

    return file.done(file.every("rules", read))


def load_sources(data: str | bytes, name: str = "sources.yaml") -> Mapping[str, Source]:
    """Return the sources of a file by their keys. Raises DefinitionError."""
    file = ContentFile(data, name, ("sources",))

    def read(node: Node) -> Source:
        fields = file.fields(node, ("title", "says", "confidence"), ("url", "read"))
        return Source(*(file.reader.string(fields.get(key)) for key in ("title", "url", "read", "says", "confidence")))

    return file.done({key: read(node) for key, node in file.pairs("sources")})
