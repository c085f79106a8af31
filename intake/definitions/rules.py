"""The pure side of definitions under one name: what the rules of the rooms above may use.

Types and functions only; publishing and finding editions is left to service.py, each subject has a file of its own.
"""

from intake.definitions.acceptance import Fault, answer_value, count_faults, value_faults
from intake.definitions.clauses import Acknowledge, Clause, ConsentDocument, ConsentPage, FilledFrom, Part
from intake.definitions.conditions import Fact, Facts, RuleCondition, facts_of, witnesses
from intake.definitions.enablement import (
    enabled,
    entry_id,
    initial_answers,
    split_entry,
    strip,
    visible_sections,
    with_entries,
)
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import (
    DEFAULT_LENGTHS,
    MOST_ENTRIES,
    NUMBERS,
    VALUE_KEYS,
    Condition,
    Flag,
    FlagSeverity,
    Flow,
    Item,
    ItemType,
    Option,
    Questionnaire,
    Section,
    Text,
)
from intake.definitions.ruleset import Hold, HoldKind, Rule, Ruleset, Severity, load_ruleset
from intake.definitions.sheets import AfterCare, ProcessRule, RedFlag, Step, Subject, Urgency
from intake.definitions.teachback import TeachBack, TeachBackOption, TeachBackQuestion
from intake.definitions.treatments import TREATMENT_PART, Plan, Treatment, Treatments, chosen
from intake.definitions.values import Answers, Operator, Value, equal, number
from intake.definitions.wording import answer_text, entry_label, entry_name, yes_no

__all__ = [
    "DEFAULT_LENGTHS",
    "MOST_ENTRIES",
    "NUMBERS",
    "TREATMENT_PART",
    "VALUE_KEYS",
    "Acknowledge",
    "AfterCare",
    "Answers",
    "Clause",
    "Condition",
    "ConsentDocument",
    "ConsentPage",
    "DefinitionError",
    "Fact",
    "Facts",
    "Fault",
    "FilledFrom",
    "Flag",
    "FlagSeverity",
    "Flow",
    "Hold",
    "HoldKind",
    "Item",
    "ItemType",
    "Operator",
    "Option",
    "Part",
    "Plan",
    "Problem",
    "ProcessRule",
    "Questionnaire",
    "RedFlag",
    "Rule",
    "RuleCondition",
    "Ruleset",
    "Section",
    "Severity",
    "Step",
    "Subject",
    "TeachBack",
    "TeachBackOption",
    "TeachBackQuestion",
    "Text",
    "Treatment",
    "Treatments",
    "Urgency",
    "Value",
    "answer_text",
    "answer_value",
    "chosen",
    "count_faults",
    "enabled",
    "entry_id",
    "entry_label",
    "entry_name",
    "equal",
    "facts_of",
    "initial_answers",
    "load_ruleset",
    "number",
    "split_entry",
    "strip",
    "value_faults",
    "visible_sections",
    "with_entries",
    "witnesses",
    "yes_no",
]
