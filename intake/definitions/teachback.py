"""The questions that check how well a risk was explained, each with one right answer and a word for a wrong one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from intake.definitions.clauses import ConsentDocument
from intake.definitions.contentfile import ContentFile, for_treatments
from intake.definitions.questionnaire import Text
from intake.definitions.treatments import Treatments
from intake.definitions.yamlfile import Input, Node


@dataclass(frozen=True)
class TeachBackOption:
    """One answer to a teach-back question; codes mean something, so that their order tells nothing."""

    code: str
    text: Text
    right: bool


@dataclass(frozen=True)
class TeachBackQuestion:
    """A question that checks how well a clause was explained; `feedback` is said after a wrong answer."""

    id: str
    clause: str
    applies: tuple[str, ...]
    text: Text
    options: tuple[TeachBackOption, ...]
    feedback: Text

    @property
    def right(self) -> TeachBackOption:
        """The right answer; the loader has made sure that there is exactly one."""
        return next(option for option in self.options if option.right)


@dataclass(frozen=True)
class TeachBack:
    """All teach-back questions of an edition."""

    version: str
    questions: tuple[TeachBackQuestion, ...]

    def questions_for(self, treatments: Collection[str]) -> tuple[TeachBackQuestion, ...]:
        """Return the questions for everyone and for these treatments."""
        return tuple(for_treatments(self.questions, treatments))


def load_teachback(
    data: Input, consent: ConsentDocument, treatments: Treatments, name: str = "teachback.yaml"
) -> TeachBack:
    """Return the teach-back questions of a file; each needs a known clause and one right answer.

    Raises DefinitionError.
    """
    file = ContentFile(data, name, ("questions",))
    clauses = [clause.id for clause in consent.clauses]

    def read_option(code: str, node: Node) -> TeachBackOption:
        return TeachBackOption(code, file.text(node, skip=("right",)), file.flag(node, "right"))

    def read(node: Node) -> TeachBackQuestion:
        fields = file.fields(node, ("id", "clause", "applies", "text", "options", "feedback"))
        entries = file.reader.entries(fields["options"]) if "options" in fields else []
        options = tuple(read_option(code, entry) for code, entry in entries)
        if sum(option.right for option in options) != 1 or len(options) < 2:
            file.reader.problem(node, "Y07", "a question needs two answers or more, and one of them right")
        return TeachBackQuestion(
            id=file.new_id(fields.get("id")),
            clause=file.reader.code(fields.get("clause"), clauses, "clause"),
            applies=file.applies(fields.get("applies"), treatments.codes),
            text=file.text(fields.get("text")),
            options=options,
            feedback=file.text(fields.get("feedback")),
        )

    return file.done(TeachBack(file.version, file.every("questions", read)))
