"""The entries of a repeating group on a page: how many it had, and what its buttons ask for."""

import re
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from intake.answers.forms import field_name
from intake.definitions import Questionnaire, Value

Sent = MultiDict[str, str]
NAME = re.compile(r"(q\d+)(?:_(\d+))?(-[a-z])?")


@dataclass(frozen=True)
class Move:
    """An entry more, or one less: the group's linkId, and which entry goes, 0 where one comes."""

    group: str
    remove: int = 0

    @classmethod
    def of(cls, shape: Questionnaire, sent: Sent) -> "Move | None":
        """What the pressed button asks for ("add q7", "remove q7 2"); None where none was, or one that is not there."""
        what, _, rest = sent.get("entry", "").partition(" ")
        name, _, entry = rest.partition(" ")
        group = next((one for one in shape.entries if field_name(shape, one) == name), None)
        if group is None or (what, bool(entry)) not in (("add", False), ("remove", True)):
            return None
        if what == "add":
            return cls(group)
        is_there = entry.isdecimal() and len(entry) < 3 and 1 <= int(entry) <= shape.entries[group]
        return cls(group, int(entry)) if is_there else None


def counts_sent(questionnaire: Questionnaire, sent: Sent) -> dict[str, list[Value]]:
    """How many entries the page had of each repeating group, as a draft keeps it; only of groups it said so of."""
    found: dict[str, list[Value]] = {}
    for group in questionnaire.entries:
        count = sent.get(f"n-{field_name(questionnaire, group)}", "")
        if count.isdecimal() and len(count) < 3:
            found[group] = [{"valueInteger": int(count)}]
    return found


def renamed(shape: Questionnaire, sent: Sent, move: Move) -> Sent:
    """What was sent, under the names it has once an entry is gone: those after it move up."""
    if not move.remove:
        return sent
    places = {field_name(shape, one) for one in _first_entry(shape, move.group)}

    def new_name(name: str) -> str | None:
        match = NAME.fullmatch(name)
        if match is None or match[1] not in places:
            return name
        entry = int(match[2] or 1)
        if entry == move.remove:
            return None
        entry -= entry > move.remove
        return match[1] + (f"_{entry}" if entry > 1 else "") + (match[3] or "")

    out: Sent = MultiDict()
    for name, value in sent.items(multi=True):
        if name == "seen":
            value = " ".join(new for one in value.split() if (new := new_name(one)))
        if (new := new_name(name)) is not None:
            out.add(new, value)
    return out


def _first_entry(shape: Questionnaire, link_id: str) -> list[str]:
    return [link_id, *(one for child in shape.items[link_id].items for one in _first_entry(shape, child))]
