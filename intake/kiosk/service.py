"""The verbs of tablets: pair, give to a visit, confirm who holds it, lock, reopen, let go. Secrets are kept hashed."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from intake import audit, clock, visits
from intake.access import SYSTEM, Actor
from intake.db import db, fetch, new_id
from intake.errors import NotAllowed, NotFound
from intake.i18n import clinic
from intake.kiosk import cookie, rules
from intake.kiosk.models import Device, PairingCode, TabletVisit


@dataclass(frozen=True)
class Tablet:
    """A tablet as the desk sees it."""

    id: UUID
    name: str
    is_paired: bool
    needs_wipe: bool
    visit_id: UUID | None
    hold: rules.Hold | None
    seen_at: datetime | None


def add_tablet(name: str, *, by: Actor) -> UUID:
    """Register a tablet by the name on its back. Raises NotAllowed when the name is taken."""
    if db.session.scalar(select(Device.id).where(Device.name == name)):
        raise NotAllowed("kiosk.name_taken")
    device = Device(id=new_id(), name=name)
    db.session.add(device)
    db.session.flush()
    audit.record("tablet.added", device.id, by=by, name=name)
    return device.id


def pairing_code(device_id: UUID, *, by: Actor) -> str:
    """A new code for this tablet: 8 characters (40 bits), 5 minutes, once. Older codes of it stop working.
    Raises NotFound."""
    device = _device(device_id)
    for old in _open_codes(device_id):
        old.used_at = clock.now()
    code = "".join(secrets.choice(rules.CODE_LETTERS) for _ in range(8))
    db.session.add(
        PairingCode(id=new_id(), device_id=device.id, code_hash=cookie.hashed(code), made_at=clock.now(), used_at=None)
    )
    audit.record("tablet.code_made", device.id, by=by)
    return code


def pair(code: str) -> str:
    """Make the asking browser the tablet of this code; gives the cookie's value.
    Raises NotAllowed for a wrong or old code."""
    typed = code.upper().replace(" ", "").replace("-", "")
    query = (
        select(PairingCode)
        .where(PairingCode.code_hash == cookie.hashed(typed), PairingCode.used_at.is_(None))
        .with_for_update()
    )
    row = db.session.scalars(query).first()
    if row is None or clock.now() - row.made_at > rules.CODE_LIFE:
        raise NotAllowed("kiosk.code_unknown")
    row.used_at = clock.now()
    device = _device(row.device_id)
    device.paired_at = clock.now()
    if (held := _held(device.id)) is not None:
        held.ended_at = clock.now()  # the new browser is not the one this patient holds
        audit.record("tablet.taken_back", held.visit_id, by=Actor("tablet", device.id, frozenset()))
    cookie.close(device)
    value = cookie.new_secret(device)
    audit.record("tablet.paired", device.id, by=Actor("tablet", device.id, frozenset()))
    return value


def unpair(device_id: UUID, *, by: Actor) -> None:
    """Take the tablet's right away at once: its cookie and its pairing codes open nothing from now on, and a visit on
    it ends its time there, answers kept. One that is not paired stays as it is. Raises NotFound."""
    device = _locked(device_id)
    for code in _open_codes(device_id):
        code.used_at = clock.now()
    if device.secret_hash is None:
        return
    if (held := _held(device.id)) is not None:
        held.ended_at = clock.now()
        audit.record("tablet.taken_back", held.visit_id, by=by)
    cookie.close(device)
    device.secret_hash, device.paired_at = None, None
    audit.record("tablet.unpaired", device.id, by=by, tablet=device.name)


def give(device_id: UUID, visit_id: UUID, language: str, *, by: Actor) -> None:
    """Hand a clean tablet to a visit of today. Raises NotAllowed when the tablet or the patient is busy,
    or it was not wiped."""
    visit = visits.lock_visit(visit_id)
    device = _locked(device_id)
    release_over()
    if visit.day != clock.today(clinic().zone):
        raise NotAllowed("kiosk.other_day")
    if device.secret_hash is None:
        raise NotAllowed("kiosk.not_paired")
    if _held(device_id) or _holding(visit_id):
        raise NotAllowed("kiosk.busy")
    if _needs_wipe(device):
        raise NotAllowed("kiosk.not_wiped")
    cookie.close(device)
    now = clock.now()
    before = _last(visit.id)
    row = TabletVisit(
        id=new_id(),
        device_id=device_id,
        visit_id=visit.id,
        given_at=now,
        given_by=by.label,
        opened_at=now,
        seen_at=now,
        locked_at=None,
        identified_at=None,
        identity_tries=0,
        language=before.language if before else language,
        ended_at=None,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("tablet.given", visit.id, by=by, tablet=device.name)


def wipe(device_id: UUID, *, by: Actor) -> None:
    """Reception says the tablet was wiped clean and may go to the next patient. Raises NotFound."""
    _device(device_id).wiped_at = clock.now()
    audit.record("tablet.wiped", device_id, by=by)


def reopen(device_id: UUID, *, by: Actor) -> None:
    """Open a locked tablet again for the same visit, from the desk. Raises NotAllowed when it holds none."""
    row = _must_hold(device_id)
    if visits.get_visit(row.visit_id).day != clock.today(clinic().zone):
        raise NotAllowed("kiosk.other_day")
    row.opened_at = row.seen_at = clock.now()
    row.locked_at = None
    if row.identified_at is None:
        row.identity_tries = 0
    audit.record("tablet.reopened", row.visit_id, by=by)


def take_back(device_id: UUID, *, by: Actor) -> None:
    """End the visit's time on this tablet; answers stay. Raises NotAllowed when it holds none."""
    row = _must_hold(device_id)
    row.ended_at = clock.now()
    audit.record("tablet.taken_back", row.visit_id, by=by)


def put_back(visit_id: UUID, *, by: Actor) -> bool:
    """Undo that a visit's tablet was taken back, while that tablet was neither wiped, handed on nor taken out of use
    since, and the visit's time on it is not over; gives whether it could be done. Who holds it says again who they are.
    """
    row = _last(visits.lock_visit(visit_id).id)
    if row is None or row.ended_at is None:
        return False
    device = _locked(row.device_id)
    newest = _newest(device.id)
    is_clean = device.wiped_at is not None and device.wiped_at >= row.ended_at
    if newest is not row or is_clean or device.secret_hash is None or hold_of(row) is rules.Hold.OVER:
        return False
    cookie.close(device)
    row.ended_at, row.seen_at = None, clock.now()
    row.identified_at, row.identity_tries = None, 0
    audit.record("tablet.put_back", visit_id, by=by, tablet=device.name)
    return True


def lock(*, by: Actor) -> None:
    """Lock the asking tablet: the screen shows nothing until reception reopens it."""
    row = _must_hold(by.id)
    if row.locked_at is None or row.locked_at < row.opened_at:
        row.locked_at = clock.now()
        audit.record("tablet.locked", row.visit_id, by=by)


def identify(born_on: date, *, by: Actor) -> bool:
    """Confirm who holds the tablet by date of birth; counts the tries. Raises NotAllowed when three were used."""
    visit = visits.lock_visit(_must_hold(by.id).visit_id)
    row = _must_hold(by.id)
    db.session.refresh(row)  # the tries as they stand now that nobody else can count them
    if row.identity_tries >= rules.MOST_IDENTITY_TRIES:
        raise NotAllowed("kiosk.ask_staff")
    row.identity_tries += 1
    if not visits.check_birth_date(visit.patient_id, born_on, by=by):
        audit.record("identity.refused", row.visit_id, by=by, tries=row.identity_tries)
        return False
    row.identified_at = clock.now()
    audit.record("identity.confirmed", row.visit_id, by=by)
    return True


def choose_language(language: str, *, by: Actor) -> None:
    """Remember the language the patient picked."""
    _must_hold(by.id).language = language


def finish(value: str, *, by: Actor) -> str:
    """End the visit on the asking tablet, which came with the cookie `value`; gives the cookie it has from now on.
    Sent again because the answer was lost or somebody tapped twice, nothing more ends (`cookie.settle`).
    Raises NotAllowed when the cookie is not the tablet's any more."""
    device = _locked(by.id)
    row = _held(device.id)
    if row is not None:
        row.ended_at = clock.now()
        audit.record("tablet.finished", row.visit_id, by=by)
    elif cookie.renewing(device.id) is not None:
        return cookie.settle(device, value, by=by)
    else:
        row = _newest(device.id)
    return cookie.renew(device, row, value) if row else value


def come_back(value: str, *, by: Actor) -> str:
    """The asking tablet came back after "Finish" with the cookie `value`; gives the one it has from now on.
    Raises NotAllowed when the cookie is not the tablet's any more."""
    return cookie.settle(_locked(by.id), value, by=by)


def release_over() -> None:
    """Let go of visits whose time on a tablet is over."""
    query = select(TabletVisit).where(TabletVisit.ended_at.is_(None)).with_for_update(skip_locked=True)
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        if hold_of(row) is rules.Hold.OVER:
            row.ended_at = clock.now()
            audit.record("tablet.timed_out", row.visit_id, by=SYSTEM)
    db.session.flush()


def seen(*, by: Actor) -> None:
    """The patient is there: idle time begins anew. Where reception took the tablet back meanwhile, nothing does."""
    fetch(_SEEN, device=by.id, now=clock.now())


def page_shown(page: str, *, by: Actor) -> None:
    """Note that a page was on this visit's screen: the order of what was read is evidence. It was, also where reception
    took the tablet back while the page was made. Raises NotAllowed for a tablet that asked without a visit."""
    if by.visit_id is None:
        raise NotAllowed("kiosk.no_visit")
    audit.record("page.shown", by.visit_id, by=by, page=page)


def is_out_of_tries(*, by: Actor) -> bool:
    """Whether who holds the asking tablet said a wrong date of birth as often as they may.
    Raises NotAllowed where it holds no visit."""
    return _must_hold(by.id).identity_tries >= rules.MOST_IDENTITY_TRIES


def hold_of(row: TabletVisit | cookie.Held) -> rules.Hold:
    """What a visit's tablet is doing now."""
    zone, idle = clinic().zone, timedelta(minutes=clinic().idle_minutes)
    same_day = row.given_at.astimezone(zone).date() == clock.today(zone)
    return rules.hold(rules.Use(row.opened_at, row.seen_at, row.locked_at, same_day), idle, clock.now())


def list_tablets() -> list[Tablet]:
    """All tablets by name, with what each is doing."""
    return [_tablet(device) for device in db.session.scalars(select(Device).order_by(Device.name))]


def tablets_of(visit_ids: Sequence[UUID]) -> dict[UUID, Tablet]:
    """Which tablet each of these visits holds now."""
    return {t.visit_id: t for t in list_tablets() if t.visit_id in set(visit_ids)}


def device_name(device_id: UUID) -> str:
    """The name on a tablet's back. Raises NotFound."""
    return _device(device_id).name


def _tablet(device: Device) -> Tablet:
    row = _held(device.id)
    state = hold_of(row) if row else None
    is_over = state is rules.Hold.OVER
    if is_over:
        row, state = None, None
    if row and row.identified_at is None and row.identity_tries >= rules.MOST_IDENTITY_TRIES:
        state = rules.Hold.LOCKED  # it shows "ask reception" until they open it again, like one that was left alone
    return Tablet(
        device.id,
        device.name,
        device.secret_hash is not None,
        is_over or _needs_wipe(device),
        row.visit_id if row else None,
        state,
        row.seen_at if row else None,
    )


def _needs_wipe(device: Device) -> bool:
    last = db.session.scalar(select(func.max(TabletVisit.ended_at)).where(TabletVisit.device_id == device.id))
    return last is not None and (device.wiped_at is None or device.wiped_at < last)


def _device(device_id: UUID | None) -> Device:
    if (device := db.session.get(Device, device_id)) is None:
        raise NotFound("kiosk.unknown", device_id=device_id)
    return device


def _locked(device_id: UUID | None) -> Device:
    query = select(Device).where(Device.id == device_id).with_for_update()
    if (device := db.session.scalars(query.execution_options(populate_existing=True)).first()) is None:
        raise NotFound("kiosk.unknown", device_id=device_id)
    return device


def _open_codes(device_id: UUID) -> Sequence[PairingCode]:
    return db.session.scalars(
        select(PairingCode).where(PairingCode.device_id == device_id, PairingCode.used_at.is_(None))
    ).all()


_HELD = select(TabletVisit).where(TabletVisit.device_id == bindparam("device"), TabletVisit.ended_at.is_(None))
_SEEN = (
    update(TabletVisit)
    .where(TabletVisit.device_id == bindparam("device"), TabletVisit.ended_at.is_(None))
    .values(seen_at=bindparam("now"))
)


def _held(device_id: UUID | None) -> TabletVisit | None:
    return db.session.scalars(_HELD, {"device": device_id}).first()


def _holding(visit_id: UUID) -> TabletVisit | None:
    return db.session.scalars(
        select(TabletVisit).where(TabletVisit.visit_id == visit_id, TabletVisit.ended_at.is_(None))
    ).first()


def _last(visit_id: UUID) -> TabletVisit | None:
    return db.session.scalars(
        select(TabletVisit).where(TabletVisit.visit_id == visit_id).order_by(TabletVisit.given_at.desc())
    ).first()


def _newest(device_id: UUID) -> TabletVisit | None:
    return db.session.scalars(
        select(TabletVisit).where(TabletVisit.device_id == device_id).order_by(TabletVisit.given_at.desc())
    ).first()


def _must_hold(device_id: UUID | None) -> TabletVisit:
    if (row := _held(device_id)) is None:
        raise NotAllowed("kiosk.no_visit")
    return row
