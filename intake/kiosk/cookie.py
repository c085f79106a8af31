"""The tablet's cookie: whose it is, a new one at the end of a visit, and another where that answer was lost.
What a cookie is worth is `rules.worth`; who may enter with which is left to `asking.py`."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import aliased

from intake import audit, clock, consent, sessions, visits
from intake.access import Actor
from intake.db import db, fetch
from intake.errors import NotAllowed
from intake.kiosk import rules
from intake.kiosk.models import Device, TabletVisit


@dataclass(frozen=True)
class Held:
    """The visit on the asking tablet, as it stood when the tablet asked."""

    visit_id: UUID
    given_at: datetime
    opened_at: datetime
    seen_at: datetime
    locked_at: datetime | None
    identified_at: datetime | None
    identity_tries: int
    language: str
    is_decided: bool


@dataclass(frozen=True)
class Found:
    """The tablet a cookie belongs to, what the cookie is worth, and the visit which that tablet holds."""

    device_id: UUID
    worth: rules.Cookie
    held: Held | None


# At most one of each for a tablet, by an index of its own: all visits it ever held grow more with every year. What else
# every page of a tablet wants comes along: the session of the request, and the visit.
_held, _renewing = aliased(TabletVisit), aliased(TabletVisit)
_RENEWAL = (_renewing.renewed_at, _renewing.old_secret_hash, _renewing.spare_secret_hash)
_HELD = (
    *(_held.visit_id, _held.given_at, _held.opened_at, _held.seen_at, _held.locked_at),
    *(_held.identified_at, _held.identity_tries, _held.language),
    consent.is_decided(_held.visit_id),
)
HELD = 2 + len(_RENEWAL)  # where the columns of the held visit begin; those of its session and of `visits` follow
SESSION = HELD + len(_HELD)
VISIT = SESSION + sessions.TOLD
_TOGETHER = (
    select(Device.id, Device.secret_hash, *_RENEWAL, *_HELD)
    .outerjoin(_renewing, and_(_renewing.device_id == Device.id, _renewing.renewed_at.is_not(None)))
    .outerjoin(_held, and_(_held.device_id == Device.id, _held.ended_at.is_(None)))
)
_WITH_VISITS = visits.with_visit(sessions.with_session(_TOGETHER), _held.visit_id)
_OF_SECRET = _WITH_VISITS.where(Device.secret_hash == bindparam("shown"))
_OF_RENEWED = _WITH_VISITS.where(
    Device.id.in_(
        select(TabletVisit.device_id).where(
            TabletVisit.renewed_at.is_not(None),
            or_(TabletVisit.old_secret_hash == bindparam("shown"), TabletVisit.spare_secret_hash == bindparam("shown")),
        )
    )
)


def find(value: str) -> Found | None:
    """The tablet a cookie's value belongs to, or None. Every request of a tablet asks, so it is one statement."""
    shown = hashed(value)
    values = {"shown": shown, "session": sessions.shown_hash()}
    row = fetch(_OF_SECRET, **values).first() or fetch(_OF_RENEWED, **values).first()
    if row is None:
        return None
    sessions.remember(row[SESSION:VISIT])
    device_id, handed_out, renewed_at, old, spare = row[:HELD]
    renewal = rules.Renewal(renewed_at, old, spare) if renewed_at is not None else None
    if (worth := rules.worth(shown, handed_out, renewal, clock.now())) is None:
        return None
    held, visit = row[HELD:SESSION], row[VISIT:]
    if held[0] is None:
        return Found(device_id, worth, None)
    visits.remember(visit)
    return Found(device_id, worth, Held(*held))


def renew(device: Device, row: TabletVisit, value: str) -> str:
    """Give the tablet a new secret at the end of a visit, which evicts every kept page; gives the new cookie value.
    Raises NotAllowed when `value` is not the tablet's cookie any more."""
    if _worth(device, hashed(value), renewing(device.id)) is not rules.Cookie.GOOD:
        raise NotAllowed("kiosk.no_visit")
    close(device)
    row.renewed_at, row.old_secret_hash = clock.now(), hashed(value)
    return new_secret(device)


def settle(device: Device, value: str, *, by: Actor) -> str:
    """A tablet came back after "Finish". With a new cookie: that is the only one from now on, and is given back.
    With the old one: the answer was lost, and another cookie is given. Raises NotAllowed for any other."""
    shown, row = hashed(value), renewing(device.id)
    worth = _worth(device, shown, row)
    if row is None or worth in (None, rules.Cookie.GOOD):
        if worth is rules.Cookie.GOOD:
            return value
        raise NotAllowed("kiosk.no_visit")
    if worth is rules.Cookie.NEW:
        row.old_secret_hash = None
        if shown == device.secret_hash:
            _forget(row)
        return value
    another = secrets.token_urlsafe(32)
    row.spare_secret_hash = hashed(another)
    audit.record("tablet.cookie_again", device.id, by=by)
    return another


def close(device: Device) -> None:
    """Nothing from before counts any more but the newest cookie handed out: the tablet goes to somebody else."""
    if (row := renewing(device.id)) is not None:
        device.secret_hash = row.spare_secret_hash or device.secret_hash
        _forget(row)
        db.session.flush()  # the next one may stand on the same tablet, and there is one at most


def renewing(device_id: UUID) -> TabletVisit | None:
    """The visit whose end gave this tablet a new cookie that is not settled yet, or None."""
    return db.session.scalars(
        select(TabletVisit).where(TabletVisit.device_id == device_id, TabletVisit.renewed_at.is_not(None))
    ).first()


def new_secret(device: Device) -> str:
    """A new secret for this tablet; gives the cookie value, of which the hash alone is kept."""
    value = secrets.token_urlsafe(32)
    device.secret_hash = hashed(value)
    return value


def hashed(value: str) -> bytes:
    """How a secret or a code of ours is kept: it is random, so a plain SHA-256 says nothing of it."""
    return sha256(value.encode()).digest()


def _worth(device: Device, shown: bytes, row: TabletVisit | None) -> rules.Cookie | None:
    renewal = None
    if row is not None and row.renewed_at is not None:
        renewal = rules.Renewal(row.renewed_at, row.old_secret_hash, row.spare_secret_hash)
    return rules.worth(shown, device.secret_hash, renewal, clock.now())


def _forget(row: TabletVisit) -> None:
    row.renewed_at = row.old_secret_hash = row.spare_secret_hash = None
