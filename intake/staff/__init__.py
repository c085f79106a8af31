"""People who work here: accounts, roles, signing in. Front door."""

from intake.staff.models import StaffMember, StaffRole
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

__all__ = [
    "Member",
    "SignIn",
    "StaffMember",
    "StaffRole",
    "Tried",
    "add_member",
    "check_password",
    "get_member",
    "list_doctors",
    "list_members",
    "load_actor",
    "sign_in",
    "try_own_password",
    "try_password",
]
