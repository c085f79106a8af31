"""The patient's pages of understanding and decision: effects, teach-back, signing, saying no."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from intake import answers, clock, consent, i18n, visits
from intake.access import Role, allow, current_actor, current_visit_id
from intake.consent import evidence, people
from intake.consent.forms import DeclineForm, SignForm, WithdrawForm
from intake.consent.rules import UNSURE, Answer, Teach, age_of, expires_on, parts_of
from intake.consent.words import PART_WORDS
from intake.db import transaction
from intake.errors import Invalid, NotFound, Stale
from intake.web import AGAIN, is_answer, keeps_answers

bp = Blueprint("consent", __name__)
Errors = list[tuple[str | None, str]]


@bp.route("/visit/effects/<string(maxlength=64):page_id>", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def effects(page_id: str) -> ResponseReturnValue:
    """One page of clauses: each answered "I understand" or "I have a question", two equal answers."""
    shown = consent.shown(current_visit_id())
    page = _find(shown.body["pages"], page_id)
    if request.method == "GET":
        return _next() if _is_over(shown.visit_id) else (_effects(shown, page, shown.replies, []), 200)
    chosen = {part["id"]: request.form.get(f"part-{part['id']}", "") for part in parts_of(page)}
    if not is_answer():
        return _effects(shown, page, chosen, [(None, AGAIN)]), 422
    errors: Errors = [
        (f"part-{part['id']}", answers.summary_line(answers.short_name(part["title"]), _("Choose one answer")))
        for part in parts_of(page)
        if chosen[part["id"]] not in list(Answer)
    ]
    if errors:
        return _effects(shown, page, chosen, errors), 422
    _kept(
        lambda: consent.reply(shown.visit_id, page_id, chosen, presentation_id=_presentation(), by=current_actor()),
        page_id,
    )
    return _next()


def _effects(shown: consent.Shown, page: Mapping[str, Any], chosen: Mapping[str, str], errors: Errors) -> str:
    return render_template(
        "consent/effects.html",
        shown=shown,
        page=page,
        parts=parts_of(page),
        chosen=chosen,
        errors=errors,
        error_title=bool(errors),
        step_note=page["title"],
    )


@bp.route("/visit/teach-back/<string(maxlength=64):question_id>", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def teach_back(question_id: str) -> ResponseReturnValue:
    """A question that checks our explaining. Wrong once is explained again; wrong twice is left to the doctor."""
    shown = consent.shown(current_visit_id())
    question = _find(shown.body["teachback"], question_id)
    before = (shown.tries.get(question_id) or [""])[-1]
    if request.method == "GET":
        return _next() if _is_over(shown.visit_id) else (_teach(shown, question, before, []), 200)
    option = request.form.get("option", "")
    if not is_answer():
        return _teach(shown, question, option, [(None, AGAIN)]), 422
    if option not in [entry["code"] for entry in question["options"]] + [UNSURE]:
        return _teach(shown, question, "", [("option", _("Choose one answer. “I am not sure” is fine"))]), 422
    tries = request.form.get("tries", default=0, type=int)
    stands = _kept(
        lambda: consent.teach_back(
            shown.visit_id, question_id, option, presentation_id=_presentation(), tries=tries, by=current_actor()
        ),
        question_id,
    )
    if stands is Teach.AGAIN:
        return redirect(url_for("consent.teach_back", question_id=question_id), 303)
    return _next()


def _kept(verb: Callable[[], object], page: str) -> object:
    """Do it, note that the page was sent, and give what came of it; None where other words are on show by now, so that
    nothing was taken."""
    with suppress(Stale), transaction():
        done = verb()
        visits.page_sent(current_visit_id(), f"{request.endpoint} {page}", _end(), by=current_actor())
        return done
    return None


def _end() -> visits.End:
    """What the page says of the end of its words."""
    return visits.end_said(request.form.get("read_end"))


def _presentation() -> UUID:
    """Which words the page that was sent had shown. Raises Stale for a page that does not say."""
    try:
        return UUID(request.form.get("presentation", ""))
    except ValueError:
        raise Stale("consent.shown_again") from None


def _teach(shown: consent.Shown, question: dict[str, Any], chosen: str, errors: Errors) -> str:
    return render_template(
        "consent/teach_back.html",
        question=question,
        again=shown.teach(question) is Teach.AGAIN,
        errors=errors,
        error_title=bool(errors),
        unsure=UNSURE,
        before=chosen,
        shown=shown,
        tries=len(shown.tries.get(question["id"], [])),
        step_note=_("Did we explain it well?"),
    )


@bp.route("/visit/sign", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def sign() -> ResponseReturnValue:
    """Draw or type a signature under the statements."""
    visit_id = current_visit_id()
    if _is_over(visit_id):
        if request.method == "POST":
            abort(410)
        return redirect(url_for("kiosk.thanks"), 303)
    shown = consent.find_shown(visit_id)
    if shown is None or shown.open_pages or shown.open_questions or answers.find_submission(visit_id) is None:
        return _next()
    if consent.waits_for_doctor(i18n.clinic(), visit_id):
        return _next()
    today, helped = clock.today(i18n.clinic().zone), evidence.helped(visit_id, i18n.language())
    facts = visits.facts_of(visits.get_visit(visit_id).patient_id)
    name, age = facts.get(visits.Fact.NAME, ""), age_of(facts.get(visits.Fact.BORN_ON, ""), today)
    if helped.is_guardian and not people.guardian_may_sign(age, allowed=i18n.clinic().guardian_may_sign):
        return render_template("consent/guardian.html"), 200 if request.method == "GET" else 422
    form = SignForm(data=_boxes_of(helped.person))
    signing = form.signing(name, age, is_guarded=helped.is_guardian)
    if is_answer(form) and form.validate() and _signed(form, shown, signing):
        return redirect(url_for("kiosk.thanks"), 303)
    html = render_template(
        "consent/sign.html",
        form=form,
        shown=shown,
        name=name,
        today=i18n.long_date(today),
        helper=helped.words,
        scope=_scope(shown, today),
        parts=[(part, PART_WORDS[part], *form.boxes_of(part)) for part in form.parts(is_guarded=helped.is_guardian)],
    )
    return html, 422 if form.errors else 200


def _boxes_of(person: people.Person | None) -> dict[str, str]:
    """What the boxes for other people begin with: who helped with the questions. A suggestion, never a signature."""
    return {f"{person.part.value}_name": person.name, f"{person.part.value}_role": person.role} if person else {}


def _scope(shown: consent.Shown, today: date) -> list[dict[str, str]]:
    """What the consent is about, line by line, with the last day it is good for."""
    scope = shown.body["scope"]
    until = i18n.long_date(expires_on(today, scope["months"]))
    lines = [
        (_("Treatment"), shown.body["treatment"]),
        (_("Areas"), shown.body["areas"]),
        (_("With"), f"Dr {shown.body['doctor']}"),
        (_("Planned visits"), _("about %(number)s", number=scope["sessions"]) if scope["sessions"] else ""),
        (_("Kinds of product"), scope.get("products", "")),
        (_("Good until"), until),
    ]
    return [{"label": label, "value": value} for label, value in lines if value]


def _signed(form: SignForm, shown: consent.Shown, signing: people.Signing) -> bool:
    """Take the signature, or say in the form why it is none, and who is missing or misnamed."""
    faults = people.faults_of(signing, guardian_allowed=i18n.clinic().guardian_may_sign)
    form.refuse_people(faults)
    try:
        signature = form.signature(shown)
    except Invalid as refusal:
        form.refuse(refusal.code)
        return False
    if faults:
        return False
    with suppress(Stale), transaction():
        words, who = _presentation(), current_actor()
        consent.sign(i18n.clinic(), shown.visit_id, signature, presentation_id=words, end=_end(), by=who)
        visits.page_sent(shown.visit_id, evidence.SIGN_PAGE, _end(), by=who)
    return True


@bp.route("/visit/decline", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def decline() -> ResponseReturnValue:
    """Saying no, always one step away, never an error; a reason is welcome and never needed."""
    visit_id = current_visit_id()
    if _is_over(visit_id):
        return redirect(url_for("kiosk.thanks"), 303)
    form = DeclineForm()
    if is_answer(form) and form.validate():
        with transaction():
            consent.decline(i18n.clinic(), visit_id, form.reason.data or "", by=current_actor())
        return redirect(url_for("kiosk.thanks"), 303)
    patient_id = visits.get_visit(visit_id).patient_id
    has_more = any(one.parts for one in consent.standing_of_patient(patient_id, i18n.language()))
    return render_template("consent/decline.html", form=form, has_more=has_more), 422 if form.errors else 200


@bp.route("/visit/withdraw", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def withdraw() -> ResponseReturnValue:
    """Taking back what this patient agreed to, today or at an earlier visit; as easy as giving it."""
    patient_id = visits.get_visit(current_visit_id()).patient_id
    form, standing = WithdrawForm(), consent.standing_of_patient(patient_id, i18n.language())
    form.offer(standing)
    if is_answer(form) and form.validate():
        with transaction():
            own = {visit.id for visit in visits.visits_of_patients([patient_id])}
            for visit_id in sorted(own & form.chosen.keys()):
                consent.withdraw(
                    i18n.clinic(),
                    visit_id,
                    form.chosen[visit_id],
                    form.reason.data or "",
                    consent.Request.TABLET,
                    identity=["born_on"],
                    language=i18n.language(),
                    by=current_actor(),
                )
        return redirect(url_for("consent.withdraw"), 303)
    html = render_template("consent/withdraw.html", form=form, standing=standing)
    return html, 422 if form.errors else 200


def _is_over(visit_id: UUID) -> bool:
    return consent.state_of(visit_id) is not consent.State.OPEN


def _next() -> ResponseReturnValue:
    return redirect(url_for("kiosk.next_step"), 303)


def _find(entries: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    raise NotFound("consent.no_such_page")
