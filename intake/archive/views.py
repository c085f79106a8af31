"""The archive's pages: search, a record, a day. A search is posted, so that no name stands in an address."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from intake import audit, clock, i18n, records
from intake.access import Actor, Role, allow, current_actor
from intake.archive import bundle, export, receipts, service, words
from intake.archive import search as searching
from intake.archive.forms import SearchForm
from intake.archive.service import Reading
from intake.db import transaction
from intake.errors import Damaged, DomainError, Invalid, NotFound

bp = Blueprint("archive", __name__, url_prefix="/archive")
PEOPLE = (Role.RECORDS, Role.DOCTOR)
# Whatever is in a file, it can do nothing in our name; the browsers' own viewers open it all the same.
PDF_CSP = "sandbox"
FIRST_YEAR = 2000


@bp.app_context_processor
def in_words() -> dict[str, object]:
    """What the archive's pages call things."""
    if request.blueprint != bp.name:
        return {}
    return {
        "outcome_words": words.outcome,
        "worth_words": words.worth,
        "fault_words": words.fault,
        "reading_words": words.reading,
        "problem_words": words.problem,
        "proof_words": words.proof,
        "waiting_words": words.waiting,
    }


@bp.route("", methods=["GET", "POST"])
@allow(*PEOPLE)
def search() -> ResponseReturnValue:
    """Find records."""
    form, found = SearchForm(), None
    if form.validate_on_submit():
        since, until = form.span
        try:
            with transaction():
                found = searching.find(i18n.clinic(), form.q.data, since, until, form.cursor, by=current_actor())
        except Invalid as error:
            field = form.since if error.code.endswith(("_dates", "_turned")) else form.q
            field.errors = [words.refusal(error)]
    status = 422 if form.errors else 200
    return render_template("archive/search.html", form=form, found=found, today=_today()), status


@bp.get("/records/<uuid:record_id>")
@allow(*PEOPLE)
def record(record_id: UUID) -> ResponseReturnValue:
    """A record's facts, whether its file is genuine, and what can be done with it."""
    page = service.page_of(record_id)
    with transaction():
        service.note(Reading.READ, record_id, by=current_actor(), genuine=page.check.is_genuine)
    return _record_page(page)


@bp.get("/records/<uuid:record_id>/pdf")
@allow(*PEOPLE)
def pdf(record_id: UUID) -> ResponseReturnValue:
    """The sealed PDF: to look at, or with ?download=1 to keep. Its name is its number."""
    is_download = request.args.get("download") == "1"
    try:
        data = service.open_file(record_id)
    except Damaged as error:
        with transaction():
            service.note(Reading.OPEN_FAILED, record_id, by=current_actor(), fault=error.code)
        return _record_page(service.page_of(record_id)), 500
    with transaction():
        service.note(Reading.DOWNLOADED if is_download else Reading.OPENED, record_id, by=current_actor())
    response = Response(data, mimetype="application/pdf")
    number = service.number_of(record_id)
    response.headers.set("Content-Disposition", "attachment" if is_download else "inline", filename=f"{number}.pdf")
    response.headers["Content-Security-Policy"] = PDF_CSP
    return response


@bp.post("/records/<uuid:record_id>/verify")
@allow(*PEOPLE)
def verify(record_id: UUID) -> ResponseReturnValue:
    """Check the file's bytes and its seal, and say exactly what was found."""
    page = service.page_of(record_id)
    with transaction():
        service.note(Reading.VERIFIED, record_id, by=current_actor(), genuine=page.check.is_genuine)
    return _record_page(page, is_checked=True)


@bp.post("/records/<uuid:record_id>/bundle")
@allow(*PEOPLE)
def evidence_bundle(record_id: UUID) -> ResponseReturnValue:
    """The record with everything that proves it, as one zip that needs nothing of this house to be checked."""
    number, by = service.number_of(record_id), current_actor()
    try:
        audit.checkpoint()
        data = bundle.bundle_of(record_id)
    except DomainError as error:
        with transaction():
            service.note(Reading.BUNDLE_FAILED, record_id, by=by, fault=error.code)
        return _record_page(service.page_of(record_id), no_bundle=error.code), 500
    with transaction():
        bundle.note_made(record_id, data, by=by)
    response = Response(data, mimetype="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"{number}-evidence.zip")
    return response


@bp.get("/receipts/<uuid:visit_id>")
@allow(*PEOPLE, Role.RECEPTION)
def receipt(visit_id: UUID) -> ResponseReturnValue:
    """A visit's receipt for the patient, to be printed."""
    found = receipts.receipt_of(visit_id)
    with transaction():
        receipts.note_shown(visit_id, by=current_actor())
    return render_template(
        "archive/receipt.html",
        receipt=found,
        say=words.receipt(found.language),
        day=words.both(lambda: i18n.long_date(found.day), found.language),
        direction=i18n.direction(found.language),
    )


@bp.get("/days")
@allow(*PEOPLE)
def days() -> ResponseReturnValue:
    """Go to the day that was chosen, or to today."""
    return redirect(url_for("archive.day", day=_day(request.args.get("day") or _today().isoformat())), 303)


@bp.get("/days/<string(length=10):day>")
@allow(*PEOPLE)
def day(day: str) -> ResponseReturnValue:
    """A day's records, and what is decided but not filed."""
    wanted = _day(day)
    listed = export.day_of(wanted)
    with transaction():
        export.note_list(wanted, by=current_actor())
    beside = wanted - timedelta(days=1), wanted + timedelta(days=1)
    awaiting = records.count_awaiting_time_stamp()
    return render_template("archive/day.html", listed=listed, beside=beside, today=_today(), awaiting=awaiting)


@bp.post("/days/<string(length=10):day>/zip")
@allow(*PEOPLE)
def day_zip(day: str) -> ResponseReturnValue:
    """A day's records as one zip."""
    listed, by = export.day_of(_day(day)), current_actor()
    with transaction():
        export.note_begun(listed, by=by)
    pieces = _pieces(export.Package(i18n.clinic(), listed), by)
    response = Response(stream_with_context(pieces), mimetype="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"records-{listed.day.isoformat()}.zip")
    return response


def _pieces(package: export.Package, by: Actor) -> Iterator[bytes]:
    """The zip as it is made. No byte of a record or of the list leaves before the log says so, and between two pieces
    no transaction is open, however slowly they are taken."""
    for row in package.listed.rows:
        pdf, fault = export.open_row(row)
        with transaction():
            export.note_row(row, fault, by=by)
        if fault:
            package.leave_out(row, fault)
        else:
            yield package.add(row, pdf)
    with transaction():
        export.note_finished(package, by=by)
    yield package.finish()


def _record_page(page: service.Page, *, is_checked: bool = False, no_bundle: str = "") -> str:
    born_on = date.fromisoformat(page.row.born_on) if page.row.born_on else None
    shown = {"page": page, "born_on": born_on, "is_checked": is_checked, "no_bundle": no_bundle}
    return render_template("archive/record.html", **shown)


def _day(typed: str) -> date:
    """A day in an address. Raises NotFound for what is none."""
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        raise NotFound("archive.no_such_day") from None
    if not FIRST_YEAR <= found.year <= _today().year + 1:
        raise NotFound("archive.no_such_day")
    return found


def _today() -> date:
    return clock.today(i18n.clinic().zone)
