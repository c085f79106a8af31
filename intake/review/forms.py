"""What a doctor types: one form for everything there is to settle about a visit, and why a visit is postponed."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, PasswordField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import HiddenInput

from intake.review import rules, words
from intake.review.page import Matter, Matters

LONGEST_PASSWORD = 255


def verdict_name(about: str) -> str:
    """The form's name, and the page's id, for the verdict about a point."""
    return "v-" + about.replace(":", "-")


def words_name(about: str) -> str:
    """The form's name, and the page's id, for the words about a point."""
    return "w-" + about.replace(":", "-")


class ReviewForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """Made for one visit by `review_form`: a verdict and words for each point, and what countersigning takes.

    `seen` is the newest decision on the page, `sha256` what of the evidence it shows (page.seen_of).
    """

    matters: tuple[Matter, ...] = ()
    seen = IntegerField(widget=HiddenInput(), default=0)
    sha256 = HiddenField(validators=[Length(max=64)])
    password = PasswordField(_l("Your password"), [Length(max=LONGEST_PASSWORD)])

    def entry(self, about: str) -> rules.Entry:
        """What was typed about one point."""
        chosen = self[verdict_name(about)].data
        verdict = rules.Verdict.SEEN.value if chosen is True else chosen or ""
        typed = self[words_name(about)].data if words_name(about) in self else ""
        return rules.Entry(about, verdict, typed or "")

    @property
    def entries(self) -> list[rules.Entry]:
        """What was typed about every point."""
        return [self.entry(matter.point.about) for matter in self.matters]

    def validate(self, extra_validators: Any = None) -> bool:
        """Say beside a field why its entry cannot be taken."""
        is_sound = bool(super().validate(extra_validators))
        for matter in self.matters:
            wrong = rules.fault(matter.point, self.entry(matter.point.about))
            if wrong is not None:
                self._refuse(matter.point, wrong)
                is_sound = False
        return is_sound

    def _refuse(self, point: rules.Point, wrong: rules.Fault) -> None:
        is_in_words = wrong in (rules.Fault.NO_WORDS, rules.Fault.TOO_LONG)
        field = self[(words_name if is_in_words else verdict_name)(point.about)]
        field.errors = [words.of_fault(wrong, point)]


def review_form(matters: Matters) -> type[ReviewForm]:
    """The form class for what there is to settle about one visit."""
    fields: dict[str, Any] = {"matters": matters.all}
    for matter in matters.all:
        about, kind = matter.point.about, matter.point.kind
        fields[verdict_name(about)] = _verdict(matter.point)
        if kind is not rules.Kind.NOTE:
            fields[words_name(about)] = TextAreaField(words.LABELS[kind])
    return type("VisitReviewForm", (ReviewForm,), fields)


def _verdict(point: rules.Point) -> Field:
    if point.kind is rules.Kind.NOTE:
        return BooleanField(words.LEGENDS[point.kind])
    choices = [SelectChoice(verdict.value, words.PICKS[verdict]) for verdict in rules.verdicts_for(point)]
    # What is offered, the rules say, in a sentence of our own.
    return RadioField(words.LEGENDS[point.kind], choices=choices, validate_choice=False)


def filled(matters: Matters, seen_sha256: str, typed: Iterable[rules.Entry] = ()) -> ReviewForm:
    """The form as a page first shows it: what is decided so far, or what was typed about a point instead."""
    known = {about: (one.verdict.value, one.words) for about, one in matters.counts.items()}
    known |= {entry.about: (entry.verdict, entry.words) for entry in typed}
    data: dict[str, Any] = {"seen": matters.seen, "sha256": seen_sha256}
    for about, (verdict, typed_words) in known.items():
        data[verdict_name(about)], data[words_name(about)] = verdict, typed_words
    return review_form(matters)(formdata=None, data=data)


class PostponeForm(FlaskForm):  # type: ignore[misc]
    """Why, and what the patient does next."""

    words = TextAreaField(
        _l("Why, and what happens next"),
        [
            DataRequired(_l("Write why the session is postponed, in your words")),
            Length(max=rules.MOST_WORDS, message=_l("Write at most 2,000 characters")),
        ],
    )
