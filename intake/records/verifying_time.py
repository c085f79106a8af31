"""Whether the time stamps of a record hold: the one in each signature's message, and those over the finished file.

What a time stamp is, and who may set one, is `intake.time_stamps`; where they stand in the file, `stamped.py`.
"""

from dataclasses import replace
from datetime import datetime

from intake.errors import Invalid
from intake.records.case import Case
from intake.records.signed_bytes import Place
from intake.records.stamped import stamps_of
from intake.records.verdict import STRANGERS, Covers, Fault
from intake.time_stamps import check

_SHARES = (Covers.PART, Covers.STATE, Covers.FILE)


def stamped_at(case: Case, place: Place) -> datetime | None:
    """When a time service saw a signature, by the stamp in its message; names what is wrong with that."""
    if (message := place.message) is None or not message.stamp or not message.is_theirs:
        return None
    try:
        return check(message.stamp, message.stamped, case.authorities).at
    except Invalid as error:
        case.faults.add(_fault_of(error.code))
        return None


def follow(case: Case, pdf: bytes) -> None:
    """Look at what follows the record as it was signed: document time stamps, and nothing else."""
    if len(pdf) == len(case.pdf):
        return
    case.signed = [replace(one, covers=min(one.covers, Covers.STATE, key=_SHARES.index)) for one in case.signed]
    found = stamps_of(pdf, len(case.pdf), case.authorities)
    case.stamps = found.tokens
    if found.problem == "time_stamp.unknown_authority":
        case.faults.add(Fault.UNKNOWN_TIME_AUTHORITY)
        found = stamps_of(pdf, len(case.pdf), ())  # whoever it is: is each whole, and is nothing else there?
    if found.problem == "cut":
        case.faults.add(Fault.TRUNCATED)
    elif found.problem in ("more", "changed"):
        case.faults.add(Fault.SOMETHING_ADDED)
        if found.problem == "changed":
            case.faults.add(case.changed(len(case.places)))
    elif found.problem == "time_stamp.other_digest" and case.faults - STRANGERS:
        return  # a change before an earlier signature is named once, by the earliest
    elif found.problem:
        case.faults.add(_fault_of(found.problem))


def _fault_of(code: str) -> Fault:
    is_stranger = code == "time_stamp.unknown_authority"
    return Fault.UNKNOWN_TIME_AUTHORITY if is_stranger else Fault.TIME_STAMP_BROKEN
