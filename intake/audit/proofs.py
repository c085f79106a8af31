"""Proofs for somebody who does not trust the clinic's computer, as plain data that JSON can hold.

They need the log's public key (`intake init` prints it), SHA-256 and Ed25519, and nothing of ours.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from intake.audit import merkle, rules, service
from intake.audit.checkpoints import Kept, find_checkpoint, newest_checkpoint, the_log
from intake.audit.models import AuditEntry
from intake.db import fetch
from intake.errors import Damaged, NotFound


def proof_of(seq: int, size: int | None = None) -> dict[str, Any]:
    """That entry number `seq` stands in the log that the checkpoint of `size` entries signs (by default the newest).

        {"format": "intake/log-inclusion/1",
         "vkey": "<the log's public key, signed-note's form>",
         "checkpoint": "<signed note, tlog-checkpoint: origin, size, base64 root>",
         "entry": "<the entry's canonical JSON (RFC 8785) as text>",
         "index": seq - 1, "size": <as in the checkpoint>,
         "path": ["<base64 of 32 bytes>", ...]}

    To check: the note's signature under the vkey; leaf = SHA-256(0x00 || UTF-8 of entry); the path from leaf and index
    to the note's root (RFC 9162, 2.1.3.2). Reads every leaf up to `size`.

    Raises NotFound("audit.no_entry"), NotFound("audit.no_checkpoint") where none of that size is kept or it does not
    reach the entry, Damaged("audit.history_differs") or Damaged("audit.log_cut_off") where the log is not the
    one that was signed.
    """
    kept = newest_checkpoint() if size is None else find_checkpoint(size)
    body = fetch(select(AuditEntry.body).where(AuditEntry.seq == seq)).scalar()
    if body is None:
        raise NotFound("audit.no_entry", seq=seq)
    if kept is None or kept.size < seq:
        raise NotFound("audit.no_checkpoint", seq=seq)
    path = _path(lambda leaves: merkle.inclusion_proof(seq - 1, kept.size, leaves), kept)
    if not merkle.verify_inclusion(seq - 1, kept.size, rules.leaf_hash(body), path, kept.root):
        raise Damaged("audit.history_differs", kept=kept.size)
    return {
        "format": "intake/log-inclusion/1",
        "vkey": str(the_log().key.verifier),
        "checkpoint": kept.note,
        "entry": body.decode(),
        "index": seq - 1,
        "size": kept.size,
        "path": _encoded(path),
    }


def proofs_of(subject: UUID | str, size: int) -> dict[str, Any]:
    """That every entry about a subject, as far as the checkpoint of `size` entries reaches, stands in the log that it
    signs; every leaf is read once for all of them.

        {"format": "intake/log-entries/1", "size": <as in the checkpoint>,
         "entries": [{"entry": "<canonical JSON as text>", "index": <its number - 1>, "path": ["<base64>", ...]}, ...]}

    To check: each entry like `proof_of`'s. Raises NotFound("audit.no_checkpoint"), Damaged like `proof_of`.
    """
    if (kept := find_checkpoint(size)) is None:
        raise NotFound("audit.no_checkpoint", size=size)
    query = select(AuditEntry.seq, AuditEntry.body).where(AuditEntry.subject == str(subject), AuditEntry.seq <= size)
    found = fetch(query.order_by(AuditEntry.seq)).all()
    try:
        paths = merkle.inclusion_proofs([seq - 1 for seq, _ in found], size, service.leaves())
    except ValueError:
        raise Damaged("audit.log_cut_off", kept=size) from None
    entries = []
    for (seq, body), path in zip(found, paths, strict=True):
        if not merkle.verify_inclusion(seq - 1, size, rules.leaf_hash(body), path, kept.root):
            raise Damaged("audit.history_differs", kept=size)
        entries.append({"entry": body.decode(), "index": seq - 1, "path": _encoded(path)})
    return {"format": "intake/log-entries/1", "size": size, "entries": entries}


def consistency_of(first: int, second: int | None = None) -> dict[str, Any]:
    """That the log of the second checkpoint (by default the newest) begins with that of the first, entry for entry.

        {"format": "intake/log-consistency/1", "vkey": "...",
         "first": "<signed note>", "second": "<signed note>",
         "path": ["<base64 of 32 bytes>", ...]}

    To check: both signatures, then the path between the two sizes and roots (RFC 9162, 2.1.4.2; empty where they are
    the same).

    Raises NotFound("audit.no_checkpoint") where one is not kept, Damaged like `proof_of`.
    """
    old, new = find_checkpoint(first), newest_checkpoint() if second is None else find_checkpoint(second)
    if old is None or new is None or old.size > new.size:
        raise NotFound("audit.no_checkpoint", first=first, second=second)
    path = _path(lambda leaves: merkle.consistency_proof(old.size, new.size, leaves), new)
    if not merkle.verify_consistency(old.size, new.size, old.root, new.root, path):
        raise Damaged("audit.history_differs", kept=new.size)
    return {
        "format": "intake/log-consistency/1",
        "vkey": str(the_log().key.verifier),
        "first": old.note,
        "second": new.note,
        "path": _encoded(path),
    }


def _path(make: Callable[[Iterator[bytes]], list[bytes]], kept: Kept) -> list[bytes]:
    try:
        return make(service.leaves())
    except ValueError:
        raise Damaged("audit.log_cut_off", kept=kept.size) from None


def _encoded(path: Sequence[bytes]) -> list[str]:
    return [b64encode(step).decode() for step in path]
