"""Checks of the log for `intake fsck`: the chain, the leaves, and the tree against every checkpoint that is kept, in
the database, in the file beside it, and in files from elsewhere. One pass; nothing is kept but where it stands."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

from sqlalchemy import select

from intake.audit import rules, service, trusted_time
from intake.audit.checkpoints import Log, newest_checkpoint, notes_in, the_log
from intake.audit.merkle import Tree
from intake.audit.models import LogCheckpoint
from intake.audit.note import Checkpoint
from intake.db import fetch, let_go
from intake.errors import DomainError, Fault, Invalid

TABLE = "the database"
RECEIPT = re.compile(r"([1-9][0-9]{0,18}):([0-9a-f]{16,64})")


@dataclass(frozen=True)
class _Mark:
    """What one checkpoint says; `problem` is the code of why it says nothing."""

    size: int
    source: str
    root: bytes = b""
    problem: str = ""
    where: str = ""
    is_receipt: bool = False


@dataclass
class _Source:
    """How far the checkpoints of one source hold: the largest that is right, the first that is wrong, the largest."""

    right: int = 0
    wrong: int | None = None
    largest: int = 0
    is_receipt: bool = False


@dataclass(frozen=True)
class Receipt:
    """What stands on a patient's receipt: how many entries the log had, and how its root began."""

    size: int
    root: bytes

    @classmethod
    def parse(cls, typed: str) -> "Receipt":
        """A receipt as it is printed, SIZE:HEX, with 16 to 64 hex digits; spaces and capitals are passed over.

        Raises Invalid("audit.not_a_receipt").
        """
        found = RECEIPT.fullmatch("".join(typed.lower().split()))
        if found is None or len(found[2]) % 2:
            raise Invalid("audit.not_a_receipt")
        return cls(int(found[1]), bytes.fromhex(found[2]))

    def __str__(self) -> str:
        return f"{self.size}:{self.root.hex()}"


def check_all(count: Counter[str], given: Sequence[Path] = (), receipts: Sequence[Receipt] = ()) -> Iterator[Fault]:
    """What of the log is no longer what was written, signed and stamped; counts entries and checkpoints.

    Names the first entry at which the chain breaks, every entry whose leaf is not its own, every checkpoint that this
    log's key did not sign, and for each source (the database, the file beside it, each given file) the first checkpoint
    that the log no longer agrees with, or that it is too short for; every receipt that does not fit; and each wrong
    time stamp.
    """
    log = the_log()
    # What is known of the end is read before the entries, so that nothing written meanwhile looks like a fault.
    kept = newest_checkpoint()
    let_go()
    marks, sources = _marks(log, given, receipts), dict[str, _Source]()
    coming, tree = next(marks, None), Tree()
    with service.whole() as found:
        if found is None:
            yield Fault("log.head_missing", "the head of the log")
            return
        head, links = found
        chain = rules.Chain(head)
        for link in links:
            count["log entry"] += 1
            chain.follow(link)
            leaf = rules.leaf_hash(link.body)
            if link.leaf != leaf:
                yield Fault("log.leaf_wrong", f"entry {link.seq}")
            tree.add(leaf)
            while coming is not None and coming.size <= tree.size:
                yield from _look(coming, tree, sources, count)
                coming = next(marks, None)
        while coming is not None:
            yield from _look(coming, tree, sources, count)
            coming = next(marks, None)
    if (broken := chain.end()) is not None:
        yield Fault("log.chain_broken", f"entry {broken}")
    yield from _verdicts(sources, tree.size)
    beside = sources.get(str(log.file.path), _Source()).largest
    if kept is not None and beside < kept.size:
        yield Fault("checkpoint.file_behind", f"{log.file.path}: {beside}, {TABLE}: {kept.size}")
    yield from trusted_time.check_all(count)


def _marks(log: Log, given: Sequence[Path], receipts: Sequence[Receipt]) -> Iterator[_Mark]:
    """What every source says, the smallest tree first; the file up to where it ends now."""
    papers = sorted((_Mark(one.size, f"receipt {one}", one.root, is_receipt=True) for one in receipts), key=_size_of)
    files = (_of_file(log, log.file.end()), *(_of_given(log, path) for path in given))
    return merge(_of_table(log), papers, *files, key=_size_of)


def _size_of(mark: _Mark) -> int:
    return mark.size


def _look(mark: _Mark, tree: Tree, sources: dict[str, _Source], count: Counter[str]) -> Iterator[Fault]:
    """Hold the tree against a checkpoint."""
    count["receipt" if mark.is_receipt else "checkpoint"] += 1
    if mark.problem:
        yield Fault(mark.problem, f"{mark.source}, {mark.where}")
        return
    source = sources.setdefault(mark.source, _Source(is_receipt=mark.is_receipt))
    source.largest = max(source.largest, mark.size)
    if mark.size > tree.size:
        return
    # A receipt names the beginning of a root; of a checkpoint it is the whole.
    if mark.size == tree.size and tree.root().startswith(mark.root):
        source.right = mark.size
    elif source.wrong is None:
        source.wrong = mark.size


def _verdicts(sources: dict[str, _Source], size: int) -> Iterator[Fault]:
    for name, source in sources.items():
        if source.is_receipt:
            if source.largest > size:
                yield Fault("receipt.beyond", f"{name}: {size} entries are left")
            elif source.wrong is not None:
                yield Fault("receipt.differs", name)
            continue
        if source.wrong is not None:
            yield Fault("log.history_differs", f"{name}: right up to entry {source.right}, not up to {source.wrong}")
        if source.largest > size:
            yield Fault("log.cut_off", f"{name}: {source.largest} entries were signed, {size} are left")


def _of_table(log: Log) -> Iterator[_Mark]:
    query = select(LogCheckpoint.size, LogCheckpoint.root, LogCheckpoint.note).order_by(LogCheckpoint.size)
    with fetch(query.execution_options(yield_per=1000)) as rows:
        for size, root, note in rows:
            mark = _mark(log, note, TABLE, size, f"checkpoint {size}")
            if not mark.problem and (mark.size, mark.root) != (size, root):
                mark = _Mark(size, TABLE, problem="checkpoint.row_differs", where=f"checkpoint {size}")
            yield mark


def _of_file(log: Log, end: int) -> Iterator[_Mark]:
    """The notes of the file beside the database, up to this byte."""
    if end:
        with open(log.file.path, "rb") as file:
            yield from _in_order(log, _lines(iter(file.readline, b""), end), str(log.file.path))


def _lines(lines: Iterator[bytes], end: int) -> Iterator[str]:
    read = 0
    for line in lines:
        if (read := read + len(line)) > end:
            return
        yield line.decode(errors="replace")


def _of_given(log: Log, path: Path) -> Iterator[_Mark]:
    """The notes of a file from elsewhere, whatever became of its line ends on the way."""
    with open(path, encoding="utf-8", errors="replace") as file:
        is_empty = True
        for mark in _in_order(log, file, str(path)):
            is_empty = False
            yield mark
    if is_empty:
        yield _Mark(0, str(path), problem="checkpoint.unreadable", where="line 1")


def _in_order(log: Log, lines: Iterator[str], source: str) -> Iterator[_Mark]:
    """The checkpoints of a file; one that is smaller than the one before it cannot be held against the log."""
    largest = 0
    for line, note in notes_in(lines):
        mark = _mark(log, note, source, largest, f"line {line}")
        if mark.size < largest:
            mark = _Mark(largest, source, problem="checkpoint.out_of_order", where=f"line {line}")
        largest = mark.size
        yield mark


def _mark(log: Log, note: str, source: str, size: int, where: str) -> _Mark:
    """What a note says, or why nothing; then it stands where `size` is."""
    try:
        said = Checkpoint.parse(log.key.verifier.open(note))
    except DomainError as refusal:
        code = CODES.get(refusal.code, "checkpoint.unreadable")
        return _Mark(size, source, problem=code, where=where)
    return _Mark(said.size, source, said.root)


CODES = {"audit.other_key": "checkpoint.other_key", "audit.bad_signature": "checkpoint.signature_wrong"}
