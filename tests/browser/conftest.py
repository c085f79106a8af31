"""Chromium, the sample site and a tablet to look at it with, for the tests of this folder."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.browser.site import Seen, make_site, serving


@pytest.fixture
def site() -> Iterator[tuple[str, Seen, Flask]]:
    app, seen = make_site()
    with serving(app) as address:
        yield address, seen, app


@pytest.fixture
def seen(site: tuple[str, Seen, Flask]) -> Seen:
    return site[1]


@pytest.fixture
def tablet(chromium: Browser, site: tuple[str, Seen, Flask]) -> Iterator[Page]:
    """A tablet upright; a page that breaks the content policy or throws fails its test."""
    size: Any = {"width": 820, "height": 1180}
    context = chromium.new_context(base_url=site[0], viewport=size, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(5000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert wrong == []
