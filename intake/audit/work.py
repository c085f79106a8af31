"""Signing the state of the log: read the tree, check it against what was signed before, sign, keep; and having it time
stamped by somebody else. Slow parts outside the transaction. The worker asks for the first after each sealed record and
once an hour, for the second once a day."""

from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from intake import jobs, telemetry
from intake.audit import checkpoints, trusted_time
from intake.audit.checkpoints import Log, newest_checkpoint, the_log
from intake.audit.merkle import Tree
from intake.audit.note import Checkpoint
from intake.audit.service import last_number, leaves
from intake.db import db, let_go, transaction
from intake.errors import Damaged, DomainError, NotAllowed
from intake.time_stamps import the_time_service

_trees: WeakKeyDictionary[Engine, Tree] = WeakKeyDictionary()
"""The tree as this process signed it last, by database: what grew since is added to it, instead of reading everything
for each record. What is signed so goes on from what was signed before, whatever became of the rows."""


def checkpoint(*, whole: bool = False) -> Checkpoint | None:
    """Sign the log as it stands and keep the note, in the file first; None where it has not grown since the last time.

    Signs only what goes on from the newest checkpoint, in the database and in the file; with `whole` every entry is
    read for that, otherwise those since this process signed last. Raises, after an error in the service's own log,
    Damaged("audit.log_cut_off") where fewer entries are left than were signed, Damaged("audit.history_differs") where
    others are, Invalid("audit.not_a_note"), Invalid("audit.other_key") and Damaged("audit.bad_signature") where the
    newest one is not this log's, and OSError where the file cannot be written. Outside a transaction only.
    """
    log = the_log()
    try:
        tree, is_new = _grown(log, whole=whole)
    except DomainError as refusal:
        telemetry.log.error("audit.checkpoint_refused", extra={"facts": {"code": refusal.code, **refusal.facts}})
        raise
    finally:
        let_go()
    made = Checkpoint(log.key.verifier.name, tree.size, tree.root())
    if is_new:
        note = log.key.sign(made.text)
        log.file.append(note, made.size)
        with transaction():
            checkpoints.keep(made, note)
    _trees[db.engine] = tree
    return made if is_new else None


def _grown(log: Log, *, whole: bool) -> tuple[Tree, bool]:
    """The present tree, checked against the newest checkpoint of either place, and whether one of them lacks it."""
    # The file first: it never knows of entries that are read afterwards.
    noted, kept = log.file.newest(), newest_checkpoint()
    known = [Checkpoint.parse(log.key.verifier.open(note)) for note in (noted, kept and kept.note) if note]
    sizes = [one.size for one in known]
    tree = _trees.get(db.engine, Tree()).copy()
    if whole or any(size < tree.size for size in (*sizes, last_number())):
        tree = Tree()
    _check(known, tree)
    for leaf in leaves(after=tree.size):
        tree.add(leaf)
        if tree.size in sizes:
            _check(known, tree)
    if tree.size < max(sizes, default=0):
        raise Damaged("audit.log_cut_off", size=tree.size, kept=max(sizes))
    return tree, tree.size > 0 and sizes != [tree.size, tree.size]


def _check(known: list[Checkpoint], tree: Tree) -> None:
    for one in known:
        if one.size == tree.size and one.root != tree.root():
            raise Damaged("audit.history_differs", kept=one.size)


def ask_for_time_stamp() -> None:
    """Ask for the day's time stamp over the newest checkpoint; twice is once."""
    with transaction():
        trusted_time.ask_for_stamp()


@jobs.handler(trusted_time.JOB, outside=True)
def time_stamp() -> None:
    """Have the newest checkpoint stamped and keep the token, unless it has one."""
    kept, time = trusted_time.unstamped(), the_time_service()
    let_go()
    if kept is None:
        return
    if time is None:
        raise NotAllowed("time_stamp.no_service")
    token = time.stamp(trusted_time.digest_of(kept.note))
    with transaction():
        trusted_time.keep_stamp(kept, token)
