"""Filling in a questionnaire: a draft that grows page by page, then answers given for good. Front door."""

from intake.answers.checking import check_all
from intake.answers.fields import BirthDate, phone_number
from intake.answers.forms import asked, field_name, section_form, stored_data
from intake.answers.messages import summary_line
from intake.answers.page import Page, Taken, change_entries, context, filled, open_page, take
from intake.answers.rules import clean, is_notice, open_sections, read, short_name
from intake.answers.script import conditions_for
from intake.answers.service import (
    Begun,
    Given,
    begin,
    find,
    find_submission,
    get,
    get_submission,
    is_submitted,
    list_submitted,
    save,
    submit,
)

__all__ = [
    "Begun",
    "BirthDate",
    "Given",
    "Page",
    "Taken",
    "asked",
    "begin",
    "change_entries",
    "check_all",
    "clean",
    "conditions_for",
    "context",
    "field_name",
    "filled",
    "find",
    "find_submission",
    "get",
    "get_submission",
    "is_notice",
    "is_submitted",
    "list_submitted",
    "open_page",
    "open_sections",
    "phone_number",
    "read",
    "save",
    "section_form",
    "short_name",
    "stored_data",
    "submit",
    "summary_line",
    "take",
]
