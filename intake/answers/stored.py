"""A question's answer as a page shows it where nothing was sent: what a field filled with it would show, at a tenth of
what making the field costs. Pages that were sent keep their fields, which know what is wrong."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from intake.answers.forms import stored_data
from intake.definitions import Item, ItemType, Value


class Stored:
    """What is stored for a question, under the names by which a field tells what it holds."""

    errors: Sequence[str] = ()

    def __init__(self, item: Item, values: Sequence[Value]) -> None:
        self.data: Any = stored_data(item, values)
        self.words = ""
        self._parts: dict[str, str] | None = None
        if item.type is ItemType.OPEN_CHOICE:
            self.words, *codes = self.data
            self.data = codes if item.repeats else next(iter(codes), None)

    @property
    def chosen(self) -> Sequence[str]:
        """The codes that are chosen, of a question that has codes."""
        return self.data if isinstance(self.data, list) else (self.data,)

    @property
    def parts(self) -> dict[str, str]:
        """The three boxes of a date."""
        if self._parts is None:
            day = date.fromisoformat(self.data) if self.data else None
            self._parts = (
                {"d": str(day.day), "m": str(day.month), "y": str(day.year)} if day else dict.fromkeys("dmy", "")
            )
        return self._parts

    def _value(self) -> str:
        return "" if self.data is None else str(self.data)
