"""Evidence bundles to be checked and to be tampered with, and their checker as anybody outside would run it."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask

from intake import audit, create_app
from intake.archive.bundle import OWN, bundle_of
from intake.config import Settings
from intake.db import db
from intake.records.seal import the_sealer
from tests.endings import a_declined_visit, a_filed_visit, record_id_of

Files = dict[str, bytes]


@dataclass(frozen=True)
class Clinic:
    """A clinic's bundles: of two countersigned records and of one that was declined, in this order."""

    root: str
    log_key: str
    one: Files
    other: Files
    declined: Files


@contextmanager
def application(settings: Settings) -> Iterator[Flask]:
    """The application over settings, its connections closed afterwards."""
    app = create_app(settings)
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def a_clinic(app: Flask, client: Any) -> Clinic:
    """Three visits up to their sealed records, and their bundles under one checkpoint."""
    app.test_client_class = client
    visits = [a_filed_visit(app), a_filed_visit(app), a_declined_visit(app, name="Anjali Desai", phone="9840011111")]
    made = [files_of(bundled(app, record_id_of(app, visit))) for visit in visits]
    with app.app_context():
        root, newest = the_sealer().keys.root_fingerprint, audit.newest_checkpoint()
    assert newest is not None
    return Clinic(root, made[0]["log/key.txt"].decode().strip(), *made)


def bundled(app: Flask, record_id: UUID) -> bytes:
    """A record's bundle as it is made."""
    with app.app_context():
        audit.checkpoint()
        data = bundle_of(record_id)
        db.session.remove()
    return data


def files_of(data: bytes) -> Files:
    """What is in a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def listed_anew(files: Mapping[str, bytes]) -> Files:
    """The same files under a list that fits them, as a forger would make it."""
    manifest = json.loads(files["manifest.json"])
    known = {one["name"]: one for one in manifest["files"]}
    manifest["files"] = [
        known.get(name, {"kind": "text", "what": ""}) | {"name": name, "sha256": sha256(data).hexdigest()}
        for name, data in sorted(files.items())
        if name != "manifest.json"
    ]
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    """These files as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def told(path: Path, root: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of verify.py in a Python that sees no package and none of our settings."""
    command = [sys.executable, "-I", "-S", str(OWN / "verify.py"), str(path), "--root", root, "--json", *more]
    done = subprocess.run(command, capture_output=True, cwd=path.parent, env={}, timeout=120)
    assert not done.stderr, done.stderr.decode()
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report
