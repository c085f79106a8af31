"""Trying a questionnaire as a patient would, without keeping a thing: what was said travels in the page, signed.

The questions are those of the room of answers, drawn and read by the same code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.datastructures import MultiDict

from intake import answers
from intake.definitions import (
    Item,
    Questionnaire,
    Section,
    Value,
    answer_text,
    initial_answers,
    strip,
    visible_sections,
    with_entries,
)

Said = Mapping[str, Sequence[Value]]


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
    here = _page(trial, page)
    return _context(trial, here)


def _page(trial: Trial, page: Section, sent: MultiDict[str, str] | None = None) -> answers.Page:
    found = answers.open_page(trial.questionnaire, page.id, trial.said, sent)
    if found is None:
        raise KeyError(page.id)
    return found


def answer(trial: Trial, page: Section, sent: MultiDict[str, str]) -> tuple[Trial, dict[str, Any] | None]:
    """Take a page: the trial on its next page; or the same page again with what to put right, with what its answers
    opened, or with an entry more or less, as the page of questions needs it."""
    here = _page(trial, page, sent)
    if changed := answers.change_entries(trial.questionnaire, here, sent, trial.said):
        here, sent, focus = changed
        taken = answers.take(here, sent)
        kept = Trial(trial.questionnaire, {**here.before, **taken.readable}, page)
        return kept, _context(kept, replace(here, before=taken.now), taken.form, focus=focus)
    taken = answers.take(here, sent)
    if not taken.is_good():
        return trial, _context(trial, here, taken.form, taken)
    said = {**trial.said, **taken.said}
    following = [section.id for section in visible_sections(trial.questionnaire, said)]
    after = following[following.index(page.id) + 1 :] if page.id in following else following
    done = Trial(trial.questionnaire, said, None)
    return Trial(trial.questionnaire, said, done.shape.section(after[0]) if after else None), None


def _context(
    trial: Trial,
    page: answers.Page,
    form: FlaskForm | None = None,
    taken: answers.Taken | None = None,
    *,
    focus: str = "",
) -> dict[str, Any]:
    """The context of answers/section.html. Its field for the revision carries the trial."""
    return answers.context(page, _token(trial, page.section), form, taken, focus=focus)


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
