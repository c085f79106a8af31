"""The clinic's keys and seal: made whole or not at all, and no changed byte goes unnoticed."""

import os
import random
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from intake import clock
from intake.errors import NotAllowed
from intake.records.certificates import ClinicKeys, as_asn1, has_signed
from intake.records.seal import PadesSealer
from intake.records.verdict import Covers, Fault, Role, Signed
from intake.records.verifying import verify
from tests.records.conftest import SEALING_DAY
from tests.records.snapshots import EVIDENCE

CLINIC = "Kesari Skin & Hair"


def test_the_first_run_makes_a_root_for_twenty_years_and_a_seal_for_three(tmp_path: Path) -> None:
    with clock.frozen(SEALING_DAY):
        keys = ClinicKeys.create(tmp_path / "keys", CLINIC)
    assert keys.root.not_valid_after_utc.year == 2046 and keys.seal.not_valid_after_utc.year == 2029
    keys.seal.verify_directly_issued_by(keys.root)
    keys.root.verify_directly_issued_by(keys.root)
    assert isinstance(keys.private.curve, ec.SECP256R1)
    usage = keys.seal.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and usage.value.content_commitment
    assert not usage.value.key_cert_sign
    limits = keys.root.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert limits.ca and limits.path_length == 0
    assert len(keys.root_fingerprint) == len(keys.seal_fingerprint) == 64


def test_key_files_are_readable_by_their_owner_alone_and_survive_a_second_start(tmp_path: Path) -> None:
    first, second = ClinicKeys.create(tmp_path, CLINIC), ClinicKeys.create(tmp_path, "Another name")
    assert first.root_fingerprint == second.root_fingerprint
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "seal").iterdir()} == dict.fromkeys(
        ("root.key", "root.pem", "seal.key", "seal.pem"), 0o400
    )
    assert [path.name for path in tmp_path.iterdir()] == ["seal"]


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    ClinicKeys.create(tmp_path, CLINIC)
    (tmp_path / "seal" / "seal.key").chmod(0o440)
    with pytest.raises(PermissionError, match="0400"):
        ClinicKeys.load(tmp_path)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    ClinicKeys.create(tmp_path / "a", CLINIC)
    ClinicKeys.create(tmp_path / "b", CLINIC)
    os.replace(tmp_path / "a" / "seal" / "seal.key", tmp_path / "b" / "seal" / "seal.key")
    with pytest.raises(ValueError, match="not the key"):
        ClinicKeys.load(tmp_path / "b")


def test_without_keys_there_is_no_sealer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PadesSealer.load(tmp_path)


def test_a_crash_while_making_keys_leaves_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        ClinicKeys.create(tmp_path, CLINIC)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert ClinicKeys.create(tmp_path, CLINIC).root


def test_processes_that_start_at_once_get_the_same_keys(tmp_path: Path) -> None:
    start, found = threading.Barrier(6), []

    def begin() -> None:
        start.wait()
        found.append(ClinicKeys.create(tmp_path, CLINIC).seal_fingerprint)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["seal"]


def test_a_clinic_of_any_name_gets_its_certificates(tmp_path: Path) -> None:
    for number, clinic in enumerate(("क्लिनिक " * 40, "C" * 64, "", " ")):
        keys = ClinicKeys.create(tmp_path / str(number), clinic)
        (name,) = keys.seal.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert str(name.value).endswith(" seal")


def test_a_countersigned_record_is_genuine_and_names_seal_doctor_and_time(
    pdfs: dict[str, Path], sealer: PadesSealer
) -> None:
    verdict = sealer.verify(pdfs["english"].read_bytes())
    assert verdict.is_genuine and verdict.problems == ()
    assert verdict.signatures == (
        Signed("Kesari Skin & Hair seal", Role.SEAL, SEALING_DAY, True, True, Covers.STATE),
        Signed("Dr Ananya Rao", Role.DOCTOR, SEALING_DAY, True, True, Covers.FILE),
    )
    assert (verdict.number, verdict.outcome) == ("KS-7KQ2-M9XF", "countersigned")


def test_other_peoples_tools_find_the_seal_valid(pdfs: dict[str, Path]) -> None:
    for name, path in pdfs.items():
        said = subprocess.run(
            ["pdfsig", "-nocert", path], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        fields = ["Seal"] if name == "declined" else ["Seal", "Doctor"]
        assert [line.rpartition(": ")[2] for line in said.splitlines() if "Field Name" in line] == fields
        assert said.count("Signature is Valid") == said.count("ETSI.CAdES.detached") == len(fields)
        assert said.count("  - Total document signed") == 1 and said.rindex("Total doc") > said.rindex("Field Name")


def test_the_independent_check_holds_for_every_record(pdfs: dict[str, Path]) -> None:
    checker = Path(__file__).parents[3] / "shared" / "tools" / "check_record.py"
    if not checker.is_file():
        pytest.skip("the independent checker is not beside this tree")
    for count, names in (("1", ["declined"]), ("2", ["english", "hindi", "arabic"])):
        command = ["python3", checker, "--signatures", count, *(pdfs[name] for name in names)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_librarys_own_full_comparison_agrees_with_both_signatures(
    pdfs: dict[str, Path], sealer: PadesSealer
) -> None:
    for name in ("english", "arabic"):
        for signature in PdfFileReader(BytesIO(pdfs[name].read_bytes())).embedded_signatures:
            context = ValidationContext(
                trust_roots=[as_asn1(sealer.keys.root)],
                moment=signature.self_reported_timestamp,
                allow_fetching=False,
                revocation_mode="soft-fail",
            )
            status = validate_pdf_signature(signature, context)
            assert status.bottom_line and status.docmdp_ok, (name, signature.field_name)


def test_a_countersigned_record_from_before_doctors_signed_stays_genuine_with_its_one_signature() -> None:
    folder = Path(__file__).parents[1] / "samples" / "records"
    root = x509.load_pem_x509_certificate((folder / "one-signature-root.crt").read_bytes())
    found = verify((folder / "one-signature.pdf").read_bytes(), root)
    assert (found.problems, found.number, found.outcome) == ((), "KS-7KQ2-M9XF", "countersigned")
    assert [one.role for one in found.signatures] == [Role.SEAL]


def test_sealing_keeps_our_metadata(pdfs: dict[str, Path]) -> None:
    data = pdfs["english"].read_bytes()
    assert data.count(b"<?xpacket begin") == 1
    assert b"<pdfaProperty:name>part</pdfaProperty:name>" in data


@pytest.fixture(scope="session")
def small(pdfs: dict[str, Path]) -> bytes:
    return pdfs["declined"].read_bytes()


def changed_at(pdf: bytes, place: int, bit: int) -> bytes:
    return pdf[:place] + bytes([pdf[place] ^ bit]) + pdf[place + 1 :]


def test_a_flipped_bit_anywhere_in_the_document_is_found(small: bytes, sealer: PadesSealer) -> None:
    dice = random.Random(7)
    for _ in range(40):
        place, bit = dice.randrange(len(small)), 1 << dice.randrange(8)
        assert not sealer.verify(changed_at(small, place, bit)).is_genuine, (place, bit)


def test_a_flipped_bit_anywhere_in_the_signature_itself_is_found(small: bytes, sealer: PadesSealer) -> None:
    begins = small.index(b"/Contents <3082") + len(b"/Contents ")
    ends = small.index(b">", begins)
    # The spelling of the message, its versions and algorithms, the padding and the letters' case; then a sample.
    places = {*range(begins, begins + 90, 3), *random.Random(7).sample(range(begins, ends), 40), ends - 1, ends}
    for place in sorted(places):
        for bit in (0x01, 0x20):
            assert not sealer.verify(changed_at(small, place, bit)).is_genuine, (place - begins, bit)


def test_what_is_put_behind_a_sealed_record_is_found(small: bytes, sealer: PadesSealer) -> None:
    for more in (b"\n", b" ", b"garbage", small[-700:]):
        verdict = sealer.verify(small + more)
        assert not verdict.is_genuine, more


def test_a_shortened_record_is_not_genuine(small: bytes, sealer: PadesSealer) -> None:
    for length in (0, 1, 100, len(small) // 2, len(small) - 1):
        assert not sealer.verify(small[:length]).is_genuine


def test_what_is_no_sealed_pdf_gets_a_verdict_and_no_exception(sealer: PadesSealer) -> None:
    for data in (b"", b"%PDF-1.7", b"PK\x03\x04", os.urandom(5000)):
        verdict = sealer.verify(data)
        assert not verdict.is_genuine and verdict.problems


def test_the_seal_of_another_clinic_is_intact_but_not_trusted(small: bytes, tmp_path: Path) -> None:
    other = ClinicKeys.create(tmp_path, CLINIC)
    verdict = verify(small, other.root)
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert verdict.problems == (Fault.UNKNOWN_ROOT,)


def test_a_record_outlives_the_certificate_it_was_sealed_with(small: bytes, sealer: PadesSealer) -> None:
    with clock.frozen(SEALING_DAY + timedelta(days=10 * 365)):
        assert sealer.verify(small).is_genuine


@pytest.mark.parametrize("day", [datetime(2029, 11, 25, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)])
def test_nothing_is_sealed_outside_the_life_of_the_certificate(
    day: datetime, small: bytes, sealer: PadesSealer
) -> None:
    with clock.frozen(day):
        for act in (sealer.seal, sealer.sign_evidence):
            with pytest.raises(NotAllowed, match=r"seal\.not_in_force"):
                act(small)


def test_evidence_is_signed_and_any_other_evidence_is_not(sealer: PadesSealer, tmp_path: Path) -> None:
    with clock.frozen(SEALING_DAY):
        signature = sealer.sign_evidence(EVIDENCE)
    assert sealer.verify_evidence(EVIDENCE, signature)
    assert not sealer.verify_evidence(EVIDENCE + b" ", signature)
    assert not sealer.verify_evidence(EVIDENCE, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not sealer.verify_evidence(EVIDENCE, b"")
    assert not has_signed(ClinicKeys.create(tmp_path, CLINIC).seal, EVIDENCE, signature)


def test_openssl_can_check_the_signature_of_the_evidence(sealer: PadesSealer, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    with clock.frozen(SEALING_DAY):
        signature = sealer.sign_evidence(EVIDENCE)
    public = sealer.keys.seal.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, data in {"e.json": EVIDENCE, "e.sig": signature, "key.pem": public}.items():
        (tmp_path / name).write_bytes(data)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "e.sig", "e.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "Verified OK" in done.stdout


def test_a_private_key_is_not_shown_where_keys_are_printed(sealer: PadesSealer) -> None:
    assert "private" not in repr(sealer.keys)
