"""One file on its way to a verdict: its bytes, whom it is checked against, and what was found so far.

What is looked at, and in which order, is `verifying.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from intake.records import embedded
from intake.records.signed_bytes import Place, places
from intake.records.stamped import UPDATE
from intake.records.trust import Trust
from intake.records.verdict import Covers, Fault, Signed
from intake.time_stamps import Token


@dataclass
class Case:
    """What is signed is everything up to where the last signature says it ends; what follows was added, and what is
    missing was cut off. `pdf` is the file without its document time stamps."""

    pdf: bytes
    trust: Trust
    authorities: Sequence[Any] = ()
    faults: set[Fault] = field(default_factory=set)
    signed: list[Signed] = field(default_factory=list)
    label: embedded.Label = field(default_factory=embedded.Label)
    evidence: embedded.Evidence | None = None
    stamps: tuple[Token, ...] = ()
    unknown_roots: list[str] = field(default_factory=list)
    has_doctor_field: bool = False

    def __post_init__(self) -> None:
        self.places = places(self.pdf)
        self.end = self.places[-1].covered if self.places and self.places[-1].is_whole else len(self.pdf)
        whole = [place.covered for place in self.places if place.is_whole]
        if len(self.places) > 2 and whole:  # more than a record has: what no signature covers does not count
            self.end = max(whole)
            self.places = [place for place in self.places if place.at < self.end]

    @property
    def is_updated(self) -> bool:
        """Whether what follows the last signature is an update that a reader would show."""
        return bool(UPDATE.search(self.pdf, self.end))

    def is_cut_off(self, place: Place) -> bool:
        """Whether a signature goes on beyond the end of the file, and the file has no end of its own."""
        has_no_end = not self.pdf.endswith((b"%%EOF", b"%%EOF\n")) or place.covered == len(self.pdf) + 1
        return place.covered > len(self.pdf) and has_no_end

    def changed(self, order: int) -> Fault:
        """What a change is called that came after so many signatures."""
        return Fault.CHANGED_AFTER_DOCTOR if order > 1 else Fault.CHANGED_AFTER_SEALING

    def lacks(self, *roots: str) -> None:
        """Note roots that are not known here."""
        self.unknown_roots += [root for root in roots if root not in self.unknown_roots]
        self.faults |= {Fault.UNKNOWN_ROOT} if roots else set()

    def covers(self, place: Place) -> Covers:
        """How much of the file a signature covers."""
        if not place.is_whole:
            return Covers.PART
        return Covers.FILE if place.covered == len(self.pdf) else Covers.STATE
