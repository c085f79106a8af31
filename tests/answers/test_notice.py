"""The data notice: a page of its own before anything is asked, with an acknowledgement of its own. And the three
agreements to photos: each a question of its own, none answered beforehand, on the page and in the record."""

import re

import pytest
from flask import Flask

from intake import consent, definitions
from intake.definitions.library_files import bundled_contents
from tests.builders import HEALTHY, a_signed_visit
from tests.kiosk.pages import at_questions, errors_of, send, sent

NOTICE, PHOTOS = "/visit/questions/pn", "/visit/questions/ph"
AGREEMENTS = ("ph.rec", "ph.teach", "ph.pub")


def test_the_notice_is_the_first_page_and_asks_for_nothing_but_that_it_was_read(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    assert client.get("/visit/next").headers["Location"].endswith(NOTICE)
    page = client.get(NOTICE).text
    main = page.split("<main")[1].split("</form>")[0]
    assert re.findall(r'<input[^>]* type="(?!hidden)(\w+)"', main) == ["checkbox"] and " checked" not in main
    for words in ("What we collect", "Why", "Who sees it", "How long we keep it", "ask for a copy", "You can complain"):
        assert words in main, words


def test_nobody_goes_on_before_they_say_that_they_read_it(app: Flask) -> None:
    client, visit_id = at_questions(app)
    refused = send(client, NOTICE)
    assert (refused.status_code, len(errors_of(refused.text))) == (422, 1)
    assert send(client, NOTICE, **sent(app, visit_id, st__privacy="y")).status_code == 303
    assert client.get("/visit/next").headers["Location"].endswith("/visit/questions/st")


def test_no_other_page_holds_the_acknowledgement_and_the_notice_holds_no_other_question() -> None:
    questionnaire = bundled_contents().questionnaire
    homes = [section.id for section in questionnaire.sections if "st.privacy" in section.items]
    assert homes == ["pn"] and questionnaire.sections[0].id == "pn"
    asked = [link for link in questionnaire.sections[0].items if questionnaire.items[link].is_question]
    assert asked == ["st.privacy"] and questionnaire.items["st.privacy"].acknowledgement


@pytest.mark.parametrize("language", ["en", "hi"])
def test_every_word_of_the_notice_is_there_in_each_language_offered(language: str) -> None:
    questionnaire = bundled_contents().questionnaire
    texts = [questionnaire.items[link].text for link in questionnaire.sections[0].items]
    assert len(texts) >= 7 and all(text.get(language) for text in texts)
    assert language == "en" or all(text.get("hi") != text.get("en") for text in texts)


def test_each_agreement_to_photos_is_a_question_of_its_own_with_nothing_chosen(app: Flask) -> None:
    client, _visit_id = at_questions(app)
    main = client.get(PHOTOS).text.split("<main")[1].split("</form>")[0]
    for link in AGREEMENTS:
        item = main.split(f'data-item="{link}"')[1].split('data-item="')[0]
        assert re.findall(r'type="radio"[^>]* value="(\w+)"', item) == ["true", "false"], link
    assert " checked" not in main
    assert len(errors_of(send(client, PHOTOS).text)) == len(AGREEMENTS), "each wants its own answer"


def test_each_agreement_stands_by_itself_in_what_is_signed(app: Flask) -> None:
    visit_id = a_signed_visit(app, HEALTHY | {"ph.rec": True, "ph.teach": False, "ph.pub": False})
    with app.test_request_context():
        stated = consent.find_statement(visit_id, consent.Kind.SIGNED)
        assert stated is not None
        rows = {row["item"]: row["answer"] for section in stated.body["answers"] for row in section["rows"]}
        assert definitions.current_edition().version == "1.3.0"
    assert [rows[link] for link in AGREEMENTS] == ["Yes", "No", "No"]
    assert rows["st.privacy"] == "Yes" and stated.body["answers"][0]["id"] == "pn"
