"""Trusted time in the clinic: stamped after it was filed, visible while it waits, renewed in time, never in the way."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import DatabaseError

from intake import audit, clock, create_app, jobs, records
from intake.cli_fsck import faults_of
from intake.cli_worker import ask_for_time_stamps, work
from intake.config import Settings
from intake.db import db, transaction
from intake.jobs import Job
from intake.records import Proof, stamp_keeping
from intake.records.models import Record, RecordStamp
from intake.records.seal import the_sealer
from intake.storage import the_storage
from tests import tsa
from tests.builders import a_signed_visit, a_visit
from tests.conftest import always_open, sign_in
from tests.endings import countersigned, declined, record_id_of, work_done

TEN_YEARS = timedelta(days=3653)


def filed(app: Flask) -> UUID:
    """A countersigned visit up to its record, and whatever follows it."""
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    work_done(app)
    return record_id_of(app, visit_id)


def stamps(app: Flask, record_id: UUID) -> list[RecordStamp]:
    with app.app_context():
        found = stamp_keeping.stamps_of([record_id]).get(record_id, [])
        db.session.expunge_all()
        return found


def hours_later(app: Flask, hours: float) -> int:
    """What the worker does that much later: its round of each hour, and what is due then."""
    with clock.frozen(clock.now() + timedelta(hours=hours)):
        with app.app_context():
            ask_for_time_stamps()
            db.session.remove()
        return work_done(app)


def test_a_filed_record_is_stamped_by_a_job_of_its_own_and_its_earlier_file_is_kept(stamping_app: Flask) -> None:
    record_id = filed(stamping_app)
    with stamping_app.test_request_context():
        row = db.session.get_one(Record, record_id)
        (stamp,) = stamp_keeping.stamps_of([record_id])[record_id]
        view, pdf = records.get_record(record_id), records.open_pdf(record_id)
        assert (view.pdf_sha256, view.size, view.authority) == (stamp.pdf_sha256, len(pdf), "Test TSA")
        assert pdf.startswith(stamp_keeping.open_newest(row, None)) and stamp.pdf_sha256 != row.pdf_sha256
        verdict = records.verify_record(record_id)
        assert verdict.is_genuine and verdict.proof is Proof.ARCHIVE and len(verdict.signatures) == 2
        (said,) = audit.facts_said("record.time_stamped", row.visit_id)
        assert said == {"record": str(record_id), "number": 1, "pdf_sha256": stamp.pdf_sha256}
        assert records.digests_of(record_id) == [row.pdf_sha256, stamp.pdf_sha256]
        assert records.count_awaiting_time_stamp() == records.Waiting(0, None)
        for kept in (pdf, stamp_keeping.open_newest(row, None)):
            assert records.compared(the_sealer().verify(kept)).is_genuine
    assert work_done(stamping_app) == 0


@pytest.mark.parametrize(
    ("lie", "code", "why"),
    [
        ("error 500", "time_stamp.no_answer", "the time service does not answer"),
        ("other digest", "time_stamp.other_digest", "the time service stamped something else"),
        ("other nonce", "time_stamp.other_nonce", "the time service answered another question"),
        ("stranger", "time_stamp.unknown_authority", "the stamp is not from the authority in the settings"),
        ("garbage", "time_stamp.not_a_token", "what the time service answers is no time stamp"),
        ("no list", "time_stamp.no_list", "the list of revoked certificates could not be had"),
    ],
)
def test_a_service_that_fails_or_lies_delays_no_record_and_is_asked_again(
    stamping_app: Flask, time_service: tsa.Service, lie: str, code: str, why: str
) -> None:
    time_service.lie = lie
    record_id = filed(stamping_app)
    with stamping_app.test_request_context():
        assert records.verify_record(record_id).is_genuine and not stamps(stamping_app, record_id)
        assert records.why_waiting(record_id) == code
        waiting = records.count_awaiting_time_stamp()
        assert (waiting.count, waiting.oldest) == (1, records.get_record(record_id).sealed_at)
    page = sign_in(stamping_app, "records@demo.example").get(f"/archive/records/{record_id}")
    assert page.status_code == 200 and "Waits for its time stamp" in page.text and why in page.text
    assert code not in page.text
    time_service.lie = ""
    with clock.frozen(clock.now() + timedelta(seconds=4)):
        assert work_done(stamping_app) == 1
    assert len(stamps(stamping_app, record_id)) == 1


def test_after_days_without_the_service_every_record_is_stamped_once_it_is_back(
    stamping_app: Flask, time_service: tsa.Service
) -> None:
    time_service.lie = "error 500"
    record_id = filed(stamping_app)
    with stamping_app.app_context():
        with transaction():
            db.session.execute(update(Job).where(Job.done_at.is_(None)).values(tries=jobs.MOST_TRIES - 1))
            db.session.execute(update(Job).where(Job.done_at.is_(None)).values(due_at=clock.now()))
        db.session.remove()
    assert work_done(stamping_app) == 1
    with stamping_app.app_context():
        (job,) = jobs.list_unfinished()
        assert job.given_up_at is not None and job.error == "time_stamp.no_answer"
        db.session.remove()
    assert work_done(stamping_app) == 0
    time_service.lie = ""
    with stamping_app.app_context():
        ask_for_time_stamps()
        db.session.remove()
    work_done(stamping_app)
    assert len(stamps(stamping_app, record_id)) == 1


def test_records_from_before_there_was_a_service_are_stamped_too(
    settings: Settings, stamping_app: Flask, time_service: tsa.Service
) -> None:
    app = create_app(replace(settings, clinic=always_open(settings.clinic)))
    record_id = filed(app)
    with app.test_request_context():
        assert records.why_waiting(record_id) is None and records.count_awaiting_time_stamp().count == 0
        assert records.verify_record(record_id).proof is Proof.CLOCK
    with stamping_app.test_request_context():
        assert records.count_awaiting_time_stamp().count == 1
    assert hours_later(stamping_app, 0) >= 1
    with stamping_app.test_request_context():
        found = records.verify_record(record_id)
        assert found.is_genuine and found.proof is Proof.DOCUMENT and found.proved_at is not None


def test_a_record_is_stamped_anew_before_the_services_certificate_has_less_than_a_year(
    stamping_app: Flask, time_service: tsa.Service
) -> None:
    time_service.stamper = time_service.authority.issue(f"Old TSA {clock.now():%H%M%S%f}", 400)
    record_id = filed(stamping_app)
    assert hours_later(stamping_app, 24 * 34) == 0 or len(stamps(stamping_app, record_id)) == 1
    with stamping_app.app_context(), transaction():
        with clock.frozen(clock.now() + timedelta(days=36)):
            assert stamp_keeping.ask_for_all() == 1
            assert stamp_keeping.ask_for_all() == 0, "asked for once"
    work_later(stamping_app)
    assert len(stamps(stamping_app, record_id)) == 1, "the same certificate would prove no longer"
    with stamping_app.app_context(), transaction(), clock.frozen(clock.now() + timedelta(days=36)):
        assert stamp_keeping.ask_for_all() == 0, "what was tried this month takes nobody's place"
    time_service.stamper = time_service.authority.issue(f"New TSA {clock.now():%H%M%S%f}", 3000)
    with stamping_app.app_context(), transaction():
        with clock.frozen(clock.now() + timedelta(days=67)):
            assert stamp_keeping.ask_for_all() == 1
    work_later(stamping_app)
    with stamping_app.test_request_context():
        first, second = stamp_keeping.stamps_of([record_id])[record_id]
        assert second.good_until > first.good_until + timedelta(days=1000)
        found = records.verify_record(record_id)
        assert found.is_genuine and [one.who[:3] for one in found.stamps] == ["Old", "New"]
        assert found.proved_at is not None and records.get_record(record_id).stamped_at == first.stamped_at


def work_later(app: Flask) -> None:
    """Do what was asked for at a later time now, because the service stamps with today's."""
    with app.app_context():
        with transaction():
            db.session.execute(update(Job).where(Job.done_at.is_(None)).values(due_at=clock.now()))
        db.session.remove()
    work_done(app)


def test_an_erased_patients_record_is_not_waited_for(stamping_app: Flask, time_service: tsa.Service) -> None:
    from intake import vault

    time_service.lie = "error 500"
    record_id = filed(stamping_app)
    with stamping_app.test_request_context():
        with transaction():
            vault.destroy_patient_key(records.get_record(record_id).patient_id)
        assert records.count_awaiting_time_stamp().count == 0
    time_service.lie = ""
    assert hours_later(stamping_app, 1) >= 1
    assert stamps(stamping_app, record_id) == []


def test_the_worker_does_what_asks_outside_beside_the_rest(stamping_app: Flask, time_service: tsa.Service) -> None:
    """While the service hangs with one record, the next one is sealed."""
    time_service.lie = "error 500"
    filed(stamping_app)
    second = a_signed_visit(stamping_app, name="Jo Strasser")
    countersigned(stamping_app, second)
    time_service.lie = "hanging"
    with stamping_app.app_context(), transaction():
        db.session.execute(update(Job).where(Job.done_at.is_(None)).values(due_at=clock.now()))
    stop, asked = threading.Event(), time_service.asked
    worker = threading.Thread(target=work, args=(stamping_app, stop))
    worker.start()
    try:
        for _ in range(600):
            with stamping_app.app_context():
                is_sealed = records.record_of_visit(second) is not None
                db.session.remove()
            if is_sealed:
                break
            threading.Event().wait(0.05)
        assert is_sealed and time_service.asked == asked, "nobody was answered yet"
    finally:
        stop.set()
        time_service.let_go.set()
        worker.join(timeout=30)
    assert not worker.is_alive()


def test_pages_say_what_stands_behind_the_time(stamping_app: Flask, time_service: tsa.Service) -> None:
    record_id = filed(stamping_app)
    with stamping_app.test_request_context():
        number, digests = records.get_record(record_id).number, records.digests_of(record_id)
    browser = sign_in(stamping_app, "records@demo.example")
    page = browser.get(f"/archive/records/{record_id}").text
    assert "stamped each signature and the finished file" in page and "Waits for its time stamp" not in page
    public = stamping_app.test_client().get(f"/verify/{number}").text
    assert "Confirmed by a time service outside the clinic" in public
    assert f'data-sha256="{" ".join(digests)}"' in public
    time_service.lie = "error 500"
    filed(stamping_app)
    day = browser.get(f"/archive/days/{clock.now():%Y-%m-%d}").text
    assert "1 record waits for its time stamp" in day


def found_by_fsck(app: Flask) -> list[str]:
    return [fault.code for fault in faults_of(app, Counter(), seals=True)]


def test_fsck_looks_at_stamped_files_and_names_what_is_wrong(stamping_app: Flask, settings: object) -> None:
    record_id = filed(stamping_app)
    count: Counter[str] = Counter()
    assert list(faults_of(stamping_app, count, seals=True)) == [] and count["time-stamped file"] == 1
    (stamp,) = stamps(stamping_app, record_id)
    file = Path(stamping_app.config["INTAKE"].data) / "files" / stamp.storage_key[:2] / stamp.storage_key[2:4]
    file = file / stamp.storage_key
    data = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert found_by_fsck(stamping_app) == ["stamp.file_lost"]
    file.write_bytes(data)
    assert found_by_fsck(stamping_app) == []


def test_fsck_finds_a_stamped_file_that_was_put_in_past_the_service_or_taken_away(stamping_app: Flask) -> None:
    record_id = filed(stamping_app)
    with stamping_app.app_context():
        with transaction():
            row = db.session.get_one(Record, record_id)
            pdf = stamp_keeping.open_newest(row, stamp_keeping.newest_stamp(record_id))
            db.session.add(
                RecordStamp(
                    id=record_id,
                    record_id=record_id,
                    number=2,
                    pdf_sha256=row.pdf_sha256,
                    storage_key=row.storage_key,
                    size=row.size,
                    stamped_at=clock.now(),
                    authority="Nobody",
                    good_until=clock.now(),
                )
            )
        assert len(pdf) > row.size and the_storage().get(row.storage_key)
        db.session.remove()
    assert found_by_fsck(stamping_app) == ["stamp.other_record", "stamp.not_in_log"]


def test_the_rows_of_time_stamps_are_never_changed(stamping_app: Flask) -> None:
    filed(stamping_app)
    with stamping_app.app_context():
        for statement in ("UPDATE record_stamp SET number = 7", "DELETE FROM record_stamp"):
            with pytest.raises(DatabaseError, match="append-only"), transaction():
                db.session.execute(text(statement))


def test_a_refusal_is_stamped_like_any_record(stamping_app: Flask) -> None:
    visit_id = a_visit(stamping_app)
    declined(stamping_app, visit_id)
    work_done(stamping_app)
    assert len(stamps(stamping_app, record_id_of(stamping_app, visit_id))) == 1
