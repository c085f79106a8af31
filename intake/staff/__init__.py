"""People who work here: accounts, roles, signing in. Front door."""

from intake.staff.models import StaffMember, StaffRole
from intake.staff.rules import Limit, may_try_at
from intake.staff.service import (
    Member,
    SignIn,
    Tried,
    add_member,
    check_password,
    get_member,
    list_doctors,
    list_members,
    load_actor,
    sign_in,
    try_own_password,
    try_password,
)
from intake.staff.tries import count, failures, mark, one_at_a_time, wait_until

__all__ = [
    "Limit",
    "Member",
    "SignIn",
    "StaffMember",
    "StaffRole",
    "Tried",
    "add_member",
    "check_password",
    "count",
    "failures",
    "get_member",
    "list_doctors",
    "list_members",
    "load_actor",
    "mark",
    "may_try_at",
    "one_at_a_time",
    "sign_in",
    "try_own_password",
    "try_password",
    "wait_until",
]
