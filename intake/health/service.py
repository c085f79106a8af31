"""The verbs of health: try the keys and write down what was found; look at everything that keeps the clinic running."""

import ctypes
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

from intake import audit, clock, jobs, records, staff, vault
from intake.access import SYSTEM
from intake.config import MIGRATIONS, PACKAGE, Settings
from intake.db import db, fetch, line
from intake.errors import DomainError
from intake.health import rules
from intake.health.models import SelfTest

WORKER, WEB = "worker", "web"
FILING = ("records.seal", "consent.sign")
STAMPING = "records.time_stamp"
BACKUP_NOTE = "last-backup.txt"  # deploy/intake-backup writes it
LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
_FOUND = select(SelfTest.process, SelfTest.at, SelfTest.found).order_by(SelfTest.at.desc())


@dataclass(frozen=True)
class Tested:
    """A self-test that was written down."""

    process: str
    at: datetime
    found: Mapping[str, str]

    @property
    def is_good(self) -> bool:
        """Whether no key is out of order."""
        return not any(self.found.values())


def try_keys() -> dict[str, str]:
    """Try every key now; gives the code of what is wrong by key ("seal", "log", "vault"), "" where nothing is.

    The seal: its key signs, its certificate verifies that, leads to a trusted root and covers now. The log's key signs
    a note that its own public half opens. The vault opens what it sealed, and a key of a patient's.
    """
    return {"seal": records.try_seal(), "log": audit.try_key(), "vault": vault.try_key()}


def note_test(process: str, found: Mapping[str, str]) -> None:
    """Write down what a process found, and note in the log where it is other than the last time."""
    row = db.session.get(SelfTest, process)
    before = json.loads(row.found) if row else None
    if row is None:
        row = SelfTest(process=process, at=clock.now(), found="")
        db.session.add(row)
    row.at, row.found = clock.now(), json.dumps(dict(found))
    db.session.flush()
    wrong = {part: code for part, code in found.items() if code}
    if wrong != {part: code for part, code in (before or {}).items() if code}:
        audit.record("keys.failed" if wrong else "keys.good", process, by=SYSTEM, **wrong)


def newest_test() -> Tested | None:
    """The newest self-test of any process, or None before the first."""
    row = fetch(_FOUND.limit(1)).first()
    return Tested(row.process, row.at, json.loads(row.found)) if row else None


def checks(settings: Settings) -> list[rules.Check]:
    """Every check, in the order of the page: keys and certificates, records and log, the machine."""
    now, tested = clock.now(), {row.process: row for row in fetch(_FOUND)}
    worker = tested.get(WORKER)
    newest = newest_test()
    found = dict(newest.found) if newest else {}
    return [
        *(rules.key(part, code) for part, code in found.items()),
        rules.worker(worker.at if worker else None, now),
        *_certificates(settings, now),
        _unfiled(now),
        _checkpoint(now),
        *_trusted_time(settings, now),
        rules.backup(_last_backup(settings), now),
        rules.disk(shutil.disk_usage(settings.data).free),
        rules.migrations(_revision(), ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""),
        rules.drawing(missing_for_drawing()),
    ]


@dataclass(frozen=True)
class Whose:
    """Whose certificate stands behind records: `name` is seal or root, `fingerprint` SHA-256 of it."""

    name: str
    holder: str
    issuer: str
    is_ours: bool
    ends_at: datetime
    fingerprint: str


def whose() -> list[Whose]:
    """The certificates in use that others check records with; none where they cannot be read, which the checks say."""
    try:
        found = records.certificates_in_use()
    except DomainError:
        return []
    root = found["root"]
    return [
        Whose(
            name,
            one.subject.rfc4514_string(),
            one.issuer.rfc4514_string(),
            one.issuer == root.subject,
            one.not_valid_after_utc,
            records.fingerprint(one),
        )
        for name, one in found.items()
    ]


def _certificates(settings: Settings, now: datetime) -> list[rules.Check]:
    try:
        in_use = records.certificates_in_use()
    except DomainError:
        return []  # the self-test's line says what is wrong with them
    has_root_key = (settings.keys / "seal" / "root.key").is_file()
    made = []
    if seal := in_use.get("seal"):
        ends = seal.not_valid_after_utc
        made.append(rules.seal(ends, now, is_ours=settings.seal is None, has_root_key=has_root_key))
    made.append(rules.root(in_use["root"].not_valid_after_utc, now))
    if settings.time_stamps is not None:
        made.append(rules.root_list(records.root_list_ends_at(settings.keys), now, has_root_key=has_root_key))
    names = {member.id: member.name for member in staff.list_members() if member.is_active}  # who left signs no more
    found = {names[one]: certificate for one, certificate in records.doctors_certificates().items() if one in names}
    for name, certificate in sorted(found.items(), key=lambda one: one[0]):
        made.append(rules.doctor(name, certificate.not_valid_after_utc, now, has_root_key=has_root_key))
    return made


def _unfiled(now: datetime) -> rules.Check:
    waiting = [job for job in jobs.list_unfinished() if job.name in FILING]
    error = next((job.error for job in waiting if job.error), "")
    given_up = sum(job.given_up_at is not None for job in waiting)
    return rules.unfiled([job.created_at for job in waiting], error, now, given_up=given_up)


def _checkpoint(now: datetime) -> rules.Check:
    kept = audit.newest_checkpoint()
    newer = audit.last_number() - (kept.size if kept else 0)
    return rules.checkpoint(kept.at if kept else None, max(0, newer), now)


def _trusted_time(settings: Settings, now: datetime) -> list[rules.Check]:
    waiting, has_service = records.count_awaiting_time_stamp(), settings.time_stamps is not None
    error = next((job.error for job in jobs.list_unfinished() if job.name == STAMPING and job.error), "")
    found = [rules.time_stamps(waiting.count, waiting.oldest, error, now, has_service=has_service)]
    if has_service:
        found.append(rules.log_stamp(audit.newest_stamp_at(), audit.unstamped_since(), now))
    return found


def _last_backup(settings: Settings) -> datetime | None:
    """When the backup last said that a copy was whole."""
    try:
        return datetime.fromisoformat((settings.data / BACKUP_NOTE).read_text("ascii").strip()).astimezone(UTC)
    except (OSError, ValueError):
        return None  # nobody told of one; the page says so


def _revision() -> str:
    return MigrationContext.configure(line()).get_current_revision() or ""


def missing_for_drawing() -> list[str]:
    """What the drawing of records needs and this machine does not have: our typefaces, Pango, HarfBuzz's subsetter."""
    missing = [name for name in LIBRARIES if not _can_be_loaded(name)]
    return missing if any((PACKAGE / "static" / "dist" / "fonts").rglob("*.ttf")) else [*missing, "fonts"]


def _can_be_loaded(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
