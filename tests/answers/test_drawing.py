"""A question drawn once and filled in is what its macro draws, and what is kept of it holds nobody's answer."""

from collections.abc import Iterator, Sequence

import pytest
from flask import Flask
from markupsafe import Markup

from intake import i18n
from intake.answers import drawing
from intake.answers.drawing import rows_drawn
from intake.answers.page import Page, context, filled, open_page
from intake.answers.rows import Look, Row
from intake.answers.script import depending
from intake.definitions import Answers, Questionnaire, check_questionnaire, with_entries
from intake.sketches import MARK
from tests.agreement.drafts import drafts
from tests.agreement.forms import samples, the_bundled
from tests.answers.test_every_type import MORE as EVERY_TYPE
from tests.answers.test_why import MORE as WHY
from tests.definitions.editions import FILES

WORDS = "Zebra <i>\"quotes\"</i> & 'more'"


def own() -> Iterator[Questionnaire]:
    """The program's own questionnaire, small ones, one with every type, and one that says why it asks."""
    yield from (questionnaire for _, questionnaire in (the_bundled() | samples()).values())
    for more in (EVERY_TYPE, WHY):
        taken = check_questionnaire((FILES["questions.yaml"] + more).encode(), "q.yaml").questionnaire
        assert taken is not None
        yield taken


def pages(questionnaire: Questionnaire, said: Answers) -> Iterator[Page]:
    for section in with_entries(questionnaire, said).sections:
        page = open_page(questionnaire, section.id, said)
        assert page is not None
        yield page


def rows_of(page: Page, *, stored: bool = True) -> tuple[Row, ...]:
    """A page's rows, as it shows what is stored, or from a form that is filled with it."""
    form, rules = filled(page), depending(page.shape, page.section)
    look = Look(page.shape, None if stored else form, lambda: form, page.before, page.on, rules)
    return look.rows_of(page.section)


def in_full(app: Flask, rows: Sequence[Row]) -> Markup:
    """The same rows by their macro alone."""
    module = app.jinja_env.get_template("answers/_rows.html").make_module({"lang": i18n.language()})
    return Markup("").join(module.row_of(row, in_full(app, row.rows)) for row in rows)  # type: ignore[attr-defined]


def test_every_question_is_drawn_as_its_macro_draws_it_whatever_is_answered(app: Flask) -> None:
    count = 0
    for questionnaire in own():
        for said in drafts(questionnaire, 2, seed=7):
            for language in questionnaire.languages:
                with app.test_request_context():
                    i18n.set_language(language)
                    for page in pages(questionnaire, said):
                        for rows in (rows_of(page), rows_of(page, stored=False)):
                            assert rows_drawn(page.shape, rows) == in_full(app, rows), (page.section.id, said)
                            count += len(rows)
                        assert context(page, "")["drawn"] == in_full(app, rows_of(page)), (page.section.id, said)
    assert count > 400


def test_what_a_patient_wrote_is_escaped_and_never_kept(app: Flask) -> None:
    questionnaire = next(one for one in own() if "skin" in one.items and "creams" in one.items)
    said = {
        "site": [{"valueUri": WORDS}],
        "tx.area": [{"valueString": WORDS}],
        "creams": [{"valueString": WORDS}],
        "skin": [{"valueString": WORDS}],
    }
    with app.test_request_context():
        html = "".join(context(page, "")["drawn"] for page in pages(questionnaire, said))
        after = "".join(context(page, "")["drawn"] for page in pages(questionnaire, {}))
    assert html.count("Zebra &lt;i&gt;&#34;quotes&#34;&lt;/i&gt; &amp; &#39;more&#39;") == len(said)
    assert "<i>" not in html and MARK not in html
    assert "Zebra" not in after
    kept = [*drawing._sketches.values(), *drawing._wholes.values()]
    assert not any("Zebra" in piece for sketch in kept for piece in sketch.pieces)


def test_a_macro_can_ask_a_sketch_for_nothing_that_somebody_said(app: Flask) -> None:
    questionnaire = next(one for one in own() if "skin" in one.items and "creams" in one.items)
    said = {"site": [{"valueUri": WORDS}], "creams": [{"valueString": WORDS}]}

    def tells(thing: object, names: list[str]) -> bool:
        return any("Zebra" in str(getattr(thing, name, "")) for name in names if not name.startswith("__"))

    with app.test_request_context():
        fields = [row.field for page in pages(questionnaire, said) for row in rows_of(page) if row.field is not None]
        assert sum(tells(field, dir(field)) for field in fields) == len(said)
        assert not any(tells(drawing._Blank(field), dir(field)) for field in fields)


MAPS = """\
  - id: maps
    title: Pictures
    items:
      - {id: places, type: choice, multiple: true, control: map-face, text: Where, options: {forehead: Forehead},
         items: [{id: since, type: string, text: Since when}]}
      - {id: one, type: choice, control: map-face, text: Where most, options: {forehead: Forehead, neck: Neck}}
      - {id: own, type: open-choice, multiple: true, control: map-body, text: Where else, other: Else,
         options: {a: Arms}}
      - {id: words, type: string, control: map-scalp, text: In your words}
"""


def test_a_picture_is_for_a_choice_of_several_places_and_what_lies_below_it_is_drawn(app: Flask) -> None:
    questionnaire = check_questionnaire((FILES["questions.yaml"] + MAPS).encode(), "q.yaml").questionnaire
    assert questionnaire is not None
    page = open_page(questionnaire, "maps", {})
    assert page is not None
    with app.test_request_context():
        html = str(context(page, "")["drawn"])
    assert html.count("data-map ") == 1, "one answer, words of one's own and a text have no picture"
    assert [html.count(f'data-item="{one}"') for one in ("places", "since", "one", "own", "words")] == [1] * 5
    assert "Where <span" in html, "what need not be answered says so"


def test_no_more_is_kept_than_there_is_room_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "MOST_SKETCHES", 5)
    monkeypatch.setattr(drawing, "_sketches", {})
    monkeypatch.setattr(drawing, "_wholes", {})
    _, questionnaire = next(iter(the_bundled().values()))
    with app.test_request_context():
        for page in pages(questionnaire, {}):
            context(page, "")
            assert 0 < len(drawing._sketches) <= 5
            assert 0 < len(drawing._wholes) <= 5
