"""What a patient sends when signing or declining: shape and limits only."""

import json
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

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


class DeclineForm(FlaskForm):  # type: ignore[misc]
    """A reason, if the patient wants to give one."""

    reason = TextAreaField(
        _l("If you like, tell us why"), [Length(max=2000, message=_l("Write at most 2,000 characters"))]
    )
