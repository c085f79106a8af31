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

from intake import audit, consent, definitions, records
from intake.access import Actor
from intake.archive import service
from intake.errors import Damaged, NotFound
from intake.records import Material

FORMAT = "intake/evidence-bundle/1"
OWN = Path(__file__).parent / "bundled"  # verify.py and README.txt, which go into every bundle
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same record and checkpoint make the same bytes


@dataclass(frozen=True)
class File:
    """A file of a bundle: its kind for programs, and what it is in a sentence. A later kind (a token of a time-stamping
    authority) is one more of these; verify.py lists kinds that it does not judge."""

    name: str
    kind: str
    what: str
    data: bytes


def bundle_of(record_id: UUID) -> bytes:
    """The record's bundle, with the newest checkpoint; the same bytes for the same record and checkpoint.

    Raises NotFound for no such record, NotFound("audit.no_checkpoint") where none reaches it yet, and Damaged where the
    record's file, a statement, or the log is not what was sealed and signed. Changes nothing.
    """
    record = records.get_record(record_id)
    pdf = service.open_file(record_id)
    material = records.material_of(pdf)
    files = [
        File("record.pdf", "record", "The record as it was sealed, byte for byte.", pdf),
        File("evidence.json", "evidence", "What is embedded in the record: all that was signed.", material.evidence),
        *_certificates(material),
        *_statements(record, material),
        *_definition(material),
        *_log(record),
        File("verify.py", "program", "Checks this bundle with Python alone.", (OWN / "verify.py").read_bytes()),
    ]
    files.append(File("README.txt", "text", "What this is, and how to check it.", _readme(record)))
    return _zipped(record.number, files)


def note_made(record_id: UUID, data: bytes, *, by: Actor) -> None:
    """Write down that somebody takes a bundle, and which."""
    service.note(service.Reading.BUNDLED, record_id, by=by, sha256=_digest(data))


def _certificates(material: Material) -> list[File]:
    what = {
        "root": "The clinic's root certificate. Compare its SHA-256 with the one the clinic printed.",
        "seal": "The certificate of the clinic's seal.",
        "doctor": "The certificate of the doctor who countersigned.",
    }
    certificates = material.certificates.items()
    return [File(f"certificates/{role}.pem", "certificate", what[role], pem) for role, pem in certificates]


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


def _log(record: records.RecordView) -> list[File]:
    """The log's entries of the visit, and what proves that they stand in the log that was signed."""
    oldest, newest = audit.oldest_checkpoint(), audit.newest_checkpoint()
    if oldest is None or newest is None:
        raise NotFound("audit.no_checkpoint")
    entries = audit.proofs_of(record.visit_id, newest.size)
    if not any(record.pdf_sha256 in one["entry"] for one in entries["entries"]):
        raise NotFound("audit.no_checkpoint", size=newest.size)
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


def _readme(record: records.RecordView) -> bytes:
    text = (OWN / "README.txt").read_text("utf-8")
    return Template(text).substitute(number=record.number).encode()


def _zipped(number: str, files: list[File]) -> bytes:
    """The zip: names in order, one time for all, and a list of what each file is with its SHA-256."""
    files = sorted(files, key=lambda file: file.name)
    listed = [
        {"name": file.name, "kind": file.kind, "what": file.what, "size": len(file.data), "sha256": _digest(file.data)}
        for file in files
    ]
    manifest = File("manifest.json", "", "", _json({"format": FORMAT, "number": number, "files": listed}))
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
