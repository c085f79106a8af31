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
from intake.consent import evidence, presenting, rules
from intake.consent.service import Shown, find_shown
from intake.consent.statements import find_statement, kinds_of, make_statement, statements_of
from intake.definitions import strip


@dataclass(frozen=True)
class Part:
    """Something that was agreed to by itself: a treatment, or an optional agreement by its linkId. `words` are in the
    language asked for, `english` too where that is another."""

    id: str
    words: str
    english: str

    @property
    def is_treatment(self) -> bool:
        """Whether it is a treatment: the only one of its visit, or one of several."""
        return rules.is_treatment(self.id)

    @property
    def in_evidence(self) -> dict[str, str]:
        """The part as a statement names it: its id and its words, with their English where that is another."""
        said = {"id": self.id, "words": self.words}
        return said if self.words == self.english else said | {"words_en": self.english}


@dataclass(frozen=True)
class TakenBack:
    """What was taken back at one time, in words, and how the patient asked."""

    at: datetime
    words: tuple[str, ...]
    request: rules.Request


@dataclass(frozen=True)
class Standing:
    """What of a visit was agreed to and still stands (`parts`), what does not any more (`gone`), and what was taken
    back at which time, oldest first."""

    visit_id: UUID
    day: date
    doctor: str
    parts: tuple[Part, ...]
    gone: tuple[Part, ...]
    taken_back: tuple[TakenBack, ...]

    @property
    def had_several(self) -> bool:
        """Whether more than one treatment was agreed to, so that each is a part by itself."""
        return sum(part.is_treatment for part in self.parts + self.gone) > 1


def standing_of(visit_id: UUID, language: str) -> Standing:
    """What of a visit stands, in the words of a language. Before the visit is signed or decided there is nothing to
    take back: until then a patient changes the answer itself. Raises NotFound for no such visit."""
    visit, shown = visits.get_visit(visit_id), find_shown(visit_id)
    agreed = _agreed(visit_id, shown)
    words = _parts(visit_id, agreed, shown, language)
    taken = tuple(
        TakenBack(
            one.at,
            tuple(part["words"] for part in one.body["withdrawn"]),
            rules.Request(one.body["request"]["how"]),
        )
        for one in statements_of(visit_id, rules.TAKEN_BACK)
    )
    return Standing(
        visit_id,
        visit.day,
        staff.get_member(visit.doctor_id).name,
        tuple(words[part] for part in agreed.stands),
        tuple(words[part] for part in agreed.gone),
        taken,
    )


def standing_of_patient(patient_id: UUID, language: str) -> list[Standing]:
    """The same for every visit of a patient where anything was agreed to, newest first."""
    found = (standing_of(visit.id, language) for visit in visits.visits_of_patients([patient_id]))
    return [one for one in found if one.parts or one.taken_back]


def _agreed(visit_id: UUID, shown: Shown | None) -> rules.Agreed:
    """What was agreed to: the treatments that were shown last, which are those that were signed for, and the optional
    agreements that were answered with yes, in the order of the questionnaire."""
    given = answers.find_submission(visit_id)
    optional = given.edition.treatments.agreements if given else ()
    return rules.Agreed(
        kinds_of(visit_id),
        _treatments(shown),
        [one for one in optional if given and given.answers.get(one) == [{"valueBoolean": True}]],
        _taken_back(visit_id),
    )


def _treatments(shown: Shown | None) -> list[str]:
    return list(shown.body["treatments"]) if shown else []


def _taken_back(visit_id: UUID) -> frozenset[str]:
    """The ids of the parts that were taken back."""
    return frozenset(part["id"] for one in statements_of(visit_id, rules.TAKEN_BACK) for part in one.body["withdrawn"])


def _parts(visit_id: UUID, agreed: rules.Agreed, shown: Shown | None, language: str) -> dict[str, Part]:
    """Everything that was agreed to, taken back or not, by its id, in the words of a language."""
    items = answers.get_submission(visit_id).edition.questionnaire.items if agreed.agreements else {}
    words = {one: (items[one].text.get(language), items[one].text.get("en")) for one in agreed.agreements}
    if shown is not None and any(map(rules.is_treatment, agreed.parts)):
        own, english = (_treatment_words(shown, tongue) for tongue in (language, "en"))
        words |= {part: (own[code], english[code]) for part, code in rules.treatment_parts(agreed.treatments).items()}
    return {one: Part(one, *words[one]) for one in agreed.parts}


def _treatment_words(shown: Shown, language: str) -> dict[str, str]:
    """Each treatment that was signed for, by its code: its name and its areas, as they were shown.

    What was shown holds them in the language that was read and in English; of several treatments each by itself since
    format 5. Where it does not, they are those of the edition and of the answers that the signed evidence names, both
    of which never change; not of the edition that is in force today.
    """
    codes = shown.body["treatments"]
    named = shown.body.get("by_treatment") or [{**shown.body, "code": code} for code in codes if len(codes) == 1]
    if language not in (shown.language, "en") or not named:
        given = answers.get_submission(shown.visit_id)
        said = strip(given.edition.questionnaire, given.answers)
        named = presenting.by_treatment(given.edition, said, codes, language)
    ending = "_en" if language == "en" else ""
    return {one["code"]: _label(one, ending) for one in named}


def _label(named: Mapping[str, str], ending: str) -> str:
    """Name and areas; in words read in English nothing ends with "_en"."""
    return ": ".join(filter(None, (named.get(f"{name}{ending}") or named[name] for name in ("treatment", "areas"))))


def offered(visit_id: UUID, language: str) -> dict[str, str]:
    """Every treatment of the edition that a visit was asked by, as a part of its own, with its name: for somebody who
    is told which one is taken back and need not know which were agreed to. Raises NotFound before the answers are
    given."""
    known = answers.get_submission(visit_id).edition.treatments
    return {rules.treatment_part(one.code): one.name.get(language) for one in known.all}


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

    Raises Invalid where nothing is chosen, or something that was never agreed to, before anything is written;
    NotAllowed where nothing can be taken back.
    """
    visits.lock_visit(visit_id)
    shown = find_shown(visit_id)
    agreed = _agreed(visit_id, shown)
    taking = rules.take_back(agreed, frozenset(parts))
    if taking is None:
        return False
    rules.check_move(agreed.kinds, taking.kind)
    words = _parts(visit_id, agreed, shown, language)
    taken, stands, before = (
        [words[part].in_evidence for part in said] for said in (taking.parts, taking.stands, taking.before)
    )
    body = evidence.withdrawal_part(clinic, visit_id, taking.kind, language, taken, stands, before) | {
        "reason": answers.clean(reason),
        "request": {"how": request.value, "identity": list(identity)},
        "about": {one.kind.value: one.sha256 for one in statements_of(visit_id, rules.GIVING)},
    }
    make_statement(visit_id, taking.kind, body, by)
    return True


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


def is_less_since(visit_id: UUID) -> bool:
    """Whether the patient took something back that the doctor's countersignature does not name, and in part, so that
    whoever reads it reads more than what still stands. False where nothing was countersigned."""
    if not {rules.Kind.COUNTERSIGNED, rules.Kind.PART_WITHDRAWN} <= kinds_of(visit_id):
        return False
    return not _taken_back(visit_id) <= _countersigned_without(visit_id)


def _valid_until(visit_id: UUID) -> date | None:
    """The last day of the consent, where its scope names one."""
    signed = find_statement(visit_id, rules.Kind.SIGNED)
    until = signed.body.get("scope", {}).get("valid_until") if signed else None
    return date.fromisoformat(until) if until else None


def _is_superseded(visit_id: UUID) -> bool:
    """Whether a later consent of the same patient, countersigned, is about the same treatments, or more: of this one
    those that still stand, of that one those that stood when it was countersigned. It replaced this one for good: what
    is taken back or over later brings nothing back into force by it."""
    visit = visits.get_visit(visit_id)
    covered = rules.treatments_left(_treatments(find_shown(visit_id)), _taken_back(visit_id))
    later = [one for one in visits.visits_of_patients([visit.patient_id]) if one.issued_at > visit.issued_at]
    return any(_countersigned(one.id) >= covered for one in later if rules.Kind.COUNTERSIGNED in kinds_of(one.id))


def _countersigned(visit_id: UUID) -> frozenset[str]:
    """The treatments that a doctor countersigned."""
    return rules.treatments_left(_treatments(find_shown(visit_id)), _countersigned_without(visit_id))


def _countersigned_without(visit_id: UUID) -> frozenset[str]:
    """The ids of the parts that the patient had taken back when a doctor countersigned, as the doctor's part names
    them; evidence before format 5 names none, and no treatment was among them."""
    stated = find_statement(visit_id, rules.Kind.COUNTERSIGNED)
    return frozenset(part["id"] for part in stated.body["review"].get("taken_back", ())) if stated else frozenset()
