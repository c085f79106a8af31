"""What reception types: shape and limits only."""

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, StringField, TelField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from intake.answers import phone_number
from intake.desk import rules

LONGEST_REASON = 500
Choices = Iterable[tuple[str, str]]


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """A token for a known patient: which doctor; and, while the clinic is closed, why."""

    doctor = RadioField(_l("Doctor"), validate_choice=False)
    reason = TextAreaField(
        _l("Why now, while the clinic is closed?"),
        [Length(max=LONGEST_REASON, message=_l("Write at most 500 letters"))],
    )
    form_key = HiddenField()

    def offer(self, doctors: Choices) -> None:
        """Say which doctors may be chosen; where there is one, it is chosen."""
        self.doctor.choices = list(doctors)
        if len(self.doctor.choices) == 1 and not self.is_submitted():
            self.doctor.data = self.doctor.choices[0][0]

    def validate_doctor(self, field: RadioField) -> None:
        """One of those offered."""
        if str(field.data) not in [str(choice.value) for choice in field.iter_choices()]:
            raise ValidationError(_("Choose a doctor"))

    def validate_form_key(self, field: Field) -> None:
        """The key that a page of ours carried."""
        if not rules.is_form_key(field.data or ""):
            raise ValidationError(_("This page is too old. Press the button again"))


class NewPatientForm(TokenForm):
    """A token for somebody who has not been here before."""

    name = StringField(_l("Patient name"), [Length(max=rules.LONGEST_NAME, message=_l("Write at most 200 letters"))])
    phone = TelField(_l("Mobile number"), [Length(max=40, message=_l("Write at most 40 characters")), phone_number])

    def validate_name(self, field: Field) -> None:
        """Somebody new needs a name, in whatever script."""
        if not rules.read_name(field.data or ""):
            raise ValidationError(_("Write the patient's name"))


class FindForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """Somebody who has been here before, by name or number."""

    name = StringField(
        _l("Name, or how it begins"), [Length(max=rules.LONGEST_NAME, message=_l("Write at most 200 letters"))]
    )
    phone = TelField(
        _l("Mobile number, or its last 4 digits"), [Length(max=40, message=_l("Write at most 40 characters"))]
    )


class CloseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """Why a signed visit ends without a doctor."""

    reason = TextAreaField(
        _l("Why did no doctor review it?"),
        [InputRequired(_l("Write the reason")), Length(max=LONGEST_REASON, message=_l("Write at most 500 letters"))],
    )
    sure = BooleanField(
        _l("Close this visit. The record will say that no doctor reviewed it. This cannot be taken back."),
        [InputRequired(_l("Tick the box to close the visit"))],
    )


class OutOfUseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """The second look before a tablet opens nothing any more."""

    sure = BooleanField(
        _l("Take this tablet out of use. It opens nothing until reception pairs it again."),
        [InputRequired(_l("Tick the box to take the tablet out of use"))],
    )


class GiveForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """Which clean tablet, and in which language its first page opens."""

    tablet = RadioField(_l("Tablet"), validate_choice=False)
    language = RadioField(_l("Language"), validate_choice=False)
