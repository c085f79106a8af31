"""A record's evidence bundle: what is in it, that it holds, and what each way to tamper with it is called."""

import base64
import importlib.util
import io
import json
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from intake import cli, clock
from intake.archive.bundle import FORMAT, OWN
from intake.records.rules import canonical
from tests.archive.bundles import Clinic, Files, a_clinic, application, bundled, files_of, listed_anew, told, zipped
from tests.conftest import MADE, MONDAY_NOON, PASSWORD, StrictClient, own_settings, settings_for
from tests.endings import a_declined_visit, record_id_of

Change = Callable[[Files, Clinic, Clinic], Files]


@pytest.fixture(scope="module")
def clinic(made_clinic: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """The clinic whose root the expert knows."""
    data = tmp_path_factory.mktemp("bundles") / "data"
    shutil.copytree(made_clinic, data)
    with clock.frozen(MONDAY_NOON), own_settings(data, MADE) as settings, application(settings) as app:
        yield a_clinic(app, StrictClient)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Another clinic of the same name, with keys and a log of its own."""
    settings = settings_for(tmp_path_factory.mktemp("stranger") / "data")
    with clock.frozen(MONDAY_NOON):
        cli.prepare(settings)
        with application(settings) as app:
            with app.app_context(), cli.transaction():
                for person in cli.DEMO_PEOPLE:
                    cli.staff.add_member(password=PASSWORD, **person)
            yield a_clinic(app, StrictClient)


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """verify.py as a module."""
    spec = importlib.util.spec_from_file_location("bundle_verify", OWN / "verify.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def codes(verifier: ModuleType, path: Path, files: Files, root: str, key: str = "") -> set[str]:
    report = verifier.verify(str(zipped(path / "bundle.zip", files)), root, key)
    return {code for code, _ in report.problems}


def test_a_bundle_holds_for_somebody_with_python_alone_as_a_zip_and_as_a_folder(clinic: Clinic, tmp_path: Path) -> None:
    with_colons = ":".join(clinic.root.upper()[n : n + 2] for n in range(0, 64, 2))
    for name, files in {"one": clinic.one, "other": clinic.other, "declined": clinic.declined}.items():
        status, report = told(zipped(tmp_path / f"{name}.zip", files), with_colons, "--log-key", clinic.log_key)
        assert (status, report["problems"]) == (0, []) and report["holds"] is True
        folder = tmp_path / name
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            archive.extractall(folder)
        before = sorted(folder.rglob("*"))
        assert told(folder, clinic.root)[0] == 0
        assert sorted(folder.rglob("*")) == before, "it writes nothing"


def test_it_says_in_plain_sentences_what_holds_and_what_does_not(clinic: Clinic, tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", clinic.one)
    command = [sys.executable, "-I", "-S", str(OWN / "verify.py"), str(path), "--root"]
    good = subprocess.run([*command, clinic.root], capture_output=True, text=True, encoding="utf-8", env={})
    assert (
        good.returncode == 0 and "holds:  The doctor who countersigned, Dr Ananya Rao, signed the PDF." in good.stdout
    )
    assert good.stdout.endswith("Everything holds.\n") and "compare it: " in good.stdout
    bad = subprocess.run([*command, "0" * 64], capture_output=True, text=True, encoding="utf-8", env={})
    assert bad.returncode == 1 and "[other_root]" in bad.stdout and "Do not rely on this bundle." in bad.stdout


def test_what_is_in_it_is_what_the_list_says(clinic: Clinic) -> None:
    listed = json.loads(clinic.one["manifest.json"])
    assert [one["name"] for one in listed["files"]] == sorted(set(clinic.one) - {"manifest.json"})
    assert all(one["what"].endswith((".", "(RFC 8785).")) and one["size"] > 0 for one in listed["files"])
    assert listed["number"].encode() in clinic.one["README.txt"]
    names = set(clinic.one)
    assert {"statements/signed.json", "statements/countersigned.sig", "certificates/doctor.pem"} <= names
    assert not any("translations" in name for name in names), "only the words of the language that was shown"
    assert "certificates/doctor.pem" not in clinic.declined


def test_the_bundle_of_one_record_tells_nothing_of_another_visit(clinic: Clinic) -> None:
    visit = json.loads(clinic.one["evidence.json"])["statements"][0]["evidence"]["visit"]["id"].encode()
    other = json.loads(clinic.other["evidence.json"])["statements"][0]["evidence"]["visit"]["id"].encode()
    assert any(visit in data for data in clinic.one.values())
    assert not any(other in data for data in clinic.one.values())


def test_the_commands_of_the_readme_hold_with_openssl_and_poppler(clinic: Clinic, tmp_path: Path) -> None:
    for name, data in clinic.one.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    script = """set -e
openssl x509 -in certificates/root.pem -noout -fingerprint -sha256
openssl verify -no_check_time -CAfile certificates/root.pem certificates/seal.pem certificates/doctor.pem
openssl x509 -in certificates/seal.pem -noout -pubkey > seal.pub
for KIND in signed countersigned; do
openssl dgst -sha256 -verify seal.pub -signature statements/$KIND.sig statements/$KIND.json
done
pdfdetach -save 1 -o embedded.json record.pdf
cmp embedded.json evidence.json
pdfsig record.pdf"""
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # poppler's own word for "the root is not known to me" is 1
    assert done.stdout.split("=")[1][:95].replace(":", "").lower() == clinic.root
    assert done.stdout.count("Verified OK") == 2 and done.stdout.count("Signature is Valid.") == 2


def test_each_file_changed_removed_or_added_is_named(verifier: ModuleType, clinic: Clinic, tmp_path: Path) -> None:
    for name in sorted(set(clinic.one) - {"manifest.json"}):
        data = clinic.one[name]
        changed = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
        assert "file_changed" in codes(verifier, tmp_path, clinic.one | {name: changed}, clinic.root), name
        without = {one: kept for one, kept in clinic.one.items() if one != name}
        assert "file_missing" in codes(verifier, tmp_path, without, clinic.root), name
    assert codes(verifier, tmp_path, clinic.one | {"note.txt": b""}, clinic.root) == {"file_unlisted"}
    gone = {one: kept for one, kept in clinic.one.items() if one != "manifest.json"}
    assert "file_missing" in codes(verifier, tmp_path, gone, clinic.root)


def _replace(name: str, old: bytes, new: bytes) -> Change:
    def change(files: Files, _clinic: Clinic, _stranger: Clinic) -> Files:
        assert old in files[name], f"{old!r} does not stand in {name}"
        return files | {name: files[name].replace(old, new, 1)}

    return change


def _of_other(*names: str) -> Change:
    return lambda files, clinic, _stranger: files | {name: clinic.other[name] for name in names}


def _of_stranger(*starts: str) -> Change:
    return lambda files, _clinic, stranger: files | {n: d for n, d in stranger.one.items() if n.startswith(starts)}


def _entries(change: Callable[[list[dict[str, object]]], object]) -> Change:
    def changed(files: Files, _clinic: Clinic, _stranger: Clinic) -> Files:
        kept = json.loads(files["log/entries.json"])
        change(kept["entries"])
        return files | {"log/entries.json": json.dumps(kept, ensure_ascii=False).encode()}

    return changed


def _without(word: str) -> Callable[[list[dict[str, object]]], object]:
    def change(entries: list[dict[str, object]]) -> None:
        entries.remove(next(one for one in entries if word in str(one["entry"])))

    return change


def _swap_leaves(entries: list[dict[str, object]]) -> None:
    entries[0]["entry"], entries[1]["entry"] = entries[1]["entry"], entries[0]["entry"]


def _flip_path(files: Files, _clinic: Clinic, _stranger: Clinic) -> Files:
    proof = json.loads(files["log/consistency.json"])
    proof["path"] = [proof["path"][0][::-1].replace("=", "A")[:43] + "=", *proof["path"][1:]]
    return files | {"log/consistency.json": json.dumps(proof, ensure_ascii=False).encode()}


def _flip_in_pdf(files: Files, _clinic: Clinic, _stranger: Clinic) -> Files:
    pdf = bytearray(files["record.pdf"])
    pdf[2000] ^= 1
    return files | {"record.pdf": bytes(pdf)}


def _before_doctor(files: Files, _clinic: Clinic, _stranger: Clinic) -> Files:
    end = files["record.pdf"].rindex(b"%%EOF", 0, -10) + 6
    return files | {"record.pdf": files["record.pdf"][:end]}


def _of_a_third(files: Files, _clinic: Clinic, stranger: Clinic) -> Files:
    """Our root beside a record that somebody else sealed: all of it is theirs but the root."""
    return stranger.one | {"certificates/root.pem": files["certificates/root.pem"]}


CHANGES: dict[str, tuple[Change, str]] = {
    "a byte of a page": (_flip_in_pdf, "pdf_changed"),
    "the doctor's signature cut off": (_before_doctor, "doctor_missing"),
    "another evidence beside the PDF": (_of_other("evidence.json"), "evidence_differs"),
    "another record": (_of_other("record.pdf", "certificates/doctor.pem"), "evidence_differs"),
    "another record with its evidence": (
        _of_other("record.pdf", "evidence.json", "certificates/doctor.pem"),
        "other_number",
    ),
    "a word of the statement": (_replace("statements/signed.json", b"Farida", b"Farid "), "statement_differs"),
    "another statement": (_of_other("statements/signed.json", "statements/signed.sig"), "statement_differs"),
    "another signature of a statement": (_of_other("statements/signed.sig"), "statement_signature_wrong"),
    "a word of the questions": (
        _replace("definition/mesotherapy-1.3.0-questionnaire.json", b"?", b"!"),
        "definition_differs",
    ),
    "the stranger's root": (_of_stranger("certificates/root.pem"), "other_root"),
    "the stranger's seal certificate": (_of_stranger("certificates/seal.pem"), "other_certificate"),
    "the stranger's record": (_of_a_third, "unknown_signer"),
    "the stranger's whole bundle": (_of_stranger(""), "other_root"),
    "the stranger's log": (_of_stranger("log/"), "entry_of_another_visit"),
    "the stranger's checkpoint": (_of_stranger("log/checkpoint.txt"), "checkpoint_of_another_log"),
    "the stranger's log key": (_of_stranger("log/key.txt"), "checkpoint_of_another_log"),
    "another size of the log": (_replace("log/checkpoint.txt", b"\n1", b"\n2"), "checkpoint_changed"),
    "the log of another visit": (_of_other("log/entries.json"), "entry_of_another_visit"),
    "an entry reworded": (
        _entries(lambda e: e[0].update(entry=str(e[0]["entry"]).replace("K 01", "K 02"))),
        "not_in_log",
    ),
    "the proof of another leaf": (_entries(_swap_leaves), "not_in_log"),
    "a path cut short": (_entries(lambda e: e[0].update(path=list(e[0]["path"])[1:])), "not_in_log"),  # type: ignore[call-overload]
    "the entry of the record taken out": (_entries(_without("record.sealed")), "record_not_in_log"),
    "the entry of a statement taken out": (_entries(_without("consent.signed")), "statement_not_in_log"),
    "an entry before the signature taken out": (_entries(_without("page_saved")), "events_differ"),
    "a step of the proof of consistency": (_flip_path, "not_consistent"),
    "a proof of consistency of another log": (_of_stranger("log/consistency.json"), "other_checkpoint"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_forged_bundle_with_a_list_that_fits_is_refused_for_the_right_reason(
    verifier: ModuleType, clinic: Clinic, stranger: Clinic, tmp_path: Path, name: str
) -> None:
    change, code = CHANGES[name]
    found = codes(verifier, tmp_path, listed_anew(change(clinic.one, clinic, stranger)), clinic.root)
    assert code in found and "file_changed" not in found


def test_what_stands_behind_the_last_signature_is_found(verifier: ModuleType, clinic: Clinic, tmp_path: Path) -> None:
    update = b"9999 0 obj\n<<>>\nendobj\nstartxref\n0\n%%EOF\n"
    for tail in (b"\n", update):
        files = listed_anew(clinic.one | {"record.pdf": clinic.one["record.pdf"] + tail})
        assert "pdf_added_to" in codes(verifier, tmp_path, files, clinic.root)


def test_no_file_of_another_patient_passes(verifier: ModuleType, clinic: Clinic, tmp_path: Path) -> None:
    swapped = 0
    for name, data in clinic.other.items():
        if clinic.one[name] != data and name not in ("manifest.json", "README.txt"):
            swapped += 1
            assert codes(verifier, tmp_path, listed_anew(clinic.one | {name: data}), clinic.root), name
    assert swapped >= 7


def test_a_log_key_given_from_elsewhere_is_the_one_that_counts(
    verifier: ModuleType, clinic: Clinic, stranger: Clinic, tmp_path: Path
) -> None:
    assert codes(verifier, tmp_path, clinic.one, clinic.root, clinic.log_key) == set()
    assert "other_log_key" in codes(verifier, tmp_path, clinic.one, clinic.root, stranger.log_key)


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "a/../../evil", "C:evil", "a\\b", "a//b", ".hidden"])
def test_a_name_that_leads_out_of_the_bundle_is_refused(
    verifier: ModuleType, clinic: Clinic, tmp_path: Path, name: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    assert codes(verifier, inside, {**clinic.one, name: b"x"}, clinic.root) == {"unsafe_name"}
    assert [path.name for path in tmp_path.rglob("*")] == ["inside", "bundle.zip"]


def test_a_zip_that_is_none_is_broken_or_names_a_file_twice_is_refused(
    verifier: ModuleType, clinic: Clinic, tmp_path: Path
) -> None:
    whole = zipped(tmp_path / "whole.zip", clinic.one).read_bytes()
    place = whole.index(b"%PDF-") if b"%PDF-" in whole else 5000
    broken = whole[:place] + bytes(200) + whole[place + 200 :]
    for data in (b"", b"PK", whole[:-200], broken):
        path = tmp_path / "b.zip"
        path.write_bytes(data)
        assert [code for code, _ in verifier.verify(str(path), clinic.root).problems] == ["unreadable"]
    assert [c for c, _ in verifier.verify(str(tmp_path / "none.zip"), clinic.root).problems] == ["unreadable"]
    end = io.BytesIO()
    with zipfile.ZipFile(end, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("record.pdf", b"1")
        archive.writestr("record.pdf", b"2")
    path.write_bytes(end.getvalue())
    assert [code for code, _ in verifier.verify(str(path), clinic.root).problems] == ["unsafe_name"]


def test_a_zip_that_would_fill_the_memory_is_refused_unread(
    verifier: ModuleType, clinic: Clinic, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("record.pdf", "w") as file:
        for _ in range(verifier.LARGEST // 2**20 + 1):
            file.write(bytes(2**20))
    assert [code for code, _ in verifier.verify(str(path), clinic.root).problems] == ["too_large"]


def test_a_link_in_a_folder_is_refused(verifier: ModuleType, clinic: Clinic, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "record.pdf").symlink_to("/etc/hostname")
    assert [code for code, _ in verifier.verify(str(folder), clinic.root).problems] == ["unsafe_name"]


def test_an_unknown_kind_of_file_is_said_and_not_judged(verifier: ModuleType, clinic: Clinic, tmp_path: Path) -> None:
    files = listed_anew(clinic.one | {"log/checkpoint.tsr": b"a token"})
    manifest = json.loads(files["manifest.json"])
    next(one for one in manifest["files"] if one["name"] == "log/checkpoint.tsr")["kind"] = "timestamp"
    path = zipped(tmp_path / "b.zip", files | {"manifest.json": json.dumps(manifest).encode()})
    report = verifier.verify(str(path), clinic.root)
    assert not report.problems and "not judged here: timestamp" in " ".join(report.notes)


def test_the_zip_is_the_same_byte_for_byte_for_the_same_record_and_checkpoint(
    made_clinic: Path, tmp_path: Path
) -> None:
    shutil.copytree(made_clinic, tmp_path / "data")
    with own_settings(tmp_path / "data", MADE) as settings, application(settings) as app:
        app.test_client_class = StrictClient
        record_id = record_id_of(app, a_declined_visit(app))
        first = bundled(app, record_id)
        assert bundled(app, record_id) == first
        with zipfile.ZipFile(io.BytesIO(first)) as archive:
            assert archive.namelist() == sorted(archive.namelist())
            assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert files_of(first)["verify.py"] == (OWN / "verify.py").read_bytes()


def test_a_record_from_before_doctors_signed_holds_with_its_seal_alone(verifier: ModuleType, tmp_path: Path) -> None:
    """The sample has no log beside it, so what is said of the log alone is wrong."""
    samples = Path(__file__).parents[1] / "samples" / "records"
    pdf, root = (samples / "one-signature.pdf").read_bytes(), (samples / "one-signature-root.crt").read_bytes()
    (signature,) = verifier.signed_in(pdf).signatures
    seal = ssl.DER_cert_to_PEM_cert(signature.certificate.der).encode()
    evidence = verifier.embedded_in(pdf)
    files = {
        "manifest.json": json.dumps({"format": FORMAT, "number": "KS-7KQ2-M9XF", "files": []}).encode(),
        **{"record.pdf": pdf, "evidence.json": evidence, "certificates/root.pem": root, "certificates/seal.pem": seal},
    }
    for one in json.loads(evidence)["statements"]:
        files[f"statements/{one['kind']}.json"] = canonical(one["evidence"])
        files[f"statements/{one['kind']}.sig"] = base64.b64decode(one["signature"])
    fingerprint = verifier.read_pem(root).fingerprint
    report = verifier.verify(str(zipped(tmp_path / "b.zip", listed_anew(files))), fingerprint)
    assert "The record KS-7KQ2-M9XF holds the very evidence of evidence.json." in report.held
    assert any("sealed before doctors signed" in note for note in report.notes)
    of_the_log = {"file_missing", "entries_unreadable", "consistency_unreadable"}
    assert {code for code, _ in report.problems} <= of_the_log, report.problems
