"""Contraindications: what given answers raise for a doctor. Front door."""

from intake.screening.rules import Severity
from intake.screening.service import (
    FindingView,
    check_all,
    evaluate,
    findings_of,
    flag_counts,
    holds_consent,
    message,
    screen,
    treatments_of,
)

__all__ = [
    "FindingView",
    "Severity",
    "check_all",
    "evaluate",
    "findings_of",
    "flag_counts",
    "holds_consent",
    "message",
    "screen",
    "treatments_of",
]
