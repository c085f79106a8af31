"""The doctor's worklist: today's visits and undecided ones of any day before, those that need a doctor first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from intake import answers, clock, consent, i18n, screening, staff, visits
from intake.review import page, rules

RECENT_DAYS = 7  # what is older still stands on the list, in a part of its own


@dataclass(frozen=True)
class Row:
    """A visit on the list. `flags` are blocks and cautions, `questions` what the patient asked."""

    visit_id: UUID
    token: str
    day: date
    days_ago: int
    name: str
    age: int | None
    doctor_id: UUID
    doctor: str
    stage: rules.Stage
    state: consent.State
    minutes_waiting: int | None
    flags: int
    questions: int

    @property
    def is_today(self) -> bool:
        """Whether the token was issued today."""
        return self.days_ago == 0

    @property
    def is_recent(self) -> bool:
        """Whether it was issued in the last few days."""
        return self.days_ago <= RECENT_DAYS

    @property
    def needs_doctor(self) -> bool:
        """Whether nothing goes on before a doctor acts."""
        return self.stage in rules.NEED_A_DOCTOR


def worklist(doctor_id: UUID | None) -> list[Row]:
    """The visits a doctor may want to open, of one doctor's tokens or of all, those that need a doctor first."""
    today = clock.today(i18n.clinic().zone)
    found = {visit.id: visit for visit in visits.list_day(today)}
    found |= {visit_id: visits.get_visit(visit_id) for visit_id in consent.list_undecided() if visit_id not in found}
    own = [visit for visit in found.values() if doctor_id in (None, visit.doctor_id)]
    in_order = sorted(_rows(own, today), key=lambda pair: rules.order(pair[0].stage, pair[0].is_today, pair[1]))
    return [row for row, _since in in_order]


def _rows(own: list[visits.VisitView], today: date) -> Iterable[tuple[Row, datetime]]:
    ids = [visit.id for visit in own]
    submitted, flags = answers.is_submitted(ids), screening.flag_counts(ids)
    doctors: dict[UUID, str] = {}
    for visit in own:
        is_submitted = visit.id in submitted
        stage = page.stage_of(visit.id, is_submitted=is_submitted)
        if stage not in rules.NEED_A_DOCTOR and (visit.day != today or (not is_submitted and _has_left(visit.id))):
            continue
        if visit.doctor_id not in doctors:
            doctors[visit.doctor_id] = staff.get_member(visit.doctor_id).name
        yield _row(visit, stage, (today - visit.day).days, flags.get(visit.id, 0), doctors[visit.doctor_id])


def _has_left(visit_id: UUID) -> bool:
    is_over = rules.is_over(consent.state_of(visit_id))
    state, _help = visits.state_facts(visit_id, has_tablet=False, is_submitted=False, is_over=is_over)
    return state is visits.TokenState.LEFT


def _row(visit: visits.VisitView, stage: rules.Stage, days_ago: int, flags: int, doctor: str) -> tuple[Row, datetime]:
    facts = visits.facts_of(visit.patient_id)
    needs_doctor = stage in rules.NEED_A_DOCTOR
    given = answers.find_submission(visit.id) if needs_doctor else None
    shown = consent.find_shown(visit.id) if needs_doctor else None
    row = Row(
        visit_id=visit.id,
        token=str(visit.token),
        day=visit.day,
        days_ago=days_ago,
        name=facts.get(visits.Fact.NAME, ""),
        age=rules.age(facts.get(visits.Fact.BORN_ON, ""), visit.day),
        doctor_id=visit.doctor_id,
        doctor=doctor,
        stage=stage,
        state=consent.state_of(visit.id),
        minutes_waiting=page.minutes_since(given.at if given else None, visit, stage),
        flags=flags,
        questions=len(shown.asked) if shown else 0,
    )
    return row, given.at if given else visit.issued_at
