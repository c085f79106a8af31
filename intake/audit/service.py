"""Writing and reading the log. Entries gather while a transaction is open and are chained just before it commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Table, bindparam, func, insert, select, true, update

from intake import clock
from intake.access import Actor
from intake.audit import rules
from intake.audit.models import AuditEntry, AuditHead
from intake.db import before_commit, db, fetch, in_transaction, line

LINK = (
    *(AuditEntry.seq, AuditEntry.at, AuditEntry.event, AuditEntry.subject, AuditEntry.actor),
    *(AuditEntry.body, AuditEntry.leaf, AuditEntry.previous, AuditEntry.chain),
)

# Every page shown and every change ends here, so the three statements are made once and go past the ORM.
_ENTRIES, _HEAD = cast(Table, AuditEntry.__table__), cast(Table, AuditHead.__table__)
_LOCK_HEAD = select(_HEAD.c.seq, _HEAD.c.chain).with_for_update()
_MOVE_HEAD = (
    update(_HEAD)
    .where(_HEAD.c.seq == bindparam("old_seq"), _HEAD.c.chain == bindparam("old_chain"))
    .values(seq=bindparam("new_seq"), chain=bindparam("new_chain"))
)
_ADD = insert(_ENTRIES).inline()  # its number is ours, so nothing need be asked of the database about it
_SAID = (
    select(_ENTRIES.c.body)
    .where(_ENTRIES.c.subject == bindparam("subject"), _ENTRIES.c.event == bindparam("event"))
    .order_by(_ENTRIES.c.seq)
)

Head = tuple[int, bytes]
_newest: WeakKeyDictionary[Engine, Head] = WeakKeyDictionary()
"""The head as this process left it, by database: a guess, which spares asking where nobody else wrote meanwhile. The
head moves from it only where it still stands there."""


def record(event: str, subject: UUID | str, *, by: Actor, **facts: str | int | bool) -> None:
    """Note that something happened to a subject; written with the transaction, or not at all.

    Facts are ids, codes, numbers and commitments, never a person's words.
    """
    if not in_transaction():
        raise RuntimeError("the log is written inside a transaction")
    db.session.info.setdefault("audit", []).append((clock.now(), event, str(subject), by.label, facts))


def _chain() -> None:
    pending = db.session.info.pop("audit", [])
    if not pending:
        return
    connection = line()
    # The head is moved first, which holds every other writer back until this one is done.
    head = _newest.get(connection.engine)
    if head is None or (linked := _move(connection, head, pending)) is None:
        seq, chain = connection.execute(_LOCK_HEAD).one()
        linked = _move(connection, (seq, chain), pending)
    if linked is None:
        raise RuntimeError("the head of the log moved while it was locked")
    connection.execute(_ADD, linked if len(linked) > 1 else linked[0])
    _newest[connection.engine] = linked[-1]["seq"], linked[-1]["chain"]


def _move(connection: Connection, head: Head, pending: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]] | None:
    """The entries that follow this head, and the head moved to the last of them; None where it is not the head."""
    seq, chained = head
    entries = []
    for at, event, subject, actor, facts in pending:
        seq, previous = seq + 1, chained
        body = rules.body(seq, at, event, subject, actor, facts)
        leaf = rules.leaf_hash(body)
        chained = rules.chain_hash(previous, leaf)
        said = {"seq": seq, "at": at, "event": event, "subject": subject, "actor": actor}
        entries.append(said | {"body": body, "leaf": leaf, "previous": previous, "chain": chained})
    places = {"old_seq": head[0], "old_chain": head[1], "new_seq": seq, "new_chain": chained}
    return entries if connection.execute(_MOVE_HEAD, places).rowcount else None


before_commit.append(_chain)


@contextmanager
def whole() -> Iterator[tuple[Head, Iterator[rules.Link]] | None]:
    """The head and every entry in order, a thousand at a time; None where the head itself is gone."""
    # One statement sees one moment: an entry added meanwhile must not look like one that does not belong.
    together = select(AuditHead.seq, AuditHead.chain, *LINK).outerjoin(AuditEntry, true()).order_by(AuditEntry.seq)
    with fetch(together.execution_options(yield_per=1000)) as rows:
        if (first := next(rows, None)) is None:
            yield None
            return
        links = (rules.Link(*row[2:]) for row in chain([first], rows) if row[2] is not None)
        yield (first[0], first[1]), links


def verify() -> int | None:
    """Walk the whole log; the first broken sequence number, or None when it holds."""
    with whole() as log:
        return 1 if log is None else rules.first_broken(log[1], log[0])


def facts_said(event: str, subject: UUID | str) -> list[dict[str, str | int | bool]]:
    """The facts of each entry of this event about a subject, oldest first."""
    return [rules.facts_of(body) for body in fetch(_SAID, subject=str(subject), event=event).scalars()]


def count_said(event: str, subject: UUID | str) -> int:
    """How many entries of this event there are about a subject."""
    return len(fetch(_SAID, subject=str(subject), event=event).all())


def entries_of(*events: str) -> Iterator[tuple[int, str, str, dict[str, str | int | bool]]]:
    """Number, event, subject and facts of every entry of these events, in order; a thousand at a time."""
    columns = (AuditEntry.seq, AuditEntry.event, AuditEntry.subject, AuditEntry.body)
    query = select(*columns).where(AuditEntry.event.in_(events)).order_by(AuditEntry.seq)
    with fetch(query.execution_options(yield_per=1000)) as rows:
        for seq, event, subject, body in rows:
            yield seq, event, subject, rules.facts_of(body)


def last_number() -> int:
    """The number of the last entry; 0 where there is none."""
    return fetch(select(func.max(AuditEntry.seq))).scalar() or 0


def leaves(*, after: int = 0) -> Iterator[bytes]:
    """The leaf hashes of the entries after this number, in order; a thousand at a time."""
    query = select(AuditEntry.leaf).where(AuditEntry.seq > after).order_by(AuditEntry.seq)
    with fetch(query.execution_options(yield_per=1000)) as rows:
        yield from rows.scalars()


def history_of(subject: UUID | str) -> Sequence[AuditEntry]:
    """Every entry about a subject, oldest first."""
    return db.session.scalars(
        select(AuditEntry).where(AuditEntry.subject == str(subject)).order_by(AuditEntry.seq)
    ).all()
