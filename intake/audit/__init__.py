"""What happened: append-only entries, chained so that tampering shows, under a signed Merkle tree. Front door."""

from intake.audit.checking import check_all
from intake.audit.checkpoints import Kept, init_app, newest_checkpoint
from intake.audit.merkle import verify_consistency, verify_inclusion
from intake.audit.note import LOG_KEY, Checkpoint, LogKey
from intake.audit.proofs import consistency_of, proof_of
from intake.audit.rules import commitment
from intake.audit.service import count_said, entries_of, facts_said, history_of, record, verify
from intake.audit.trusted_time import newest_stamp_at, token_of
from intake.audit.work import ask_for_time_stamp, checkpoint

__all__ = [
    "LOG_KEY",
    "Checkpoint",
    "Kept",
    "LogKey",
    "ask_for_time_stamp",
    "check_all",
    "checkpoint",
    "commitment",
    "consistency_of",
    "count_said",
    "entries_of",
    "facts_said",
    "history_of",
    "init_app",
    "newest_checkpoint",
    "newest_stamp_at",
    "proof_of",
    "record",
    "token_of",
    "verify",
    "verify_consistency",
    "verify_inclusion",
]
