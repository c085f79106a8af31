"""What happened: append-only entries, chained so that tampering shows. Front door."""

from intake.audit.rules import commitment
from intake.audit.service import history_of, record, verify

__all__ = ["commitment", "history_of", "record", "verify"]
