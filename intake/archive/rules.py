"""What somebody means by a search, and how a list is written so that no program takes a name for a formula. Pure."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from intake.answers.rules import ascii_digits, clean, read_date
from intake.records.rules import read_number

FEWEST_LETTERS = 3  # so that nobody can page through all patients
MOST_DAYS = 31  # a token's number comes back every day
LONGEST_QUERY = 200
DATE = re.compile(
    r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b|\b(\d{1,2})(?:[./-]| +)(\d{1,2}|[^\s\d.,/-]{3,12}\.?)(?:[./-]|,? +)(\d{4})\b"
)
TOKEN = re.compile(r"([A-Za-z])[ -]?(\d{1,3})")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection


@dataclass(frozen=True)
class Query:
    """A search as understood. A number comes first, then a token; the rest narrow one another down."""

    number: str = ""
    letter: str = ""
    count: int = 0
    name: str = ""
    phone: str = ""
    born_on: date | None = None

    @property
    def kinds(self) -> str:
        """What the words were read as, for the log: never the words themselves."""
        read = {
            "number": self.number,
            "token": self.letter,
            "name": self.name,
            "phone": self.phone,
            "born_on": self.born_on,
        }
        return ",".join(kind for kind, value in read.items() if value)

    @property
    def says_enough(self) -> bool:
        """Whether this may be searched for: a number, a token, a date of birth, a phone, or 3 letters of a name."""
        if self.number or self.letter:
            return True
        return self.names_somebody

    @property
    def names_somebody(self) -> bool:
        """Whether name, phone and date of birth say enough by themselves."""
        digits = len(self.phone)
        if self.phone and digits != 4 and digits < 6:
            return False
        return bool(self.born_on or self.phone) or letters_in(self.name) >= FEWEST_LETTERS


def letters_in(name: str) -> int:
    """How many signs of a name can be told apart: vowel signs of Indic scripts count like letters."""
    return sum(unicodedata.category(c)[0] in "LMN" for c in name)


def read_query(typed: str) -> Query:
    """What a person means: a record number, a token such as K 14, or any of a name, a phone and a date of birth.

    Without dashes a number may also be a name with digits behind it ("Asha Khan 0421"): then both are given.
    """
    text = " ".join(ascii_digits(clean(typed)).split())
    number = read_number(text) or ""
    if number and "-" in text:
        return Query(number=number)
    if match := TOKEN.fullmatch(text):
        return Query(letter=match[1].upper(), count=int(match[2]))
    born_on, rest = _take_date(text)
    phone = "".join(c for c in rest if c.isdigit())
    name = " ".join(word for word in re.sub(r"[\d+()]+", " ", rest).split() if any(c.isalpha() for c in word))
    return Query(number=number, name=name, phone=phone, born_on=born_on)


def _take_date(text: str) -> tuple[date | None, str]:
    """The first date in a text (year first, or day first as people write it here), and the text without it."""
    for match in DATE.finditer(text):
        year_first, day_first = match.group(1, 2, 3), match.group(4, 5, 6)
        parts = (year_first[2], year_first[1], year_first[0]) if year_first[0] else day_first
        if isinstance(day := read_date(parts), date):
            return day, text[: match.start()] + " " + text[match.end() :]
    return None, text


def read_day(typed: str) -> date | None:
    """A day as a date box sends it. Raises ValueError for anything else; nothing is None."""
    return date.fromisoformat(ascii_digits(typed.strip())) if typed.strip() else None


def days_between(since: date | None, until: date | None, today: date) -> list[date]:
    """The days to look for a token on, newest first: today where none is given, one where only the last is.

    At most one more than MOST_DAYS, which is how a caller sees that there are too many.
    """
    last = until or today
    first = since or last
    return [last - timedelta(days=n) for n in range((last - first).days + 1)][: MOST_DAYS + 1]


def is_within(day: date, since: date | None, until: date | None) -> bool:
    """Whether a day lies in a span whose ends may be open."""
    return (since is None or day >= since) and (until is None or day <= until)


def page_after(keys: Sequence[tuple[str, str]], after: tuple[str, str] | None, size: int) -> tuple[int, int]:
    """First and last place of the page that follows a key, in a list sorted from the greatest key down."""
    start = 0 if after is None else sum(key >= after for key in keys)
    return start, min(start + size, len(keys))


def sheet(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A table as CSV that spreadsheets open rightly: every cell quoted, no cell a formula, UTF-8 with its mark."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """A cell's text; what a spreadsheet would take for a formula gets an apostrophe, which it shows as text."""
    return f"'{cell}" if cell.lstrip(" \u00a0\ufeff").startswith(FORMULA) or cell.startswith(FORMULA) else cell
