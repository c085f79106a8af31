"""Writing and reading the log. Entries gather while a transaction is open and are chained just before it commits."""

from collections.abc import Sequence
from itertools import chain
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, insert, select, true, update

from intake import clock
from intake.access import Actor
from intake.audit import rules
from intake.audit.models import AuditEntry, AuditHead
from intake.db import before_commit, db, in_transaction, line

LINK = (
    *(AuditEntry.seq, AuditEntry.at, AuditEntry.event, AuditEntry.subject, AuditEntry.actor),
    *(AuditEntry.body, AuditEntry.leaf, AuditEntry.previous, AuditEntry.chain),
)

# Every page shown and every change ends here, so the three statements are made once and go past the ORM.
_ENTRIES, _HEAD = cast(Table, AuditEntry.__table__), cast(Table, AuditHead.__table__)
_LOCK_HEAD = select(_HEAD.c.seq, _HEAD.c.chain).with_for_update()
_ADD = insert(_ENTRIES).inline()  # its number is ours, so nothing need be asked of the database about it
_MOVE_HEAD = update(_HEAD).values(seq=bindparam("newest"), chain=bindparam("link"))


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
    connection = line()  # what is written waits for its rows first and for the head last, in every transaction alike
    # The head is locked, not the newest entry: a writer that waited for an entry's lock would still see the old one.
    seq, chained = connection.execute(_LOCK_HEAD).one()
    entries = []
    for at, event, subject, actor, facts in pending:
        seq, previous = seq + 1, chained
        body = rules.body(seq, at, event, subject, actor, facts)
        leaf = rules.leaf_hash(body)
        chained = rules.chain_hash(previous, leaf)
        said = {"seq": seq, "at": at, "event": event, "subject": subject, "actor": actor}
        entries.append(said | {"body": body, "leaf": leaf, "previous": previous, "chain": chained})
    connection.execute(_ADD, entries if len(entries) > 1 else entries[0])
    connection.execute(_MOVE_HEAD, {"newest": seq, "link": chained})


before_commit.append(_chain)


def verify() -> int | None:
    """Walk the whole log; the first broken sequence number, or None when it holds."""
    # One statement sees one moment: an entry added meanwhile must not look like one that does not belong.
    together = select(AuditHead.seq, AuditHead.chain, *LINK).outerjoin(AuditEntry, true()).order_by(AuditEntry.seq)
    with db.session.execute(together.execution_options(yield_per=1000)) as rows:
        if (first := next(rows, None)) is None:
            return 1  # the head itself is gone
        links = (rules.Link(*row[2:]) for row in chain([first], rows) if row[2] is not None)
        return rules.first_broken(links, (first[0], first[1]))


def history_of(subject: UUID | str) -> Sequence[AuditEntry]:
    """Every entry about a subject, oldest first."""
    return db.session.scalars(
        select(AuditEntry).where(AuditEntry.subject == str(subject)).order_by(AuditEntry.seq)
    ).all()
