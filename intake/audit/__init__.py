"""What happened: append-only entries, chained so that tampering shows, under a signed Merkle tree. Front door."""

from intake.audit.checking import Receipt, check_all
from intake.audit.checkpoints import FILE_NAME, Kept, init_app, newest_checkpoint, oldest_checkpoint, try_key
from intake.audit.merkle import verify_consistency, verify_inclusion
from intake.audit.note import LOG_KEY, Checkpoint, LogKey
from intake.audit.proofs import consistency_of, proof_of, proofs_of
from intake.audit.rules import commitment
from intake.audit.service import count_said, entries_of, facts_said, history_of, last_number, record, verify
from intake.audit.trusted_time import digest_of, newest_stamp_at, stamped_checkpoint, token_of, unstamped_since
from intake.audit.work import ask_for_time_stamp, checkpoint

__all__ = [
    "FILE_NAME",
    "LOG_KEY",
    "Checkpoint",
    "Kept",
    "LogKey",
    "Receipt",
    "ask_for_time_stamp",
    "check_all",
    "checkpoint",
    "commitment",
    "consistency_of",
    "count_said",
    "digest_of",
    "entries_of",
    "facts_said",
    "history_of",
    "init_app",
    "last_number",
    "newest_checkpoint",
    "newest_stamp_at",
    "oldest_checkpoint",
    "proof_of",
    "proofs_of",
    "record",
    "stamped_checkpoint",
    "token_of",
    "try_key",
    "unstamped_since",
    "verify",
    "verify_consistency",
    "verify_inclusion",
]
