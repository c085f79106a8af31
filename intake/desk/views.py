"""Reception's pages: today's list, new tokens, tablets, calling, taking back. Steps and numbers, never an answer.

Longer than 400 lines, because it is one short page for each thing that the desk does."""

import secrets
from collections.abc import Callable
from math import ceil
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from intake import clock, consent, i18n, kiosk, staff, visits
from intake.access import Role, allow, current_actor
from intake.db import transaction
from intake.desk import rules, service, shell, words
from intake.desk.forms import CloseForm, FindForm, GiveForm, NewPatientForm, OutOfUseForm, TokenForm, WithdrawForm
from intake.errors import Invalid, NotAllowed, Stale

bp = Blueprint("desk", __name__, url_prefix="/desk")
bp.before_app_request(shell.look_up)
bp.app_context_processor(shell.context)
ISSUE_TRIES = 8
LOOK = (Role.RECEPTION, Role.DOCTOR, Role.ADMIN)
KEEP_TABLETS = (Role.RECEPTION, Role.ADMIN)


@bp.get("")
@allow(*LOOK)
def today() -> ResponseReturnValue:
    """Who needs a person next, and what to do about it."""
    return _today(NewPatientForm(formdata=None, form_key=_new_key()))


@bp.post("")
@allow(Role.RECEPTION)
def issue() -> ResponseReturnValue:
    """Issue a token to somebody new, once for each form."""
    form = NewPatientForm()
    status = _issue(form, None)
    return redirect(url_for("desk.today"), 303) if status == 303 else (_today(form), status)


@bp.get("/list")
@allow(*LOOK)
def listing() -> ResponseReturnValue:
    """The list alone, for a page that refreshes itself."""
    return _part("desk/list.html", _list())


@bp.get("/tablets")
@allow(*LOOK)
def tablets() -> ResponseReturnValue:
    """The tablets alone, for a page that refreshes itself."""
    return _part("desk/tablets.html", _tray())


@bp.get("/unreviewed")
@allow(*LOOK)
def unreviewed() -> ResponseReturnValue:
    """Signed on one of the last days and not decided: a doctor's to review, or the desk's to close."""
    return render_template("desk/unreviewed.html", rows=service.list_unreviewed())


@bp.route("/returning", methods=["GET", "POST"])
@allow(Role.RECEPTION)
def returning() -> ResponseReturnValue:
    """Find somebody who has been here before. What is searched for stays out of the address."""
    form = FindForm()
    if not form.validate_on_submit():
        return render_template("desk/returning.html", form=form, matches=None), 422 if form.errors else 200
    try:
        matches = service.find_matches(i18n.clinic(), form.name.data or "", form.phone.data or "")
    except Invalid as error:
        form.name.errors = [_too_little_or_too_many(error)]
        return render_template("desk/returning.html", form=form, matches=None), 422
    return render_template("desk/returning.html", form=form, matches=matches)


@bp.route("/patients/<uuid:patient_id>/token", methods=["GET", "POST"])
@allow(Role.RECEPTION)
def token_for(patient_id: UUID) -> ResponseReturnValue:
    """Issue a token to a known patient."""
    form = TokenForm() if request.method == "POST" else TokenForm(formdata=None, form_key=_new_key())
    match = service.get_match(i18n.clinic(), patient_id)
    status = _issue(form, patient_id) if request.method == "POST" else 200
    if status == 303:
        return redirect(url_for("desk.today"), 303)
    return render_template("desk/token_for.html", form=form, match=match, **_new_token(form)), status


@bp.get("/visits/<uuid:visit_id>")
@allow(*LOOK)
def visit(visit_id: UUID) -> ResponseReturnValue:
    """One token and everything the desk can do for it."""
    card = service.card_of(i18n.clinic(), visit_id)
    form = GiveForm(formdata=None)
    free = [(str(t.id), t.name) for t in kiosk.list_tablets() if service.is_free(t)] if card.wants_tablet else []
    languages = [(code, i18n.LANGUAGE_NAMES.get(code, code)) for code in service.languages()] if free else []
    form.tablet.choices, form.language.choices = free, languages
    form.tablet.data, form.language.data = next((c[0] for c in free), None), next((c[0] for c in languages), None)
    doctor = staff.get_member(card.doctor_id)
    return render_template("desk/visit.html", card=card, doctor=doctor, give=form, **_may())


@bp.post("/visits/<uuid:visit_id>/tablet")
@allow(Role.RECEPTION)
def give_tablet(visit_id: UUID) -> ResponseReturnValue:
    """Hand a tablet to a token."""
    tablet_id, language = _sent_id("tablet"), request.form.get("language", "")

    def verb() -> str:
        service.give_tablet(i18n.clinic(), visit_id, tablet_id, language, by=current_actor())
        return str(
            _("Hand tablet %(tablet)s to %(token)s.", tablet=kiosk.device_name(tablet_id), token=_token(visit_id))
        )

    return _act(verb)


@bp.post("/visits/<uuid:visit_id>/take-back")
@allow(Role.RECEPTION)
def take_back(visit_id: UUID) -> ResponseReturnValue:
    """Take the tablet back; what is answered stays."""

    def verb() -> str:
        service.take_tablet_back(visit_id, by=current_actor())
        return str(_("The tablet of %(token)s is back. Wipe it first. All answers are kept.", token=_token(visit_id)))

    return _act(verb)


@bp.post("/visits/<uuid:visit_id>/call")
@allow(Role.RECEPTION, Role.DOCTOR)
def call(visit_id: UUID) -> ResponseReturnValue:
    """Call a token to its doctor."""

    def verb() -> str:
        made = service.call(i18n.clinic(), visit_id, by=current_actor())
        if made.result is service.Called.DONE:
            return str(_("Call %(token)s.", token=made.token))
        if made.at is None:
            return str(_("%(token)s was already called.", token=made.token))
        at = i18n.clock_time(made.at)
        who = made.who or _("Somebody")
        return str(_("%(who)s already called %(token)s at %(at)s.", who=who, token=made.token, at=at))

    return _act(verb)


@bp.post("/visits/<uuid:visit_id>/help")
@allow(Role.RECEPTION)
def help(visit_id: UUID) -> ResponseReturnValue:
    """I am going."""

    def verb() -> None:
        service.go_and_help(visit_id, by=current_actor())

    return _act(verb)


@bp.post("/visits/<uuid:visit_id>/left")
@allow(Role.RECEPTION)
def left(visit_id: UUID) -> ResponseReturnValue:
    """The patient has gone."""

    def verb() -> str:
        service.leave(i18n.clinic(), visit_id, by=current_actor())
        return str(_("%(token)s is marked as left.", token=_token(visit_id)))

    return _act(verb)


@bp.post("/visits/<uuid:visit_id>/came-back")
@allow(Role.RECEPTION)
def came_back(visit_id: UUID) -> ResponseReturnValue:
    """The patient has not gone, or is here again."""

    def verb() -> str:
        tablet = service.come_back(i18n.clinic(), visit_id, by=current_actor())
        if tablet is not None:
            return str(_("%(token)s is back, with tablet %(name)s.", token=_token(visit_id), name=tablet.name))
        return str(_("%(token)s is back.", token=_token(visit_id)))

    return _act(verb)


@bp.route("/visits/<uuid:visit_id>/close", methods=["GET", "POST"])
@allow(Role.RECEPTION)
def close(visit_id: UUID) -> ResponseReturnValue:
    """Close a signed visit that no doctor reviewed, after a second look."""
    form = CloseForm()
    card = service.card_of(i18n.clinic(), visit_id)
    if not form.validate_on_submit():
        return render_template("desk/close.html", form=form, card=card), 422 if form.errors else 200

    def verb() -> str:
        service.close_unreviewed(i18n.clinic(), visit_id, form.reason.data, by=current_actor())
        return str(_("%(token)s is closed. Its record is being made.", token=card.token))

    return _act(verb)


@bp.get("/patients/<uuid:patient_id>/consents")
@allow(*LOOK)
def consents(patient_id: UUID) -> ResponseReturnValue:
    """What a patient agreed to that still stands, by visit; treatments are not named at the desk."""
    match = service.get_match(i18n.clinic(), patient_id)
    standing = consent.standing_of_patient(patient_id, i18n.language())
    return render_template("desk/consents.html", match=match, standing=standing, standing_words=words.standing)


@bp.route("/visits/<uuid:visit_id>/withdraw", methods=["GET", "POST"])
@allow(*LOOK)
def withdraw(visit_id: UUID) -> ResponseReturnValue:
    """Take back what a patient agreed to, for who calls, writes or stands here."""
    standing, form = consent.standing_of(visit_id, i18n.language()), WithdrawForm()
    offered = consent.offered(visit_id, i18n.language()) if standing.had_several else {}
    form.parts.choices = words.choices(standing, offered)
    patient_id = visits.get_visit(visit_id).patient_id
    if form.validate_on_submit() and form.born.day is not None:
        asked = service.Withdrawal(
            parts=frozenset(form.parts.data),
            how=consent.Request(form.how.data),
            born_on=form.born.day,
            called_back=bool(form.called_back.data),
            reason=form.reason.data or "",
        )
        with transaction():
            said = service.withdraw(i18n.clinic(), visit_id, asked, by=current_actor())
        if said in words.HEARD:
            flash(str(words.HEARD[said]), "ok" if said is service.Said.RIGHT else "warn")
            return redirect(url_for("desk.consents", patient_id=patient_id), 303)
        if said is service.Said.NOT_AGREED:
            form.parts.errors = [
                _("The patient did not agree to all of this on that day. Ask once more what they mean")
            ]
        if said is service.Said.WRONG:
            form.born.errors = [_("This is not the date we have. Take nothing back; ask the patient to come in")]
    unheard = service.unheard_of(patient_id, by=current_actor())
    shown = {
        "form": form,
        "standing": standing,
        "patient_id": patient_id,
        "unheard": unheard and words.unheard(unheard),
    }
    html = render_template("desk/withdraw.html", **shown)
    if unheard and request.method == "POST":
        left = max(1, ceil((unheard.until - clock.now()).total_seconds()))
        return html, 429, {"Retry-After": str(left)}
    return html, 422 if form.errors else 200


@bp.post("/tablets/<uuid:tablet_id>/reopen")
@allow(Role.RECEPTION)
def reopen(tablet_id: UUID) -> ResponseReturnValue:
    """Open a locked tablet for the same patient."""

    def verb() -> str:
        kiosk.reopen(tablet_id, by=current_actor())
        return str(_("Tablet %(tablet)s is open again.", tablet=kiosk.device_name(tablet_id)))

    return _act(verb)


@bp.post("/tablets/<uuid:tablet_id>/wiped")
@allow(Role.RECEPTION)
def wiped(tablet_id: UUID) -> ResponseReturnValue:
    """The tablet was wiped clean."""

    def verb() -> str:
        kiosk.wipe(tablet_id, by=current_actor())
        return str(_("Tablet %(tablet)s is ready.", tablet=kiosk.device_name(tablet_id)))

    return _act(verb)


@bp.post("/tablets/<uuid:tablet_id>/pair")
@allow(Role.RECEPTION)
def pair(tablet_id: UUID) -> ResponseReturnValue:
    """Show a pairing code, once. It is on this answer alone: kept for a redirect it would be stored in the clear."""
    with transaction():
        code = kiosk.pairing_code(tablet_id, by=current_actor())
    return render_template("desk/pair.html", code=code, name=kiosk.device_name(tablet_id), where=_pairing_address())


@bp.route("/tablets/<uuid:tablet_id>/out-of-use", methods=["GET", "POST"])
@allow(*KEEP_TABLETS)
def out_of_use(tablet_id: UUID) -> ResponseReturnValue:
    """Take a lost, stolen or broken tablet out of use, after a second look."""
    form, row = OutOfUseForm(), service.get_tablet(tablet_id)
    if not form.validate_on_submit():
        return render_template("desk/out_of_use.html", form=form, row=row), 422 if form.errors else 200

    def verb() -> str:
        service.take_out_of_use(tablet_id, by=current_actor())
        return str(_("Tablet %(name)s is out of use. It shows nothing until it is paired again.", name=row.tablet.name))

    return _act(verb)


def _act(verb: Callable[[], str | None]) -> ResponseReturnValue:
    """Do it, say what came of it, and show the list again; a refusal that the desk understands is a message there."""
    with transaction():
        kiosk.release_over()  # by itself: a refusal below must not bring back a tablet whose hour is over
    try:
        with transaction():
            said = verb()
    except (NotAllowed, Stale) as error:
        if (refused := words.refusal(error)) is None:
            raise
        flash(refused, "warn")
    else:
        if said:
            flash(said, "ok")
    return redirect(url_for("desk.today"), 303)


def _issue(form: TokenForm, patient_id: UUID | None) -> int:
    """Issue what the form asks for and give the status: 303 done, 422 to be mended, 409 closed and no reason given."""
    form.offer(_doctors())
    if not form.validate():
        if form.form_key.errors:
            form.form_key.data = _new_key()
        return 422
    order = service.NewToken(
        doctor_id=UUID(form.doctor.data),
        name=rules.read_name(form.name.data or "") if isinstance(form, NewPatientForm) else "",
        phone=(form.phone.data or "").strip() if isinstance(form, NewPatientForm) else "",
        form_key=form.form_key.data,
        patient_id=patient_id,
        override_reason=rules.read_words(form.reason.data or ""),
    )
    try:
        token = _issued(order).token
    except NotAllowed as error:
        if error.code != "visits.closed":
            raise
        form.reason.errors = [_("The clinic is closed. Write why a token is issued now")]
        return 409
    flash(_("Token %(token)s is issued.", token=token), "ok")
    return 303


def _issued(order: service.NewToken) -> visits.VisitView:
    for left_over in reversed(range(ISSUE_TRIES)):
        try:
            with transaction():
                return service.issue(i18n.clinic(), order, by=current_actor())
        except IntegrityError:
            # PostgreSQL lets two desks take the same number at the same moment; the slower one takes the next.
            if not left_over:
                raise
    raise AssertionError("unreachable")


def _today(form: NewPatientForm) -> str:
    form.offer(_doctors())
    return render_template("desk/today.html", form=form, **_list(), **_tray(), **_may(), **_new_token(form))


def _list() -> dict[str, Any]:
    board = service.board(i18n.clinic())
    return {"board": board, "said": words.spoken(board)}


def _tray() -> dict[str, Any]:
    return {"rows": service.tray()}


def _part(template: str, shown: dict[str, Any]) -> ResponseReturnValue:
    """A small page that holds one part. It has no form token, which always differs, so its tag is that of its words."""
    response = make_response(render_template(template, **shown, **_may()))
    response.add_etag()
    return response.make_conditional(request)


def _may() -> dict[str, Any]:
    actor = current_actor()
    return {
        "may_act": Role.RECEPTION in actor.roles,
        "may_end_use": bool(actor.roles & set(KEEP_TABLETS)),
        "own_id": actor.id if Role.DOCTOR in actor.roles else None,
        "state_words": words.state_words,
    }


def _new_token(form: TokenForm) -> dict[str, Any]:
    clinic = i18n.clinic()
    opening = visits.opening_now(clinic)
    choices = list(form.doctor.choices or [])
    return {
        "closed": "" if opening.is_open else words.closed_words(opening, clock.today(clinic.zone)),
        "last_token": clinic.last_token.strftime("%H:%M"),
        "only_number": _next_token(staff.list_doctors()[0]) if len(choices) == 1 else None,
    }


def _doctors() -> list[tuple[str, str]]:
    """Each doctor with the number their next token gets."""
    return [(str(doctor.id), f"{doctor.name} · {_next_token(doctor)}") for doctor in staff.list_doctors()]


def _next_token(doctor: staff.Member) -> visits.Token:
    today = clock.today(i18n.clinic().zone)
    return visits.Token(doctor.letter, visits.next_number(doctor.letter, today))


def _token(visit_id: UUID) -> visits.Token:
    return visits.get_visit(visit_id).token


def _new_key() -> str:
    return secrets.token_urlsafe(16)


def _sent_id(name: str) -> UUID:
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        raise Invalid("desk.nothing_chosen", field=name) from None


def _pairing_address() -> str:
    settings = current_app.config["INTAKE"]
    return f"{settings.tablet_origin}{url_for('kiosk.pair')}"


def _too_little_or_too_many(error: Invalid) -> str:
    if error.code == "desk.too_many_matches":
        return str(_("%(found)s people fit. Write more of the name, or the whole number", found=error.facts["found"]))
    return str(_("Write at least 3 letters of the name, or the whole number, or its last 4 digits"))
