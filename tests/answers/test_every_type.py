"""A questionnaire with every type of item, answered on the tablet's pages without scripts, over HTTP."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from intake import answers, definitions
from intake.access import SYSTEM
from intake.answers.forms import field_name
from intake.db import transaction
from intake.definitions import strip
from intake.kiosk.pages import summary
from tests.conftest import MONDAY_NOON, StrictClient
from tests.definitions.editions import FILES, write_edition
from tests.kiosk.pages import at_questions, browser_fields, drafted, errors_of, events

MORE = """\
  - id: all
    title: All kinds
    items:
      - {id: note, type: display, markdown: true, text: '**Take** your time <b>now</b> [here](https://x.example)'}
      - {id: dose, type: quantity, unit: mg, min: 1, max: 500, text: Dose, flyover: It sets the strength of the peel}
      - {id: count, type: integer, text: 'How many?', prefix: '1.'}
      - {id: seen, type: dateTime, past: true, text: 'When was it?'}
      - {id: wake, type: time, min: '05:00:00', text: 'When do you wake up?'}
      - {id: site, type: url, text: A page you read, link: 'https://clinic.example/pages'}
      - {id: town, type: choice, text: Town, options: {a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H}}
      - {id: side, type: choice, control: drop-down, text: Side, options: {l: Left, r: Right}}
      - {id: skin, type: open-choice, text: Skin, other: Something else,
         options: {dry: Dry, oily: {en: Oily, prefix: b)}}}
      - {id: creams, type: open-choice, multiple: true, text: Creams, horizontal: true,
         options: {acid: Acid, none: {en: None, exclusive: true}}}
      - {id: city, type: string, read_only: true, initial: Chennai, text: Clinic in}
      - {id: ward, type: string, read_only: true, text: Ward}
      - id: habits
        type: group
        required: true
        text: Habits
        items:
          - id: smoke
            type: boolean
            text: Do you smoke?
            items:
              - {id: packs, type: decimal, decimals: 1, required: true, text: Packs a day, when: smoke = true}
          - {id: tea, type: boolean, text: 'Do you drink tea?'}
  - id: meds
    title: Your medicines
    items:
      - id: med
        type: group
        multiple: true
        max_answers: 3
        text: Your medicines
        short: Medicine
        items:
          - {id: med.name, type: string, required: true, text: Name}
          - {id: med.dose, type: quantity, unit: mg, text: Dose}
          - {id: med.since, type: date, text: Since when}
          - {id: med.often, type: boolean, text: 'Every day?'}
          - {id: med.hours, type: string, text: 'At which hours?', when: med.often = true}
      - {id: pharmacy, type: string, text: Pharmacy}
"""
ALL, MEDS = "/visit/questions/all", "/visit/questions/meds"
KEPT = {
    "dose": [{"valueQuantity": {"value": 2.5, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}}],
    "count": [{"valueInteger": 3}],
    "seen": [{"valueDateTime": "2026-11-22T21:30:00+05:30"}],
    "wake": [{"valueTime": "06:05:00"}],
    "site": [{"valueUri": "https://skin.example/a?b=1"}],
    "skin": [{"valueString": "Both at once"}],
    "creams": [{"valueCoding": {"code": "acid"}}, {"valueString": "Rose water"}],
    "smoke": [{"valueBoolean": True}],
    "packs": [{"valueDecimal": 0.5}],
}


@pytest.fixture
def patient(app: Flask, tmp_path: Path, clock_at: Callable[..., None]) -> tuple[StrictClient, UUID]:
    """A patient in front of the first question of such a questionnaire."""
    library = definitions.compile_edition(write_edition(tmp_path / "every", questions=FILES["questions.yaml"] + MORE))
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    with app.test_request_context(), transaction():
        definitions.publish(library, by=SYSTEM)
    return at_questions(app)


def names(app: Flask, visit_id: UUID) -> Callable[..., str]:
    """The field of a question, of an entry where one is named."""
    with app.test_request_context():
        shape = answers.get(visit_id).edition.questionnaire
    return lambda link, entry=1: field_name(shape, link) + (f"_{entry}" if entry > 1 else "")


def fields(page: str) -> dict[str, Any]:
    """What a browser without scripts would send of a page, drop-downs too."""
    found = browser_fields(page)
    found.pop("entry", None)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, flags=re.S):
        found[name] = re.findall(r'value="([^"]*)" selected', options) or [""]
    return found


def typed(name: Callable[..., str]) -> dict[str, Any]:
    """A complete page of every kind, as somebody might type it."""
    return {
        name("dose"): "2,5",
        name("count"): "३",
        **dict(zip([f"{name('seen')}-{part}" for part in "dmyt"], ["22", "nov", "2026", "9:30 pm"], strict=True)),
        name("wake"): "6.05",
        name("site"): "https://skin.example/a?b=1",
        name("town"): "h",
        name("side"): "r",
        f"{name('skin')}-o": "Both at once",
        name("creams"): ["acid", "-other-"],
        f"{name('creams')}-o": "Rose water",
        name("smoke"): "true",
        name("packs"): "0.5",
        name("tea"): "false",
    }


def stored(app: Flask, visit_id: UUID) -> dict[str, Any]:
    """What would be submitted."""
    with app.test_request_context():
        begun = answers.get(visit_id)
        return strip(begun.edition.questionnaire, begun.draft.answers)


def test_every_type_is_shown_answered_stored_and_shown_again(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    page = client.get(ALL).text
    assert "<strong>Take</strong> your time &lt;b&gt;now&lt;/b&gt; [here](https://x.example)" in page
    assert ">1. How many?" in page and "b) Oily" in page and "Something else" in page and "choices side" in page
    assert '<bdi class="address">https://clinic.example/pages</bdi>' in page and '<a href="https://clinic' not in page
    assert "<dt>Clinic in</dt><dd>Chennai</dd>" in page and page.count("<select") == 2
    assert 'aria-level="2">Habits' in page and page.index("Do you smoke?") < page.index("Packs a day")
    response = client.post(ALL, data=fields(page) | typed(name))
    if response.status_code == 422:  # without scripts the packs are shown once the smoking is known
        assert errors_of(response.text) == []
        response = client.post(ALL, data=fields(response.text) | typed(name))
    assert response.status_code == 303, errors_of(response.text)
    kept = stored(app, visit_id)
    assert KEPT.items() <= kept.items()
    assert [kept[link][0]["valueCoding"]["code"] for link in ("town", "side")] == ["h", "r"]
    again = fields(client.get(ALL).text)
    assert (
        again[name("dose")] == ["2.5"] and again[name("wake")] == ["06:05"] and again[f"{name('seen')}-t"] == ["21:30"]
    )
    assert (again[name("skin")], again[f"{name('skin')}-o"]) == (["-other-"], ["Both at once"])
    assert (again[name("creams")], again[name("town")]) == (["acid", "-other-"], ["h"])
    assert client.post(ALL, data=again).status_code == 303
    assert stored(app, visit_id) == kept, "a page sent back untouched changes nothing"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dose": "501"}, "Dose: Write a value of 500 or less"),
        ({"dose": "much"}, "Dose: Write a number, such as 72"),
        ({"seen-t": ""}, "When was it? Write the day, the month, the year and the time"),
        ({"seen-t": "25:00"}, "When was it? Write the time as hours and minutes, for example 9:30"),
        ({"seen-d": "24"}, "When was it? Write a date that is not after today, 23 November 2026"),
        ({"wake": "4:59"}, "When do you wake up? Write a time that is not before 05:00"),
        ({"wake": "early"}, "When do you wake up? Write the time as hours and minutes, for example 9:30"),
        ({"site": "skin.example"}, "A page you read: Write a web address that begins with https://"),
        ({"town": "z"}, "Town: Choose one of the answers shown"),
        ({"skin": "-other-", "skin-o": " "}, "Skin: Write your answer in the box"),
        ({"creams": ["none", "-other-"]}, "Creams: “None” stands alone. Choose it, or the others"),
        ({"smoke": [], "tea": []}, "Habits: Answer at least one of these questions"),
    ],
)
def test_every_type_says_in_one_sentence_what_to_do(
    app: Flask, patient: tuple[StrictClient, UUID], wrong: dict[str, Any], says: str
) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    sent = fields(client.get(ALL).text) | typed(name)
    sent["seen"] = f"{sent['seen'][0]} {name('packs')}"
    for field, value in wrong.items():
        link, dash, part = field.partition("-")
        sent[name(link) + dash + part] = value
    response = client.post(ALL, data=sent)
    assert (response.status_code, errors_of(response.text)) == (422, [says])


def test_words_of_ones_own_are_dropped_where_an_option_is_chosen(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    sent = fields(client.get(ALL).text) | {name("tea"): "true", name("skin"): "dry", f"{name('skin')}-o": "no"}
    assert client.post(ALL, data=sent).status_code == 303
    assert drafted(app, visit_id, "skin") == [{"code": "dry"}]


def press(client: StrictClient, page: str, button: str, **typed: str) -> str:
    """The page after a button of its entries was pressed with this typed."""
    response = client.post(MEDS, data=fields(page) | typed | {"entry": button})
    assert response.status_code == 200, errors_of(response.text)
    return str(response.text)


def test_entries_come_and_go_by_buttons_and_lose_no_word(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    add = f"add {name('med')}"
    page = client.get(MEDS).text
    assert "Medicine 1" in page and "Medicine 2" not in page and "Remove" not in page
    page = press(client, page, add, **{name("med.name"): "Aspirin", name("med.dose"): "a little"})
    assert "Medicine 2" in page and 'value="a little"' in page and "There is a problem" not in page
    assert re.search(rf'id="{name("med", 2)}" tabindex="-1" autofocus data-focus', page)
    assert drafted(app, visit_id, "med.name") == ["Aspirin"] and drafted(app, visit_id, "med.dose") == []
    typed = {name("med.dose"): "75", name("med.name", 2): "Metformin", f"{name('med.since', 2)}-y": "2020"}
    page = press(client, page, add, **typed)
    assert page.count('role="heading"') == 3 and "Add another" not in page, "three are the most"
    assert 'value="2020"' in page, "a date half typed stays"
    page = press(client, page, f"remove {name('med')} 1", **{name("med.name", 3): "Zinc"})
    assert "Medicine 3" not in page and "Aspirin" not in page
    assert fields(page)[name("med.name")] == ["Metformin"] and fields(page)[name("med.name", 2)] == ["Zinc"]
    assert fields(page)[f"{name('med.since')}-y"] == ["2020"]
    done = client.post(MEDS, data=fields(page) | {f"{name('med.since')}-{part}": "1" for part in "dm"})
    assert done.status_code == 303, errors_of(done.text)
    assert {one: values for one, values in stored(app, visit_id).items() if one.startswith("med")} == {
        "med.name": [{"valueString": "Metformin"}],
        "med.since": [{"valueDate": "2020-01-01"}],
        "med.name#2": [{"valueString": "Zinc"}],
    }
    with app.test_request_context():
        [page_of] = [s for s in summary(answers.get(visit_id)) if s.id == "meds"]
    assert [row["label"] for row in page_of.rows if row["value"]] == [
        "Medicine 1: Name",
        "Medicine 1: Since when",
        "Medicine 2: Name",
    ]


def test_the_check_page_leaves_out_what_nobody_can_fill_in(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    _, visit_id = patient
    with app.test_request_context():
        [every] = [page for page in summary(answers.get(visit_id)) if page.id == "all"]
    rows = {row["label"]: row["value"] for row in every.rows}
    assert rows["Clinic in"] == "Chennai" and rows["How many?"] == "", "an open question can still be answered"
    assert "Ward" not in rows


def test_a_group_that_may_stay_away_asks_for_nothing_while_it_is_empty(
    app: Flask, patient: tuple[StrictClient, UUID]
) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    assert client.post(MEDS, data=fields(client.get(MEDS).text) | {name("pharmacy"): "Corner"}).status_code == 303
    begun = fields(client.get(MEDS).text) | {name("med.dose"): "75"}
    refused = client.post(MEDS, data=begun)
    assert (refused.status_code, errors_of(refused.text)) == (422, ["Name: Write an answer"])


def test_a_button_sent_twice_is_pressed_once(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    page = press(client, client.get(MEDS).text, f"add {name('med')}", **{name("med.name"): "Aspirin"})
    sent = fields(page) | {name("med.name", 2): "Zinc", "entry": f"remove {name('med')} 1"}
    for _twice in range(2):
        page = client.post(MEDS, data=sent).text
        assert fields(page)[name("med.name")] == ["Zinc"] and "Medicine 2" not in page
    sent = fields(page) | {"entry": f"add {name('med')}"}
    for _twice in range(2):
        page = client.post(MEDS, data=sent).text
        assert "Medicine 2" in page and "Medicine 3" not in page


def test_a_button_that_is_not_there_is_passed_over(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    for button in ("add q0", "remove", f"remove {name('med')} 7", f"remove {name('med')} x", "add"):
        sent = fields(client.get(MEDS).text) | {"entry": button}
        assert client.post(MEDS, data=sent).status_code == 303, button


def test_the_page_in_hand_is_kept_as_far_as_it_can_be_read(app: Flask, patient: tuple[StrictClient, UUID]) -> None:
    client, visit_id = patient
    name = names(app, visit_id)
    sent = fields(client.get(ALL).text) | {name("dose"): "a lot", name("count"): "4"}
    kept = client.post(f"{ALL}?partial=1", data=sent)
    assert (kept.status_code, kept.data) == (204, b"")
    assert drafted(app, visit_id, "count") == [4] and drafted(app, visit_id, "dose") == []
    newer = sent | {"rev": kept.headers["Intake-Revision"], name("count"): "5"}
    assert client.post(f"{ALL}?partial=1", data=newer).status_code == 204
    assert client.post(f"{ALL}?partial=1", data=sent).status_code == 409, "an older page keeps nothing"
    assert drafted(app, visit_id, "count") == [5]
    assert client.post(f"{ALL}?partial=1", data=newer | {"csrf_token": "old"}).status_code == 400
    assert events(app, visit_id, "response.page_saved") == []
    with app.test_request_context():
        begun = answers.get(visit_id)
        assert [s.id for s in answers.open_sections(begun.edition.questionnaire, begun.draft)] == ["tx", "all", "meds"]
