"""What a tablet's holder types: the pairing code and the date of birth. Shape and limits only."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField, ValidationError
from wtforms.validators import InputRequired, Length

from intake.answers import BirthDate


class PairForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """The 8 characters reception reads out."""

    code = StringField(_l("Pairing code"), [InputRequired(_l("Write the code that reception shows")), Length(max=20)])


class IdentityForm(FlaskForm):  # type: ignore[misc]
    """The date of birth in three boxes."""

    born = BirthDate(_l("Your date of birth"))

    def validate_born(self, field: BirthDate) -> None:
        """A whole date of the past, or what to do about it."""
        if field.day is None:
            raise ValidationError(field.explain())
