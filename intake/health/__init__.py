"""Whether everything that keeps the clinic running is in order: keys, records, log, machine. Front door."""

from intake.health.rules import Check, Level, worst
from intake.health.service import checks, newest_test, note_test, try_keys
from intake.health.words import LEVELS, NAMES, filled, sentence_of, words_of

__all__ = [
    "LEVELS",
    "NAMES",
    "Check",
    "Level",
    "checks",
    "filled",
    "newest_test",
    "note_test",
    "sentence_of",
    "try_keys",
    "words_of",
    "worst",
]
