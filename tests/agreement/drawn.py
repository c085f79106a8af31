"""Draws every page of a questionnaire in every language it has, and the rows of "Check your answers", and says what is
wrong with one: HTML that is not well-formed, an id twice, a question that is missing, another language than asked for.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from uuid import uuid4
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask, render_template

from intake import answers, definitions, i18n
from intake.answers.rules import Draft
from intake.clock import now
from intake.definitions import (
    Item,
    ItemType,
    Questionnaire,
    Section,
    Value,
    enabled,
    initial_answers,
    strip,
    with_entries,
)
from intake.kiosk import pages
from tests.agreement.walks import languages
from tests.answers.given_answers import random_answers

NO_RULES = "{version: 1.0.0, languages: [en], messages: {}, names: {}, rules: []}"
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
REFERRING = ("for", "aria-describedby", "aria-labelledby")


def drawing_faults(app: Flask, name: str, questionnaire: Questionnaire, counts: Counter[str]) -> Iterator[str]:
    """Draw every page in every language, with two entries of every repeating group; yield what is wrong."""
    said: dict[str, Sequence[Value]] = {**initial_answers(questionnaire)}
    said |= {
        group: [{"valueInteger": min(2, questionnaire.items[group].max_occurs or 2)}] for group in questionnaire.entries
    }
    shape = with_entries(questionnaire, said)
    for language in languages(questionnaire):
        counts["languages of these questionnaires"] += 1
        for section in questionnaire.sections:
            counts["pages drawn"] += 1
            html = _page(app, questionnaire, section, said, language)
            wanted = _words(shape, shape.section(section.id) or section, said, language)
            yield from (f"{name} {language}, page {section.id}: {fault}" for fault in _faults(html, language, wanted))
        yield from (
            f"{name} {language}, check page: {fault}" for fault in _check_page(app, questionnaire, language, counts)
        )


def _page(
    app: Flask, questionnaire: Questionnaire, section: Section, said: Mapping[str, Sequence[Value]], language: str
) -> str:
    """A page as the room for authors draws it, and the tablet with another frame."""
    with app.test_request_context("/forms/try/a"):
        i18n.set_language(language)
        page = answers.open_page(questionnaire, section.id, said)
        assert page is not None
        return render_template("authoring/try.html", **answers.context(page, ""), back_url="/forms")


def _words(shape: Questionnaire, section: Section, said: Mapping[str, Sequence[Value]], language: str) -> list[str]:
    """What has to be read on a page: the words of everything that is asked and shown, in its language."""
    on = enabled(shape, said)
    items = [shape.items[one] for one in section.items if one in on and not _is_left_out(shape.items[one], said)]
    texts = [_text(item, language) for item in items]
    options = [option.text.get(language) for item in items if not item.read_only for option in item.options]
    return [section.title.get(language), *texts, *options]


def _is_left_out(item: Item, said: Mapping[str, Sequence[Value]]) -> bool:
    """Whether a page leaves an item out: hidden, answered by the visit, or fixed without an answer."""
    return item.hidden or item.flow is not None or (item.read_only and not said.get(item.link_id))


def _text(item: Item, language: str) -> str:
    """An item's words; of words with marks nothing is demanded, for the marks are drawn."""
    if item.markdown and item.type is ItemType.DISPLAY:
        return ""
    return item.text.get(language)


def _check_page(app: Flask, questionnaire: Questionnaire, language: str, counts: Counter[str]) -> Iterator[str]:
    """Draw "Check your answers" for random answers: each question that is asked has its row, with its answer."""
    given = {**initial_answers(questionnaire), **random_answers(questionnaire, Random(language), 0.7)}
    kept = strip(questionnaire, given)
    shape = with_entries(questionnaire, kept)
    on = enabled(shape, kept)
    with app.test_request_context("/visit/check"):
        i18n.set_language(language)
        current = definitions.current_edition()
        edition = replace(current, id=uuid4(), questionnaire=questionnaire, screening=NO_RULES)
        begun = answers.Begun(uuid4(), uuid4(), edition, Draft(given), 1, now())
        sections = pages.summary(begun)
        html = render_template("kiosk/check.html", sections=sections, asked=[], errors=[], rev=1)
        rows = [row for section in sections for row in section.rows]
    counts["rows of check pages"] += len(rows)
    wanted = [item for item in shape.questions if item.link_id in on and not item.hidden]
    if len(rows) != len(wanted):
        yield f"{len(rows)} rows for {len(wanted)} questions"
    for row, item in zip(rows, wanted, strict=False):
        if not str(row["label"]).endswith(item.text.get(language)):
            yield f"{item.link_id} stands as {row['label']}"
        if bool(row["value"]) != bool(kept.get(item.link_id)):
            yield f"{item.link_id} is answered with {kept.get(item.link_id)} and reads {row['value']!r}"
    yield from _faults(html, language, [str(row["label"]) for row in rows])


def _faults(html: str, language: str, wanted: Sequence[str]) -> Iterator[str]:
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    try:
        tree: Element = parser.parse(html)
    except html5lib.html5parser.ParseError as error:
        yield f"not well-formed at {parser.tokenizer.stream.position()}: {error}"
        return
    direction = "rtl" if language.split("-")[0] in RIGHT_TO_LEFT else "ltr"
    if (tree.get("lang"), tree.get("dir")) != (language, direction):
        yield f"lang={tree.get('lang')} dir={tree.get('dir')}"
    ids = Counter(one.get("id") for one in tree.iter() if one.get("id"))
    yield from (f"the id {one} stands {count} times" for one, count in ids.items() if count > 1)
    for one in tree.iter():
        named = [target for attribute in REFERRING for target in one.get(attribute, "").split()]
        yield from (f"{one.tag} names the id {target}, which is not there" for target in named if target not in ids)
    text = _plain("".join(tree.itertext()))
    yield from (f"{words!r} is not on the page" for words in wanted if _plain(words) not in text)


def _plain(text: str) -> str:
    return " ".join(text.split())
