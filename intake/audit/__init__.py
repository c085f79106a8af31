"""What happened: append-only entries, chained so that tampering shows, under a signed Merkle tree. Front door."""

from intake.audit.checkpoints import Kept, init_app, newest_checkpoint
from intake.audit.note import LOG_KEY, Checkpoint, LogKey
from intake.audit.rules import commitment
from intake.audit.service import history_of, record, verify
from intake.audit.work import checkpoint

__all__ = [
    "LOG_KEY",
    "Checkpoint",
    "Kept",
    "LogKey",
    "checkpoint",
    "commitment",
    "history_of",
    "init_app",
    "newest_checkpoint",
    "record",
    "verify",
]
