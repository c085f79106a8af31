"""The clinic's root is replaced: what the former one certified stays genuine where its certificate is kept, and is else
told as what it is, a root that is not known here; no byte of it is called changed."""

import asyncio
import json
import shutil
from collections import Counter
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import ades

from intake import clock, records
from intake.cli import main
from intake.cli_fsck import faults_of, meaning_of
from intake.config import Settings
from intake.db import db
from intake.records import SENTENCES, ClinicKeys, Fault, Proof, Trust, fingerprint, verify
from intake.records.certificates import read_root_key
from intake.time_stamps import read_authorities
from tests import tsa
from tests.archive.bundles import bundled, files_of, told, zipped
from tests.builders import a_signed_visit
from tests.conftest import opened, sign_in
from tests.endings import a_filed_visit, countersigned, record_id_of, work_done
from tests.records.test_stamp_keeping import filed, stamps, work_later
from tests.records.test_stamped import TEN_YEARS, spec_with

FORMER = "Kesari Skin & Hair root"  # which is the new one's name too; its key tells them apart


def root_replaced(settings: Settings, folder: Path, *, is_kept: bool = True) -> tuple[x509.Certificate, ...]:
    """Do what docs/install.md says, with the former certificates kept or left out; the roots, the new one first."""
    seal, former = settings.keys / "seal", settings.keys / "seal" / "roots"
    old = ClinicKeys.load(settings.keys).root
    former.mkdir()
    for name in ("root.pem", "seal.pem", "root.crl"):
        if (seal / name).is_file():
            (seal / name).rename(former / f"2026-{name}")
    for name in ("root.key", "seal.key"):
        (seal / name).unlink()
    for path in ClinicKeys.create(folder, "Kesari Skin & Hair").folder.iterdir():
        path.rename(seal / path.name)
    if not is_kept:
        shutil.rmtree(former)
    return ClinicKeys.load(settings.keys).root, old


def pdf_of(app: Flask, record_id: UUID) -> bytes:
    with app.test_request_context():
        try:
            return records.open_pdf(record_id)
        finally:
            db.session.remove()


def finished(app: Flask, visit_id: UUID) -> UUID:
    countersigned(app, visit_id)
    assert work_done(app) >= 1
    return record_id_of(app, visit_id)


class Ends(NamedTuple):
    """Two records that were sealed before the root was replaced and after it, and both roots. The patient of the second
    had signed before."""

    before: UUID
    after: UUID
    new: x509.Certificate
    old: x509.Certificate


@pytest.fixture
def ends(app: Flask, settings: Settings, tmp_path: Path) -> Ends:
    before, waiting = record_id_of(app, a_filed_visit(app)), a_signed_visit(app)
    new, old = root_replaced(settings, tmp_path / "new")
    return Ends(before, finished(app, waiting), new, old)


def key_of(root: x509.Certificate) -> str:
    return root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


def found_by_fsck(app: Flask) -> list[str]:
    return [fault.code for fault in faults_of(app, Counter(), seals=True) if fault.code.split(".")[0] != "statement"]


def test_what_a_former_root_certified_stays_genuine_where_that_is_kept(
    ends: Ends, app: Flask, settings: Settings
) -> None:
    before, after, new, old = ends
    trust = Trust.load(settings.keys)
    for record in (before, after):
        assert verify(pdf_of(app, record), trust).problems == ()
        assert verify(pdf_of(app, record), Trust((new, old))).is_genuine
    assert found_by_fsck(app) == []


def test_a_record_under_a_root_that_is_not_known_is_told_so_with_the_roots_name_and_key(
    ends: Ends, app: Flask, settings: Settings, tmp_path: Path
) -> None:
    """Also where the former seal signed no more than the patient's statement inside: its evidence is not changed."""
    before, after, new, old = ends
    for record in (before, after):
        found = verify(pdf_of(app, record), new)
        assert found.problems == (Fault.UNKNOWN_ROOT,) and found.is_as_signed and not found.is_genuine
        assert found.unknown_roots == (f"{FORMER}, key {key_of(old)}",)
        assert found.outcome == "countersigned" and found.intact and found.covers_whole_file
        assert found.trusted is (record == after)
        changed = verify(pdf_of(app, record) + b"x", new)
        assert set(changed.problems) == {Fault.UNKNOWN_ROOT, Fault.SOMETHING_ADDED} and not changed.is_as_signed
    assert verify(pdf_of(app, after), old).unknown_roots == (f"{FORMER}, key {key_of(new)}",)
    (tmp_path / "r.pdf").write_bytes(pdf_of(app, before))
    root = str(settings.keys / "seal" / "root.pem")
    said = CliRunner().invoke(main, ["verify", "--root", root, str(tmp_path / "r.pdf")])
    assert said.exit_code == 1 and f"{SENTENCES[Fault.UNKNOWN_ROOT]} [unknown_root]" in said.output
    assert f"({FORMER}, key {key_of(old)})" in said.output and "changed" not in said.output
    told_ = json.loads(CliRunner().invoke(main, ["verify", "--json", "--root", root, str(tmp_path / "r.pdf")]).output)
    assert told_["unknown_roots"] == [f"{FORMER}, key {key_of(old)}"] and not told_["genuine"]


def test_fsck_and_the_records_page_say_that_the_root_is_not_known_and_not_that_the_file_changed(
    stamping_app: Flask, settings: Settings, time_service: tsa.Service, tmp_path: Path
) -> None:
    record_id = filed(stamping_app)
    root_replaced(settings, tmp_path / "new", is_kept=False)
    with opened(stamping_app.config["INTAKE"]) as app:
        assert found_by_fsck(app) == ["record.unknown_root"]
        meaning = meaning_of("record.unknown_root")
        assert meaning.startswith(SENTENCES[Fault.UNKNOWN_ROOT]) and "keys/seal/roots" in meaning
        browser = sign_in(app, "records@demo.example")
        page = browser.get(f"/archive/records/{record_id}").text
        assert "This file cannot be confirmed</h2>" in page and "has changed since it was sealed" not in page
        assert SENTENCES[Fault.UNKNOWN_ROOT] in page and "The seal cannot be confirmed" in page
        assert "does not match its seal" not in page
        refused = browser.get(f"/archive/records/{record_id}/pdf")
        assert not refused.data.startswith(b"%PDF-")


def a_list_that_had_ended(settings: Settings) -> None:
    """The root's list of revoked certificates as it is where nobody renewed it for weeks."""
    keys, now = ClinicKeys.load(settings.keys), clock.now()
    ended = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(keys.root.subject)
        .last_update(now - timedelta(days=40))
        .next_update(now - timedelta(days=10))
        .sign(read_root_key(keys), hashes.SHA256())
    )
    (keys.folder / "root.crl").write_bytes(ended.public_bytes(Encoding.DER))


@pytest.mark.parametrize("kept", ["a list", "a list that had ended", "no list"])
def test_a_record_stamped_after_its_root_was_replaced_is_provable_in_later_years_where_that_roots_list_was_kept(
    kept: str, stamping_app: Flask, settings: Settings, time_service: tsa.Service, tmp_path: Path
) -> None:
    time_service.lie = "no list"
    record_id = filed(stamping_app)
    time_service.lie = ""
    if kept == "a list that had ended":
        a_list_that_had_ended(settings)
    new, old = root_replaced(settings, tmp_path / "new")
    if kept == "no list":
        (settings.keys / "seal" / "roots" / "2026-root.crl").unlink()
    with opened(stamping_app.config["INTAKE"]) as app:
        work_later(app)
        assert len(stamps(app, record_id)) == 1
        with app.test_request_context():
            found = records.verify_record(record_id)
            db.session.remove()
        assert found.is_genuine and found.proof is (Proof.ARCHIVE if kept == "a list" else Proof.DOCUMENT)
        assert found_by_fsck(app) == []
        pdf = pdf_of(app, record_id)
    authorities = read_authorities(time_service.authority.pem.read_bytes())
    spec = spec_with((new, old), authorities)
    for signature in PdfFileReader(BytesIO(pdf)).embedded_regular_signatures:
        later = ades.simulate_future_ades_lta_validation(signature, spec, tsa.real_now() + TEN_YEARS)
        assert (asyncio.run(later).ades_subindic == AdESPassed.OK) is (kept == "a list")


def test_the_bundle_of_a_record_with_a_statement_under_the_former_seal_needs_both_roots_and_names_the_one_it_lacks(
    ends: Ends, app: Flask, tmp_path: Path
) -> None:
    before, after, new, old = ends
    both = (fingerprint(new), "--root", fingerprint(old))
    for record, needed in ((before, {old}), (after, {new, old})):
        path = zipped(tmp_path / "b.zip", files_of(bundled(app, record)))
        status, report = told(path, *both)
        assert status == 0, report["problems"]
        for given in (new, old):
            status, report = told(path, fingerprint(given))
            lacking = needed - {given}
            assert status == (1 if lacking else 0)
            said = " ".join(one["message"] for one in report["problems"])
            assert all(fingerprint(one) in said for one in lacking) and "changed" not in said
            codes = {one["code"] for one in report["problems"]}
            assert codes <= {"other_root", "unknown_signer"} and ("other_root" in codes) is bool(lacking), codes
