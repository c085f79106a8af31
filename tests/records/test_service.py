"""Records with the database and the storage: one for each outcome, opened only while it is what was sealed."""

import json
import subprocess
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from intake import audit, clock, consent, i18n, jobs, records
from intake.consent import Kind
from intake.db import db, transaction
from intake.errors import Damaged, NotFound
from intake.i18n import clinic
from intake.records import compose, rules, service
from intake.records.models import Record
from intake.records.render import render
from intake.records.seal import the_sealer
from tests.builders import DESK, TABLET, a_signed_visit, a_visit, answered
from tests.endings import a_declined_visit, countersigned, declined, doctor_of, record_id_of, work_done

MONDAY = date(2026, 11, 23)


def ended(app: Flask, kind: Kind) -> UUID:
    """A visit that ended in this way, its record not made yet."""
    visit_id = a_visit(app) if kind is Kind.DECLINED else a_signed_visit(app)
    if kind is Kind.DECLINED:
        declined(app, visit_id, "Too dear")
    elif kind is Kind.COUNTERSIGNED:
        countersigned(app, visit_id)
    else:
        with app.test_request_context(), transaction():
            by = doctor_of(visit_id) if kind is Kind.POSTPONED else DESK
            consent.decide(clinic(), visit_id, kind, {"words": "Come back in May"}, by=by)
    return visit_id


def file_of(data: Path, record_id: UUID) -> Path:
    key = db.session.get_one(Record, record_id).storage_key
    return data / "files" / key[:2] / key[2:4] / key


@pytest.mark.parametrize("kind", [Kind.COUNTERSIGNED, Kind.DECLINED, Kind.POSTPONED, Kind.CLOSED])
def test_each_outcome_gives_one_record_whose_pdf_is_what_was_sealed(app: Flask, kind: Kind) -> None:
    visit_id = ended(app, kind)
    assert work_done(app) == 1
    with app.test_request_context():
        record = records.record_of_visit(visit_id)
        assert record is not None and record.outcome == kind.value
        pdf = records.open_pdf(record.id)
        assert service.rules.digest(pdf) == record.pdf_sha256 and len(pdf) == record.size
        verdict = records.verify_record(record.id)
        assert verdict.is_genuine and (verdict.number, verdict.outcome) == (record.number, kind.value)
        doctors = [] if kind is not Kind.COUNTERSIGNED else ["Dr Ananya Rao"]
        assert [one.who for one in verdict.signatures] == ["Kesari Skin & Hair seal", *doctors]
        assert records.compared(verdict) == verdict
        sealed = [entry for entry in audit.history_of(visit_id) if entry.event == "record.sealed"]
        assert [json.loads(entry.body)["facts"] for entry in sealed] == [
            {"record": str(record.id), "pdf_sha256": record.pdf_sha256}
        ]
        outcome = consent.find_statement(visit_id, kind)
        assert outcome is not None
        assert db.session.get_one(Record, record.id).statement_sha256 == outcome.sha256
        assert not jobs.list_unfinished() and audit.verify() is None


def test_a_record_speaks_the_language_that_was_on_the_screen_whatever_the_request_that_seals_it(
    app: Flask, tmp_path: Path
) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)
    with app.test_request_context(), transaction():
        i18n.set_language("hi")
        consent.present(clinic(), visit_id, "hi", by=TABLET)
    declined(app, visit_id)
    with app.test_request_context():
        i18n.set_language("ar")
        made = service.unsealed(visit_id)
        assert made is not None and made.snapshot.language == "hi"
        assert made.snapshot.timeline[-1].what == rules.Words("मना किया", "Said no")
        jobs.HANDLERS["records.seal"](str(visit_id))
        record = records.record_of_visit(visit_id)
        assert record is not None
        (tmp_path / "record.pdf").write_bytes(records.open_pdf(record.id))
    said = subprocess.run(
        ["pdftotext", tmp_path / "record.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    words = "".join(unicodedata.normalize("NFKC", said).split())
    for hindi, english in (("अंत में क्या हुआ", "How it ended"), ("मना किया", "Said no")):
        assert all("".join(unicodedata.normalize("NFKC", text).split()) in words for text in (hindi, english))


@pytest.mark.parametrize("kind", [Kind.DECLINED, Kind.POSTPONED])
def test_what_ended_a_visit_without_a_signature_is_said_once_on_its_timeline(app: Flask, kind: Kind) -> None:
    visit_id = a_visit(app)
    answered(app, visit_id)
    if kind is Kind.DECLINED:
        declined(app, visit_id)
    else:
        with app.app_context(), transaction():
            consent.decide(clinic(), visit_id, kind, {"words": "Come back in May"}, by=doctor_of(visit_id))
    with app.test_request_context():
        made = service.unsealed(visit_id)
    assert made is not None
    said = [event.what.text for event in made.snapshot.timeline]
    assert said.count(compose.EVENTS[f"consent.{kind}"]) == 1 and len(said) == len(set(said))


def test_a_signature_alone_makes_no_record_yet(app: Flask) -> None:
    visit_id = a_signed_visit(app)
    with app.test_request_context():
        assert service.unsealed(visit_id) is None
        assert not jobs.list_unfinished()
    assert work_done(app) == 0


def test_sealing_again_changes_nothing(app: Flask, data: Path) -> None:
    visit_id = a_declined_visit(app)
    files = sorted((data / "files").rglob("*"))
    with app.app_context():
        assert service.unsealed(visit_id) is None
        jobs.HANDLERS["records.seal"](str(visit_id))
        assert db.session.scalar(select(func.count()).select_from(Record)) == 1
    assert sorted((data / "files").rglob("*")) == files


def test_of_two_workers_that_sealed_the_same_visit_the_first_ones_record_stands(app: Flask) -> None:
    visit_id = ended(app, Kind.DECLINED)
    with app.app_context():
        both = [service.unsealed(visit_id) for _ in range(2)]
        for made in both:
            assert made is not None
            pdf = the_sealer().seal(render(made.snapshot, made.evidence))
            key = service.store(made, pdf)
            with transaction():
                service.add(made, pdf, key)
        record = records.record_of_visit(visit_id)
        assert record is not None and both[0] is not None
        assert record.number == both[0].snapshot.number
        assert records.verify_record(record.id).is_genuine
        assert [e.event for e in audit.history_of(visit_id)].count("record.sealed") == 1


@pytest.fixture
def record_id(app: Flask) -> UUID:
    return record_id_of(app, a_declined_visit(app))


def test_a_flipped_byte_in_the_storage_is_damage_and_nothing_is_opened(app: Flask, data: Path, record_id: UUID) -> None:
    with app.app_context():
        path = file_of(data, record_id)
        sound = path.read_bytes()
        path.chmod(0o600)
        for at in (0, 1, 2, 20, len(sound) // 2, len(sound) - 1):
            path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
            for read in (records.open_pdf, records.verify_record):
                with pytest.raises(Damaged):
                    read(record_id)
        path.write_bytes(sound)
        assert records.verify_record(record_id).is_genuine


def test_a_lost_file_is_not_found_and_an_unknown_record_neither(app: Flask, data: Path, record_id: UUID) -> None:
    with app.app_context():
        file_of(data, record_id).unlink()
        with pytest.raises(NotFound) as refusal:
            records.open_pdf(record_id)
        assert refusal.value.code == "storage.not_found"
        for read in (records.open_pdf, records.get_record):
            with pytest.raises(NotFound):
                read(uuid4())


def test_another_patients_file_put_in_its_place_does_not_open(app: Flask, data: Path, record_id: UUID) -> None:
    """Even by somebody who makes the row point to it: each file is sealed for one patient and one visit."""
    with app.app_context():
        record = records.get_record(record_id)
        other = service.vault.seal(record.patient_id, f"record|pdf|{uuid4()}", records.open_pdf(record_id))
        path = file_of(data, record_id)
        stolen = service.the_storage().put(other)
        path.unlink()
        path.write_bytes((data / "files" / stolen[:2] / stolen[2:4] / stolen).read_bytes())
        with pytest.raises(Damaged):
            records.open_pdf(record_id)


def test_a_decided_visit_without_a_record_is_listed_until_it_has_one(app: Flask) -> None:
    visit_id = ended(app, Kind.DECLINED)
    a_signed_visit(app)
    with app.app_context():
        [waiting] = records.unfiled(MONDAY)
        assert (waiting.visit_id, waiting.token, waiting.kind, waiting.error, waiting.given_up) == (
            *(visit_id, "K 01", "declined", "", False),
        )
        assert records.records_of_day(MONDAY) == []
    assert work_done(app) == 1
    with app.app_context():
        assert records.unfiled(MONDAY) == []
        assert [record.visit_id for record in records.records_of_day(MONDAY)] == [visit_id]


def test_a_record_whose_seal_has_ended_is_listed_with_the_reason_and_waits_as_long_as_it_takes(
    app: Flask, clock_at: Callable[[datetime], None]
) -> None:
    ended(app, Kind.DECLINED)
    clock_at(clock.now() + timedelta(days=4 * 366))
    with app.app_context():
        assert jobs.run_due()
        [waiting] = records.unfiled(MONDAY)
        assert (waiting.error, waiting.given_up) == ("seal.not_in_force", False)
        job = jobs.list_unfinished()[0]
        with transaction():
            db.session.get_one(jobs.Job, job.id).tries = jobs.MOST_TRIES - 1
        clock_at(clock.now() + timedelta(hours=1))
        assert jobs.run_due()
        assert not records.unfiled(MONDAY)[0].given_up


def test_what_cannot_be_sealed_for_another_reason_is_at_last_listed_as_given_up(app: Flask, data: Path) -> None:
    """Here: files cannot be kept."""
    ended(app, Kind.DECLINED)
    (data / "files").write_bytes(b"a file where the folder should be")
    with app.app_context():
        with transaction():
            db.session.get_one(jobs.Job, jobs.list_unfinished()[0].id).tries = jobs.MOST_TRIES - 1
        assert jobs.run_due()
        assert records.unfiled(MONDAY)[0].given_up


def test_records_are_found_by_number_by_patient_and_by_day(app: Flask) -> None:
    first, second = a_visit(app, name="Farida Sheikh"), a_visit(app, name="Jo Strasser", letter="T")
    for visit_id in (second, first):
        declined(app, visit_id)
    assert work_done(app) == 2
    with app.app_context():
        one, other = (records.record_of_visit(visit_id) for visit_id in (first, second))
        assert one is not None and other is not None and one.number != other.number
        assert records.find_by_number(one.number.lower().replace("-", " ")) == one
        assert records.find_by_number("KS-0000-0000") is records.find_by_number("nonsense") is None
        assert records.records_of_patients([one.patient_id]) == [one]
        assert {r.id for r in records.records_of_patients([one.patient_id, other.patient_id])} == {one.id, other.id}
        assert records.records_of_patients([]) == []
        assert records.records_of_day(MONDAY) == [one, other]
        assert records.records_of_day(MONDAY + timedelta(days=1)) == []
