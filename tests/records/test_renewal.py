"""The seal is renewed before its certificate ends; what was sealed before stays genuine, and no time is left out."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from intake import audit, cli, clock, consent, jobs, records
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import transaction
from intake.errors import NotAllowed, NotReady
from intake.records import ClinicKeys, Fault, verify
from intake.records.certificates import Doctor
from intake.records.embedded import take_out
from intake.records.keeping import ClinicSealer
from intake.records.seal import PadesSealer, _LoadedSigner, _signed, the_sealer
from tests.builders import a_signed_visit
from tests.conftest import MONDAY_NOON
from tests.endings import a_declined_visit, a_filed_visit, countersigned, record_id_of, work_done
from tests.records.conftest import SEALING_DAY

ClockAt = Callable[[datetime], None]
END = MONDAY_NOON + timedelta(days=3 * 365 + 1)


def pdf_of(app: Flask, visit_id: object) -> bytes:
    with app.app_context():
        return records.open_pdf(record_id_of(app, visit_id))  # type: ignore[arg-type]


def renewed(app: Flask, settings: Settings, **how: bool) -> ClinicKeys | None:
    with app.app_context(), transaction():
        return records.renew_seal(settings, **how)


def test_records_before_and_after_a_renewal_are_genuine_against_the_one_root(
    app: Flask, settings: Settings, clock_at: ClockAt
) -> None:
    before = a_filed_visit(app)
    clock_at(END - timedelta(days=88))
    first = ClinicKeys.load(settings.keys)
    made = renewed(app, settings)
    assert made is not None and made.root == first.root and made.seal_fingerprint != first.seal_fingerprint
    assert made.seal.public_key() != first.seal.public_key()
    after = a_filed_visit(app)
    for visit_id in (before, after):
        assert verify(pdf_of(app, visit_id), first.root).is_genuine
    with app.app_context():
        assert the_sealer().keys.seal_fingerprint == made.seal_fingerprint
        [noted] = [entry for entry in audit.history_of("seal") if entry.event == "seal.renewed"]
        assert made.seal_fingerprint in noted.body.decode() and first.seal_fingerprint in noted.body.decode()
    clock_at(END + timedelta(days=400))  # the first certificate has ended, the second has not
    assert all(verify(pdf_of(app, visit_id), first.root).is_genuine for visit_id in (before, after))


def test_a_consent_signed_under_the_old_seal_and_countersigned_under_the_new_one_is_one_genuine_record(
    app: Flask, settings: Settings, clock_at: ClockAt
) -> None:
    clock_at(END - timedelta(days=29, hours=1))
    visit_id = a_signed_visit(app)
    root = ClinicKeys.load(settings.keys).root
    assert renewed(app, settings, by_itself=True) is not None
    countersigned(app, visit_id)
    assert work_done(app) == 1
    pdf = pdf_of(app, visit_id)
    found = verify(pdf, root)
    assert found.is_genuine and found.outcome == "countersigned"
    evidence = take_out(PdfFileReader(BytesIO(pdf)))
    assert evidence is not None and evidence.count(b'"certificates"') == 1


def test_the_private_key_before_is_destroyed_and_its_certificate_kept(settings: Settings, clock_at: ClockAt) -> None:
    clock_at(END - timedelta(days=10))
    ClinicKeys.load(settings.keys).renew()
    folder = settings.keys / "seal"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "root.key",
        "root.pem",
        "seal-2",
        "seal-2/seal.key",
        "seal-2/seal.pem",
        "seal.pem",
    ]
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.key")} == {0o400}


def test_a_seal_is_renewed_from_90_days_before_its_end_and_by_itself_from_30(
    app: Flask, settings: Settings, clock_at: ClockAt
) -> None:
    clock_at(END - timedelta(days=91))
    with pytest.raises(NotAllowed, match=r"seal\.renewed_too_early"):
        renewed(app, settings)
    clock_at(END - timedelta(days=31))
    assert renewed(app, settings, by_itself=True) is None
    clock_at(END - timedelta(days=29))
    assert renewed(app, settings, by_itself=True) is not None
    assert renewed(app, settings, by_itself=True) is None


def test_the_worker_renews_what_nobody_renewed_even_after_it_ended(
    app: Flask, settings: Settings, clock_at: ClockAt
) -> None:
    clock_at(END + timedelta(days=3))
    visit = a_signed_visit(app)
    with app.app_context():
        stated = consent.find_statement(visit, consent.Kind.SIGNED)
        assert stated is not None and stated.signature == b""
    countersigned(app, visit)
    cli.work(app, threading.Event(), once=True)
    assert verify(pdf_of(app, visit), ClinicKeys.load(settings.keys).root).is_genuine
    with app.app_context():
        assert not jobs.list_unfinished()


def test_without_the_roots_key_the_worker_goes_on_and_the_old_seal_with_it(
    app: Flask, settings: Settings, clock_at: ClockAt
) -> None:
    (settings.keys / "seal" / "root.key").unlink()
    clock_at(END - timedelta(days=20))
    with app.app_context():
        records.renew_when_due(settings)
    with pytest.raises(NotReady, match=r"seal\.no_root_key"):
        renewed(app, settings)
    a_declined_visit(app)


def test_of_those_who_renew_at_once_all_get_the_same_seal(settings: Settings, clock_at: ClockAt) -> None:
    clock_at(END - timedelta(days=10))
    start, found = threading.Barrier(4), list[str]()
    loaded = [ClinicKeys.load(settings.keys) for _ in range(4)]

    def renew(keys: ClinicKeys) -> None:
        start.wait()
        found.append(keys.renew(2).seal_fingerprint)

    threads = [threading.Thread(target=renew, args=(keys,)) for keys in loaded]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and set(found) == {ClinicKeys.load(settings.keys).seal_fingerprint}
    assert [path.name for path in sorted((settings.keys / "seal").iterdir()) if path.is_dir()] == ["seal-2"]


def test_a_record_sealed_with_a_certificate_that_had_ended_is_named(
    renderings: dict[str, bytes], sealer: PadesSealer, tmp_path: Path
) -> None:
    details = PdfSignatureMetadata(
        field_name="Seal",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
        reason="Sealed record",
    )
    late = sealer.keys.seal.not_valid_after_utc + timedelta(seconds=1)
    signer = _LoadedSigner(sealer.keys.seal, sealer.keys.private)
    for moment, expected in ((late, (Fault.CERTIFICATE_NOT_IN_FORCE,)), (SEALING_DAY, ())):
        pdf = _signed(renderings["declined"], details, signer, moment)
        assert verify(pdf, sealer.keys.root).problems == expected
        (tmp_path / "r.pdf").write_bytes(pdf)
        (tmp_path / "root.pem").write_bytes((sealer.keys.folder / "root.pem").read_bytes())
        said = CliRunner().invoke(main, ["verify", "--root", str(tmp_path / "root.pem"), str(tmp_path / "r.pdf")])
        assert said.exit_code == (1 if expected else 0)
        assert ("not in force at the time" in said.output) is bool(expected)


def test_a_running_process_takes_up_a_seal_that_another_one_renewed(settings: Settings, clock_at: ClockAt) -> None:
    clock_at(END - timedelta(days=10))
    running = ClinicSealer(settings.keys)
    before = running.sign_at_once(b"first")
    ClinicKeys.load(settings.keys).renew()
    after = running.sign_at_once(b"second")
    assert running.keys.seal == ClinicKeys.load(settings.keys).seal
    assert running.verify_evidence(b"first", before) and running.verify_evidence(b"second", after)
    assert len(running.signers_of(b"first", before)) == 1 and running.signers_of(b"second", after) == ()


def test_the_command_renews_and_says_what_to_do_next(
    settings: Settings, clock_at: ClockAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settings.data / "intake.toml"
    values = demo_settings(settings.data, 8000) | {"database_url": settings.database_url}
    file.write_text(toml(values), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    early = CliRunner().invoke(main, ["keys", "renew-seal"])
    assert early.exit_code == 1 and "more than 90 days" in early.output
    clock_at(END - timedelta(days=60))
    said = CliRunner().invoke(main, ["keys", "renew-seal"])
    assert said.exit_code == 0, said.output
    keys = ClinicKeys.load(settings.keys)
    assert keys.seal_fingerprint in said.output and "both sticks" in said.output
    shown = CliRunner().invoke(main, ["keys", "show"])
    assert keys.seal_fingerprint in shown.output and keys.root_fingerprint in shown.output


@pytest.fixture(scope="module")
def some_keys(tmp_path_factory: pytest.TempPathFactory) -> ClinicKeys:
    with clock.frozen(MONDAY_NOON):
        return ClinicKeys.create(tmp_path_factory.mktemp("keys"), "Clinic")


@given(left=st.integers(0, 1100))
def test_no_certificate_outlives_the_root_that_gives_it(some_keys: ClinicKeys, left: int) -> None:
    with clock.frozen(some_keys.root.not_valid_after_utc - timedelta(days=left, seconds=1)):
        made = some_keys.issue(Doctor("Dr Rao"), some_keys.private.public_key())
        assert made.not_valid_after_utc <= some_keys.root.not_valid_after_utc
        assert made.not_valid_after_utc >= clock.now().replace(microsecond=0)
