"""A newer release of the program brings newer words: what begins now begins on them, an open visit keeps its own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from intake import answers, definitions
from intake.access import SYSTEM
from intake.db import transaction
from intake.definitions.library_files import bundled
from tests.builders import TABLET, a_visit, answered
from tests.conftest import MONDAY_NOON


@pytest.fixture
def newer(in_app: Flask, clock_at: Callable[..., None]) -> Callable[[], UUID]:
    """Publishes the edition of the program once more, under a later version, an hour after the clinic opened."""

    def publish() -> UUID:
        clock_at(MONDAY_NOON + timedelta(hours=1))
        with transaction():
            return definitions.publish(replace(bundled(), version="99.0.0"), by=SYSTEM)

    return publish


def test_an_open_visit_stays_on_the_words_it_began_with(app: Flask, newer: Callable[[], UUID]) -> None:
    open_visit, next_visit = a_visit(app), a_visit(app)
    with transaction():
        before = answers.begin(open_visit, by=TABLET).edition.id
    now = newer()
    assert definitions.current_edition().id == now != before
    with transaction():
        assert answers.begin(open_visit, by=TABLET).edition.id == before
        assert answers.begin(next_visit, by=TABLET).edition.id == now


def test_what_is_given_names_the_edition_it_was_asked_by(app: Flask, newer: Callable[[], UUID]) -> None:
    visit_id, before = a_visit(app), definitions.current_edition().id
    answered(app, visit_id, submit=False)
    newer()
    with transaction():
        assert answers.submit(visit_id, "en", by=TABLET).edition.id == before
