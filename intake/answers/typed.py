"""What a person typed, as text: digits of any script, dates, times, numbers, phone numbers and addresses, or the reason
why it is none. Pure, and knows no questionnaire; which question takes what is left to rules.py.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

OLDEST_YEAR = 1900
PHONE_NUMBER = re.compile(r"[+(]?\d[\d ()-]{5,17}\d")
PHONE_DIGITS = range(7, 16)  # a number has at most 15 digits (ITU-T E.164, section 6)
PHONE_SIGNS = str.maketrans({".": " ", "\u00a0": " ", "\u2010": "-", "\u2011": "-", "\u2013": "-"})
LONGEST_NAME = 60
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan, january, जनवरी, يناير, كانون الثاني",
            "feb, february, फरवरी, फ़रवरी, فبراير, شباط",
            "mar, march, मार्च, مارس, آذار",
            "apr, april, अप्रैल, أبريل, ابريل, نيسان",
            "may, मई, مايو, أيار",
            "jun, june, जून, يونيو, حزيران",
            "jul, july, जुलाई, يوليو, تموز",
            "aug, august, अगस्त, أغسطس, اغسطس, آب",
            "sep, sept, september, सितंबर, सितम्बर, سبتمبر, أيلول",
            "oct, october, अक्टूबर, أكتوبر, اكتوبر, تشرين الأول",
            "nov, november, नवंबर, नवम्बर, نوفمبر, تشرين الثاني",
            "dec, december, दिसंबर, दिसम्बर, ديسمبر, كانون الأول",
        ),
        start=1,
    )
    for name in names.split(", ")
}
"""Words for months, in lower case and NFC, each with its number; the Arabic ones are those of Egypt and the Gulf and
those of the Levant (Unicode CLDR, ar and ar-SY)."""


class Problem(StrEnum):
    """Why an answer cannot be taken."""

    MISSING = "missing"
    MISSING_ACK = "missing_ack"
    MISSING_MANY = "missing_many"
    UNKNOWN_OPTION = "unknown_option"
    EXCLUSIVE = "exclusive"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    NOT_A_NUMBER = "not_a_number"
    NOT_WHOLE = "not_whole"
    TOO_PRECISE = "too_precise"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    DATE_INCOMPLETE = "date_incomplete"
    DATE_DAY = "date_day"
    DATE_MONTH = "date_month"
    DATE_YEAR = "date_year"
    DATE_IMPOSSIBLE = "date_impossible"
    DATE_FUTURE = "date_future"
    DATE_TOO_OLD = "date_too_old"
    PATTERN = "pattern"
    PHONE = "phone"
    TIME = "time"
    MOMENT_INCOMPLETE = "moment_incomplete"
    ADDRESS = "address"
    MISSING_WORDS = "missing_words"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: values, or a problem with the limit it names (for a day that its month lacks, that year-month)."""

    values: tuple[Mapping[str, Any], ...] = ()
    problem: Problem | None = None
    limit: str = ""


def ascii_digits(text: str) -> str:
    """The text with decimal digits of any script as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def clean(text: str) -> str:
    """Typed text in NFC without the control characters no keyboard means; line breaks stay, words stay as they are."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = (
        c
        for c in unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
    )
    return "".join(kept).strip()


def read_phone(typed: str) -> str | None:
    """A phone number with ASCII digits and plain signs, or None where it cannot be one: 7 to 15 digits of any script,
    with spaces, dots, dashes and brackets, perhaps a plus in front."""
    plain = ascii_digits(clean(typed)).translate(PHONE_SIGNS)
    digits = sum(c.isdigit() for c in plain)
    return plain if digits in PHONE_DIGITS and PHONE_NUMBER.fullmatch(plain) else None


def short_name(text: str) -> str:
    """A question by its first sentence, or by as many of its words as make a line."""
    first = re.match(r".+?[?؟!.।](?=\s|$)", text)
    name = (first[0] if first else text).rstrip(".:")
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME].rsplit(" ", 1)[0].rstrip(",;") + "…"


def read_date(parts: Sequence[str]) -> date | Reading | None:
    """A day, month and year in boxes (month by number or name, digits of any script); None when all are empty,
    a reading that names the problem where they are no date."""
    day, month, year = (ascii_digits(clean(part)) for part in [*parts, "", "", ""][:3])
    if not (day or month or year):
        return None
    if not (day and month and year):
        return Reading(problem=Problem.DATE_INCOMPLETE)
    month = str(MONTHS.get(month.lower().rstrip("."), month))
    for box, shape, most, problem in (
        (day, r"\d{1,2}", 31, Problem.DATE_DAY),
        (month, r"\d{1,2}", 12, Problem.DATE_MONTH),
        (year, r"[1-9]\d{3}", 9999, Problem.DATE_YEAR),
    ):
        if not (re.fullmatch(shape, box) and 1 <= int(box) <= most):
            return Reading(problem=problem)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return Reading(problem=Problem.DATE_IMPOSSIBLE, limit=f"{year}-{int(month):02d}")


CLOCK = re.compile(r"(\d{1,2})(?:\s*[:.]\s*(\d{2}))?(?::(\d{2}))?\s*(am|pm|a\.m\.?|p\.m\.?|ص|م)?")


def read_time(typed: str) -> time | None:
    """A time of day as people write it (9:30, 9.30, 09:30, 9:30 pm, 9 pm), or None where it is none.

    Hours alone are taken only with am or pm, so that a number typed into the wrong box is not taken for a time.
    """
    found = CLOCK.fullmatch(ascii_digits(clean(typed)).casefold())
    if found is None or (found[2] is None and found[4] is None):
        return None
    hour, half = int(found[1]), found[4]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] in "pم" else 0)
    try:
        return time(hour, int(found[2] or 0), int(found[3] or 0))
    except ValueError:
        return None


def read_number(typed: str) -> Decimal | None:
    """A number of at most nine digits before the point and six after it, with a point or a comma; None for all else."""
    plain = ascii_digits(typed).replace("٫", ".").replace(",", ".").replace(" ", "")
    return Decimal(plain) if re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,6})?", plain) else None


def is_address(typed: str) -> bool:
    """Whether a text is an absolute address of the web: http or https, with a host (RFC 3986)."""
    if not re.fullmatch(r"https?://[^\s<>\"]+", typed, flags=re.IGNORECASE):
        return False
    try:
        parts = urlsplit(typed)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
