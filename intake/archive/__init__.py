"""The archive: finding, opening, handing over, proving. The top room; nothing stands on it. Front door."""

from intake.archive.bundle import bundle_of, note_made
from intake.archive.search import Found, find

__all__ = ["Found", "bundle_of", "find", "note_made"]
