"""The doctors' signing keys: made when one is first needed, sealed by the vault, renewed in time.

A key signs for its doctor while the worker seals a record; that the doctor gave their password is the evidence's part.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from sqlalchemy import select

from intake import audit, clock
from intake.access import SYSTEM
from intake.db import db, fetch, new_id, take_turns
from intake.errors import Damaged
from intake.records.certificates import ClinicKeys, Doctor, as_certified, doctor_of, fingerprint, is_issued_by
from intake.records.models import DoctorKey
from intake.vault import the_vault

RENEWED_BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class Key:
    """A doctor's key, opened: it signs, and its certificate says for whom."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey = field(repr=False)


def find_key(keys: ClinicKeys, doctor_id: UUID, doctor: Doctor) -> Key | None:
    """The doctor's newest key, if it may sign as this doctor: its certificate is the clinic's, names the doctor as
    given, covers now, and has 60 days left. None where a new one is needed. Raises Damaged where it does not open."""
    newest = select(DoctorKey).where(DoctorKey.doctor_id == doctor_id).order_by(DoctorKey.made_at.desc()).limit(1)
    row = db.session.scalars(newest).first()
    if row is None:
        return None
    certificate = x509.load_der_x509_certificate(row.certificate)
    if not _is_good(keys, certificate, doctor, clock.now()):
        return None
    private = load_der_private_key(the_vault().open_clinic(_place(row.id), row.sealed), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != certificate.public_key():
        raise Damaged("doctor_key.of_another_certificate", key=row.id)
    return Key(certificate, private)


def make_key(keys: ClinicKeys, doctor: Doctor) -> Key:
    """A new key with its certificate, not kept yet. Raises what `ClinicKeys.issue` does."""
    private = ec.generate_private_key(ec.SECP256R1())
    return Key(keys.issue(doctor, private.public_key()), private)


def keep_key(keys: ClinicKeys, doctor_id: UUID, doctor: Doctor, made: Key) -> Key:
    """Keep a new key and note its certificate in the log. Where another worker kept one meanwhile, that one is given
    and ours is dropped."""
    take_turns(f"doctor key {doctor_id}")
    if (kept := find_key(keys, doctor_id, doctor)) is not None:
        return kept
    row_id = new_id()
    plain = made.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    row = DoctorKey(
        id=row_id,
        doctor_id=doctor_id,
        certificate=made.certificate.public_bytes(Encoding.DER),
        sealed=the_vault().seal_clinic(_place(row_id), plain),
        made_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("doctor_key.made", doctor_id, by=SYSTEM, key=str(row_id), certificate=fingerprint(made.certificate))
    return made


def doctors_certificates() -> dict[UUID, x509.Certificate]:
    """The newest certificate of each doctor who has one."""
    rows = fetch(select(DoctorKey.doctor_id, DoctorKey.certificate).order_by(DoctorKey.made_at))
    return {row.doctor_id: x509.load_der_x509_certificate(row.certificate) for row in rows}


def _is_good(keys: ClinicKeys, certificate: x509.Certificate, doctor: Doctor, now: datetime) -> bool:
    return (
        is_issued_by(keys.root, certificate)
        and doctor_of(certificate) == as_certified(doctor)
        and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE
    )


def _place(row_id: UUID) -> str:
    return f"doctor_key|sealed|{row_id}"
