"""The `intake bundle` command: one record's evidence bundle, for whoever keeps the machine."""

import os
from hashlib import sha256
from pathlib import Path

import click

from intake import archive, audit, create_app, records
from intake.access import SYSTEM
from intake.config import BadSetting, Settings
from intake.db import db, transaction
from intake.errors import DomainError


@click.command("bundle")
@click.argument("number")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The zip to write; it must be new.")
def bundle(number: str, out: Path) -> None:
    """Write the evidence bundle of the record NUMBER to a file. It holds health answers; the log notes it."""
    try:
        app = create_app(Settings.from_env())
    except (BadSetting, DomainError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    with app.app_context():
        try:
            found = records.find_by_number(number)
            if found is None:
                raise click.ClickException(f"there is no record with the number {number}")
            audit.checkpoint()
            data = archive.bundle_of(found.id)
            with transaction():
                archive.note_made(found.id, data, by=SYSTEM)
        except DomainError as error:
            raise click.ClickException(f"the bundle cannot be made: {error.code}") from error
        finally:
            db.session.remove()
            db.engine.dispose()
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    click.echo(f"{out}: {found.number}, {len(data)} bytes, SHA-256 {sha256(data).hexdigest()}")
