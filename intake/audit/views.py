"""The log, for administrators: newest entries, and whether the chain holds. Entries name ids, never people."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from intake import audit
from intake.access import Role, allow
from intake.audit.models import AuditEntry
from intake.db import db

bp = Blueprint("audit", __name__)
PAGE = 100
LAST = 2**31 - 1  # what the column of sequence numbers can hold


@bp.get("/log")
@allow(Role.ADMIN)
def entries() -> ResponseReturnValue:
    """A page of entries, newest first, by keyset; checks the whole chain when asked."""
    before = min(request.args.get("before", LAST, type=int), LAST)
    query = select(AuditEntry).where(AuditEntry.seq < max(before, 0)).order_by(AuditEntry.seq.desc()).limit(PAGE)
    rows = db.session.scalars(query).all()
    checked = "check" in request.args
    broken = audit.verify() if checked else None
    return render_template("audit/entries.html", rows=rows, checked=checked, broken=broken, more=len(rows) == PAGE)
