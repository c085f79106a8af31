"""Invented patients played through the real pages. Front door."""

from intake.rehearsal.play import Summary, rehearse

__all__ = ["Summary", "rehearse"]
