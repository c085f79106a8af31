"""Making a clinic's data folder: keys, tables, content. Safe to run again; never overwrites a key."""

from pathlib import Path
from urllib.parse import urlsplit

from alembic import command
from alembic.config import Config
from flask import Flask

from intake import audit
from intake.config import MIGRATIONS, Settings
from intake.records import ClinicKeys
from intake.vault import Vault


def make_keys(settings: Settings) -> str:
    """Create the clinic's keys where there are none; gives the root certificate's fingerprint, to be kept on paper."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.keys.mkdir(exist_ok=True, mode=0o700)
    if not (settings.keys / "vault.key").exists():
        Vault.create_file(settings.keys / "vault.key")
    audit.LogKey.create(settings.keys / audit.LOG_KEY, urlsplit(settings.origin).hostname or "")
    return ClinicKeys.create(settings.keys, settings.clinic.name or "Clinic").root_fingerprint


def migrate(app: Flask) -> None:
    """Bring the database up to this version's tables."""
    with app.app_context():
        command.upgrade(migration_config(), "head")


def migration_config(directory: Path = MIGRATIONS) -> Config:
    """Alembic's configuration; the address of the database comes from the application."""
    config = Config()
    config.set_main_option("script_location", str(directory))
    return config
