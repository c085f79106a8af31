"""What a verb may refuse with, and what a check of stored data finds: a code and facts, never prose and never a
patient's words. `web.py` and the commands turn codes into words."""

from dataclasses import dataclass


class DomainError(Exception):
    """A refusal with a stable `code` ("consent.already_withdrawn") and facts that name ids only."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class NotFound(DomainError):
    """There is no such thing, or the one who asks may not know of it; both look the same from outside."""


class NotAllowed(DomainError):
    """It exists, but this move is not possible now or not for this person."""


class NotReady(NotAllowed):
    """It will be possible once somebody mends what is out of order, such as a key: whoever can wait, waits."""


class Invalid(DomainError):
    """What was sent cannot be taken; the sender can mend it."""


class Stale(DomainError):
    """Somebody else was faster; look again before trying again."""


class Damaged(DomainError):
    """Bytes at rest are not what was put there. Nothing may be done with them but verification."""


@dataclass(frozen=True)
class Fault:
    """What a check of stored data found: a stable `code`, and where, in ids, numbers and names of files."""

    code: str
    where: str
