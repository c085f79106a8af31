"""Time-stamped records: good for ten years by the library's own rules, and every way we know to change one is named."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate, AdESPassed
from pyhanko.sign.validation import ades, validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from intake import clock
from intake.errors import NotAllowed
from intake.records import revocation
from intake.records.certificates import ClinicKeys, as_asn1
from intake.records.doctor_keys import Key
from intake.records.seal import PadesSealer
from intake.records.signed_bytes import Place, places
from intake.records.stamping import stamp
from intake.records.verdict import Fault, Proof, Verdict
from intake.records.verifying import verify
from intake.time_stamps import QUIET, TimeService, read_authorities
from tests import tsa
from tests.records import sealing, snapshots
from tests.records import tampering as t

TEN_YEARS = timedelta(days=3653)
A, DOCTOR, SEALED = Fault.SOMETHING_ADDED, Fault.CHANGED_AFTER_DOCTOR, Fault.CHANGED_AFTER_SEALING
STAMP, UNKNOWN, CUT, BROKEN = (
    Fault.TIME_STAMP_BROKEN,
    Fault.UNKNOWN_TIME_AUTHORITY,
    Fault.TRUNCATED,
    Fault.SIGNATURE_BROKEN,
)


@dataclass(frozen=True)
class Files:
    """A clinic that opened today, its time service, and one record as it becomes: sealed and signed, stamped, stamped
    again; another record, stamped; the same without its service at the seal; and a refusal, which no doctor signs."""

    keys: ClinicKeys
    key: Key
    time: TimeService
    server: tsa.Service
    signed: bytes
    stamped: bytes
    again: bytes
    other: bytes
    late_signed: bytes
    late: bytes
    declined: bytes
    now: object

    def check(self, pdf: bytes) -> Verdict:
        return verify(pdf, self.keys.root, self.time.authorities)


@pytest.fixture(scope="module")
def files(a_time_service: tsa.Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    now = tsa.real_now()
    with clock.frozen(now):
        keys = ClinicKeys.create(tmp_path_factory.mktemp("clinic"), "Kesari Skin & Hair")
        time = client_of(a_time_service)
        sealer, plain = PadesSealer(keys, time=time), PadesSealer(keys)
        evidence, key = sealing.evidence_of(sealer), sealing.a_key(sealer)
        rendering = sealing.rendered(snapshots.a_snapshot, evidence)
        no = sealing.evidence_of(sealer, is_declined=True)
        signed = sealing.signed_by(sealer, key, rendering)
        late_signed = sealing.signed_by(plain, key, rendering)
        stamped, _ = stamp(signed, keys, time)
        yield Files(
            keys=keys,
            key=key,
            time=time,
            server=a_time_service,
            signed=signed,
            stamped=stamped,
            again=stamp(stamped, keys, time)[0],
            other=stamp(sealing.signed_by(sealer, key, rendering), keys, time)[0],
            late_signed=late_signed,
            late=stamp(late_signed, keys, time)[0],
            declined=stamp(sealer.seal(sealing.rendered(snapshots.a_declined_snapshot, no)), keys, time)[0],
            now=now,
        )


@pytest.fixture(autouse=True)
def _today(clock_at: Callable[..., None], files: Files) -> None:
    clock_at(files.now)


def client_of(server: tsa.Service) -> TimeService:
    return TimeService(server.url, read_authorities(server.authority.pem.read_bytes()), frozenset({"127.0.0.1"}), 10)


def spec_of(files: Files) -> PdfSignatureValidationSpec:
    return spec_with([files.keys.root], files.time.authorities)


def spec_with(roots: Sequence[x509.Certificate], authorities: Sequence[object]) -> PdfSignatureValidationSpec:
    """The library's rules at their strictest: every certificate needs its list, and nothing is fetched."""
    trust = SimpleTrustManager.build([*map(as_asn1, roots), *authorities])
    policy = CertValidationPolicySpec(trust_manager=trust, revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO))
    local = RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY)
    return PdfSignatureValidationSpec(SignatureValidationSpec(policy, revinfo_gathering_policy=local))


def ades_now(files: Files, pdf: bytes) -> list[object]:
    found = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    spec = spec_of(files)
    checks = [ades.ades_lta_validation(one, spec, timing_info=ValidationTimingInfo.now()) for one in found]
    return [asyncio.run(check).ades_subindic for check in checks]


def ades_in_ten_years(files: Files, pdf: bytes) -> list[object]:
    found, later = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures, tsa.real_now() + TEN_YEARS
    spec = spec_of(files)
    return [asyncio.run(ades.simulate_future_ades_lta_validation(one, spec, later)).ades_subindic for one in found]


def test_a_stamped_record_is_b_lta_today_and_in_ten_years_when_every_certificate_has_ended(files: Files) -> None:
    ends = [files.keys.seal.not_valid_after_utc, files.key.certificate.not_valid_after_utc]
    assert max(*ends, files.server.stamper.certificate.not_valid_after_utc) < tsa.real_now() + TEN_YEARS
    for pdf, signatures in ((files.stamped, 2), (files.again, 2), (files.declined, 1)):
        assert ades_now(files, pdf) == [AdESPassed.OK] * signatures
        assert ades_in_ten_years(files, pdf) == [AdESPassed.OK] * signatures


def test_a_signature_that_was_not_stamped_when_it_was_set_is_short_of_it_for_the_library(files: Files) -> None:
    """docs/decisions/0009: the library wants a time stamp on each signature; ours says what there is instead."""
    assert set(ades_now(files, files.late)) == {AdESIndeterminate.SIG_CONSTRAINTS_FAILURE}
    assert files.check(files.late).proof is Proof.DOCUMENT


def test_each_step_adds_to_the_file_and_our_check_says_what_stands_behind_its_time(files: Files) -> None:
    assert files.stamped.startswith(files.signed) and files.again.startswith(files.stamped)
    assert files.late.startswith(files.late_signed)
    expected = {
        files.late_signed: (Proof.CLOCK, 0),
        files.signed: (Proof.SIGNATURES, 0),
        files.late: (Proof.DOCUMENT, 1),
        files.stamped: (Proof.ARCHIVE, 1),
        files.again: (Proof.ARCHIVE, 2),
        files.declined: (Proof.ARCHIVE, 1),
    }
    for pdf, (proof, stamps) in expected.items():
        found = files.check(pdf)
        assert (found.problems, found.proof, len(found.stamps)) == ((), proof, stamps)
        assert found.covers_whole_file and found.intact and found.trusted
        assert (found.proved_at is None) is (proof is Proof.CLOCK)


def test_in_ten_years_our_check_says_genuine_with_the_time_it_was_stamped(files: Files) -> None:
    with clock.frozen(tsa.real_now() + TEN_YEARS):
        found = files.check(files.stamped)
    assert found.is_genuine and found.proved_at == files.check(files.stamped).proved_at


def test_the_librarys_own_comparison_allows_each_step_after_the_doctors_lock(files: Files) -> None:
    roots = [as_asn1(files.keys.root), *files.time.authorities]
    for pdf in (files.stamped, files.again, files.late, files.declined):
        for signature in PdfFileReader(BytesIO(pdf)).embedded_regular_signatures:
            context = ValidationContext(
                trust_roots=roots,
                moment=signature.self_reported_timestamp,
                allow_fetching=False,
                revocation_mode="soft-fail",
            )
            status = validate_pdf_signature(signature, context, ts_validation_context=context)
            assert status.bottom_line and status.docmdp_ok, signature.field_name


def test_without_a_named_authority_a_stamped_record_is_genuine_and_its_time_unchecked(files: Files) -> None:
    found = verify(files.stamped, files.keys.root)
    assert found.is_genuine and found.stamps[0].chain == ()


def test_a_clinics_list_serves_for_a_day_and_without_the_roots_key_for_thirty(files: Files, tmp_path: Path) -> None:
    keys = ClinicKeys.create(tmp_path, "Clinic")
    first = revocation.the_list(keys)
    begin = clock.now()
    with clock.frozen(begin + timedelta(hours=20)):
        assert revocation.the_list(keys) == first
    (keys.folder / "root.key").rename(tmp_path / "away.key")
    with clock.frozen(begin + timedelta(days=29)):
        assert revocation.the_list(keys) == first
    with clock.frozen(begin + timedelta(days=31)):
        with pytest.raises(NotAllowed, match=r"seal\.no_root_key"):
            revocation.the_list(keys)
        (tmp_path / "away.key").rename(keys.folder / "root.key")
        assert revocation.the_list(keys) != first
    assert [path.name for path in keys.folder.iterdir() if path.name.startswith(".")] == []


def test_a_list_of_yesterday_is_fresh_enough(files: Files, tmp_path: Path) -> None:
    with clock.frozen(tsa.real_now() - timedelta(hours=23)):
        keys = ClinicKeys.create(tmp_path, "Clinic")
        revocation.the_list(keys)
    sealer = PadesSealer(keys, time=files.time)
    no = sealing.evidence_of(sealer, is_declined=True)
    pdf, _ = stamp(sealer.seal(sealing.rendered(snapshots.a_declined_snapshot, no)), keys, files.time)
    mine = Files(**{**vars(files), "keys": keys})
    assert ades_now(mine, pdf) == ades_in_ten_years(mine, pdf) == [AdESPassed.OK]


@pytest.mark.parametrize("lie", ["error 500", "stranger", "garbage", "broken", "other nonce"])
def test_a_seal_waits_for_no_service_that_fails_and_the_next_one_does_not_even_ask(files: Files, lie: str) -> None:
    time = client_of(files.server)
    sealer = PadesSealer(files.keys, time=time)
    no = sealing.evidence_of(sealer, is_declined=True)
    rendering = sealing.rendered(snapshots.a_declined_snapshot, no)
    files.server.lie = lie
    try:
        assert files.check(sealer.seal(rendering)).proof is Proof.CLOCK
        asked, files.server.lie = files.server.asked, ""
        assert files.check(sealer.seal(rendering)).proof is Proof.CLOCK
        assert files.server.asked == asked
    finally:
        files.server.lie = ""
    with clock.frozen(clock.now() + QUIET):
        assert time.is_quick


# ---- Every way to change a time stamp that we know ----


def stamp_place(pdf: bytes) -> Place:
    return places(pdf)[-1]


def with_token(pdf: bytes, token: bytes) -> bytes:
    """Another token in the place of the last time stamp."""
    place = stamp_place(pdf)
    return t.put(pdf, place.start + 1, token.hex().upper().encode().ljust(len(place.gap) - 2, b"0"))


def token_of(pdf: bytes) -> bytes:
    raw = bytes.fromhex(stamp_place(pdf).gap[1:-1].decode())
    return raw.rstrip(b"\0")


def with_last_bit_turned(token: bytes) -> bytes:
    return token[:-3] + bytes([token[-3] ^ 1]) + token[-2:]


def by_a_stranger(files: Files) -> bytes:
    """A stamp of this very file by a service of the same name that nobody knows."""
    place, stranger = stamp_place(files.stamped), files.server.stranger
    return with_token(files.stamped, _reply(stranger, place))


def of_another_digest(files: Files) -> bytes:
    """A true stamp by our own service, of something else."""
    other = stamp_place(files.other)
    return with_token(files.stamped, _reply(files.server.stamper, other))


def _reply(stamper: tsa.Stamper, place: Place) -> bytes:
    from hashlib import sha256

    from asn1crypto import tsp

    digest = sha256(place.pdf[: place.start] + place.pdf[place.end : place.covered]).digest()
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
    query = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
    token: bytes = tsp.TimeStampResp.load(stamper.reply(query.dump()))["time_stamp_token"].dump()
    return token


def first_store(pdf: bytes) -> int:
    """Where the first certificate of the store of evidence begins."""
    found = re.search(rb"stream\r?\n(?=0\x82)", pdf[places(pdf)[1].covered :])
    assert found is not None
    return places(pdf)[1].covered + found.end()


def store_alone(writer: IncrementalPdfFileWriter) -> None:
    """A store of evidence without a time stamp over it."""
    certificates = [one.signer_cert for one in writer.prev.embedded_regular_signatures]
    DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=certificates)


def store_emptied(writer: IncrementalPdfFileWriter) -> None:
    store = writer.root["/DSS"]
    store[pdf_name("/CRLs")] = generic.ArrayObject()
    writer.update_container(store)


def restamped_over(files: Files, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """A change after the doctor's signature, with a true time stamp over it."""
    return stamp(t.updated(files.signed, change), files.keys, files.time)[0]


def in_one_update(files: Files) -> bytes:
    """Words over a page in the same update as a true time stamp: set by somebody with a program of their own."""
    from pyhanko.sign.signers import PdfTimeStamper

    from intake.records.seal import AtOnce, PlainWriter

    writer = PlainWriter(BytesIO(files.signed))
    certificates = [one.signer_cert for one in PdfFileReader(BytesIO(files.signed)).embedded_regular_signatures]
    lists = asyncio.run(files.time.lists_for(files.time.stamp(b"\0" * 32)))
    DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=certificates, crls=lists)
    t.overlay(writer)
    stamper = PdfTimeStamper(AtOnce(files.time), field_name="Timestamp-1")
    return bytes(stamper.timestamp_pdf(writer, "sha256", bytes_reserved=16384).getvalue())


TAMPERED: dict[str, tuple[Callable[[Files], bytes], set[Fault]]] = {
    "the token of another record": (lambda f: with_token(f.stamped, token_of(f.other)), {STAMP}),
    "a true stamp of something else": (of_another_digest, {STAMP}),
    "a stranger's stamp": (by_a_stranger, {UNKNOWN}),
    "the token taken out": (lambda f: with_token(f.stamped, b""), {STAMP}),
    "no token but garbage": (lambda f: with_token(f.stamped, b"\x30\x03abc"), {STAMP}),
    "a bit of the token": (lambda f: with_token(f.stamped, t.flipped(token_of(f.stamped), 150)), {STAMP}),
    "a bit of the token's signature": (
        lambda f: with_token(f.stamped, with_last_bit_turned(token_of(f.stamped))),
        {STAMP},
    ),
    "the padding behind the token": (lambda f: t.put(f.stamped, stamp_place(f.stamped).end - 4, b"1"), {STAMP}),
    "a certificate in the store": (lambda f: t.flipped(f.stamped, first_store(f.stamped) + 60), {STAMP}),
    "the kind of the field": (lambda f: t.flipped(f.stamped, f.stamped.rindex(b"/TU (Timestamp)") + 5), {STAMP}),
    "the range of the stamp": (lambda f: t.in_range(f.stamped, 2, 3, -60), {STAMP}),
    "the page under the seal": (lambda f: t.flipped(f.stamped, t.offset(f.stamped, t.contents_of) + 100), {SEALED}),
    "the doctor's reason": (lambda f: t.flipped(f.stamped, f.stamped.rindex(b"Countersigned")), {DOCTOR}),
    "the stamp on the doctor's signature": (lambda f: t.in_message(f.signed, 1, 0.9), {STAMP}),
    "the stamp on the seal": (lambda f: t.in_message(f.signed, 0, 0.9), {STAMP, DOCTOR}),
    "the doctor's signature value": (lambda f: t.in_message(f.stamped, 1, 0.44), {BROKEN}),
    "without its last byte": (lambda f: f.stamped[:-1], {CUT}),
    "cut in the token": (lambda f: f.stamped[: stamp_place(f.stamped).start + 900], {CUT}),
    "cut in the store": (lambda f: f.stamped[: first_store(f.stamped) + 100], {CUT}),
    "a line end behind it": (lambda f: f.stamped + b"\n", {A}),
    "garbage behind it": (lambda f: f.stamped + bytes(range(256)), {A}),
    "another record behind it": (lambda f: f.stamped + f.other, {A, DOCTOR}),
    "words over a page": (lambda f: t.updated(f.stamped, t.overlay), {A, DOCTOR}),
    "other evidence": (lambda f: t.updated(f.stamped, t.swap_evidence), {A, DOCTOR}),
    "the store emptied": (lambda f: t.updated(f.stamped, store_emptied), {A, DOCTOR}),
    "a store without a stamp": (lambda f: t.updated(f.signed, store_alone), {A, DOCTOR}),
    "words over a page, then a true stamp": (lambda f: restamped_over(f, t.overlay), {A, DOCTOR}),
    "a script, then a true stamp": (lambda f: restamped_over(f, t.add_script), {A, DOCTOR}),
    "words over a page under a true stamp": (in_one_update, {A, DOCTOR}),
    "a third signature behind it": (lambda f: t.sign_again(f.stamped, f.key), {A, DOCTOR}),
    "words between two stamps": (
        lambda f: stamp(t.updated(f.stamped, t.overlay), f.keys, f.time)[0],
        {A, DOCTOR},
    ),
    "a bit of the first of two stamps": (lambda f: t.in_message(f.again, 2, 0.2), {STAMP}),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_time_stamp_is_refused_for_the_right_reason(files: Files, name: str) -> None:
    tamper, reasons = TAMPERED[name]
    pdf = tamper(files)
    found = files.check(pdf)
    assert set(found.problems) == reasons and not found.is_genuine


def test_taking_the_whole_stamp_away_leaves_the_record_as_it_was_sealed(files: Files) -> None:
    """Nothing is missing from it but the proof of its time, and that is said; the rows say which file is kept."""
    found = files.check(files.stamped[: len(files.signed)])
    assert found.is_genuine and found.stamps == () and found.proof is Proof.SIGNATURES
