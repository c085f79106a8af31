"""What a person types to sign in: shape and limits only."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import InputRequired, Length


def visible(text: str | None) -> str:
    """What was typed without control characters, which no address has and no page may repeat."""
    return "".join(letter for letter in text or "" if letter.isprintable())


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """Address and password. `next` is where the person was going."""

    email = EmailField(_l("Email"), [InputRequired(_l("Write your email address")), Length(max=255)], filters=[visible])
    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password")), Length(max=255)])
    next = HiddenField(validators=[Length(max=200)], filters=[visible])
