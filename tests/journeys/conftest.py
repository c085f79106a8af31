"""A clinic that really listens, and a real Chromium: a tablet with touch, and the staff's desks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext

from intake import create_app
from intake.config import Settings
from intake.db import db
from tests.conftest import SERVER, settings_for
from tests.serving import free_port, serving


@contextmanager
def listening(data: Path, settings: Settings, **more: Any) -> Iterator[tuple[Flask, str]]:
    """The application behind waitress on a free port of loopback, with other settings where some are given; staff use
    127.0.0.1, tablets localhost."""
    database = {"database_url": settings.database_url} if SERVER else {}
    port = free_port()
    origins = {"origin": f"http://127.0.0.1:{port}", "tablet_origin": f"http://localhost:{port}"}
    app = create_app(settings_for(data, **database, **origins, **more))
    with serving(app, listen=f"127.0.0.1:{port}", threads=4):
        yield app, f"127.0.0.1:{port}"
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def live(data: Path, settings: Settings) -> Iterator[tuple[Flask, str]]:
    """The demonstration clinic, listening."""
    with listening(data, settings) as found:
        yield found


@pytest.fixture
def tablet(chromium: Browser) -> Iterator[BrowserContext]:
    """A 10-inch tablet upright, touched with a finger."""
    context = chromium.new_context(viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True)
    yield context
    context.close()


@pytest.fixture
def desk(chromium: Browser) -> Iterator[BrowserContext]:
    """A desktop screen."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()
