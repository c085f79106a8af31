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
from wtforms import HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from intake import consent, i18n
from intake.answers import clean
from intake.consent.rules import read_strokes
from intake.errors import Invalid


class SignForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """A drawn signature as points, or a typed name; both weigh the same."""

    how = RadioField(
        choices=[SelectChoice("draw", _l("Draw with my finger")), SelectChoice("type", _l("Type my name"))],
        default="draw",
        validate_choice=False,
    )
    strokes = HiddenField()
    typed = StringField(
        _l("Type your full name to sign"), [Length(max=255, message=_l("Write at most 255 characters"))]
    )

    def signature(self, shown: consent.Shown) -> dict[str, Any]:
        """What was signed with, as evidence. Raises Invalid where it is no signature."""
        common = {
            "device": request.user_agent.string[:200],
            "language": i18n.language(),
            "statements": shown.body["statements"],
        }
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
        return common | {"method": "drawn", "drawn": {"width": drawn.width, "height": drawn.height, "strokes": strokes}}

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
