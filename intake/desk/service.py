"""The verbs of the desk: issue, hand out, call, note who left, close what nobody reviewed. The list: `cards.py`."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from intake import audit, clock, consent, definitions, kiosk, review, staff, visits
from intake.access import Actor, Role
from intake.config import Clinic
from intake.desk import rules
from intake.desk.cards import Board, Card, TabletRow, board, card_of, get_tablet, is_free, tray
from intake.errors import Invalid, NotAllowed, NotFound

MOST_MATCHES = 20


@dataclass(frozen=True)
class Withdrawal:
    """What a patient asks staff to take back, how they asked, and what they said to be known by."""

    parts: frozenset[str]
    how: consent.Request
    born_on: date
    called_back: bool
    reason: str


@dataclass(frozen=True)
class NewToken:
    """What reception enters for a token. `patient_id` is a known patient; `form_key` the one-time key of the form."""

    doctor_id: UUID
    name: str
    phone: str
    form_key: str
    patient_id: UUID | None = None
    override_reason: str = ""

    @property
    def digest(self) -> str:
        """What makes a second sending the same one: the page's key and what was entered.

        The key alone would swallow the next person entered on a page that somebody went back to.
        """
        said = "\0".join([self.form_key, str(self.doctor_id), str(self.patient_id), self.name, self.phone])
        return sha256(said.encode()).hexdigest()


class Called(StrEnum):
    """How a call ended."""

    DONE = "done"
    ALREADY = "already"


@dataclass(frozen=True)
class Call:
    """A call of a token: ours, or somebody else's a moment ago, with who and when where that is known."""

    result: Called
    token: visits.Token
    who: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Match:
    """A known patient as reception may see one: enough to choose, no more."""

    id: UUID
    initials: str
    born_in: str
    last_day: date | None
    open_token: visits.Token | None


def issue(clinic: Clinic, order: NewToken, *, by: Actor) -> visits.VisitView:
    """Issue a token, once for each form sent.

    Raises NotAllowed("visits.closed") out of hours without a reason, NotFound for no such patient or doctor.
    """
    if order.patient_id is not None and not visits.facts_of(order.patient_id):
        raise NotFound("desk.no_such_patient", patient_id=order.patient_id)
    if Role.DOCTOR not in staff.get_member(order.doctor_id).roles:
        raise NotFound("desk.no_such_doctor", doctor_id=order.doctor_id)
    return visits.issue_token(
        clinic,
        doctor_id=order.doctor_id,
        name=order.name,
        phone=order.phone,
        patient_id=order.patient_id,
        override_reason=order.override_reason,
        form_key=order.digest,
        by=by,
    )


def find_matches(clinic: Clinic, name: str, phone: str) -> list[Match]:
    """Known patients by name prefix and phone, newest visit first.

    Raises Invalid where it says too little ("desk.search_too_short") or finds too many ("desk.too_many_matches").
    """
    if not rules.may_search(name, phone):
        raise Invalid("desk.search_too_short")
    found = visits.find_patients_by(name=name, phone=phone)
    if len(found) > MOST_MATCHES:
        raise Invalid("desk.too_many_matches", found=len(found))
    today = clock.today(clinic.zone)
    came: dict[UUID, list[visits.VisitView]] = {}
    for visit in visits.visits_of_patients(found):
        came.setdefault(visit.patient_id, []).append(visit)
    matches = [_match(patient_id, came.get(patient_id, []), today) for patient_id in found]
    return sorted(matches, key=lambda m: (m.last_day or date.min, m.initials), reverse=True)


def get_match(clinic: Clinic, patient_id: UUID) -> Match:
    """One known patient, hinted at. Raises NotFound."""
    if not visits.facts_of(patient_id):
        raise NotFound("desk.no_such_patient", patient_id=patient_id)
    return _match(patient_id, visits.visits_of_patients([patient_id]), clock.today(clinic.zone))


def _match(patient_id: UUID, came: list[visits.VisitView], today: date) -> Match:
    facts = visits.facts_of(patient_id)
    open_today = [v.token for v in came if v.day == today and consent.state_of(v.id) is consent.State.OPEN]
    return Match(
        patient_id,
        rules.initials(facts.get(visits.Fact.NAME, "")),
        facts.get(visits.Fact.BORN_ON, "")[:4],
        max((visit.day for visit in came), default=None),
        open_today[0] if open_today else None,
    )


def languages() -> tuple[str, ...]:
    """The languages a form may be given out in, the base first."""
    return definitions.current_edition().questionnaire.languages


def give_tablet(clinic: Clinic, visit_id: UUID, tablet_id: UUID, language: str, *, by: Actor) -> None:
    """Hand a clean tablet to a token of today; an unknown language is the base. Raises NotAllowed."""
    _still_open_today(clinic, visit_id)
    offered = languages()
    kiosk.give(tablet_id, visit_id, language if language in offered else offered[0], by=by)


def take_tablet_back(visit_id: UUID, *, by: Actor) -> None:
    """End a token's time on its tablet; what is answered stays. Without a tablet nothing happens."""
    visits.lock_visit(visit_id)
    if tablet := kiosk.tablets_of([visit_id]).get(visit_id):
        kiosk.take_back(tablet.id, by=by)


def call(clinic: Clinic, visit_id: UUID, *, by: Actor) -> Call:
    """Call a token to its doctor. Of two who call at once the second learns that it is called already.

    Reception calls for everybody, a doctor for themselves. Raises NotAllowed otherwise, and for who cannot come now.
    """
    visit = visits.lock_visit(visit_id)
    if Role.RECEPTION not in by.roles and visit.doctor_id != by.id:
        raise NotAllowed("desk.not_your_patient", visit_id=visit_id)
    if rules.is_called(visits.moves_of(visit_id)):
        return _earlier_call(visit)
    _still_open_today(clinic, visit_id)
    if kiosk.tablets_of([visit_id]):
        raise NotAllowed("desk.with_tablet", visit_id=visit_id)
    visits.move(visit_id, visits.Move.CALLED, by=by)
    return Call(Called.DONE, visit.token)


def _earlier_call(visit: visits.VisitView) -> Call:
    entry = next((e for e in reversed(audit.history_of(visit.id)) if e.event == "visit.called"), None)
    if entry is None:
        return Call(Called.ALREADY, visit.token)
    people = {f"staff:{member.id}": member.name for member in staff.list_members()}
    return Call(Called.ALREADY, visit.token, people.get(entry.actor, ""), entry.at)


def go_and_help(visit_id: UUID, *, by: Actor) -> None:
    """Somebody goes to the patient who called for help. Without a call nothing happens."""
    visits.lock_visit(visit_id)
    if visits.needs_help(visit_id):
        visits.move(visit_id, visits.Move.HELP_MET, by=by)


def leave(clinic: Clinic, visit_id: UUID, *, by: Actor) -> None:
    """Note that a patient of today has gone; a tablet in use comes back. Raises NotAllowed once it is decided."""
    _still_open_today(clinic, visit_id)
    visits.move(visit_id, visits.Move.LEFT, by=by)
    take_tablet_back(visit_id, by=by)  # after the move: so the log says that leaving took it (`come_back`)


def come_back(clinic: Clinic, visit_id: UUID, *, by: Actor) -> kiosk.Tablet | None:
    """Undo a leaving of today, pressed by mistake or not: the token stands where it stood. Gives the tablet that is in
    the patient's hands again, where leaving took one and nothing happened to it since. Who has not left stays.

    Raises NotAllowed once it is decided.
    """
    _still_open_today(clinic, visit_id)
    if not rules.has_left(visits.moves_of(visit_id)):
        return None
    had_tablet = rules.left_with_tablet([entry.event for entry in audit.history_of(visit_id)])
    visits.move(visit_id, visits.Move.CAME_BACK, by=by)
    if had_tablet and kiosk.put_back(visit_id, by=by):
        return kiosk.tablets_of([visit_id]).get(visit_id)
    return None


def take_out_of_use(tablet_id: UUID, *, by: Actor) -> None:
    """A tablet is lost, stolen or broken: it opens nothing from now on, and who holds it gives it back, answers kept.
    Raises NotFound."""
    if (row := get_tablet(tablet_id)).tablet.visit_id is not None:
        visits.lock_visit(row.tablet.visit_id)
    kiosk.unpair(tablet_id, by=by)


def close_unreviewed(clinic: Clinic, visit_id: UUID, reason: str, *, by: Actor) -> None:
    """End a signed visit that no doctor reviewed, of any day; the reason goes into the record.

    Raises Invalid without a reason, NotAllowed where it is not signed or decided already.
    """
    words = rules.read_words(reason)
    if not words:
        raise Invalid("desk.no_reason")
    take_tablet_back(visit_id, by=by)
    consent.decide(clinic, visit_id, consent.Kind.CLOSED, {"words": words}, by=by)


class Said(StrEnum):
    """What came of a date of birth that somebody said to take something back, and of the asking."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_HERE = "not_here"  # too many were wrong: the patient is called back or comes in, or a doctor goes on
    WAIT = "wait"
    NOT_AGREED = "not_agreed"  # it was right, and something was asked for that was never agreed to
    NOTHING_LEFT = "nothing_left"  # it was right, and nothing of what was asked for stood any more


@dataclass(frozen=True)
class Unheard:
    """Why no date is heard now for a patient, and from when one is again."""

    why: Said
    until: datetime


def unheard_of(patient_id: UUID, *, by: Actor) -> Unheard | None:
    """Whether dates of birth for this patient are heard from this person now; None means that they are.

    After five wrong ones within a day, since the last right one, reception hears no more; a doctor or an administrator
    goes on, with a wait that grows like the one to sign in, and never for good.
    """
    who = _dates_of(patient_id)
    wrong = staff.failures(who, rules.WRONG_DATES.window)
    if rules.is_for_doctor(len(wrong), is_doctor_or_admin=bool(by.roles & {Role.DOCTOR, Role.ADMIN})):
        return Unheard(Said.NOT_HERE, wrong[-rules.WRONG_DATES.free] + rules.WRONG_DATES.window)
    again = staff.wait_until(who, rules.WRONG_DATES)
    return Unheard(Said.WAIT, again) if again else None


def _dates_of(patient_id: UUID) -> bytes:
    return staff.mark("birth-date", str(patient_id))


def withdraw(clinic: Clinic, visit_id: UUID, asked: Withdrawal, *, by: Actor) -> Said:
    """Take back for a patient who calls, writes or stands at the desk; gives what came of it. With a wrong date of
    birth, for what was never agreed to, and where nothing of it is left, nothing is taken back, and the log says so;
    where no date is heard it is not looked at. Raises NotAllowed as `consent.withdraw` does."""
    visit = visits.get_visit(visit_id)
    staff.one_at_a_time(_dates_of(visit.patient_id))
    if (unheard := unheard_of(visit.patient_id, by=by)) is not None:
        return unheard.why
    is_right = visits.facts_of(visit.patient_id).get(visits.Fact.BORN_ON) == asked.born_on.isoformat()
    staff.count(_dates_of(visit.patient_id), is_right=is_right)
    if not is_right:
        audit.record("identity.refused", visit_id, by=by)
        return Said.WRONG
    try:
        is_taken = consent.withdraw(
            clinic,
            visit_id,
            asked.parts,
            asked.reason,
            asked.how,
            identity=["born_on", "called_back"] if asked.called_back else ["born_on"],
            language=_language_read(visit_id),
            by=by,
        )
    except Invalid:  # before anything was written
        audit.record("withdrawal.refused", visit_id, by=by)
        return Said.NOT_AGREED
    if not is_taken:
        audit.record("withdrawal.nothing_left", visit_id, by=by)
        return Said.NOTHING_LEFT
    return Said.RIGHT


def _language_read(visit_id: UUID) -> str:
    """The language the patient read and signed in: what is taken back is put in the same words."""
    shown = consent.find_shown(visit_id)
    return shown.language if shown else "en"


def list_unreviewed() -> list[review.Row]:
    """Visits signed on an earlier day that no doctor has decided, oldest first."""
    rows = (row for row in review.worklist(None) if not row.is_today and row.stage is review.Stage.SIGNED)
    return sorted(rows, key=lambda row: (row.day, row.token))


def _still_open_today(clinic: Clinic, visit_id: UUID) -> None:
    visit = visits.lock_visit(visit_id)
    if visit.day != clock.today(clinic.zone):
        raise NotAllowed("desk.other_day", visit_id=visit_id)
    if consent.state_of(visit_id) not in (consent.State.OPEN, consent.State.SIGNED):
        raise NotAllowed("desk.visit_over", visit_id=visit_id)


__all__ = [
    "MOST_MATCHES",
    "Board",
    "Call",
    "Called",
    "Card",
    "Match",
    "NewToken",
    "TabletRow",
    "Withdrawal",
    "board",
    "call",
    "card_of",
    "close_unreviewed",
    "come_back",
    "find_matches",
    "get_match",
    "get_tablet",
    "give_tablet",
    "go_and_help",
    "is_free",
    "issue",
    "languages",
    "leave",
    "list_unreviewed",
    "take_out_of_use",
    "take_tablet_back",
    "tray",
    "withdraw",
]
