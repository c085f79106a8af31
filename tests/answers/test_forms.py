"""Forms made from a definition: fields, stored values, keyboards, and what they say about a problem."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from intake import definitions, i18n
from intake.answers.fields import BirthDate, Checkboxes
from intake.answers.forms import asked, field_name, section_form, stored_data
from intake.answers.messages import message, summary_line
from intake.answers.rules import Problem, Reading
from intake.definitions import Edition, Item, ItemType
from intake.kiosk.forms import IdentityForm


@pytest.fixture
def edition(in_app: Flask) -> Iterator[Edition]:
    """The content of the clinic."""
    return definitions.current_edition()


def fill(edition: Edition, section_id: str, *, language: str = "en", **data: Any) -> Any:
    """The form of a section with stored plain values by linkId ("__" for the dot)."""
    section = edition.questionnaire.section(section_id)
    assert section is not None
    stored = {field_name(edition.questionnaire, link.replace("__", ".")): value for link, value in data.items()}
    return section_form(edition.questionnaire, section, language)(formdata=None, data=stored)


def test_every_section_has_a_form_with_one_field_a_question_and_a_revision(edition: Edition) -> None:
    asked = edition.questionnaire
    for section in asked.sections:
        form = section_form(asked, section, "en")(formdata=None)
        names = {field_name(asked, link) for link in section.items if asked.items[link].is_question}
        hidden = {field_name(asked, link) for link in section.items if asked.items[link].hidden}
        assert {field.name for field in form} - {"rev", "csrf_token"} == names - hidden


def test_a_form_class_is_made_once_for_each_language(edition: Edition) -> None:
    section = edition.questionnaire.sections[0]
    assert section_form(edition.questionnaire, section, "en") is section_form(edition.questionnaire, section, "en")
    assert section_form(edition.questionnaire, section, "en") is not section_form(edition.questionnaire, section, "hi")


def test_nothing_is_ticked_before_the_patient_does(edition: Edition) -> None:
    for section in edition.questionnaire.sections:
        for field in section_form(edition.questionnaire, section, "en")(formdata=None):
            if hasattr(field, "iter_choices"):
                assert not [choice.value for choice in field.iter_choices() if choice.selected], field.name


def test_stored_values_fill_every_kind_of_field_again(edition: Edition) -> None:
    items = edition.questionnaire.items
    goals = stored_data(items["tx.goals"], [{"valueCoding": {"code": "fat"}}, {"valueCoding": {"code": "hair"}}])
    form = fill(edition, "tx", tx__goals=goals)
    goals_field = form[field_name(edition.questionnaire, "tx.goals")]
    assert [choice.value for choice in goals_field.iter_choices() if choice.selected] == ["fat", "hair"]
    assert stored_data(items["st.privacy"], [{"valueBoolean": True}]) is True
    assert stored_data(items["ls.event"], [{"valueBoolean": False}]) == "false"
    assert stored_data(items["ft.weight"], [{"valueDecimal": 72.0}]) == "72"
    assert stored_data(items["ft.weight"], [{"valueDecimal": 72.5}]) == "72.5"
    assert stored_data(items["id.name"], []) is None
    born = fill(edition, "id", id__dob="1968-03-04")[field_name(edition.questionnaire, "id.dob")]
    assert born.parts == {"d": "4", "m": "3", "y": "1968"}
    assert fill(edition, "pn", st__privacy=True)[field_name(edition.questionnaire, "st.privacy")].data is True


def test_an_answer_that_stands_alone_is_marked_for_the_script(edition: Edition) -> None:
    field = fill(edition, "td")[field_name(edition.questionnaire, "td.today")]
    assert isinstance(field, Checkboxes)
    assert [choice.value for choice in field.iter_choices() if "data-exclusive" in choice.render_kw] == ["none"]


@pytest.mark.parametrize(
    ("section", "link", "wanted"),
    [
        ("ct", "ct.mobile", {"type": "tel", "inputmode": "tel"}),
        ("ct", "ct.ec_phone", {"type": "tel", "inputmode": "tel"}),
        ("ct", "ct.email", {"type": "email", "inputmode": "email"}),
        ("id", "id.name", {"autocapitalize": "words", "spellcheck": "false"}),
        ("st", "st.helper_name", {"autocapitalize": "words", "spellcheck": "false"}),
    ],
)
def test_a_field_brings_up_the_keys_it_needs(edition: Edition, section: str, link: str, wanted: dict[str, str]) -> None:
    keyboard = fill(edition, section)[field_name(edition.questionnaire, link)].keyboard
    assert wanted.items() <= keyboard.items()


def test_a_number_box_is_text_so_that_what_was_typed_wrong_is_not_eaten(edition: Edition) -> None:
    field = fill(edition, "ft")[field_name(edition.questionnaire, "ft.height")]
    assert (field.keyboard, field.unit) == ({}, "cm")


LIMITS = {Problem.DATE_IMPOSSIBLE: "1968-04", Problem.DATE_FUTURE: "2026-11-23"}


@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_is_a_sentence_that_says_what_to_do(in_app: Flask, problem: Problem) -> None:
    item = Item("a", ItemType.STRING, definitions.Text.of({"en": "Your name"}))
    said = message(Reading(problem=problem, limit=LIMITS.get(problem, "3")), item)
    assert said and said[0] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ“"
    assert "Your name" not in said, "the question stands beside it"
    assert "invalid" not in said.lower() and "required" not in said.lower() and "error" not in said.lower()


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (Item("a", ItemType.CHOICE), "Choose one answer"),
        (Item("a", ItemType.BOOLEAN), "Choose one answer"),
        (Item("a", ItemType.DATE), "Write the day, the month and the year"),
        (Item("a", ItemType.DECIMAL), "Write a number, such as 72"),
        (Item("a", ItemType.TEXT), "Write an answer"),
        (Item("a", ItemType.STRING, regex=r"\d{10}"), "Write the number with digits, for example 98765 43210"),
    ],
)
def test_a_question_left_open_says_how_it_is_answered(in_app: Flask, item: Item, says: str) -> None:
    assert message(Reading(problem=Problem.MISSING), item) == says


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        (Reading(problem=Problem.TOO_FEW, limit="2"), "Choose at least 2 answers"),
        (Reading(problem=Problem.TOO_MANY, limit="1"), "Choose at most 1 answer"),
        (Reading(problem=Problem.TOO_PRECISE, limit="1"), "Write at most 1 digit after the point"),
        (Reading(problem=Problem.TOO_PRECISE, limit="2"), "Write at most 2 digits after the point"),
        (Reading(problem=Problem.PATTERN), "Check what you wrote."),
    ],
)
def test_what_a_definition_limits_is_said_with_its_limit(in_app: Flask, reading: Reading, says: str) -> None:
    assert message(reading, Item("a", ItemType.DECIMAL, max_decimals=1, min=Decimal(1))) == says


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        (Reading(problem=Problem.TOO_SMALL, limit="2020-01-31"), "Write a date that is not before 31 January 2020"),
        (Reading(problem=Problem.TOO_LARGE, limit="2020-01-31"), "Write a date that is not after 31 January 2020"),
        (Reading(problem=Problem.TOO_LARGE, limit="2020"), "Write a date that is not after 2020"),
        (
            Reading(problem=Problem.DATE_IMPOSSIBLE, limit="1900-02"),
            "February 1900 has only 28 days: check the day, the month and the year",
        ),
    ],
)
def test_the_limits_of_a_date_are_said_as_dates(in_app: Flask, reading: Reading, says: str) -> None:
    assert message(reading, Item("a", ItemType.DATE)) == says


def test_no_two_lines_of_a_summary_can_be_taken_for_each_other(edition: Edition) -> None:
    for section in edition.questionnaire.sections:
        form = section_form(edition.questionnaire, section, "en")(formdata=None)
        fields = [form[field_name(edition.questionnaire, i.link_id)] for i in asked(edition.questionnaire, section)]
        assert len({field.short for field in fields}) == len(fields), section.id


def test_a_line_of_the_summary_is_the_question_and_what_to_do() -> None:
    assert summary_line("Your sex", "Choose one answer") == "Your sex: Choose one answer"
    assert summary_line("How often?", "Choose one answer") == "How often? Choose one answer"
    assert summary_line("क्या यह सही है।", "एक चुनें") == "क्या यह सही है। एक चुनें"


def test_no_problem_is_no_sentence(in_app: Flask) -> None:
    assert message(Reading(), Item("a", ItemType.STRING)) == ""


def test_the_exclusive_answer_is_named_in_the_language_of_the_page(edition: Edition) -> None:
    i18n.set_language("hi")
    item = edition.questionnaire.items["td.today"]
    assert "इनमें से कुछ नहीं" in message(Reading(problem=Problem.EXCLUSIVE, limit="None of these"), item)


@pytest.mark.parametrize(
    ("boxes", "says"),
    [
        (("4", "3", "1968"), ""),
        (("23", "11", "2026"), ""),
        (("4", "3", "1899"), "The year must be 1900 or later"),
        (("24", "11", "2026"), "Write a date that is not after today, 23 November 2026"),
        (("4", "3", "56"), "Write the year with four digits, for example 1956"),
        (("31", "4", "1968"), "April 1968 has only 30 days: check the day, the month and the year"),
        (("", "", ""), "Write the day, the month and the year"),
    ],
)
def test_a_birth_date_is_a_date_somebody_alive_may_have(in_app: Flask, boxes: tuple[str, str, str], says: str) -> None:
    sent = MultiDict({f"born-{part}": text for part, text in zip("dmy", boxes, strict=True)})
    field = IdentityForm(formdata=sent, meta={"csrf": False}).born
    assert isinstance(field, BirthDate)
    assert (field.day is None) is bool(says)
    assert not says or field.explain() == says
