"""The public pages of a record's number. They say only whether there is such a record and its state, never whose or
what."""

import math
from datetime import datetime, timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from intake import clock, records
from intake.access import PUBLIC, allow
from intake.db import transaction
from intake.records import guessing
from intake.records.forms import NumberForm
from intake.records.rules import read_number
from intake.records.words import STATE_WORDS

bp = Blueprint("records", __name__)


@bp.route("/verify", methods=["GET", "POST"])
@allow(PUBLIC)
def check() -> ResponseReturnValue:
    """Ask for a record's number."""
    form = NumberForm()
    if form.validate_on_submit():
        return redirect(url_for("records.verify", number=read_number(form.number.data)), 303)
    return render_template("records/check.html", form=form), 422 if form.errors else 200


@bp.get("/verify/<string(maxlength=20):number>")
@allow(PUBLIC)
def verify(number: str) -> ResponseReturnValue:
    """Whether a record of this number was sealed here, when, and what it is worth now; and its PDF's SHA-256, so that a
    browser can compare a file. Whatever is no number of ours gets the same answer as one that nobody has."""
    place = request.remote_addr or ""
    if again := guessing.wait_until(place):
        return _too_many(again)
    found = records.find_by_number(number)
    if found is None:
        if read_number(number):
            with transaction():
                again = guessing.count_miss(place)
        return _too_many(again) if again else (_nobodys(), 404)
    state = records.state_of(found)
    shown = {"found": found, "digests": records.digests_of(found.id)}
    return render_template("records/verify.html", **shown, state=state.value, state_words=str(STATE_WORDS[state]))


def _nobodys() -> str:
    return render_template("records/check.html", form=NumberForm(formdata=None), missing=True)


def _too_many(again: datetime) -> ResponseReturnValue:
    """Ask for patience, with how long; the right number is not looked for either, or the wait would tell it."""
    left = max(again - clock.now(), timedelta(seconds=1))
    seconds = math.ceil(left.total_seconds())
    minutes = math.ceil(seconds / 60)
    wait = (
        ngettext("%(num)s second", "%(num)s seconds", seconds)
        if seconds < 60
        else ngettext("%(num)s minute", "%(num)s minutes", minutes)
    )
    html = render_template("records/check.html", form=NumberForm(formdata=None), wait=wait)
    return html, 429, {"Retry-After": str(seconds)}
