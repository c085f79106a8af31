"""Which tablet is asking, and with which visit: worked out once a request from its cookie."""

from flask import g, request

from intake.access import Actor, Role
from intake.kiosk import cookie, rules, service
from intake.sessions import read_cookie

WAY_OUT = ("kiosk.finish", "kiosk.welcome")  # all that a cookie from before the last "Finish" may ask for


def load_actor() -> Actor | None:
    """The tablet of this request, with its visit while that is open and not locked; None for every other browser."""
    value = read_cookie("device")
    found = cookie.find(value) if value else None
    if value is None or found is None:
        return None
    if found.worth is rules.Cookie.OLD and request.endpoint not in WAY_OUT:
        return None
    g.tablet_cookie = value, found.worth
    state = service.hold_of(found.held) if found.held else None
    if found.held is None or state is rules.Hold.OVER:
        return Actor("tablet", found.device_id, frozenset({Role.TABLET}))
    g.tablet_visit = found.held
    if state is rules.Hold.LOCKED:
        return Actor("tablet", found.device_id, frozenset({Role.TABLET}))
    return Actor("tablet", found.device_id, frozenset({Role.TABLET, Role.KIOSK}), found.held.visit_id)


def held_visit() -> cookie.Held | None:
    """The asking tablet's visit, also while it is locked; None when it holds none."""
    row: cookie.Held | None = g.get("tablet_visit")
    return row


def shown_cookie() -> tuple[str, rules.Cookie]:
    """The asking tablet's cookie and what it is worth. Only where a tablet asks."""
    shown: tuple[str, rules.Cookie] = g.tablet_cookie
    return shown
