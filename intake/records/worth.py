"""What a record is worth to whoever holds it now. The room of consent says what its consent is worth."""

from enum import StrEnum

from intake.consent import Force
from intake.records.rules import Outcome


class RecordState(StrEnum):
    """What a record is worth to whoever holds it now."""

    CURRENT = "current"
    WITHDRAWN = "withdrawn"
    IN_PART = "part_withdrawn"
    REPLACED = "replaced"
    EXPIRED = "expired"


STATE_OF = {
    Force.WITHDRAWN: RecordState.WITHDRAWN,
    Force.SUPERSEDED: RecordState.REPLACED,
    Force.EXPIRED: RecordState.EXPIRED,
}


def state(outcome: Outcome, force: Force, *, is_in_part: bool) -> RecordState:
    """What a record is worth, from what its consent is worth, and whether a part of it was taken back since, while
    the rest stands. Whatever gives no consent (a no, a postponement, what was taken back) says what was, and stays
    true."""
    if outcome is not Outcome.COUNTERSIGNED:
        return RecordState.CURRENT
    return STATE_OF.get(force, RecordState.IN_PART if is_in_part else RecordState.CURRENT)
