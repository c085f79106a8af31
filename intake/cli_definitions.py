"""The `intake definitions` commands, for those who write questionnaires and editions; cli.py adds them to the others.

A file of their own because most of them need no clinic: they look at files and say what is wrong with them.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click

from intake import create_app, definitions
from intake.access import SYSTEM, Actor
from intake.config import BadSetting, Settings
from intake.db import transaction
from intake.definitions import Checked, DefinitionError, Edition, Problem
from intake.errors import DomainError, Invalid

REFUSALS = {
    "definitions.version_taken": "this name and version are published already, with other words: give it a new version",
    "definitions.bad_name": "the folder's name becomes the edition's: letters, digits, '.', '_' and '-' only",
    "definitions.unknown": "there is no such edition",
}
T = TypeVar("T")
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group("definitions")
def definitions_commands() -> None:
    """Questionnaires and editions: check, translate, publish, export."""


@definitions_commands.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object a file, a list for several.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say everything that is wrong with FHIR questionnaires (.json), shorthand files (.yaml) and editions' folders.

    Ends with 1 if any of them is refused.
    """
    found = [definitions.check(file) for file in files]
    if as_json:
        objects = [one.as_json for one in found]
        click.echo(json.dumps(objects if len(objects) > 1 else objects[0], indent=2))
    else:
        for one in found:
            _show(one)
    if not all(one.taken for one in found):
        raise SystemExit(1)


def _show(found: Checked) -> None:
    verdict = "taken" if found.taken else f"refused, {_count(found.problems, 'problem')}"
    click.echo(f"{printable(found.file)}: {verdict}, {_count(found.warnings, 'warning')}")
    for word, problems in (("", found.problems), ("warning ", found.warnings)):
        for problem in problems:
            click.echo(f"  {word}{printable(str(problem))}")


def _count(what: Iterable[Problem], word: str) -> str:
    number = len(list(what))
    return f"{number} {word}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """What a file says of itself in one line: line ends, and what would steer a terminal, are shown as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@definitions_commands.command()
@click.argument("folder", type=FOLDER)
def translations(folder: Path) -> None:
    """Bring each PO catalogue of an edition's folder up to its words, in place."""
    for one in _refusing(lambda: definitions.update_catalogues(folder)):
        click.echo(
            f"{one.file} ({one.language}): {one.new} new, {one.empty} without words, "
            f"{one.stale} stale, {one.unused} unused"
        )


@definitions_commands.command()
@click.argument("folder", type=FOLDER)
def publish(folder: Path) -> None:
    """Publish an edition from its folder into the clinic; what begins from now on begins on it."""
    library = _refusing(lambda: definitions.compile_edition(folder))
    settings = _settings()

    def put() -> None:
        with create_app(settings).app_context(), transaction():
            definitions.publish(library, by=SYSTEM)

    _refusing(put)
    click.echo(
        f"{library.name} {library.version} is published and in force. A doctor approves it: intake approve EMAIL"
    )


@definitions_commands.command()
@click.argument("name")
@click.argument("version")
@click.argument("kind")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A file; for 'all', a folder.")
def export(name: str, version: str, kind: str, out: Path) -> None:
    """Write one file of a published edition, or all of them, with the stored bytes unchanged."""
    settings = _settings()

    def get() -> dict[str, bytes]:
        with create_app(settings).app_context():
            return definitions.get_files(name, version)

    files = _refusing(get)
    if kind != "all" and kind not in files:
        raise click.ClickException(f"{name} {version} has no '{kind}'; it has {', '.join(files)}")
    wanted = (
        {out / definitions.file_name(name, version, one): body for one, body in files.items()}
        if kind == "all"
        else {out: files[kind]}
    )
    for path, body in wanted.items():
        _write(path, body)
        click.echo(f"{path} ({len(body)} bytes)")


def approve(edition: Edition, doctor_id: UUID, language: str | None, *, by: Actor) -> None:
    """Approve an edition's words in a language; one it does not offer ends the command with a line that says so."""
    try:
        definitions.approve(edition.id, doctor_id, language, by=by)
    except Invalid as error:
        offered = ", ".join(edition.questionnaire.languages)
        raise click.ClickException(
            f"{edition.name} {edition.version} is not offered in '{language}': {offered}"
        ) from error


def _write(path: Path, body: bytes) -> None:
    """Write a new file; another one in its place is not touched."""
    try:
        if path.exists() and path.read_bytes() != body:
            raise click.ClickException(f"{path} exists and holds something else")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except BadSetting as error:
        raise click.ClickException(str(error)) from error


def _refusing(do: Callable[[], T]) -> T:
    """What a verb gives; its refusal ends the command with every problem, or in one line."""
    try:
        return do()
    except DefinitionError as error:
        for problem in error.problems:
            click.echo(f"  {printable(str(problem))}", err=True)
        raise click.ClickException(f"refused, {_count(error.problems, 'problem')}") from error
    except DomainError as error:
        raise click.ClickException(REFUSALS.get(error.code, error.code)) from error
