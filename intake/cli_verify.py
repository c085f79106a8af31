"""The `intake verify` command: whether files are genuine records, and why not; cli.py adds it to the others.

A file of its own because with --root it needs no clinic: any computer that has the program can check a file.
"""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from flask import Flask
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from intake import create_app, records
from intake.cli_definitions import printable
from intake.config import BadSetting, Settings
from intake.db import db
from intake.records import SENTENCES, Fault, Trust, Verdict
from intake.time_stamps import read_authorities

LARGEST = 100 * 1024 * 1024  # bytes; a record is a thousand times smaller
NO_CLINIC = "there is no clinic here; name its root certificate with --root"


@click.command("verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The clinic's root.pem; then no clinic is asked. Again for the root of a seal that others certified.",
)
@click.option(
    "--time-authority",
    "authority",
    type=click.Path(path_type=Path),
    help="The time service's authority (PEM), beside --root; else that of the clinic's settings.",
)
@click.option("--json", "as_json", is_flag=True, help="One object a file, a list for several.")
def verify_command(files: tuple[Path, ...], roots: tuple[Path, ...], authority: Path | None, as_json: bool) -> None:
    """Say of each file whether it is a genuine record, and if not, why.

    Without --root the clinic of the settings is asked: its root certificate, and which file it keeps under the number.
    Ends with 1 if any file is not genuine.
    """
    if roots:
        trust, app, named = Trust(tuple(_read_root(root) for root in roots)), None, authority
    else:
        trust, app, chosen = _clinic()
        named = authority or chosen
    authorities = _read_authorities(named) if named else ()
    found = [_check(file, trust, authorities) for file in files]
    if app is not None:
        found = _compared(app, found)
    if as_json:
        checked = bool(authorities)
        objects = [_as_json(file, verdict, is_time_checked=checked) for file, verdict in zip(files, found, strict=True)]
        click.echo(json.dumps(objects if len(objects) > 1 else objects[0], indent=2))
    else:
        for file, verdict in zip(files, found, strict=True):
            click.echo(printable(f"{file}: {_in_a_line(verdict, is_time_checked=bool(authorities))}"))
    if not all(verdict.is_genuine for verdict in found):
        raise SystemExit(1)


def _read_root(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} is not a certificate that can be read (PEM)") from error


def _read_authorities(path: Path) -> tuple[Any, ...]:
    try:
        return read_authorities(path.read_bytes())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} has no certificate that can be read (PEM)") from error


def _clinic() -> tuple[Trust, Flask | None, Path | None]:
    """The clinic's roots, the application where its database is there too, and the file of its time authority."""
    try:
        settings = Settings.from_env()
    except BadSetting as error:
        raise click.ClickException(f"{error}; or name a root certificate with --root") from error
    path = settings.keys / "seal" / "root.pem"
    if not path.is_file():
        raise click.ClickException(NO_CLINIC)
    address = make_url(settings.database_url)
    has_database = address.get_backend_name() != "sqlite" or Path(address.database or "").is_file()
    if not has_database:
        _say_that_rows_are_not_asked()
    try:
        trust = Trust.load(settings.keys)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"a certificate in {path.parent} cannot be read") from error
    authority = settings.time_stamps.authority if settings.time_stamps else None
    return trust, create_app(settings) if has_database else None, authority


def _compared(app: Flask, found: list[Verdict]) -> list[Verdict]:
    """The verdicts with what the clinic's own rows say; as they are where the database does not answer."""
    with app.app_context():
        try:
            return [records.compared(verdict) for verdict in found]
        except SQLAlchemyError:
            _say_that_rows_are_not_asked()
            return found
        finally:
            db.session.remove()
            db.engine.dispose()


def _say_that_rows_are_not_asked() -> None:
    click.echo("The clinic's database does not answer: whether these are its files of today is not known.", err=True)


def _check(file: Path, trust: Trust, authorities: tuple[Any, ...]) -> Verdict:
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return Verdict((Fault.UNREADABLE,))
        data = file.read_bytes()
    except OSError:
        return Verdict((Fault.UNREADABLE,))
    return records.verify(data, trust, authorities)


def _in_a_line(verdict: Verdict, *, is_time_checked: bool) -> str:
    if not verdict.is_genuine:
        about = f" ({verdict.number})" if verdict.number else ""
        reasons = " ".join(f"{SENTENCES[problem]} [{problem.value}]" for problem in verdict.problems)
        roots = "".join(f" ({root})" for root in verdict.unknown_roots)
        return f"not genuine{about}: {reasons}{roots}"
    signed = (f"{one.who} at {one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" for one in verdict.signatures if one.at)
    said = f"genuine: {verdict.number}, {verdict.outcome}; signed by {', '.join(signed)}"
    return f"{said}; {_time_in_words(verdict, is_time_checked=is_time_checked)}"


def _time_in_words(verdict: Verdict, *, is_time_checked: bool) -> str:
    """What stands behind the time in a record."""
    if verdict.proved_at is None:
        return "no time stamp: the time is the clinic's clock"
    said = f"time-stamped at {verdict.proved_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    who = f" by {verdict.stamps[0].who}" if verdict.stamps else ""
    return said + who + ("" if is_time_checked else ", not checked: name its authority with --time-authority")


def _as_json(file: Path, verdict: Verdict, *, is_time_checked: bool) -> dict[str, Any]:
    return {
        "file": str(file),
        "genuine": verdict.is_genuine,
        "number": verdict.number,
        "outcome": verdict.outcome,
        "sha256": verdict.sha256,
        "signatures": [
            {
                "who": one.who,
                "role": one.role.value,
                "at": one.at.astimezone(UTC).isoformat() if one.at else None,
                "valid": one.is_valid,
                "covers": one.covers.value,
                "stamped_at": one.stamped_at.astimezone(UTC).isoformat() if one.stamped_at else None,
            }
            for one in verdict.signatures
        ],
        "time": {
            "proof": verdict.proof.value,
            "proved_at": verdict.proved_at.astimezone(UTC).isoformat() if verdict.proved_at else None,
            "authority_checked": is_time_checked,
            "stamps": [
                {"who": one.who, "at": one.at.isoformat(), "good_until": one.until.isoformat()}
                for one in verdict.stamps
            ],
        },
        "unknown_roots": list(verdict.unknown_roots),
        "problems": [{"code": problem.value, "message": SENTENCES[problem]} for problem in verdict.problems],
    }
