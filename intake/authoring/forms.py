"""The file an author brings to be looked at: that there is one. What is in it, the gate judges."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class FileForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """One questionnaire, as FHIR JSON or in the YAML shorthand."""

    file = FileField(_l("Questionnaire (.json or .yaml)"), [FileRequired(_l("Choose a file"))])
