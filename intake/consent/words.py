"""The words for who takes part in a signature and who they are, for patients and for the doctor. The record has its
own, in the language that was read (records/compose.py)."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from intake.consent.people import Part, Role

PART_WORDS: Mapping[Part, Any] = {
    Part.HELPER: _l("Helper"),
    Part.INTERPRETER: _l("Interpreter"),
    Part.WITNESS: _l("Witness"),
    Part.GUARDIAN: _l("Parent or guardian, who signs"),
}
ROLE_WORDS: Mapping[Role, Any] = {
    Role.FAMILY: _l("Family or friend"),
    Role.STAFF: _l("Clinic staff"),
    Role.INTERPRETER: _l("Interpreter"),
    Role.GUARDIAN: _l("Parent or legal guardian"),
    Role.OTHER: _l("Somebody else"),
}
