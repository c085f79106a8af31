"""The `intake keys` commands: which certificates are in use, and renewing the seal; cli.py adds them to the others.

A file of its own because it says in words what can be wrong with a key.
"""

import click
from cryptography import x509
from flask import Flask

from intake import create_app, records
from intake.config import BadSetting, Settings
from intake.db import db, transaction
from intake.errors import DomainError
from intake.health import sentence_of


@click.group("keys")
def keys_commands() -> None:
    """The clinic's certificates: show them, renew the seal."""


def _clinic() -> tuple[Settings, Flask]:
    try:
        settings = Settings.from_env()
        return settings, create_app(settings)
    except (BadSetting, DomainError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@keys_commands.command("show")
def show() -> None:
    """Print whose the certificates in use are, until when they are good, and their fingerprints."""
    _settings, app = _clinic()
    with app.app_context():
        try:
            found = records.certificates_in_use()
        except DomainError as error:
            raise click.ClickException(sentence_of(error.code)) from error
        for name, certificate in found.items():
            click.echo(f"{name}: {_said(certificate)}")


@keys_commands.command("renew-seal")
def renew_seal() -> None:
    """Give the seal a new key and a certificate for three years, from 90 days before the present one ends."""
    settings, app = _clinic()
    with app.app_context():
        try:
            with transaction():
                made = records.renew_seal(settings)
        except DomainError as error:
            raise click.ClickException(sentence_of(error.code)) from error
        except (OSError, ValueError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            db.session.remove()
            db.engine.dispose()
    if made is not None:
        click.echo(f"The seal is renewed. {_said(made.seal)}\nCopy the folder {settings.keys} to both sticks again.")


def _said(certificate: x509.Certificate) -> str:
    issuer, subject = certificate.issuer.rfc4514_string(), certificate.subject.rfc4514_string()
    by = "by itself" if issuer == subject else f"by {issuer}"
    return (
        f"{subject}, certified {by}, until {certificate.not_valid_after_utc:%Y-%m-%d}\n"
        f"  SHA-256 {records.fingerprint(certificate)}"
    )
