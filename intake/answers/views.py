"""One section a page. What comes next is left to the tablet's room."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from intake import answers, i18n, visits
from intake.access import Role, allow, current_actor, current_visit_id
from intake.answers.page import Page, Taken, change_entries, context, fill_open, open_page, take
from intake.db import transaction
from intake.definitions import Value
from intake.errors import NotFound, Stale
from intake.sketches import framed
from intake.web import is_answer, keeps_answers

bp = Blueprint("answers", __name__)
REVISION = "Intake-Revision"
"""The header that tells a page its new revision after it was kept."""
GAPS = ("rev", "seen", "conditions", "drawn")
"""What differs from one showing of a page to the next, where nothing is wrong with it."""


@bp.route("/visit/questions/<string(maxlength=64):section_id>", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def section(section_id: str) -> ResponseReturnValue:
    """Ask one section, keep what is answered, go on. With `?partial=1` the page in hand is kept as it is; a button of
    a repeating group keeps it too, and shows it with an entry more or less."""
    begun = answers.get(current_visit_id())
    typed = request.form if request.method == "POST" else None
    page = open_page(begun.edition.questionnaire, section_id, begun.draft.answers, typed, begun.on)
    if page is None:
        raise NotFound("answers.no_such_section")
    if request.method == "GET":
        if answers.find_submission(begun.visit_id):
            return redirect(url_for("kiosk.next_step"), 303)
        return _show(page, begun.revision), 200
    if request.args.get("partial") == "1":
        return _keep_in_hand(page)
    if changed := change_entries(begun.edition.questionnaire, page, request.form, begun.draft.answers):
        page, sent, focus = changed
        return _keep_with_entries(page, take(page, sent), focus)
    taken = take(page, request.form)
    if not is_answer(taken.form) or not taken.is_good():
        return _show_again(page, taken), 422
    try:
        kept = _save(page, taken.form, taken.said)
    except Stale:
        return _show_stale(taken), 409
    return make_response(redirect(url_for("kiosk.next_step"), 303), kept)


def _keep_in_hand(page: Page) -> ResponseReturnValue:
    """Keep what can be read of a page that somebody is still filling in."""
    taken = take(page, request.form)
    if not is_answer():
        return "", 400
    try:
        return "", 204, _save(page, taken.form, taken.readable, in_hand=True)
    except Stale:
        return "", 409


def _keep_with_entries(page: Page, taken: Taken, focus: str) -> ResponseReturnValue:
    """Keep what can be read, and show the page with its entries changed; what cannot be read stays in its box."""
    if not is_answer(taken.form):
        return _show_again(page, taken), 422
    try:
        kept = _save(page, taken.form, taken.readable, in_hand=True)
    except Stale:
        return _show_stale(taken), 409
    return _show(replace(page, before=taken.now), kept[REVISION], taken.form, focus=focus), 200, kept


def _save(page: Page, form: FlaskForm, said: Mapping[str, Sequence[Value]], *, in_hand: bool = False) -> dict[str, str]:
    """Keep the answers; gives the header with their revision. Of a page to be read, also whether its end was seen."""
    visit_id, section = current_visit_id(), page.section.id
    with transaction():
        kept = answers.save(visit_id, section, said, _revision(form), by=current_actor(), in_hand=in_hand)
        if not in_hand and answers.is_notice(page.shape, page.section):
            end = visits.end_said(request.form.get("read_end"))
            visits.page_sent(visit_id, f"answers.section {section}", end, by=current_actor())
    return {REVISION: str(kept.revision)}


def _revision(form: FlaskForm) -> int:
    """The revision the page was made from; anything else than a number is none."""
    sent = str(form.rev.data or "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else 0


def _show_stale(taken: Taken) -> str:
    """Another window changed the answers meanwhile: what was typed here stays, on top of the newest; what was left open
    here shows what was said there."""
    fresh = answers.get(current_visit_id())
    taken.form.form_errors = [
        _("These questions were changed in another window. Look at your answers here and press Continue again")
    ]
    said = {**fresh.draft.answers, **{link_id: values for link_id, values in taken.said.items() if values}}
    page = open_page(fresh.edition.questionnaire, taken.page.section.id, said) or taken.page
    fill_open(page, taken.form)
    return _show(page, fresh.revision, taken.form)


def _show_again(page: Page, taken: Taken) -> str:
    """The page as it was sent, with what to put right or what its answers opened."""
    return _show(page, taken.form.rev.data or "", taken.form, taken)


def _show(
    page: Page, rev: object, form: FlaskForm | None = None, taken: Taken | None = None, *, focus: str = ""
) -> str:
    """The page in the tablet's frame; that is drawn once, but where it says that something is wrong."""
    words = context(page, rev, form, taken, focus=focus)
    words["is_notice"] = answers.is_notice(page.shape, page.section)
    words["step_note"] = page.section.title.get(i18n.language())
    if words["problems"] or words["opens"]:
        return render_template("answers/section.html", **words, read_end=request.form.get("read_end"))
    gaps = {name: words.pop(name) for name in GAPS}
    known_by = page.shape.sha256, page.section.id, tuple(words["counts"])
    return framed("answers/section.html", known_by, gaps, **words)
