"""Accounts: added once, checked slowly for a guesser, named in the log by id."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask_security.utils import verify_password
from sqlalchemy import text

from intake import audit, staff
from intake.access import SYSTEM, Role
from intake.db import db, transaction
from intake.errors import Invalid, NotFound
from intake.staff import SignIn
from tests.conftest import MONDAY_NOON, PASSWORD

ClockAt = Callable[[datetime], None]
RAO = "rao@demo.example"


def try_to(password: str, email: str = RAO, place: str = "10.0.0.5") -> SignIn:
    tried = staff.try_password(email, password, place)
    with transaction():
        result, _member, _again = staff.sign_in(tried)
    return result


def ask_again(member_id: UUID, password: str) -> tuple[SignIn, datetime | None]:
    tried = staff.try_own_password(member_id, password, "10.0.0.5")
    with transaction():
        return staff.check_password(member_id, tried)


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
    assert ask_again(rao.id, PASSWORD) == (SignIn.DONE, None)
    assert [ask_again(rao.id, "wrong")[0] for _ in range(5)] == [SignIn.REFUSED] * 5
    result, again = ask_again(rao.id, PASSWORD)
    assert result is SignIn.WAIT and again == MONDAY_NOON + timedelta(seconds=2)


def test_nobody_waits_for_a_password_to_be_checked(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote = list[bool]()

    def write() -> None:
        with in_app.app_context():
            with transaction():
                audit.record("test.written", "meanwhile", by=SYSTEM)
            db.session.remove()
            wrote.append(True)

    def slow(password: str, kept: str) -> bool:
        somebody_else = threading.Thread(target=write)
        somebody_else.start()
        somebody_else.join(timeout=30)
        return verify_password(password, kept)

    monkeypatch.setattr("intake.staff.service.verify_password", slow)  # only watched: it still says what it says
    assert try_to(PASSWORD) is SignIn.DONE
    assert ask_again(next(d.id for d in staff.list_doctors() if d.letter == "K"), "wrong")[0] is SignIn.REFUSED
    assert wrote == [True, True], "a transaction was opened and closed while the hash was being made"


def test_a_password_is_never_tried_inside_a_transaction(in_app: Flask) -> None:
    with pytest.raises(RuntimeError), transaction():
        staff.try_password(RAO, PASSWORD, "10.0.0.5")


def test_of_passwords_tried_at_once_no_more_are_told_right_or_wrong_than_one_after_the_other(in_app: Flask) -> None:
    tried = [staff.try_password(RAO, word, "10.0.0.5") for word in ["wrong"] * 5 + [PASSWORD]]
    results = []
    for one in tried:
        with transaction():
            results.append(staff.sign_in(one)[0])
    assert results == [SignIn.REFUSED] * 5 + [SignIn.WAIT], "the sixth was right, and nobody learns it"


def test_who_leaves_or_gets_another_password_between_a_try_and_its_count_is_not_let_in(in_app: Flask) -> None:
    for change in ("active = false", "password = 'another'"):
        tried = staff.try_password(RAO, PASSWORD, "10.0.0.5")
        with transaction():
            db.session.execute(text(f"UPDATE staff_member SET {change} WHERE email = :email"), {"email": RAO})
        with transaction():
            assert staff.sign_in(tried)[0] is SignIn.REFUSED
        with transaction():
            db.session.execute(text("UPDATE staff_member SET active = true WHERE email = :email"), {"email": RAO})


def test_one_persons_password_does_not_count_for_another(in_app: Flask) -> None:
    rao, menon = (doctor.id for doctor in staff.list_doctors())
    tried = staff.try_own_password(menon, PASSWORD, "10.0.0.5")
    with transaction():
        assert staff.check_password(rao, tried) == (SignIn.REFUSED, None)


def test_two_people_do_not_share_an_address_nor_use_a_short_password(in_app: Flask) -> None:
    with pytest.raises(Invalid, match=r"staff\.email_taken"), transaction():
        staff.add_member(email="RAO@demo.example", name="Another", roles=[Role.ADMIN], password=PASSWORD)
    with pytest.raises(Invalid, match=r"staff\.password_too_short"), transaction():
        staff.add_member(email="new@demo.example", name="New", roles=[Role.ADMIN], password="x" * 14)


def test_passwords_are_kept_as_argon2_hashes_that_cost_64_mib_and_three_passes(in_app: Flask) -> None:
    with transaction():  # RFC 9106, section 4, the second recommended option
        staff.add_member(email="new@demo.example", name="New", roles=[Role.ADMIN], password=PASSWORD)
    kept = {email: kept for email, kept in db.session.execute(text("SELECT email, password FROM staff_member"))}
    assert all(value.startswith("$argon2id$") for value in kept.values())
    assert kept["new@demo.example"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_doctors_are_those_with_a_token_letter_in_its_order(in_app: Flask) -> None:
    assert [(d.letter, d.name) for d in staff.list_doctors()] == [("K", "Dr Ananya Rao"), ("T", "Dr Joseph Menon")]


def test_a_person_nobody_knows_is_not_found(in_app: Flask) -> None:
    with pytest.raises(NotFound):
        staff.get_member(UUID(int=1))
