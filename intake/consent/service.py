"""The verbs of consent: present, reply, teach back, sign, decline, countersign. Statements are in statements.py."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from intake import answers, audit, clock, definitions, screening, vault, visits
from intake.access import Actor
from intake.config import Clinic
from intake.consent import evidence, presenting, rules
from intake.consent.models import Presentation, Reply, Statement
from intake.consent.statements import find_statement, kinds_of, make_statement
from intake.db import db, new_id
from intake.definitions import Answers
from intake.errors import Invalid, NotAllowed, NotFound, Stale


@dataclass(frozen=True)
class Shown:
    """What a patient is shown, and how they have answered so far."""

    id: UUID
    visit_id: UUID
    language: str
    body: Mapping[str, Any]
    replies: Mapping[str, str]
    read: frozenset[str]
    tries: Mapping[str, list[str]]

    @property
    def open_pages(self) -> list[str]:
        """Pages that still want an answer."""
        return rules.open_pages(self.body["pages"], self.replies, self.read)

    def teach(self, question: Mapping[str, Any]) -> rules.Teach:
        """How one teach-back question stands."""
        right = next(o["code"] for o in question["options"] if o["right"])
        return rules.teach_state(right, self.tries.get(question["id"], []))

    @property
    def open_questions(self) -> list[str]:
        """Teach-back questions not yet right nor left to the doctor."""
        return [q["id"] for q in self.body["teachback"] if self.teach(q) in (rules.Teach.OPEN, rules.Teach.AGAIN)]

    @property
    def for_doctor(self) -> list[str]:
        """Teach-back questions the doctor has to explain in person."""
        return [q["id"] for q in self.body["teachback"] if self.teach(q) is rules.Teach.DOCTOR]

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parts answered "I have a question", with their titles."""
        parts = [part for page in self.body["pages"] for part in rules.parts_of(page)]
        return [part for part in parts if self.replies.get(part["id"]) == rules.Answer.QUESTION]


def present(clinic: Clinic, visit_id: UUID, language: str, *, by: Actor) -> Shown:
    """Fix the exact words for this patient, once; a change of treatment, areas or language makes a new presentation.

    Raises NotAllowed naming the setting where a clause has a blank nobody filled, or where no treatment is chosen.
    """
    visit = visits.lock_visit(visit_id)
    _still_open(visit_id)
    given = answers.find_submission(visit_id)
    begun = answers.get(visit_id)
    chosen = given.answers if given else begun.draft.answers
    body = presenting.compose(clinic, visit, begun.edition, chosen, language)
    newest = _newest(visit_id)
    if newest is not None and presenting.same(_open(newest, visit.patient_id), body) and newest.language == language:
        return _shown(newest)
    row = Presentation(
        id=new_id(),
        visit_id=visit_id,
        seq=newest.seq + 1 if newest else 1,
        edition_id=begun.edition.id,
        language=language,
        body=b"",
        at=clock.now(),
    )
    row.body = vault.seal(
        visit.patient_id, f"presentation|body|{row.id}", json.dumps(body, ensure_ascii=False).encode()
    )
    db.session.add(row)
    db.session.flush()
    audit.record("consent.presented", visit_id, by=by, presentation=str(row.id))
    return _shown(row)


def shown(visit_id: UUID) -> Shown:
    """What was presented last. Raises NotFound."""
    if (row := _newest(visit_id)) is None:
        raise NotFound("consent.not_presented", visit_id=visit_id)
    return _shown(row)


def find_shown(visit_id: UUID) -> Shown | None:
    """What was presented last, or None."""
    return _shown(row) if (row := _newest(visit_id)) else None


def fits(now: Shown, edition: definitions.Edition, said: Answers) -> bool:
    """Whether what was presented still fits the answers: the same treatments on the same areas. Words from before a
    consent said for how long it is good fit nothing any more."""
    codes, areas = presenting.scope(edition, said, now.language)
    return bool("scope" in now.body and now.body["treatments"] == codes and now.body["areas"] == areas)


def reply(
    visit_id: UUID, page_id: str, replies: Mapping[str, str], *, presentation_id: UUID | None = None, by: Actor
) -> None:
    """Keep the answers to a page's parts. Raises Invalid where one is missing or unknown,
    NotAllowed once it is decided, Stale where `presentation_id` names words that were replaced meanwhile."""
    visit = visits.lock_visit(visit_id)
    now = shown(visit_id)
    _still_open(visit_id)
    _same_words(now, presentation_id)
    page = next((p for p in now.body["pages"] if p["id"] == page_id), None)
    if page is None:
        raise NotFound("consent.no_such_page")
    wanted = [part["id"] for part in rules.parts_of(page)]
    if set(replies) != set(wanted) or not all(value in list(rules.Answer) for value in replies.values()):
        raise Invalid("consent.reply_missing")
    changed = [part for part in wanted if now.replies.get(part) != replies[part]]
    for part in changed:
        _add_reply(now.id, visit.patient_id, "clause", part, replies[part])
    is_read = not wanted and page_id not in now.read
    if is_read:
        _add_reply(now.id, visit.patient_id, "read", page_id, "read")
    if changed or is_read:
        audit.record("consent.page_answered", visit_id, by=by, page=page_id)


def _still_open(visit_id: UUID) -> None:
    if kinds_of(visit_id):
        raise NotAllowed("consent.already_signed")


def teach_back(
    visit_id: UUID,
    question_id: str,
    option: str,
    *,
    presentation_id: UUID | None = None,
    tries: int | None = None,
    by: Actor,
) -> rules.Teach:
    """Keep one try at a teach-back question and say how it stands. A question already settled stays as it is.

    `tries` is how many the page knew of: the same page sent twice is one try. Raises like `reply`.
    """
    visit = visits.lock_visit(visit_id)
    now = shown(visit_id)
    _still_open(visit_id)
    _same_words(now, presentation_id)
    question = next((q for q in now.body["teachback"] if q["id"] == question_id), None)
    if question is None:
        raise NotFound("consent.no_such_question")
    if option not in [o["code"] for o in question["options"]] + [rules.UNSURE]:
        raise Invalid("consent.reply_missing")
    is_resent = tries is not None and tries != len(now.tries.get(question_id, []))
    if is_resent or now.teach(question) in (rules.Teach.RIGHT, rules.Teach.DOCTOR):
        return now.teach(question)
    _add_reply(now.id, visit.patient_id, "teachback", question_id, option)
    stands = shown(visit_id).teach(question)
    audit.record("consent.teach_back", visit_id, by=by, question=question_id, stands=stands.value)
    return stands


def _add_reply(presentation_id: UUID, patient_id: UUID, kind: str, part: str, value: str) -> None:
    seq = db.session.scalar(select(func.max(Reply.seq)).where(Reply.presentation_id == presentation_id)) or 0
    row = Reply(
        id=new_id(), presentation_id=presentation_id, seq=seq + 1, kind=kind, part=part, body=b"", at=clock.now()
    )
    row.body = vault.seal(patient_id, f"reply|body|{row.id}", value.encode())
    db.session.add(row)
    db.session.flush()


def waits_for_doctor(clinic: Clinic, visit_id: UUID) -> bool:
    """Whether nothing may be signed yet because the doctor talks with this patient first. Raises NotFound before the
    answers are given."""
    given = answers.get_submission(visit_id)
    talks_first = rules.talks_first(
        sign_first=clinic.sign_first,
        holds_consent=any(finding.holds_consent for finding in screening.findings_of(visit_id)),
        has_treatment=bool(screening.treatments_of(given.edition, given.answers)),
    )
    return talks_first and visits.Move.RELEASED not in visits.moves_of(visit_id)


def list_undecided() -> list[UUID]:
    """Visits of any day whose answers are given and that nobody has ended, signed or not; oldest first; opens
    nothing."""
    outcomes = select(Statement.visit_id).where(Statement.kind.in_([kind.value for kind in rules.OUTCOMES]))
    return answers.list_submitted(but=outcomes)


def _same_words(now: Shown, presentation_id: UUID | None) -> None:
    """Refuse an answer to words that are no longer the ones on show."""
    if presentation_id is not None and presentation_id != now.id:
        raise Stale("consent.shown_again")


def sign(
    clinic: Clinic,
    visit_id: UUID,
    signature: Mapping[str, Any],
    *,
    presentation_id: UUID | None = None,
    end: visits.End = visits.End.NOT_KNOWN,
    by: Actor,
) -> None:
    """Take the patient's signature and seal their part as signed evidence. `end` says whether the end of the
    statements was on the screen.
    Raises NotAllowed while anything is open or a talk comes first, where the words shown no longer fit the answers
    given, or if signed; Stale where the signature stood under other words; Invalid where somebody who took part is not
    named as they must be, or where a guardian may not sign (people.faults_of)."""
    visits.lock_visit(visit_id)
    rules.check_move(kinds_of(visit_id), rules.Kind.SIGNED)
    now = shown(visit_id)
    _same_words(now, presentation_id)
    given = answers.get_submission(visit_id)
    if waits_for_doctor(clinic, visit_id):
        raise NotAllowed("consent.talk_first")
    if now.open_pages or now.open_questions or not fits(now, given.edition, given.answers):
        raise NotAllowed("consent.not_finished")
    body = evidence.patient_part(clinic, visit_id, now, rules.Kind.SIGNED, sent_now=end)
    body |= evidence.signing_part(clinic, visit_id, now, signature, clock.today(clinic.zone))
    make_statement(visit_id, rules.Kind.SIGNED, body, by)


def decline(clinic: Clinic, visit_id: UUID, reason: str, *, by: Actor) -> None:
    """The patient says no, with or without a reason; that is an outcome of its own. Twice is once."""
    visits.lock_visit(visit_id)
    kinds = kinds_of(visit_id)
    if rules.Kind.DECLINED in kinds:
        return
    rules.check_move(kinds, rules.Kind.DECLINED)
    body = evidence.patient_part(clinic, visit_id, find_shown(visit_id), rules.Kind.DECLINED) | {
        "reason": answers.clean(reason)
    }
    make_statement(visit_id, rules.Kind.DECLINED, body, by)


def decide(clinic: Clinic, visit_id: UUID, kind: rules.Kind, doctor_part: Mapping[str, Any], *, by: Actor) -> None:
    """A doctor countersigns or postpones, or staff close a signed visit nobody reviewed.
    Raises NotAllowed if already decided."""
    visits.lock_visit(visit_id)
    rules.check_move(kinds_of(visit_id), kind)
    signed = find_statement(visit_id, rules.Kind.SIGNED)
    first = {} if signed else evidence.patient_part(clinic, visit_id, find_shown(visit_id), kind)
    follows = {"patient_statement_sha256": signed.sha256} if signed else {}
    make_statement(visit_id, kind, first | evidence.frame(visit_id, kind) | follows | {"review": dict(doctor_part)}, by)


def _newest(visit_id: UUID) -> Presentation | None:
    query = select(Presentation).where(Presentation.visit_id == visit_id).order_by(Presentation.seq.desc()).limit(1)
    return db.session.scalars(query).first()


def _open(row: Presentation, patient_id: UUID) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(vault.open_(patient_id, f"presentation|body|{row.id}", row.body))
    return body


def _shown(row: Presentation) -> Shown:
    patient_id = visits.get_visit(row.visit_id).patient_id
    replies: dict[str, str] = {}
    read, tries = set(), dict[str, list[str]]()
    for entry in db.session.scalars(select(Reply).where(Reply.presentation_id == row.id).order_by(Reply.seq)):
        value = vault.open_(patient_id, f"reply|body|{entry.id}", entry.body).decode()
        if entry.kind == "clause":
            replies[entry.part] = value
        elif entry.kind == "read":
            read.add(entry.part)
        else:
            tries.setdefault(entry.part, []).append(value)
    return Shown(row.id, row.visit_id, row.language, _open(row, patient_id), replies, frozenset(read), tries)
