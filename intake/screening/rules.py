"""Screening: rules that are data, read against a patient's enabled answers. This code knows no disease.

It says what a doctor must look at and what is held until then; whether someone is suitable, a doctor decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from intake.definitions.rules import (
    Answers,
    Fact,
    Facts,
    Flag,
    FlagSeverity,
    Hold,
    HoldKind,
    Item,
    Questionnaire,
    Rule,
    Ruleset,
    Severity,
    Text,
    Treatments,
    Value,
    equal,
    facts_of,
    load_ruleset,
    number,
    split_entry,
    strip,
    with_entries,
    witnesses,
)
from intake.visits.rules import age_on

__all__ = [
    "Derived",
    "Hold",
    "HoldKind",
    "Raised",
    "Rule",
    "Ruleset",
    "Severity",
    "derive",
    "evaluate",
    "holds_consent",
    "load_ruleset",
]

BIRTH_DATE = "id.dob"
HEIGHT_CM = "ft.height"
WEIGHT_KG = "ft.weight"
UNSURE = "unsure"


@dataclass(frozen=True)
class Derived:
    """What follows from answers: age in full years, body mass index in kg/m2, codes of the treatments wanted."""

    age: int | None
    bmi: Decimal | None
    tx: frozenset[str]


@dataclass(frozen=True)
class Raised:
    """A rule that holds for a patient. `items` are the linkIds whose answers raised it, in the order of the form."""

    rule: str
    severity: Severity
    holds: tuple[Hold, ...]
    held: str
    items: tuple[str, ...]
    doctor: Text
    patient: str
    clears: str


def holds_consent(kinds: Iterable[str]) -> bool:
    """Whether holds of these kinds let nothing be signed before a doctor has talked with the patient."""
    return not {HoldKind.TREATMENT, HoldKind.SIGNATURE}.isdisjoint(kinds)


def derive(questionnaire: Questionnaire, answers: Answers, treatments: Treatments, today: date) -> Derived:
    """Return age, body mass index and treatments wanted; only enabled answers count.

    An age is reached at the beginning of its anniversary (Indian Majority Act 1875, section 3(2)); that of 29 February
    is 1 March in other years.
    """
    return _derive(strip(questionnaire, answers), treatments, today)


def evaluate(ruleset: Ruleset, questionnaire: Questionnaire, answers: Answers, today: date) -> list[Raised]:
    """Return the rules that hold, in the doctor's order: block, caution, note, and the widest hold first.

    A rule is read only if it applies to a treatment the patient wants. The general rule is raised for safety
    questions answered "unsure" that no other raised rule names. Only enabled answers count.
    """
    shown = strip(questionnaire, answers)
    derived = _derive(shown, ruleset.treatments, today)
    facts = _facts(questionnaire, shown, ruleset.treatments, derived)
    specific: list[Raised] = []
    for rule in ruleset.rules:
        if rule.when is not None and (not rule.applies or derived.tx & set(rule.applies)):
            found = witnesses(rule.when, facts)
            if found is not None:
                specific.append(_raised(rule, found, questionnaire, facts, derived))
    unsure = {item.link_id for item in questionnaire.questions if item.safety and UNSURE in facts.of(item.link_id)}
    left = unsure.difference(*(one.items for one in specific))
    general = [rule for rule in ruleset.rules if rule.when is None and left]
    raised = [*specific, *(_raised(rule, left, questionnaire, facts, derived) for rule in general)]
    return sorted([*raised, *_flagged(questionnaire, shown)], key=_rank)


def _flagged(questionnaire: Questionnaire, shown: Answers) -> Iterator[Raised]:
    """Findings of answers that the definition itself flags (our FHIR extension answer-flag), one for each item.

    A contraindication holds the treatment until a doctor clears it, like a rule that blocks.
    """
    shape = with_entries(questionnaire, shown)
    found = {
        (split_entry(item.link_id)[0] if item.entry > 1 else item.link_id, flag.severity, flag.text): None
        for item in shape.questions
        for flag in _flags(item, shown.get(item.link_id, ()))
    }
    for link_id, flagged, text in found:
        severity, holds = _FLAGGED[flagged]
        yield Raised(f"FLAG-{link_id}", severity, holds, "", (link_id,), text, "", "")


def _flags(item: Item, values: Sequence[Value]) -> Iterator[Flag]:
    for value in values:
        yield from (flag for flag in item.flags if flag.value is not None and equal(flag.value, value))
        yield from (option.flag for option in item.options if option.flag and equal(option.value, value))


_FLAGGED: Mapping[FlagSeverity, tuple[Severity, tuple[Hold, ...]]] = {
    FlagSeverity.CONTRAINDICATION: (Severity.BLOCK, (Hold(HoldKind.TREATMENT),)),
    FlagSeverity.CAUTION: (Severity.CAUTION, ()),
    FlagSeverity.INFO: (Severity.NOTE, ()),
}


def _derive(shown: Answers, treatments: Treatments, today: date) -> Derived:
    born = next((value.get("valueDate") for value in shown.get(BIRTH_DATE, ())), None)
    return Derived(_age(born, today), _bmi(shown), treatments.wanted(shown))


def _age(born: object, today: date) -> int | None:
    try:
        return age_on(date.fromisoformat(str(born)), today)
    except ValueError:
        return None


def _bmi(shown: Answers) -> Decimal | None:
    height, weight = (_number(shown, link_id) for link_id in (HEIGHT_CM, WEIGHT_KG))
    return weight * 10000 / (height * height) if height and weight else None


def _number(shown: Answers, link_id: str) -> Decimal | None:
    return next((number(next(iter(value.values()))) for value in shown.get(link_id, ())), None)


def _facts(questionnaire: Questionnaire, shown: Answers, treatments: Treatments, derived: Derived) -> Facts:
    values: dict[str, tuple[Fact, ...]] = facts_of(questionnaire, shown)
    values["tx"] = tuple(sorted(derived.tx))
    if derived.age is not None:
        values["age"] = (Decimal(derived.age),)
    if derived.bmi is not None:
        values["bmi"] = (derived.bmi,)
    origins = {
        "age": frozenset({BIRTH_DATE}),
        "bmi": frozenset({HEIGHT_CM, WEIGHT_KG}),
        "tx": frozenset({treatments.goals}),
    }
    for one in treatments.all:
        origins[f"tx {one.code}"] = origins["tx"] | ({one.needs[0]} if one.needs else set())
    return Facts(values, origins)


def _raised(rule: Rule, found: Iterable[str], questionnaire: Questionnaire, facts: Facts, derived: Derived) -> Raised:
    """Return the finding of a rule; a hold on a treatment nobody wants, or whose condition fails, is left out."""
    wanted = set(found)
    holds = tuple(
        hold
        for hold in rule.holds
        if (hold.when is None or witnesses(hold.when, facts) is not None)
        and (hold.kind is not HoldKind.TREATMENT or not hold.names or derived.tx & set(hold.names))
    )
    return Raised(
        rule=rule.id,
        severity=rule.severity,
        holds=holds,
        held=rule.held,
        items=tuple(item.link_id for item in questionnaire.questions if item.link_id in wanted),
        doctor=rule.doctor,
        patient=rule.patient,
        clears=rule.clears,
    )


def _rank(raised: Raised) -> tuple[int, int]:
    """Order by severity, then by the widest thing held; a treatment held in part comes after one held whole."""
    kinds = list(HoldKind)
    widths = [2 * kinds.index(hold.kind) + bool(hold.names) for hold in raised.holds]
    return list(Severity).index(raised.severity), min(widths, default=2 * len(kinds))
