"""Everything of an edition besides the questionnaire, under one name: types and loaders of its YAML files."""

from intake.definitions.clauses import Acknowledge, Clause, ConsentDocument, ConsentPage, FilledFrom, Part, load_consent
from intake.definitions.contentfile import ContentFile, for_treatments
from intake.definitions.sheets import (
    AfterCare,
    ProcessRule,
    RedFlag,
    Source,
    Step,
    Subject,
    Urgency,
    load_aftercare,
    load_process,
    load_sources,
)
from intake.definitions.teachback import TeachBack, TeachBackOption, TeachBackQuestion, load_teachback
from intake.definitions.treatments import Plan, Treatment, Treatments, chosen, load_plans, load_treatments
from intake.definitions.yamlfile import Node

__all__ = [
    "Acknowledge",
    "AfterCare",
    "Clause",
    "ConsentDocument",
    "ConsentPage",
    "ContentFile",
    "FilledFrom",
    "Node",
    "Part",
    "Plan",
    "ProcessRule",
    "RedFlag",
    "Source",
    "Step",
    "Subject",
    "TeachBack",
    "TeachBackOption",
    "TeachBackQuestion",
    "Treatment",
    "Treatments",
    "Urgency",
    "chosen",
    "for_treatments",
    "load_aftercare",
    "load_consent",
    "load_plans",
    "load_process",
    "load_sources",
    "load_teachback",
    "load_treatments",
]
