"""The desk's words for states, steps, refusals and times. What they stand for is decided in `rules.py` and below."""

from collections.abc import Mapping
from datetime import date, datetime

from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from intake import consent, i18n, visits
from intake.consent import State
from intake.desk.cards import Board, Card
from intake.desk.service import Said, Unheard
from intake.errors import DomainError
from intake.visits import TokenState

STEPS = (_l("About you"), _l("Health"), _l("Treatment"), _l("Effects"), _l("Check and sign"))
STATES = {
    TokenState.WAITING: _l("Waiting for a tablet"),
    TokenState.WITH_TABLET: _l("With tablet"),
    TokenState.READY: _l("Ready for the doctor"),
    TokenState.WITH_DOCTOR: _l("With the doctor"),
    TokenState.DONE: _l("Done"),
    TokenState.LEFT: _l("Left"),
}
REFUSALS = {
    "kiosk.not_paired": _l("This tablet is not paired any more. Pair it first."),
    "kiosk.busy": _l("This tablet or this patient is busy already. Look at the list again."),
    "kiosk.not_wiped": _l("This tablet was not wiped clean yet."),
    "kiosk.no_visit": _l("This tablet holds no token any more."),
    "desk.other_day": _l("This token is of another day. Please issue a new one."),
    "desk.visit_over": _l("This visit is over."),
    "desk.with_tablet": _l("This patient still has a tablet."),
    "desk.not_your_patient": _l("This token belongs to another doctor."),
    "consent.already_decided": _l("This visit is decided already."),
    "consent.not_signed": _l("The patient has not signed. There is nothing to close."),
}

HEARD = {
    Said.RIGHT: _l("It is taken back from now on. Its record is being made."),
    Said.NOTHING_LEFT: _l("Nothing of it was left to take back. See below what stands and what was taken back before."),
}
"""What is said once the right date was said for something that the patient had agreed to."""


def unheard(why: Unheard) -> str:
    """Why no date of birth is heard now, and what to do."""
    if why.why is Said.WAIT:
        return str(
            _("Several dates were wrong. Please wait until %(time)s and try again.", time=i18n.clock_time(why.until))
        )
    return str(
        _(
            "Five dates of birth were wrong within a day. Call the patient back on the number we have, or ask them to "
            "come in. A doctor or the administrator can go on here, under their own name."
        )
    )


def refusal(error: DomainError) -> str | None:
    """What the desk says to a refusal; None for one that is not the desk's to explain."""
    words = REFUSALS.get(error.code)
    return str(words) if words else None


def state_words(card: Card) -> str:
    """Where a token stands; with a tablet, on which of the five steps."""
    if card.state is TokenState.WITH_TABLET and card.step is not None:
        return str(STEPS[card.step])
    if card.consent_state is State.DECLINED:
        return str(_("Said no"))
    if card.consent_state is State.POSTPONED:
        return str(_("Postponed by the doctor"))
    if card.consent_state is State.WITHDRAWN:
        return str(_("Taken back by the patient"))
    if card.consent_state is State.CLOSED:
        return str(_("Closed without a doctor"))
    return str(STATES[card.state])


def standing(one: consent.Standing) -> list[str]:
    """What of a visit stands, as the desk may read it: which treatment it is, only the doctor and the patient know."""
    count = sum(part.is_treatment for part in one.parts)
    several = ngettext("The consent to one treatment", "The consent to %(num)s treatments", count)
    treatment = several if one.had_several else str(_("The consent to the treatment"))
    return [treatment] * bool(count) + [part.words for part in one.parts if not part.is_treatment]


def choices(one: consent.Standing, offered: Mapping[str, str]) -> list[tuple[str, str]]:
    """What of a visit the desk may take back, by the ids of the parts. Where a visit had several treatments, each that
    the clinic offers stands there by its id with its name (`offered`), so that the desk can tick the one which the
    patient names and still reads nowhere which ones were agreed to."""
    if not any(part.is_treatment for part in one.parts):
        treatments = []
    elif one.had_several:
        all_of_them = _("Every treatment agreed to at this visit")
        only = [(part, str(_("Only: %(treatment)s", treatment=name))) for part, name in offered.items()]
        treatments = [(consent.TREATMENT, str(all_of_them)), *only]
    else:
        treatments = [(consent.TREATMENT, str(_("The consent to the treatment")))]
    return treatments + [(part.id, part.words) for part in one.parts if not part.is_treatment]


def moment_words(at: datetime, today: date) -> str:
    """A moment on the clinic's wall clock as people say it: "today 10:00", "Monday 10:00", later with the date."""
    hour = at.strftime("%H:%M")
    days = (at.date() - today).days
    if days == 0:
        return str(_("today %(hour)s", hour=hour))
    if 0 < days < 7:
        return str(_("%(weekday)s %(hour)s", weekday=format_date(at.date(), "EEEE"), hour=hour))
    return str(_("%(day)s, %(hour)s", day=format_date(at.date(), "EEEE d MMMM"), hour=hour))


def closed_words(opening: visits.Opening, today: date) -> str:
    """That no tokens are given now, and when they are again."""
    if opening.next_at is None:
        return str(_("Closed. This clinic has no opening hours."))
    return str(_("Closed. Next tokens: %(moment)s", moment=moment_words(opening.next_at, today)))


def spoken(board: Board) -> str:
    """The one line a screen reader hears when the list changes: tokens and numbers, never names."""
    if calls := board.calls_for_help:
        return str(_("%(tokens)s asked for help.", tokens=", ".join(str(card.token) for card in calls)))
    waiting = sum(card.state is TokenState.WAITING for card in board.cards)
    ready = sum(card.state is TokenState.READY for card in board.cards)
    return str(_("%(waiting)s waiting for a tablet, %(ready)s ready for the doctor.", waiting=waiting, ready=ready))
