"""The `intake fsck` command: every room checks its own rows, and this puts what they find into words.

A file of its own because its sentences are long. It changes nothing, not even the log.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from intake import answers, audit, consent, create_app, records, review, screening, visits
from intake.config import BadSetting, Settings
from intake.db import db
from intake.errors import DomainError, Fault, Invalid

# The sentence of `intake verify`, and what to do.
UNKNOWN_TIME_AUTHORITY = (
    f"{records.SENTENCES[records.Fault.UNKNOWN_TIME_AUTHORITY]} The file is unchanged; its time is not confirmed. "
    "If the clinic changed its service, the file of authorities needs the old one as well."
)
MOST = 1000  # faults of one code that are told; the rest are counted
MEANINGS = {
    "log.chain_broken": (
        "The first entry of the log that is missing, changed or out of place. What stands before it holds; "
        "compare the entries from there on with a backup."
    ),
    "log.head_missing": "The row that says how long the log is was taken away. Restore the database from a backup.",
    "log.leaf_wrong": "This entry of the log is not the one that was written. Compare it with a backup.",
    "log.history_differs": (
        "The log is not the one that was signed. Somebody with the database changed the log after it was signed. "
        "Keep this computer as it is and call whoever holds an older copy."
    ),
    "log.cut_off": (
        "Entries that were signed are gone: the database was put back to an older state, or its end was cut off. "
        "If you restored a backup, this is what it lacks; otherwise keep this computer as it is and get help."
    ),
    "checkpoint.unreadable": (
        "This is no checkpoint: the file was edited, or is another file. Compare it with a copy."
    ),
    "checkpoint.other_key": (
        "This checkpoint was signed by another key than this clinic's log.key: it is another clinic's, or log.key "
        "was replaced. Put the right log.key back from the stick."
    ),
    "checkpoint.signature_wrong": (
        "This checkpoint was changed after it was signed. Compare it with a copy of the file."
    ),
    "checkpoint.row_differs": (
        "The row of this checkpoint was changed; its signed note says something else. The note counts."
    ),
    "checkpoint.out_of_order": (
        "A smaller checkpoint stands behind a larger one: the file was edited. Compare it with a copy."
    ),
    "checkpoint.file_behind": (
        "The file of checkpoints lacks what the database has: it is lost, or was cut off. The worker writes the "
        "newest again; find out who touched the file."
    ),
    "receipt.differs": (
        "The log of so many entries has another root than this receipt. Compare the numbers with the paper first. If "
        "they are right, the log was changed after the receipt was printed, or the receipt is another clinic's: keep "
        "this computer as it is and get help."
    ),
    "receipt.beyond": (
        "This receipt was printed when the log had more entries than now. Compare the numbers with the paper first. If "
        "they are right, the database was put back to an older state, or its end was cut off."
    ),
    "statement.not_opened": (
        "This signed statement was changed or moved in the database, or its key is gone. Take the row from a "
        "backup; the sealed PDF holds the same evidence."
    ),
    "statement.hash_differs": "This statement is not the one whose hash was kept. Take the row from a backup.",
    "statement.signature_wrong": (
        "The clinic's seal did not sign this statement, or its keys were replaced. Do not rely on it; compare "
        "with the sealed PDF."
    ),
    "statement.row_differs": (
        "The columns beside this statement say something else than what was signed. What was signed counts."
    ),
    "statement.not_in_log": (
        "The log does not have exactly one entry for this statement: it was put in past the service, or its entry "
        "was taken away."
    ),
    "statement.log_differs": (
        "The log committed to another statement than this. Do not rely on it; compare with a backup."
    ),
    "statement.missing": "The log says that this statement was made, and it is gone. Take the row from a backup.",
    "submission.not_in_log": (
        "The log does not have exactly one entry for these answers: they were put in past the service, or the "
        "entry was taken away."
    ),
    "submission.log_differs": (
        "The log committed to other answers than these. What the patient signed names the right ones."
    ),
    "submission.missing": "The log says that these answers were given, and they are gone. Take the row from a backup.",
    "record.file_missing": "The file of this record is gone. Copy it from the backup's folder of files.",
    "record.file_damaged": (
        "The file of this record is not what was stored: its disk fails, or somebody changed or swapped it. Copy "
        "it from the backup's folder of files."
    ),
    "record.not_opened": (
        "The file of this record was sealed for another visit: its row or its file was swapped. Take both from a "
        "backup."
    ),
    "record.hash_differs": "The PDF is not the one whose hash was kept. Take row and file from a backup.",
    "record.not_in_log": (
        "The log does not have exactly one entry for this record: it was put in past the service, or its entry "
        "was taken away."
    ),
    "record.log_differs": "The log names another PDF for this visit than this row. Take the row from a backup.",
    "record.missing": "The log says that this record was sealed, and its row is gone. Take the row from a backup.",
    "record.seal_wrong": "The PDF does not carry this clinic's seal over all its bytes. Do not hand it out.",
    "record.unknown_root": (
        f"{records.SENTENCES[records.Fault.UNKNOWN_ROOT]} The file is the one that was kept. If the clinic replaced "
        "its root, put the former one back into keys/seal/roots; if the key of that is in wrong hands, the log alone "
        "vouches for the record."
    ),
    "record.unknown_time_authority": UNKNOWN_TIME_AUTHORITY,
    "stamp.file_lost": (
        "The time-stamped file of this record is gone, or is not what was stored. Copy it from the backup's folder of "
        "files; the record as it was sealed is a file of its own."
    ),
    "stamp.hash_differs": "The time-stamped PDF is not the one whose hash was kept. Take row and file from a backup.",
    "stamp.other_record": (
        "The time-stamped PDF does not begin with the file it was made from. Do not hand it out; compare with a backup."
    ),
    "stamp.wrong": "The PDF does not carry as many sound time stamps as were kept with it. Do not hand it out.",
    "stamp.unknown_time_authority": UNKNOWN_TIME_AUTHORITY,
    "stamp.not_in_log": (
        "The log does not have exactly one entry for this time-stamped file: it was put in past the service, or its "
        "entry was taken away."
    ),
    "stamp.missing": "The log says that this record was time-stamped, and the row is gone. Take it from a backup.",
    "checkpoint.stamp_wrong": (
        "The time stamp of this checkpoint is of something else, or was changed. Compare the row with a backup."
    ),
    "checkpoint.stamp_unknown": (
        "The time stamp of this checkpoint is from a service that this clinic does not know. If the clinic changed its "
        "service, the file of authorities needs the old one as well."
    ),
    "check.stopped": (
        "This check could not be finished: a row has a form that the program never writes, or the database cannot "
        "be read. Compare with a backup."
    ),
}
NOT_OPENED = (
    "This row was changed or moved in the database, or its patient's key is gone. Take it from a backup; what was "
    "signed stands in the statements and in the PDF."
)
Check = Callable[[Counter[str]], Iterator[Fault]]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object for programs.")
@click.option(
    "--checkpoint",
    "given",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of checkpoints kept elsewhere, on a stick or typed from paper. May be given several times.",
)
@click.option(
    "--receipt",
    "receipts",
    multiple=True,
    metavar="SIZE:HEX",
    callback=lambda _context, _option, typed: _receipts(typed),
    help="The state of the log as it stands on a patient's receipt. May be given several times.",
)
@click.option("--seals", is_flag=True, help="Check the seal of each PDF too; takes far longer.")
def fsck(as_json: bool, given: tuple[Path, ...], receipts: tuple[audit.Receipt, ...], seals: bool) -> None:
    """Check everything that is kept: the log and its checkpoints, every private row, every statement, every record.

    Changes nothing and may run while the clinic works. Ends with 1 if anything is wrong.
    """
    try:
        settings = Settings.from_env()
        app = create_app(settings)
        # Without these every line would be a fault of its own.
        audit.LogKey.load(settings.keys / audit.LOG_KEY)
        records.Trust.load(settings.keys)
    except (BadSetting, DomainError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    told = _Told(as_json)
    began = time.perf_counter()
    for fault in faults_of(app, told.count, given, receipts, seals=seals):
        told.tell(fault)
    told.end(time.perf_counter() - began)
    if told.found:
        raise SystemExit(1)


def _receipts(typed: tuple[str, ...]) -> tuple[audit.Receipt, ...]:
    try:
        return tuple(audit.Receipt.parse(one) for one in typed)
    except Invalid as error:
        raise click.BadParameter("a receipt reads SIZE:HEX, for example 1204:0e36837e6e7aa320") from error


def faults_of(
    app: Flask,
    count: Counter[str],
    given: tuple[Path, ...] = (),
    receipts: tuple[audit.Receipt, ...] = (),
    *,
    seals: bool = False,
) -> Iterator[Fault]:
    """What every room finds, the log first; counts the rows that were looked at. Memory does not grow with them."""
    rooms: dict[str, Check] = {
        "log": lambda counted: audit.check_all(counted, given, receipts),
        "visits": visits.check_all,
        "answers": answers.check_all,
        "screening": screening.check_all,
        "consent": consent.check_all,
        "review": review.check_all,
        "records": lambda counted: records.check_all(counted, seals=seals),
    }
    with app.app_context():
        for name, check in rooms.items():
            try:
                yield from check(count)
            except (SQLAlchemyError, ValueError, TypeError, LookupError) as error:
                db.session.remove()
                yield Fault("check.stopped", f"{name}, {type(error).__name__}")
        db.session.remove()
        db.engine.dispose()


def meaning_of(code: str) -> str:
    """What a fault means and what to do, in one or two sentences."""
    return NOT_OPENED if code.endswith(".not_opened") and code not in MEANINGS else MEANINGS[code]


class _Told:
    """What was found so far, told at once or as one object at the end."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.count: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self._faults: list[dict[str, str]] = []

    def tell(self, fault: Fault) -> None:
        """Say a fault, unless there were too many of its kind."""
        self.found[fault.code] += 1
        if self.found[fault.code] > MOST:
            return
        if self.as_json:
            meaning = meaning_of(fault.code)
            self._faults.append({"code": fault.code, "where": fault.where, "meaning": meaning})
        else:
            click.echo(f"{fault.code}: {fault.where}\n    {meaning_of(fault.code)}")

    def end(self, seconds: float) -> None:
        """Say how much was looked at, and how long it took."""
        erased = self.count.pop("erased", 0)
        more = {code: number - MOST for code, number in self.found.items() if number > MOST}
        if self.as_json:
            whole = {"findings": self._faults, "not_told": more, "checked": dict(self.count), "erased": erased}
            click.echo(json.dumps(whole | {"seconds": round(seconds, 3)}, indent=2))
            return
        for code, number in more.items():
            click.echo(f"{code}: and {number} more")
        rows = ", ".join(f"{name} {number}" for name, number in self.count.items())
        click.echo(f"Checked in {seconds:.1f} s: {rows}. Of erased patients, not to be opened: {erased}.")
        click.echo(f"Findings: {self.found.total()}.")
