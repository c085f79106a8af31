"""Words, dates and times of a record in the language the patient read, each with its English beside it. Pure.

Where a translation comes from is left to the caller; what the clinic's own texts say, to the evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from intake.records.rules import Words

Translate = Callable[[str], str]


def N_(message: str) -> str:
    """Mark words for the catalogues where they are written down before their language is known."""
    return message


@dataclass(frozen=True)
class Tongue:
    """One language: `translate` gives words from their English, and the English itself where it has none."""

    language: str
    translate: Translate = str

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, from CLDR; `ltr` for a language it does not know."""
        return self._locale.text_direction

    def words(self, message: str, **facts: str | Words) -> Words:
        """The words and their English. `%(name)s` in the message takes the fact of that name, in each language."""
        text = self.translate(message)
        if facts:
            said = {name: fact if isinstance(fact, Words) else Words(fact) for name, fact in facts.items()}
            text %= {name: fact.text for name, fact in said.items()}
            message %= {name: fact.english or fact.text for name, fact in said.items()}
        return Words(text, "" if message == text else message)

    def day(self, day: date) -> Words:
        """A date with its month as a word, never 11/12. Digits are Latin in every language, as on the screen."""
        text, english = (format_date(day, "d MMMM y", locale=tongue) for tongue in (self._locale, "en"))
        return Words(text, "" if english == text else english)

    def moment(self, iso: str, zone: tzinfo) -> Words:
        """A moment from its ISO 8601 form, on this zone's wall clock: day in words, hours and minutes."""
        at = datetime.fromisoformat(iso).astimezone(zone)
        return self.words(N_("%(day)s, %(time)s"), day=self.day(at.date()), time=at.strftime("%H:%M"))

    @property
    def _locale(self) -> Locale:
        try:
            return Locale.parse(self.language, sep="-")
        except (ValueError, UnknownLocaleError):
            return Locale("en")
