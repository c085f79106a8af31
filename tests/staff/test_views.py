"""Signing in and out, the frame of staff pages, and the log's page, through HTTP."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask_login import encode_cookie
from sqlalchemy import text

from intake.db import db, transaction
from tests.builders import a_tablet
from tests.conftest import MONDAY_NOON, PASSWORD, StrictClient, sign_in

ClockAt = Callable[[datetime], None]


def try_to(client: StrictClient, password: str, email: str = "rao@demo.example", **more: str) -> Any:
    return client.submit("/sign-in", {"email": email, "password": password} | more)


def test_the_page_helps_a_password_manager(anonymous: StrictClient) -> None:
    page = anonymous.get("/sign-in").text
    assert re.search(r'<input[^>]*type="email"[^>]*autocomplete="username"', page)
    assert re.search(r'<input[^>]*type="password"[^>]*autocomplete="current-password"', page)
    assert "onpaste" not in page


def test_a_wrong_password_says_the_same_as_an_unknown_address(anonymous: StrictClient) -> None:
    wrong, unknown = try_to(anonymous, "wrong"), try_to(anonymous, PASSWORD, "nobody@demo.example")
    assert wrong.status_code == unknown.status_code == 422
    for response in (wrong, unknown):
        assert "The email address or the password is not right." in response.text
    assert 'value="rao@demo.example"' in wrong.text
    assert "wrong" not in wrong.text, "a password is never sent back"


def test_too_many_tries_are_told_when_to_try_again(anonymous: StrictClient) -> None:
    for _ in range(5):
        try_to(anonymous, "wrong")
    response = try_to(anonymous, PASSWORD)
    assert response.status_code == 429
    assert "Too many tries. Please wait until 12:00 and try again." in response.text


@pytest.mark.parametrize(
    ("who", "home"),
    [("rao", "/review"), ("reception", "/desk"), ("records", "/archive"), ("author", "/forms")],
)
def test_everybody_lands_on_the_page_of_their_work(app: Flask, who: str, home: str) -> None:
    assert sign_in(app, f"{who}@demo.example").get("/home").location == home


def test_who_has_several_places_to_go_is_shown_them(app: Flask) -> None:
    page = sign_in(app, "admin@demo.example").get("/home").text
    assert "You are signed in" in page
    assert "Log" in page


def test_signing_in_goes_on_to_where_the_person_was_going(anonymous: StrictClient) -> None:
    page = anonymous.get("/sign-in?next=/archive").text
    assert 'name="next" value="/archive"' in page
    assert try_to(anonymous, PASSWORD, next="/archive").location == "/archive"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/x\nSet-Cookie: a=b"]
)
def test_signing_in_never_leads_to_another_site(anonymous: StrictClient, elsewhere: str) -> None:
    anonymous.get("/sign-in")
    assert try_to(anonymous, PASSWORD, next=elsewhere).location == "/home"


def test_a_session_gets_a_new_id_at_sign_in(app: Flask, anonymous: StrictClient) -> None:
    anonymous.get("/sign-in")
    before = anonymous.get_cookie("intake-session")
    try_to(anonymous, PASSWORD)
    after = anonymous.get_cookie("intake-session")
    assert before and after and before.value != after.value
    anonymous.set_cookie("intake-session", before.value)
    assert anonymous.get("/review").status_code == 303, "the old id opens nothing"


def test_a_cookie_replayed_after_sign_out_is_refused(as_doctor: StrictClient) -> None:
    kept = as_doctor.get_cookie("intake-session")
    assert kept and as_doctor.get("/desk").status_code == 200
    assert as_doctor.submit("/sign-out").location == "/sign-in"
    as_doctor.set_cookie("intake-session", kept.value)
    assert as_doctor.get("/desk").location == "/sign-in?next=/desk"


def test_no_browser_is_asked_to_remember_anybody(anonymous: StrictClient) -> None:
    response = try_to(anonymous, PASSWORD, remember="y", remember_me="y")
    assert response.status_code == 303
    names = [cookie.partition("=")[0] for cookie in response.headers.getlist("Set-Cookie")]
    assert names == ["intake-session"]
    assert "Expires" not in response.headers["Set-Cookie"] and "Max-Age" not in response.headers["Set-Cookie"]


def test_a_cookie_that_remembers_somebody_signs_nobody_in(app: Flask, anonymous: StrictClient) -> None:
    with app.test_request_context():
        known = db.session.scalars(
            text("SELECT fs_uniquifier FROM staff_member WHERE email = 'rao@demo.example'")
        ).one()
        anonymous.set_cookie("remember_token", encode_cookie(known))  # as the sign-in library itself would sign it
        db.session.remove()
    assert anonymous.get("/desk").location == "/sign-in?next=/desk"


def test_fifteen_minutes_without_use_sign_a_person_out(as_doctor: StrictClient, clock_at: ClockAt) -> None:
    clock_at(MONDAY_NOON + timedelta(minutes=14))
    assert as_doctor.get("/desk").status_code == 200
    clock_at(MONDAY_NOON + timedelta(minutes=30))
    assert as_doctor.get("/desk").status_code == 303


def test_staff_do_not_sign_in_on_a_patients_tablet(app: Flask) -> None:
    tablet = a_tablet(app)
    response = tablet.get("/sign-in")
    assert response.status_code == 403
    assert "This is a patient tablet" in response.text and "on their own computer" in response.text


def test_the_frame_shows_who_is_signed_in_and_only_the_rooms_they_may_enter(
    as_reception: StrictClient, as_doctor: StrictClient, as_admin: StrictClient
) -> None:
    def rooms(client: StrictClient) -> list[str]:
        nav = re.search(r"<nav aria-label=\"Main\">(.*?)</nav>", client.get("/desk").text, re.S)
        assert nav
        return re.findall(r">([^<]+)</a>", nav[1])

    assert rooms(as_reception) == ["Queue"]
    assert rooms(as_doctor) == ["Queue", "Review", "Archive", "Health"]
    assert rooms(as_admin) == ["Queue", "Log", "Health"]
    page = as_reception.get("/desk").text
    assert "Sunita Patil" in page and "Sign out" in page and "Open today 10:00 to 19:00" in page


def test_the_frame_of_a_strangers_page_names_nobody(anonymous: StrictClient) -> None:
    page = anonymous.get("/sign-in").text
    assert "Sign out" not in page and "<nav" not in page


def test_the_log_is_listed_newest_first_in_pages(as_admin: StrictClient) -> None:
    page = as_admin.get("/log").text
    numbers = [int(n) for n in re.findall(r'<th scope="row" class="num">(\d+)</th>', page)]
    assert numbers == sorted(numbers, reverse=True) and "staff.signed_in" in page
    older = as_admin.get(f"/log?before={numbers[0]}").text
    assert f'<th scope="row" class="num">{numbers[0]}</th>' not in older
    assert "No entry." in as_admin.get("/log?before=1").text


def test_the_whole_chain_is_checked_when_asked(as_admin: StrictClient) -> None:
    assert "The chain holds" in as_admin.get("/log?check=1").text
    assert "The chain holds" not in as_admin.get("/log").text


def test_a_broken_chain_is_named_by_its_first_entry(app: Flask, as_admin: StrictClient) -> None:
    with app.app_context(), transaction():
        db.session.execute(text("UPDATE audit_head SET chain = :other"), {"other": bytes(32)})
        last = db.session.execute(text("SELECT seq FROM audit_head")).scalar_one()
    page = as_admin.get("/log?check=1").text
    assert f"The chain is broken at entry {last + 1}." in page


@pytest.mark.parametrize("who", ["reception", "rao", "records", "author"])
def test_only_administrators_read_the_log(app: Flask, who: str) -> None:
    assert sign_in(app, f"{who}@demo.example").get("/log").status_code == 403
