"""The public page of a record's number. It says only whether there is such a record and its state,
never whose or what."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from intake import records
from intake.access import PUBLIC, allow

bp = Blueprint("records", __name__)


@bp.get("/verify/<string(maxlength=20):number>")
@allow(PUBLIC)
def verify(number: str) -> ResponseReturnValue:
    """Whether a record of this number was sealed here, and when."""
    found = records.find_by_number(number)
    return render_template("records/verify.html", found=found), 200 if found else 404
