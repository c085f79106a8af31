"""Authors see what is published, check files, keep drafts, and walk a questionnaire without leaving a trace."""

import io
import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from intake import answers, audit, definitions
from intake.access import SYSTEM
from intake.db import Base, db, transaction
from intake.definitions import ItemType, Questionnaire, Value, visible_sections
from tests.builders import HEALTHY, complete_answers
from tests.conftest import MONDAY_NOON, StrictClient, sign_in
from tests.definitions.editions import FILES, write_edition
from tests.definitions.fhir import form, item
from tests.definitions.test_editions import HINDI

QUESTIONS = FILES["questions.yaml"].encode()


@pytest.fixture
def peel(app: Flask, tmp_path: Path, clock_at: Any) -> uuid.UUID:
    """A small edition in English and Hindi, in force."""
    declared = FILES["edition.yaml"].replace("[en]", "[en, hi]")
    library = definitions.compile_edition(write_edition(tmp_path / "peel", edition=declared, hi=FILES["hi.po"] + HINDI))
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    with app.test_request_context(), transaction():
        return definitions.publish(library, by=SYSTEM)


def counts() -> dict[str, int]:
    """How many rows each table has, the log and sessions left out."""
    tables = [name for name in Base.metadata.tables if name not in ("audit_entry", "audit_head", "web_session")]
    return {name: db.session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}


def upload(client: StrictClient, data: bytes, name: str, **more: str) -> Any:
    client.get("/forms/check")
    sent = {"csrf_token": client.token, "file": (io.BytesIO(data), name), **more}
    return client.post("/forms/check", data=sent, content_type="multipart/form-data")


# ---- What is published ----


def test_the_list_says_what_is_in_force_and_who_approved_which_language(app: Flask, peel: uuid.UUID) -> None:
    with app.test_request_context(), transaction():
        doctor = db.session.execute(text("SELECT id FROM staff_member WHERE letter = 'K'")).scalar_one()
        definitions.approve(peel, uuid.UUID(str(doctor)), "hi", by=SYSTEM)
    page = sign_in(app, "author@demo.example").get("/forms").text
    assert page.index("peel 1.0.0") < page.index("In force") < page.index("mesotherapy 1.3.0") < page.index("Replaced")
    first = page[: page.index("mesotherapy")]
    assert "Approved by Dr Ananya Rao, 23 November 2026" in first
    assert first.count("Draft: no doctor has approved these words") == 1
    assert "Forms</a>" in page


def test_an_author_downloads_the_stored_bytes(app: Flask, peel: uuid.UUID, as_author: StrictClient) -> None:
    got = as_author.get(f"/forms/editions/{peel}/consent")
    assert got.data == FILES["consent.yaml"].encode()
    assert got.headers["Content-Disposition"] == "attachment; filename=peel-1.0.0-consent.yaml"
    assert as_author.get(f"/forms/editions/{peel}/questionnaire").mimetype == "application/fhir+json"
    assert as_author.get(f"/forms/editions/{peel}/prices").status_code == 404
    assert as_author.get(f"/forms/editions/{uuid.uuid4()}/consent").status_code == 404


def test_an_edition_this_release_cannot_read_is_listed_with_its_files(app: Flask, as_author: StrictClient) -> None:
    old = uuid.uuid4()
    with app.test_request_context(), transaction():
        tables = Base.metadata.tables
        row = {"id": old, "name": "old", "version": "0.1.0", "published_at": MONDAY_NOON - timedelta(days=300)}
        db.session.execute(tables["edition"].insert().values(row))
        file = {"edition_id": old, "kind": "questionnaire", "version": "0.1.0", "body": b"{}", "sha256": "x"}
        db.session.execute(tables["edition_file"].insert().values(file))
    assert "cannot read this edition any more" in as_author.get("/forms").text
    assert as_author.get(f"/forms/editions/{old}/questionnaire").data == b"{}"
    assert as_author.get(f"/forms/try/{old}").status_code == 422


@pytest.mark.parametrize("who", ["rao", "reception", "records", "admin"])
def test_others_have_no_business_here(app: Flask, who: str) -> None:
    client = sign_in(app, f"{who}@demo.example")
    assert client.get("/forms").status_code == 403
    assert "/forms" not in client.get("/home", follow_redirects=True).text


# ---- Checking a file ----


def test_a_file_is_checked_and_nothing_is_kept(app: Flask, as_author: StrictClient) -> None:
    with app.test_request_context():
        before = counts()
    answer = upload(as_author, QUESTIONS, "peel.yaml")
    assert answer.status_code == 200
    assert "peel.yaml can be taken: “Before a peel”, 3 questions." in answer.text
    with app.test_request_context():
        assert counts() == before


def test_every_problem_of_a_file_is_shown(as_author: StrictClient) -> None:
    answer = upload(as_author, json.dumps(form(item("a", "reference"), item("<b>", "choice"))).encode(), "bad.json")
    assert answer.status_code == 422
    assert "bad.json is refused: 2 problems." in answer.text
    assert all(word in answer.text for word in ("Q03", "Q06", "$.item[1]", "&lt;b&gt;"))
    slip = upload(as_author, QUESTIONS.replace(b"boolean", b"bool"), "q.yaml", keep="1")
    assert slip.status_code == 422 and "q.yaml:15" in slip.text


def test_without_a_file_the_page_says_what_to_do(as_author: StrictClient) -> None:
    answer = as_author.submit("/forms/check")
    assert answer.status_code == 422 and "Choose a file" in answer.text


def test_a_file_that_is_taken_can_be_kept_looked_at_and_removed(app: Flask, as_author: StrictClient) -> None:
    assert upload(as_author, QUESTIONS, "papers/peel.yaml", keep="1").location == "/forms"
    page = as_author.get("/forms").text
    assert "peel.yaml is kept as a draft." in page and "papers" not in page
    [draft_id] = re.findall(r"/forms/drafts/([0-9a-f-]{36})/remove", page)
    got = as_author.get(f"/forms/drafts/{draft_id}")
    assert json.loads(got.data)["title"] == "Before a peel"
    assert "What do you want?" in as_author.get(f"/forms/try/{draft_id}").text
    assert as_author.submit(f"/forms/drafts/{draft_id}/remove").location == "/forms"
    assert as_author.get(f"/forms/try/{draft_id}").status_code == 404
    with app.test_request_context():
        assert [e.event for e in audit.history_of(draft_id)] == [
            "draft.imported",
            "questionnaire.tried",
            "draft.removed",
        ]


# ---- Trying it ----


def rev(page: str) -> dict[str, str]:
    """What the page carries of the trial."""
    return {name: value for name, value in re.findall(r'<input type="hidden" name="(rev|seen)" value="([^"]*)"', page)}


def go_on(client: StrictClient, address: str, page: str, **said: str) -> Any:
    return client.post(address, data={"csrf_token": client.token, **rev(page), **said})


def test_a_walk_asks_like_a_tablet_and_keeps_nothing(app: Flask, peel: uuid.UUID, as_author: StrictClient) -> None:
    with app.test_request_context():
        before = counts()
    address = f"/forms/try/{peel}"
    page = as_author.get(address).text
    assert "Nothing you answer here is kept." in page and "Were you in the sun this week?" in page
    refused = go_on(as_author, address, page, q1="smooth")
    assert refused.status_code == 422 and "Were you in the sun this week? Choose one answer" in refused.text
    done = go_on(as_author, address, refused.text, q1="smooth", q2="Chin", q3="true")
    assert done.status_code == 200
    assert all(words in done.text for words in ("End of the preview", "Smooth skin", "Chin", "Yes"))
    with app.test_request_context():
        assert counts() == before
        assert [e.event for e in audit.history_of(str(peel))][-1] == "questionnaire.tried"


def test_every_language_a_questionnaire_has_can_be_tried(peel: uuid.UUID, as_author: StrictClient) -> None:
    page = as_author.get(f"/forms/try/{peel}?language=hi").text
    assert '<html lang="hi"' in page and "हिन्दी 1" in page
    assert '<html lang="en"' in as_author.get(f"/forms/try/{peel}?language=xx").text


def test_a_language_that_is_carried_can_be_tried_before_patients_get_it(
    app: Flask, tmp_path: Path, as_author: StrictClient
) -> None:
    marked = FILES["questions.yaml"].replace("id: tx.area, type: string", "id: tx.area, markdown: true, type: string")
    marked = marked.replace("text: 'Where?'", "text: '**Where**?'")
    hindi = FILES["hi.po"] + HINDI.replace('"Where?"\nmsgstr "', '"**Where**?"\nmsgstr "**कहाँ** ')
    library = definitions.compile_edition(write_edition(tmp_path / "peel", questions=marked, hi=hindi))
    with app.test_request_context(), transaction():
        edition_id = definitions.publish(library, by=SYSTEM)
    assert "Carried, not offered to patients" in as_author.get("/forms").text
    page = as_author.get(f"/forms/try/{edition_id}?language=hi").text
    assert '<html lang="hi"' in page and "हिन्दी 1" in page and "हिन्दी 2" in page and "कहाँ" in page
    with app.test_request_context():
        assert definitions.get_edition(edition_id).questionnaire.items["tx.goals"].text.languages == ("en",)


def test_the_whole_questionnaire_can_be_walked_page_by_page(app: Flask, as_author: StrictClient) -> None:
    with app.test_request_context():
        edition = definitions.current_edition()
    questionnaire = edition.questionnaire
    said = complete_answers(questionnaire, HEALTHY)
    address, titles = f"/forms/try/{edition.id}", []
    page = as_author.get(address).text
    while "End of the preview" not in page:
        titles.append(re.findall(r"<h1>(.*?)</h1>", page)[0])
        shown = {name.partition("-")[0] for name in re.findall(r'name="(q[\w-]+)"', page)}
        typed: dict[str, Any] = {}
        for link_id, values in said.items():
            if answers.field_name(questionnaire, link_id) in shown:
                typed |= as_typed(questionnaire, link_id, values)
        response = go_on(as_author, address, page, **typed)
        assert response.status_code == 200 or "One more thing." in response.text, response.text
        page = response.text
    pages = visible_sections(questionnaire, said)
    assert list(dict.fromkeys(titles)) == [str(section.title).replace("'", "&#39;") for section in pages]
    assert "Farida Sheikh" in page and "4 March 1968" in page


def as_typed(questionnaire: Questionnaire, link_id: str, values: list[Value]) -> dict[str, Any]:
    """What a browser sends for an answer."""
    item, name = questionnaire.items[link_id], answers.field_name(questionnaire, link_id)
    data = answers.stored_data(item, values)
    if item.type is ItemType.DATE:
        return dict(zip((f"{name}-y", f"{name}-m", f"{name}-d"), data.split("-"), strict=True))
    return {name: "true" if data is True else data}


def test_an_answer_that_opens_a_question_shows_it_first(app: Flask, as_author: StrictClient) -> None:
    more = QUESTIONS + b"      - {id: long, type: string, required: true, text: How long, when: sun = true}\n"
    upload(as_author, more, "q.yaml", keep="1")
    with app.test_request_context():
        [draft] = definitions.list_drafts()
    address = f"/forms/try/{draft.id}"
    opened = go_on(as_author, address, as_author.get(address).text, q1="smooth", q3="true")
    assert opened.status_code == 422 and "One more thing." in opened.text and "There is a problem" not in opened.text
    done = go_on(as_author, address, opened.text, q1="smooth", q3="true", q4="all day")
    assert "End of the preview" in done.text and "all day" in done.text
    closed = go_on(as_author, address, as_author.get(address).text, q1="smooth", q3="false")
    assert "End of the preview" in closed.text and "How long" not in closed.text


def test_a_flag_of_the_definition_is_told_at_the_end(app: Flask, as_author: StrictClient) -> None:
    flagged = QUESTIONS.replace(
        b"text: 'Were you in", b"flag: {when: true, severity: caution, text: Look for burns}, text: 'Were you in"
    )
    upload(as_author, flagged, "q.yaml", keep="1")
    with app.test_request_context():
        [draft] = definitions.list_drafts()
    address = f"/forms/try/{draft.id}"
    done = go_on(as_author, address, as_author.get(address).text, q1="smooth", q3="true")
    assert "caution: Look for burns" in done.text


@pytest.mark.parametrize("token", ["", "x.y", "eyJvZiI6IDF9.AAAA"])
def test_a_page_that_is_not_ours_begins_the_walk_anew(peel: uuid.UUID, as_author: StrictClient, token: str) -> None:
    page = as_author.submit(f"/forms/try/{peel}", {"rev": token, "q1": "smooth", "q3": "true"})
    assert page.status_code == 200 and "Were you in the sun this week?" in page.text
