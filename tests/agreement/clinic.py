"""A clinic to try questionnaires in, for checks that run outside pytest, and the ways of questionnaires into its room
for authors."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask

from intake import cli, clock, create_app, definitions, staff
from intake.access import SYSTEM
from intake.db import db, transaction
from intake.definitions import Questionnaire
from tests.agreement.forms import SAMPLES, Known
from tests.conftest import MONDAY_NOON, PASSWORD, StrictClient, settings_for, sign_in

Forms = dict[str, tuple[str, Questionnaire]]
"""Questionnaires by name, each with the address where it can be tried."""


class Walker(StrictClient):
    """An author who tries a questionnaire; that each of its pages is well-formed is looked at once, in drawn.py."""

    def check_page(self, html: str, path: str) -> None:
        if not path.startswith("/forms/try/"):
            super().check_page(html, path)


@contextmanager
def a_clinic() -> Iterator[tuple[Flask, StrictClient]]:
    """The application over a folder that is thrown away, and an author signed in."""
    logging.disable(logging.INFO)
    with TemporaryDirectory() as folder, clock.frozen(MONDAY_NOON):
        settings = settings_for(Path(folder) / "data")
        cli.prepare(settings)
        app = create_app(settings)
        app.test_client_class = Walker
        with app.app_context(), transaction():
            for person in cli.DEMO_PEOPLE:
                staff.add_member(password=PASSWORD, **person)
        yield app, sign_in(app, "author@demo.example")
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
    logging.disable(logging.NOTSET)


def kept_drafts(app: Flask, forms: Known) -> Forms:
    """Bring questionnaires in as drafts."""
    with app.test_request_context(), transaction():
        ids = {name: definitions.import_draft(data, "a.json", by=SYSTEM) for name, (data, _) in forms.items()}
    return {name: (f"/forms/try/{ids[name]}", one) for name, (_, one) in forms.items()}


def own_editions(app: Flask) -> Forms:
    """The editions that come with the program and those among the samples, published."""
    folders = sorted(path.parent for path in SAMPLES.glob("*/edition.yaml"))
    with app.test_request_context():
        with transaction():
            for folder in folders:
                definitions.publish(definitions.compile_edition(folder), by=SYSTEM)
        return {
            f"{one.name} {one.version}": (f"/forms/try/{one.id}", definitions.get_questionnaire_with_carried(one.id))
            for one in definitions.list_editions()
        }


def script_of(client: StrictClient, address: str) -> str:
    """The script of question pages, as the page at an address names it."""
    named = re.search(r'<script defer src="([^"]*questions[^"]*)"', client.get(address).text)
    assert named is not None, "a page of questions names no script"
    with client.get(named[1]) as response:
        return str(response.text)
