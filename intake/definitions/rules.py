"""The pure side of definitions under one name: what the rules of the rooms above may use.

Types and functions only; publishing and finding editions is left to service.py, each subject has a file of its own.
"""

from intake.definitions.clauses import Acknowledge, Clause, ConsentDocument, ConsentPage, FilledFrom, Part
from intake.definitions.conditions import Fact, Facts, RuleCondition, facts_of, witnesses
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import (
    DEFAULT_LENGTHS,
    VALUE_KEYS,
    Answers,
    Condition,
    Flow,
    Item,
    ItemType,
    Operator,
    Option,
    Questionnaire,
    Section,
    Text,
    Value,
    answer_text,
    enabled,
    equal,
    initial_answers,
    number,
    strip,
    visible_sections,
)
from intake.definitions.ruleset import Hold, HoldKind, Rule, Ruleset, Severity, load_ruleset
from intake.definitions.sheets import AfterCare, ProcessRule, RedFlag, Step, Subject, Urgency
from intake.definitions.teachback import TeachBack, TeachBackOption, TeachBackQuestion
from intake.definitions.treatments import Plan, Treatment, Treatments, chosen

__all__ = [
    "DEFAULT_LENGTHS",
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
    "FilledFrom",
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
    "chosen",
    "enabled",
    "equal",
    "facts_of",
    "initial_answers",
    "load_ruleset",
    "number",
    "strip",
    "visible_sections",
    "witnesses",
]
