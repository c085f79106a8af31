"""The bundle of a record that a time service stamped, and of a log that it stamped: what its own program says of each
stamp, and what each way to change one is called. Longer than other files: one clinic for all, and the list of ways."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asn1crypto import cms, parser, tsp
from cryptography.hazmat.primitives import hashes
from flask import Flask

from intake import audit, clock, create_app
from intake.access import SYSTEM
from intake.archive.bundle import bundle_of
from intake.audit.models import LogStamp
from intake.config import TimeStamps
from intake.db import db, transaction
from intake.errors import Damaged
from intake.records import stamp_keeping
from intake.records.seal import the_sealer
from intake.records.signed_bytes import SEQUENCE, SET, STAMP, TAG_1, _der
from tests import tsa
from tests.archive.bundles import Files, bundled, files_of, listed_anew, told, zipped
from tests.builders import a_signed_visit
from tests.conftest import MADE, StrictClient, always_open, own_settings
from tests.endings import countersigned, record_id_of, work_done

RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]")


@dataclass(frozen=True)
class Stamped:
    """A clinic with a time service: bundles of two of its records, of the first before the log was stamped, of one from
    before there was a service, and of that one stamped afterwards; the service, and its authority's fingerprint."""

    root: str
    authority: str
    one: Files
    before: Files
    other: Files
    plain: Files
    late: Files
    service: tsa.Service


@pytest.fixture(scope="module")
def clinic(
    made_clinic: Path, a_time_service: tsa.Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stamped]:
    data = tmp_path_factory.mktemp("stamped") / "data"
    shutil.copytree(made_clinic, data)
    with clock.frozen(tsa.real_now()), own_settings(data, MADE) as settings:
        chosen = TimeStamps(a_time_service.url, a_time_service.authority.pem, frozenset({"127.0.0.1"}))
        plain_settings = replace(settings, clinic=always_open(settings.clinic))
        without, app = create_app(plain_settings), create_app(replace(plain_settings, time_stamps=chosen))
        without.test_client_class = app.test_client_class = StrictClient
        unstamped = filed(without)
        plain = files_of(bundled(without, unstamped))
        first, second = filed(app), filed(app)
        before = files_of(bundled(app, first))
        with app.app_context():
            audit.ask_for_time_stamp()
            db.session.remove()
        assert work_done(app) == 1
        with app.app_context(), transaction():
            audit.record("test.happened", "somebody", by=SYSTEM)
        one, other = (files_of(bundled(app, record)) for record in (first, second))
        with app.app_context():
            root = the_sealer().keys.root_fingerprint
        top = a_time_service.authority.root.fingerprint(hashes.SHA256()).hex()
        with app.app_context(), transaction():
            assert stamp_keeping.ask_for_all() == 1
        assert work_done(app) == 1
        late = files_of(bundled(app, unstamped))
        yield Stamped(root, top, one, before, other, plain, late, a_time_service)
        for made in (without, app):
            with made.app_context():
                db.session.remove()
                db.engine.dispose()


def filed(app: Flask) -> UUID:
    """A countersigned visit up to its record, and its time stamp where there is a service."""
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    work_done(app)
    return record_id_of(app, visit_id)


def said(clinic: Stamped, path: Path, files: Files, *more: str) -> tuple[set[str], dict[str, Any]]:
    """What verify.py finds wrong, and its whole report."""
    known = more or ("--time-authority", clinic.authority)
    status, report = told(zipped(path / "b.zip", files), clinic.root, *known)
    assert status == (1 if report["problems"] else 0)
    return {one["code"] for one in report["problems"]}, report


def test_a_stamped_record_holds_and_each_stamp_is_told_with_its_time(clinic: Stamped, tmp_path: Path) -> None:
    found, report = said(clinic, tmp_path, clinic.one)
    assert found == set(), report["problems"]
    told_ = [line for line in report["held"] if "was stamped at" in line]
    starts = ["The signature of Kesari", "The signature of Dr Ananya Rao", "The whole file up to its time stamp 1"]
    assert [line.startswith(start) for line, start in zip(told_, starts, strict=False)] == [True] * 3
    assert len(told_) == 4 and "The log of " in told_[3]
    assert all(
        "by Test TSA; the time authority that was given stands behind it (Test Time Authority)." in line
        for line in told_
    )
    assert "The entry of this record is among those that were stamped with the log." in report["held"]
    assert any("does not judge" in note and "intake verify" in note for note in report["notes"])


def test_the_files_of_the_stamps_are_in_the_list(clinic: Stamped) -> None:
    listed = json.loads(clinic.one["manifest.json"])
    kinds = {one["name"]: one["kind"] for one in listed["files"]}
    assert listed["time_stamps"] == {"signatures": 2, "document": 1}
    assert kinds["certificates/time-authority-1.pem"] == "time-authority"
    assert kinds["log/stamped-checkpoint.tsr"] == "time-stamp"
    assert clinic.one["record.pdf"].count(b"/Type /DocTimeStamp") == 1


def test_without_a_named_authority_the_stamps_are_whole_and_nobody_says_whose(clinic: Stamped, tmp_path: Path) -> None:
    status, report = told(zipped(tmp_path / "b.zip", clinic.one), clinic.root)
    assert status == 0 and report["problems"] == []
    told_ = [line for line in report["held"] if "was stamped at" in line]
    assert len(told_) == 4 and all(line.endswith("is whole, but nobody said whose it is.") for line in told_)
    assert any(clinic.authority in note and "compare" in note for note in report["notes"])


def test_another_authority_than_the_one_that_was_given_is_named(clinic: Stamped, tmp_path: Path) -> None:
    assert said(clinic, tmp_path, clinic.one, "--time-authority", "0" * 64)[0] == {"unknown_time_authority"}
    both = ("--time-authority", "0" * 64, "--time-authority", clinic.authority.upper())
    assert said(clinic, tmp_path, clinic.one, *both)[0] == set()


def test_a_record_that_nobody_stamped_and_a_log_that_nobody_stamped_are_said_to_be_so(
    clinic: Stamped, tmp_path: Path
) -> None:
    for files, sentence in (
        (clinic.plain, "No time service stamped this record"),
        (clinic.before, "No time stamp of the log"),
    ):
        found, report = said(clinic, tmp_path, files)
        assert found == set() and any(note.startswith(sentence) for note in report["notes"])


def test_a_record_from_before_there_was_a_service_says_that_the_file_alone_was_stamped(
    clinic: Stamped, tmp_path: Path
) -> None:
    assert json.loads(clinic.late["manifest.json"])["time_stamps"] == {"signatures": 0, "document": 1}
    found, report = said(clinic, tmp_path, clinic.late)
    assert found == set() and sum("was stamped at" in line for line in report["held"]) == 2
    assert "The entry of this record is among those that were stamped with the log." in report["held"]


def test_a_record_that_was_stamped_anew_holds_with_both_stamps_and_misses_one_that_is_cut_off(
    stamping_app: Flask, time_service: tsa.Service, tmp_path: Path
) -> None:
    time_service.stamper = time_service.authority.issue(f"Old TSA {clock.now():%H%M%S%f}", 300)
    record = filed(stamping_app)
    time_service.stamper = time_service.authority.issue(f"New TSA {clock.now():%H%M%S%f}", 3000)
    with stamping_app.app_context(), transaction():
        assert stamp_keeping.ask_for_all() == 1
    work_done(stamping_app)
    files = files_of(bundled(stamping_app, record))
    with stamping_app.app_context():
        root = the_sealer().keys.root_fingerprint
    known = ("--time-authority", time_service.authority.root.fingerprint(hashes.SHA256()).hex())
    status, report = told(zipped(tmp_path / "b.zip", files), root, *known)
    assert status == 0, report["problems"]
    whose = [re.findall(r"time stamp (\d) was stamped at .* by (Old|New) TSA", line) for line in report["held"]]
    assert [one for line in whose for one in line] == [("1", "Old"), ("2", "New")]
    first = files | {"record.pdf": files["record.pdf"][: gap(files["record.pdf"], 2)[2]]}
    status, report = told(zipped(tmp_path / "b.zip", listed_anew(first)), root, *known)
    assert {one["code"] for one in report["problems"]} == {"time_stamp_missing"} and len(report["problems"]) == 2


def test_a_time_stamp_of_the_log_that_is_of_something_else_leaves_the_house_in_no_bundle(stamping_app: Flask) -> None:
    record = filed(stamping_app)
    with stamping_app.app_context():
        audit.checkpoint()
        newest, service = audit.newest_checkpoint(), stamping_app.extensions["intake_time_service"]
        assert newest is not None
        token = service.stamp(sha256(b"something else").digest())
        with transaction():
            db.session.add(LogStamp(size=newest.size, token=token.der, stamped_at=token.at, authority=token.who))
        with pytest.raises(Damaged, match=r"checkpoint\.stamp_wrong"):
            bundle_of(record)
        db.session.remove()


# ---- Every way to change a stamp that we know ----

Change = Callable[[Stamped], Files]


def gap(pdf: bytes, number: int) -> tuple[int, int, int]:
    """Where the message of a signature or stamp begins and ends, and where what it covers ends."""
    start, end, length = (int(one) for one in list(RANGE.finditer(pdf))[number].groups())
    return start, end, end + length


def token_in(pdf: bytes) -> bytes:
    start, end, _ = gap(pdf, 2)
    return bytes(tsp.ContentInfo.load(bytes.fromhex(pdf[start + 1 : end - 1].decode())).dump())


def with_token(clinic: Stamped, token: bytes) -> Files:
    pdf = clinic.one["record.pdf"]
    start, end, _ = gap(pdf, 2)
    put = token.hex().upper().encode().ljust(end - start - 2, b"0")
    return clinic.one | {"record.pdf": pdf[: start + 1] + put + pdf[end - 1 :]}


def with_last(data: bytes, depth: int, put: bytes) -> bytes:
    """DER with other bytes in the place of the last value of the last value and so on, so many levels down."""
    if depth == 0:
        return put
    content, parts = parser.parse(data)[4], list[bytes]()
    while content:
        parts.append(data_of(content))
        content = content[len(parts[-1]) :]
    return _der(data[0], *parts[:-1], with_last(parts[-1], depth - 1, put))


def data_of(data: bytes) -> bytes:
    """The first value of DER, whole."""
    _class, _method, _tag, header, content, trailer = parser.parse(data)
    return bytes(header + content + trailer)


def with_stamp_of_doctor(clinic: Stamped, token: bytes) -> Files:
    """Another stamp of the doctor's signature, or none: it stands in what nobody signed of the message."""
    pdf = clinic.one["record.pdf"]
    start, end, _ = gap(pdf, 1)
    attribute = _der(TAG_1, _der(SEQUENCE, STAMP, _der(SET, token))) if token else b""
    message = with_last(bytes.fromhex(pdf[start + 1 : end - 1].decode()), 5, attribute)
    put = message.hex().upper().encode().ljust(end - start - 2, b"0")
    return clinic.one | {"record.pdf": pdf[: start + 1] + put + pdf[end - 1 :]}


def value_of_doctor(clinic: Stamped) -> bytes:
    """The bytes of the doctor's signature, of which its stamp is."""
    pdf = clinic.one["record.pdf"]
    start, end, _ = gap(pdf, 1)
    message = cms.ContentInfo.load(bytes.fromhex(pdf[start + 1 : end - 1].decode()))
    return bytes(message["content"]["signer_infos"][0]["signature"].native)


def cut(files: Files) -> Files:
    """The document's stamp cut off."""
    return files | {"record.pdf": files["record.pdf"][: gap(files["record.pdf"], 1)[2]]}


def stamped_by(stamper: tsa.Stamper, digest: bytes, algorithm: str = "sha256") -> bytes:
    imprint = {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest}
    query = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
    return bytes(tsp.TimeStampResp.load(stamper.reply(query.dump()))["time_stamp_token"].dump())


def digest_of(pdf: bytes) -> bytes:
    start, end, covered = gap(pdf, 2)
    return sha256(pdf[:start] + pdf[end:covered]).digest()


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def in_update(old: bytes, new: bytes) -> Change:
    """Other bytes in the update of the document's stamp, with a true stamp over them."""

    def change(clinic: Stamped) -> Files:
        pdf = clinic.one["record.pdf"]
        base = gap(pdf, 1)[2]
        assert old in pdf[base:] and len(old) == len(new)
        changed = pdf[:base] + pdf[base:].replace(old, new, 1)
        token = stamped_by(clinic.service.stamper, digest_of(changed))
        return with_token(replace(clinic, one=clinic.one | {"record.pdf": changed}), token)

    return change


def saying(files: Files, signatures: int) -> Files:
    """A list that names so many stamped signatures, and none of the document."""
    listed = json.loads(files["manifest.json"]) | {"time_stamps": {"signatures": signatures, "document": 0}}
    return files | {"manifest.json": json.dumps(listed).encode()}


def log_of(name: str, data: Callable[[Stamped], bytes]) -> Change:
    return lambda clinic: clinic.one | {f"log/{name}": data(clinic)}


def note_of(clinic: Stamped) -> bytes:
    return sha256(clinic.one["log/stamped-checkpoint.txt"]).digest()


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "the token of another record": (
        lambda c: with_token(c, token_in(c.other["record.pdf"])),
        {"time_stamp_of_another"},
    ),
    "a true stamp of something else": (
        lambda c: with_token(c, stamped_by(c.service.stamper, b"\7" * 32)),
        {"time_stamp_of_another"},
    ),
    "a stranger's stamp of the same name": (
        lambda c: with_token(c, stamped_by(c.service.stranger, digest_of(c.one["record.pdf"]))),
        {"unknown_time_authority"},
    ),
    "a second true stamp in its place": (
        lambda c: with_token(c, stamped_by(c.service.stamper, digest_of(c.one["record.pdf"]))),
        {"record_not_in_log"},
    ),
    "the token taken out": (lambda c: with_token(c, b""), {"time_stamp_unreadable"}),
    "no token but garbage": (lambda c: with_token(c, b"\x30\x03abc"), {"time_stamp_unreadable"}),
    "a bit of the token's signature": (
        lambda c: with_token(c, flipped(token_in(c.one["record.pdf"]), -3)),
        {"time_stamp_broken"},
    ),
    "something behind the token": (
        lambda c: with_token(c, token_in(c.one["record.pdf"]) + b"x"),
        {"time_stamp_unreadable"},
    ),
    "the stamp cut off": (lambda c: cut(c.one), {"time_stamp_missing"}),
    "the stamp cut off, and the list saying so": (lambda c: saying(cut(c.one), 2), {"time_stamp_missing"}),
    "the stamp of the doctor's signature taken out": (
        lambda c: with_stamp_of_doctor(c, b""),
        {"time_stamp_of_another"},
    ),
    "it taken out, the other cut off, and the list saying so": (
        lambda c: saying(cut(with_stamp_of_doctor(c, b"")), 1),
        {"record_not_in_log"},
    ),
    "another stamp at the doctor's signature": (
        lambda c: cut(with_stamp_of_doctor(c, token_in(c.one["record.pdf"]))),
        {"time_stamp_of_another"},
    ),
    "a stranger's stamp at the doctor's signature": (
        lambda c: cut(with_stamp_of_doctor(c, stamped_by(c.service.stranger, sha256(value_of_doctor(c)).digest()))),
        {"unknown_time_authority"},
    ),
    "the update's field under another kind": (in_update(b"/T (Timestamp", b"/T (Timestomp"), {"pdf_added_to"}),
    "a certificate of the store that is none": (in_update(b"stream\n0", b"stream\n1"), {"pdf_added_to"}),
    "another key in the store of evidence": (in_update(b"/CRLs [", b"/OCSP ["), {"pdf_added_to"}),
    "words in the catalogue, truly stamped": (in_update(b"/Lang (en)", b"/Lang (hi)"), {"record_not_in_log"}),
    "a line behind the stamp": (
        lambda c: c.one | {"record.pdf": c.one["record.pdf"] + b"\n%"},
        {"pdf_added_to"},
    ),
    "a bit of the log's token": (
        log_of("stamped-checkpoint.tsr", lambda c: flipped(c.one["log/stamped-checkpoint.tsr"], -3)),
        {"time_stamp_broken"},
    ),
    "the record's token beside the log": (
        log_of("stamped-checkpoint.tsr", lambda c: token_in(c.one["record.pdf"])),
        {"time_stamp_of_another"},
    ),
    "a stranger's stamp of the log": (
        log_of("stamped-checkpoint.tsr", lambda c: stamped_by(c.service.stranger, note_of(c))),
        {"unknown_time_authority"},
    ),
    "the newest checkpoint in the place of the stamped one": (
        log_of("stamped-checkpoint.txt", lambda c: c.one["log/checkpoint.txt"]),
        {"time_stamp_of_another"},
    ),
    "a stamped checkpoint changed": (
        log_of("stamped-checkpoint.txt", lambda c: c.one["log/stamped-checkpoint.txt"].replace(b"\n", b"\n1", 1)),
        {"checkpoint_changed"},
    ),
    "the proof of the oldest in the place of the stamped one's": (
        log_of("stamped-consistency.json", lambda c: c.one["log/consistency.json"]),
        {"other_checkpoint"},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_of_a_stamp_is_named_under_a_list_that_fits(clinic: Stamped, tmp_path: Path, name: str) -> None:
    change, codes = CHANGES[name]
    found, report = said(clinic, tmp_path, listed_anew(change(clinic)))
    assert codes <= found and "file_changed" not in found, report["problems"]


def test_each_bit_of_a_token_that_is_signed_counts(clinic: Stamped, tmp_path: Path) -> None:
    token = token_in(clinic.one["record.pdf"])
    for place in range(0, len(token), 97):
        found, _ = said(clinic, tmp_path, listed_anew(with_token(clinic, flipped(token, place))))
        assert found, place


def test_a_file_of_the_log_s_stamp_that_is_listed_and_gone_is_missed(clinic: Stamped, tmp_path: Path) -> None:
    for name in ("log/stamped-checkpoint.tsr", "log/stamped-checkpoint.txt", "certificates/time-authority-1.pem"):
        left = {one: data for one, data in clinic.one.items() if one != name}
        assert "file_missing" in said(clinic, tmp_path, left)[0]


def test_tools_of_others_agree_on_the_log_s_stamp(clinic: Stamped, tmp_path: Path) -> None:
    """The command that the README has for it, with openssl."""
    for name, data in clinic.one.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    command = "openssl ts -verify -token_in -in log/stamped-checkpoint.tsr -data log/stamped-checkpoint.txt"
    command += " -CAfile certificates/time-authority-1.pem"
    assert command in " ".join(clinic.one["README.txt"].decode().split())
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Verification: OK" in done.stdout, done.stderr
