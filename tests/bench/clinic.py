"""A clinic in a folder of its own, a tablet in front of ten questions, and requests as a server makes them.

The real application with its session, vault and log; only the disk is not waited for, which is the machine's speed and
not ours, and the lines of the log go nowhere.
"""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import EnvironBuilder

from intake import cli, create_app, definitions, kiosk, staff
from intake.access import SYSTEM
from intake.config import Settings
from intake.db import db, transaction
from intake.definitions import compile_edition
from tests.builders import a_visit
from tests.conftest import PASSWORD, StrictClient
from tests.kiosk.pages import identified

LIBRARY = Path(definitions.__file__).parent / "library" / "mesotherapy"
SECTION = "ten"
TEN = """\
      - {id: ten.name, type: string, required: true, max_length: 80, text: Your name, help: As on your identity card}
      - {id: ten.phone, type: string, required: true, regex: '[+]?[0-9 ]{7,19}', text: Your mobile number}
      - {id: ten.born, type: date, required: true, past: true, text: Your date of birth}
      - id: ten.sex
        type: choice
        required: true
        text: Your sex (as it matters for medical care)
        options: {female: Female, male: Male, other: Another, unsaid: I prefer not to say}
      - {id: ten.weight, type: decimal, decimals: 1, unit: kg, min: 20, max: 350, required: true, text: Your weight}
      - {id: ten.visits, type: integer, min: 0, max: 99, required: true, text: 'How often were you here?'}
      - id: ten.had
        type: choice
        multiple: true
        required: true
        text: Do you have any of these?
        help: Tick all that apply
        options: {fits: Fits or epilepsy, asthma: Asthma, allergy: A severe allergy, thyroid: Thyroid trouble,
          skin: A skin infection, keloid: Raised scars, sugar: Diabetes, none: {en: None of these, exclusive: true}}
      - id: ten.smokes
        type: choice
        required: true
        text: Do you smoke?
        options: {no: No, some: Sometimes, daily: Every day}
      - {id: ten.packs, type: integer, min: 1, max: 200, text: 'How many a day?', when: ten.smokes = daily}
      - {id: ten.more, type: text, max_length: 2000, text: 'Is there anything else we should know?'}
"""


@dataclass(frozen=True)
class Clinic:
    """The application, the visit on its tablet, that tablet's cookies, and the folder that holds it all."""

    app: Flask
    visit_id: UUID
    cookies: str
    folder: Path

    @property
    def page(self) -> str:
        """The address of the section of ten questions."""
        return f"/visit/questions/{SECTION}"

    def asked(self, sent: Mapping[str, Any] | None = None, path: str = "") -> "Request":
        """The tablet's request for this page, or the same for another path: to look at it, or to send it with these
        fields."""
        return asked(path or self.page, sent, {"Cookie": self.cookies})


Request = Mapping[str, Any]


def asked(path: str, sent: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Request:
    """What a client is told: to get this page, or to post these fields."""
    method = "GET" if sent is None else "POST"
    return {"path": path, "method": method, "data": sent, "headers": dict(headers or {})}


def answer(app: Flask, request: Request) -> tuple[int, bytes]:
    """The status and the body of an answer."""
    response = FlaskClient(app, app.response_class, use_cookies=False).open(**request)
    return response.status_code, response.get_data()


def by_client(app: Flask, status: int) -> Callable[[Request], None]:
    """Asks through Flask's test client, and insists on this status."""
    client = FlaskClient(app, app.response_class, use_cookies=False)

    def ask(request: Request) -> None:
        response = client.open(**request)
        if response.status_code != status:
            raise RuntimeError(f"answered {response.status_code} instead of {status}: {response.text[:200]!r}")

    return ask


def by_hand(app: Flask, status: int) -> Callable[[dict[str, Any]], None]:
    """Calls the application as a server does (PEP 3333), with nothing around it, and insists on this status."""

    def ask(environ: dict[str, Any]) -> None:
        said: list[str] = []
        chunks = app(environ, lambda line, _headers, _error=None: said.append(line))
        body = b"".join(chunks)
        chunks.close()
        if not said[0].startswith(str(status)):
            raise RuntimeError(f"answered {said[0]} instead of {status}: {body[:200]!r}")

    return ask


def handed_over(request: Request) -> dict[str, Any]:
    """What a server hands over for a request."""
    builder = EnvironBuilder(**request)
    try:
        return builder.get_environ()
    finally:
        builder.close()


@contextmanager
def open_clinic(*, durable: bool = False) -> Iterator[Clinic]:
    """A clinic with such a visit; its folder is gone afterwards. A durable one waits for its disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings.from_mapping(
            cli.demo_settings(folder / "data", 8000)
            | {"demo": False, "origin": "http://localhost", "tablet_origin": "http://localhost"}
        )
        cli.prepare(settings)
        # The clients of the tests watch what is written, and whatever was watched once is slower from then on.
        visit_id, cookies = _at_the_page(create_app(settings), _edition(folder / "bench"))
        app = create_app(settings)
        if not durable:
            with app.app_context():
                event.listen(db.engine, "connect", _without_waiting)
        log = logging.getLogger("intake").handlers[0]
        assert isinstance(log, logging.StreamHandler)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            log.setStream(nowhere)
            yield Clinic(app, visit_id, cookies, folder)


def _without_waiting(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _edition(folder: Path) -> Path:
    """The clinic's own edition in English, with ten more questions on a page of their own."""
    shutil.copytree(LIBRARY, folder)
    edition = folder / "edition.yaml"
    whole = re.sub(r"languages: .*", "languages: [en]", edition.read_text("utf-8"))
    edition.write_text(whole.partition("translations:")[0], "utf-8")
    questions = next(folder.glob("questionnaire-*.yaml"))
    more = f"  - id: {SECTION}\n    title: Ten questions\n    items:\n{TEN}"
    questions.write_text(questions.read_text("utf-8").rstrip("\n") + "\n" + more, "utf-8")
    return folder


def _at_the_page(app: Flask, edition: Path) -> tuple[UUID, str]:
    """A patient on a tablet who has said who they are, with the page filled in once."""
    app.test_client_class = StrictClient
    with app.app_context(), transaction():
        published = definitions.publish(compile_edition(edition), by=SYSTEM)
        for person in cli.DEMO_PEOPLE:
            staff.add_member(password=PASSWORD, **person)
        # As in every clinic that treats somebody; before, each page asks once more.
        definitions.approve(published, staff.list_doctors()[0].id, by=SYSTEM)
        kiosk.add_tablet("T1", by=SYSTEM)
    visit_id = a_visit(app, out_of_hours="Measured at any hour")
    client = identified(app, visit_id)
    cookies = [client.get_cookie(f"intake-{name}") for name in ("session", "device")]
    return visit_id, "; ".join(f"{cookie.key}={cookie.value}" for cookie in cookies if cookie)
