"""Whether a page that somebody filled in is to be taken, by docs/questionnaires.md: from what the browser showed and
what stands in the boxes, never by the code that reads a page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from intake.answers import field_name
from intake.definitions.rules import Item, ItemType, Questionnaire
from tests.agreement.keystrokes import PARTS, Boxes, Keystrokes


@dataclass(frozen=True, eq=False)
class Filled:
    """A page with its boxes filled in: `shape` has the entries that the page has, `shown` is what the browser shows."""

    shape: Questionnaire
    shown: Sequence[str]
    sent: Sequence[tuple[str, str]]
    keystrokes: Keystrokes

    @cached_property
    def questions(self) -> list[Item]:
        """The questions on show that have boxes."""
        items = (self.shape.items[one] for one in self.shown)
        return [item for item in items if item.is_question and not item.read_only]

    @cached_property
    def link_ids(self) -> Mapping[str, str]:
        """The linkId of each question of the page by the name of its boxes, on show or not."""
        asked = [item.link_id for item in self.shape.questions if item.is_asked and not item.read_only]
        return {field_name(self.shape, link_id): link_id for link_id in asked}

    @cached_property
    def boxes(self) -> Mapping[str, Boxes]:
        """What stands in the boxes of each of them; nothing where all are empty."""
        return {item.link_id: found for item in self.questions if any(found := self._boxes(item))}

    def _boxes(self, item: Item) -> Boxes:
        name = field_name(self.shape, item.link_id)
        if item.type in PARTS:
            return tuple(text.strip() for part in PARTS[item.type] for text in self._texts(name + part))
        texts = tuple(text.replace("\r\n", "\n").strip() for text in self._texts(name))
        if item.type is not ItemType.OPEN_CHOICE:
            return texts
        chosen = [text for text in texts if text]  # a list that opens sends "" for no choice
        return (*(text.strip() for text in self._texts(f"{name}-o")), *chosen)

    def _texts(self, name: str) -> list[str]:
        return [text for one, text in self.sent if one == name]

    def wrong(self) -> set[str]:
        """The questions that the page has to be sent back for, by linkId."""
        bad = {
            item.link_id
            for item in self.questions
            if item.link_id in self.boxes and not self.keystrokes.is_good(item, self.boxes[item.link_id])
        }
        missing = {item.link_id for item in self.questions if item.required and item.link_id not in self.boxes}
        return bad | {one for one in missing if not self._may_stay_away(one)} | set(self._of_empty_groups())

    def _may_stay_away(self, link_id: str) -> bool:
        """Whether it stands in an entry of a repeating group that is empty and that nobody called for."""
        group = self._group_above(link_id)
        if group is None or any(self._is_below(one, group.link_id) for one in self.boxes):
            return False
        return group.entry > (group.min_occurs if group.min_occurs is not None else int(group.required))

    def _group_above(self, link_id: str) -> Item | None:
        """The entry of a repeating group that an item stands in."""
        above: str | None = link_id
        while above is not None and not self.shape.items[above].is_repeating_group:
            above = self.shape.parents.get(above)
        return self.shape.items[above] if above is not None else None

    def _of_empty_groups(self) -> Iterator[str]:
        """The first question of each required group in which nothing is answered; FHIR R4 asks for one answer."""
        groups = (item for item in self.shape.items.values() if item.type is ItemType.GROUP and item.required)
        for group in groups:
            inside = [item.link_id for item in self.questions if self._is_below(item.link_id, group.link_id)]
            fixed = any(self._is_below(one.link_id, group.link_id) and one.initial for one in self._without_boxes())
            if inside and not fixed and not set(inside) & set(self.boxes) and not self._may_stay_away(group.link_id):
                yield inside[0]

    def _without_boxes(self) -> list[Item]:
        return [item for item in self.shape.questions if item.hidden or item.read_only]

    def _is_below(self, link_id: str, group: str) -> bool:
        above = self.shape.parents.get(link_id)
        return above == group or (above is not None and self._is_below(above, group))
