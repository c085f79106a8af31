"""The verbs of accounts: add a person, sign in, check a password again, name the actor of a request."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from flask_security import current_user
from flask_security.utils import hash_password, verify_password
from sqlalchemy import select

from intake import audit, clock
from intake.access import SYSTEM, Actor, Role
from intake.db import db, in_transaction, let_go, new_id
from intake.errors import Invalid, NotFound
from intake.staff import rules, tries
from intake.staff.models import StaffMember, StaffRole
from intake.vault import the_vault


class SignIn(StrEnum):
    """How a try to sign in ended."""

    DONE = "done"
    REFUSED = "refused"
    WAIT = "wait"


@dataclass(frozen=True)
class Member:
    """What other rooms may know of a person who works here."""

    id: UUID
    name: str
    roles: frozenset[Role]
    registration_no: str
    letter: str
    room: str
    is_active: bool


def add_member(
    *,
    email: str,
    name: str,
    roles: Sequence[Role],
    password: str,
    by: Actor = SYSTEM,
    registration_no: str | None = None,
    letter: str | None = None,
    room: str | None = None,
) -> UUID:
    """Give a person an account. Raises Invalid for a weak password or an address already taken."""
    if not rules.is_long_enough(password):
        raise Invalid("staff.password_too_short", shortest=rules.SHORTEST_PASSWORD)
    address = email.strip().casefold()
    if db.session.scalar(select(StaffMember.id).where(StaffMember.email == address)):
        raise Invalid("staff.email_taken")
    member = StaffMember(
        id=new_id(),
        email=address,
        name=name,
        password=hash_password(password),
        active=True,
        fs_uniquifier=secrets.token_hex(16),
        registration_no=registration_no,
        letter=letter,
        room=room,
        created_at=clock.now(),
        roles=[StaffRole(name=role.value) for role in roles],
    )
    db.session.add(member)
    db.session.flush()
    audit.record("staff.added", member.id, by=by, roles=",".join(sorted(roles)))
    return member.id


@dataclass(frozen=True)
class Tried:
    """A password held against an account, not counted yet. What came of it is told only by the verb that counts it."""

    who: bytes
    member_id: UUID | None
    against: str
    is_right: bool
    again_at: datetime | None


def try_password(email: str, password: str, place: str) -> Tried:
    """Hold a password against the account with this address, from a place (a network address); `sign_in` counts it.

    The hash is slow on purpose, so a door calls this before its transaction: in there, it would keep every writer
    waiting. Raises RuntimeError inside one.
    """
    address = email.strip().casefold()
    member = db.session.scalars(select(StaffMember).where(StaffMember.email == address)).first()
    return _try(member, password, _who(address, place))


def try_own_password(member_id: UUID, password: str, place: str) -> Tried:
    """The same for somebody signed in who is asked again; `check_password` counts it. Raises NotFound."""
    member = _get(member_id)
    return _try(member, password, _who(member.email, place))


def _try(member: StaffMember | None, password: str, who: bytes) -> Tried:
    if in_transaction():
        raise RuntimeError("a password is tried before the transaction opens")
    again = tries.wait_until(who)
    member_id, against = member.id if member else None, member.password if member and member.active else ""
    let_go()
    is_right = False
    if again is None and against:
        is_right = verify_password(password, against)
    elif again is None:
        hash_password(password)  # costs what a check costs, so that time does not tell who has an account
    return Tried(who, member_id, against, is_right, again)


def sign_in(tried: Tried) -> tuple[SignIn, StaffMember | None, datetime | None]:
    """Count a try and say what came of it. Always records it, unless it is not heard yet; a failed one is a result.

    Gives the outcome, the person when it is DONE, and when to try again when it is WAIT.
    """
    result, again = _count(tried, tried.member_id)
    member = db.session.get(StaffMember, tried.member_id) if tried.member_id else None
    if result is SignIn.DONE and member is not None:
        audit.record("staff.signed_in", member.id, by=_actor(member))
        return result, member, None
    if result is SignIn.REFUSED:
        audit.record("staff.sign_in_refused", member.id if member else "unknown", by=SYSTEM)
    return result, None, again


def check_password(member_id: UUID, tried: Tried) -> tuple[SignIn, datetime | None]:
    """Count a signed-in person's try, under the same slowing down; somebody else's is refused. Raises NotFound."""
    member = _get(member_id)
    result, again = _count(tried, member_id)
    if result is SignIn.REFUSED:
        audit.record("staff.reauthentication_refused", member.id, by=_actor(member))
    return result, again


def _count(tried: Tried, member_id: UUID | None) -> tuple[SignIn, datetime | None]:
    tries.one_at_a_time(tried.who)  # one at a time for an account and place, also for an account there is not
    # Of many tries sent at once each is held back here by the failures counted before it, right or not.
    if again := tried.again_at or tries.wait_until(tried.who):
        return SignIn.WAIT, again
    member = db.session.get(StaffMember, member_id) if member_id else None
    is_same = member is not None and member.active and (member.id, member.password) == (tried.member_id, tried.against)
    is_good = tried.is_right and is_same  # the account may have changed since the password was held against it
    tries.count(tried.who, is_right=is_good)
    return (SignIn.DONE if is_good else SignIn.REFUSED), None


def _who(address: str, place: str) -> bytes:
    return hmac.new(the_vault().token("sign-in", address), place.encode(), sha256).digest()


def load_actor() -> Actor | None:
    """The signed-in person of this request, or None."""
    if not current_user.is_authenticated or not isinstance(member := current_user._get_current_object(), StaffMember):
        return None
    return _actor(member)


def _actor(member: StaffMember) -> Actor:
    return Actor("staff", member.id, frozenset(Role(role.name) for role in member.roles))


def get_member(member_id: UUID) -> Member:
    """A person by id. Raises NotFound."""
    return _plain(_get(member_id))


def list_doctors() -> list[Member]:
    """Active doctors with a token letter, by letter."""
    query = select(StaffMember).where(StaffMember.active, StaffMember.letter.is_not(None)).order_by(StaffMember.letter)
    people = (_plain(member) for member in db.session.scalars(query))
    return [member for member in people if Role.DOCTOR in member.roles]


def list_members() -> list[Member]:
    """Everybody with an account, by name."""
    return [_plain(member) for member in db.session.scalars(select(StaffMember).order_by(StaffMember.name))]


def _get(member_id: UUID) -> StaffMember:
    if (member := db.session.get(StaffMember, member_id)) is None:
        raise NotFound("staff.unknown", member_id=member_id)
    return member


def _plain(member: StaffMember) -> Member:
    return Member(
        id=member.id,
        name=member.name,
        roles=frozenset(Role(role.name) for role in member.roles),
        registration_no=member.registration_no or "",
        letter=member.letter or "",
        room=member.room or "",
        is_active=member.active,
    )
