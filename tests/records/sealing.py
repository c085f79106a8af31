"""Records made the way the worker makes them, without a database: evidence, rendering, seal, doctor's signature."""

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from intake.records import compose
from intake.records.certificates import Doctor
from intake.records.doctor_keys import Key, make_key
from intake.records.render import render
from intake.records.rules import Snapshot, canonical, digest
from intake.records.seal import PadesSealer
from tests.records import statements

DOCTOR = Doctor("Dr Ananya Rao", "DMC-00001")
DECLINED = {**statements.SIGNED, "type": "intake/declined", "reason": "I want to think about it."}


def evidence_of(sealer: PadesSealer, *, visit: str = "v", is_declined: bool = False, **outcome: Any) -> bytes:
    """What a record embeds: the patient's statement and the doctor's, or the patient's no; each signed by the seal."""
    about = {"visit": statements.SIGNED["visit"] | {"id": visit}}
    if is_declined:
        return bundled(sealer, {"declined": DECLINED | about})
    first = statements.SIGNED | about
    last = statements.COUNTERSIGNED | about | {"patient_statement_sha256": digest(canonical(first))} | outcome
    return bundled(sealer, {"signed": first, "countersigned": last})


def bundled(sealer: PadesSealer, bodies: dict[str, dict[str, Any]]) -> bytes:
    """These statements signed by the seal and put together."""
    data = {kind: canonical(body) for kind, body in bodies.items()}
    return compose.bundle({kind: (one, sealer.sign_evidence(one)) for kind, one in data.items()})


def rendered(make: Callable[..., Snapshot], evidence: bytes, translate: Callable[[str], str] = str) -> bytes:
    """The record before its seal."""
    return render(make(evidence_sha256=digest(evidence)), evidence, translate)


def a_key(sealer: PadesSealer, doctor: Doctor = DOCTOR) -> Key:
    """A doctor's key under the clinic's root."""
    return make_key(sealer.keys, doctor)


def signed_by(sealer: PadesSealer, key: Key, pdf: bytes) -> bytes:
    """A rendering with the seal and the doctor's signature."""
    return sealer.countersign(sealer.seal(pdf), key.certificate, key.private)


def a_private_key() -> ec.EllipticCurvePrivateKey:
    """A key nobody knows."""
    return ec.generate_private_key(ec.SECP256R1())


def json_of(evidence: bytes) -> dict[str, Any]:
    """Evidence as data."""
    loaded: dict[str, Any] = json.loads(evidence)
    return loaded
