"""The peers: a bare Flask view, and the form of ten questions as WTForms alone makes it, drawn by its stock widgets.

Nothing of ours is in them but the frame of the page and the words.
"""

from flask import Flask, Response
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    DecimalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from intake.definitions import Questionnaire

PAGE = """\
{% extends "patient.html" %}
{% from "_fields.html" import page_form with context %}
{% block title %}Ten questions{% endblock %}
{% block content %}
{% call page_form(_("Continue")) %}{{ form.rev() }}
<h1>Ten questions</h1>
{% for field in form if field.name not in ("rev", "csrf_token") %}
<div class="field"><p>{{ field.label(class_="label") }}</p>
{% if field.description %}<p class="hint" id="{{ field.id }}-hint">{{ field.description }}</p>{% endif %}
{% if field.errors %}<p class="err">{{ field.errors[0] }}</p>{% endif %}
{{ field(class_="input", autocomplete="off") }}</div>
{% endfor %}
{% endcall %}
{% endblock %}
"""

SENT = {
    "name": "Farida Sheikh",
    "phone": "98400 00421",
    "born": "1968-03-04",
    "sex": "female",
    "weight": "61.5",
    "visits": "2",
    "had": ["asthma", "keloid"],
    "smokes": "daily",
    "packs": "10",
    "more": "I faint when I see needles.",
}
"""The same answers as those given to our page."""


def bare(method: str, status: int, body: bytes) -> Flask:
    """An application with one view, which answers these bytes and does nothing else."""
    app = Flask("bare")

    @app.route("/", methods=[method])
    def view() -> Response:
        return Response(body, status, {"Location": "/"} if status == 303 else None)

    return app


def plain_form(questionnaire: Questionnaire) -> type[FlaskForm]:
    """The same ten questions in WTForms' own fields."""

    def words(name: str) -> str:
        return questionnaire.items[f"ten.{name}"].text.get("en")

    def choices(name: str) -> list[tuple[str, str]]:
        return [(one.code, one.text.get("en")) for one in questionnaire.items[f"ten.{name}"].options]

    several = {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}
    must, may = InputRequired(), Optional()
    return type(
        "PlainForm",
        (FlaskForm,),
        {
            "rev": HiddenField(),
            "name": StringField(words("name"), [must, Length(max=80)], description="As on your identity card"),
            "phone": StringField(words("phone"), [must, Regexp("[+]?[0-9 ]{7,19}")]),
            "born": DateField(words("born"), [must]),
            "sex": RadioField(words("sex"), [must], choices=choices("sex")),
            "weight": DecimalField(words("weight"), [must, NumberRange(20, 350)]),
            "visits": IntegerField(words("visits"), [must, NumberRange(0, 99)]),
            "had": type("Boxes", (SelectMultipleField,), several)(
                words("had"), [must], choices=choices("had"), description="Tick all that apply"
            ),
            "smokes": RadioField(words("smokes"), [must], choices=choices("smokes")),
            "packs": IntegerField(words("packs"), [may, NumberRange(1, 200)]),
            "more": TextAreaField(words("more"), [may, Length(max=2000)]),
        },
    )
