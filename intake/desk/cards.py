"""What the desk shows of a day: tokens, each with its step and one thing to do; doctors; tablets.

Names are shown, answers never: flags and questions are numbers, and steps come from the log, which holds no words.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from intake import answers, audit, clock, consent, kiosk, screening, staff, visits
from intake.config import Clinic
from intake.desk import rules
from intake.errors import NotFound
from intake.visits import TokenState

GONE = (TokenState.DONE, TokenState.LEFT)


@dataclass(frozen=True)
class Card:
    """A token of the day as the desk sees it. `step` counts from 0; `minutes` are those spent in the present state."""

    visit_id: UUID
    token: visits.Token
    day: date
    name: str
    doctor_id: UUID
    issued_at: datetime
    state: TokenState
    consent_state: consent.State
    needs_help: bool
    step: int | None
    minutes: int
    flags: int
    questions: int
    tablet: kiosk.Tablet | None
    wants_tablet: bool
    action: rules.Action

    @property
    def is_gone(self) -> bool:
        """Whether the visit is done or the patient has left."""
        return self.state in GONE

    @property
    def is_late(self) -> bool:
        """Whether somebody who is ready has waited too long for the doctor."""
        return self.state is TokenState.READY and self.minutes > rules.LATE_MINUTES


@dataclass(frozen=True)
class Strip:
    """A doctor: who is in the room, since when, and who is next."""

    doctor: staff.Member
    now: Card | None
    next: Card | None


@dataclass(frozen=True)
class TabletRow:
    """A tablet, and the token in whose hands it is."""

    tablet: kiosk.Tablet
    token: visits.Token | None

    @property
    def is_ready(self) -> bool:
        """Whether it may be given to the next patient."""
        return is_free(self.tablet)


@dataclass(frozen=True)
class Board:
    """Today's tokens and doctors, and the clean tablet that goes out next."""

    cards: list[Card]
    strips: list[Strip]
    next_tablet: kiosk.Tablet | None

    @property
    def calls_for_help(self) -> list[Card]:
        """Who called for help and is still here."""
        return [card for card in self.cards if card.needs_help and not card.is_gone]


@dataclass(frozen=True)
class _Event:
    event: str
    section: str
    at: datetime


@dataclass(frozen=True)
class _Around:
    """What the cards of one look share."""

    clinic: Clinic
    submitted: set[UUID]
    flags: dict[UUID, int]
    held: dict[UUID, kiosk.Tablet]
    has_free: bool


def is_free(tablet: kiosk.Tablet) -> bool:
    """Whether a tablet is paired, clean and in nobody's hands."""
    return tablet.is_paired and not tablet.needs_wipe and tablet.visit_id is None


def board(clinic: Clinic) -> Board:
    """Today's desk: calls for help first, then by how long people have been here."""
    today = visits.list_day(clock.today(clinic.zone))
    tablets = kiosk.list_tablets()
    cards = rules.waiting_order(
        _cards(clinic, today, tablets), lambda c: c.state, lambda c: c.needs_help, lambda c: c.issued_at
    )
    strips = [_strip(doctor, cards) for doctor in staff.list_doctors()]
    return Board(cards, strips, next((tablet for tablet in tablets if is_free(tablet)), None))


def tray() -> list[TabletRow]:
    """All tablets by name, each with the token it is with."""
    return [
        TabletRow(tablet, visits.get_visit(tablet.visit_id).token if tablet.visit_id else None)
        for tablet in kiosk.list_tablets()
    ]


def get_tablet(tablet_id: UUID) -> TabletRow:
    """One tablet, with the token it is with. Raises NotFound."""
    if (row := next((row for row in tray() if row.tablet.id == tablet_id), None)) is None:
        raise NotFound("kiosk.unknown", device_id=tablet_id)
    return row


def card_of(clinic: Clinic, visit_id: UUID) -> Card:
    """One token, of whatever day. Raises NotFound."""
    return _cards(clinic, [visits.get_visit(visit_id)], kiosk.list_tablets())[0]


def _strip(doctor: staff.Member, cards: Sequence[Card]) -> Strip:
    own = [card for card in cards if card.doctor_id == doctor.id]
    inside = [card for card in own if card.state is TokenState.WITH_DOCTOR]
    return Strip(
        doctor,
        min(inside, key=lambda card: card.minutes, default=None),
        rules.next_to_call(own, lambda card: card.state, lambda card: card.issued_at),
    )


def _cards(clinic: Clinic, of: Sequence[visits.VisitView], tablets: Sequence[kiosk.Tablet]) -> list[Card]:
    ids = [visit.id for visit in of]
    around = _Around(
        clinic,
        answers.is_submitted(ids),
        screening.flag_counts(ids),
        {tablet.visit_id: tablet for tablet in tablets if tablet.visit_id},
        any(is_free(tablet) for tablet in tablets),
    )
    return [_card(visit, around) for visit in of]


def _card(visit: visits.VisitView, around: _Around) -> Card:
    stands, tablet = consent.state_of(visit.id), around.held.get(visit.id)
    is_over = stands not in (consent.State.OPEN, consent.State.SIGNED)
    is_ready = _is_ready(visit.id, stands, around)
    state, needs_help = visits.state_facts(
        visit.id, has_tablet=tablet is not None, is_submitted=is_ready, is_over=is_over
    )
    events = [] if state in GONE else _events(visit.id)
    wants_tablet = stands is consent.State.OPEN and not is_ready and tablet is None
    standing = rules.Standing(state, needs_help, tablet.hold if tablet else None, wants_tablet, around.has_free)
    return Card(
        visit_id=visit.id,
        token=visit.token,
        day=visit.day,
        name=visits.facts_of(visit.patient_id).get(visits.Fact.NAME, ""),
        doctor_id=visit.doctor_id,
        issued_at=visit.issued_at,
        state=state,
        consent_state=stands,
        needs_help=needs_help,
        step=rules.step_from_events((e.event, e.section) for e in events) if state is TokenState.WITH_TABLET else None,
        minutes=rules.minutes_since(_since(state, events) or visit.issued_at, clock.now()),
        flags=around.flags.get(visit.id, 0),
        questions=_questions(visit.id, events),
        tablet=tablet,
        wants_tablet=wants_tablet,
        action=rules.main_action(standing),
    )


def _is_ready(visit_id: UUID, stands: consent.State, around: _Around) -> bool:
    """Whether the next step is the doctor's: the patient has signed, or talks with the doctor before signing."""
    if stands is not consent.State.OPEN:
        return stands is consent.State.SIGNED
    if visit_id not in around.submitted or visits.Move.RELEASED in visits.moves_of(visit_id):
        return False
    given = answers.get_submission(visit_id)
    return rules.talks_first(
        sign_first=around.clinic.sign_first,
        holds_consent=any(finding.holds_consent for finding in screening.findings_of(visit_id)),
        has_treatment=bool(screening.treatments_of(given.edition, given.answers)),
    )


def _events(visit_id: UUID) -> list[_Event]:
    return [
        _Event(entry.event, str(json.loads(entry.body)["facts"].get("section", "")), entry.at)
        for entry in audit.history_of(visit_id)
    ]


def _since(state: TokenState, events: Sequence[_Event]) -> datetime | None:
    """When the present state began, by the newest event that begins it; None: with the token."""
    begins = {
        TokenState.READY: ("response.submitted", "consent.signed"),
        TokenState.WITH_DOCTOR: ("visit.called",),
        TokenState.WITH_TABLET: ("tablet.given",),
    }.get(state, ())
    return max((event.at for event in events if event.event in begins), default=None)


def _questions(visit_id: UUID, events: Sequence[_Event]) -> int:
    """How many explained things the patient has a question about; which ones, the desk does not learn."""
    if not any(event.event == "consent.page_answered" for event in events):
        return 0
    shown = consent.find_shown(visit_id)
    return len(shown.asked) if shown else 0
