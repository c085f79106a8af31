"""Signing in and staying signed in: what a stolen, old or invented cookie opens, and how a guesser is slowed down."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from intake import audit, create_app, staff
from intake.config import Settings
from intake.db import db, transaction
from intake.sessions import WebSession
from intake.staff.models import SignInAttempt, StaffMember, StaffRole
from intake.staff.rules import FREE_TRIES, LONGEST_WAIT, is_long_enough, may_try_at
from intake.staff.views import _own_page
from tests.builders import a_tablet
from tests.conftest import MONDAY_NOON, PASSWORD, StrictClient, _watched, sign_in

SetClock = Callable[[datetime], None]
RECEPTION = "reception@demo.example"
COOKIE = "intake-session"


def cookie_of(client: StrictClient) -> str:
    found = client.get_cookie(COOKIE)
    assert found is not None
    return found.value


def with_cookie(app: Flask, value: str, name: str = COOKIE) -> StrictClient:
    client = app.test_client()
    client.set_cookie(name, value)
    assert isinstance(client, StrictClient)
    return client


def is_signed_in(client: StrictClient) -> bool:
    response = client.get("/desk")
    assert response.status_code in (200, 303)
    return bool(response.status_code == 200)


def try_to(client: StrictClient, email: str, password: str, **more: Any) -> Any:
    return client.submit("/sign-in", {"email": email, "password": password}, **more)


# ---- The cookie ----


def test_a_cookie_replayed_after_sign_out_opens_nothing(app: Flask, as_reception: StrictClient) -> None:
    stolen = cookie_of(as_reception)
    assert is_signed_in(with_cookie(app, stolen))
    as_reception.get("/desk")
    assert as_reception.submit("/sign-out").status_code == 303
    assert not is_signed_in(with_cookie(app, stolen))
    assert not is_signed_in(as_reception)
    assert cookie_of(as_reception) != stolen


def test_signing_in_gives_a_new_id_and_the_old_one_dies(app: Flask, anonymous: StrictClient) -> None:
    anonymous.get("/sign-in")
    before = cookie_of(anonymous)
    assert try_to(anonymous, RECEPTION, PASSWORD).status_code == 303
    assert cookie_of(anonymous) != before
    assert is_signed_in(anonymous)
    assert not is_signed_in(with_cookie(app, before))


def test_an_id_that_somebody_invented_is_never_taken_up(app: Flask) -> None:
    planted = "a-cookie-the-attacker-knows-0123456789abcdef"
    victim = with_cookie(app, planted)
    assert try_to(victim, RECEPTION, PASSWORD).status_code == 303
    assert cookie_of(victim) != planted
    assert not is_signed_in(with_cookie(app, planted))


@pytest.mark.parametrize("value", ["", "x" * 4000, "\u00e9\u0939", "../../etc/passwd", "null", '{"_user_id":"1"}'])
def test_a_cookie_of_any_shape_is_just_nobody(app: Flask, value: str) -> None:
    assert not is_signed_in(with_cookie(app, value))


def test_a_cookie_is_long_and_random_and_the_database_keeps_only_its_hash(
    app: Flask, as_reception: StrictClient
) -> None:
    value = cookie_of(as_reception)
    assert len(value) >= 43  # 256 bits
    with app.app_context():
        row = db.session.get(WebSession, sha256(value.encode()).digest())
        assert row is not None and value not in row.data


def test_two_browsers_of_one_person_are_two_sessions(app: Flask, as_reception: StrictClient) -> None:
    other = sign_in(app, RECEPTION)
    assert cookie_of(other) != cookie_of(as_reception)
    other.get("/desk")
    other.submit("/sign-out")
    assert is_signed_in(as_reception)


def test_on_loopback_no_script_can_read_a_cookie_and_no_other_site_can_send_it(anonymous: StrictClient) -> None:
    header = anonymous.get("/sign-in").headers["Set-Cookie"]
    assert header.startswith("intake-session=") and "HttpOnly" in header and "SameSite=Lax" in header
    assert "Path=/" in header and "Domain" not in header and "Expires" not in header


def test_over_https_a_cookie_belongs_to_the_host_alone(settings: Settings) -> None:
    from dataclasses import replace

    app = create_app(replace(settings, origin="https://intake.clinic.example"))
    client = app.test_client()
    response = client.get("/sign-in", base_url="https://intake.clinic.example")
    header = response.headers["Set-Cookie"]
    assert header.startswith("__Host-session=") and "Secure" in header and "Domain" not in header
    assert "max-age=63072000" in response.headers["Strict-Transport-Security"]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


# ---- Time ----


def test_a_session_ends_after_fifteen_idle_minutes(as_reception: StrictClient, clock_at: SetClock) -> None:
    clock_at(MONDAY_NOON + timedelta(minutes=15))
    assert is_signed_in(as_reception)
    clock_at(MONDAY_NOON + timedelta(minutes=30, seconds=1))
    assert not is_signed_in(as_reception)
    clock_at(MONDAY_NOON + timedelta(minutes=20))
    assert is_signed_in(as_reception), "it was the clock that ended it, nothing was lost"


def test_a_session_ends_after_ten_hours_however_busy(as_reception: StrictClient, clock_at: SetClock) -> None:
    for minutes in range(0, 600, 14):
        clock_at(MONDAY_NOON + timedelta(minutes=minutes))
        assert is_signed_in(as_reception)
    clock_at(MONDAY_NOON + timedelta(hours=10, seconds=1))
    assert not is_signed_in(as_reception)


def test_a_visit_to_a_page_is_written_down_at_most_once_a_minute(
    app: Flask, as_reception: StrictClient, clock_at: SetClock
) -> None:
    for seconds, writes in ((30, False), (61, True), (90, False), (121, True)):
        clock_at(MONDAY_NOON + timedelta(seconds=seconds))
        with _watched(app) as written:
            assert is_signed_in(as_reception)
        assert ("web_session" in written) is writes, seconds


def test_sessions_of_yesterday_are_swept(app: Flask, as_reception: StrictClient, clock_at: SetClock) -> None:
    clock_at(MONDAY_NOON + timedelta(days=1))
    sign_in(app, RECEPTION)
    with app.app_context():
        oldest = db.session.scalar(select(func.min(WebSession.created_at)))
        assert oldest == MONDAY_NOON + timedelta(days=1)


# ---- People who change ----


def change(app: Flask, email: str, **values: Any) -> None:
    with app.app_context(), transaction():
        member = db.session.scalars(select(StaffMember).where(StaffMember.email == email)).one()
        for name, value in values.items():
            setattr(member, name, value)


def test_a_disabled_account_is_denied_at_its_next_request_and_cannot_come_back(
    app: Flask, as_reception: StrictClient
) -> None:
    assert is_signed_in(as_reception)
    change(app, RECEPTION, active=False)
    assert not is_signed_in(as_reception)
    again = app.test_client()
    assert isinstance(again, StrictClient)
    refused = try_to(again, RECEPTION, PASSWORD)
    assert refused.status_code == 422


def test_a_role_taken_away_or_given_counts_at_the_next_request(app: Flask, as_reception: StrictClient) -> None:
    assert as_reception.get("/desk").status_code == 200
    assert as_reception.get("/archive").status_code == 403
    change(app, RECEPTION, roles=[StaffRole(name="records")])
    assert as_reception.get("/desk").status_code == 403
    assert as_reception.get("/archive").status_code == 200


def test_a_token_of_the_sign_in_library_opens_nothing(app: Flask) -> None:
    """We use its sessions only; nothing of ours ever hands such a token out."""
    with app.test_request_context():
        member = db.session.scalars(select(StaffMember).where(StaffMember.email == RECEPTION)).one()
        token = member.get_auth_token()
    client = app.test_client()
    assert client.get("/desk", headers={"Authentication-Token": token}).status_code == 303
    assert client.get(f"/desk?auth_token={token}").status_code == 303
    assert client.get("/desk", json={"auth_token": token}).status_code == 303


# ---- Guessing ----


def test_five_tries_are_free_then_the_wait_doubles_to_a_quarter_of_an_hour() -> None:
    waits = []
    for count in range(1, 20):
        failures = [MONDAY_NOON + timedelta(seconds=second) for second in range(count)]
        again = may_try_at(failures)
        waits.append((again - failures[-1]).total_seconds() if again else 0)
    assert waits[: FREE_TRIES - 1] == [0] * 4
    assert waits[4:] == [2, 4, 8, 16, 32, 64, 128, 256, 512, *[LONGEST_WAIT.total_seconds()] * 6]
    assert may_try_at([]) is None


@pytest.mark.parametrize(
    ("length", "good"), [(0, False), (14, False), (15, True), (64, True), (128, True), (129, False)]
)
def test_a_password_has_fifteen_letters_of_any_kind(length: int, good: bool) -> None:
    assert is_long_enough("a" * length) is good


def test_in_the_wait_even_the_right_password_is_refused_and_after_it_nobody_is_locked_out(
    app: Flask, anonymous: StrictClient, clock_at: SetClock
) -> None:
    for _ in range(FREE_TRIES):
        assert try_to(anonymous, RECEPTION, "not this one at all").status_code == 422
    refused = try_to(anonymous, RECEPTION, PASSWORD)
    assert refused.status_code == 429 and "Too many tries" in refused.text
    clock_at(MONDAY_NOON + timedelta(seconds=2))
    assert try_to(anonymous, RECEPTION, "not this one at all").status_code == 422
    clock_at(MONDAY_NOON + timedelta(seconds=5))
    assert try_to(anonymous, RECEPTION, PASSWORD).status_code == 429, "the sixth failure waits longer"
    clock_at(MONDAY_NOON + timedelta(seconds=6))
    assert try_to(anonymous, RECEPTION, PASSWORD).status_code == 303
    with app.app_context():
        assert {attempt.succeeded for attempt in db.session.scalars(select(SignInAttempt))} == {True, False}


def test_a_success_begins_the_count_anew(app: Flask, anonymous: StrictClient, clock_at: SetClock) -> None:
    for turn in range(2):
        for _ in range(FREE_TRIES - 1):
            assert try_to(anonymous, RECEPTION, "not this one at all").status_code == 422
        clock_at(MONDAY_NOON + timedelta(seconds=turn + 1))
        client = app.test_client()
        assert isinstance(client, StrictClient)
        assert try_to(client, RECEPTION, PASSWORD).status_code == 303
        clock_at(MONDAY_NOON + timedelta(seconds=turn + 1.5))


def test_a_guesser_slows_down_only_the_place_they_guess_from_and_cannot_change_it_by_a_header(
    app: Flask, anonymous: StrictClient
) -> None:
    for turn in range(FREE_TRIES):
        forged = {"X-Forwarded-For": f"10.0.0.{turn}", "X-Real-IP": f"10.0.0.{turn}"}
        assert try_to(anonymous, RECEPTION, "not this one at all", headers=forged).status_code == 422
    headers = {"X-Forwarded-For": "10.9.9.9", "Forwarded": "for=10.9.9.9"}
    assert try_to(anonymous, RECEPTION, PASSWORD, headers=headers).status_code == 429
    elsewhere = {"REMOTE_ADDR": "192.168.1.77"}
    client = app.test_client()
    assert isinstance(client, StrictClient)
    assert try_to(client, RECEPTION, PASSWORD, environ_base=elsewhere).status_code == 303


def test_guesses_sent_all_at_once_are_heard_one_after_the_other(app: Flask) -> None:
    start, results = threading.Barrier(8), list[staff.SignIn]()

    def guess() -> None:
        start.wait()
        with app.test_request_context():
            tried = staff.try_password(RECEPTION, "not this one at all", "192.168.1.9")
            with transaction():
                results.append(staff.sign_in(tried)[0])

    guessers = [threading.Thread(target=guess) for _ in range(8)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert sorted(results) == [staff.SignIn.REFUSED] * FREE_TRIES + [staff.SignIn.WAIT] * 3


def without_token(html: str) -> str:
    return re.sub(r'value="[^"]*"', "", html)


def test_an_unknown_address_is_answered_like_a_known_one(app: Flask) -> None:
    answers = []
    for email in (RECEPTION, "nobody@demo.example"):
        client = app.test_client()
        assert isinstance(client, StrictClient)
        tries = [try_to(client, email, "not this one at all") for _ in range(FREE_TRIES + 1)]
        answers.append([(response.status_code, without_token(response.text)) for response in tries])
    assert answers[0] == answers[1]
    assert [status for status, _ in answers[0]] == [422] * FREE_TRIES + [429]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        *[(email, PASSWORD) for email in ("", "x", "a\x00b@demo.example", "é@demo.example", "x" * 256, "' OR 1=1 --")],
        *[(RECEPTION, password) for password in ("\x00" * 15, "\U0001f600" * 15, "x" * 255, "x" * 256)],
    ],
)
def test_nonsense_is_refused_like_a_wrong_password(anonymous: StrictClient, email: str, password: str) -> None:
    assert try_to(anonymous, email, password).status_code == 422


def test_capitals_and_spaces_around_an_address_do_not_matter(anonymous: StrictClient) -> None:
    assert try_to(anonymous, " Reception@Demo.Example ", PASSWORD).status_code == 303


def test_each_try_is_an_entry_in_the_log_that_names_no_address(app: Flask, anonymous: StrictClient) -> None:
    try_to(anonymous, RECEPTION, "not this one at all")
    try_to(anonymous, "nobody@demo.example", "not this one at all")
    assert try_to(anonymous, RECEPTION, PASSWORD).status_code == 303
    anonymous.get("/desk")
    anonymous.submit("/sign-out")
    with app.app_context():
        member = db.session.scalars(select(StaffMember).where(StaffMember.email == RECEPTION)).one()
        events = [entry.event for entry in audit.history_of(member.id)]
        assert events == ["staff.added", "staff.sign_in_refused", "staff.signed_in", "staff.signed_out"]
        assert [entry.event for entry in audit.history_of("unknown")] == ["staff.sign_in_refused"]
        bodies = b"".join(entry.body for entry in audit.history_of(member.id))
    assert b"demo.example" not in bodies and PASSWORD.encode() not in bodies


# ---- Where a sign-in may happen, and where it leads ----


def test_nobody_signs_in_on_a_patients_tablet(app: Flask) -> None:
    tablet = a_tablet(app)
    assert tablet.get("/sign-in").status_code == 403
    assert try_to(tablet, RECEPTION, PASSWORD).status_code in (400, 403)  # type: ignore[arg-type]
    assert tablet.get("/desk").status_code == 403


def test_a_staff_browser_made_into_a_tablet_is_a_tablet_and_nobody_else(app: Flask, as_reception: StrictClient) -> None:
    device = a_tablet(app).get_cookie("intake-device")
    assert device is not None
    as_reception.set_cookie("intake-device", device.value)
    assert as_reception.get("/desk").status_code == 403
    assert as_reception.get("/tablet").status_code == 200


def test_a_cookie_of_a_tablet_that_was_unpaired_still_keeps_staff_from_signing_in(app: Flask) -> None:
    assert with_cookie(app, "no-longer-known", "intake-device").get("/sign-in").status_code == 403


@pytest.mark.parametrize("target", ["/archive", "/log?before=7", "/desk/visits/0b2c"])
def test_after_signing_in_one_goes_on_to_the_page_one_wanted(anonymous: StrictClient, target: str) -> None:
    form = {"email": RECEPTION, "password": PASSWORD, "next": target}
    assert anonymous.submit("/sign-in", form).headers["Location"] == target


ELSEWHERE = [
    *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"),
    *(
        "/\n/evil.example",
        "/\r/evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "evil.example",
        " //e.example",
    ),
    *(
        "/desk\r\nSet-Cookie: x=1",
        "/\u2028/evil.example",
        "/ /evil.example",
        "http:/desk",
        "/a\\..\\//evil.example",
    ),
]


def test_no_other_site_is_taken_for_a_page_of_ours() -> None:
    assert [target for target in ELSEWHERE if _own_page(target) is not None] == []
    assert [_own_page(target) for target in (None, "", "/", "/archive?x=1")] == [None, None, "/", "/archive?x=1"]


@pytest.mark.parametrize("target", ["//evil.example", "/\t/evil.example", "/\r\nSet-Cookie: x=1"])
def test_signing_in_never_leads_to_another_site(anonymous: StrictClient, target: str) -> None:
    response = anonymous.submit("/sign-in", {"email": RECEPTION, "password": PASSWORD, "next": target})
    assert response.status_code == 303 and response.headers["Location"] == "/home"
    assert not response.headers.getlist("Set-Cookie")[1:]


def test_being_sent_to_sign_in_carries_the_page_and_not_its_query(anonymous: StrictClient) -> None:
    response = anonymous.get("/log?before=7")
    assert response.status_code == 303 and response.headers["Location"] == "/sign-in?next=/log"


def test_a_page_token_of_one_session_is_no_good_in_another(app: Flask, as_reception: StrictClient) -> None:
    as_reception.get("/desk")
    other = sign_in(app, RECEPTION)
    other.token = as_reception.token
    assert other.post("/sign-out", data={"csrf_token": other.token}).status_code == 400
    assert is_signed_in(other)
