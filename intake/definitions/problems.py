"""What is wrong with a definition: every problem at once, each with its place and a hint for its author."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from intake.errors import Invalid


@dataclass(frozen=True)
class Problem:
    """One thing to put right, or to know of. `place` is a JSON path or ``file:line``.

    Codes: Q speaks of the FHIR profile, Y of a YAML file, of what it names and of its translations, W only warns.
    """

    code: str
    place: str
    message: str
    hint: str = ""
    link_id: str = ""

    def __str__(self) -> str:
        item = f" [{self.link_id}]" if self.link_id else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.code} {self.place}{item}: {self.message}{hint}"

    @property
    def as_json(self) -> dict[str, str]:
        """The same for programs; `path` is a JSON path or ``file:line``, what is not known is empty."""
        return {
            "code": self.code,
            "path": self.place,
            "linkId": self.link_id,
            "message": self.message,
            "hint": self.hint,
        }


class DefinitionError(Invalid):
    """A definition cannot be taken. `problems` lists everything that is wrong with it, never the first thing only."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("definitions.invalid", problems=[str(problem) for problem in self.problems])

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
