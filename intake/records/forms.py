"""What anybody types to check a record: its number. Shape only."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length, ValidationError

from intake.records.rules import read_number


class NumberForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """The number on a record, however it is written."""

    number = StringField(_l("Record number"), [Length(max=40, message=_l("Write at most 40 characters"))])

    def validate_number(self, field: StringField) -> None:
        """Two to four letters and eight characters."""
        if read_number(field.data or "") is None:
            raise ValidationError(_("Write the number as it stands on the record, for example KS-7KQ2-M9XF"))
