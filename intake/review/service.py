"""The verbs of review: note the reading, decide point by point, release a patient to sign, countersign, postpone.

Any doctor may review any visit; the log says whether it was their own token. Doors open the transaction.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select

from intake import answers, audit, clock, consent, staff, vault, visits
from intake.access import Actor, Role
from intake.config import Clinic
from intake.db import db, new_id
from intake.errors import Damaged, Fault, Invalid, NotAllowed, Stale
from intake.review import page, rules
from intake.review.models import Decision


@dataclass(frozen=True)
class Press:
    """What comes with the countersign button: the digest of the evidence seen, the password as the door tried it (None
    where none was written), and on which device."""

    sha256_seen: str
    tried: staff.Tried | None
    device: str = ""


@dataclass(frozen=True)
class Attempt:
    """How a press of the countersign button ended: done, or what is still open, or how the password fared."""

    is_done: bool = False
    open: tuple[rules.OpenPoint, ...] = ()
    password: staff.SignIn | None = None
    again_at: datetime | None = None


def note_opened(visit_id: UUID, *, by: Actor) -> None:
    """Note that a doctor has opened a visit's page: reading is an event like changing. Raises NotFound."""
    audit.record("review.opened", visit_id, by=by, own_token=visits.get_visit(visit_id).doctor_id == by.id)


def save(visit_id: UUID, entries: Iterable[rules.Entry], seen: int | None = None, *, by: Actor) -> None:
    """Record every entry that says something new; all of them or none. The same said twice is one decision.

    `seen` is the newest decision the doctor had on the page. Raises Stale("review.changed_elsewhere") where somebody
    decided one of these points after that, Invalid("review.<fault>") for an entry that cannot be taken, NotAllowed
    before the answers are given and once the visit is decided.
    """
    visit = _open_visit(visit_id, by)
    matters = page.matters_of(visit_id)
    points = {matter.point.about: matter.point for matter in matters.all}
    changed = rules.changes(entries, rules.newest(matters.decisions, seen))
    for entry in changed:
        if entry.about not in points:
            raise Invalid("review.no_such_point", about=entry.about)
        if (wrong := rules.fault(points[entry.about], entry)) is not None:
            raise Invalid(f"review.{wrong.value}", about=entry.about)
    late = matters.counts
    beaten = [
        e.about
        for e in rules.changes(changed, late)
        if seen is not None and e.about in late and late[e.about].seq > seen
    ]
    if beaten:
        raise Stale("review.changed_elsewhere", about=beaten)
    for place, entry in enumerate(rules.changes(changed, late), start=matters.seen + 1):
        _append(visit, place, entry, by)


def _append(visit: visits.VisitView, seq: int, entry: rules.Entry, by: Actor) -> None:
    row = Decision(
        id=new_id(),
        visit_id=visit.id,
        seq=seq,
        about=entry.about,
        body=b"",
        doctor_id=_doctor(by).id,
        at=clock.now(),
    )
    body = json.dumps({"verdict": entry.verdict, "words": entry.words}, ensure_ascii=False).encode()
    row.body = vault.seal(visit.patient_id, page.place_of(row), body)
    db.session.add(row)
    db.session.flush()
    # The log names the point and never the verdict: what was decided about a patient is sealed.
    audit.record("review.decided", visit.id, by=by, about=entry.about, own_token=visit.doctor_id == by.id)


def release(visit_id: UUID, *, by: Actor) -> None:
    """The doctor has talked first; now the patient may read on and sign. Twice is once.

    Raises NotAllowed: review.open naming the points, review.no_treatment where nothing is there to be signed for,
    review.no_talk_needed where the patient does not wait for one.
    """
    _open_visit(visit_id, by)
    if visits.Move.RELEASED in visits.moves_of(visit_id):
        return
    if page.stage_of(visit_id, is_submitted=True) is not rules.Stage.TALK_FIRST:
        raise NotAllowed("review.no_talk_needed")
    if waiting := page.matters_of(visit_id).before_release():
        raise NotAllowed("review.open", points=[point.about for point in waiting])
    if not page.has_treatment(visit_id):
        raise NotAllowed("review.no_treatment")
    visits.move(visit_id, visits.Move.RELEASED, by=by)


def save_and_release(visit_id: UUID, entries: Iterable[rules.Entry], seen: int, *, by: Actor) -> list[rules.OpenPoint]:
    """Keep what was decided, then release; gives what still stands in the way instead, with the decisions kept.

    Raises what `save` and `release` raise, except for open points.
    """
    save(visit_id, entries, seen, by=by)
    if waiting := page.matters_of(visit_id).before_release():
        return waiting
    release(visit_id, by=by)
    return []


def countersign(
    clinic: Clinic, visit_id: UUID, entries: Iterable[rules.Entry], seen: int, press: Press, *, by: Actor
) -> Attempt:
    """Keep what was decided, count the password, then sign off. Open points and a wrong password are results; a try is
    counted only when nothing is open, and what came of it is told only then.

    Raises what `save` and `sign_off` raise; of a page from before something was taken back that comes first, for the
    page that answers the others is one of now.
    """
    save(visit_id, entries, seen, by=by)
    if press.sha256_seen:
        _check_seen(visit_id, press.sha256_seen)
    if waiting := _matters_left(visit_id):
        return Attempt(open=tuple(waiting))
    if press.tried is None:
        return Attempt()
    result, again_at = staff.check_password(_doctor(by).id, press.tried)
    if result is not staff.SignIn.DONE:
        return Attempt(password=result, again_at=again_at)
    sign_off(clinic, visit_id, press.sha256_seen, by=by, device=press.device)
    return Attempt(is_done=True, password=result)


def sign_off(
    clinic: Clinic, visit_id: UUID, sha256_seen: str, *, by: Actor, reauth: str = "password", device: str = ""
) -> None:
    """Countersign: the doctor confirms the SHA-256 of the patient's signed evidence, with every decision made, and of
    it what still stands. `sha256_seen` is what the doctor's page named (page.seen_of).

    The doctor was asked for `reauth` just before. Raises NotAllowed("review.open") naming what is open and
    NotAllowed("consent.already_decided") for the slower of two doctors, Stale where the evidence is not what was seen
    or a part was taken back since, Damaged where its bytes are not what was signed.
    """
    _open_visit(visit_id, by)
    if waiting := _matters_left(visit_id):
        raise NotAllowed("review.open", points=[point.about or point.still.value for point in waiting])
    if (signed := consent.find_statement(visit_id, consent.Kind.SIGNED)) is None:
        raise NotAllowed("consent.not_signed")
    if sha256(signed.data).hexdigest() != signed.sha256:
        raise Damaged("review.evidence_damaged", visit_id=visit_id)
    _check_seen(visit_id, sha256_seen)
    part = _doctor_part(visit_id, by, device) | {"reauthentication": reauth, "confirmed_sha256": signed.sha256}
    consent.decide(clinic, visit_id, consent.Kind.COUNTERSIGNED, part, by=by)


def _check_seen(visit_id: UUID, sha256_seen: str) -> None:
    """Refuse what a page named where it is not the evidence of now, or more than still stands of it. Raises Stale."""
    if sha256_seen != page.seen_of(visit_id):
        is_less = bool(sha256_seen) and consent.Kind.PART_WITHDRAWN in consent.kinds_of(visit_id)
        raise Stale("review.taken_back_since" if is_less else "review.evidence_changed")


def postpone(clinic: Clinic, visit_id: UUID, words: str, *, by: Actor, device: str = "") -> None:
    """End the visit without treatment, in the doctor's words. Raises Invalid without words, NotAllowed if decided."""
    _open_visit(visit_id, by)
    reason = rules.tidy(words)
    if not 0 < len(reason) <= rules.MOST_WORDS:
        raise Invalid("review.no_words" if not reason else "review.too_long")
    part = _doctor_part(visit_id, by, device) | {"words": reason}
    consent.decide(clinic, visit_id, consent.Kind.POSTPONED, part, by=by)


def check_all(count: Counter[str]) -> Iterator[Fault]:
    """What of this room's rows is no longer what was kept: every decision must open. Counts them."""
    query, patient_id = visits.with_patient(select(Decision.id, Decision.body), Decision.visit_id)
    yield from vault.check_each(query, patient_id, page.PLACE, count)


def _doctor(by: Actor) -> staff.Member:
    """Who acts, as a doctor: only a doctor clears a finding, an administrator cannot. Raises NotAllowed."""
    if by.id is None or Role.DOCTOR not in by.roles:
        raise NotAllowed("review.not_a_doctor")
    return staff.get_member(by.id)


def _open_visit(visit_id: UUID, by: Actor) -> visits.VisitView:
    """The visit, held for a doctor to write: answers given, not decided. Raises NotAllowed, NotFound."""
    _doctor(by)
    visit = visits.lock_visit(visit_id)
    if rules.is_over(consent.state_of(visit_id)):
        raise NotAllowed("consent.already_decided")
    if visit_id not in answers.is_submitted([visit_id]):
        raise NotAllowed("review.not_submitted")
    return visit


def _matters_left(visit_id: UUID) -> list[rules.OpenPoint]:
    is_signed = consent.state_of(visit_id) is consent.State.SIGNED
    return page.matters_of(visit_id).before_countersign(is_signed=is_signed)


def _doctor_part(visit_id: UUID, by: Actor, device: str) -> dict[str, Any]:
    """The doctor's side of the evidence: who, every decision that counts with its words, on which device."""
    doctor = _doctor(by)
    return {
        "doctor": {"id": str(doctor.id), "name": doctor.name, "registration_no": doctor.registration_no},
        "own_token": visits.get_visit(visit_id).doctor_id == doctor.id,
        "decisions": _decisions(page.matters_of(visit_id)),
        "device": device[:200],
        **_taken_back(visit_id),
    }


def _taken_back(visit_id: UUID) -> dict[str, Any]:
    """What of the consent the patient has taken back by now and what still stands, in the language it was read in;
    nothing where nothing was taken back."""
    shown = consent.find_shown(visit_id)
    now = consent.standing_of(visit_id, shown.language if shown else page.ENGLISH)
    if not now.gone:
        return {}
    return {
        "taken_back": [part.in_evidence for part in now.gone],
        "stands": [part.in_evidence for part in now.parts],
    }


def _decisions(matters: page.Matters) -> list[dict[str, Any]]:
    """Every decision that counts. `title` is what the patient was asked, for the patient's copy; what a doctor reads,
    with rule and severity, stands under `inside` and is never printed there."""
    decided = matters.counts
    kept = [(m, decided[m.point.about]) for m in matters.all if m.point.about in decided]
    return [
        {
            "about": matter.point.about,
            "kind": matter.point.about.partition(":")[0],
            **_said(matter),
            "verdict": found.verdict.value,
            "words": found.words,
            "by": staff.get_member(found.doctor_id).name,
            "by_id": str(found.doctor_id),
            "at": found.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "inside": _inside(matter),
        }
        for matter, found in kept
        if found.verdict is not rules.Verdict.NOT_YET
    ]


def _said(matter: page.Matter) -> dict[str, Any]:
    """What the patient was asked and said in the language they read, and in English where that is another."""
    pairs = list(zip(matter.own, matter.said, strict=True))
    title = "; ".join(dict.fromkeys(own.question for own, _ in pairs)) or matter.point.title
    said = [{"question": own.question, "answer": own.answer} for own, _ in pairs]
    if matter.own == matter.said:
        return {"title": title, "said": said}
    english = [{"question_en": one.question, "answer_en": one.answer} for _, one in pairs]
    return {
        "title": title,
        "title_en": "; ".join(dict.fromkeys(one.question for _, one in pairs)),
        "said": [row | second for row, second in zip(said, english, strict=True)],
    }


def _inside(matter: page.Matter) -> dict[str, Any]:
    return {
        "severity": matter.point.kind.value,
        "rule": matter.rule,
        "title": matter.point.title,
        "text": matter.text,
        "clears": matter.point.clears,
        "holds": list(matter.holds),
    }
