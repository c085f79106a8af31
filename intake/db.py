"""The database: one typed Base, UTC times, and `transaction()`, the one way to write.
Leaves the tables to the rooms."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import (
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    Uuid,
    event,
    func,
    select,
)
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from intake.errors import Stale

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; a naive one is refused rather than guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: SQLite keeps no zone, so it is put back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What every table inherits: the naming convention and the type of each annotation."""

    # Flask-SQLAlchemy 3.1 refuses a type_annotation_map on the base it is given, so it stands on the registry.
    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: UtcDateTime(), uuid.UUID: Uuid(), bytes: LargeBinary(), str: String()},
    )


BUSY = 5000  # milliseconds that one connection waits for another
BUSY_EMPTYING = 1000  # shorter: writers wait meanwhile, and they must not give up before we do
TRACELESS = "traceless"
WRITES = "writes"


class RequestSession(Session):
    """The session of a request or job, on one connection. Columns are asked for by that connection itself; the
    bookkeeping of objects begins only where somebody asks for an object, and joins what the connection has begun."""

    _line: Connection | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read_once: dict[str, dict[Any, Any]] = {}

    @property
    def line(self) -> Connection:
        """The connection, with whatever the session holds and has not written yet written first."""
        connection = self.get_bind()
        if self.in_transaction():  # or it holds nothing
            self.flush()
        return connection

    def get_bind(self, *_args: Any, **_kwargs: Any) -> Connection:
        """What objects are loaded and stored by: the same connection."""
        if self._line is None:
            self._line = db.engine.connect()
        return self._line

    def begin_writing(self) -> None:
        """Begin the one write transaction, on the newest state."""
        self.rollback()
        self.line.info[WRITES] = True
        self.line.begin()

    def commit(self) -> None:
        """Keep everything, objects and columns."""
        if self.in_transaction():
            super().commit()
        if self._line is not None and self._line.in_transaction():
            self._line.commit()
        self.read_once.clear()

    def rollback(self) -> None:
        """Undo what was not committed, and end what was read."""
        self.read_once.clear()
        if self.in_transaction():
            super().rollback()
        if self._line is not None and self._line.in_transaction():
            self._line.rollback()

    def close(self) -> None:
        """End everything and give the connection back."""
        self.read_once.clear()
        connection, self._line = self._line, None
        try:
            if self.in_transaction() or self.identity_map:
                super().close()
        finally:
            if connection is not None:
                connection.close()


db = SQLAlchemy(session_options={"class_": RequestSession, "join_transaction_mode": "control_fully"})
before_commit: list[Callable[[], None]] = []  # the log chains its entries here: our only hook on the way to a commit


def init_app(app: Flask) -> None:
    """Open the application's database; no statement is sent yet."""
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            # An event would do it too, and cost every statement a round of asking who else listens.
            db.engine.dialect.do_begin = _begin  # type: ignore[assignment]


def _begin(connection: PoolProxiedConnection) -> None:
    """SQLite: a read that turns into a write fails at once, whatever the busy timeout; so a write begins as one."""
    connection.cursor().execute("BEGIN IMMEDIATE" if connection.info.pop(WRITES, False) else "BEGIN")


def new_id() -> uuid.UUID:
    """A fresh random id for a row."""
    return uuid.uuid4()


def id_of(text: object) -> uuid.UUID | None:
    """The id that a text spells; None where it spells none."""
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def in_transaction() -> bool:
    """Whether a door has opened a write transaction."""
    return bool(_session().info.get("door"))


def let_go() -> None:
    """End the read of a worker before it does something slow, so that nothing is held open meanwhile."""
    db.session.rollback()


def line() -> Connection:
    """The connection of this request or job: for columns, which most pages want, at a fifth of what objects cost."""
    return _session().line


def fetch(statement: Executable, **values: object) -> CursorResult[*tuple[Any, ...]]:
    """Ask for columns, with these values for the statement's parameters; or, in a write transaction, change rows that
    nobody holds as objects."""
    return line().execute(statement, values)


def _session() -> RequestSession:
    return cast(RequestSession, db.session.registry())


def remembered(kind: str) -> dict[Any, Any]:
    """What this request or job has read of a kind, so that it is read once; a write transaction begins and ends with
    nothing remembered."""
    return _session().read_once.setdefault(kind, {})


@contextmanager
def transaction() -> Iterator[None]:
    """Open the one write transaction of a request, command or job;
    commit at its end, roll everything back on any exception. After `leave_no_trace()` the files are cleaned too.

    Only doors open it (views, work, commands). Opening it twice is a programming error.
    Raises Stale when a row with a version was changed by somebody else meanwhile.
    """
    if in_transaction():
        raise RuntimeError("a transaction is already open; only doors open one")
    session = _session()
    session.info["door"] = True
    session.info.pop("audit", None)  # what an earlier, failed transaction meant to say was never true
    try:
        session.begin_writing()  # which ends the read that looked up the actor
        yield
        for hook in before_commit:
            hook()
        session.commit()
    except StaleDataError as error:
        session.rollback()
        raise Stale("db.changed_meanwhile") from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("door", None)
        is_traceless = session.info.pop(TRACELESS, False)
    if is_traceless:
        empty_wal()


def leave_no_trace() -> None:
    """What the open transaction overwrites must leave the database's files too: `empty_wal()` follows its commit."""
    _session().info[TRACELESS] = True


def empty_wal() -> bool:
    """Move SQLite's write-ahead log into the database and cut it to nothing: together with `secure_delete` no byte of
    what was overwritten stays in either file. Never inside a transaction.

    Gives whether that could be done; where somebody goes on reading an older state for more than a second, or the disk
    refuses, it is to be done again later. PostgreSQL has nothing like it, so nothing is done there.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    connection = db.engine.raw_connection()  # one of SQLAlchemy's own would begin a transaction
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_EMPTYING}")
        busy, _frames, _moved = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY}")
        connection.close()
    return not busy


def take_turns(what: str) -> None:
    """Hold everybody else who takes this turn back until the transaction ends; for what there is no row to lock.

    PostgreSQL only: SQLite has one writer anyway.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(sha256(what.encode()).digest()[:8], "big", signed=True)
        db.session.execute(select(func.pg_advisory_xact_lock(number)))


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, _record: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY}",
            "trusted_schema=OFF",
            "secure_delete=ON",  # what erasure destroys is overwritten, not only unlinked
            "recursive_triggers=ON",  # or INSERT OR REPLACE would delete evidence past the triggers
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
