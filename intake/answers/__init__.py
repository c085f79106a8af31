"""Filling in a questionnaire: a draft that grows page by page, then answers given for good. Front door."""

from intake.answers.forms import BirthDate, phone_number, summary_line
from intake.answers.rules import clean, open_sections, short_name
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
    "begin",
    "clean",
    "find",
    "find_submission",
    "get",
    "get_submission",
    "is_submitted",
    "list_submitted",
    "open_sections",
    "phone_number",
    "save",
    "short_name",
    "submit",
    "summary_line",
]
