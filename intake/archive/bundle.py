"""One record as an evidence bundle: a zip that proves it to somebody who has nothing of this house and trusts nobody in
it. What is in it is checked by its own verify.py (docs/decisions/0011); the doors sign the log before, and note it."""

import io
import json
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any
from uuid import UUID

from asn1crypto import pem

from intake import audit, consent, definitions, records
from intake.access import Actor
from intake.archive import service
from intake.errors import Damaged, Invalid, NotFound
from intake.records import Material
from intake.time_stamps import Token, check, the_authorities

FORMAT = "intake/evidence-bundle/1"
OWN = Path(__file__).parent / "bundled"  # verify.py and README.txt, which go into every bundle
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same record and checkpoint make the same bytes


@dataclass(frozen=True)
class File:
    """A file of a bundle: its kind for programs, and what it is in a sentence. verify.py lists kinds that it does not
    judge."""

    name: str
    kind: str
    what: str
    data: bytes


def bundle_of(record_id: UUID) -> bytes:
    """The record's bundle, with the newest checkpoint; the same bytes for the same file, checkpoint, log stamp.

    Raises NotFound for no such record, NotFound("audit.no_checkpoint") where none reaches it yet, and Damaged where the
    record's file, a statement, the log or its time stamp is not what was sealed, signed and stamped. Changes nothing.
    """
    oldest, newest = audit.oldest_checkpoint(), audit.newest_checkpoint()  # before the file: it may only be newer
    if oldest is None or newest is None:
        raise NotFound("audit.no_checkpoint")
    record = records.get_record(record_id)
    pdf = service.open_file(record_id)
    material = records.material_of(pdf)
    entries = audit.proofs_of(record.visit_id, newest.size)
    stamped = audit.stamped_checkpoint(_sealed_as(entries, record.id, pdf), newest.size)
    of_log = _log_stamp(*stamped, newest) if stamped else []
    tokens = [*material.stamps[0], *material.stamps[1], *([_checked(*stamped)] if stamped else [])]
    files = [
        File("record.pdf", "record", "The record as it was sealed and stamped, byte for byte.", pdf),
        File("evidence.json", "evidence", "What is embedded in the record: all that was signed.", material.evidence),
        *_certificates(material),
        *_statements(record, material),
        *_definition(material),
        *_log(entries, oldest, newest),
        *of_log,
        *_authorities(tokens),
        File("verify.py", "program", "Checks this bundle with Python alone.", (OWN / "verify.py").read_bytes()),
    ]
    files.append(File("README.txt", "text", "What this is, and how to check it.", _readme(record)))
    stamps = {"signatures": len(material.stamps[0]), "document": len(material.stamps[1])}
    return _zipped(record.number, stamps, files)


def note_made(record_id: UUID, data: bytes, *, by: Actor) -> None:
    """Write down that somebody takes a bundle, and which."""
    service.note(service.Reading.BUNDLED, record_id, by=by, sha256=_digest(data))


CERTIFICATES = {
    "root": "The clinic's root certificate. Compare its SHA-256 with the one the clinic printed.",
    "seal": "The certificate of the clinic's seal.",
    "doctor": "The certificate of the doctor who countersigned.",
    "seal-chain": "A certificate between the seal and its root.",
    "seal-root": "Another root above a seal: another authority's, or another of the clinic's. Compare its SHA-256.",
    "seal-of": "The certificate of an earlier seal, under which a statement was signed.",
}


def _certificates(material: Material) -> list[File]:
    return [
        File(f"certificates/{role}.pem", "certificate", CERTIFICATES[_kind_of(role)], pem_)
        for role, pem_ in material.certificates.items()
    ]


def _kind_of(role: str) -> str:
    return role if role in CERTIFICATES else role.rpartition("-")[0]


def _authorities(tokens: list[Token]) -> list[File]:
    """The certificates above who stamped, each once: the authorities, and those between."""
    tops = {chain[-1].dump() for chain in (token.chain for token in tokens) if chain}
    between = {one.dump() for token in tokens for one in token.chain[1:]} - tops
    compare = "The certificate of a time authority. Compare its SHA-256 with what it publishes."
    named = (("time-authority", compare, tops), ("time-chain", "A certificate below a time authority.", between))
    return [
        File(f"certificates/{name}-{number}.pem", "time-authority", what, pem.armor("CERTIFICATE", der))
        for name, what, those in named
        for number, der in enumerate(sorted(those), 1)
    ]


def _statements(record: records.RecordView, material: Material) -> list[File]:
    """Each statement as it is kept, which must be the one that is embedded."""
    files = []
    for embedded in json.loads(material.evidence)["statements"]:
        kept = consent.find_by_digest(record.visit_id, embedded["sha256"])
        if kept is None or json.loads(kept.data) != embedded["evidence"]:
            raise Damaged("archive.statement_differs", record_id=record.id)
        name = f"statements/{kept.kind.value}"
        what = f"The statement “{kept.kind.value}” as it was signed"
        files.append(File(f"{name}.json", "statement", f"{what} (RFC 8785).", kept.data))
        files.append(File(f"{name}.sig", "statement-signature", f"{what}: the seal's signature.", kept.signature))
    return files


def _definition(material: Material) -> list[File]:
    """The files of the edition that the evidence names, without the words of languages that were not shown."""
    statements = [one["evidence"] for one in json.loads(material.evidence)["statements"]]
    languages = {one.get("language") for one in statements}
    for part in (part for one in statements for part in (one, one.get("presented", {}))):
        if "edition" in part:
            name, version = part["edition"]["name"], part["edition"]["version"]
            return [
                File(
                    f"definition/{definitions.file_name(name, version, kind)}",
                    "definition",
                    f"The {kind.partition('.')[0]} of the edition that was shown.",
                    data,
                )
                for kind, data in sorted(definitions.get_files(name, version).items())
                if not kind.startswith("translations.") or kind.partition(".")[2] in languages
            ]
    return []


def _sealed_as(entries: Any, record_id: UUID, pdf: bytes) -> int:
    """The number of the entry that says that the record was sealed. Raises NotFound where the checkpoint does not reach
    that, or the entry that names this very file."""
    said = [json.loads(one["entry"]) for one in entries["entries"]]
    sealed = [one for one in said if one["event"] == "record.sealed" and one["facts"]["record"] == str(record_id)]
    if not sealed or not any(one["facts"].get("pdf_sha256") == _digest(pdf) for one in said):
        raise NotFound("audit.no_checkpoint", size=entries["size"])
    return int(sealed[0]["seq"])


def _log(entries: Any, oldest: audit.Kept, newest: audit.Kept) -> list[File]:
    """The log's entries of the visit, and what proves that they stand in the log that was signed."""
    consistency = audit.consistency_of(oldest.size, newest.size)
    since = f"Shows that the log begins with what was signed at {oldest.size} entries (RFC 9162, 2.1.4)."
    return [
        File("log/checkpoint.txt", "checkpoint", "The state of the whole log, signed.", newest.note.encode()),
        File("log/key.txt", "log-key", "The key that checks it. Compare.", f"{consistency['vkey']}\n".encode()),
        File(
            "log/entries.json", "log-entries", "The log's entries of this visit, each with its proof.", _json(entries)
        ),
        File("log/consistency.json", "log-consistency", since, _json(consistency)),
    ]


def _log_stamp(kept: audit.Kept, token: bytes, newest: audit.Kept) -> list[File]:
    """The checkpoint that a time service stamped, the time stamp, and that the log of the bundle begins with it."""
    proof = _json(audit.consistency_of(kept.size, newest.size))
    return [
        File("log/stamped-checkpoint.txt", "checkpoint", "A state of the log, time stamped.", kept.note.encode()),
        File("log/stamped-checkpoint.tsr", "time-stamp", "The time stamp of that state (RFC 3161 token, DER).", token),
        File("log/stamped-consistency.json", "log-consistency", "Shows that the log begins with that state.", proof),
    ]


def _checked(kept: audit.Kept, token: bytes) -> Token:
    try:
        return check(token, audit.digest_of(kept.note), the_authorities())
    except Invalid as error:
        raise Damaged("checkpoint.stamp_wrong", size=kept.size, why=error.code) from error


def _readme(record: records.RecordView) -> bytes:
    text = (OWN / "README.txt").read_text("utf-8")
    return Template(text).substitute(number=record.number).encode()


def _zipped(number: str, stamps: dict[str, int], files: list[File]) -> bytes:
    """The zip: names in order, one time for all, and a list of what each file is with its SHA-256; and how many time
    stamps the record has."""
    files = sorted(files, key=lambda file: file.name)
    listed = [
        {"name": file.name, "kind": file.kind, "what": file.what, "size": len(file.data), "sha256": _digest(file.data)}
        for file in files
    ]
    named = {"format": FORMAT, "number": number, "time_stamps": stamps, "files": listed}
    manifest = File("manifest.json", "", "", _json(named))
    end = io.BytesIO()
    with zipfile.ZipFile(end, "w") as archive:
        for file in sorted([*files, manifest], key=lambda file: file.name):
            entry = zipfile.ZipInfo(file.name, MOMENT)
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            entry.compress_type = zipfile.ZIP_STORED if file.name == "record.pdf" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.data)
    return end.getvalue()


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
