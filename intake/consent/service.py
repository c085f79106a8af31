"""The verbs of consent: present, reply, teach back, sign, decline, countersign.
Statements are signed in the same transaction, unless the seal is out of order: then by a job, later."""

import json
import secrets
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, exists, func, select

from intake import answers, audit, clock, definitions, jobs, screening, vault, visits
from intake.access import Actor
from intake.audit import commitment
from intake.config import Clinic
from intake.consent import evidence, presenting, rules, signing
from intake.consent.models import Presentation, Reply, Statement
from intake.db import db, fetch, new_id
from intake.definitions import Answers
from intake.errors import Invalid, NotAllowed, NotFound, Stale

_KINDS = select(Statement.kind).where(Statement.visit_id == bindparam("visit"))  # every page of a patient asks it


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


def make_statement(visit_id: UUID, kind: rules.Kind, body: Mapping[str, Any], by: Actor) -> None:
    """Seal and sign a statement as it is from now on, note it in the log, and ask for its record where it has one."""
    visit = visits.get_visit(visit_id)
    salt = secrets.token_hex(16)
    at = clock.now()
    stamp = {"at": at.astimezone(UTC).isoformat(timespec="milliseconds"), "by": by.label, "salt": salt}
    data = rules.canonical({**body, **stamp})
    row = Statement(
        id=new_id(),
        visit_id=visit_id,
        kind=kind.value,
        seq=1 + len([one for one in _kinds(visit_id) if one == kind]),
        body=b"",
        sha256=sha256(data).hexdigest(),
        signature=signing.signature_now(data),
        at=at,
        by=by.label,
    )
    row.body = vault.seal(visit.patient_id, f"statement|body|{row.id}", data)
    db.session.add(row)
    db.session.flush()
    if not row.signature:
        jobs.enqueue("consent.sign", str(row.id), statement_id=str(row.id))
    audit.record(f"consent.{kind.value}", visit_id, by=by, commitment=commitment(bytes.fromhex(salt), data))
    if kind in rules.TAKEN_BACK:
        jobs.enqueue("records.seal", filing_key(visit_id, kind, row.sha256), visit_id=str(visit_id), of=row.sha256)
    elif kind in rules.OUTCOMES:
        jobs.enqueue("records.seal", filing_key(visit_id, kind, row.sha256), visit_id=str(visit_id))


def waiting_for_signature(statement_id: UUID) -> bytes | None:
    """The canonical bytes of a statement that has no signature of the seal yet; None where it has. Raises NotFound."""
    if (row := db.session.get(Statement, statement_id)) is None:
        raise NotFound("consent.unknown_statement", statement=statement_id)
    kept = _stated(row)
    return None if kept.signature else kept.data


def filing_key(visit_id: UUID, kind: rules.Kind, digest: str) -> str:
    """By which key the job is known that makes the record of a statement."""
    return f"{visit_id}:{digest}" if kind in rules.TAKEN_BACK else str(visit_id)


@dataclass(frozen=True)
class Stated:
    """A statement as kept: its canonical bytes, their SHA-256 and the seal key's signature over them."""

    kind: rules.Kind
    data: bytes
    sha256: str
    signature: bytes
    at: datetime
    by: str

    @property
    def body(self) -> dict[str, Any]:
        """The evidence as data."""
        loaded: dict[str, Any] = json.loads(self.data)
        return loaded


def find_statement(visit_id: UUID, kind: rules.Kind) -> Stated | None:
    """The visit's statement of a kind, the first where there are several, or None."""
    return next((_stated(row) for row in _statements(visit_id) if row.kind == kind), None)


def find_by_digest(visit_id: UUID, digest: str) -> Stated | None:
    """The visit's statement whose canonical bytes have this SHA-256, or None."""
    return next((_stated(row) for row in _statements(visit_id) if row.sha256 == digest), None)


def statements_of(visit_id: UUID, kinds: Container[rules.Kind]) -> list[Stated]:
    """The visit's statements of these kinds, in the order they were made."""
    return [_stated(row) for row in _statements(visit_id) if rules.Kind(row.kind) in kinds]


def digests_of(visit_id: UUID) -> dict[str, rules.Kind]:
    """The SHA-256 of each statement of a visit, with its kind; opens nothing."""
    return {row.sha256: rules.Kind(row.kind) for row in _statements(visit_id)}


def _statements(visit_id: UUID) -> Sequence[Statement]:
    query = select(Statement).where(Statement.visit_id == visit_id).order_by(Statement.at, Statement.seq)
    return db.session.scalars(query).all()


def _stated(row: Statement) -> Stated:
    data = vault.open_(visits.get_visit(row.visit_id).patient_id, f"statement|body|{row.id}", row.body)
    return Stated(
        rules.Kind(row.kind), data, row.sha256, row.signature or signing.late_signature(row.id), row.at, row.by
    )


def kinds_of(visit_id: UUID) -> set[rules.Kind]:
    """Which statements a visit has; opens nothing."""
    return {rules.Kind(kind) for kind in _kinds(visit_id)}


def _kinds(visit_id: UUID) -> Sequence[str]:
    return fetch(_KINDS, visit=visit_id).scalars().all()


def state_of(visit_id: UUID) -> rules.State:
    """Where the consent of a visit stands."""
    return rules.state(kinds_of(visit_id))


def is_decided(visit_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """Whether the consent of a visit is not open any more, as a part of another room's query: every kind of statement
    ends that."""
    return exists().where(Statement.visit_id == visit_id)


def times_of(visit_id: UUID) -> dict[rules.Kind, datetime]:
    """When each statement of a visit was made; opens nothing."""
    rows = db.session.execute(select(Statement.kind, Statement.at).where(Statement.visit_id == visit_id))
    return {rules.Kind(kind): at for kind, at in rows}


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
