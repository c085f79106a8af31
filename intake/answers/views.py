"""One section a page. What comes next is left to the tablet's room."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import Field

from intake import answers, clock, i18n
from intake.access import Role, allow, current_actor, current_visit_id
from intake.answers.forms import asked, field_name, section_form, stored_data
from intake.answers.rules import read
from intake.answers.script import conditions_for
from intake.db import transaction
from intake.definitions import Item, Section, Value, enabled
from intake.errors import NotFound, Stale
from intake.web import is_answer, keeps_answers

bp = Blueprint("answers", __name__)
Said = Mapping[str, Sequence[Value]]


@bp.route("/visit/questions/<string(maxlength=64):section_id>", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def section(section_id: str) -> ResponseReturnValue:
    """Ask one section, keep what is answered, go on."""
    begun = answers.get(current_visit_id())
    page = begun.edition.questionnaire.section(section_id)
    if page is None:
        raise NotFound("answers.no_such_section")
    if request.method == "GET":
        if answers.find_submission(begun.visit_id):
            return redirect(url_for("kiosk.next_step"), 303)
        return _show(begun, page, _filled(begun, page, begun.draft.answers), begun.draft.answers), 200
    form = section_form(begun.edition.questionnaire, page, i18n.language())(request.form)
    said = _read(begun, page, form)
    now = {**begun.draft.answers, **said}
    opens = _take_out_hidden(begun, page, form, now)
    if not is_answer(form) or not form.validate() or opens:
        return _show(begun, page, form, now, opens), 422
    try:
        with transaction():
            answers.save(begun.visit_id, page.id, said, _revision(form), by=current_actor())
    except Stale:
        return _show_stale(page, form, said), 409
    return redirect(url_for("kiosk.next_step"), 303)


def _filled(begun: answers.Begun, page: Section, said: Said) -> FlaskForm:
    """The page's form with what is stored."""
    questionnaire = begun.edition.questionnaire
    data: dict[str, Any] = {"rev": str(begun.revision)}
    for item in asked(questionnaire, page):
        data[field_name(questionnaire, item.link_id)] = stored_data(item, said.get(item.link_id, ()))
    return section_form(questionnaire, page, i18n.language())(formdata=None, data=data)


def _read(begun: answers.Begun, page: Section, form: FlaskForm) -> dict[str, list[Value]]:
    """Every question's values as sent. What the page hid and did not send keeps its old value, so it is left out."""
    questionnaire, today = begun.edition.questionnaire, clock.today(i18n.clinic().zone)
    sent: dict[str, list[Value]] = {}
    for item in asked(questionnaire, page):
        field = form[field_name(questionnaire, item.link_id)]
        if _was_seen(field):
            sent[item.link_id] = list(read(item, field.sent, today).values)
    on = enabled(questionnaire, {**begun.draft.answers, **sent})
    return {link_id: values for link_id, values in sent.items() if link_id in on or values}


def _was_seen(field: Field) -> bool:
    """Whether the page showed this question: it was open when the page was made, or something was sent for it."""
    return "seen" not in request.form or field.name in request.form["seen"].split() or bool(field.sent)


def _take_out_hidden(begun: answers.Begun, page: Section, form: FlaskForm, now: Said) -> bool:
    """Take what the patient was not asked out of the form, so that it is not checked; say whether these answers open
    a question that was not seen yet, which happens where no script opens it at once."""
    questionnaire = begun.edition.questionnaire
    on = enabled(questionnaire, now)
    opens = False
    for item in asked(questionnaire, page):
        name = field_name(questionnaire, item.link_id)
        if item.link_id not in on:
            del form[name]
        elif not _was_seen(form[name]):
            del form[name]
            opens = True
    return opens


def _revision(form: FlaskForm) -> int:
    """The revision the page was made from; anything else than a number is none."""
    sent = str(form.rev.data or "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else 0


def _show_stale(page: Section, form: FlaskForm, said: Said) -> str:
    """Another window changed the answers meanwhile: what was typed here stays, on top of the newest."""
    fresh = answers.get(current_visit_id())
    form.rev.data = str(fresh.revision)
    form.form_errors = [
        _("These questions were changed in another window. Look at your answers here and press Continue again")
    ]
    return _show(fresh, page, form, {**fresh.draft.answers, **said})


@dataclass(frozen=True)
class Row:
    """One item of a page: its field (none for words), whether it is asked, whether that depends on other answers."""

    item: Item
    field: Field | None
    on: bool
    depends: bool

    @property
    def enabled(self) -> bool | None:
        """What the macros want: None for an item that is always asked."""
        return self.on if self.depends else None


def _show(begun: answers.Begun, page: Section, form: FlaskForm, now: Said, opens: bool = False) -> str:
    """The page. Questions opened by what was just sent are shown without an error."""
    conditions = conditions_for(begun.edition.questionnaire, page, now)
    rows = _rows(begun, page, form, now, conditions["items"])
    return render_template(
        "answers/section.html",
        form=form,
        page=page,
        rows=rows,
        seen=" ".join(row.field.name for row in rows if row.field is not None and row.on),
        opens=opens and not form.errors,
        conditions=json.dumps(conditions, ensure_ascii=False),
        step_note=page.title.get(i18n.language()),
    )


def _rows(begun: answers.Begun, page: Section, form: FlaskForm, now: Said, depending: Mapping[str, Any]) -> list[Row]:
    """The page's items in order. A hidden one shows what is stored, so that opening it again brings it back."""
    questionnaire = begun.edition.questionnaire
    on = enabled(questionnaire, now)
    stored = _filled(begun, page, now)
    rows = []
    for link_id in page.items:
        item, name = questionnaire.items[link_id], field_name(questionnaire, link_id)
        field = form[name] if name in form else stored[name] if name in stored else None
        if field is not None or (not item.is_question and not item.hidden and item.text):
            rows.append(Row(item, field, link_id in on, link_id in depending))
    return rows
