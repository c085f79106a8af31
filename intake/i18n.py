"""Choosing the language of a page, its words, and dates in words. What clinic texts say in each language is left to
the definitions."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from unicodedata import bidirectional

from babel import Locale, UnknownLocaleError
from babel.support import Translations
from flask import Flask, current_app, g
from flask_babel import Babel, format_date
from markupsafe import Markup

from intake.config import PACKAGE, Clinic, Settings

PHONE_NUMBER = re.compile(r"([+(]?[0-9](?:[ ()-]{0,2}[0-9]){6,})")
RIGHT_TO_LEFT = frozenset({"ar", "ur", "fa", "he"})
CATALOGUES = PACKAGE / "translations"  # where Flask-Babel looks too; "make messages" fills it
LANGUAGE_NAMES = {"en": "English", "hi": "हिन्दी", "ar": "العربية"}


def set_language(language: str) -> None:
    """Decide the language of this request's page."""
    g.language = language


def language() -> str:
    """The language of this request's page, as a short tag."""
    return str(g.get("language", "en"))


def direction(tag: str | None = None) -> str:
    """`rtl` or `ltr` for a language."""
    return "rtl" if (tag or language()) in RIGHT_TO_LEFT else "ltr"


@cache
def translator(tag: str) -> Callable[[str], str]:
    """Gives the interface's words in a language from their English, outside any request; English where it has none."""
    return Translations.load(CATALOGUES, [tag.replace("-", "_")]).gettext


def settings() -> Settings:
    """The running application's settings."""
    found: Settings = current_app.config["INTAKE"]
    return found


def clinic() -> Clinic:
    """What the clinic says about itself."""
    return settings().clinic


def local(moment: datetime) -> datetime:
    """A moment on the clinic's wall clock."""
    return moment.astimezone(clinic().zone)


def long_date(day: date) -> str:
    """A date with its month as a word of the page's language, never 11/12. Digits are Latin in every language, as in
    the numbers of tokens and records, so that everybody in the clinic reads the same ones aloud. A moment is the day it
    is on its own clock: the library would move it to UTC, which in India is yesterday until half past five."""
    return str(format_date(day.date() if isinstance(day, datetime) else day, "d MMMM y"))


def numbers_apart(text: str) -> str:
    """A text with each phone number in it kept apart, as Markup, where letters run from right to left: beside them the
    parts of +91 98400 00000 would change places (UAX 9, W2 and N1). Any other text unchanged."""
    if text.isascii() or not any(bidirectional(letter) in ("R", "AL") for letter in text):
        return text
    apart = Markup('<bdi dir="ltr">{}</bdi>')
    return Markup("").join(apart.format(part) if n % 2 else part for n, part in enumerate(PHONE_NUMBER.split(text)))


def clock_time(moment: datetime) -> str:
    """Hours and minutes on the clinic's wall clock."""
    return local(moment).strftime("%H:%M")


def _locale() -> str:
    """The page's language as Babel names it: a questionnaire may be in one with a region (nb-NO, RFC 5646), or in one
    that Babel has never heard of, whose pages then get the interface's words and dates in English."""
    try:
        return str(Locale.parse(language(), sep="-"))
    except (UnknownLocaleError, ValueError):
        return "en"


def init_app(app: Flask) -> None:
    """Give templates the language, its direction and the date filters."""
    Babel(app, locale_selector=_locale, default_timezone="UTC")
    filters = {"long_date": long_date, "clock_time": clock_time, "local": local, "numbers_apart": numbers_apart}
    app.jinja_env.filters |= filters

    @app.context_processor
    def words() -> dict[str, object]:
        return {"lang": language(), "dir": direction(), "clinic": clinic()}
