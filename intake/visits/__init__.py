"""Patients and their visits: tokens, what is known of a patient, and what happened at the desk. Front door."""

from intake.visits.rules import Fact, Hours, Move, Opening, Token, TokenState
from intake.visits.service import (
    VisitView,
    check_birth_date,
    facts_of,
    find_patients_by,
    get_visit,
    issue_token,
    list_day,
    lock_visit,
    move,
    moves_of,
    next_number,
    opening_now,
    state_facts,
    visits_of_patients,
    write_fact,
)

__all__ = [
    "Fact",
    "Hours",
    "Move",
    "Opening",
    "Token",
    "TokenState",
    "VisitView",
    "check_birth_date",
    "facts_of",
    "find_patients_by",
    "get_visit",
    "issue_token",
    "list_day",
    "lock_visit",
    "move",
    "moves_of",
    "next_number",
    "opening_now",
    "state_facts",
    "visits_of_patients",
    "write_fact",
]
