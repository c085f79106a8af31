"""Why a question is asked: words that open beneath it by a tap, without a script, and that nobody must hear."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from intake import definitions
from intake.access import SYSTEM
from intake.db import transaction
from tests.conftest import MONDAY_NOON, StrictClient
from tests.definitions.editions import FILES, write_edition
from tests.kiosk.pages import at_questions

MORE = """\
  - id: all
    title: All kinds
    items:
      - {id: name, type: string, text: Name, help: As on your card, flyover: To <find> you again}
      - {id: plain, type: string, text: Nickname, help: If you have one}
      - {id: burnt, type: boolean, text: 'Burnt?', flyover: Burnt skin needs rest}
      - {id: born, type: date, text: Born, flyover: Doses depend on age}
      - {id: side, type: choice, control: drop-down, text: Side, flyover: To begin there, options: {l: Left, r: Right}}
      - {id: skin, type: choice, multiple: true, text: Skin, flyover: To choose a cream, options: {d: Dry, o: Oily}}
      - {id: spot, type: choice, multiple: true, control: map-face, text: Where, flyover: To look there first,
         options: {forehead: Forehead, chin: Chin}}
      - {id: read, type: boolean, acknowledgement: true, text: I have read it, flyover: The law asks for it}
      - id: habits
        type: group
        text: Habits
        flyover: They change how skin heals
        items:
          - {id: tea, type: boolean, text: 'Tea?'}
"""
WHY = re.compile(r'<details class="why"><summary>Why we ask, and what it means</summary><p>([^<]*)</p></details>')


@pytest.fixture
def page(app: Flask, tmp_path: Path, clock_at: Callable[..., None]) -> str:
    """The page of questions of which all but two say why they are asked."""
    library = definitions.compile_edition(write_edition(tmp_path / "why", questions=FILES["questions.yaml"] + MORE))
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    with app.test_request_context(), transaction():
        definitions.publish(library, by=SYSTEM)
    client: StrictClient = at_questions(app)[0]
    return str(client.get("/visit/questions/all").text)


def item(page: str, link_id: str) -> str:
    """One question's part of the page."""
    return page.split(f'data-item="{link_id}"')[1].split("data-item=")[0]


def test_why_a_question_is_asked_opens_beneath_it_without_a_script(page: str) -> None:
    assert WHY.findall(page) == [
        "To &lt;find&gt; you again",
        "Burnt skin needs rest",
        "Doses depend on age",
        "To begin there",
        "To choose a cream",
        "To look there first",
        "The law asks for it",
        "They change how skin heals",
    ]
    for link_id, end in (("name", "</label>"), ("burnt", "</legend>"), ("spot", "</legend>"), ("read", "</label>")):
        assert end in item(page, link_id).split("<details")[0], f"beneath the words of {link_id}"


def test_a_line_of_help_stays_in_sight_beside_it(page: str) -> None:
    assert re.search(r'<p class="hint" id="q\d+-hint">As on your card</p>', item(page, "name"))
    assert 'class="hint"' in item(page, "plain") and "<details" not in item(page, "plain")


def test_why_is_no_part_of_what_a_screen_reader_says_of_the_field(page: str) -> None:
    described = re.search(r'aria-describedby="([^"]+)"', item(page, "name"))
    assert described is not None and described[1].split() == [name for name in described[1].split() if "-hint" in name]
    assert "aria-describedby" not in item(page, "burnt")
    assert not re.search(r"<label[^>]*>(?:(?!</label>).)*<details", page, flags=re.S), "never inside a label"
    assert not re.search(r"<legend[^>]*>(?:(?!</legend>).)*<details", page, flags=re.S), "never inside a legend"
