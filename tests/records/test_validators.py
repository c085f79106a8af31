"""Finished records under the eyes of programs that others wrote to judge PDF files and signatures: qpdf, PDFBox
preflight, outloud, pdfua, pdfsig, openssl; and every word of the record found again by pdftotext. What a tool still
says stands here with its cause."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from weasyprint import HTML

from intake import clock
from intake.config import TEMPLATES
from intake.i18n import translator
from intake.records import pdf_fixes
from intake.records.certificates import ClinicKeys
from intake.records.faces import Ink
from intake.records.render import FONTS, ClosedFetcher, Renderer
from intake.records.rules import Snapshot, direction_of
from intake.records.seal import PadesSealer
from intake.records.signed_bytes import places
from intake.records.stamping import stamp
from intake.records.verdict import Proof
from intake.records.verifying import verify
from tests import tsa
from tests.records.conftest import SEALING_DAY
from tests.records.sealing import a_key, evidence_of, rendered, signed_by
from tests.records.snapshots import a_declined_snapshot, a_hindi_snapshot, a_snapshot, an_arabic_snapshot
from tests.records.test_render import run, strings_of
from tests.records.test_stamped import client_of

SNAPSHOTS = {
    "english": a_snapshot(),
    "declined": a_declined_snapshot(),
    "hindi": a_hindi_snapshot(),
    "arabic": an_arabic_snapshot(),
}
JARS = ("preflight", "pdfbox2", "fontbox2", "xmpbox", "commons-logging", "javax.activation", "jaxb-api")
ALL = pytest.mark.parametrize("name", SNAPSHOTS)


# ---- PDF/A: the twin ----


@cache
def renderer() -> Renderer:
    return Renderer(TEMPLATES, FONTS)


def twin_of(snapshot: Snapshot) -> bytes:
    """The same page as PDF/A-1b, the part for which there is an independent validator, through the same mending.

    Left out is what that part forbids and ours allows: the embedded evidence, and a seal field without appearance.
    """
    ours = renderer()
    ink = Ink(ours._faces)
    page = ours._page(snapshot, translator(snapshot.language), ink)
    assert not ink.families
    options = {"pdf_variant": "pdf/a-1b", "pdf_tags": True, "output_intent": pdf_fixes.OUTPUT_INTENT}
    document = HTML(string=page, url_fetcher=ClosedFetcher()).render(
        font_config=ours._fonts, stylesheets=[ours._style], color_profiles=dict(ours._colors), **options
    )
    pdf_fixes.prepare(document)

    def finish(document: Any, pdf: Any) -> None:
        pdf_fixes.give_headers_a_scope(pdf)
        pdf_fixes.map_every_glyph(pdf)
        about = pdf_fixes.About(snapshot.number, snapshot.evidence_sha256, snapshot.clinic.name)
        pdf_fixes.write_metadata(pdf, document.metadata, about)
        packet = pdf_fixes._get(pdf, pdf.catalog["Metadata"])
        claim = b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U<"
        assert claim in packet.stream[0]
        packet.stream[0] = packet.stream[0].replace(claim, b"<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B<")

    return bytes(document.write_pdf(finisher=finish, **options))


def preflight(pdf: Path) -> str:
    """What PDFBox's validator of PDF/A-1b says (Debian: libpdfbox2-java libactivation-java libjaxb-api-java, a JRE)."""
    folder = Path("/usr/share/java")
    missing = [jar for jar in JARS if not (folder / f"{jar}.jar").is_file()]
    assert not missing and shutil.which("java"), f"install what tools/setup.sh names; missing: {missing or 'java'}"
    path = ":".join(str(folder / f"{jar}.jar") for jar in JARS)
    done = subprocess.run(
        ["java", "-cp", path, "org.apache.pdfbox.preflight.Validator_A1b", pdf],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


@ALL
def test_the_unsigned_twin_of_a_record_is_valid_pdf_a_1b(name: str, tmp_path: Path) -> None:
    twin = tmp_path / "twin.pdf"
    twin.write_bytes(twin_of(SNAPSHOTS[name]))
    assert preflight(twin).strip() == "The file twin.pdf is a valid PDF/A-1b file"


def test_that_validator_refuses_a_record_which_is_pdf_a_3(pdfs: dict[str, Path]) -> None:
    said = preflight(pdfs["english"])
    assert "is not a valid PDF/A-1b file" in said and "EmbeddedFile" in said


# ---- PDF/UA ----


# The warnings of outloud that remain, by the faces of the script. A syllable of several glyphs keeps its letters at the
# first; PDF/A's level U wants a letter for the others too, and U+2060 (nothing between them) is the one that adds none.
JOINED = {"english": [], "declined": [], "hindi": [("TXT-004", 7)], "arabic": [("TXT-004", 23), ("TXT-004", 25)]}


@ALL
def test_outloud_finds_no_error_in_a_sealed_record(pdfs: dict[str, Path], name: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run(Path(sys.executable).with_name("outloud"), "-q", "--json", report, pdfs[name])
    [said] = json.loads(report.read_text("utf-8"))["results"]
    assert said["counts"]["error"] == 0 and {one["severity"] for one in said["findings"]} <= {"warning"}
    joined = r"font \w+\+Intake-\S+: (\d+) different codes all map to U\+2060 .*"
    found = [(one["rule"], re.fullmatch(joined, one["message"])) for one in said["findings"]]
    assert sorted((rule, int(match[1])) for rule, match in found if match) == JOINED[name]
    assert len(found) == len(JOINED[name])


@ALL
def test_pdfua_finds_nothing_in_a_sealed_record(pdfs: dict[str, Path], name: str) -> None:
    said = json.loads(run(Path(sys.executable).with_name("pdfua"), "check", "--format", "json", pdfs[name]))
    assert said["findings"] == [] and said["summary"]["rules_run"] == 11
    # Its rule on headings stumbles over an attribute given as a list, which ISO 32000-1 (14.7.5.3) allows.
    assert [rule["rule_id"] for rule in said["skipped"]] == ["UA-14-001"]


# ---- Words ----


def words_of(text: str) -> set[str]:
    """The distinct words of a text, without what stands around them."""
    return {word for word in re.split(r"[\s,.;:?!()“”،؟।/–]+", unicodedata.normalize("NFKC", text)) if word}


def lost(name: str, pdf: Path) -> tuple[set[str], set[str]]:
    """The words of a snapshot, and those that pdftotext does not give back."""
    snapshot = SNAPSHOTS[name]
    wanted = {word for text in strings_of(snapshot) for word in words_of(text)}
    found = unicodedata.normalize("NFKC", run("pdftotext", "-raw", pdf, "-"))
    together = "".join(found.split())
    return wanted, {word for word in wanted if word not in together}


@pytest.mark.parametrize("name", ["english", "declined", "hindi"])
def test_every_word_of_a_record_is_found_again(pdfs: dict[str, Path], name: str) -> None:
    wanted, missing = lost(name, pdfs[name])
    assert len(wanted) > 100 and missing == set()


def test_the_words_of_an_arabic_record_that_are_not_found_again_are_known(pdfs: dict[str, Path]) -> None:
    """The Arabic face draws a letter and its dots as two glyphs that several letters share, and a glyph keeps the
    letters of the first; /ActualText, which mends that in Hindi, is turned round by readers where lines run from right
    to left. The evidence inside has every word."""
    wanted, missing = lost("arabic", pdfs["arabic"])
    arabic = {word for word in wanted if direction_of(word) == "rtl"}
    assert missing < arabic and (len(missing), len(arabic)) == (11, 14)


@ALL
def test_the_evidence_in_a_sealed_record_is_the_kept_one_byte_for_byte(
    pdfs: dict[str, Path], evidence: bytes, sealer: PadesSealer, name: str, tmp_path: Path
) -> None:
    with clock.frozen(SEALING_DAY):
        kept = evidence_of(sealer, is_declined=True) if name == "declined" else evidence
    run("pdfdetach", "-save", "1", "-o", tmp_path / "evidence.json", pdfs[name])
    found = (tmp_path / "evidence.json").read_bytes()
    # A signature made with ECDSA differs each time, so a no that was put together anew is compared without it.
    assert _unsigned(found) == _unsigned(kept) if name == "declined" else found == kept


# ---- Time stamps ----


@pytest.fixture(scope="module")
def stamped(a_time_service: tsa.Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, bytes]]:
    """Countersigned records of a clinic that opened now, with a time stamp in each signature and one over the whole
    file (PAdES B-LTA), each with the evidence that was put into it."""
    folder, made = tmp_path_factory.mktemp("stamped"), dict[str, tuple[Path, bytes]]()
    snapshots = {"english": a_snapshot, "hindi": a_hindi_snapshot, "arabic": an_arabic_snapshot}
    with clock.frozen(tsa.real_now()):
        time, keys = client_of(a_time_service), ClinicKeys.create(folder, "Kesari Skin & Hair")
        sealer = PadesSealer(keys, time=time)
        key, put_in = a_key(sealer), evidence_of(sealer)
        for name, make in snapshots.items():
            signed = signed_by(sealer, key, rendered(make, put_in, translator(SNAPSHOTS[name].language)))
            path = folder / f"{name}.pdf"
            path.write_bytes(stamp(signed, keys, time)[0])
            found = verify(path.read_bytes(), keys.root, time.authorities)
            assert found.is_genuine and found.proof is Proof.ARCHIVE
            made[name] = path, put_in
    return made


STAMPED = pytest.mark.parametrize("name", ["english", "hindi", "arabic"])


@STAMPED
def test_poppler_finds_both_signatures_of_a_stamped_record_valid_and_that_its_time_stamp_covers_the_whole_file(
    stamped: dict[str, tuple[Path, bytes]], name: str
) -> None:
    """The time stamp itself it does not judge: of ETSI.RFC3161 this version (22.12) knows no more than the name."""
    before, *told = run("pdfsig", "-nocert", stamped[name][0]).split("Signature #")
    fields = [re.search(r"Signature Field Name: (\S+)", one) for one in told]
    assert [one and one[1] for one in fields] == ["Seal", "Doctor", "Timestamp-1"], before
    for one in told[:2]:
        assert "Signature Type: ETSI.CAdES.detached" in one and "Signature Validation: Signature is Valid." in one
    assert ["- Total document signed" in one for one in told] == [False, False, True]


@STAMPED
def test_openssl_finds_each_time_stamp_of_a_stamped_record_good_and_none_of_another_file(
    stamped: dict[str, tuple[Path, bytes]], name: str, a_time_service: tsa.Service, tmp_path: Path
) -> None:
    seal, doctor, last = places(stamped[name][0].read_bytes())
    assert seal.message is not None and doctor.message is not None
    token = cms.ContentInfo.load(bytes.fromhex(last.gap[1:-1].decode())).dump()
    covered = last.pdf[: last.start] + last.pdf[last.end : last.covered]
    for der, data in (
        *((one.stamp, one.signature) for one in (seal.message, doctor.message)),
        (token, covered),
    ):
        (tmp_path / "token").write_bytes(der)
        (tmp_path / "data").write_bytes(data)
        command = ["openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token"]
        command += ["-data", tmp_path / "data", "-CAfile", a_time_service.authority.pem]
        assert "Verification: OK" in run(*command)
        (tmp_path / "data").write_bytes(data + b"x")
        assert subprocess.run(command, capture_output=True).returncode != 0


@STAMPED
def test_qpdf_finds_no_fault_in_a_stamped_record(stamped: dict[str, tuple[Path, bytes]], name: str) -> None:
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", stamped[name][0])


@STAMPED
def test_the_evidence_in_a_stamped_record_is_the_one_that_was_put_in_byte_for_byte(
    stamped: dict[str, tuple[Path, bytes]], name: str, tmp_path: Path
) -> None:
    path, put_in = stamped[name]
    assert run("pdfdetach", "-list", path).startswith("1 embedded files")
    run("pdfdetach", "-save", "1", "-o", tmp_path / "evidence.json", path)
    assert (tmp_path / "evidence.json").read_bytes() == put_in


@STAMPED
def test_pdfua_finds_nothing_in_a_stamped_record(stamped: dict[str, tuple[Path, bytes]], name: str) -> None:
    said = json.loads(run(Path(sys.executable).with_name("pdfua"), "check", "--format", "json", stamped[name][0]))
    assert said["findings"] == [] and [rule["rule_id"] for rule in said["skipped"]] == ["UA-14-001"]


def _unsigned(evidence: bytes) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(evidence)["statements"]
    return [{key: value for key, value in one.items() if key != "signature"} for one in statements]
