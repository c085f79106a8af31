"""Taking back what was agreed to, whole or in part, at once and as a statement of its own; and what a consent is worth.

Nothing that was signed is changed by it. Who may ask, and how the asking was checked, is left to the pages.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from intake import answers, staff, visits
from intake.access import Actor
from intake.config import Clinic
from intake.consent import evidence, rules
from intake.consent.service import find_shown
from intake.consent.statements import find_statement, kinds_of, make_statement, statements_of
from intake.errors import Invalid, NotAllowed


@dataclass(frozen=True)
class Part:
    """Something that was agreed to by itself: the treatment, or an optional agreement by its linkId. `words` are in the
    language asked for, `english` too where that is another."""

    id: str
    words: str
    english: str


@dataclass(frozen=True)
class TakenBack:
    """What was taken back at one time, in words, and how the patient asked."""

    at: datetime
    words: tuple[str, ...]
    request: rules.Request


@dataclass(frozen=True)
class Standing:
    """What of a visit was agreed to and still stands, and what was taken back, oldest first."""

    visit_id: UUID
    day: date
    doctor: str
    parts: tuple[Part, ...]
    taken_back: tuple[TakenBack, ...]


def standing_of(visit_id: UUID, language: str) -> Standing:
    """What of a visit stands, in the words of a language. Before the visit is signed or decided there is nothing to
    take back: until then a patient changes the answer itself. Raises NotFound for no such visit."""
    visit, kinds = visits.get_visit(visit_id), kinds_of(visit_id)
    made = statements_of(visit_id, rules.TAKEN_BACK)
    gone = {part["id"] for one in made for part in one.body["withdrawn"]}
    parts = [part for part in _agreed(visit_id, language) if part.id not in gone] if kinds else []
    if rules.is_treatment_given(kinds):
        parts.insert(0, _treatment(visit_id, language))
    taken = tuple(
        TakenBack(
            one.at,
            tuple(part["words"] for part in one.body["withdrawn"]),
            rules.Request(one.body["request"]["how"]),
        )
        for one in made
    )
    return Standing(visit_id, visit.day, staff.get_member(visit.doctor_id).name, tuple(parts), taken)


def standing_of_patient(patient_id: UUID, language: str) -> list[Standing]:
    """The same for every visit of a patient where anything was agreed to, newest first."""
    found = (standing_of(visit.id, language) for visit in visits.visits_of_patients([patient_id]))
    return [one for one in found if one.parts or one.taken_back]


def _treatment(visit_id: UUID, language: str) -> Part:
    shown = find_shown(visit_id)
    if shown is None:
        raise NotAllowed("consent.nothing_to_withdraw")
    words, english = _treatment_words(shown.body, ""), _treatment_words(shown.body, "_en")
    return Part(rules.TREATMENT, english if language == "en" else words, english)


def _treatment_words(body: Mapping[str, str], ending: str) -> str:
    named = [body.get(f"{name}{ending}") or body[name] for name in ("treatment", "areas")]
    return ": ".join(filter(None, named))


def _agreed(visit_id: UUID, language: str) -> list[Part]:
    """The optional agreements that were answered with yes, in the order of the questionnaire."""
    given = answers.find_submission(visit_id)
    if given is None:
        return []
    items = given.edition.questionnaire.items
    agreed = [one for one in given.edition.treatments.agreements if given.answers.get(one) == [{"valueBoolean": True}]]
    return [Part(one, items[one].text.get(language), items[one].text.get("en")) for one in agreed]


def withdraw(
    clinic: Clinic,
    visit_id: UUID,
    parts: Collection[str],
    reason: str,
    request: rules.Request,
    *,
    identity: Sequence[str],
    language: str,
    by: Actor,
) -> bool:
    """Take these parts of what stands back, with or without a reason, from this moment on; gives whether there was
    anything left to take back, so that asking twice is once. `identity` are the codes of how it was made sure who asks.

    Raises Invalid where nothing is chosen, or something that was never agreed to.
    """
    visits.lock_visit(visit_id)
    now = standing_of(visit_id, language)
    agreed = {part.id for part in _agreed(visit_id, language)} | {rules.TREATMENT}
    if not parts or not agreed.issuperset(parts):
        raise Invalid("consent.nothing_chosen")
    taken = [part for part in now.parts if part.id in parts]
    if not taken:
        return False
    kind = rules.Kind.WITHDRAWN if any(part.id == rules.TREATMENT for part in taken) else rules.Kind.PART_WITHDRAWN
    rules.check_move(kinds_of(visit_id), kind)
    words = [_words(part, language) for part in taken]
    body = evidence.withdrawal_part(clinic, visit_id, kind, language, words) | {
        "reason": answers.clean(reason),
        "request": {"how": request.value, "identity": list(identity)},
        "about": {one.kind.value: one.sha256 for one in statements_of(visit_id, rules.GIVING)},
    }
    make_statement(visit_id, kind, body, by)
    return True


def _words(part: Part, language: str) -> dict[str, str]:
    said = {"id": part.id, "words": part.words}
    return said if language == "en" else said | {"words_en": part.english}


def force_of(visit_id: UUID, today: date) -> rules.Force:
    """What the visit's consent to a treatment is worth on a day (docs/states.md)."""
    kinds = kinds_of(visit_id)
    is_given = rules.Kind.COUNTERSIGNED in kinds and rules.Kind.WITHDRAWN not in kinds
    return rules.force(
        kinds,
        is_superseded=is_given and _is_superseded(visit_id),
        valid_until=_valid_until(visit_id) if is_given else None,
        today=today,
    )


def _valid_until(visit_id: UUID) -> date | None:
    """The last day of the consent, where its scope names one."""
    signed = find_statement(visit_id, rules.Kind.SIGNED)
    until = signed.body.get("scope", {}).get("valid_until") if signed else None
    return date.fromisoformat(until) if until else None


def _is_superseded(visit_id: UUID) -> bool:
    """Whether a later consent of the same patient, countersigned, is about the same treatments, or more. It replaced
    this one for good: what is taken back or over later brings nothing back into force."""
    visit, covered = visits.get_visit(visit_id), _treatments(visit_id)
    later = [one for one in visits.visits_of_patients([visit.patient_id]) if one.issued_at > visit.issued_at]
    return any(rules.Kind.COUNTERSIGNED in kinds_of(one.id) and _treatments(one.id) >= covered for one in later)


def _treatments(visit_id: UUID) -> frozenset[str]:
    shown = find_shown(visit_id)
    return frozenset(shown.body["treatments"]) if shown else frozenset()
