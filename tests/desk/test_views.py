"""Reception's list and tablets through HTTP, as the browser of each kind of person sees them."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from intake import answers, audit, consent, kiosk, visits
from intake.db import transaction
from intake.i18n import clinic
from intake.visits import Move
from tests.builders import DESK, HEALTHY, a_signed_visit, a_tablet, a_visit, answered
from tests.conftest import MONDAY_NOON, StrictClient, sign_in

ClockAt = Callable[[datetime], None]


def tablet(app: Flask, name: str = "T1") -> kiosk.Tablet:
    with app.test_request_context():
        return next(t for t in kiosk.list_tablets() if t.name == name)


def moved(app: Flask, visit_id: UUID, move: Move) -> None:
    with app.test_request_context(), transaction():
        visits.move(visit_id, move, by=DESK)


def test_a_tablet_is_handed_out_with_one_press(app: Flask, as_reception: StrictClient) -> None:
    a_tablet(app)
    visit = a_visit(app)
    assert "Give tablet T1" in as_reception.get("/desk").text
    path = f"/desk/visits/{visit}/tablet"
    assert as_reception.submit(path, {"tablet": str(tablet(app).id)}).status_code == 303
    page = as_reception.get("/desk").text
    assert "Hand tablet T1 to K 01." in page and "T1 with K 01" in page
    as_reception.submit(path, {"tablet": str(tablet(app).id)})
    assert "This tablet or this patient is busy already" in as_reception.get("/desk").text


def test_a_tablet_comes_back_to_be_wiped_before_the_next_patient(app: Flask, as_reception: StrictClient) -> None:
    first = a_visit(app)
    a_tablet(app, first)
    second = a_visit(app, name="Anjali Desai")
    as_reception.get("/desk")
    as_reception.submit(f"/desk/visits/{first}/take-back")
    assert "T1: wipe it first" in as_reception.get("/desk").text
    as_reception.submit(f"/desk/visits/{second}/tablet", {"tablet": str(tablet(app).id)})
    assert "This tablet was not wiped clean yet." in as_reception.get("/desk").text
    as_reception.submit(f"/desk/tablets/{tablet(app).id}/wiped")
    assert "T1 is ready" in as_reception.get("/desk").text
    assert as_reception.submit(f"/desk/visits/{second}/tablet", {"tablet": str(tablet(app).id)}).status_code == 303
    assert "T1 with K 02" in as_reception.get("/desk").text


def test_a_tablet_whose_hour_is_over_is_to_be_wiped_and_not_handed_on(
    app: Flask, as_reception: StrictClient, clock_at: ClockAt
) -> None:
    a_tablet(app, a_visit(app))
    clock_at(MONDAY_NOON + timedelta(minutes=61))
    client = sign_in(app, "reception@demo.example")
    other = a_visit(app, name="Anjali Desai")
    client.get("/desk")
    client.submit(f"/desk/visits/{other}/tablet", {"tablet": str(tablet(app).id)})
    page = client.get("/desk").text
    assert "This tablet was not wiped clean yet." in page and "T1: wipe it first" in page


def test_a_locked_tablet_is_reopened_from_the_desk(app: Flask, as_reception: StrictClient, clock_at: ClockAt) -> None:
    visit = a_visit(app)
    a_tablet(app, visit)
    clock_at(MONDAY_NOON + timedelta(minutes=8))
    page = as_reception.get("/desk").text
    assert "T1 with K 01, locked" in page and "Reopen T1" in page
    as_reception.submit(f"/desk/tablets/{tablet(app).id}/reopen")
    page = as_reception.get("/desk").text
    assert "Tablet T1 is open again." in page and "locked" not in page


def test_a_tablet_whose_holder_gave_three_wrong_dates_is_opened_again_from_the_desk(
    app: Flask, as_reception: StrictClient
) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)  # so that the date of birth is known from before
    patient = a_tablet(app, visit_id)
    assert isinstance(patient, StrictClient)
    for _try in range(3):
        patient.submit("/visit/identity", {"born-d": "4", "born-m": "3", "born-y": "1969"})
    page = as_reception.get("/desk").text
    assert "T1 with K 01, locked" in page and "Reopen T1" in page
    as_reception.submit(f"/desk/tablets/{tablet(app).id}/reopen")
    assert "locked" not in as_reception.get("/desk").text
    assert "Your date of birth" in patient.get("/visit/identity").text


def test_a_pairing_code_is_shown_once_and_makes_a_browser_the_tablet(
    app: Flask, as_reception: StrictClient, anonymous: StrictClient
) -> None:
    assert "T2 is not paired" in as_reception.get("/desk").text
    response = as_reception.submit(f"/desk/tablets/{tablet(app, 'T2').id}/pair")
    found = re.search(r'class="code"[^>]*>([A-Z2-9]{4} [A-Z2-9]{4})<', response.text)
    assert found and response.headers["Cache-Control"] == "no-store"
    assert found[1] not in as_reception.get("/desk").text
    assert anonymous.submit("/tablet/pair", {"code": found[1]}).status_code == 303
    assert "T2 is ready" in as_reception.get("/desk").text


def test_a_call_for_help_comes_first_and_ends_when_somebody_goes(app: Flask, as_reception: StrictClient) -> None:
    a_visit(app, name="Early")
    visit = a_visit(app, name="Calls")
    moved(app, visit, Move.HELP_ASKED)
    page = as_reception.get("/desk").text
    assert page.index("Calls") < page.index("Early") and "I am going" in page
    assert 'data-say="K 02 asked for help."' in page
    as_reception.submit(f"/desk/visits/{visit}/help")
    assert "I am going" not in as_reception.get("/desk").text


def test_the_second_of_two_desks_is_told_that_the_token_is_called_already(
    app: Flask, as_reception: StrictClient
) -> None:
    other = sign_in(app, "reception@demo.example")
    visit = a_signed_visit(app)
    for client in (as_reception, other):
        assert "Call K 01" in client.get("/desk").text
    as_reception.submit(f"/desk/visits/{visit}/call")
    other.submit(f"/desk/visits/{visit}/call")
    assert "Call K 01." in as_reception.get("/desk").text
    assert "Sunita Patil already called K 01 at 12:00." in other.get("/desk").text


def test_a_doctor_sees_the_list_and_calls_only_their_own(
    app: Flask, as_doctor: StrictClient, as_other_doctor: StrictClient
) -> None:
    visit = a_signed_visit(app)
    assert "Call K 01" not in as_other_doctor.get("/desk").text
    as_other_doctor.submit(f"/desk/visits/{visit}/call")
    assert "This token belongs to another doctor." in as_other_doctor.get("/desk").text
    page = as_doctor.get("/desk").text
    assert "Call K 01" in page and "New token" not in page
    as_doctor.submit(f"/desk/visits/{visit}/call")
    assert "With the doctor" in as_doctor.get("/desk").text


def test_an_administrator_looks_and_moves_nobody(app: Flask, as_admin: StrictClient) -> None:
    a_tablet(app)
    visit = a_visit(app)
    page = as_admin.get("/desk").text
    assert "K 01" in page and "Give tablet" not in page and "New token" not in page
    assert as_admin.submit(f"/desk/visits/{visit}/left").status_code == 403


@pytest.mark.parametrize("email", ["records@demo.example", "author@demo.example"])
def test_others_may_not_see_the_queue(app: Flask, email: str) -> None:
    assert sign_in(app, email).get("/desk").status_code == 403


def test_a_stranger_is_asked_to_sign_in(anonymous: StrictClient) -> None:
    response = anonymous.get("/desk")
    assert (response.status_code, response.location) == (303, "/sign-in?next=/desk")


def test_a_press_without_the_pages_token_does_nothing(app: Flask, as_reception: StrictClient) -> None:
    visit = a_visit(app)
    assert as_reception.post(f"/desk/visits/{visit}/left").status_code == 400
    with app.test_request_context():
        assert visits.moves_of(visit) == []


def test_reception_sees_numbers_and_never_what_a_patient_said(app: Flask, as_reception: StrictClient) -> None:
    visit = a_signed_visit(app, {**HEALTHY, "md.thin": ["asp"]}, questions=("C-09a",))
    filling = a_visit(app, name="Anjali Desai")
    a_tablet(app, filling)
    answered(app, filling, {**HEALTHY, "id.name": "Anjali Desai"}, submit=False)
    pages = [
        as_reception.get(path).text
        for path in ("/desk", "/desk/list", f"/desk/visits/{visit}", f"/desk/visits/{filling}")
    ]
    assert re.search(r"\d+ flags?<", pages[0]) and "1 question<" in pages[0]
    pages = [re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|value=\"[^\"]*\"", "", page) for page in pages]
    for word in ("aspirin", "thin", "blood", "cheek", "itch", "R-BLD", "1968", "tighten", "Fresher"):  # not by an id
        assert all(word.lower() not in page.lower() for page in pages), word


def test_no_title_names_a_patient(app: Flask, as_reception: StrictClient) -> None:
    visit = a_signed_visit(app)
    for path in (
        "/desk",
        f"/desk/visits/{visit}",
        f"/desk/visits/{visit}/close",
        "/desk/returning",
        "/desk/unreviewed",
    ):
        title = re.search(r"<title>(.*?)</title>", as_reception.get(path).text)
        assert title and not re.search(r"Farida|Sheikh|K 01", title[1])


def test_the_list_is_sent_again_only_when_it_changed(app: Flask, as_reception: StrictClient, clock_at: ClockAt) -> None:
    visit = a_visit(app)
    first = as_reception.get("/desk/list")
    assert 'id="board"' in first.text and "csrf_token" not in first.text
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = as_reception.get("/desk/list", headers=tag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    moved(app, visit, Move.HELP_ASKED)
    changed = as_reception.get("/desk/list", headers=tag)
    assert changed.status_code == 200 and "Asked for help" in changed.text
    assert as_reception.get("/desk/tablets").headers["ETag"] != changed.headers["ETag"]


def test_an_empty_list_says_so(as_reception: StrictClient) -> None:
    assert "No one is waiting." in as_reception.get("/desk").text


def test_a_patient_who_left_is_listed_at_the_end_and_may_be_called_back(app: Flask, as_reception: StrictClient) -> None:
    visit = a_visit(app)
    as_reception.get("/desk")
    as_reception.submit(f"/desk/visits/{visit}/left")
    page = as_reception.get("/desk").text
    assert "K 01 is marked as left." in page and "Done or left today" in page
    assert "Call K 01" in as_reception.get(f"/desk/visits/{visit}").text


def test_a_left_pressed_by_mistake_is_undone_with_one_press(app: Flask, as_reception: StrictClient) -> None:
    visit = a_signed_visit(app)
    as_reception.get("/desk")
    as_reception.submit(f"/desk/visits/{visit}/left")
    page = as_reception.get("/desk").text
    assert f'formaction="/desk/visits/{visit}/came-back"' in page
    assert "Came back" in as_reception.get(f"/desk/visits/{visit}").text
    assert as_reception.submit(f"/desk/visits/{visit}/came-back").status_code == 303
    page = as_reception.get("/desk").text
    assert "K 01 is back." in page and "Ready for the doctor" in page and "came-back" not in page


def test_only_reception_says_that_somebody_came_back(
    app: Flask, as_doctor: StrictClient, as_admin: StrictClient
) -> None:
    visit = a_visit(app)
    moved(app, visit, Move.LEFT)
    for client in (as_doctor, as_admin):
        assert "came-back" not in client.get("/desk").text + client.get(f"/desk/visits/{visit}").text
        assert client.submit(f"/desk/visits/{visit}/came-back").status_code == 403


def test_a_lost_tablet_is_taken_out_of_use_after_a_second_look(app: Flask, as_reception: StrictClient) -> None:
    browser = a_tablet(app)
    path = f"/desk/tablets/{tablet(app).id}/out-of-use"
    assert f'href="{path}"' in as_reception.get("/desk").text
    assert "Take tablet T1 out of use?" in as_reception.get(path).text
    hasty = as_reception.submit(path)
    assert hasty.status_code == 422 and "Tick the box to take the tablet out of use" in hasty.text
    assert browser.get("/tablet").status_code == 200
    assert as_reception.submit(path, {"sure": "y"}).status_code == 303
    page = as_reception.get("/desk").text
    assert "Tablet T1 is out of use." in page and "T1 is not paired" in page and path not in page
    assert browser.get("/tablet").headers["Location"] == "/tablet/pair"
    assert "It opens nothing already." in as_reception.get(path).text


def test_a_tablet_lost_in_use_ends_the_time_of_its_token_and_says_so_first(app: Flask, as_admin: StrictClient) -> None:
    visit = a_visit(app)
    browser = a_tablet(app, visit)
    answered(app, visit, submit=False)
    path = f"/desk/tablets/{tablet(app).id}/out-of-use"
    assert "K 01 has this tablet now." in as_admin.get(path).text
    assert as_admin.submit(path, {"sure": "y"}).status_code == 303
    assert "Waiting for a tablet" in as_admin.get("/desk").text
    assert browser.get("/visit/identity").status_code == 403
    with app.test_request_context():
        assert answers.get(visit).draft.answers
        assert [e.event for e in audit.history_of(visit)][-1] == "tablet.taken_back"
        last = audit.history_of(tablet(app).id)[-1]
        assert last.event == "tablet.unpaired" and last.actor.startswith("staff:")


def test_a_code_made_before_does_not_bring_a_lost_tablet_back(
    app: Flask, as_reception: StrictClient, anonymous: StrictClient
) -> None:
    a_tablet(app)
    with app.test_request_context(), transaction():
        code = kiosk.pairing_code(tablet(app).id, by=DESK)
    as_reception.get("/desk")
    as_reception.submit(f"/desk/tablets/{tablet(app).id}/out-of-use", {"sure": "y"})
    assert anonymous.submit("/tablet/pair", {"code": code}).status_code == 422


def test_a_doctor_takes_no_tablet_out_of_use(app: Flask, as_doctor: StrictClient) -> None:
    a_tablet(app)
    path = f"/desk/tablets/{tablet(app).id}/out-of-use"
    assert path not in as_doctor.get("/desk").text
    assert as_doctor.get(path).status_code == 403


def test_closing_without_a_doctor_takes_a_reason_and_a_second_look(app: Flask, as_reception: StrictClient) -> None:
    visit = a_signed_visit(app)
    path = f"/desk/visits/{visit}/close"
    assert path in as_reception.get(f"/desk/visits/{visit}").text
    assert "no doctor has countersigned" in as_reception.get(path).text
    missing = as_reception.submit(path, {"reason": "Had to leave"})
    assert (
        missing.status_code == 422
        and "Tick the box to close the visit" in missing.text
        and "Had to leave" in missing.text
    )
    assert as_reception.submit(path, {"reason": "Had to leave", "sure": "y"}).status_code == 303
    assert "K 01 is closed. Its record is being made." in as_reception.get("/desk").text
    with app.test_request_context():
        assert consent.state_of(visit) is consent.State.CLOSED
    as_reception.submit(path, {"reason": "Again", "sure": "y"})
    assert "This visit is decided already." in as_reception.get("/desk").text


def test_a_postponed_visit_is_to_be_booked_again(app: Flask, as_reception: StrictClient) -> None:
    visit = a_signed_visit(app)
    with app.test_request_context(), transaction():
        consent.decide(clinic(), visit, consent.Kind.POSTPONED, {"words": "Next week"}, by=DESK)
    page = as_reception.get("/desk").text
    assert "Rebook" in page and "Postponed by the doctor" in page and "Next week" not in page


def test_a_token_nobody_issued_is_not_found(as_reception: StrictClient) -> None:
    for path in (f"/desk/visits/{UUID(int=1)}", "/desk/visits/1", "/desk/visits/K%2001"):
        assert as_reception.get(path).status_code == 404
    assert as_reception.submit(f"/desk/visits/{UUID(int=1)}/left").status_code == 404


def test_a_tablet_nobody_chose_is_not_given(app: Flask, as_reception: StrictClient) -> None:
    visit = a_visit(app)
    as_reception.get("/desk")
    assert as_reception.submit(f"/desk/visits/{visit}/tablet", {"tablet": "T1"}).status_code == 422


def test_a_board_that_refreshes_itself_does_not_keep_an_empty_desk_signed_in(
    as_reception: StrictClient, clock_at: Callable[[datetime], None]
) -> None:
    poll = {"X-Requested-With": "poll"}
    for minute in range(2, 16, 2):
        clock_at(MONDAY_NOON + timedelta(minutes=minute))
        assert as_reception.get("/desk/list", headers=poll).status_code == 200
    clock_at(MONDAY_NOON + timedelta(minutes=16))
    assert as_reception.get("/desk/list", headers=poll).status_code == 303
