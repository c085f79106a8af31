"""The frame of a page of questions is drawn once and filled in: it is what its template would draw, and what is kept of
it holds nothing of any visit."""

import re

import pytest
from flask import Flask

from intake.sketches import MARK
from tests.builders import HEALTHY, a_visit, answered
from tests.conftest import StrictClient
from tests.kiosk.pages import at_questions, identified

PAGES = ("id", "ct", "tx")
WORDS = "Zebra <i>\"quotes\"</i> & 'more'"


def drawn_anew(client: StrictClient, address: str) -> str:
    """A page as its template draws it: so it is for whoever has words waiting that are for them alone, here none."""
    with client.application.app_context(), client.session_transaction() as session:
        session["_flashes"] = []
    return client.get(address).text


def without_token(html: str) -> str:
    """A page without its token against forged requests, which is signed anew each second."""
    return re.sub(r'(name="csrf_token" value=)"[^"]+"', r"\1", html)


@pytest.mark.parametrize("language", ["en", "hi"])
@pytest.mark.parametrize("larger", ["on", "off"])
def test_a_page_in_a_kept_frame_is_what_its_template_draws(app: Flask, language: str, larger: str) -> None:
    client, _visit_id = at_questions(app)
    client.submit("/visit/start", {"stay": language})
    client.submit("/visit/larger", {"larger": larger})
    addresses = [f"/visit/questions/{page}{query}" for page in PAGES for query in ("", "?change=1")]
    first, kept = ([without_token(client.get(one).text) for one in addresses] for _time in range(2))
    assert [without_token(drawn_anew(client, one)) for one in addresses] == first == kept
    assert f'lang="{language}"' in kept[0] and (" large" in kept[0]) is (larger == "on")


def test_what_is_kept_of_a_page_holds_nothing_of_a_visit_and_the_next_patient_sees_their_own(app: Flask) -> None:
    visit_id = a_visit(app, name="Farida Zebra")
    answered(app, visit_id, HEALTHY | {"id.name": WORDS, "ct.ec_name": WORDS}, submit=False)
    client = identified(app, visit_id)
    html = "".join(client.get(f"/visit/questions/{page}").text for page in PAGES)
    assert "Zebra &lt;i&gt;" in html and "<i>" not in html and MARK not in html
    token = re.findall(r"<bdi>(K \d+)</bdi>", html)[0]
    pieces = [piece for frame in app.extensions["intake_frames"].values() for piece in frame.pieces]
    assert len(pieces) > 20
    assert not any(one in piece for piece in pieces for one in ("Zebra", token, client.token, "98400", "1968"))

    other = identified(app, a_visit(app, name="Imran Khan", phone="98400 00999"), "T2")
    html = "".join(other.get(f"/visit/questions/{page}").text for page in PAGES)
    assert "Zebra" not in html and token not in html and client.token not in html
    assert other.token in html and re.findall(r"<bdi>(K \d+)</bdi>", html)


def test_words_for_one_reader_are_shown_to_them_and_kept_for_nobody(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    with client.application.app_context(), client.session_transaction() as session:
        session["_flashes"] = [("info", "Somebody came for K 77")]
    assert "Somebody came for K 77" in client.get("/visit/questions/id").text
    other = identified(app, a_visit(app, name="Imran Khan", phone="98400 00999"), "T2")
    assert "Somebody" not in client.get("/visit/questions/id").text + other.get("/visit/questions/id").text


def test_a_page_whose_words_are_approved_no_longer_says_draft(app: Flask) -> None:
    from intake import definitions, staff
    from intake.access import SYSTEM
    from intake.db import db, transaction

    client, _visit_id = at_questions(app)
    assert "Draft wording" in client.get("/visit/questions/id").text
    with app.app_context():
        edition = definitions.current_edition().id
        with pytest.raises(ZeroDivisionError), transaction():
            definitions.approve(edition, staff.list_doctors()[0].id, by=SYSTEM)
            db.session.flush()
            assert definitions.is_approved(edition)
            raise ZeroDivisionError
    assert "Draft wording" in client.get("/visit/questions/id").text, "what was undone is not remembered"
    with app.app_context(), transaction():
        definitions.approve(edition, staff.list_doctors()[0].id, by=SYSTEM)
    assert "Draft wording" not in client.get("/visit/questions/id").text


def test_no_more_frames_are_kept_than_there_is_room_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.sketches.MOST_FRAMES", 2)
    client, _visit_id = at_questions(app)
    for page in PAGES:
        client.get(f"/visit/questions/{page}")
        assert 0 < len(app.extensions["intake_frames"]) <= 2
