"""What somebody with the whole database in their hands can do: past the triggers, with every hash worked out anew.

No test is in here; they are in test_checkpoints.py and tests/fsck.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import select, text

from intake.audit import rules
from intake.audit.models import AuditEntry
from intake.audit.service import LINK
from intake.db import db, transaction
from tests.conftest import SERVER


def without_guard(table: str) -> None:
    """Take the triggers of a table away."""
    if SERVER:
        db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        return
    for verb in ("update", "delete"):
        db.session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))


def change(table: str, *statements: str, **values: Any) -> None:
    """Let statements through that the triggers of a table refuse."""
    with transaction():
        without_guard(table)
        for statement in statements:
            db.session.execute(text(statement), values)


def rewrite(forge: Callable[[list[rules.Link]], list[rules.Link]]) -> None:
    """Put another log in the place of this one: entries as `forge` leaves them, all hashes and the head made to fit."""
    with transaction():
        without_guard("audit_entry")
        rows = db.session.execute(select(*LINK).order_by(AuditEntry.seq)).all()
        links, previous = [], rules.GENESIS
        for seq, link in enumerate(forge([rules.Link(*row) for row in rows]), 1):
            facts = rules.facts_of(link.body)
            body = rules.body(seq, link.at, link.event, link.subject, link.actor, facts)
            leaf = rules.leaf_hash(body)
            chain = rules.chain_hash(previous, leaf)
            links.append(replace(link, seq=seq, body=body, leaf=leaf, previous=previous, chain=chain))
            previous = chain
        db.session.execute(text("DELETE FROM audit_entry"))
        db.session.execute(AuditEntry.__table__.insert(), [vars(link) for link in links])
        head = text("UPDATE audit_head SET seq = :seq, chain = :chain")
        db.session.execute(head, {"seq": len(links), "chain": previous})
