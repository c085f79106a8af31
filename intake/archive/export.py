"""A day's records as one zip: the PDFs by number, a list, and what is not filed.

It is made while it is sent, one record at a time, so that no byte of it touches the disk. The door that sends it opens
the transactions, and writes each step into the log before the bytes leave.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from hashlib import sha256

from intake import audit, records
from intake.access import Actor
from intake.archive import rules, search, service
from intake.config import Clinic
from intake.errors import Damaged

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


class Package:
    """A day's zip in the making. Offer it each record, send what comes back, and end with `finish()`.

    What was offered is then either in the zip and its list, or named with the reason in "not-filed.csv": never neither.
    """

    def __init__(self, clinic: Clinic, listed: Day) -> None:
        self.clinic, self.listed = clinic, listed
        self.packed: list[search.Row] = []
        self.broken: list[tuple[search.Row, str]] = []
        self._end = _End()
        self._zip = zipfile.ZipFile(self._end, "w")

    def add(self, row: search.Row, pdf: bytes) -> bytes:
        """Put a record in; gives the bytes of the zip that can be sent now."""
        self._write(f"{row.number}.pdf", pdf, row.sealed_at.astimezone(self.clinic.zone))
        self.packed.append(replace(row, pdf_sha256=sha256(pdf).hexdigest()))  # a time stamp may be newer than the list
        return self._end.take()

    def leave_out(self, row: search.Row, fault: str) -> None:
        """Name a record that cannot be handed over, and the code of the reason."""
        self.broken.append((row, fault))

    def finish(self) -> bytes:
        """The lists and the end of the zip."""
        at = datetime.combine(self.listed.day, time(), self.clinic.zone)
        self._write("list.csv", rules.sheet(HEAD, (_line(row, self.clinic) for row in self.packed)), at)
        self._write("not-filed.csv", rules.sheet(HEAD_NOT_FILED, _not_filed(self.listed.waiting, self.broken)), at)
        self._zip.close()
        return self._end.take()

    def _write(self, name: str, data: bytes, at: datetime) -> None:
        entry = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
        entry.external_attr = 0o600 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".csv") else zipfile.ZIP_STORED
        self._zip.writestr(entry, data)


class _End(io.BytesIO):
    """The end of a file whose beginning is sent already. One can go back as far as that, which zipfile does to write an
    entry's size before the entry; a size behind it is legal too, but not every program opens such a zip."""

    sent = 0

    def tell(self) -> int:
        return self.sent + super().tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self.sent:
            raise io.UnsupportedOperation("this part of the file is sent")
        return self.sent + super().seek(offset - self.sent)

    def take(self) -> bytes:
        """What there is since the last time; it is sent from now on."""
        data = self.getvalue()
        super().seek(0)
        self.truncate(0)
        self.sent += len(data)
        return data


def day_of(day: date) -> Day:
    """The records of a day's visits by token, and what is not filed yet."""
    waiting = [Waiting(u.token, u.kind, u.error, u.given_up) for u in records.unfiled(day)]
    return Day(day, search.rows_of_day(day), waiting)


def open_row(row: search.Row) -> tuple[bytes, str]:
    """A record's PDF, or the code of why its file cannot be handed over."""
    try:
        return service.open_file(row.record_id), ""
    except Damaged as error:
        return b"", error.code


def note_list(day: date, *, by: Actor) -> None:
    """Write down that somebody looked at a day's list."""
    audit.record("archive.day_read", day.isoformat(), by=by)


def note_begun(listed: Day, *, by: Actor) -> None:
    """Write down that somebody begins to take a day's records. Without the entry of the end, they did not get all."""
    audit.record("archive.day_export_begun", listed.day.isoformat(), by=by, records=len(listed.rows))


def note_row(row: search.Row, fault: str, *, by: Actor) -> None:
    """Write down that a record is about to be handed over, or why it cannot be."""
    if fault:
        service.note(service.Reading.OPEN_FAILED, row.record_id, by=by, fault=fault)
    else:
        service.note(service.Reading.EXPORTED, row.record_id, by=by)


def note_finished(package: Package, *, by: Actor) -> None:
    """Write down how many records of a day were handed over, and how many could not be."""
    facts = {"records": len(package.packed), "broken": len(package.broken)}
    audit.record("archive.day_exported", package.listed.day.isoformat(), by=by, **facts)


def _line(row: search.Row, clinic: Clinic) -> tuple[str, ...]:
    sealed_at = row.sealed_at.astimezone(clinic.zone).isoformat(timespec="seconds")
    who = (row.number, str(row.token), row.patient, row.born_on, row.doctor)
    return (*who, row.outcome, sealed_at, row.pdf_sha256, f"{row.number}.pdf")


def _not_filed(waiting: Iterable[Waiting], broken: Iterable[tuple[search.Row, str]]) -> Iterator[tuple[str, ...]]:
    for one in waiting:
        why = "given up" if one.is_given_up else "failed, will be tried again" if one.error else "being made"
        yield one.token, "", one.outcome, f"{why}: {one.error}" if one.error else why
    for row, fault in broken:
        yield str(row.token), row.number, row.outcome, f"the file is not what was sealed: {fault}"
