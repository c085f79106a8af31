"""Screening rules as data: what each looks at, what it holds, and the words for doctor and patient.

Reading a patient's answers against them is left to the screening room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from intake.definitions.conditions import ConditionReader, RuleCondition
from intake.definitions.contentfile import ContentFile
from intake.definitions.questionnaire import Questionnaire, Text
from intake.definitions.treatments import Treatments
from intake.definitions.yamlfile import Input, Node, is_word


class Severity(StrEnum):
    """How much a finding asks of the doctor: clear it with a reason, decide it with a reason, or see it."""

    BLOCK = "block"
    CAUTION = "caution"
    NOTE = "note"


class HoldKind(StrEnum):
    """What a finding holds until a doctor has decided, the widest first."""

    TREATMENT = "treatment"
    SESSION = "session"
    SIGNATURE = "signature"
    AREA = "area"
    PRODUCT = "product"
    NUMBING = "numbing"


@dataclass(frozen=True)
class Hold:
    """One thing held. `names` are treatment codes, or keys of `Ruleset.names`; none means the whole of it."""

    kind: HoldKind
    names: tuple[str, ...] = ()
    when: RuleCondition | None = None


@dataclass(frozen=True)
class Rule:
    """One screening rule. `applies` lists treatments, empty for all; `held` says in words what it holds.

    A rule without a condition is general: it is raised for safety questions answered "unsure" (see `evaluate`).
    """

    id: str
    severity: Severity
    applies: tuple[str, ...]
    when: RuleCondition | None
    holds: tuple[Hold, ...]
    held: str
    doctor: Text
    patient: str
    clears: str
    source: tuple[str, ...]
    confidence: str


@dataclass(frozen=True, eq=False)
class Ruleset:
    """All rules of an edition, the messages patients get, and the names of areas and products that rules hold."""

    version: str
    rules: tuple[Rule, ...]
    messages: Mapping[str, Text]
    names: Mapping[str, Text]
    treatments: Treatments

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule with this id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def load_ruleset(
    data: Input, questionnaire: Questionnaire, treatments: Treatments, name: str = "screening.yaml"
) -> Ruleset:
    """Return the rules of a file. Raises DefinitionError with every problem.

    Items, options, treatments, messages and the names of what is held must all exist; ids may stand only once.
    """
    file = ContentFile(data, name, ("messages", "names", "rules"))
    messages = {key: file.text(node) for key, node in file.pairs("messages")}
    names = {key: file.staff_text(node) for key, node in file.pairs("names")}
    conditions = ConditionReader(file, questionnaire, treatments)
    reader = _RuleReader(file, conditions, messages, names)
    rules = file.every("rules", reader.read)
    return file.done(Ruleset(file.version, rules, messages, names, treatments))


class _RuleReader:
    """Reads the rules of one file."""

    def __init__(
        self,
        file: ContentFile,
        conditions: ConditionReader,
        messages: Iterable[str],
        names: Iterable[str],
    ) -> None:
        self.file = file
        self.conditions = conditions
        self.messages = tuple(messages)
        self.names = {
            HoldKind.TREATMENT: conditions.treatments.codes,
            **dict.fromkeys((HoldKind.AREA, HoldKind.PRODUCT, HoldKind.NUMBING), tuple(names)),
        }

    def read(self, node: Node) -> Rule:
        keys = ("id", "severity", "applies", "holds", "held", "doctor", "patient", "clears", "source", "confidence")
        fields = self.file.fields(node, keys, ("when", "general"))
        reader = self.file.reader
        if ("when" in fields) == reader.boolean(fields.get("general")):
            reader.problem(node, "Y07", "a rule has a condition, or says 'general: true'")
        severity = reader.code(fields.get("severity"), list(Severity), "severity")
        return Rule(
            id=self.file.new_id(fields.get("id")),
            severity=Severity(severity) if severity in list(Severity) else Severity.BLOCK,
            applies=self.file.applies(fields.get("applies"), self.conditions.treatments.codes),
            when=self.conditions.read(fields["when"]) if "when" in fields else None,
            holds=self._holds(fields.get("holds")),
            held=reader.string(fields.get("held")),
            doctor=self.file.staff_text(fields.get("doctor")),
            patient=reader.code(fields.get("patient"), self.messages, "message"),
            clears=reader.string(fields.get("clears")),
            source=reader.strings(fields.get("source")),
            confidence=reader.string(fields.get("confidence")),
        )

    def _holds(self, node: Node | None) -> tuple[Hold, ...]:
        """Return what a rule holds: ``nothing``, a kind, or a list of kinds and of mappings that name what exactly."""
        if node is None:
            return ()
        if is_word(node):
            word = self.file.reader.code(node, ("nothing", *HoldKind), "thing to hold")
            return (Hold(HoldKind(word)),) if word in list(HoldKind) else ()
        return tuple(hold for entry in self.file.reader.sequence(node) for hold in self._hold(entry))

    def _hold(self, node: Node) -> tuple[Hold, ...]:
        if is_word(node):
            return self._holds(node)
        fields = self.file.fields(node, (), (*HoldKind, "when"))
        when = self.conditions.read(fields["when"]) if "when" in fields else None
        kinds = [kind for kind in HoldKind if kind in fields]
        if len(kinds) != 1:
            self.file.reader.problem(node, "Y07", "each entry holds one thing")
        return tuple(Hold(kind, self._names(kind, fields[kind]), when) for kind in kinds)

    def _names(self, kind: HoldKind, node: Node) -> tuple[str, ...]:
        """Return the names of what is held; ``all`` means the whole of it."""
        if is_word(node) and self.file.reader.string(node) == "all":
            return ()
        return self.file.reader.codes(node, self.names.get(kind, ()), f"name to hold as {kind}")
