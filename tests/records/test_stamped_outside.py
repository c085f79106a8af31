"""A record that another authority's seal sealed and a time service stamped: what of that authority the file holds, and
what is said of it; and a time service whose authority was taken out of the settings."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from pyhanko.pdf_utils.reader import PdfFileReader

from intake import clock, create_app, records
from intake.archive import export
from intake.cli import main
from intake.cli_fsck import faults_of, meaning_of
from intake.config import Settings, TimeStamps
from intake.db import db, transaction
from intake.errors import Invalid
from intake.i18n import clinic
from intake.records import SENTENCES, Fault, Proof, stamp_keeping
from intake.time_stamps import Token, read_authorities
from tests import tsa
from tests.conftest import StrictClient, always_open, settings_for, sign_in
from tests.endings import work_done
from tests.records.authorities import Authority
from tests.records.test_stamp_keeping import filed, stamps

Made = Callable[[Authority], Flask]


@pytest.fixture
def made(settings: Settings, time_service: tsa.Service, tmp_path: Path) -> Made:
    """This test's clinic with a seal of an authority and a time service."""

    def make(authority: Authority) -> Flask:
        private = ec.generate_private_key(ec.SECP256R1())
        seal = authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private))
        chosen = settings_for(settings.data, seal=seal).seal
        time = TimeStamps(time_service.url, time_service.authority.pem, frozenset({"127.0.0.1"}))
        app = create_app(replace(settings, clinic=always_open(settings.clinic), time_stamps=time, seal=chosen))
        app.test_client_class = StrictClient
        return app

    return make


def held(app: Flask, record_id: UUID) -> tuple[Proof, set[str], set[str]]:
    """What is said of a record, whose certificates it holds, and whose lists."""
    with app.test_request_context():
        found, pdf = records.verify_record(record_id), records.open_pdf(record_id)
        assert found.is_genuine
        store = PdfFileReader(BytesIO(pdf)).root["/DSS"]
        every = [asn1_x509.Certificate.load(one.get_object().data) for one in store["/Certs"]]
        lists = [asn1_crl.CertificateList.load(one.get_object().data) for one in store["/CRLs"]]
        db.session.remove()
    return (
        found.proof,
        {one.subject.native["common_name"] for one in every},
        {one.issuer.native["common_name"] for one in lists},
    )


def test_a_seal_of_another_authority_is_kept_with_its_chain_and_lists(made: Made, time_service: tsa.Service) -> None:
    authority = Authority(time_service.url.removesuffix("/stamp"))
    time_service.lists.update(authority.revocation_lists())
    app = made(authority)
    proof, certificates, lists = held(app, filed(app))
    assert proof is Proof.ARCHIVE
    assert {"Kesari e-seal", "Trust Services CA 1", "Trust Services root"} <= certificates
    assert {"Trust Services CA 1", "Trust Services root"} <= lists


def test_without_the_lists_of_that_authority_no_more_is_claimed_than_is_held(
    made: Made, time_service: tsa.Service
) -> None:
    app = made(Authority())
    proof, certificates, lists = held(app, filed(app))
    assert proof is Proof.DOCUMENT and "Trust Services root" in certificates
    assert lists.isdisjoint({"Trust Services CA 1", "Trust Services root"})


def test_a_seal_that_was_taken_back_is_not_called_provable_in_later_years(
    made: Made, time_service: tsa.Service
) -> None:
    authority = Authority(time_service.url.removesuffix("/stamp"))
    app = made(authority)
    with app.app_context():
        sealed = records.certificates_in_use()
        db.session.remove()
    assert sealed
    taken_back = records.Trust.load(app.config["INTAKE"].keys).seals[-1][0]
    time_service.lists.update(authority.revocation_lists(taken_back))
    assert held(app, filed(app))[0] is Proof.DOCUMENT


def with_another_authority(
    settings: Settings, time_service: tsa.Service, tmp_path: Path
) -> tuple[Flask, tsa.Authority]:
    """The same clinic, whose settings name another authority than the one that stamped so far."""
    other = tsa.Authority(tmp_path / "other", "Other", "http://127.0.0.1/x.crl")
    chosen = TimeStamps(time_service.url, other.pem, frozenset({"127.0.0.1"}))
    app = create_app(replace(settings, clinic=always_open(settings.clinic), time_stamps=chosen))
    app.test_client_class = StrictClient
    return app, other


def test_a_time_authority_that_left_the_settings_is_no_change_of_the_file(
    stamping_app: Flask, settings: Settings, time_service: tsa.Service, tmp_path: Path
) -> None:
    record_id = filed(stamping_app)
    app, other = with_another_authority(settings, time_service, tmp_path)
    browser = sign_in(app, "records@demo.example")
    page = browser.get(f"/archive/records/{record_id}").text
    assert "The time cannot be confirmed</h2>" in page and "has changed since it was sealed" not in page
    assert "The time is the clinic&#39;s clock." in page
    pdf = browser.get(f"/archive/records/{record_id}/pdf")
    assert pdf.status_code == 200 and pdf.data.startswith(b"%PDF-")
    with app.test_request_context():
        (row,) = export.day_of(clock.today(settings.clinic.zone)).rows
        assert export.open_row(row) == (pdf.data, "")
        found = records.verify_record(record_id)
        assert found.problems == (Fault.UNKNOWN_TIME_AUTHORITY,) and found.is_as_signed and not found.is_genuine
        with pytest.raises(Invalid, match=r"time_stamp\.unknown_authority"):
            records.material_of(pdf.data)
        longer = records.verify(pdf.data + b"x", records.Trust.load(settings.keys), chosen_authorities(other))
        assert not longer.is_as_signed and Fault.SOMETHING_ADDED in longer.problems
        db.session.remove()


def test_fsck_says_of_a_time_authority_that_left_the_settings_what_verify_says(
    stamping_app: Flask, settings: Settings, time_service: tsa.Service, tmp_path: Path
) -> None:
    record_id = filed(stamping_app)
    app, other = with_another_authority(settings, time_service, tmp_path)
    words = SENTENCES[Fault.UNKNOWN_TIME_AUTHORITY]
    found = [fault.code for fault in faults_of(app, Counter(), seals=True)]
    assert found == ["record.unknown_time_authority", "stamp.unknown_time_authority"]
    for meaning in map(meaning_of, found):
        assert meaning.startswith(f"{words} The file is unchanged") and "its time is not confirmed" in meaning
    with app.test_request_context():
        (tmp_path / "r.pdf").write_bytes(records.open_pdf(record_id))
        db.session.remove()
    root = settings.keys / "seal" / "root.pem"
    given = ["--root", root, "--time-authority", other.pem]
    said = CliRunner().invoke(main, ["verify", *map(str, given), str(tmp_path / "r.pdf")])
    assert said.exit_code == 1 and f"{words} [unknown_time_authority]" in said.output
    assert [fault.code for fault in faults_of(stamping_app, Counter(), seals=True)] == []


@pytest.mark.parametrize("is_known", [True, False])
def test_fsck_calls_a_stamped_file_wrong_where_more_is_at_fault_than_who_stamped_it(
    is_known: bool, stamping_app: Flask, settings: Settings, time_service: tsa.Service, tmp_path: Path
) -> None:
    record_id = filed(stamping_app)
    app = stamping_app if is_known else with_another_authority(settings, time_service, tmp_path)[0]
    with app.test_request_context(), transaction():
        made = stamp_keeping.unstamped(record_id, 2)
        assert made is not None
        longer = made.pdf + b"x"
        key, first = stamp_keeping.store_stamped(made, longer), stamp_keeping.newest_stamp(record_id)
        assert first is not None
        token = Token(b"", first.stamped_at, first.authority, first.good_until)
        stamp_keeping.add_stamp(made, longer, key, token)
    found = [(fault.code, fault.where.rpartition(", ")[2]) for fault in faults_of(app, Counter(), seals=True)]
    assert ("stamp.wrong", "time stamp 2") in found and ("stamp.wrong", "time stamp 1") not in found


def chosen_authorities(authority: tsa.Authority) -> tuple[asn1_x509.Certificate, ...]:
    return read_authorities(authority.pem.read_bytes())


def test_the_list_of_a_days_zip_names_the_bytes_in_it_though_a_stamp_is_set_meanwhile(
    stamping_app: Flask, time_service: tsa.Service
) -> None:
    time_service.lie = "no list"
    record_id = filed(stamping_app)
    time_service.lie = ""
    with stamping_app.test_request_context():
        day = export.day_of(clock.today(clinic().zone))
        db.session.remove()
    with clock.frozen(clock.now() + timedelta(seconds=4)):
        assert work_done(stamping_app) == 1
    assert len(stamps(stamping_app, record_id)) == 1
    with stamping_app.test_request_context():
        package = export.Package(clinic(), day)
        data = b"".join(package.add(row, export.open_row(row)[0]) for row in day.rows) + package.finish()
        db.session.remove()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        (line,) = list(csv.reader(io.StringIO(archive.read("list.csv").decode("utf-8-sig"))))[1:]
        assert line[-2] == sha256(archive.read(line[-1])).hexdigest()
