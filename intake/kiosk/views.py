"""The tablet's own pages: pairing, welcome, who are you, check, thank you; and the way from page to page."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError

from intake import answers, clock, consent, i18n, staff, telemetry, visits
from intake.access import PUBLIC, Role, allow, current_actor, current_visit_id
from intake.answers import open_sections
from intake.db import transaction
from intake.errors import NotAllowed, Stale
from intake.kiosk import pages, rules, service
from intake.kiosk.asking import held_visit, shown_cookie
from intake.kiosk.forms import IdentityForm, PairForm
from intake.sessions import set_cookie, the_session
from intake.web import AGAIN, csrf, is_answer, keeps_answers

bp = Blueprint("kiosk", __name__)
TOUCH = timedelta(minutes=1)
LOOK_AGAIN = {"Refresh": "10"}  # a tablet that lies on the desk shows by itself what reception did with it
PRIVATE = frozenset({*pages.STEP_ENDPOINTS, "consent.decline", "consent.withdraw"}) - {"kiosk.identity"}
bp.app_context_processor(pages.context)


@bp.before_app_request
def begin() -> ResponseReturnValue | None:
    """A tablet's pages speak the language its patient chose. Nothing of a visit is shown or taken before its holder
    said who they are, also when it comes back on another tablet, nor after it is signed or declined."""
    if (row := held_visit()) is None:
        return None
    i18n.set_language(row.language)
    if request.endpoint not in PRIVATE:
        return None
    if not row.is_decided or request.endpoint == "consent.withdraw":
        return None if row.identified_at is not None else redirect(url_for("kiosk.next_step"), 303)
    if request.method != "POST":
        return redirect(url_for("kiosk.thanks"), 303)
    if request.endpoint != "consent.decline":  # saying no twice is once
        abort(410)  # signed, or said no: nothing of this visit changes any more
    return None


@bp.after_app_request
def note(response: Response) -> Response:
    """Write down that a page of the patient's path was shown. Touching the tablet keeps it open: every page sent
    with a good token counts, pages only looked at are noted at most once a minute."""
    row = held_visit()
    if row is None or Role.KIOSK not in current_actor().roles or request.endpoint in ("kiosk.lock", "kiosk.finish"):
        return response
    shown = request.method == "GET" and response.status_code == 200 and request.endpoint in pages.STEP_ENDPOINTS
    is_due = bool(g.get("csrf_valid")) or clock.now() - row.seen_at >= TOUCH
    if response.status_code < 500 and (shown or is_due):
        # What a form sent is committed by now: a busy database must not call it failed. A reading stays strict.
        forgiven = () if shown else (OperationalError,)
        with suppress(*forgiven), transaction():
            if is_due:
                service.seen(by=current_actor())
            if shown:
                words = [request.endpoint or "", *(str(value) for value in (request.view_args or {}).values())]
                service.page_shown(" ".join(words), by=current_actor())
    return response


@bp.after_app_request
def name_next(response: Response) -> Response:
    """Tell the tablet's script where to go instead of sending it there: a redirect it follows would load the next page
    twice, and the log would say that it was shown twice."""
    if response.status_code != 303:
        return response
    if request.headers.get("X-Requested-With") == "fetch" and Role.TABLET in current_actor().roles:
        response.headers["X-Next"] = response.headers.pop("Location")
        response.status_code = 204
        response.set_data(b"")
    return response


def _is_over(visit_id: UUID) -> bool:
    return consent.state_of(visit_id) is not consent.State.OPEN


@bp.route("/tablet/pair", methods=["GET", "POST"])
@allow(PUBLIC)
@keeps_answers
def pair() -> ResponseReturnValue:
    """Make this browser a tablet of the clinic, with a code from reception."""
    form = PairForm()
    if is_answer(form) and form.validate():
        try:
            with transaction():
                value = service.pair(form.code.data)
        except NotAllowed:
            form.code.errors = [_("This code is not right, or it is older than 5 minutes. Ask reception for a new one")]
            return render_template("kiosk/pair.html", form=form), 422
        the_session().end()  # whoever was signed in here is not any more: this is a patient's tablet now
        response = make_response(redirect(url_for("kiosk.welcome"), 303))
        set_cookie(response, "device", value, days=400)
        return response
    return render_template("kiosk/pair.html", form=form), 422 if form.errors else 200


@bp.get("/tablet")
@allow(Role.TABLET)
def welcome() -> ResponseReturnValue:
    """What the tablet shows when it is handed over: language and start, or that it waits or is locked."""
    row = held_visit()
    if row is None:
        return _waiting()
    if Role.KIOSK not in current_actor().roles:
        return render_template("kiosk/locked.html", token=str(visits.get_visit(row.visit_id).token)), LOOK_AGAIN
    return render_template("kiosk/welcome.html", languages=pages.languages(row.visit_id))


def _waiting() -> ResponseReturnValue:
    """Nobody holds the tablet. After "Finish" its new cookie counts from here on, or it hears the lost answer here."""
    value, worth = shown_cookie()
    response = make_response(render_template("kiosk/waiting.html"), 200, LOOK_AGAIN)
    if worth is not rules.Cookie.GOOD:
        with transaction():
            given = service.come_back(value, by=current_actor())
        if worth is rules.Cookie.OLD:
            _renew(response, given)
    return response


def _renew(response: Response, value: str) -> None:
    set_cookie(response, "device", value, days=400)
    response.headers["Clear-Site-Data"] = '"storage"'


@bp.post("/visit/start")
@allow(Role.KIOSK)
def start() -> ResponseReturnValue:
    """Begin or carry on; a language button chooses and stays on the page."""
    wanted = request.form.get("stay", i18n.language())
    with transaction():
        offered = [code for code, _name in pages.languages(current_visit_id())]
        service.choose_language(wanted if wanted in offered else offered[0], by=current_actor())
    return redirect(url_for("kiosk.welcome" if "stay" in request.form else "kiosk.next_step"), 303)


@bp.route("/visit/identity", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def identity() -> ResponseReturnValue:
    """Ask who holds the tablet: date of birth, three tries, then staff."""
    row = held_visit()
    if row is None or row.identified_at is not None:
        return redirect(url_for("kiosk.next_step"), 303)
    if row.identity_tries >= rules.MOST_IDENTITY_TRIES:
        return render_template("kiosk/ask_staff.html"), LOOK_AGAIN
    form = IdentityForm()
    if is_answer(form) and form.validate() and form.born.day is not None:
        if _identify(form.born.day):
            return redirect(url_for("kiosk.next_step"), 303)
        if service.is_out_of_tries(by=current_actor()):
            return render_template("kiosk/ask_staff.html"), 422
        form.born.errors = [_("This is not the date we have. Check the day, the month and the year")]
    return render_template("kiosk/identity.html", form=form), 422 if form.errors else 200


def _identify(born_on: date) -> bool:
    visit_id = current_visit_id()
    with transaction():
        is_known: bool = service.identify(born_on, by=current_actor())
        if is_known:
            answers.begin(visit_id, by=current_actor(), known=pages.known_answers(visit_id))
    return is_known


PAGES: dict[rules.Place, Callable[[rules.Step], str]] = {
    rules.Place.IDENTITY: lambda step: url_for("kiosk.identity"),
    rules.Place.STAFF: lambda step: url_for("kiosk.identity"),
    rules.Place.QUESTIONS: lambda step: url_for("answers.section", section_id=step.page),
    rules.Place.CHECK: lambda step: url_for("kiosk.check"),
    rules.Place.DOCTOR_FIRST: lambda step: url_for("kiosk.doctor_first"),
    rules.Place.EFFECTS: lambda step: (
        url_for("consent.effects", page_id=step.page) if step.page else url_for("kiosk.present")
    ),
    rules.Place.TEACH_BACK: lambda step: url_for("consent.teach_back", question_id=step.page),
    rules.Place.SIGN: lambda step: url_for("consent.sign"),
    rules.Place.THANKS: lambda step: url_for("kiosk.thanks"),
}


@bp.get("/visit/next")
@allow(Role.KIOSK)
def next_step() -> ResponseReturnValue:
    """Go to the page that is next for this patient, wherever they come from."""
    step = pages.step(i18n.clinic())
    return redirect(PAGES[step.place](step), 303)


@bp.route("/visit/treatment", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def present() -> ResponseReturnValue:
    """Between the questions and the consent: what comes now. Going on fixes the exact words for this patient."""
    visit_id = current_visit_id()
    step = pages.step(i18n.clinic())
    if step.place is not rules.Place.EFFECTS or step.page:
        return redirect(url_for("kiosk.next_step"), 303)
    if is_answer():
        try:
            with transaction():
                consent.present(i18n.clinic(), visit_id, i18n.language(), by=current_actor())
        except NotAllowed as refusal:
            if refusal.code != "consent.blank_missing":
                raise
            telemetry.note("consent.blank_missing", setting=str(refusal.facts["setting"]))
            return render_template("kiosk/not_ready.html", setting=refusal.facts["setting"]), 409
        return redirect(url_for("kiosk.next_step"), 303)
    again = consent.find_shown(visit_id) is not None
    return _with_old_token("kiosk/present.html", again=again)


@bp.route("/visit/check", methods=["GET", "POST"])
@allow(Role.KIOSK)
@keeps_answers
def check() -> ResponseReturnValue:
    """All answers on one page, each with a way to change it; then they are given."""
    visit_id = current_visit_id()
    errors, status = ([], 200) if request.method == "GET" else ([(None, AGAIN)], 422)
    if is_answer():
        revision = request.form.get("rev", default=0, type=int)
        try:
            with transaction():
                answers.submit(visit_id, i18n.language(), revision=revision, by=current_actor())
            return redirect(url_for("kiosk.next_step"), 303)
        except Stale:
            changed = _("Your answers were changed in another window. Please look at them here once more")
            errors, status = [(None, changed)], 409
    begun = answers.get(visit_id)
    if answers.find_submission(visit_id) is not None or open_sections(begun.edition.questionnaire, begun.draft):
        return redirect(url_for("kiosk.next_step"), 303)
    sections, asked = pages.summary(begun), pages.asked(visit_id)
    html = render_template(
        "kiosk/check.html", sections=sections, asked=asked, rev=begun.revision, errors=errors, error_title=bool(errors)
    )
    return html, status


def _with_old_token(template: str, **context: object) -> ResponseReturnValue:
    """A page without fields; sent with an old token it says so and is sent once more."""
    errors = [(None, AGAIN)] if request.method == "POST" else []
    html = render_template(template, errors=errors, error_title=bool(errors), **context)
    return html, 422 if errors else 200


@bp.get("/visit/doctor-first")
@allow(Role.KIOSK)
def doctor_first() -> ResponseReturnValue:
    """The doctor talks with this patient before anything is signed."""
    if pages.step(i18n.clinic()).place is not rules.Place.DOCTOR_FIRST:
        return redirect(url_for("kiosk.next_step"), 303)
    return render_template("kiosk/doctor_first.html", messages=pages.patient_messages(current_visit_id()))


@bp.get("/visit/thanks")
@allow(Role.KIOSK)
def thanks() -> ResponseReturnValue:
    """Signed, or said no: what happens next, and the screen clears."""
    visit = visits.get_visit(current_visit_id())
    if not _is_over(visit.id):
        return redirect(url_for("kiosk.next_step"), 303)
    doctor = staff.get_member(visit.doctor_id)
    return render_template(
        "kiosk/thanks.html",
        state=consent.state_of(visit.id).value,
        doctor=doctor.name,
        room=doctor.room,
        asked=len(pages.asked(visit.id)),
        can_withdraw=bool(consent.standing_of(visit.id, i18n.language()).parts),
    )


@bp.post("/visit/finish")
@allow(Role.TABLET)
@keeps_answers
def finish() -> ResponseReturnValue:
    """Clear the screen: the visit leaves the tablet, kept pages are evicted, the address is replaced."""
    value, worth = shown_cookie()
    if worth is rules.Cookie.GOOD:
        # Sent again after a lost answer, the page's token went with the session that the first try ended. Nothing is
        # left to end then, and no other site can send this cookie (SameSite=Strict).
        csrf.protect()
    with transaction():
        value = service.finish(value, by=current_actor())
    the_session().end()
    response = make_response(redirect(url_for("kiosk.welcome"), 303))
    _renew(response, value)
    return response


@bp.post("/visit/help")
@allow(Role.KIOSK)
def help() -> ResponseReturnValue:
    """Call somebody; reception sees it at once."""
    with transaction():
        visits.move(current_visit_id(), visits.Move.HELP_ASKED, by=current_actor())
    if request.headers.get("X-Requested-With") == "fetch":
        return Response(status=204)
    return render_template("kiosk/help.html", back=pages.own_page(request.referrer))


@bp.post("/visit/alive")
@allow(Role.KIOSK)
def alive() -> ResponseReturnValue:
    """Somebody touches the tablet; the note after every page keeps it."""
    return Response(status=204)


@bp.post("/visit/lock")
@allow(Role.TABLET)
def lock() -> ResponseReturnValue:
    """Show nothing more until reception opens it again."""
    if held_visit() is not None:
        with transaction():
            service.lock(by=current_actor())
    return redirect(url_for("kiosk.welcome"), 303)


@bp.post("/visit/larger")
@allow(Role.TABLET)
def larger() -> ResponseReturnValue:
    """Larger or normal letters, for this visit: as the button said, so that a second tap, or a try again after a lost
    answer, changes nothing more. A size that nobody named is refused rather than guessed."""
    wanted = request.form.get("larger")
    if wanted not in ("on", "off"):
        abort(400)
    session["larger"] = wanted == "on"
    return redirect(pages.own_page(request.referrer) or url_for("kiosk.welcome"), 303)
