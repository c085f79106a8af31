"""Publishing an edition, finding its bytes again, and approving its words language by language."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import text

from intake import audit, clock, create_app, definitions, setting_up
from intake.access import SYSTEM
from intake.db import Base, db, transaction
from intake.definitions.library_files import Library
from intake.errors import Invalid, NotAllowed, NotFound
from tests.conftest import MONDAY_NOON, SERVER, _fresh_database, settings_for
from tests.definitions.editions import FILES, write_edition

DOCTOR = uuid.UUID(int=1)
HINDI = "".join(
    f'\nmsgctxt "{kind}"\nmsgid "{words}"\nmsgstr "हिन्दी {number}"\n'
    for number, (kind, words) in enumerate(
        [
            *(("questionnaire", words) for words in ("What you want", "What do you want?", "Smooth skin", "Not sure")),
            *(("questionnaire", words) for words in ("Where?", "Were you in the sun this week?")),
            ("screening", "The doctor will talk with you first."),
            ("treatments", "Peel"),
            *(("consent", words) for words in ("Your permission", "What happens", "Other ways", "You can wait.")),
            *(("teachback", words) for words in ("May you wait?", "I may", "I may not", "You may wait.")),
            *(("aftercare", words) for words in ("First day", "Keep it clean.")),
        ]
    )
)


def compiled(folder: Path, **changed: str) -> Library:
    return definitions.compile_edition(write_edition(folder, **changed))


@pytest.fixture
def doctor(in_app: Flask) -> uuid.UUID:
    members = Base.metadata.tables["staff_member"]
    found: uuid.UUID = (
        db.session.execute(members.select().where(members.c.email == "rao@demo.example")).mappings().one()["id"]
    )
    return found


def published(library: Library) -> uuid.UUID:
    with transaction():
        return definitions.publish(library, by=SYSTEM)


@pytest.fixture
def peel(in_app: Flask, tmp_path: Path) -> Library:
    return compiled(tmp_path / "peel")


def test_an_edition_from_a_folder_is_in_force_once_it_is_published(peel: Library, clock_at: Any) -> None:
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    edition_id = published(peel)
    assert definitions.current_edition().id == edition_id
    assert [(p.name, p.version, p.is_current) for p in definitions.list_editions()] == [
        ("peel", "1.0.0", True),
        ("mesotherapy", "1.3.0", False),
    ]
    assert audit.history_of(str(edition_id))[-1].event == "edition.published"


def test_the_stored_bytes_are_given_back_unchanged(peel: Library) -> None:
    published(peel)
    assert definitions.get_files("peel", "1.0.0") == dict(peel.bodies)
    assert definitions.get_files("peel", "1.0.0")["consent"] == FILES["consent.yaml"].encode()
    with pytest.raises(NotFound):
        definitions.get_files("peel", "2.0.0")


def test_the_same_edition_twice_is_one_and_other_words_need_a_new_version(peel: Library, tmp_path: Path) -> None:
    assert published(peel) == published(peel)
    other = compiled(tmp_path / "other" / "peel", consent=FILES["consent.yaml"].replace("You can wait", "You may wait"))
    with pytest.raises(NotAllowed) as caught:
        published(other)
    assert caught.value.code == "definitions.version_taken"
    newer = FILES["edition.yaml"].replace("1.0.0", "1.0.1")
    assert published(compiled(tmp_path / "newer" / "peel", edition=newer)) != published(peel)


@pytest.mark.parametrize("name", ["", "../peel", "a b", "x" * 65])
def test_a_name_that_fits_no_address_is_refused(peel: Library, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        published(replace(peel, name=name))
    assert caught.value.code == "definitions.bad_name"


def test_a_clinics_own_edition_stays_in_force_when_the_program_is_updated(peel: Library, clock_at: Any) -> None:
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    own = published(peel)
    with transaction():
        assert definitions.publish_bundled(by=SYSTEM) == own
    assert definitions.current_edition().id == own


def test_the_words_of_each_language_are_a_draft_until_a_doctor_approved_them(
    in_app: Flask, doctor: uuid.UUID, tmp_path: Path
) -> None:
    declared = FILES["edition.yaml"].replace("[en]", "[en, hi]")
    edition_id = published(compiled(tmp_path / "peel", edition=declared, hi=FILES["hi.po"] + HINDI))
    assert not definitions.is_approved(edition_id)
    with transaction():
        definitions.approve(edition_id, doctor, "hi", by=SYSTEM)
        definitions.approve(edition_id, doctor, "hi", by=SYSTEM)
    assert definitions.is_approved(edition_id, "hi") and definitions.is_approved(edition_id, "hi-IN")
    assert not definitions.is_approved(edition_id) and not definitions.is_approved(edition_id, "en")
    with transaction():
        definitions.approve(edition_id, doctor, by=SYSTEM)
    assert definitions.is_approved(edition_id, "en")
    assert [(a.language, a.doctor_id) for a in definitions.approvals_of(edition_id)] == [("hi", doctor), ("en", doctor)]


def test_a_language_that_is_not_offered_shows_the_base_words_and_cannot_be_approved(
    peel: Library, doctor: uuid.UUID
) -> None:
    edition_id = published(peel)
    with pytest.raises(Invalid), transaction():
        definitions.approve(edition_id, doctor, "hi", by=SYSTEM)
    with transaction():
        definitions.approve(edition_id, doctor, by=SYSTEM)
    assert definitions.is_approved(edition_id, "ar")


# ---- Rows from before approvals had a language ----


@pytest.fixture
def empty(data: Path, tmp_path: Path) -> Iterator[Flask]:
    url = _fresh_database(f"intake_{uuid.uuid4().hex[:12]}") if SERVER else f"sqlite:///{tmp_path / 'empty.db'}"
    app = create_app(settings_for(data, database_url=url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_an_approval_from_before_languages_were_told_apart_is_the_base_languages(empty: Flask, tmp_path: Path) -> None:
    declared = FILES["edition.yaml"].replace("[en]", "[en, hi]")
    library = compiled(tmp_path / "peel", edition=declared, hi=FILES["hi.po"] + HINDI)
    edition_id, noon = uuid.UUID(int=2), datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    rows: list[tuple[str, dict[str, Any]]] = [
        (
            "staff_member",
            {"id": DOCTOR, "email": "rao@clinic.example", "name": "Dr Rao", "password": "x", "active": True}
            | {"fs_uniquifier": "x", "created_at": noon},
        ),
        ("edition", {"id": edition_id, "name": "peel", "version": "1.0.0", "published_at": noon}),
        *(
            ("edition_file", {"edition_id": edition_id, "kind": k, "version": "1", "body": b, "sha256": "x"})
            for k, b in library.bodies.items()
        ),
        ("edition_approval", {"id": uuid.UUID(int=3), "edition_id": edition_id, "doctor_id": DOCTOR, "at": noon}),
    ]
    command.upgrade(setting_up.migration_config(), "0003")
    with db.engine.begin() as connection:
        for name, row in rows:
            types = {column.name: column.type for column in Base.metadata.tables[name].columns}
            bound = {key: bound_value(types[key], value) for key, value in row.items()}
            marks = ", ".join(f":{key}" for key in row)
            connection.execute(text(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})"), bound)
    setting_up.migrate(empty)
    assert definitions.is_approved(edition_id) and definitions.is_approved(edition_id, "en")
    assert not definitions.is_approved(edition_id, "hi")
    assert definitions.approvals_of(edition_id) == [definitions.Approval("en", DOCTOR, noon)]
    db.session.rollback()
    with clock.frozen(noon + timedelta(days=1)), transaction():
        definitions.approve(edition_id, DOCTOR, "hi", by=SYSTEM)
    assert definitions.is_approved(edition_id, "hi")


def bound_value(kind: Any, value: Any) -> Any:
    """A value as this database's driver takes it in plain SQL."""
    processor = kind.dialect_impl(db.engine.dialect).bind_processor(db.engine.dialect)
    return processor(value) if processor else value


# ---- Drafts ----


def test_a_questionnaire_is_brought_in_as_fhir_json_and_thrown_away_again(in_app: Flask) -> None:
    with transaction():
        draft_id = definitions.import_draft(FILES["questions.yaml"].encode(), "peel.yaml", by=SYSTEM)
        assert definitions.import_draft(FILES["questions.yaml"].encode(), "again.yaml", by=SYSTEM) == draft_id
    [draft] = definitions.list_drafts()
    assert (draft.file_name, str(draft.questionnaire.title)) == ("peel.yaml", "Before a peel")
    assert draft.body.startswith(b"{")
    with transaction():
        definitions.remove_draft(draft_id, by=SYSTEM)
    with pytest.raises(NotFound):
        definitions.get_draft(draft_id)
    assert [entry.event for entry in audit.history_of(str(draft_id))] == ["draft.imported", "draft.removed"]


def test_what_the_gate_refuses_is_not_kept(in_app: Flask) -> None:
    with pytest.raises(definitions.DefinitionError), transaction():
        definitions.import_draft(b"{}", "q.json", by=SYSTEM)
    assert definitions.list_drafts() == []
