"""Signing in and out. Everything else about accounts is a command for now."""

import re

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import login_user, logout_user

from intake import audit, staff
from intake.access import PUBLIC, STAFF, Role, allow, current_actor
from intake.db import transaction
from intake.i18n import clock_time
from intake.sessions import read_cookie, the_session
from intake.staff.forms import SignInForm

bp = Blueprint("staff", __name__)
HOME = (
    (Role.DOCTOR, "review.worklist"),
    (Role.RECEPTION, "desk.today"),
    (Role.RECORDS, "archive.search"),
    (Role.AUTHOR, "authoring.editions"),
)


@bp.route("/sign-in", methods=["GET", "POST"])
@allow(PUBLIC)
def sign_in() -> ResponseReturnValue:
    """The door for people who work here; closed on a patient's tablet."""
    if read_cookie("device"):
        return render_template("staff/on_tablet.html"), 403
    if current_actor().roles & set(STAFF):
        return redirect(url_for("staff.home"), 303)
    form = SignInForm(next=request.args.get("next", ""))
    status = 200
    if form.validate_on_submit():
        tried = staff.try_password(form.email.data, form.password.data, request.remote_addr or "")
        with transaction():
            _result, member, again = staff.sign_in(tried)
        if member is not None:
            the_session().rotate()
            login_user(member, remember=False)
            return redirect(_own_page(form.next.data) or url_for("staff.home"), 303)
        status = 429 if again else 422
        message = (
            _("Too many tries. Please wait until %(time)s and try again.", time=clock_time(again))
            if again
            else _("The email address or the password is not right.")
        )
        form.password.errors = [message]
    return render_template("staff/sign_in.html", form=form), status if not form.errors else max(status, 422)


@bp.post("/sign-out")
@allow(*STAFF)
def sign_out() -> ResponseReturnValue:
    """End the session on the server, so that its cookie opens nothing any more."""
    actor = current_actor()
    with transaction():
        audit.record("staff.signed_out", actor.id or "", by=actor)
    logout_user()
    the_session().end()
    return redirect(url_for("staff.sign_in"), 303)


@bp.get("/home")
@allow(*STAFF)
def home() -> ResponseReturnValue:
    """The page a person works on most."""
    roles = current_actor().roles
    for role, endpoint in HOME:
        if role in roles:
            return redirect(url_for(endpoint), 303)
    return render_template("staff/home.html")


def _own_page(address: str | None) -> str | None:
    """An address of this site, or None: never somebody else's.

    A browser drops tabs and line ends and reads a backslash as a slash (WHATWG URL, 4.4), so only plain letters pass.
    """
    return address if address and re.fullmatch(r"/(?!/)[!-\[\]-~]*", address) else None
