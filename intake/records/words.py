"""The words for what a record is worth, for the public page of its number and for the archive."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from intake.records.worth import RecordState

STATE_WORDS: Mapping[RecordState, Any] = {
    RecordState.CURRENT: _l("Current: not replaced, not taken back"),
    RecordState.WITHDRAWN: _l("Taken back by the patient"),
    RecordState.IN_PART: _l("Taken back in part; the rest stands"),
    RecordState.REPLACED: _l("Replaced by a newer record"),
    RecordState.EXPIRED: _l("Its time is over"),
}
