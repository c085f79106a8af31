"""The public page of a record's number. It says only whether there is such a record and its state,
never whose or what."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from intake import records
from intake.access import PUBLIC, allow
from intake.records.worth import RecordState

bp = Blueprint("records", __name__)
STATES = {
    RecordState.CURRENT: _l("Current"),
    RecordState.WITHDRAWN: _l("Taken back by the patient"),
    RecordState.REPLACED: _l("Replaced by a newer record"),
    RecordState.EXPIRED: _l("Its time is over"),
}


@bp.get("/verify/<string(maxlength=20):number>")
@allow(PUBLIC)
def verify(number: str) -> ResponseReturnValue:
    """Whether a record of this number was sealed here, and when."""
    found = records.find_by_number(number)
    if found is None:
        return render_template("records/verify.html", found=None), 404
    state = records.state_of(found)
    return render_template("records/verify.html", found=found, state=state.value, state_words=STATES[state])
