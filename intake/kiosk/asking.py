"""Which tablet is asking, and with which visit: worked out once a request from its cookie."""

from flask import g

from intake.access import Actor, Role
from intake.kiosk import rules, service
from intake.kiosk.models import TabletVisit
from intake.sessions import read_cookie


def load_actor() -> Actor | None:
    """The tablet of this request, with its visit while that is open and not locked; None for every other browser."""
    value = read_cookie("device")
    device = service.find_by_secret(value) if value else None
    if device is None:
        return None
    held = service.held_by(device)
    if held is None or held[1] is rules.Hold.OVER:
        return Actor("tablet", device.id, frozenset({Role.TABLET}))
    g.tablet_visit, state = held
    if state is rules.Hold.LOCKED:
        return Actor("tablet", device.id, frozenset({Role.TABLET}))
    return Actor("tablet", device.id, frozenset({Role.TABLET, Role.KIOSK}), g.tablet_visit.visit_id)


def held_visit() -> TabletVisit | None:
    """The asking tablet's visit, also while it is locked; None when it holds none."""
    row: TabletVisit | None = g.get("tablet_visit")
    return row
