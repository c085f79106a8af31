"""A day's records as one zip: the PDFs by number, a list, and what is not filed yet. Nothing stays on the disk."""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO
from uuid import UUID

from intake import audit, records
from intake.access import Actor
from intake.archive import rules, search, service
from intake.config import Clinic
from intake.errors import Damaged

IN_MEMORY = 32 * 1024 * 1024  # bytes; a usual day stays in memory, a larger one goes to a file without a name
HEAD = ("number", "token", "patient", "date of birth", "doctor", "outcome", "sealed at", "SHA-256 of the PDF", "file")
HEAD_NOT_FILED = ("token", "number", "outcome", "why")


@dataclass(frozen=True)
class Waiting:
    """A decided visit that has no record yet; `error` is the code of the last try, if one failed."""

    token: str
    outcome: str
    error: str
    is_given_up: bool


@dataclass(frozen=True)
class Day:
    """A day of the archive: what is filed, and what is decided but not filed."""

    day: date
    rows: list[search.Row]
    waiting: list[Waiting]


@dataclass(frozen=True)
class Package:
    """A zip ready to send, and the records in it. Whoever sends it closes the file."""

    file: IO[bytes]
    record_ids: list[UUID]


def day_of(day: date) -> Day:
    """The records of a day's visits by token, and what is not filed yet."""
    waiting = [Waiting(u.token, u.kind, u.error, u.given_up) for u in records.unfiled(day)]
    return Day(day, search.rows_of_day(day), waiting)


def note_list(day: date, *, by: Actor) -> None:
    """Write down that somebody looked at a day's list."""
    audit.record("archive.day_read", day.isoformat(), by=by)


def package_of(clinic: Clinic, day: date) -> Package:
    """The day as a zip. A record whose file is not what was sealed is left out, and listed as not filed."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)
    try:
        packed = _pack(file, clinic, day_of(day))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Package(file, [row.record_id for row in packed])


def _pack(file: IO[bytes], clinic: Clinic, listed: Day) -> list[search.Row]:
    packed: list[search.Row] = []
    broken: list[search.Row] = []
    with zipfile.ZipFile(file, "w") as archive:
        for row in listed.rows:
            try:
                pdf = service.open_file(row.record_id)
            except Damaged:
                broken.append(row)
                continue
            _write(archive, f"{row.number}.pdf", pdf, row.sealed_at.astimezone(clinic.zone))
            packed.append(row)
        at = datetime.combine(listed.day, time(), clinic.zone)
        _write(archive, "list.csv", rules.sheet(HEAD, (_line(row, clinic) for row in packed)), at)
        _write(archive, "not-filed.csv", rules.sheet(HEAD_NOT_FILED, _not_filed(listed.waiting, broken)), at)
    return packed


def note_package(day: date, package: Package, *, by: Actor) -> None:
    """Write down who took a day's records, and each record in it."""
    for record_id in package.record_ids:
        service.note(service.Reading.EXPORTED, record_id, by=by)
    audit.record("archive.day_exported", day.isoformat(), by=by, records=len(package.record_ids))


def _line(row: search.Row, clinic: Clinic) -> tuple[str, ...]:
    sealed_at = row.sealed_at.astimezone(clinic.zone).isoformat(timespec="seconds")
    who = (row.number, str(row.token), row.patient, row.born_on, row.doctor)
    return (*who, row.outcome, sealed_at, row.pdf_sha256, f"{row.number}.pdf")


def _not_filed(waiting: Iterable[Waiting], broken: Iterable[search.Row]) -> Iterator[tuple[str, ...]]:
    for one in waiting:
        why = "given up" if one.is_given_up else "failed, will be tried again" if one.error else "being made"
        yield one.token, "", one.outcome, f"{why}: {one.error}" if one.error else why
    for row in broken:
        yield str(row.token), row.number, row.outcome, "the file is not what was sealed"


def _write(archive: zipfile.ZipFile, name: str, data: bytes, at: datetime) -> None:
    entry = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.external_attr = 0o600 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".csv") else zipfile.ZIP_STORED
    archive.writestr(entry, data)
