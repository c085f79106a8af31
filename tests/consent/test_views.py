"""Effects, teach-back and signature over HTTP: what is missing, wrong, late, doubled or too large."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import consent
from tests.builders import HEALTHY, a_signed_visit, a_visit, answered, strokes, understood
from tests.conftest import StrictClient
from tests.kiosk.pages import (
    at_effects,
    at_sign,
    browser_fields,
    errors_of,
    events,
    identified,
    send,
    title_of,
    untouched,
)

EFFECTS, TEACH, SIGN = "/visit/effects/effects", "/visit/teach-back/TB-1", "/visit/sign"
DRAW = "Sign on the dotted line, or choose to type your name"


def parts(page: str) -> list[str]:
    """The names of the pairs on a page, in order."""
    return list(dict.fromkeys(re.findall(r'type="radio" name="(part-[^"]+)"', page)))


def evidence(app: Flask, visit_id: UUID) -> dict[str, Any] | None:
    """What was signed, or None."""
    with app.test_request_context():
        stated = consent.find_statement(visit_id, consent.Kind.SIGNED)
        return stated.body if stated else None


def test_each_common_effect_has_its_own_card_drawing_and_two_equal_answers(app: Flask) -> None:
    client, _visit_id = at_effects(app)
    page = client.get(EFFECTS).text
    assert parts(page) == ["part-C-09a", "part-C-09b", "part-C-09c", "part-C-09d", "part-C-05", "part-group-effects"]
    assert page.count('<fieldset class="risk"') == 6 and page.count("lens-") == 8
    assert page.count(">I understand<") == page.count(">I have a question<") == 6
    assert " checked" not in page.split("<main")[1].split("</form>")[0]


def test_an_effect_without_an_answer_is_named_and_the_others_stay(app: Flask) -> None:
    client, visit_id = at_effects(app)
    fields = untouched(client, EFFECTS) | dict.fromkeys(parts(client.get(EFFECTS).text), "understood")
    del fields["part-C-09b"]
    response = client.post(EFFECTS, data=fields)
    assert (response.status_code, errors_of(response.text)) == (422, ["Slight redness: Choose one answer"])
    card = response.text.split('id="part-C-09b-err"')[1].split("</p>")[0]
    assert card.endswith("</span>Choose one answer</span>"), "the card says itself what it is about"
    assert title_of(response.text).startswith("Error: What you may feel")
    assert response.text.count(" checked") == 5
    assert events(app, visit_id, "consent.page_answered") == []


def test_an_answer_that_is_not_offered_is_none(app: Flask) -> None:
    client, _visit_id = at_effects(app)
    fields = untouched(client, EFFECTS) | dict.fromkeys(parts(client.get(EFFECTS).text), "understood")
    assert errors_of(client.post(EFFECTS, data=fields | {"part-C-05": "maybe"}).text) == [
        "Numbing cream: Choose one answer"
    ]


def test_clauses_answered_together_share_one_pair_that_names_them(app: Flask) -> None:
    client, _visit_id = at_effects(app)
    page = client.get("/visit/effects/help").text
    shared = page.split('id="part-group-help-text"')[1].split("</fieldset>")[0]
    assert re.findall("<li>(.*?)</li>", shared) == [
        "Your health details matter",
        "After care",
        "If something goes wrong during the visit",
    ]


def test_no_blank_is_left_on_any_page_that_is_signed(app: Flask) -> None:
    client, visit_id = at_effects(app)
    with app.test_request_context():
        ids = [page["id"] for page in consent.shown(visit_id).body["pages"]]
    for page_id in ids:
        words = re.sub(r"<[^>]+>", "", client.get(f"/visit/effects/{page_id}").text.split("<main")[1])
        assert "{" not in words, page_id


def test_answers_to_effects_survive_an_old_token(app: Flask) -> None:
    client, visit_id = at_effects(app)
    fields = untouched(client, EFFECTS) | dict.fromkeys(parts(client.get(EFFECTS).text), "question")
    client.delete_cookie("intake-session")
    late = client.post(EFFECTS, data=fields)
    assert late.status_code == 422 and late.text.count('value="question" checked') == 6
    assert events(app, visit_id, "consent.page_answered") == []
    assert client.post(EFFECTS, data=browser_fields(late.text)).status_code == 303


def test_an_unknown_page_of_the_consent_is_not_found(app: Flask) -> None:
    client, _visit_id = at_effects(app)
    assert client.get("/visit/effects/nowhere").status_code == 404
    assert client.get("/visit/teach-back/nowhere").status_code == 404


def right_answer(app: Flask, visit_id: UUID, question_id: str) -> str:
    """The code of the right answer."""
    with app.test_request_context():
        question = next(q for q in consent.shown(visit_id).body["teachback"] if q["id"] == question_id)
        return str(next(option["code"] for option in question["options"] if option["right"]))


def test_the_page_does_not_tell_which_answer_is_right(app: Flask) -> None:
    client, _visit_id = at_effects(app)
    page = client.get(TEACH).text
    choices = page.split('<fieldset class="field">')[1].split("</fieldset>")[0]
    assert choices.count("<input") == 4 and "right" not in choices and "true" not in choices
    assert "It checks our explanation, not you." in page


def test_no_answer_asks_for_one_and_says_that_not_sure_is_fine(app: Flask) -> None:
    client, visit_id = at_effects(app)
    response = send(client, TEACH)
    assert (response.status_code, errors_of(response.text)) == (422, ["Choose one answer. “I am not sure” is fine"])
    assert events(app, visit_id, "consent.teach_back") == []


def test_a_wrong_answer_explains_the_missed_idea_and_keeps_the_choice(app: Flask) -> None:
    client, _visit_id = at_effects(app)
    assert send(client, TEACH, option="bumps").headers["Location"].endswith("/teach-back/TB-1")
    page = client.get(TEACH).text
    assert "Let us explain that part again." in page and "It is not a filler" in page
    assert 'value="bumps" checked' in page
    assert 'tabindex="-1" data-focus' in page


def test_a_second_miss_goes_on_and_is_left_to_the_doctor(app: Flask) -> None:
    client, visit_id = at_effects(app)
    send(client, TEACH, option="unsure")
    assert send(client, TEACH, option="visits").headers["Location"].endswith("/visit/next")
    assert [facts["stands"] for facts in events(app, visit_id, "consent.teach_back")] == ["again", "doctor_explains"]


def test_an_answer_to_words_that_were_replaced_meanwhile_is_not_taken(app: Flask) -> None:
    client, visit_id = at_effects(app)
    page = untouched(client, EFFECTS) | dict.fromkeys(parts(client.get(EFFECTS).text), "understood")
    for other in ("00000000-0000-4000-8000-000000000000", "no presentation"):
        answer = client.post(EFFECTS, data=page | {"presentation": other})
        assert answer.status_code in (303, 409)
    assert events(app, visit_id, "consent.page_answered") == []


def test_a_right_answer_goes_on_and_a_doubled_one_changes_nothing(app: Flask) -> None:
    client, visit_id = at_effects(app)
    for option in (right_answer(app, visit_id, "TB-1"), "unsure"):
        assert send(client, TEACH, option=option).headers["Location"].endswith("/visit/next")
    assert [facts["stands"] for facts in events(app, visit_id, "consent.teach_back")] == ["right"]


def test_the_same_try_sent_twice_counts_once(app: Flask) -> None:
    client, visit_id = at_effects(app)
    page = untouched(client, TEACH) | {"option": "unsure"}
    assert [client.post(TEACH, data=page).status_code for _twice in range(2)] == [303, 303]
    assert [facts["stands"] for facts in events(app, visit_id, "consent.teach_back")] == ["again"]


def test_a_choice_survives_an_old_token(app: Flask) -> None:
    client, visit_id = at_effects(app)
    client.get(TEACH)
    client.delete_cookie("intake-session")
    late = client.post(TEACH, data={"option": "bumps", "csrf_token": client.token})
    assert late.status_code == 422 and 'value="bumps" checked' in late.text
    assert events(app, visit_id, "consent.teach_back") == []


def test_the_signature_page_shows_the_statements_the_name_and_the_date_of_the_server(app: Flask) -> None:
    client, _visit_id = at_sign(app)
    page = client.get(SIGN).text
    assert page.count('<ul class="agree"') == 1 and page.count("<li><svg") == 4
    assert "<b><bdi>Farida Sheikh</bdi></b>" in page and "23 November 2026" in page
    assert "/static/dist/sign." in page
    assert re.search(r'value="type"[^>]* checked>', page), "without a script the name is typed"


def test_who_helps_is_named_beside_the_signature(app: Flask) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id, {**HEALTHY, "st.who": "helped", "st.helper_name": "Asha Iyer", "st.helper_role": "family"})
    understood(app, visit_id)
    assert "Asha Iyer, Family or friend" in identified(app, visit_id).get(SIGN).text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"how": "draw", "strokes": ""}, DRAW),
        ({"how": "draw", "strokes": strokes(1)}, DRAW),
        ({"how": "draw", "strokes": strokes(2)}, DRAW),
        (
            {"how": "draw", "strokes": "not json"},
            "The drawing did not arrive. Press Clear and sign once more, or type your name",
        ),
        (
            {"how": "draw", "strokes": "[" * 100_000},
            "The drawing did not arrive. Press Clear and sign once more, or type your name",
        ),
        (
            {"how": "draw", "strokes": strokes(6000)},
            "This drawing is too large. Press Clear and sign once more, or type your name",
        ),
        ({"how": "type", "typed": " "}, "Type your full name to sign"),
        ({"how": "type", "typed": "x" * 300}, "Write at most 255 characters"),
    ],
)
def test_what_is_no_signature_says_what_to_do_and_signs_nothing(app: Flask, form: dict[str, str], says: str) -> None:
    client, visit_id = at_sign(app)
    response = send(client, SIGN, **form)
    assert (response.status_code, errors_of(response.text)) == (422, [says])
    assert evidence(app, visit_id) is None


def test_a_drawn_signature_is_kept_as_points(app: Flask) -> None:
    client, visit_id = at_sign(app)
    assert send(client, SIGN, how="draw", strokes=strokes()).headers["Location"].endswith("/visit/thanks")
    signed = evidence(app, visit_id)
    assert signed is not None and signed["signature"]["method"] == "drawn"
    assert len(signed["signature"]["drawn"]["strokes"][0]) == len(json.loads(strokes())["strokes"][0]["points"])


@pytest.mark.parametrize("name", ["Farida Sheikh", "فريدة شيخ", "सुनीता 🌸"])
def test_a_typed_name_weighs_the_same_and_needs_no_script(app: Flask, name: str) -> None:
    client, visit_id = at_sign(app)
    fields = untouched(client, SIGN)
    assert fields["how"] == ["type"]
    assert client.post(SIGN, data=fields | {"typed": name}).headers["Location"].endswith("/visit/thanks")
    signed = evidence(app, visit_id)
    assert signed is not None and signed["signature"]["typed"] == name


def test_a_signature_of_10_megabytes_is_refused_with_a_page(app: Flask) -> None:
    client, visit_id = at_sign(app)
    response = send(client, SIGN, how="draw", strokes="x" * 10 * 1024 * 1024)
    assert response.status_code == 413
    assert "That was too much at once" in response.text and f'href="{SIGN}"' in response.text
    assert evidence(app, visit_id) is None


def test_signing_twice_is_one_signature_and_the_second_is_told_that_it_is_done(app: Flask) -> None:
    client, visit_id = at_sign(app)
    page = untouched(client, SIGN) | {"how": "type", "typed": "Farida Sheikh"}
    assert [client.post(SIGN, data=page).status_code for _twice in range(2)] == [303, 410]
    assert client.get(SIGN).headers["Location"].endswith("/visit/thanks")
    assert len(events(app, visit_id, "consent.signed")) == 1


def test_a_signature_survives_an_old_token_unsigned(app: Flask) -> None:
    client, visit_id = at_sign(app)
    page = untouched(client, SIGN) | {"how": "type", "typed": "Farida Sheikh"}
    client.delete_cookie("intake-session")
    late = client.post(SIGN, data=page)
    assert late.status_code == 422 and 'value="Farida Sheikh"' in late.text and 'data-chosen="type"' in late.text
    assert evidence(app, visit_id) is None
    assert client.post(SIGN, data=browser_fields(late.text)).status_code == 303


def test_nobody_signs_before_everything_was_read(app: Flask) -> None:
    client, visit_id = at_effects(app)
    assert client.get(SIGN).headers["Location"].endswith("/visit/next")
    client.get(EFFECTS)
    assert client.submit(SIGN, {"how": "type", "typed": "Farida Sheikh"}).headers["Location"].endswith("/visit/next")
    assert evidence(app, visit_id) is None


def test_after_signing_the_consent_pages_lead_to_the_end_and_take_nothing(app: Flask) -> None:
    client = identified_after_signing(app)
    for path in (EFFECTS, TEACH, "/visit/decline"):
        assert client.get(path).status_code == 303
    assert client.submit(EFFECTS, {"part-C-09a": "question"}).status_code == 410


def identified_after_signing(app: Flask) -> StrictClient:
    """The tablet of a patient who signed, still in their hands."""
    client, _visit_id = at_sign(app)
    send(client, SIGN, how="type", typed="Farida Sheikh")
    return client


def test_a_signed_visit_cannot_be_declined_from_the_tablet(app: Flask) -> None:
    client = identified_after_signing(app)
    assert client.submit("/visit/decline", {"reason": ""}).headers["Location"].endswith("/visit/thanks")


def test_a_record_number_says_only_whether_it_exists(app: Flask, anonymous: StrictClient) -> None:
    a_signed_visit(app)
    page = anonymous.get("/verify/KS-AAAA-BBBB")
    assert page.status_code == 404
    assert "No record found" in page.text and "Farida" not in page.text
