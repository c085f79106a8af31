"""Accounts: added once, checked slowly for a guesser, named in the log by id."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from intake import audit, staff
from intake.access import Role
from intake.db import db, transaction
from intake.errors import Invalid, NotFound
from intake.staff import SignIn
from tests.conftest import MONDAY_NOON, PASSWORD

ClockAt = Callable[[datetime], None]
RAO = "rao@demo.example"


def try_to(password: str, email: str = RAO, place: str = "10.0.0.5") -> SignIn:
    with transaction():
        result, _member, _again = staff.sign_in(email, password, place)
    return result


def test_the_right_password_signs_in_whatever_the_case_of_the_address(in_app: Flask) -> None:
    assert try_to(PASSWORD, "  RAO@Demo.Example ") is SignIn.DONE


@pytest.mark.parametrize(("email", "password"), [(RAO, "wrong"), (RAO, ""), ("nobody@demo.example", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(in_app: Flask, email: str, password: str) -> None:
    assert try_to(password, email) is SignIn.REFUSED


def test_somebody_who_has_left_the_clinic_does_not_get_in(in_app: Flask) -> None:
    with transaction():
        db.session.execute(
            text("UPDATE staff_member SET active = :no WHERE email = :email"), {"no": False, "email": RAO}
        )
    assert try_to(PASSWORD) is SignIn.REFUSED


def test_after_five_wrong_tries_even_the_right_password_waits(in_app: Flask, clock_at: ClockAt) -> None:
    assert [try_to("wrong") for _ in range(6)] == [SignIn.REFUSED] * 5 + [SignIn.WAIT]
    assert try_to(PASSWORD) is SignIn.WAIT
    clock_at(MONDAY_NOON + timedelta(seconds=2))
    assert try_to(PASSWORD) is SignIn.DONE
    assert try_to("wrong") is SignIn.REFUSED, "a success forgets the failures before it"


def test_a_guesser_elsewhere_does_not_keep_a_doctor_out(in_app: Flask) -> None:
    for _ in range(7):
        try_to("wrong", place="203.0.113.9")
    assert try_to(PASSWORD, place="10.0.0.5") is SignIn.DONE


def test_tries_are_kept_without_address_or_place(in_app: Flask) -> None:
    try_to("wrong")
    (who,) = db.session.execute(text("SELECT who FROM sign_in_attempt")).scalars()
    assert b"rao" not in bytes(who) and b"10.0" not in bytes(who)


def test_every_try_is_in_the_log(in_app: Flask) -> None:
    rao = next(d for d in staff.list_doctors() if d.letter == "K")
    try_to("wrong")
    try_to(PASSWORD)
    assert [entry.event for entry in audit.history_of(rao.id)][-2:] == ["staff.sign_in_refused", "staff.signed_in"]
    try_to(PASSWORD, "nobody@demo.example")
    assert audit.history_of("unknown")[-1].event == "staff.sign_in_refused"


def test_a_signed_in_doctor_who_is_asked_again_is_slowed_down_too(in_app: Flask) -> None:
    rao = next(d for d in staff.list_doctors() if d.letter == "K")
    with transaction():
        assert staff.check_password(rao.id, PASSWORD, "10.0.0.5") == (SignIn.DONE, None)
    for _ in range(5):
        with transaction():
            assert staff.check_password(rao.id, "wrong", "10.0.0.5")[0] is SignIn.REFUSED
    with transaction():
        result, again = staff.check_password(rao.id, PASSWORD, "10.0.0.5")
    assert result is SignIn.WAIT and again == MONDAY_NOON + timedelta(seconds=2)


def test_two_people_do_not_share_an_address_nor_use_a_short_password(in_app: Flask) -> None:
    with pytest.raises(Invalid, match=r"staff\.email_taken"), transaction():
        staff.add_member(email="RAO@demo.example", name="Another", roles=[Role.ADMIN], password=PASSWORD)
    with pytest.raises(Invalid, match=r"staff\.password_too_short"), transaction():
        staff.add_member(email="new@demo.example", name="New", roles=[Role.ADMIN], password="x" * 14)


def test_passwords_are_kept_as_argon2_hashes(in_app: Flask) -> None:
    kept = db.session.execute(text("SELECT password FROM staff_member")).scalars().all()
    assert kept and all(value.startswith("$argon2id$") for value in kept)


def test_the_doctors_are_those_with_a_token_letter_in_its_order(in_app: Flask) -> None:
    assert [(d.letter, d.name) for d in staff.list_doctors()] == [("K", "Dr Ananya Rao"), ("T", "Dr Joseph Menon")]


def test_a_person_nobody_knows_is_not_found(in_app: Flask) -> None:
    with pytest.raises(NotFound):
        staff.get_member(UUID(int=1))
