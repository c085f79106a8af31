"""The `intake health` command: what the health page says, on the console; and what a start says of its keys."""

import json
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from intake import create_app, health, telemetry
from intake.config import BadSetting, Settings
from intake.db import db, transaction
from intake.errors import DomainError


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="One object for programs.")
def health_command(as_json: bool) -> None:
    """Say whether everything that keeps the clinic running is in order, and what to do where it is not.

    Changes nothing. Ends with 1 where something is to be seen to now.
    """
    try:
        settings = Settings.from_env()
        app = create_app(settings)
    except (BadSetting, DomainError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    with app.app_context():
        try:
            found = health.checks(settings)
        except SQLAlchemyError as error:
            raise click.ClickException("the database does not answer, or has no tables: run intake init") from error
        finally:
            db.session.remove()
            db.engine.dispose()
    worst = health.worst(found)
    lines = [_line(check) for check in found]
    if as_json:
        click.echo(json.dumps({"level": worst.value, "checks": lines}, indent=2))
    else:
        for line in lines:
            click.echo(f"{line['level_words']:<16} {line['name']}: {line['says']}")
            if line["do"]:
                click.echo(f"{'':<16} -> {line['do']}")
    if worst is health.Level.NOW:
        raise SystemExit(1)


def _line(check: health.Check) -> dict[str, Any]:
    says, do = health.words_of(check.code)
    facts = dict(check.facts)
    return {
        "check": check.name,
        "level": check.level.value,
        "level_words": health.LEVELS[check.level],
        "code": check.code,
        "facts": facts,
        "name": health.NAMES[check.name],
        "says": health.filled(says, facts, check.code),
        "do": health.filled(do, facts, check.code),
    }


def try_keys(app: Flask, process: str) -> dict[str, str]:
    """Try every key of a process that starts or runs: what is wrong is said on the console in a sentence, written down
    for the health page, and noted in the log; gives the codes. The process goes on: what needs the key waits."""
    with app.app_context():
        found = health.try_keys()
        wrong = {part: code for part, code in found.items() if code}
        for part, code in wrong.items():
            telemetry.log.error("keys.failed", extra={"facts": {"key": part, "code": code}})
            click.echo(f"{health.NAMES[part]}: {health.sentence_of(code)} [{code}]", err=True)
        if found["vault"]:
            return wrong  # nothing may be written under another key
        with transaction():
            health.note_test(process, found)
        db.session.remove()
    return wrong
