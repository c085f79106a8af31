"""The fields of a form of questions: what each takes from a page, and how it shows what is stored.

Which question gets which field is left to forms.py, what a page says about a problem to messages.py.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any

from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.widgets import CheckboxInput, ListWidget

from intake import clock, i18n
from intake.answers.messages import date_message, message, phone_words, summary_line
from intake.answers.rules import (
    OLDEST_YEAR,
    Problem,
    Reading,
    is_telephone,
    mark_of_own_words,
    other_code,
    read,
    read_date,
    read_phone,
)
from intake.definitions import NUMBERS, Item, ItemType

LEFT_OPEN = frozenset({Problem.MISSING, Problem.MISSING_MANY, Problem.MISSING_ACK})
"""Problems of a question that nobody answered; it is one only where an answer is demanded."""


def plain_time(clock_time: time) -> str:
    """A time of day as a box shows it: without seconds where there are none."""
    return f"{clock_time:%H:%M:%S}" if clock_time.second else f"{clock_time:%H:%M}"


def phone_number(_form: FlaskForm, field: Field) -> None:
    """Refuse what cannot be a phone number; a field left empty is not judged here."""
    if field.data and field.data.strip() and read_phone(field.data) is None:
        raise ValidationError(phone_words())


class Answered:
    """Reads the field's raw input by its item's rules and says what to do where they refuse."""

    field_flags: Mapping[str, Any] = {}

    def __call__(self, form: FlaskForm, field: Field) -> None:
        may_stay_open = field.reading.problem in LEFT_OPEN and not field.demanded
        if field.reading.problem and not may_stay_open:
            raise ValidationError(message(field.reading, field.item))


class _FromItem:
    """What every field made from an item carries: the item, what was sent, its unit, and why it is asked, in the page's
    language."""

    item: Item
    raw_data: list[str] | None
    data: Any
    errors: Sequence[str]

    def __init__(self, *args: Any, item: Item, language: str, short: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.item, self.language, self.short = item, language, short
        self.unit, self.is_horizontal, self.demanded = item.unit or "", item.is_horizontal, True
        self.here: tuple[date, tzinfo] | None = None
        self._reading: Reading | None = None

    @property
    def why(self) -> str:
        """Why it is asked, in the page's language."""
        return self.item.why.get(self.language)

    @property
    def in_summary(self) -> str:
        """The problem as the summary on top of the page tells it."""
        return summary_line(self.short, self.errors[0]) if self.errors else ""

    @property
    def sent(self) -> list[str]:
        """The raw strings this field sent."""
        return list(self.raw_data or [])

    @property
    def reading(self) -> Reading:
        """What was sent, by the rules of the item, on the clinic's calendar and clocks; read once."""
        if self._reading is None:
            self._reading = read(self.item, self.sent, *(self.here or here()))
        return self._reading


def here() -> tuple[date, tzinfo]:
    """The day it is on the clinic's calendar, and its clocks."""
    zone = i18n.clinic().zone
    return clock.today(zone), zone


class TextBox(_FromItem, StringField):  # type: ignore[misc]  # WTForms fields are not fully typed
    """One line of text, also for numbers: a number box would eat what was typed wrong."""

    @property
    def keyboard(self) -> dict[str, str]:
        """Attributes that bring up the right keys on a tablet (WCAG 1.3.5; the type never hides what was typed)."""
        item = self.item
        if item.type in NUMBERS:
            mode = "numeric" if item.type is ItemType.INTEGER else "decimal"
            return {} if item.unit else {"inputmode": mode, "dir": "ltr", "size": "short"}
        if item.type is ItemType.TIME:
            return {"autocapitalize": "none", "spellcheck": "false", "dir": "ltr", "size": "short", "data-kind": "time"}
        if item.type is ItemType.URL:
            return {"type": "url", "inputmode": "url", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}
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


class DropDown(_FromItem, SelectField):  # type: ignore[misc]
    """One of many answers; nothing is chosen before the patient does."""

    def pre_validate(self, form: FlaskForm) -> None:
        """Leave the membership check to the item's rules, so that it speaks like the rest."""


class _Open:
    """An answer in words of one's own beside the options: a box sent as NAME-o, and a choice that stands for it."""

    item: Item
    name: str

    def process(self, formdata: MultiDict[str, str] | None, data: Any = None, extra_filters: Any = ()) -> None:
        """Take words and codes where they were sent, else as `stored_data` gives them: the words, then the codes."""
        words, *codes = data if isinstance(data, list) and data else ["", ""]
        chosen: Any = codes if isinstance(self, SelectMultipleField) else next(iter(codes), None)
        super().process(formdata, chosen, extra_filters)  # type: ignore[misc]
        if formdata and f"{self.name}-o" in formdata:
            words = formdata[f"{self.name}-o"]
        self.words, self.other, self.mark = words, other_code(self.item), mark_of_own_words(self.item)

    @property
    def sent(self) -> list[str]:
        """The words, then the codes; nothing where nothing was sent."""
        codes: list[str] = list(getattr(self, "raw_data", None) or [])
        return [self.words, *codes] if self.words or codes else []


class OpenRadios(_Open, Radios):
    """One of a few answers, or words of one's own."""


class OpenCheckboxes(_Open, Checkboxes):
    """Any number of answers, and words of one's own."""


class OpenDropDown(_Open, DropDown):
    """One of many answers, or words of one's own."""


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
            self.fill(data)
        self.data = data

    def fill(self, data: str) -> None:
        """Show a stored ISO date."""
        day = date.fromisoformat(data)
        self.parts |= {"d": str(day.day), "m": str(day.month), "y": str(day.year)}

    def __call__(self, **kwargs: object) -> Markup:
        """Rendered by the page's own macro."""
        raise TypeError("a date is rendered by the date macro")


class DateBoxes(_FromItem, ThreeBoxes):
    """A question answered with a date."""


class MomentBoxes(DateBoxes):
    """A question answered with a date and a time of day, which is sent as NAME-t."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts["t"] = ""

    def fill(self, data: str) -> None:
        """Show a stored moment on the clinic's clocks."""
        moment = datetime.fromisoformat(data)
        super().fill(data[:10] if moment.tzinfo is None else i18n.local(moment).date().isoformat())
        self.parts["t"] = plain_time((i18n.local(moment) if moment.tzinfo else moment).time())

    @property
    def zone(self) -> str:
        """The name of the clinic's time zone, for the page's script."""
        return i18n.clinic().zone.key


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
