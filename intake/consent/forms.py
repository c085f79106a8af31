"""What a patient sends when signing or declining: shape and limits only."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from intake import consent, i18n
from intake.answers import clean, summary_line
from intake.consent.people import ROLES, Fault, Part, Person, Signing, Way
from intake.consent.rules import read_screen, read_strokes
from intake.consent.words import PART_WORDS, ROLE_WORDS
from intake.errors import Invalid


def _name() -> StringField:
    return StringField(_l("Name"), [Length(max=200, message=_l("Write at most 200 characters"))])


def _role(part: Part) -> SelectField:
    choices = [
        SelectChoice("", _l("Choose one")),
        *(SelectChoice(role.value, ROLE_WORDS[role]) for role in ROLES[part]),
    ]
    return SelectField(_l("Who is this person?"), choices=choices, validate_choice=False)


class SignForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """A drawn signature as points, a typed name, which weighs the same, or a thumb print on paper; and who takes part
    with name and role. What a role may be, and what a signature needs, is for people.py to say."""

    how = RadioField(
        choices=[
            SelectChoice("draw", _l("Draw with my finger")),
            SelectChoice("type", _l("Type my name")),
            SelectChoice("thumb", _l("I cannot write: thumb print on paper")),
        ],
        default="draw",
        validate_choice=False,
    )
    strokes = HiddenField()
    typed = StringField(
        _l("Type your full name to sign"), [Length(max=255, message=_l("Write at most 255 characters"))]
    )

    helper_name, helper_role = _name(), _role(Part.HELPER)
    interpreter_name, interpreter_role = _name(), _role(Part.INTERPRETER)
    witness_name, witness_role = _name(), _role(Part.WITNESS)
    guardian_name, guardian_role = _name(), _role(Part.GUARDIAN)

    def boxes_of(self, part: Part) -> tuple[StringField, SelectField]:
        """The boxes for the name and the role of whoever takes this part."""
        return self[f"{part.value}_name"], self[f"{part.value}_role"]

    def parts(self, *, is_guarded: bool) -> list[Part]:
        """The parts to ask for: a guardian only where one answered for the patient, or where one was refused."""
        return [one for one in Part if one is not Part.GUARDIAN or is_guarded or self.guardian_name.errors]

    @property
    def people(self) -> tuple[Person, ...]:
        """Who takes part: everybody of whom anything is said."""
        boxes = [(part, *self.boxes_of(part)) for part in Part]
        said = [Person(part, clean(name.data or ""), role.data or "") for part, name, role in boxes]
        return tuple(person for person in said if person.name or person.role)

    @property
    def is_open(self) -> bool:
        """Whether the boxes for other people are to be seen at once: somebody stands there, or is missing."""
        return (
            bool(self.people)
            or self.how.data == "thumb"
            or any(box.errors for part in Part for box in self.boxes_of(part))
        )

    def signing(self, patient: str, age: int | None, *, is_guarded: bool) -> Signing:
        """The signature as it is about to be made, for the rules."""
        way = {"draw": Way.DRAWN, "thumb": Way.THUMB}.get(self.how.data, Way.TYPED)
        typed = clean(self.typed.data or "") if way is Way.TYPED else ""
        return Signing(way, typed, self.people, patient, age, is_guarded)

    def refuse_people(self, faults: Sequence[tuple[Fault, Part]]) -> None:
        """Say beside each box of the people what to do."""
        words = {
            Fault.NO_NAME: (0, _("Write the name")),
            Fault.NO_ROLE: (1, _("Choose who this person is")),
            Fault.NO_WITNESS: (0, _("A thumb print needs a witness. Write the name")),
            Fault.OWN_WITNESS: (0, _("Nobody can be their own witness. Name somebody else")),
            Fault.NOT_OWN_NAME: (0, _("A guardian signs with their own name, not with that of the patient")),
            Fault.NO_GUARDIAN: (0, _("Somebody else signs only after a talk with the doctor. Please ask reception")),
            Fault.MINOR: (0, _("A guardian cannot sign here for somebody under 18. Please ask reception")),
        }
        for fault, part in faults:
            box, says = words[fault]
            field = self.boxes_of(part)[box]
            field.errors = [says]
            field.in_summary = summary_line(str(PART_WORDS[part]), says)

    def signature(self, shown: consent.Shown) -> dict[str, Any]:
        """What was signed with, as evidence. Raises Invalid where it is no signature."""
        screen = read_screen(request.form.get("screen", ""))
        common = {
            **({"screen": screen} if screen else {}),
            "device": request.user_agent.string[:200],
            "language": i18n.language(),
            "statements": shown.body["statements"],
            "people": [{"part": one.part.value, "name": one.name, "role": one.role} for one in self.people],
        }
        if self.how.data == "thumb":
            return common | {"method": "thumb"}
        if self.how.data != "draw":
            name = clean(self.typed.data or "")
            if len(name) < 2:
                raise Invalid("signature.no_name")
            return common | {"method": "typed", "typed": name}
        raw = self.strokes.data or ""
        if not raw:
            raise Invalid("signature.empty")
        try:
            drawn = read_strokes(json.loads(raw), len(raw))
        except (ValueError, RecursionError):
            raise Invalid("signature.unreadable") from None
        strokes = [[list(point) for point in stroke] for stroke in drawn.strokes]
        pad = {"width": drawn.width, "height": drawn.height, "strokes": strokes, "pointers": list(drawn.pointers)}
        return common | {"method": "drawn", "drawn": pad}

    def refuse(self, code: str) -> None:
        """Say beside the field what to do."""
        words = {
            "signature.no_name": _("Type your full name to sign"),
            "signature.empty": _("Sign on the dotted line, or choose to type your name"),
            "signature.too_short": _("Sign on the dotted line, or choose to type your name"),
            "signature.too_large": _("This drawing is too large. Press Clear and sign once more, or type your name"),
            "signature.unreadable": _("The drawing did not arrive. Press Clear and sign once more, or type your name"),
        }
        field = self.typed if code == "signature.no_name" else self.strokes
        field.errors = [words[code]]


class WithdrawForm(FlaskForm):  # type: ignore[misc]
    """What a patient takes back, chosen from what stands; a reason, if they want to give one."""

    parts = SelectMultipleField(
        _l("What do you take back?"), validate_choice=False, widget=ListWidget(), option_widget=CheckboxInput()
    )
    reason = TextAreaField(
        _l("If you like, tell us why"), [Length(max=2000, message=_l("Write at most 2,000 characters"))]
    )

    def offer(self, standing: Sequence[consent.Standing]) -> None:
        """Say what may be chosen: each part by its visit and its id. Nothing is chosen before the patient does."""
        self.parts.choices = [
            SelectChoice(f"{one.visit_id}:{part.id}", part.words) for one in standing for part in one.parts
        ]

    def validate_parts(self, field: SelectMultipleField) -> None:
        """At least one, and only what is offered or was taken back already."""
        if not self.chosen:
            raise ValidationError(_("Choose what you take back"))

    @property
    def chosen(self) -> dict[UUID, set[str]]:
        """The parts chosen, by visit; what is no part of a visit is left out."""
        found: dict[UUID, set[str]] = {}
        for value in self.parts.data or ():
            visit_id, _colon, part = value.partition(":")
            with suppress(ValueError):
                found.setdefault(UUID(visit_id), set()).add(part)
        return found


class DeclineForm(FlaskForm):  # type: ignore[misc]
    """A reason, if the patient wants to give one."""

    reason = TextAreaField(
        _l("If you like, tell us why"), [Length(max=2000, message=_l("Write at most 2,000 characters"))]
    )
