"""Every way we know to change a record, tried on English, Hindi and Arabic ones: each is found, and named right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intake import clock
from intake.i18n import translator
from intake.records.certificates import Doctor
from intake.records.doctor_keys import Key
from intake.records.rules import Snapshot
from intake.records.seal import ClinicKeys, PadesSealer
from intake.records.signed_bytes import places
from intake.records.verdict import Fault
from intake.records.verifying import verify
from tests.records import sealing, snapshots
from tests.records import tampering as t
from tests.records.conftest import SEALING_DAY
from tests.records.tampering import Material, Tamper

A = Fault.SOMETHING_ADDED
SEALED, DOCTOR = Fault.CHANGED_AFTER_SEALING, Fault.CHANGED_AFTER_DOCTOR
BROKEN, UNKNOWN, ROOT, CUT = Fault.SIGNATURE_BROKEN, Fault.UNKNOWN_SIGNER, Fault.UNKNOWN_ROOT, Fault.TRUNCATED
ROLLED_BACK, EVIDENCE = Fault.DOCTOR_SIGNATURE_MISSING, Fault.EVIDENCE_CHANGED
NUMBER = "KS-7KQ2-M9XF"
SHOWN: dict[str, tuple[Callable[..., Snapshot], str]] = {
    "english": (snapshots.a_snapshot, "en"),
    "hindi": (snapshots.a_hindi_snapshot, "hi"),
    "arabic": (snapshots.an_arabic_snapshot, "ar"),
}


def update(change: Callable[[Any], None]) -> Tamper:
    return lambda m: t.updated(m.signed, change)


def doctors_part(m: Material, share: float) -> bytes:
    return m.signed[: len(m.sealed) + int((len(m.signed) - len(m.sealed)) * share)]


TAMPERED: dict[str, tuple[Tamper, set[Fault]]] = {
    # Bits turned over.
    "the version in the header": (lambda m: t.flipped(m.signed, 7), {SEALED}),
    "the mark of a PDF": (lambda m: t.put(m.signed[:1] + m.signed[1:], 1, b"p"), {Fault.NOT_A_PDF}),
    "the drawing of a page": (lambda m: t.flipped(m.signed, t.offset(m.signed, t.contents_of) + 100), {SEALED}),
    "a typeface": (lambda m: t.flipped(m.signed, t.offset(m.signed, t.font_of) + 500), {SEALED}),
    "the title in the metadata": (lambda m: t.flipped(m.signed, m.signed.index(b"<dc:title>") + 70), {SEALED}),
    "the number in the metadata": (lambda m: t.flipped(m.signed, m.signed.index(b"<dc:identifier>") + 18), {SEALED}),
    "the digest in the metadata": (
        lambda m: t.put(m.signed, m.signed.index(b"<dc:source>sha256:") + 18, b"0000000000000000"),
        {SEALED, EVIDENCE},
    ),
    "the table of objects": (lambda m: t.flipped(m.signed, t.first_table(m.signed)), {SEALED}),
    "the address of the table": (lambda m: t.flipped(m.signed, m.rendering.rindex(b"startxref") + 11), {SEALED}),
    "the embedded evidence": (
        lambda m: t.flipped(m.signed, t.offset(m.signed, t.evidence_of) + 60),
        {SEALED, EVIDENCE},
    ),
    "the doctor's reason": (lambda m: t.flipped(m.signed, m.signed.rindex(b"Countersigned")), {DOCTOR}),
    "the doctor's time": (lambda m: t.flipped(m.signed, m.signed.rindex(b"/M (D") + 9), {DOCTOR}),
    "the seal's reason": (lambda m: t.flipped(m.signed, m.signed.rindex(b"Sealed record")), {SEALED}),
    # Inside the signatures themselves.
    "the seal's message, begin": (lambda m: t.in_message(m.signed, 0, 0.005), {BROKEN, DOCTOR}),
    "the seal's certificate": (lambda m: t.in_message(m.signed, 0, 0.3), {BROKEN, DOCTOR}),
    "the seal's signature value": (lambda m: t.in_message(m.signed, 0, 0.98), {BROKEN, DOCTOR}),
    "the doctor's message, begin": (lambda m: t.in_message(m.signed, 1, 0.005), {BROKEN}),
    "the doctor's certificate": (lambda m: t.in_message(m.signed, 1, 0.3), {BROKEN}),
    "the doctor's signed attributes": (lambda m: t.in_message(m.signed, 1, 0.85), {BROKEN}),
    "the doctor's signature value": (lambda m: t.in_message(m.signed, 1, 0.98), {BROKEN}),
    "the seal's padding": (lambda m: t.in_padding(m.signed, 0), {BROKEN, DOCTOR}),
    "the doctor's padding": (lambda m: t.in_padding(m.signed, 1), {BROKEN}),
    "the doctor's signature in its other form": (lambda m: t.with_the_other_s(m.signed, 1), {BROKEN}),
    "letters of the message in small": (
        lambda m: t.with_messages(m.signed, {1: t.message_of(places(m.signed)[1]).lower()}),
        {BROKEN},
    ),
    "the seal's range": (lambda m: t.in_range(m.signed, 0, 1, -2), {BROKEN, DOCTOR}),
    "the doctor's range, begin": (lambda m: t.in_range(m.signed, 1, 0, 1), {BROKEN}),
    "the doctor's range, end": (lambda m: t.in_range(m.signed, 1, 3, -60), {BROKEN}),
    "the doctor's range leaves a hole": (lambda m: t.in_range(m.signed, 1, 2, 40), {BROKEN}),
    "the two messages exchanged": (
        lambda m: t.with_messages(m.signed, {n: t.message_of(places(m.signed)[1 - n]) for n in (0, 1)}),
        {BROKEN},
    ),
    "the seal of another record": (
        lambda m: t.with_messages(m.signed, {0: t.message_of(places(m.other)[0])}),
        {SEALED},
    ),
    "the doctor's signature of another record": (
        lambda m: t.with_messages(m.signed, {1: t.message_of(places(m.other)[1])}),
        {DOCTOR},
    ),
    # Cut off.
    "without its last byte": (lambda m: m.signed[:-1], {CUT}),
    "without its last line": (lambda m: m.signed[: m.signed.rindex(b"startxref")], {CUT}),
    "cut in the doctor's message": (lambda m: doctors_part(m, 0.5), {CUT, ROLLED_BACK}),
    "cut behind the doctor's field": (lambda m: doctors_part(m, 0.04), {CUT, ROLLED_BACK}),
    "cut in the seal's message": (lambda m: m.sealed[: places(m.sealed)[0].start + 900], {CUT, Fault.NO_SIGNATURE}),
    "cut in the middle": (lambda m: m.signed[: len(m.rendering) // 2], {CUT, Fault.NO_SIGNATURE}),
    "cut to nothing": (lambda m: b"", {Fault.NOT_A_PDF}),
    "rolled back to the seal": (lambda m: m.sealed, {ROLLED_BACK}),
    "rolled back before the seal": (lambda m: m.rendering, {Fault.NO_SIGNATURE}),
    # Put behind it, or in front.
    "a line end behind it": (lambda m: m.signed + b"\n", {A}),
    "garbage behind it": (lambda m: m.signed + bytes(range(256)), {A}),
    "itself behind it": (lambda m: m.signed + m.signed, {A, DOCTOR}),
    "another record behind it": (lambda m: m.signed + m.other, {A, DOCTOR}),
    "a byte in front": (lambda m: b"\n" + m.signed, {Fault.NOT_A_PDF}),
    # An update by a PDF editor.
    "words over a page": (update(t.overlay), {A, DOCTOR}),
    "a note on a page": (update(t.add_note), {A, DOCTOR}),
    "another field": (update(t.change_field), {A, DOCTOR}),
    "a page more": (update(t.add_page), {A, DOCTOR}),
    "a script": (update(t.add_script), {A, DOCTOR}),
    "other metadata": (update(t.change_metadata), {A, DOCTOR}),
    "hidden": (update(t.hide), {A, DOCTOR}),
    "replaced": (update(t.replace), {A, DOCTOR}),
    "hidden and replaced": (update(t.hide_and_replace), {A, DOCTOR}),
    "the doctor's field emptied": (update(t.empty_doctors_field), {A, DOCTOR}),
    "the signatures' fields exchanged": (update(t.exchange_signatures), {A, DOCTOR}),
    "other evidence": (update(t.swap_evidence), {A, DOCTOR, EVIDENCE}),
    "no evidence": (update(t.remove_evidence), {A, DOCTOR, Fault.EVIDENCE_MISSING}),
    "rolled back, then words over a page": (
        lambda m: t.updated(m.sealed, t.overlay),
        {A, SEALED, ROLLED_BACK},
    ),
    "rolled back, then the doctor's part again": (
        lambda m: t.updated(m.sealed, t.overlay) + m.signed[len(m.sealed) :],
        {BROKEN},
    ),
    "saved by another program": (lambda m: t.saved_by_another_program(m.signed), {BROKEN}),
    # By a stranger with keys of his own, under the same names.
    "sealed and signed anew by a stranger": (lambda m: t.by_the_stranger(m, m.rendering), {ROOT, EVIDENCE}),
    "another patient's evidence, sealed by a stranger": (
        lambda m: t.by_the_stranger(m, m.make(sealing.evidence_of(m.stranger, visit="w"), NUMBER)),
        {ROOT},
    ),
    "another number, sealed by a stranger": (
        lambda m: t.by_the_stranger(m, m.make(sealing.evidence_of(m.stranger), "KS-0000-0000")),
        {ROOT},
    ),
    "a stranger's third signature": (lambda m: t.sign_again(m.signed, m.strangers_key), {A, DOCTOR, ROOT}),
    "a stranger in the doctor's place": (lambda m: t.sign_as(m.sealed, "Doctor", m.strangers_key), {ROOT}),
    "a stranger whose certificate names the clinic's root": (t.claiming_the_root, {UNKNOWN}),
    # With the clinic's own keys in wrong hands, or by a program with a fault.
    "the doctor's third signature": (lambda m: t.sign_again(m.signed, m.key), {A, BROKEN, DOCTOR}),
    "signed without the seal": (lambda m: t.sign_as(m.rendering, "Doctor", m.key), {Fault.SEAL_MISSING}),
    "the seal in the doctor's place": (
        lambda m: t.sign_as(m.sealed, "Doctor", Key(m.sealer.keys.seal, m.sealer.keys.private)),
        {BROKEN},
    ),
    "another doctor of the clinic": (
        lambda m: t.sign_as(m.sealed, "Doctor", sealing.a_key(m.sealer, Doctor("Dr Joseph Menon", "DMC-00002"))),
        {Fault.OTHER_DOCTOR},
    ),
    "words over a page, then the doctor's signature": (
        lambda m: t.sign_as(t.updated(m.sealed, t.overlay), "Doctor", m.key),
        {A, SEALED},
    ),
    "sealed after the certificate's end": (
        t.sealed_after_its_end,
        {Fault.CERTIFICATE_NOT_IN_FORCE, ROLLED_BACK},
    ),
    "the evidence of two visits": (t.two_visits, {EVIDENCE}),
}

# Drawing a record anew takes longer than all the rest, so it is done in one language each.
DRAWN_ANEW = {
    "another patient's evidence, sealed by a stranger": "hindi",
    "another number, sealed by a stranger": "arabic",
    "the evidence of two visits": "english",
}


@pytest.fixture(scope="module")
def materials(
    sealer: PadesSealer,
    doctors_key: Key,
    evidence: bytes,
    renderings: dict[str, bytes],
    pdfs: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Material]:
    with clock.frozen(SEALING_DAY):
        stranger = PadesSealer(ClinicKeys.create(tmp_path_factory.mktemp("stranger"), "Kesari Skin & Hair"))
        strangers_key = sealing.a_key(stranger)
        other = pdfs["hindi"].read_bytes()
        return {
            name: Material(
                renderings[name],
                sealed_state(pdfs[name].read_bytes()),
                pdfs[name].read_bytes(),
                evidence,
                _maker(*SHOWN[name]),
                sealer,
                doctors_key,
                stranger,
                strangers_key,
                other if name != "hindi" else pdfs["arabic"].read_bytes(),
            )
            for name in SHOWN
        }


def sealed_state(pdf: bytes) -> bytes:
    return pdf[: places(pdf)[0].covered]


def _maker(make: Callable[..., Snapshot], language: str) -> Callable[[bytes, str], bytes]:
    def made(evidence: bytes, number: str) -> bytes:
        return sealing.rendered(lambda **facts: make(number=number, **facts), evidence, translator(language))

    return made


@pytest.mark.parametrize("language", SHOWN)
def test_what_nobody_touched_is_genuine(materials: dict[str, Material], language: str) -> None:
    found = verify(materials[language].signed, materials[language].sealer.keys.root)
    assert (found.problems, found.number, len(found.signatures)) == ((), NUMBER, 2)


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_record_is_refused_for_the_right_reason(materials: dict[str, Material], name: str) -> None:
    tamper, reasons = TAMPERED[name]
    for language in [DRAWN_ANEW[name]] if name in DRAWN_ANEW else SHOWN:
        material = materials[language]
        with clock.frozen(SEALING_DAY):
            pdf = tamper(material)
        assert pdf != material.signed
        found = verify(pdf, material.sealer.keys.root)
        assert set(found.problems) == reasons, language
        assert not found.is_genuine


def test_there_are_at_least_forty_ways_and_every_reason_is_met() -> None:
    met = {reason for _, reasons in TAMPERED.values() for reason in reasons}
    told_by_others = {Fault.UNREADABLE, Fault.REPLACED, Fault.UNKNOWN_RECORD}  # by the file system and by the rows
    told_by_others |= {Fault.TIME_STAMP_BROKEN, Fault.UNKNOWN_TIME_AUTHORITY}  # tests/records/test_stamped.py
    assert len(TAMPERED) >= 40 and met | told_by_others == set(Fault)
