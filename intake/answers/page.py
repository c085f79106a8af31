"""A page of questions between a request and a draft: what it shows, what was sent, what is wrong with it.

Both the tablet and an author's trial draw and read their pages here. Keeping answers is left to the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field

from intake import i18n
from intake.answers.drawing import drawn
from intake.answers.entries import Move, counts_sent, renamed
from intake.answers.fields import LEFT_OPEN, here
from intake.answers.forms import asked, field_name, section_form, stored_data
from intake.answers.messages import group_words, summary_line
from intake.answers.rows import Look
from intake.answers.rules import demanded, short_name, unanswered_groups, with_more, without_entry
from intake.answers.script import conditions_in_json, depending
from intake.definitions import Questionnaire, Section, Value, enabled, entry_id, with_entries

Said = Mapping[str, Sequence[Value]]
Sent = MultiDict[str, str]


@dataclass(frozen=True, eq=False)
class Page:
    """A section in the shape its answers give it, all that was said before, and what of that a button just changed."""

    shape: Questionnaire
    section: Section
    before: Said
    changed: Said = field(default_factory=dict)

    known_on: frozenset[str] | None = None

    @cached_property
    def on(self) -> frozenset[str]:
        """What is asked, of the whole questionnaire."""
        return enabled(self.shape, self.before) if self.known_on is None else self.known_on


def open_page(
    questionnaire: Questionnaire,
    section_id: str,
    said: Said,
    sent: Sent | None = None,
    on: frozenset[str] | None = None,
) -> Page | None:
    """The page of a section, or None where there is no such section. What was sent says how many entries the page
    had; `on` is what is asked by what was said, where that is known already."""
    counts = counts_sent(questionnaire, sent) if sent else {}
    before = {**said, **counts}
    shape = with_entries(questionnaire, before)
    section = shape.section(section_id)
    return Page(shape, section, before, known_on=None if counts else on) if section else None


@dataclass(frozen=True, eq=False)
class Taken:
    """A page as it was sent: its form, the answers it holds, those together with all others, and whether they open a
    question that was not seen yet, which happens where no script opens it at once."""

    page: Page
    form: FlaskForm
    said: dict[str, list[Value]]
    now: Said
    opens: bool
    empty_groups: Sequence[tuple[str, str]]

    def is_good(self) -> bool:
        """Whether every answer can be kept and nothing is missing; the fields then say what is."""
        return bool(self.form.validate()) and not self.opens and not self.empty_groups

    @property
    def readable(self) -> dict[str, list[Value]]:
        """The answers that can be kept as they are, whatever is missing or wrong beside them."""
        shape, form = self.page.shape, self.form
        refused = {
            item.link_id
            for item in asked(shape, self.page.section)
            if (name := field_name(shape, item.link_id)) in form
            and (problem := form[name].reading.problem)
            and problem not in LEFT_OPEN
        }
        return {link_id: values for link_id, values in self.said.items() if link_id not in refused}


def filled(page: Page) -> FlaskForm:
    """The page's form with what is stored."""
    data: dict[str, Any] = {}
    for item in asked(page.shape, page.section):
        data[field_name(page.shape, item.link_id)] = stored_data(item, page.before.get(item.link_id, ()))
    return section_form(page.shape, page.section, i18n.language())(formdata=None, data=data)


def fill_open(page: Page, form: FlaskForm) -> None:
    """Show what is stored in the fields of a page that were sent empty; what was sent stays as it was typed."""
    for item in asked(page.shape, page.section):
        name, stored = field_name(page.shape, item.link_id), page.before.get(item.link_id)
        if stored and name in form and not any(form[name].sent):
            form[name].process(None, stored_data(item, stored))


def take(page: Page, sent: Sent) -> Taken:
    """Read what was sent for a page. Questions that are not asked, and those not seen yet, leave the form; what the
    page hid and did not send keeps its old value."""
    shape = page.shape
    form = section_form(shape, page.section, i18n.language())(sent)
    fields = {item.link_id: form[field_name(shape, item.link_id)] for item in asked(shape, page.section)}
    seen = sent["seen"].split() if "seen" in sent else None
    day_and_clocks = here()
    for one in fields.values():
        one.here = day_and_clocks
    read = {link_id: list(f.reading.values) for link_id, f in fields.items() if _was_seen(f, seen)}
    now = {**page.before, **read}
    on = enabled(shape, now)
    said = {link_id: values for link_id, values in read.items() if link_id in on or values}
    if len(said) < len(read):
        now = {**page.before, **said}
        on = enabled(shape, now)
    must, opens = demanded(shape, now, on), False
    for link_id, one in fields.items():
        one.demanded = link_id in must
        if link_id not in on or link_id not in read:
            opens = opens or link_id in on
            del form[one.name]
    counts = {one: list(page.before[one]) for one in shape.entries if one in page.section.items and one in page.before}
    empty = [] if opens else unanswered_groups(shape, page.section, now, on)
    changed = {link_id: list(values) for link_id, values in page.changed.items()}
    return Taken(page, form, changed | said | counts, now, opens, empty)


def _was_seen(field: Field, seen: Sequence[str] | None) -> bool:
    """Whether the page showed this question: it was open when the page was made, or something was sent for it. `seen`
    is what the page said that it showed, if it did."""
    return seen is None or field.name in seen or bool(field.sent)


def change_entries(questionnaire: Questionnaire, page: Page, sent: Sent, said: Said) -> tuple[Page, Sent, str] | None:
    """What "Add another" and "Remove" ask for: the page with the entries changed, what was sent for it under the names
    it then has, and the name of the entry to look at. None where no such button was pressed.

    The page says how many entries it had, so that pressing once and sending twice is one result; `said` is what is
    stored.
    """
    move = Move.of(page.shape, sent)
    if move is None or move.group not in page.section.items:
        return None
    count = page.shape.entries[move.group]
    if move.remove:
        changed = without_entry(page.shape, move.group, move.remove, page.before)
        if with_entries(questionnaire, said).entries[move.group] < count:
            changed = {one: said.get(one, ()) for one in changed} | {move.group: changed[move.group]}
        at = min(move.remove, max(1, count - 1))
    else:
        changed = with_more(page.shape, move.group, page.before)
        at = count + bool(changed)
    moved = open_page(questionnaire, page.section.id, {**page.before, **changed})
    if moved is None:
        return None
    focus = field_name(moved.shape, entry_id(move.group, at))
    return replace(moved, changed=changed), renamed(page.shape, sent, move), focus


def context(
    page: Page, rev: object, form: FlaskForm | None = None, taken: Taken | None = None, *, focus: str = ""
) -> dict[str, Any]:
    """What answers/section.html needs. Without a form the page shows what is stored. Questions opened by what was just
    sent are shown without an error; a hidden one shows what is stored, so that opening it again brings it back. `rev`
    comes back with the page; `focus` names the entry to look at first."""
    shape, now = page.shape, taken.now if taken else page.before
    empty = dict(taken.empty_groups) if taken else {}
    stored = cache(lambda: filled(replace(page, before=now)))
    on = enabled(shape, now) if taken else page.on
    look = Look(shape, form, stored, now, on, depending(shape, page.section), empty.keys(), focus)
    html, seen = drawn(page.section, look)
    problems = [(one.id, one.in_summary) for one in form or () if one.errors and hasattr(one, "in_summary")]
    for group, first in empty.items():
        problems.append((field_name(shape, first), summary_line(_name_of(page, group), group_words())))
    if form is not None:
        problems += [("", words) for words in form.form_errors or ()]
    return {
        "rev": str(rev),
        "page": page.section,
        "drawn": html,
        "problems": problems,
        "error_title": bool(problems),
        "seen": seen,
        "counts": [
            (f"n-{field_name(shape, group)}", count)
            for group, count in shape.entries.items()
            if group in page.section.items
        ],
        "opens": taken is not None and taken.opens and not taken.form.errors,
        "conditions": conditions_in_json(shape, page.section, now),
    }


def _name_of(page: Page, group: str) -> str:
    language = i18n.language()
    return short_name((page.shape.items[group].short or page.shape.items[group].text).get(language))


__all__ = ["Page", "Taken", "change_entries", "context", "fill_open", "filled", "open_page", "take"]
