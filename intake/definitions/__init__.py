"""Questionnaires, consents, treatments and screening rules as versioned, translated data. Front door."""

from intake.definitions.content import Clause, TeachBackQuestion, Treatment, Treatments
from intake.definitions.rules import (
    Answers,
    Item,
    ItemType,
    Questionnaire,
    Section,
    Text,
    Value,
    answer_text,
    enabled,
    initial_answers,
    strip,
    visible_sections,
)
from intake.definitions.service import Edition, approve, current_edition, get_edition, is_approved, publish_bundled

__all__ = [
    "Answers",
    "Clause",
    "Edition",
    "Item",
    "ItemType",
    "Questionnaire",
    "Section",
    "TeachBackQuestion",
    "Text",
    "Treatment",
    "Treatments",
    "Value",
    "answer_text",
    "approve",
    "current_edition",
    "enabled",
    "get_edition",
    "initial_answers",
    "is_approved",
    "publish_bundled",
    "strip",
    "visible_sections",
]
