"""What reception types: shape and limits only."""

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from intake.answers import BirthDate, phone_number
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


class WithdrawForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """What a patient takes back who calls, writes or stands at the desk, and how it was made sure who asks."""

    parts = SelectMultipleField(
        _l("What does the patient take back?"),
        validate_choice=False,
        widget=ListWidget(),
        option_widget=CheckboxInput(),
    )
    how = RadioField(
        _l("How did the patient ask?"),
        choices=[
            SelectChoice("person", _l("In person")),
            SelectChoice("phone", _l("By phone")),
            SelectChoice("letter", _l("In writing")),
        ],
        validate_choice=False,
    )
    born = BirthDate(_l("Date of birth, as the patient says it"))
    called_back = BooleanField(_l("I called back the number we have."))
    reason = TextAreaField(
        _l("The patient's reason, if they gave one"), [Length(max=2000, message=_l("Write at most 2,000 characters"))]
    )

    def validate_parts(self, field: SelectMultipleField) -> None:
        """At least one."""
        if not field.data:
            raise ValidationError(_("Choose what is taken back"))

    def validate_how(self, field: RadioField) -> None:
        """One of the three ways."""
        if str(field.data) not in [str(choice.value) for choice in field.iter_choices()]:
            raise ValidationError(_("Choose how the patient asked"))

    def validate_born(self, field: BirthDate) -> None:
        """A whole date of the past, or what to do about it."""
        if field.day is None:
            raise ValidationError(field.explain())


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
