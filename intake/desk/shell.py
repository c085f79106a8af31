"""What the frame of every staff page shows: where a person may go, who they are, whether the clinic is open."""

from typing import Any

from flask import current_app, g, request, url_for
from flask_babel import gettext as _

from intake import clock, i18n, staff
from intake.access import STAFF, allowed_for, current_actor


def look_up() -> None:
    """Find out who is signed in before the view runs: an error page must not need the database that just failed."""
    actor = current_actor()
    if actor.id is not None and actor.roles.intersection(STAFF) and request.endpoint != "static":
        g.staff_name = staff.get_member(actor.id).name


def context() -> dict[str, Any]:
    """Template context of staff pages; nothing for everybody else."""
    if "staff_name" not in g:
        return {}
    return {
        "staff_name": g.staff_name,
        "sign_out_url": url_for("staff.sign_out"),
        "nav": _nav(),
        "hours_note": _hours(),
        "clock": i18n.clock_time(clock.now()),
    }


def _nav() -> list[tuple[str, str, bool]]:
    """Label, address and whether it is this room, for the rooms this person may enter."""
    rooms = (
        ("desk.today", _("Queue")),
        ("review.worklist", _("Review")),
        ("archive.search", _("Archive")),
        ("authoring.editions", _("Forms")),
        ("audit.entries", _("Log")),
        ("health.show", _("Health")),
    )
    open_to = [
        (label, endpoint)
        for endpoint, label in rooms
        if endpoint in current_app.view_functions
        and current_actor().roles & (allowed_for(current_app, endpoint) or frozenset())
    ]
    return [(label, url_for(endpoint), endpoint.split(".")[0] == request.blueprint) for label, endpoint in open_to]


def _hours() -> str:
    clinic = i18n.clinic()
    span = clinic.hours.get(clock.today(clinic.zone).weekday())
    if span is None:
        return str(_("Closed today"))
    opens, closes = (end.strftime("%H:%M") for end in span)
    return str(_("Open today %(opens)s to %(closes)s", opens=opens, closes=closes))
