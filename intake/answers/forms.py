"""A form class for a section, made once from its definition for each language: shape and limits, never a disease."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from intake import clock, i18n
from intake.answers.rules import (
    OLDEST_YEAR,
    Problem,
    Reading,
    is_telephone,
    read,
    read_date,
    read_phone,
    short_names,
)
from intake.definitions import Item, ItemType, Questionnaire, Section, Value

YES = {"en": "Yes", "hi": "हाँ", "ar": "نعم"}
NO = {"en": "No", "hi": "नहीं", "ar": "لا"}


def message(reading: Reading, item: Item) -> str:
    """What to do about a problem, in the page's language and short enough to stand beside the field; never "invalid",
    never "required"."""
    if reading.problem is None:
        return ""
    if reading.problem is Problem.MISSING:
        return _missing(item)
    if reading.problem.startswith("date_") or item.type is ItemType.DATE:
        return date_message(reading)
    limit, language = reading.limit, i18n.language()
    alone = next((option.text.get(language) for option in item.options if option.exclusive), "")
    many = int(limit) if limit.isdecimal() else 0
    words = {
        Problem.MISSING_MANY: _("Choose at least one answer"),
        Problem.MISSING_ACK: _("Tick the box when you have read this, or ask for help"),
        Problem.UNKNOWN_OPTION: _("Choose one of the answers shown"),
        Problem.EXCLUSIVE: _("“%(answer)s” stands alone. Choose it, or the others", answer=alone),
        Problem.TOO_LONG: _("Write at most %(count)s characters", count=limit),
        Problem.TOO_SHORT: _("Write at least %(count)s characters", count=limit),
        Problem.TOO_FEW: ngettext("Choose at least %(num)s answer", "Choose at least %(num)s answers", many),
        Problem.TOO_MANY: ngettext("Choose at most %(num)s answer", "Choose at most %(num)s answers", many),
        Problem.NOT_A_NUMBER: _("Write a number, such as 72"),
        Problem.NOT_WHOLE: _("Write a whole number, such as 72"),
        Problem.TOO_PRECISE: ngettext(
            "Write at most %(num)s digit after the point", "Write at most %(num)s digits after the point", many
        ),
        Problem.TOO_SMALL: _("Write a value of %(limit)s or more", limit=limit),
        Problem.TOO_LARGE: _("Write a value of %(limit)s or less", limit=limit),
        Problem.PATTERN: " ".join(filter(None, (_("Check what you wrote."), item.format.get(language)))),
        Problem.PHONE: phone_words(),
    }
    return str(words[reading.problem])


def date_message(reading: Reading) -> str:
    """What to do about three boxes that hold no date, or one outside its limits."""
    words = {
        Problem.DATE_DAY: _("Write the day as a number from 1 to 31"),
        Problem.DATE_MONTH: _("Write the month as a number from 1 to 12, or as a word"),
        Problem.DATE_YEAR: _("Write the year with four digits, for example 1956"),
        Problem.DATE_TOO_OLD: _("The year must be %(year)s or later", year=OLDEST_YEAR),
        Problem.DATE_INCOMPLETE: _("Write the day, the month and the year"),
    }
    if reading.problem in words:
        return str(words[reading.problem])
    if reading.problem is Problem.DATE_IMPOSSIBLE:
        year, month = map(int, reading.limit.split("-"))
        return str(
            _(
                "%(month)s has only %(count)s days: check the day, the month and the year",
                month=format_date(date(year, month, 1), "LLLL y"),
                count=monthrange(year, month)[1],
            )
        )
    is_whole = len(reading.limit) == len("2026-11-23")  # a definition may bound a date by its year or month alone
    day = i18n.long_date(date.fromisoformat(reading.limit)) if is_whole else reading.limit
    if reading.problem is Problem.DATE_FUTURE:
        return str(_("Write a date that is not after today, %(day)s", day=day))
    if reading.problem is Problem.TOO_SMALL:
        return str(_("Write a date that is not before %(day)s", day=day))
    return str(_("Write a date that is not after %(day)s", day=day))


def _missing(item: Item) -> str:
    if item.is_choice or item.type is ItemType.BOOLEAN:
        return str(_("Choose one answer"))
    if item.type is ItemType.DATE:
        return date_message(Reading(problem=Problem.DATE_INCOMPLETE))
    if item.type in (ItemType.INTEGER, ItemType.DECIMAL):
        return str(_("Write a number, such as 72"))
    return phone_words() if is_telephone(item) else str(_("Write an answer"))


def phone_words() -> str:
    """What to do about anything that is no phone number, at the desk and on the tablet."""
    return str(_("Write the number with digits, for example 98765 43210"))


def phone_number(_form: FlaskForm, field: Field) -> None:
    """Refuse what cannot be a phone number; a field left empty is not judged here."""
    if field.data and field.data.strip() and read_phone(field.data) is None:
        raise ValidationError(phone_words())


def summary_line(name: str, words: str) -> str:
    """A problem as the summary on top of a page tells it: which question, then what to do about it."""
    return f"{name} {words}" if name.endswith(("?", "؟", "!", "।")) else f"{name}: {words}"


class Answered:
    """Reads the field's raw input by its item's rules and says what to do where they refuse."""

    field_flags: Mapping[str, Any] = {}

    def __call__(self, form: FlaskForm, field: Field) -> None:
        field.reading = read(field.item, field.sent, clock.today(i18n.clinic().zone))
        if field.reading.problem:
            raise ValidationError(message(field.reading, field.item))


class _FromItem:
    """What every field made from an item carries: the item, what was sent, and help and unit in the page's language."""

    item: Item
    raw_data: list[str] | None
    data: Any
    errors: Sequence[str]

    def __init__(self, *args: Any, item: Item, language: str, short: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.item, self.language, self.short, self.reading = item, language, short, Reading()
        self.unit = item.unit or ""

    @property
    def in_summary(self) -> str:
        """The problem as the summary on top of the page tells it."""
        return summary_line(self.short, self.errors[0]) if self.errors else ""

    @property
    def sent(self) -> list[str]:
        """The raw strings this field sent."""
        return list(self.raw_data or [])


class TextBox(_FromItem, StringField):  # type: ignore[misc]  # WTForms fields are not fully typed
    """One line of text, also for numbers: a number box would eat what was typed wrong."""

    @property
    def keyboard(self) -> dict[str, str]:
        """Attributes that bring up the right keys on a tablet (WCAG 1.3.5; the type never hides what was typed)."""
        item = self.item
        if item.type in (ItemType.INTEGER, ItemType.DECIMAL):
            return {}
        if item.regex and "@" in item.regex:
            return {"type": "email", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        if is_telephone(item):
            return {"type": "tel", "inputmode": "tel", "dir": "ltr", "size": "medium"}
        if item.link_id.endswith("name"):
            return {"autocapitalize": "words", "spellcheck": "false"}
        return {"autocapitalize": "sentences"}


class TextArea(_FromItem, TextAreaField):  # type: ignore[misc]
    """Several lines of text."""


class Radios(_FromItem, RadioField):  # type: ignore[misc]
    """One of a few answers; nothing is ticked before the patient does."""

    def pre_validate(self, form: FlaskForm) -> None:
        """Leave the membership check to the item's rules, so that it speaks like the rest."""


class Checkboxes(_FromItem, SelectMultipleField):  # type: ignore[misc]
    """Any number of answers, each its own box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: FlaskForm) -> None:
        """Leave the membership check to the item's rules, so that it speaks like the rest."""


class Acknowledge(_FromItem, BooleanField):  # type: ignore[misc]
    """A single box that must be ticked."""


class ThreeBoxes(Field):  # type: ignore[misc]
    """Day, month and year in three boxes, sent as NAME-d, NAME-m and NAME-y."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = {"d": "", "m": "", "y": ""}

    def process(self, formdata: MultiDict[str, str] | None, data: Any = None, extra_filters: Any = None) -> None:
        """Take the three boxes where they were sent, else the stored ISO date."""
        self.process_errors: list[str] = []
        self.raw_data = None
        if formdata and any(f"{self.name}-{part}" in formdata for part in self.parts):
            self.parts = {part: formdata.get(f"{self.name}-{part}", "")[:40] for part in self.parts}
            self.raw_data = list(self.parts.values())
        elif isinstance(data, str) and data:
            day = date.fromisoformat(data)
            self.parts = {"d": str(day.day), "m": str(day.month), "y": str(day.year)}
        self.data = data

    def __call__(self, **kwargs: object) -> Markup:
        """Rendered by the page's own macro."""
        raise TypeError("a date is rendered by the date macro")


class DateBoxes(_FromItem, ThreeBoxes):
    """A question answered with a date."""


class BirthDate(ThreeBoxes):
    """A date asked outside any questionnaire."""

    @property
    def day(self) -> date | None:
        """The date the boxes hold, or None where they hold none that anybody alive was born on."""
        return found if isinstance(found := self._found(), date) else None

    def explain(self) -> str:
        """What to do about boxes that hold no such date."""
        found = self._found()
        return date_message(found if isinstance(found, Reading) else Reading(problem=Problem.DATE_INCOMPLETE))

    def _found(self) -> date | Reading | None:
        found, today = read_date(list(self.parts.values())), clock.today(i18n.clinic().zone)
        if isinstance(found, date) and found > today:
            return Reading(problem=Problem.DATE_FUTURE, limit=today.isoformat())
        if isinstance(found, date) and found.year < OLDEST_YEAR:
            return Reading(problem=Problem.DATE_TOO_OLD)
        return found


def _make(item: Item, language: str, short: str) -> Any:
    label = item.text.get(language)
    common: dict[str, Any] = {"label": label, "item": item, "language": language, "short": short}
    common["validators"] = [Answered()]
    if item.acknowledgement:
        return Acknowledge(**common)
    if item.is_choice:
        choices = [
            SelectChoice(o.code, o.text.get(language), {"data-exclusive": True} if o.exclusive else {})
            for o in item.options
        ]
        return Checkboxes(choices=choices, **common) if item.repeats else Radios(choices=choices, **common)
    if item.type is ItemType.BOOLEAN:
        pair = [SelectChoice("true", YES.get(language, "Yes")), SelectChoice("false", NO.get(language, "No"))]
        return Radios(choices=pair, **common)
    if item.type is ItemType.DATE:
        return DateBoxes(**common)
    return (TextArea if item.type is ItemType.TEXT else TextBox)(**common)


def section_form(questionnaire: Questionnaire, section: Section, language: str) -> type[FlaskForm]:
    """The form class of one section in one language, made once. Field names are q and the item's place, never its
    linkId, which may be a name WTForms needs (WTForms #791)."""
    return _section_form(_Key(questionnaire), section.id, language)


class _Key:
    """Lets the cache know a questionnaire by its hash."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire

    def __hash__(self) -> int:
        return hash(self.questionnaire.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.questionnaire.sha256 == self.questionnaire.sha256


@lru_cache(512)
def _section_form(key: _Key, section_id: str, language: str) -> type[FlaskForm]:
    questionnaire = key.questionnaire
    section = questionnaire.section(section_id)
    if section is None:
        raise KeyError(section_id)
    fields: dict[str, Any] = {"rev": HiddenField()}
    names = short_names(asked(questionnaire, section), language)
    for item in asked(questionnaire, section):
        fields[field_name(questionnaire, item.link_id)] = _make(item, language, names[item.link_id])
    return type("SectionForm", (FlaskForm,), fields)


def asked(questionnaire: Questionnaire, section: Section) -> list[Item]:
    """The questions of a section that a patient answers, enabled or not."""
    items = (questionnaire.items[link_id] for link_id in section.items)
    return [item for item in items if item.is_question and not item.hidden and item.flow is None]


def field_name(questionnaire: Questionnaire, link_id: str) -> str:
    """The form's name for an item."""
    return f"q{list(questionnaire.items).index(link_id)}"


def stored_data(item: Item, values: Sequence[Value]) -> Any:
    """What a field is filled with from stored values."""
    raw = [next(iter(value.values())) for value in values]
    if item.acknowledgement:
        return bool(raw and raw[0])
    texts = [str(entry["code"]) if isinstance(entry, Mapping) else _plain(entry) for entry in raw]
    if item.is_choice and item.repeats:
        return texts
    return texts[0] if texts else None


def _plain(entry: object) -> str:
    if isinstance(entry, bool):
        return "true" if entry else "false"
    return str(int(entry)) if isinstance(entry, float) and entry.is_integer() else str(entry)
