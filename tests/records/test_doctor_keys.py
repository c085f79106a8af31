"""The doctors' keys: made when first needed, never in the clear, renewed in time; the root's key is read only then."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from intake import audit, clock, jobs, records, staff
from intake.db import db, transaction
from intake.errors import Damaged, NotAllowed
from intake.records import doctor_keys
from intake.records.certificates import ClinicKeys, Doctor, as_certified, doctor_of, is_issued_by
from intake.records.models import DoctorKey
from intake.records.seal import PadesSealer, the_sealer
from intake.staff import StaffMember
from tests.builders import a_signed_visit
from tests.conftest import MONDAY_NOON
from tests.endings import a_filed_visit, countersigned, record_id_of, work_done

RAO = Doctor("Dr Ananya Rao", "DMC-00001")


def rows(app: Flask) -> list[DoctorKey]:
    with app.app_context():
        return list(db.session.scalars(select(DoctorKey).order_by(DoctorKey.made_at)))


def rao_id() -> UUID:
    return next(doctor.id for doctor in staff.list_doctors() if doctor.letter == "K")


def test_the_first_countersigned_record_makes_the_doctors_key_and_the_next_one_uses_it(app: Flask) -> None:
    a_filed_visit(app)
    a_filed_visit(app)
    [row] = rows(app)
    certificate = x509.load_der_x509_certificate(row.certificate)
    with app.app_context():
        keys = the_sealer().keys
        assert row.doctor_id == rao_id() and is_issued_by(keys.root, certificate)
        noted = [entry for entry in audit.history_of(row.doctor_id) if entry.event == "doctor_key.made"]
        assert len(noted) == 1 and str(row.id) in noted[0].body.decode()
    assert doctor_of(certificate) == RAO
    assert (certificate.not_valid_after_utc - MONDAY_NOON).days == 3 * 365 + 1
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.content_commitment and not usage.value.key_cert_sign


def test_a_doctors_private_key_lies_nowhere_in_the_clear(app: Flask, data: Path) -> None:
    a_filed_visit(app)
    with app.app_context():
        key = doctor_keys.find_key(the_sealer().keys, rao_id(), RAO)
        assert key is not None
        db.session.remove()
        db.engine.dispose()
    secret = key.private.private_numbers().private_value.to_bytes(32, "big")
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files and not [path for path in files if secret in path.read_bytes()]
    assert "private" not in repr(key)


def test_a_key_is_renewed_60_days_before_its_certificate_ends_and_old_records_stay_genuine(
    app: Flask, clock_at: Callable[[datetime], None]
) -> None:
    visit_id = a_filed_visit(app)
    [first] = rows(app)
    end = x509.load_der_x509_certificate(first.certificate).not_valid_after_utc
    with app.app_context():
        keys = the_sealer().keys
        clock_at(end - timedelta(days=60, seconds=1))
        assert doctor_keys.find_key(keys, rao_id(), RAO) is not None
        clock_at(end - timedelta(days=60))
        assert doctor_keys.find_key(keys, rao_id(), RAO) is None
        made = doctor_keys.make_key(keys, RAO)
        with transaction():
            assert doctor_keys.keep_key(keys, rao_id(), RAO, made) is made
        found = doctor_keys.find_key(keys, rao_id(), RAO)
        assert found is not None and found.certificate == made.certificate
    assert first.id == rows(app)[0].id and len(rows(app)) == 2
    with app.app_context():
        assert records.verify_record(record_id_of(app, visit_id)).is_genuine


def test_a_clock_set_back_before_the_certificate_or_another_name_asks_for_a_new_key(
    app: Flask, clock_at: Callable[[datetime], None]
) -> None:
    a_filed_visit(app)
    with app.app_context():
        keys = the_sealer().keys
        assert doctor_keys.find_key(keys, rao_id(), Doctor("Dr Ananya Rao-Menon", "DMC-00001")) is None
        assert doctor_keys.find_key(keys, rao_id(), Doctor("Dr Ananya Rao", "DMC-2")) is None
        clock_at(MONDAY_NOON - timedelta(days=2))
        assert doctor_keys.find_key(keys, rao_id(), RAO) is None


def test_who_changes_their_name_signs_under_the_new_one(app: Flask) -> None:
    first = a_filed_visit(app)
    with app.app_context(), transaction():
        db.session.get_one(StaffMember, rao_id()).name = "Dr Ananya Rao-Menon"
    second = a_filed_visit(app)
    with app.app_context():
        for visit_id, name in ((first, "Dr Ananya Rao"), (second, "Dr Ananya Rao-Menon")):
            verdict = records.verify_record(record_id_of(app, visit_id))
            assert verdict.is_genuine and verdict.signatures[1].who == name


def test_the_roots_key_is_read_only_when_a_certificate_is_needed(app: Flask, data: Path) -> None:
    a_filed_visit(app)
    (data / "keys" / "seal" / "root.key").rename(data / "root.key")
    a_filed_visit(app)
    assert len(rows(app)) == 1


def test_without_the_roots_key_a_first_countersignature_waits_and_says_why(app: Flask, data: Path) -> None:
    hidden = data / "keys" / "seal" / "root.key"
    hidden.rename(data / "root.key")
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    work_done(app)
    with app.app_context():
        assert records.record_of_visit(visit_id) is None
        assert [job.error for job in jobs.list_unfinished()] == ["seal.no_root_key"]
    assert rows(app) == []


def test_of_two_workers_that_made_a_key_the_first_ones_is_kept(app: Flask) -> None:
    with app.app_context():
        keys = the_sealer().keys
        made = [doctor_keys.make_key(keys, RAO) for _ in range(2)]
        kept = []
        for one in made:
            with transaction():
                kept.append(doctor_keys.keep_key(keys, rao_id(), RAO, one))
        assert [one.certificate for one in kept] == [made[0].certificate] * 2
    assert len(rows(app)) == 1


def test_a_key_moved_to_another_row_does_not_open(app: Flask) -> None:
    with app.app_context():
        keys, rao = the_sealer().keys, rao_id()
        with transaction():
            doctor_keys.keep_key(keys, rao, RAO, doctor_keys.make_key(keys, RAO))
        [row] = rows(app)
        other = DoctorKey(
            id=UUID(int=9),
            doctor_id=rao,
            certificate=row.certificate,
            sealed=row.sealed,
            made_at=row.made_at + timedelta(seconds=1),
        )
        with transaction():
            db.session.add(other)
        with pytest.raises(Damaged, match="not_intact"):
            doctor_keys.find_key(keys, rao, RAO)


@pytest.mark.parametrize("change", ["UPDATE doctor_key SET sealed = certificate", "DELETE FROM doctor_key"])
def test_a_key_once_kept_is_never_changed(app: Flask, change: str) -> None:
    a_filed_visit(app)
    with app.app_context(), pytest.raises(DatabaseError, match="append-only"), transaction():
        db.session.execute(text(change))


def test_a_certificate_ends_with_its_root_at_the_latest_and_none_is_issued_after(
    tmp_path: Path, clock_at: Callable[[datetime], None]
) -> None:
    keys = ClinicKeys.create(tmp_path, "Clinic")
    clock_at(keys.root.not_valid_after_utc - timedelta(days=100))
    assert doctor_keys.make_key(keys, RAO).certificate.not_valid_after_utc == keys.root.not_valid_after_utc
    clock_at(keys.root.not_valid_after_utc)
    with pytest.raises(NotAllowed, match="root_not_in_force"):
        doctor_keys.make_key(keys, RAO)


@pytest.fixture(scope="module")
def some_keys(tmp_path_factory: pytest.TempPathFactory) -> ClinicKeys:
    with clock.frozen(MONDAY_NOON):
        return ClinicKeys.create(tmp_path_factory.mktemp("keys"), "Clinic")


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), number=st.text(max_size=80))
def test_a_doctor_of_any_name_gets_a_certificate_that_says_it_as_far_as_there_is_room(
    some_keys: ClinicKeys, name: str, number: str
) -> None:
    doctor = Doctor(name, number.encode(errors="ignore").decode())
    certificate = doctor_keys.make_key(some_keys, doctor).certificate
    said = doctor_of(certificate)
    assert said == as_certified(doctor) and is_issued_by(some_keys.root, certificate)
    assert len(certificate.subject.get_attributes_for_oid(NameOID.TITLE)) == 1


def test_nobody_signs_as_a_doctor_what_the_seal_alone_did_not_leave(app: Flask) -> None:
    visit_id = a_filed_visit(app)
    with app.app_context():
        pdf = records.open_pdf(record_id_of(app, visit_id))
        sealer: PadesSealer = the_sealer()
        key = doctor_keys.find_key(sealer.keys, rao_id(), RAO)
        assert key is not None
        for wrong in (pdf, pdf[:-10], b"%PDF-1.7"):
            with pytest.raises(NotAllowed, match="not_to_be_countersigned"):
                sealer.countersign(wrong, key.certificate, key.private)
