"""A form class for a section, made once from its definition for each language: shape and limits, never a disease."""

from collections.abc import Mapping, Sequence
from datetime import time
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.fields.choices import SelectChoice

from intake.answers.fields import (
    Acknowledge,
    Answered,
    Checkboxes,
    DateBoxes,
    DropDown,
    MomentBoxes,
    OpenCheckboxes,
    OpenDropDown,
    OpenRadios,
    Radios,
    TextArea,
    TextBox,
    plain_time,
)
from intake.answers.rules import other_code, short_names
from intake.definitions import (
    Item,
    ItemType,
    Option,
    Questionnaire,
    Section,
    Value,
    answer_text,
    equal,
    split_entry,
    yes_no,
)

MOST_RADIOS = 7
"""More answers than these, of which one is chosen, do not fit on a tablet's page under each other."""


def _make(item: Item, language: str, short: str) -> Any:
    label = " ".join(filter(None, (item.prefix.get(language), item.text.get(language))))
    common: dict[str, Any] = {"label": label, "item": item, "language": language, "short": short}
    common["validators"] = [Answered()]
    if item.acknowledgement:
        return Acknowledge(**common)
    if item.is_choice:
        return _choice(item)(choices=_choices(item, language), **common)
    if item.type is ItemType.BOOLEAN:
        pair = [SelectChoice(code, word) for code, word in zip(("true", "false"), yes_no(language), strict=True)]
        return Radios(choices=pair, **common)
    kinds = {ItemType.DATE: DateBoxes, ItemType.DATETIME: MomentBoxes, ItemType.TEXT: TextArea}
    return kinds.get(item.type, TextBox)(**common)


def _choice(item: Item) -> Any:
    """The field for a choice: a list that drops down where there are more options than fit under a thumb."""
    is_open = item.type is ItemType.OPEN_CHOICE
    if item.repeats:
        return OpenCheckboxes if is_open else Checkboxes
    is_long = len(item.options) > MOST_RADIOS and item.control != "radio-button"
    if item.control == "drop-down" or is_long:
        return OpenDropDown if is_open else DropDown
    return OpenRadios if is_open else Radios


def _choices(item: Item, language: str) -> list[SelectChoice]:
    """The options in their words; "something else" of an open choice is the last, the page's own word where it has
    none."""
    found = [
        SelectChoice(
            option.code,
            " ".join(filter(None, (option.prefix.get(language), _words(option, language)))),
            {"data-exclusive": True} if option.exclusive else {},
        )
        for option in item.options
    ]
    if item.type is ItemType.OPEN_CHOICE:
        found.append(SelectChoice(other_code(item), item.open_label.get(language), {"data-other": True}))
    return found


def _words(option: Option, language: str) -> str:
    """An option's words; a date or a time that is itself the answer is shown as people write it."""
    if option.key in ("valueDate", "valueTime"):
        return answer_text(Item("", ItemType.STRING), [option.value], language)
    return option.text.get(language)


def section_form(questionnaire: Questionnaire, section: Section, language: str) -> type[FlaskForm]:
    """The form class of one section in one language, made once. Field names are q and the item's place, never its
    linkId, which may be a name WTForms needs (WTForms #791)."""
    return _section_form(_Key(questionnaire), section.id, language)


class _Key:
    """Lets the cache know a questionnaire by its hash and by how many entries its groups have."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire

    @property
    def _known_by(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        return self.questionnaire.sha256, tuple(self.questionnaire.entries.items())

    def __hash__(self) -> int:
        return hash(self._known_by)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other._known_by == self._known_by


@lru_cache(512)
def _section_form(key: _Key, section_id: str, language: str) -> type[FlaskForm]:
    questionnaire = key.questionnaire
    section = questionnaire.section(section_id)
    if section is None:
        raise KeyError(section_id)
    # Without a label of ours, WTForms makes one, and reads its own catalogue from the disk for each request to do so.
    fields: dict[str, Any] = {"rev": HiddenField("")}
    names = short_names(asked(questionnaire, section), language)
    for item in asked(questionnaire, section):
        fields[field_name(questionnaire, item.link_id)] = _make(item, language, names[item.link_id])
    return type("SectionForm", (FlaskForm,), fields)


def asked(questionnaire: Questionnaire, section: Section) -> list[Item]:
    """The questions of a section that a patient answers, enabled or not."""
    return [item for link_id in section.items if (item := questionnaire.items[link_id]).is_filled_in]


def field_name(questionnaire: Questionnaire, link_id: str) -> str:
    """The form's name for an item: its place among the items of the definition, and which entry it stands in, so that
    another entry changes no other name."""
    if (names := _names.get(questionnaire)) is None:
        names = _names[questionnaire] = _all_names(questionnaire)
    return names[link_id]


_names: WeakKeyDictionary[Questionnaire, dict[str, str]] = WeakKeyDictionary()


def _all_names(questionnaire: Questionnaire) -> dict[str, str]:
    first = (link_id for link_id, item in questionnaire.items.items() if item.entry == 1)
    names = {link_id: f"q{place}" for place, link_id in enumerate(first)}
    for link_id, item in questionnaire.items.items():
        if item.entry > 1:
            base, entry = split_entry(link_id)
            names[link_id] = f"{names[base]}_{entry}"
    return names


def stored_data(item: Item, values: Sequence[Value]) -> Any:
    """What a field is filled with from stored values; for an open choice the words, then the codes."""
    if item.acknowledgement:
        return bool(values and next(iter(values[0].values())))
    if item.type is ItemType.OPEN_CHOICE:
        return _open_data(item, values)
    texts = [_plain(next(iter(value.values()))) for value in values]
    if item.is_choice and item.repeats:
        return texts
    if item.type is ItemType.TIME and texts:
        return plain_time(time.fromisoformat(texts[0]))
    return texts[0] if texts else None


def _open_data(item: Item, values: Sequence[Value]) -> list[str]:
    listed = [option.code for value in values for option in item.options if equal(option.value, value)]
    own = [
        str(value["valueString"])
        for value in values
        if "valueString" in value and not any(equal(option.value, value) for option in item.options)
    ]
    return [*own[:1], *listed, other_code(item)] if own else ["", *listed]


def _plain(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Mapping):
        entry = entry["value"] if "value" in entry else entry["code"]
    if isinstance(entry, bool):
        return "true" if entry else "false"
    return str(int(entry)) if isinstance(entry, float) and entry.is_integer() else str(entry)
