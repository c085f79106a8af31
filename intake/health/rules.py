"""What each thing that keeps the clinic running is worth: in order, to be seen to soon, or to be seen to now.

Pure: every figure and the time are arguments. How they are found is `service.py`, what is said of them `words.py`.
A new check is one function here that gives a `Check`, one line in `service.checks`, and its words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Level(StrEnum):
    """How soon somebody has to do something."""

    GOOD = "good"
    SOON = "soon"
    NOW = "now"


@dataclass(frozen=True)
class Check:
    """One line of the health page: what was looked at, how it stands, and the code and facts of the words for it."""

    name: str
    level: Level
    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


SEAL_SOON, SEAL_NOW = timedelta(days=90), timedelta(days=14)
OUTSIDE_NOW = timedelta(days=30)  # another authority takes its time
ROOT_SOON, ROOT_NOW = timedelta(days=3 * 365), timedelta(days=365)  # from 3 years on it shortens what it certifies
DOCTOR_SOON = timedelta(days=60)
UNFILED_SOON, UNFILED_NOW = timedelta(minutes=10), timedelta(hours=1)
CHECKPOINT_SOON, CHECKPOINT_NOW = timedelta(hours=2), timedelta(hours=24)
STAMP_SOON, STAMP_NOW = timedelta(hours=1), timedelta(hours=24)
LOG_STAMP_SOON, LOG_STAMP_NOW = timedelta(hours=26), timedelta(hours=48)  # it is stamped once a day
LIST_SOON = timedelta(days=10)  # of the 30 that the root's list is good for
NO_ROOT_KEY = "seal.no_root_key"
BACKUP_SOON, BACKUP_NOW = timedelta(hours=1), timedelta(hours=24)
TESTED_WITHIN = timedelta(hours=2)  # the worker tries the keys when it starts and once an hour
DISK_SOON, DISK_NOW = 5 * 10**9, 5 * 10**8  # bytes


def _by_time_left(left: timedelta, soon: timedelta, now: timedelta) -> Level:
    return Level.NOW if left < now else Level.SOON if left < soon else Level.GOOD


def _by_age(age: timedelta, soon: timedelta, now: timedelta) -> Level:
    return Level.NOW if age >= now else Level.SOON if age >= soon else Level.GOOD


def seal(ends_at: datetime, now: datetime, *, is_ours: bool, has_root_key: bool = True) -> Check:
    """The seal's certificate. The clinic's own is renewed by its root, one of another authority's by that alone."""
    left = ends_at - now
    if is_ours:
        level = _by_time_left(left, SEAL_SOON, SEAL_NOW)
        code = "seal.own" if has_root_key else "seal.own_without_root_key"
    else:
        level, code = _by_time_left(left, SEAL_SOON, OUTSIDE_NOW), "seal.outside"
    return _ends("seal_certificate", level, code, left)


def root(ends_at: datetime, now: datetime) -> Check:
    """The clinic's root."""
    left = ends_at - now
    return _ends("root", _by_time_left(left, ROOT_SOON, ROOT_NOW), "root", left)


def doctor(name: str, ends_at: datetime, now: datetime, *, has_root_key: bool) -> Check:
    """A doctor's certificate. It is renewed when the doctor next signs; without the root's private key that waits."""
    left = ends_at - now
    level = Level.GOOD
    if not has_root_key and left < DOCTOR_SOON:
        level = Level.NOW if left <= timedelta(0) else Level.SOON
    return _ends("doctor", level, "doctor" if has_root_key else "doctor.without_root_key", left, doctor=name)


def _ends(name: str, level: Level, code: str, left: timedelta, **more: str) -> Check:
    """Days are counted whole: the last day has 0 of them left."""
    if left <= timedelta(0):
        return Check(name, level, f"{code}.over", more)
    return Check(name, level, f"{code}.{level}", {**more, "days": left.days})


def unfiled(waiting: Sequence[datetime], error: str, now: datetime, *, given_up: int = 0) -> Check:
    """Records and signatures that are asked for and not made yet: since when each, and the last error of a job."""
    if not waiting:
        return Check("unfiled", Level.GOOD, "unfiled.none")
    age = now - min(waiting)
    level = Level.NOW if given_up else _by_age(age, UNFILED_SOON, UNFILED_NOW)
    facts: dict[str, str | int] = {"count": len(waiting), "minutes": age // timedelta(minutes=1), "error": error}
    return Check("unfiled", level, f"unfiled.{'failed' if error else 'waiting'}", facts)


def checkpoint(signed_at: datetime | None, newer: int, now: datetime) -> Check:
    """The newest signed checkpoint of the log, and how many entries are newer than it."""
    if newer == 0:
        return Check("checkpoint", Level.GOOD, "checkpoint.all")
    if signed_at is None:
        return Check("checkpoint", Level.SOON, "checkpoint.none", {"newer": newer})
    age = now - signed_at
    level = _by_age(age, CHECKPOINT_SOON, CHECKPOINT_NOW)
    facts = {"newer": newer, "minutes": age // timedelta(minutes=1)}
    return Check("checkpoint", level, f"checkpoint.{'good' if level is Level.GOOD else 'behind'}", facts)


def time_stamps(count: int, oldest: datetime | None, error: str, now: datetime, *, has_service: bool) -> Check:
    """Records that wait for their first time stamp: how many, since when the oldest is sealed, and the last error."""
    if not has_service:
        return Check("time_stamps", Level.GOOD, "time_stamps.no_service")
    if oldest is None:
        return Check("time_stamps", Level.GOOD, "time_stamps.none")
    age = now - oldest
    level = _by_age(age, STAMP_SOON, STAMP_NOW)
    facts: dict[str, str | int] = {"count": count, "minutes": max(0, age // timedelta(minutes=1)), "error": error}
    code = "no_root_key" if error == NO_ROOT_KEY else "failed" if error else "waiting"
    return Check("time_stamps", level, f"time_stamps.{code}", facts)


def root_list(ends_at: datetime | None, now: datetime, *, has_root_key: bool) -> Check:
    """The root's list of revoked certificates, without which nothing is stamped: when it ends, None without one.
    It is made anew at a stamp where the root's private key is at hand; without that it ends."""
    if has_root_key:
        return Check("root_list", Level.GOOD, "root_list.renewed")
    if ends_at is None:
        return Check("root_list", Level.NOW, "root_list.none")
    return _ends("root_list", _by_time_left(ends_at - now, LIST_SOON, timedelta(0)), "root_list", ends_at - now)


def log_stamp(stamped_at: datetime | None, waiting_since: datetime | None, now: datetime) -> Check:
    """When a time service last stamped the log, None where it never did; and since when a checkpoint waits for its
    stamp, None where none does: a log that did not grow needs no new one."""
    age = timedelta(0) if waiting_since is None else now - waiting_since
    level = _by_age(age, LOG_STAMP_SOON, LOG_STAMP_NOW)
    if stamped_at is None:
        return Check("log_stamp", level, "log_stamp.none")
    hours = max(0, (now - stamped_at) // timedelta(hours=1))
    return Check("log_stamp", level, f"log_stamp.{'good' if level is Level.GOOD else 'late'}", {"hours": hours})


def backup(made_at: datetime | None, now: datetime) -> Check:
    """The last copy that the backup told of."""
    if made_at is None:
        return Check("backup", Level.SOON, "backup.unknown")
    age = now - made_at
    level = _by_age(age, BACKUP_SOON, BACKUP_NOW)
    return Check("backup", level, f"backup.{level}", {"minutes": max(0, age // timedelta(minutes=1))})


def disk(free: int) -> Check:
    """The bytes that are free where the data lies."""
    level = Level.NOW if free < DISK_NOW else Level.SOON if free < DISK_SOON else Level.GOOD
    return Check("disk", level, f"disk.{level}", {"gigabytes": f"{free / 10**9:.1f}"})


def migrations(present: str, wanted: str) -> Check:
    """Whether the tables are those of this version of the program."""
    is_good = present == wanted
    return Check(
        "migrations",
        Level.GOOD if is_good else Level.NOW,
        "migrations.good" if is_good else "migrations.other",
        {"present": present or "-", "wanted": wanted},
    )


def drawing(missing: Sequence[str]) -> Check:
    """What the drawing of records needs and does not find."""
    if not missing:
        return Check("drawing", Level.GOOD, "drawing.good")
    return Check("drawing", Level.NOW, "drawing.missing", {"missing": ", ".join(missing)})


def worker(tested_at: datetime | None, now: datetime) -> Check:
    """Whether the worker is there: it tries the keys once an hour and writes down when."""
    if tested_at is None:
        return Check("worker", Level.NOW, "worker.never")
    age = now - tested_at
    level = Level.NOW if age >= TESTED_WITHIN else Level.GOOD
    return Check("worker", level, f"worker.{level}", {"minutes": max(0, age // timedelta(minutes=1))})


def key(part: str, code: str) -> Check:
    """One key's self-test: `code` says what is wrong, "" that nothing is."""
    return Check(part, Level.NOW if code else Level.GOOD, code or f"{part}.good")


def worst(checks: Sequence[Check]) -> Level:
    """How soon somebody has to do something about any of them."""
    levels = {check.level for check in checks}
    return Level.NOW if Level.NOW in levels else Level.SOON if Level.SOON in levels else Level.GOOD
