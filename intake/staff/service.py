"""The verbs of accounts: add a person, sign in, check a password again, name the actor of a request."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from flask_security import current_user
from flask_security.utils import hash_password, verify_password
from sqlalchemy import delete, func, select

from intake import audit, clock
from intake.access import SYSTEM, Actor, Role
from intake.db import db, new_id, take_turns
from intake.errors import Invalid, NotFound
from intake.staff import rules
from intake.staff.models import SignInAttempt, StaffMember, StaffRole
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


def sign_in(email: str, password: str, place: str) -> tuple[SignIn, StaffMember | None, datetime | None]:
    """Check an address and password from a place (a network address). Always records the try; a failed one is a result.

    Gives the outcome, the person when it is DONE, and when to try again when it is WAIT.
    """
    member = db.session.scalars(select(StaffMember).where(StaffMember.email == email.strip().casefold())).first()
    who = _who(email.strip().casefold(), place)
    result, again = _check(member, password, who)
    if result is SignIn.DONE and member is not None:
        audit.record("staff.signed_in", member.id, by=_actor(member))
        return result, member, None
    if result is SignIn.REFUSED:
        audit.record("staff.sign_in_refused", member.id if member else "unknown", by=SYSTEM)
    return result, None, again


def check_password(member_id: UUID, password: str, place: str) -> tuple[SignIn, datetime | None]:
    """Ask a signed-in person for the password again, under the same slowing down. Raises NotFound."""
    member = _get(member_id)
    result, again = _check(member, password, _who(member.email, place))
    if result is SignIn.REFUSED:
        audit.record("staff.reauthentication_refused", member.id, by=_actor(member))
    return result, again


def _check(member: StaffMember | None, password: str, who: bytes) -> tuple[SignIn, datetime | None]:
    take_turns(f"sign-in {who.hex()}")  # one guess at a time for an account and place, also for an account there is not
    now = clock.now()
    since = select(func.max(SignInAttempt.at)).where(SignInAttempt.who == who, SignInAttempt.succeeded)
    floor = max(filter(None, (db.session.scalar(since), now - rules.WINDOW)))
    failed = select(SignInAttempt.at).where(
        SignInAttempt.who == who, ~SignInAttempt.succeeded, SignInAttempt.at >= floor
    )
    again = rules.may_try_at(db.session.scalars(failed.order_by(SignInAttempt.at)).all())
    if again and now < again:
        return SignIn.WAIT, again
    if member is None or not member.active:
        hash_password(password)  # costs what a check costs, so that time does not tell who has an account
        good = False
    else:
        good = verify_password(password, member.password)
    db.session.add(SignInAttempt(id=new_id(), who=who, at=now, succeeded=good))
    db.session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - timedelta(days=30)))
    return (SignIn.DONE if good else SignIn.REFUSED), None


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
    )
