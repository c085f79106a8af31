"""The doctor's pages: the worklist, one visit to review, the buttons that decide, release, countersign, postpone."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from intake import i18n, staff
from intake.access import Role, allow, current_actor
from intake.db import transaction
from intake.errors import NotAllowed, Stale
from intake.review import rules, service, words
from intake.review.forms import PostponeForm, ReviewForm, filled, review_form, verdict_name, words_name
from intake.review.page import Matters, ReviewPage, review_of
from intake.review.worklist import RECENT_DAYS
from intake.review.worklist import worklist as list_visits

bp = Blueprint("review", __name__)
Errors = list[tuple[str | None, str]]


@bp.get("/review")
@allow(Role.DOCTOR)
def worklist() -> ResponseReturnValue:
    """Who needs a doctor: own tokens, or everybody's."""
    actor = current_actor()
    everybody = request.args.get("of") == "all"
    rows = list_visits(None if everybody else actor.id)
    return render_template("review/worklist.html", rows=rows, everybody=everybody, words=words, recent_days=RECENT_DAYS)


@bp.get("/review/<uuid:visit_id>")
@allow(Role.DOCTOR)
def show(visit_id: UUID) -> ResponseReturnValue:
    """One visit: what matters in ten seconds, then everything. Reading it is an event."""
    page = review_of(visit_id)
    with transaction():
        service.note_opened(visit_id, by=current_actor())
    return _render(page)


@bp.post("/review/<uuid:visit_id>")
@allow(Role.DOCTOR)
def decide(visit_id: UUID) -> ResponseReturnValue:
    """Save what is decided; then stay, or go on to postponing."""
    page, form = _sent(visit_id)
    if not form.validate():
        return _render(page, form, status=422)
    try:
        with transaction():
            service.save(visit_id, form.entries, form.seen.data or 0, by=current_actor())
    except (NotAllowed, Stale) as refusal:
        return _refused(visit_id, form, refusal)
    if request.form.get("then") == "postpone":
        return redirect(url_for("review.postpone", visit_id=visit_id), 303)
    flash(_("Your decisions are saved."), "ok")
    return redirect(url_for("review.show", visit_id=visit_id), 303)


@bp.post("/review/<uuid:visit_id>/release")
@allow(Role.DOCTOR)
def release(visit_id: UUID) -> ResponseReturnValue:
    """The talk is done: the patient may read on and sign."""
    page, form = _sent(visit_id)
    if not form.validate():
        return _render(page, form, status=422)
    try:
        with transaction():
            waiting = service.save_and_release(visit_id, form.entries, form.seen.data or 0, by=current_actor())
    except (NotAllowed, Stale) as refusal:
        return _refused(visit_id, form, refusal)
    if waiting:
        return _render(review_of(visit_id), waiting=waiting, status=422)
    flash(_("%(token)s may go on now. Please hand the tablet back.", token=page.token), "ok")
    return redirect(url_for("review.worklist"), 303)


@bp.post("/review/<uuid:visit_id>/countersign")
@allow(Role.DOCTOR)
def countersign(visit_id: UUID) -> ResponseReturnValue:
    """Never a dead button: it says what is open, asks for the password, and signs off."""
    page, form = _sent(visit_id)
    if not form.validate():
        return _render(page, form, status=422)
    doctor, written = current_actor(), form.password.data
    tried = staff.try_own_password(doctor.id, written, request.remote_addr or "") if doctor.id and written else None
    press = service.Press(form.sha256.data or "", tried, request.user_agent.string[:200])
    try:
        with transaction():
            attempt = service.countersign(i18n.clinic(), visit_id, form.entries, form.seen.data or 0, press, by=doctor)
    except (NotAllowed, Stale) as refusal:
        return _refused(visit_id, form, refusal)
    if attempt.is_done:
        flash(_("%(token)s is countersigned. Its record is being sealed.", token=page.token), "ok")
        return redirect(url_for("review.worklist"), 303)
    status = 429 if attempt.password is staff.SignIn.WAIT else 422
    errors: Errors = [] if attempt.open else [("password", _password_error(attempt))]
    return _render(review_of(visit_id), errors=errors, waiting=attempt.open, status=status)


@bp.route("/review/<uuid:visit_id>/postpone", methods=["GET", "POST"])
@allow(Role.DOCTOR)
def postpone(visit_id: UUID) -> ResponseReturnValue:
    """Ask once more, and for words; then the visit ends without treatment."""
    page = review_of(visit_id)
    form = PostponeForm()
    if form.validate_on_submit():
        try:
            with transaction():
                device = request.user_agent.string[:200]
                service.postpone(i18n.clinic(), visit_id, form.words.data, by=current_actor(), device=device)
        except NotAllowed as refusal:
            return _refused(visit_id, None, refusal)
        flash(_("%(token)s is postponed. Its record is being sealed.", token=page.token), "ok")
        return redirect(url_for("review.worklist"), 303)
    if page.stage is rules.Stage.DECIDED or page.submitted_at is None:
        return redirect(url_for("review.show", visit_id=visit_id), 303)
    if request.method == "GET":
        form.words.data = _reasons(page.matters)
    return render_template("review/postpone.html", page=page, form=form), 422 if form.errors else 200


def _sent(visit_id: UUID) -> tuple[ReviewPage, ReviewForm]:
    page = review_of(visit_id)
    with transaction():
        service.note_opened(visit_id, by=current_actor())  # an answer that refuses shows the whole page again
    return page, review_form(page.matters)()


def _render(
    page: ReviewPage,
    form: ReviewForm | None = None,
    *,
    errors: Errors | None = None,
    waiting: Sequence[rules.OpenPoint] = (),
    notes: Iterable[str] = (),
    status: int = 200,
) -> ResponseReturnValue:
    """The page of a visit; `waiting` is what a press was too early for: said beside each point, and in short above."""
    shown = form or filled(page.matters, page.seen_sha256)
    for name, message in errors or _lines((point, 1) for point in waiting):
        if name in shown:
            shown[name].errors = [message]
    in_fields: Errors = [(field.id, field.errors[0]) for field in shown if field.errors]
    html = render_template(
        "review/show.html",
        page=page,
        form=shown,
        errors=errors or _lines(rules.gathered(waiting)) or in_fields,
        notes=list(notes),
        left=rules.gathered(_left(page)),
        verdict_name=verdict_name,
        words_name=words_name,
        words=words,
        is_own=page.doctor_id == current_actor().id,
    )
    return html, status


def _left(page: ReviewPage) -> list[rules.OpenPoint]:
    if page.stage is rules.Stage.TALK_FIRST:
        return page.matters.before_release()
    return page.matters.before_countersign(is_signed=page.signed_at is not None)


def _refused(visit_id: UUID, form: ReviewForm | None, refusal: NotAllowed | Stale) -> ResponseReturnValue:
    """Somebody was faster, or it cannot be: show where the visit stands now, what was typed kept where it counts."""
    page = review_of(visit_id)
    if refusal.code == "consent.already_decided":
        note = _("Your press changed nothing: this visit was decided before it.")
        return _render(page, notes=[note], status=409)
    if form is None:
        raise refusal
    typed = rules.changes(form.entries, rules.newest(page.matters.decisions, form.seen.data or 0))
    errors = (
        _beaten_errors(page, form, typed) if refusal.code == "review.changed_elsewhere" else _refusal_errors(refusal)
    )
    return _render(page, filled(page.matters, page.seen_sha256, typed), errors=errors, status=409)


def _refusal_errors(refusal: NotAllowed | Stale) -> Errors:
    said = {
        "review.evidence_changed": _("The patient signed after you opened this page. Look again, then countersign"),
        "review.taken_back_since": _(
            "The patient took something back after you opened this page. Look again, then countersign"
        ),
        "review.no_treatment": _("These answers lead to no treatment that could be signed for. Postpone the session"),
        "review.no_talk_needed": _("This patient is not waiting for a talk any more"),
    }
    if refusal.code not in said:
        raise refusal
    is_changed = refusal.code in ("review.evidence_changed", "review.taken_back_since")
    return [("password" if is_changed else None, said[refusal.code])]


def _beaten_errors(page: ReviewPage, form: ReviewForm, typed: Iterable[rules.Entry]) -> Errors:
    """Another doctor decided a point meanwhile: theirs stands beside what was typed; saving again takes the latter."""
    late = {about for about, one in page.matters.counts.items() if one.seq > (form.seen.data or 0)}
    titles = {matter.point.about: matter.point.title for matter in page.matters.all}
    say = _("“%(what)s” was decided by somebody else meanwhile. Look at both, then save again")
    return [(verdict_name(e.about), say % {"what": titles[e.about]}) for e in typed if e.about in late]


def _password_error(attempt: service.Attempt) -> str:
    if attempt.again_at is not None:
        time = i18n.clock_time(attempt.again_at)
        return str(_("Too many tries. Please wait until %(time)s and try again", time=time))
    if attempt.password is staff.SignIn.REFUSED:
        return str(_("That password is not right. Your decisions are saved; write the password again"))
    return str(_("Write your password to countersign"))


def _lines(points: Iterable[tuple[rules.OpenPoint, int]]) -> Errors:
    return [(verdict_name(one.about) if one.about else None, words.of_open(one, count)) for one, count in points]


def _reasons(matters: Matters) -> str:
    """The doctor's own words at the points that were decided to postpone, to begin with."""
    return "\n".join(one.words for one in matters.counts.values() if one.verdict is rules.Verdict.POSTPONE)
