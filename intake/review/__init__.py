"""The doctor's desk: what is to be settled, decided with words, released, countersigned or postponed. Front door."""

from intake.review.page import ReviewPage, review_of
from intake.review.rules import Entry, Stage, Verdict
from intake.review.service import (
    Attempt,
    Press,
    check_all,
    countersign,
    note_opened,
    postpone,
    release,
    save,
    save_and_release,
    sign_off,
)
from intake.review.worklist import Row, worklist

__all__ = [
    "Attempt",
    "Entry",
    "Press",
    "ReviewPage",
    "Row",
    "Stage",
    "Verdict",
    "check_all",
    "countersign",
    "note_opened",
    "postpone",
    "release",
    "review_of",
    "save",
    "save_and_release",
    "sign_off",
    "worklist",
]
