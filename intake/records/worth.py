"""What a record is worth to whoever holds it now. The room of consent says what its consent is worth."""

from enum import StrEnum

from intake.consent import Force
from intake.records.rules import Outcome


class RecordState(StrEnum):
    """What a record is worth to whoever holds it now."""

    CURRENT = "current"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    EXPIRED = "expired"


STATE_OF = {
    Force.WITHDRAWN: RecordState.WITHDRAWN,
    Force.SUPERSEDED: RecordState.REPLACED,
    Force.EXPIRED: RecordState.EXPIRED,
}


def state(outcome: Outcome, force: Force) -> RecordState:
    """What a record is worth, from what its consent is worth. Whatever gives no consent (a no, a postponement, what was
    taken back) says what was, and stays true."""
    return STATE_OF.get(force, RecordState.CURRENT) if outcome is Outcome.COUNTERSIGNED else RecordState.CURRENT
