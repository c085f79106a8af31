"""The catalogues of the interface: nothing for a patient is left in English, and no number falls out of a sentence.

How good a translation is, a reader of the language has to say: the catalogues are marked as drafts.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from gettext import c2py
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from flask import Flask, render_template
from flask_babel import gettext, ngettext

from intake import i18n

ROOT = Path(__file__).parent.parent
LANGUAGES = ("hi", "ar")
# What is shown to a patient, or printed for one. All other pages are for staff, who read English.
FOR_PATIENTS = re.compile(
    r"templates/(base|patient|_fields|_maps)\.html|templates/(answers|consent|errors|kiosk|records)/.*"
    r"|intake/(web|i18n)\.py|intake/(answers|consent|kiosk|records)/.*"
)
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def catalogue(language: str) -> Catalog:
    with open(i18n.CATALOGUES / language / "LC_MESSAGES" / "messages.po", "rb") as file:
        return read_po(file, locale=language)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """Every word for a patient, as the source says it now."""
    template = tmp_path_factory.mktemp("words") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "pyproject.toml"]
    done = subprocess.run([*command, "-o", template, "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with template.open("rb") as file:
        found = [message for message in read_po(file) if message.id]
    return [message for message in found if any(FOR_PATIENTS.fullmatch(name) for name, _ in message.locations)]


def forms(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@pytest.mark.packaging
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_a_patient_may_meet_is_translated(words: list[Message], language: str) -> None:
    known = catalogue(language)
    assert len(words) > 250
    missing = [
        word.id
        for word in words
        if (found := known.get(word.id, word.context)) is None or not all(forms(found.string)) or found.fuzzy
    ]
    assert missing == [], 'run "make messages", then translate these'


@pytest.mark.packaging
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_takes_the_same_facts_as_its_english(language: str) -> None:
    known = catalogue(language)
    for message in known:
        if not message.id or not any(forms(message.string)):
            continue
        facts = set(PLACEHOLDER.findall("".join(forms(message.id))))
        for index, form in enumerate(forms(message.string)):
            said = set(PLACEHOLDER.findall(form))
            # A form for one number alone may say it as a word.
            assert said == facts or (index in forms_of_one_number(known) and said == facts - {"num"}), message.id
            assert "%" not in PLACEHOLDER.sub("", form), message.id


def forms_of_one_number(known: Catalog) -> set[int]:
    """The plural forms that each belong to one number and no other."""
    chosen = Counter(map(c2py(known.plural_expr), range(1000)))
    return {form for form, numbers in chosen.items() if numbers == 1}


@pytest.mark.packaging
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_guesses_nothing_keeps_nothing_old_and_says_that_it_is_a_draft(language: str) -> None:
    known = catalogue(language)
    assert [message.id for message in known if message.fuzzy and message.id] == [] and not known.obsolete
    assert "draft: to be confirmed by a native reader with clinic experience" in known.header_comment


@pytest.mark.packaging
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_compiled_is_what_the_catalogue_says(language: str) -> None:
    translate = i18n.translator(language)
    plain = [m for m in catalogue(language) if m.id and m.string and isinstance(m.id, str) and not m.context]
    assert plain and [m.id for m in plain if translate(str(m.id)) != m.string] == [], 'run "make setup"'


def test_words_without_a_translation_stay_english() -> None:
    assert i18n.translator("hi")("A word no catalogue has") == "A word no catalogue has"
    assert i18n.translator("xx")("Thank you") == i18n.translator("en")("Thank you") == "Thank you"


def in_language(app: Flask, language: str, say: Any, *given: Any, **facts: Any) -> str:
    with app.test_request_context():
        i18n.set_language(language)
        return str(say(*given, **facts))


def test_each_number_has_its_own_form_in_arabic(app: Flask) -> None:
    one, many = (
        "You asked about one thing. The doctor will answer it first.",
        "You asked about %(num)s things. The doctor will answer them first.",
    )
    said = [in_language(app, "ar", ngettext, one, many, number) for number in (0, 1, 2, 3, 11, 100)]
    assert len(set(said)) == 6
    assert [str(number) in text for number, text in zip((3, 11, 100), said[3:], strict=True)] == [True] * 3
    assert len({in_language(app, "hi", ngettext, one, many, number) for number in (1, 2, 11)}) == 3


def test_a_page_in_arabic_runs_from_right_to_left_in_arabic_words(app: Flask) -> None:
    page = in_language(app, "ar", render_template, "errors/404.html", kind="patient", code="", reference="")
    assert '<html lang="ar" dir="rtl"' in page
    assert in_language(app, "ar", gettext, "We cannot find this page") in page
    assert "We cannot find this page" not in page
    assert '<html lang="hi" dir="ltr"' in in_language(app, "hi", render_template, "errors/404.html", kind="patient")


@pytest.mark.parametrize(
    ("language", "said"), [("en", "23 November 2026"), ("hi", "23 नवंबर 2026"), ("ar", "23 نوفمبر 2026")]
)
def test_dates_have_their_month_in_words_and_latin_digits(app: Flask, language: str, said: str) -> None:
    assert in_language(app, language, i18n.long_date, date(2026, 11, 23)) == said


def test_a_moment_after_midnight_in_india_is_on_the_new_day(app: Flask) -> None:
    moment = datetime(2026, 11, 22, 19, 30, tzinfo=UTC).astimezone(ZoneInfo("Asia/Kolkata"))
    assert in_language(app, "en", i18n.long_date, moment) == "23 November 2026"
