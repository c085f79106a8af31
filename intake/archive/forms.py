"""What somebody types to find a record: shape and limits only."""

from datetime import date
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, SearchField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from intake.archive import rules


def a_day(_form: FlaskForm, field: Field) -> None:
    """Refuse what is no day of the calendar."""
    try:
        rules.read_day(field.data or "")
    except ValueError:
        raise ValidationError(_("Write the day as year, month and day, for example 2026-11-23")) from None


class SearchForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """One box, a span of days, and the record after which the next page begins."""

    q = SearchField(
        _l("Name, mobile, date of birth, token or record number"),
        [
            InputRequired(_l("Write what to look for")),
            Length(max=rules.LONGEST_QUERY, message=_l("Write at most 200 letters")),
        ],
    )
    since = StringField(_l("From"), [a_day])
    until = StringField(_l("To"), [a_day])
    after = HiddenField()

    @property
    def span(self) -> tuple[date | None, date | None]:
        """First and last day, either open."""
        return rules.read_day(self.since.data or ""), rules.read_day(self.until.data or "")

    @property
    def cursor(self) -> UUID | None:
        """The record the page follows; nonsense begins at the beginning."""
        try:
            return UUID(self.after.data or "")
        except ValueError:
            return None
