"""What a page says about an answer it cannot take, in the page's language: one short sentence that tells what to do."""

from calendar import monthrange
from datetime import date, datetime

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from intake import i18n
from intake.answers.rules import OLDEST_YEAR, Problem, Reading, is_telephone
from intake.definitions import NUMBERS, Item, ItemType


def message(reading: Reading, item: Item) -> str:
    """What to do about a problem, in the page's language and short enough to stand beside the field; never "invalid",
    never "required"."""
    if reading.problem is None:
        return ""
    if reading.problem is Problem.MISSING:
        return _missing(item)
    if reading.problem.startswith("date_") or (item.type is ItemType.DATE and reading.limit):
        return date_message(reading)
    if item.type in (ItemType.TIME, ItemType.DATETIME) and reading.limit:
        return _bound_message(reading)
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
        Problem.TIME: time_words(),
        Problem.MOMENT_INCOMPLETE: _("Write the day, the month, the year and the time"),
        Problem.ADDRESS: _("Write a web address that begins with https://"),
        Problem.MISSING_WORDS: _("Write your answer in the box"),
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
    if item.type is ItemType.DATETIME:
        return message(Reading(problem=Problem.MOMENT_INCOMPLETE), item)
    if item.type is ItemType.TIME:
        return time_words()
    if item.type in NUMBERS:
        return str(_("Write a number, such as 72"))
    return phone_words() if is_telephone(item) else str(_("Write an answer"))


def _bound_message(reading: Reading) -> str:
    """A limit of a time of day or of a moment."""
    if "-" in reading.limit:
        moment = datetime.fromisoformat(reading.limit) if "T" in reading.limit else None
        if moment is None:
            return date_message(reading)
        own = i18n.local(moment) if moment.tzinfo else moment
        limit = f"{i18n.long_date(own.date())}, {own:%H:%M}"
    else:
        limit = reading.limit[:5]
    if reading.problem is Problem.TOO_SMALL:
        return str(_("Write a time that is not before %(time)s", time=limit))
    return str(_("Write a time that is not after %(time)s", time=limit))


def time_words() -> str:
    """What to do about anything that is no time of day."""
    return str(_("Write the time as hours and minutes, for example 9:30"))


def phone_words() -> str:
    """What to do about anything that is no phone number, at the desk and on the tablet."""
    return str(_("Write the number with digits, for example 98765 43210"))


def group_words() -> str:
    """What to do about a group of questions of which at least one must be answered."""
    return str(_("Answer at least one of these questions"))


def summary_line(name: str, words: str) -> str:
    """A problem as the summary on top of a page tells it: which question, then what to do about it."""
    return f"{name} {words}" if name.endswith(("?", "؟", "!", "।")) else f"{name}: {words}"
