"""People who work here: accounts, roles, signing in. Front door."""

from intake.staff.models import StaffMember, StaffRole
from intake.staff.service import (
    Member,
    SignIn,
    add_member,
    check_password,
    get_member,
    list_doctors,
    list_members,
    load_actor,
    sign_in,
)

__all__ = [
    "Member",
    "SignIn",
    "StaffMember",
    "StaffRole",
    "add_member",
    "check_password",
    "get_member",
    "list_doctors",
    "list_members",
    "load_actor",
    "sign_in",
]
