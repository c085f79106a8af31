"""How a visit's story ends: declined, countersigned by its doctor with every point decided, sealed as a record."""

from uuid import UUID

from flask import Flask

from intake import consent, jobs, records, review, visits
from intake.access import Actor, Role
from intake.db import db, transaction
from intake.i18n import clinic
from intake.review.rules import verdicts_for
from tests.builders import TABLET, a_signed_visit, a_visit


def doctor_of(visit_id: UUID) -> Actor:
    """The doctor whose token the visit has."""
    return Actor("staff", visits.get_visit(visit_id).doctor_id, frozenset({Role.DOCTOR}))


def declined(app: Flask, visit_id: UUID, reason: str = "") -> None:
    """The patient says no."""
    with app.test_request_context(), transaction():
        consent.decline(clinic(), visit_id, reason, by=TABLET)


def withdrawn(app: Flask, visit_id: UUID, part: str = consent.TREATMENT) -> None:
    """The patient takes the treatment back, or another part, on the tablet."""
    with app.test_request_context(), transaction():
        how = consent.Request.TABLET
        taken, known = {part}, ["born_on"]
        consent.withdraw(clinic(), visit_id, taken, "", how, identity=known, language="en", by=TABLET)


def countersigned(app: Flask, visit_id: UUID, words: str = "Talked it over") -> None:
    """The doctor decides every open point, then countersigns."""
    with app.test_request_context(), transaction():
        doctor = doctor_of(visit_id)
        open_points = review.review_of(visit_id).matters.all
        entries = [review.Entry(m.point.about, verdicts_for(m.point)[0], words) for m in open_points]
        review.save(visit_id, entries, by=doctor)
        review.sign_off(clinic(), visit_id, review.review_of(visit_id).seen_sha256, by=doctor)


def work_done(app: Flask) -> int:
    """Do what is due as the worker would; gives how many jobs ran."""
    ran = 0
    with app.app_context():
        while jobs.run_due():
            ran += 1
        db.session.remove()
    return ran


def record_id_of(app: Flask, visit_id: UUID) -> UUID:
    """The id of the visit's record."""
    with app.app_context():
        found = records.record_of_visit(visit_id)
        assert found is not None
        return found.id


def a_filed_visit(app: Flask) -> UUID:
    """A visit up to its sealed, countersigned record."""
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    assert work_done(app) == 1
    return visit_id


def a_declined_visit(app: Flask, **visit: str) -> UUID:
    """A visit that ended with a no at its beginning, with its record."""
    visit_id = a_visit(app, **visit)
    declined(app, visit_id)
    assert work_done(app) == 1
    return visit_id
