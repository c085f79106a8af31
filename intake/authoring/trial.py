"""Trying a questionnaire as a patient would, without keeping a thing: what was said travels in the page, signed.

The questions are those of the room of answers, drawn and read by the same code.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.datastructures import MultiDict
from wtforms import Field

from intake import answers, clock, i18n
from intake.definitions import (
    Item,
    Questionnaire,
    Section,
    Value,
    answer_text,
    enabled,
    initial_answers,
    strip,
    visible_sections,
    with_entries,
)

Said = Mapping[str, Sequence[Value]]


@dataclass(frozen=True)
class Row:
    """One item of a page as the page's template wants it: its field (none for words), whether it is asked, and whether
    that depends on other answers."""

    item: Item
    field: Field | None
    on: bool
    depends: bool

    @property
    def enabled(self) -> bool | None:
        """None for an item that is always asked."""
        return self.on if self.depends else None


@dataclass(frozen=True, eq=False)
class Trial:
    """Where somebody is who tries a questionnaire: what was said so far, and the page in hand, None after the last."""

    questionnaire: Questionnaire
    said: Said
    page: Section | None

    @property
    def shape(self) -> Questionnaire:
        """The questionnaire with the entries these answers give it."""
        return with_entries(self.questionnaire, self.said)


def begin(questionnaire: Questionnaire) -> Trial:
    """The first page, with what is answered before anybody speaks."""
    said = initial_answers(questionnaire)
    return Trial(questionnaire, said, next(iter(visible_sections(questionnaire, said)), None))


def resume(questionnaire: Questionnaire, token: str) -> Trial | None:
    """The trial a page was made from; None for a token that is not ours, or of another questionnaire."""
    try:
        found = _signer().loads(token)
    except BadData:
        return None
    if found["of"] != questionnaire.sha256:
        return None
    trial = Trial(questionnaire, found["said"], None)
    return Trial(questionnaire, found["said"], trial.shape.section(found["page"]))


def _token(trial: Trial, page: Section) -> str:
    return str(_signer().dumps({"of": trial.questionnaire.sha256, "said": trial.said, "page": page.id}))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="a questionnaire being tried")


def shown(trial: Trial, page: Section) -> dict[str, Any]:
    """What the page of questions needs, filled with what was said."""
    return _context(trial, page, _filled(trial, page), trial.said, opens=False)


def _filled(trial: Trial, page: Section) -> FlaskForm:
    data: dict[str, Any] = {
        answers.field_name(trial.shape, item.link_id): answers.stored_data(item, trial.said.get(item.link_id, ()))
        for item in answers.asked(trial.shape, page)
    }
    return answers.section_form(trial.shape, page, i18n.language())(formdata=None, data=data)


def answer(trial: Trial, page: Section, sent: MultiDict[str, str]) -> tuple[Trial, dict[str, Any] | None]:
    """Take a page: the trial on its next page; or the same page again with what to put right, or with what its answers
    opened, as the page of questions needs it."""
    shape, today = trial.shape, clock.today(i18n.clinic().zone)
    form = answers.section_form(shape, page, i18n.language())(sent)
    seen = sent.get("seen", "").split()
    fields = {item.link_id: form[answers.field_name(shape, item.link_id)] for item in answers.asked(shape, page)}
    here = {link: field for link, field in fields.items() if field.name in seen or field.sent}
    said = {**trial.said, **{link: list(answers.read(f.item, f.sent, today).values) for link, f in here.items()}}
    on = enabled(shape, said)
    for link, field in fields.items():
        if link not in on or link not in here:
            del form[field.name]
    opens = any(link in on and link not in here for link in fields)
    if not form.validate() or opens:
        return trial, _context(trial, page, form, said, opens=opens)
    following = [section.id for section in visible_sections(trial.questionnaire, said)]
    after = following[following.index(page.id) + 1 :] if page.id in following else following
    done = Trial(trial.questionnaire, said, None)
    return Trial(trial.questionnaire, said, done.shape.section(after[0]) if after else None), None


def _context(trial: Trial, page: Section, form: FlaskForm, now: Said, *, opens: bool) -> dict[str, Any]:
    """The context of answers/section.html. Its field for the revision carries the trial."""
    shape = trial.shape
    form.rev.data = _token(trial, page)
    on, conditions = enabled(shape, now), answers.conditions_for(shape, page, now)
    stored = _filled(trial, page)
    rows = []
    for link_id in page.items:
        item, name = shape.items[link_id], answers.field_name(shape, link_id)
        field = form[name] if name in form else stored[name] if name in stored else None
        if field is not None or (not item.is_question and not item.hidden and item.text):
            rows.append(Row(item, field, link_id in on, link_id in conditions["items"]))
    return {
        "form": form,
        "page": page,
        "rows": rows,
        "seen": " ".join(row.field.name for row in rows if row.field is not None and row.on),
        "opens": opens and not form.errors,
        "conditions": json.dumps(conditions, ensure_ascii=False),
    }


@dataclass(frozen=True)
class Answered:
    """One answer as it would be given: the question, the words, and what the definition tells the doctor of it."""

    question: str
    words: str
    flags: tuple[str, ...]


def result(trial: Trial, language: str) -> list[tuple[str, list[Answered]]]:
    """What would be submitted, page by page: only what is asked."""
    given = strip(trial.questionnaire, trial.said)
    shape = with_entries(trial.questionnaire, given)
    return [
        (
            section.title.get(language),
            [_said(shape.items[link], given[link], language) for link in section.items if link in given],
        )
        for section in visible_sections(shape, given)
    ]


def _said(item: Item, values: Sequence[Value], language: str) -> Answered:
    chosen = [option.flag for option in item.options if option.flag and option.value in values]
    raised = [flag for flag in item.flags if flag.value in values]
    words = answer_text(item, values, language)
    return Answered(
        item.text.get(language), words, tuple(f"{flag.severity}: {flag.text}" for flag in [*chosen, *raised])
    )
