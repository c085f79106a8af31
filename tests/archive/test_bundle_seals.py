"""Bundles of records that a seal of another authority sealed, alone or after the clinic's own: both roots are given."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from intake import create_app
from intake.config import Settings
from intake.db import db
from intake.records.seal import the_sealer
from tests.archive.bundles import Files, bundled, files_of, listed_anew, told, zipped
from tests.builders import a_signed_visit
from tests.conftest import SERVER, StrictClient, settings_for
from tests.endings import a_declined_visit, countersigned, record_id_of, work_done
from tests.records.authorities import Authority, Private

Opened = Callable[[dict[str, str]], Flask]


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    """This test's clinic with a table [seal] in its settings, or none."""
    made: list[Flask] = []

    def open_with(seal: dict[str, str]) -> Flask:
        more = ({"database_url": settings.database_url} if SERVER else {}) | ({"seal": seal} if seal else {})
        made.append(create_app(settings_for(settings.data, **more)))
        made[-1].test_client_class = StrictClient
        return made[-1]

    yield open_with
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def bundle_of(app: Flask, visit_id: UUID) -> Files:
    return files_of(bundled(app, record_id_of(app, visit_id)))


def finished(app: Flask, visit_id: UUID) -> UUID:
    countersigned(app, visit_id)
    work_done(app)
    return visit_id


def own_root(app: Flask) -> str:
    with app.app_context():
        return the_sealer().keys.root_fingerprint


def sha(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def codes(path: Path, files: Files, *roots: str) -> set[str]:
    first, *more = roots
    status, report = told(zipped(path / "b.zip", files), first, *(word for one in more for word in ("--root", one)))
    assert status == (1 if report["problems"] else 0)
    return {one["code"] for one in report["problems"]}


@pytest.mark.parametrize("kind", ["EC P-256", "RSA 3072"])
def test_a_record_under_another_authoritys_seal_holds_with_both_roots_and_with_neither_alone(
    kind: str, opened: Opened, tmp_path: Path
) -> None:
    authority, is_ec = Authority(), kind == "EC P-256"
    private: Private = ec.generate_private_key(ec.SECP256R1()) if is_ec else rsa.generate_private_key(65537, 3072)
    app = opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private)))
    files = bundle_of(app, finished(app, a_signed_visit(app)))
    own, outside = own_root(app), sha(authority.root)
    path = zipped(tmp_path / "b.zip", files)
    status, report = told(path, own, "--root", outside)
    assert status == 0, report["problems"]
    assert any("what makes it this clinic's seal is its name, Kesari e-seal" in note for note in report["notes"])
    assert files["certificates/seal-root-1.pem"] == authority.root.public_bytes(Encoding.PEM)
    assert files["certificates/seal-chain-1.pem"] == authority.issuing.public_bytes(Encoding.PEM)
    for one in (own, outside):
        assert "other_root" in codes(tmp_path, files, one)
    stranger = Authority()
    assert "other_root" in codes(tmp_path, files, own, sha(stranger.root))
    theirs = listed_anew(files | {"certificates/seal-root-1.pem": stranger.root.public_bytes(Encoding.PEM)})
    assert "unknown_signer" in codes(tmp_path, theirs, own, sha(stranger.root))
    other = listed_anew(files | {"certificates/seal-chain-1.pem": stranger.issuing.public_bytes(Encoding.PEM)})
    assert "other_certificate" in codes(tmp_path, other, own, outside)
    gone = listed_anew({name: data for name, data in files.items() if "seal-chain" not in name})
    assert "other_certificate" in codes(tmp_path, gone, own, outside)
    swapped = {"root": files["certificates/seal-root-1.pem"], "seal-root-1": files["certificates/root.pem"]}
    turned = listed_anew(files | {f"certificates/{name}.pem": data for name, data in swapped.items()})
    assert "unknown_signer" in codes(tmp_path, turned, own, outside), "a doctor leads to the clinic's own root"


def test_a_refusal_under_such_a_seal_holds_too(opened: Opened, tmp_path: Path) -> None:
    authority, private = Authority(), ec.generate_private_key(ec.SECP256R1())
    app = opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private)))
    files = bundle_of(app, a_declined_visit(app))
    assert codes(tmp_path, files, own_root(app), sha(authority.root)) == set()


def test_a_statement_under_the_clinics_own_seal_in_a_record_under_another_holds_and_only_with_that_seal(
    opened: Opened, tmp_path: Path
) -> None:
    authority, private = Authority(), ec.generate_private_key(ec.SECP256R1())
    before = opened({})
    visit_id = a_signed_visit(before)
    app = opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private)))
    files = bundle_of(app, finished(app, visit_id))
    roots = own_root(app), sha(authority.root)
    assert "certificates/seal-of-signed.pem" in files and codes(tmp_path, files, *roots) == set()
    other = listed_anew(files | {"certificates/seal-of-signed.pem": files["certificates/seal.pem"]})
    assert "other_certificate" in codes(tmp_path, other, *roots)
    gone = listed_anew({name: data for name, data in files.items() if "seal-of" not in name})
    assert "file_missing" in codes(tmp_path, gone, *roots)
