"""The `intake` commands: one command calls one verb. Settings are read here and nowhere else on the way in.

Longer than 400 lines, because it is one short command after another, and the people and settings of the demo."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from intake import (
    audit,
    cli_bundle,
    cli_definitions,
    cli_fsck,
    cli_health,
    cli_keys,
    cli_verify,
    create_app,
    definitions,
    kiosk,
    rehearsal,
    setting_up,
    staff,
    telemetry,
)
from intake.access import SYSTEM, Actor, Role
from intake.cli_worker import WORKER_PAUSE, work
from intake.config import BadSetting, Settings
from intake.db import db, transaction
from intake.web import LARGEST_BODY

DEMO_PEOPLE: tuple[dict[str, Any], ...] = (
    {
        "email": "rao@demo.example",
        "name": "Dr Ananya Rao",
        "roles": [Role.DOCTOR],
        "registration_no": "DMC-00001",
        "letter": "K",
        "room": "2",
    },
    {
        "email": "menon@demo.example",
        "name": "Dr Joseph Menon",
        "roles": [Role.DOCTOR],
        "registration_no": "DMC-00002",
        "letter": "T",
        "room": "4",
    },
    {"email": "reception@demo.example", "name": "Sunita Patil", "roles": [Role.RECEPTION]},
    {"email": "records@demo.example", "name": "Ramesh Iyer", "roles": [Role.RECORDS]},
    {"email": "author@demo.example", "name": "Dr Meera Shah", "roles": [Role.AUTHOR]},
    {"email": "admin@demo.example", "name": "Arun Das", "roles": [Role.ADMIN]},
)


@click.group()
def main() -> None:
    """Intake: patient intake and consent for a clinic."""


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Hand a command the settings; a bad one ends it with one line that names it."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            settings = Settings.from_env()
        except BadSetting as error:
            raise click.ClickException(str(error)) from error
        command(settings, *args, **kwargs)

    return run


@main.command()
@with_settings
def init(settings: Settings) -> None:
    """Make or update the data folder: keys, tables, content. Safe to run again."""
    try:
        fingerprint = prepare(settings)
        key = audit.LogKey.load(settings.keys / audit.LOG_KEY)
    except (setting_up.KeyMissing, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"Data folder {settings.data} is ready.\n"
        f"Print these two and keep them.\nClinic root certificate, SHA-256:\n  {fingerprint}\n"
        f"Key that checks the log's checkpoints:\n  {key.verifier}"
    )


def prepare(settings: Settings) -> str:
    """Bring a data folder up to this version; gives the root certificate's fingerprint."""
    fingerprint = setting_up.make_keys(settings)
    app = create_app(settings)
    setting_up.migrate(app)
    with app.app_context():
        with transaction():
            definitions.publish_bundled(by=SYSTEM)
        db.session.remove()
        db.engine.dispose()
    return fingerprint


@main.command("add-person")
@click.argument("email")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([r.value for r in Role if r not in (Role.TABLET, Role.KIOSK)]),
)
@click.option("--registration", help="A doctor's registration number; consents print it.")
@click.option("--letter", help="A doctor's token letter.")
@click.option("--room", help="Where a doctor's patients are called to.")
@with_settings
def add_person(
    settings: Settings, email: str, name: str, roles: tuple[str, ...], registration: str, letter: str, room: str
) -> None:
    """Give a person an account; prints a generated password once."""
    password = secrets.token_urlsafe(15)
    with create_app(settings).app_context(), transaction():
        staff.add_member(
            email=email,
            name=name,
            roles=[Role(r) for r in roles],
            password=password,
            registration_no=registration,
            letter=letter,
            room=room,
        )
    click.echo(f"{name} signs in as {email} with the password {password}")


@main.command()
@click.argument("email")
@click.option("--language", help="The language whose words are approved; without it, the edition's base language.")
@click.password_option("--password", confirmation_prompt=False)
@with_settings
def approve(settings: Settings, email: str, language: str | None, password: str) -> None:
    """A doctor approves the words of the edition in force; until then every page and record says "draft"."""
    with create_app(settings).app_context():
        tried = staff.try_password(email, password, "console")
        with transaction():
            _result, member, _again = staff.sign_in(tried)
            doctor = member if member and Role.DOCTOR in {role.name for role in member.roles} else None
            edition, name = definitions.current_edition(), doctor.name if doctor else ""
            if doctor is not None:
                by = Actor("staff", doctor.id, frozenset({Role.DOCTOR}))
                cli_definitions.approve(edition, doctor.id, language, by=by)
        if not name:
            raise click.ClickException("the email address or the password is not right, or this is not a doctor")
    shown = language or edition.questionnaire.languages[0]
    click.echo(f"{edition.name} {edition.version} is approved by {name}, in {shown}.")


@main.command("add-tablet")
@click.argument("name")
@with_settings
def add_tablet(settings: Settings, name: str) -> None:
    """Register a tablet; reception pairs it from the desk."""
    with create_app(settings).app_context(), transaction():
        kiosk.add_tablet(name, by=SYSTEM)
    click.echo(f"Tablet {name} can be paired at the desk.")


@main.command()
@click.option("--once", is_flag=True, help="Do what is due, then stop.")
@with_settings
def worker(settings: Settings, once: bool) -> None:
    """Seal records and do whatever else follows a commit."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    work(create_app(settings), stop, once=once)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=int)
@with_settings
def serve(settings: Settings, host: str, port: int) -> None:
    """Serve the clinic: web pages here, one supervised worker beside."""
    try:
        prepare(settings)
    except setting_up.KeyMissing as error:
        raise click.ClickException(str(error)) from error
    serve_app(settings, host, port)


def serve_app(settings: Settings, host: str, port: int) -> None:
    """Run waitress and a worker process that is started again whenever it ends."""
    from waitress import create_server  # only the server needs it

    stop = threading.Event()
    supervisor = threading.Thread(target=_supervise, args=(stop,), name="worker-supervisor", daemon=True)
    app = create_app(settings)
    if cli_health.try_keys(app, "web").get("vault"):
        raise click.ClickException("nothing is served: what a patient says now could not be opened later")
    server = create_server(app, host=host, port=port, **server_options(settings))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    supervisor.start()
    try:
        server.run()
    finally:
        stop.set()
        supervisor.join(timeout=10)


def server_options(settings: Settings) -> dict[str, Any]:
    """How waitress serves: in memory. By itself it writes a large request, and an answer that a slow browser has not
    taken yet, to a temporary file, and that would be answers and records in the clear on the disk."""
    return {
        "threads": 8,
        "ident": "",
        "inbuf_overflow": sys.maxsize,
        "max_request_body_size": 2 * LARGEST_BODY,  # what is a little too large gets our page, the rest a plain 413
        "outbuf_overflow": sys.maxsize,
        "outbuf_high_watermark": 8 * 1024 * 1024,  # bytes of an answer that wait in memory before the view must
        "clear_untrusted_proxy_headers": True,
        # The proxy in front is trusted for what the client's address is only when the origin is https.
        **(
            {"trusted_proxy": "127.0.0.1", "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
            if settings.is_https
            else {}
        ),
    }


def _supervise(stop: threading.Event) -> None:
    while not stop.is_set():
        process = subprocess.Popen([sys.executable, "-m", "intake.cli", "worker"])  # our own program
        while process.poll() is None and not stop.wait(0.5):
            pass
        if stop.is_set():
            process.terminate()
            process.wait()
        else:
            telemetry.note("worker.ended", status=process.returncode)
            stop.wait(WORKER_PAUSE)


@main.command()
@click.option("--patients", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--seed", default=7, show_default=True, type=int)
@click.option("--out", required=True, type=click.Path(path_type=Path))
def rehearse(patients: int, seed: int, out: Path) -> None:
    """Play invented patients through the real pages of a throw-away clinic; every record goes to OUT."""
    summary = rehearsal.rehearse(demo_settings(Path("rehearsal"), 8000), patients, seed, out)
    for outcome, count in sorted(summary.outcomes.items()):
        click.echo(f"{outcome:<14} {count}")
    click.echo(
        f"errors         {len(summary.errors)}\n"
        f"record ms      p50 {summary.records.get('p50')}  p95 {summary.records.get('p95')}"
    )
    for error in summary.errors:
        click.echo(f"  {error}", err=True)
    if summary.errors:
        raise SystemExit(1)


@main.command()
@click.option("--port", default=8000, show_default=True, type=int)
@click.option("--data", default="demo-data", show_default=True, type=click.Path(path_type=Path))
def demo(port: int, data: Path) -> None:
    """Start a demonstration clinic on this computer, with invented people."""
    settings = Settings.from_mapping(demo_settings(data, port))
    # The worker process reads the same settings from a file, like any clinic's.
    file = settings.data / "intake.toml"
    fingerprint = _write_demo(settings, file)
    os.environ["INTAKE_SETTINGS"] = str(file)
    click.echo(
        f"\nStaff:    {settings.origin}/sign-in\nTablets:  {settings.tablet_origin}/tablet/pair\n"
        f"Root certificate SHA-256 {fingerprint}\n"
    )
    serve_app(Settings.from_env(), "127.0.0.1", port)


def demo_settings(data: Path, port: int) -> dict[str, Any]:
    """The demonstration clinic's settings as plain values."""
    plan = {"sessions": "6", "interval": "2 weeks", "price": "Rs 3,000", "price_total": "Rs 18,000"}
    in_hindi = {"interval": "2 हफ़्ते", "price": "3,000 रुपये", "price_total": "18,000 रुपये"}
    return {
        "data": str(data),
        "origin": f"http://127.0.0.1:{port}",
        "tablet_origin": f"http://localhost:{port}",
        "demo": True,
        "clinic": {
            "name": "Kesari Skin & Hair",
            "letters": "KS",
            "address": "12 Lake Road, Demo Town",
            "phone": "+91 98400 00000",
            "backup_hospital": "Demo City Hospital, emergency entrance",
            "retention_period": "7 years",
            "refund_policy": "paid back in full within 14 days",
            "grievance_contact": "the clinic manager, +91 98400 00001",
            "hi": {
                "backup_hospital": "डेमो सिटी अस्पताल, इमरजेंसी",
                "retention_period": "7 साल",
                "refund_policy": "14 दिन के अंदर पूरा वापस",
                "grievance_contact": "क्लिनिक मैनेजर, +91 98400 00001",
            },
        },
        "treatments": {code: plan | {"hi": in_hindi} for code in ("FAT", "REJUV", "LIGHT", "HAIR", "PRP", "LIPS")},
    }


def _write_demo(settings: Settings, file: Path) -> str:
    first = not file.exists()
    fingerprint = prepare(settings)
    if not first:
        click.echo(
            f"The demo clinic in {settings.data} goes on. "
            "Its passwords were printed on its first start; remove the folder to begin anew."
        )
        return fingerprint
    with create_app(settings).app_context(), transaction():
        for person in DEMO_PEOPLE:
            password = secrets.token_urlsafe(12)
            staff.add_member(password=password, **person)
            click.echo(f"{person['name']:<16} {person['email']:<24} {password}")
        for name in ("T1", "T2"):
            kiosk.add_tablet(name, by=SYSTEM)
    port = int(settings.origin.rsplit(":", 1)[1])
    file.write_text(toml(demo_settings(settings.data, port)), "utf-8")
    return fingerprint


def toml(values: dict[str, Any]) -> str:
    """Plain settings as TOML: texts, numbers and truth values, in tables of any depth."""

    def lines(table: dict[str, Any], path: str) -> list[str]:
        plain = {k: v for k, v in table.items() if not isinstance(v, dict)}
        out = [f"[{path}]"] if path and plain else []
        out += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
        for key, value in table.items():
            if isinstance(value, dict):
                out += lines(value, f"{path}.{key}" if path else key)
        return out

    return "\n".join(lines(values, "")) + "\n"


main.add_command(cli_definitions.definitions_commands)
main.add_command(cli_fsck.fsck)
main.add_command(cli_health.health_command)
main.add_command(cli_keys.keys_commands)
main.add_command(cli_bundle.bundle)
main.add_command(cli_verify.verify_command)


if __name__ == "__main__":
    main()
