"""The archive: finding, opening, handing over, proving. The top room; nothing stands on it. Front door."""

from intake.archive.search import Found, find

__all__ = ["Found", "find"]
