"""What the evidence says of the pages that were read: in which order, how long, whether their end was on the screen,
with what it was signed. Through the pages, as a browser sends them."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import clock, consent
from intake.consent.rules import read_screen, read_strokes
from intake.db import transaction
from intake.i18n import clinic
from tests.builders import TABLET, a_visit, answered, fields_of, strokes
from tests.conftest import StrictClient
from tests.endings import declined
from tests.kiosk.pages import at_questions, at_sign, events, identified, send, sent

At = Callable[[datetime], None]


def evidence_of(app: Flask, visit_id: UUID, kind: consent.Kind = consent.Kind.SIGNED) -> dict[str, Any]:
    with app.test_request_context():
        stated = consent.find_statement(visit_id, kind)
        assert stated is not None
        return stated.body


def reader(app: Flask) -> tuple[StrictClient, UUID]:
    """A patient whose answers are given, in front of the first page of the consent."""
    visit_id = a_visit(app)
    answered(app, visit_id)
    with app.test_request_context(), transaction():
        consent.present(clinic(), visit_id, "en", by=TABLET)
    return identified(app, visit_id), visit_id


def read(app: Flask, client: StrictClient, visit_id: UUID, clock_at: At, *ends: str, seconds: int = 20) -> None:
    """Read every page of the consent and answer every question, each for so long; each says of its end what `ends` says
    of the page of that number, and of the rest what it says last."""
    with app.test_request_context():
        body = consent.shown(visit_id).body
    said, now = list(ends), clock.now() + timedelta(minutes=1)
    for address in [f"/visit/effects/{page['id']}" for page in body["pages"]] + [
        f"/visit/teach-back/{question['id']}" for question in body["teachback"]
    ]:
        clock_at(now)
        fields = fields_of(client.get(address).text)
        if "teach-back" in address:
            question = next(one for one in body["teachback"] if address.endswith(one["id"]))
            fields["option"] = next(one["code"] for one in question["options"] if one["right"])
        else:
            page = next(one for one in body["pages"] if address.endswith(f"/{one['id']}"))
            fields |= {f"part-{part['id']}": "understood" for part in consent.parts_of(page)}
        now += timedelta(seconds=seconds)
        clock_at(now)
        end = said.pop(0) if len(said) > 1 else said[0]
        assert client.post(address, data=fields | {"read_end": end}).status_code == 303, address
    clock_at(now)


def test_the_evidence_says_how_each_page_with_the_consents_words_was_read(app: Flask, clock_at: At) -> None:
    client, visit_id = reader(app)
    read(app, client, visit_id, clock_at, "1")
    send(client, "/visit/sign", how="type", typed="Farida Sheikh", read_end="1")
    signed = evidence_of(app, visit_id)
    assert signed["format"] == 5
    pages = signed["reading"]["pages"]
    risks = [page for page in pages if page["kind"] == "risks"]
    assert [page["page"] for page in risks] == [f"consent.effects {one['id']}" for one in signed["presented"]["pages"]]
    assert {(page["times"], page["seconds"], page["end"]) for page in risks} == {(1, 20, "seen")}
    assert signed["reading"]["risks"] == {"end": "seen", "seconds": 20 * len(risks)}
    assert [page["kind"] for page in pages][-1] == "signature" and pages[-1]["end"] == "seen"
    assert {page["kind"] for page in pages} == {"risks", "teach_back", "signature"}
    order = [page["shown_at"] for page in pages]
    assert order == sorted(order) and all(page["shown_at"] <= page["sent_at"] for page in pages)


def test_one_page_whose_end_was_not_on_the_screen_is_said(app: Flask, clock_at: At) -> None:
    client, visit_id = reader(app)
    read(app, client, visit_id, clock_at, "0", "1")
    send(client, "/visit/sign", how="type", typed="Farida Sheikh")
    assert evidence_of(app, visit_id)["reading"]["risks"]["end"] == "not_seen"


@pytest.mark.parametrize("said", ["", "2", "yes", "1" * 5000, "\u0661"])
def test_without_the_script_or_with_nonsense_the_end_is_not_known_and_nobody_is_stopped(
    app: Flask, clock_at: At, said: str
) -> None:
    client, visit_id = reader(app)
    read(app, client, visit_id, clock_at, said)
    assert send(client, "/visit/sign", how="type", typed="Farida Sheikh").status_code == 303
    reading = evidence_of(app, visit_id)["reading"]
    assert reading["risks"]["end"] == "not_known"
    assert {page["end"] for page in reading["pages"]} == {"not_known"}


def test_words_that_were_replaced_are_not_taken_for_those_that_were_signed(app: Flask, clock_at: At) -> None:
    client, visit_id = reader(app)
    read(app, client, visit_id, clock_at, "1", seconds=40)
    with app.test_request_context(), transaction():
        consent.present(clinic(), visit_id, "hi", by=TABLET)
        consent.present(clinic(), visit_id, "en", by=TABLET)
    read(app, client, visit_id, clock_at, "0", seconds=3)
    send(client, "/visit/sign", how="type", typed="Farida Sheikh")
    reading = evidence_of(app, visit_id)["reading"]
    assert {page["times"] for page in reading["pages"]} == {1}
    risks = [page for page in reading["pages"] if page["kind"] == "risks"]
    assert reading["risks"] == {"end": "not_seen", "seconds": 3 * len(risks)}


def test_the_notice_is_among_the_pages_and_other_questions_are_not(app: Flask) -> None:
    client, visit_id = at_questions(app)
    page = client.get("/visit/questions/pn").text
    assert 'name="read_end"' in page and 'name="read_end"' not in client.get("/visit/questions/st").text
    accepted = client.post(
        "/visit/questions/pn", data=fields_of(page) | sent(app, visit_id, st__privacy="y") | {"read_end": "1"}
    )
    assert accepted.status_code == 303, accepted.text
    answered(app, visit_id)
    with app.test_request_context(), transaction():
        consent.present(clinic(), visit_id, "en", by=TABLET)
    declined(app, visit_id)
    pages = evidence_of(app, visit_id, consent.Kind.DECLINED)["reading"]["pages"]
    assert [(page["page"], page["kind"], page["end"]) for page in pages] == [("answers.section pn", "notice", "seen")]


def test_a_page_that_comes_back_with_an_error_still_knows_that_its_end_was_seen(app: Flask) -> None:
    client, visit_id = reader(app)
    page = client.post(
        "/visit/effects/effects", data=fields_of(client.get("/visit/effects/effects").text) | {"read_end": "1"}
    )
    assert page.status_code == 422 and '<input type="hidden" name="read_end" value="1">' in page.text
    assert events(app, visit_id, "page.sent") == [], "what was refused was not sent"


def test_a_drawn_signature_says_with_what_it_was_drawn_and_on_how_large_a_page(app: Flask) -> None:
    client, visit_id = at_sign(app)
    drawn = json.loads(strokes())
    drawn["strokes"][0]["pointer"] = "pen"
    send(client, "/visit/sign", how="draw", strokes=json.dumps(drawn), screen="820x1180")
    signature = evidence_of(app, visit_id)["signature"]
    assert signature["drawn"]["pointers"] == ["pen"] and signature["screen"] == {"width": 820, "height": 1180}


@pytest.mark.parametrize("said", [None, "", "paw", 7, ["pen"], {"pen": "pen"}, "pen" * 1000])
def test_what_is_no_kind_of_pointer_is_left_out(said: Any) -> None:
    drawn = json.loads(strokes())
    drawn["strokes"][0]["pointer"] = said
    assert read_strokes(drawn, 100).pointers == ()
    more = {"pointer": "touch", "points": drawn["strokes"][0]["points"]}
    assert read_strokes(drawn | {"strokes": [*drawn["strokes"], more]}, 100).pointers == ("touch",)


@pytest.mark.parametrize(
    "said", ["", "820", "820x", "0x10", "-8x10", "8.5x11", "1e3x100", "820x1180\n", "999999x10", "٨٢x٩٩"]
)
def test_what_is_no_size_of_a_page_is_left_out(said: str) -> None:
    assert read_screen(said) is None
