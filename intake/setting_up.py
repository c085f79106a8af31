"""Making a clinic's data folder: keys, tables, content. Safe to run again; never overwrites a key."""

from pathlib import Path
from urllib.parse import urlsplit

from alembic import command
from alembic.config import Config
from cryptography import x509
from flask import Flask

from intake import audit
from intake.config import MIGRATIONS, Settings
from intake.records import ClinicKeys, fingerprint
from intake.vault import Vault

VAULT_GONE = (
    "Without the key that this clinic's data were sealed with nothing can be opened, and a new one would not open it "
    "either. Put it back from a stick (docs/install.md, The keys) and start again."
)


class KeyMissing(Exception):
    """The key without which nothing may start; the message says what to do."""


def make_keys(settings: Settings) -> str:
    """Create the clinic's keys where there are none; gives the root certificate's fingerprint, to be kept on paper, or
    "" where the root is not there although the clinic has worked before.

    A key that is missing is made anew only in a folder that was never used: another key in its place would open
    nothing, and what was written under it would have to be taken apart later. Raises KeyMissing for the vault's.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.keys.mkdir(exist_ok=True, mode=0o700)
    was_used = (settings.data / "intake.db").exists() or (settings.data / "files").exists()
    if not (settings.keys / "vault.key").exists():
        # It is the first to be made: where another stands, it was here. A database elsewhere leaves no other trace.
        if was_used or (settings.keys / audit.LOG_KEY).exists() or (settings.keys / "seal").is_dir():
            raise KeyMissing(f"{settings.keys / 'vault.key'} is not there. {VAULT_GONE}")
        Vault.create_file(settings.keys / "vault.key")
    if not (settings.data / audit.FILE_NAME).exists():
        audit.LogKey.create(settings.keys / audit.LOG_KEY, urlsplit(settings.origin).hostname or "")
    if (settings.keys / "seal").is_dir() or not was_used:
        ClinicKeys.create_files(settings.keys, settings.clinic.name or "Clinic")
    root = settings.keys / "seal" / "root.pem"
    return fingerprint(x509.load_pem_x509_certificate(root.read_bytes())) if root.is_file() else ""


def migrate(app: Flask) -> None:
    """Bring the database up to this version's tables."""
    with app.app_context():
        command.upgrade(migration_config(), "head")


def migration_config(directory: Path = MIGRATIONS) -> Config:
    """Alembic's configuration; the address of the database comes from the application."""
    config = Config()
    config.set_main_option("script_location", str(directory))
    return config
