"""The treatments of an edition: what leads to each, where it is done, and what the clinic plans and charges for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from intake.definitions.contentfile import ContentFile
from intake.definitions.questionnaire import ItemType, Questionnaire, Text
from intake.definitions.values import Answers
from intake.definitions.yamlfile import Input, Node

TREATMENT_PART = "treatment"
"""What a treatment is called among the parts of a consent, alone or before a colon (docs/decisions/0013), so that no
optional agreement may be."""


@dataclass(frozen=True)
class Plan:
    """What a course of one treatment is expected to take and cost, in the clinic's words."""

    sessions: Text
    interval: Text
    price_per_session: Text
    price_total: Text


@dataclass(frozen=True)
class Treatment:
    """A treatment a patient can come for. It is wanted when a goal of it is ticked and, with `needs`, one of those too.

    `areas` are the questions that name where, `area` the words where no question does; `alternatives` is the clause
    with the other choices; a `plan` the clinic has not written yet is None.
    """

    code: str
    name: Text
    goals: tuple[str, ...]
    needs: tuple[str, tuple[str, ...]] | None
    areas: tuple[str, ...]
    area: Text
    alternatives: str | None
    plan: Plan | None


@dataclass(frozen=True)
class Treatments:
    """All treatments of an edition, in the order pages name them; `goals` is the question that leads to them.

    `agreements` are the yes-or-no questions of which each yes is an optional agreement of its own (photos, use of
    data), given beside the treatment and taken back by itself.
    """

    version: str
    goals: str
    all: tuple[Treatment, ...]
    agreements: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in order."""
        return tuple(treatment.code for treatment in self.all)

    def get(self, code: str) -> Treatment | None:
        """Return the treatment with this code, or None."""
        return next((treatment for treatment in self.all if treatment.code == code), None)

    def wanted(self, answers: Answers) -> frozenset[str]:
        """Return the codes of the treatments that answers lead to. Give it only answers that are enabled."""
        goals = set(chosen(answers, self.goals))

        def is_wanted(treatment: Treatment) -> bool:
            item, codes = treatment.needs or ("", ())
            return bool(goals & set(treatment.goals)) and (not item or bool(set(codes) & set(chosen(answers, item))))

        return frozenset(treatment.code for treatment in self.all if is_wanted(treatment))


def chosen(answers: Answers, link_id: str) -> tuple[str, ...]:
    """Return the codes chosen for a question."""
    values = answers.get(link_id, ())
    return tuple(str(value["valueCoding"]["code"]) for value in values if "valueCoding" in value)


def load_treatments(data: Input, questionnaire: Questionnaire, name: str = "treatments.yaml") -> Treatments:
    """Return the treatments of a file; its questions and options must exist. Raises DefinitionError."""
    file = ContentFile(data, name, ("goals", "treatments"), ("agreements",))
    goals = file.reader.code(file.top.get("goals"), questionnaire.items, "item")

    def codes_of(item: str) -> list[str]:
        return [option.code for option in questionnaire.items[item].options] if item in questionnaire.items else []

    def read(node: Node) -> Treatment:
        fields = file.fields(node, ("code", "name", "goals"), ("needs", "areas", "area", "alternatives", "plan"))
        return Treatment(
            code=file.new_id(fields.get("code")),
            name=file.text(fields.get("name")),
            goals=file.reader.codes(fields.get("goals"), codes_of(goals), "goal"),
            needs=needs(fields["needs"]) if "needs" in fields else None,
            areas=file.reader.codes(fields.get("areas"), questionnaire.items, "item"),
            area=file.text(fields.get("area")),
            alternatives=file.reader.string(fields.get("alternatives")) or None,
            plan=_plan(file, fields["plan"]) if "plan" in fields else None,
        )

    def needs(node: Node) -> tuple[str, tuple[str, ...]]:
        fields = file.fields(node, ("item", "any_of"))
        item = file.reader.code(fields.get("item"), questionnaire.items, "item")
        return item, file.reader.codes(fields.get("any_of"), codes_of(item), "option")

    found = file.every("treatments", read)
    agreements = file.reader.codes(file.top.get("agreements"), questionnaire.items, "item")
    for one in agreements:
        if one in questionnaire.items and questionnaire.items[one].type is not ItemType.BOOLEAN:
            file.reader.problem(file.top["agreements"], "Y07", f"'{one}' is not answered with yes or no")
        if one.partition(":")[0] == TREATMENT_PART:
            file.reader.problem(file.top["agreements"], "Y07", f"'{one}' is what a treatment is called as a part")
    return file.done(Treatments(file.version, goals, found, agreements))


def load_plans(data: Input, treatments: Treatments, name: str = "plans.yaml") -> Treatments:
    """Return the treatments with the plans of a file, which names each by its code. Raises DefinitionError."""
    file = ContentFile(data, name, ("plans",))
    plans: dict[str, Plan] = {}
    for code, node in file.pairs("plans"):
        if code not in treatments.codes:
            file.reader.problem(node, "Y05", f"there is no treatment '{code}'", f"known: {', '.join(treatments.codes)}")
        plans[code] = _plan(file, node)
    with_plans = tuple(replace(one, plan=plans.get(one.code, one.plan)) for one in treatments.all)
    return file.done(replace(treatments, all=with_plans))


def _plan(file: ContentFile, node: Node) -> Plan:
    names = ("sessions", "interval", "price_per_session", "price_total")
    fields = file.fields(node, names)
    return Plan(*(file.text(fields.get(name)) for name in names))
