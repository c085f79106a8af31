"""The vault: what is sealed opens for its patient at its place and nowhere else, and never again after erasure."""

import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select

from intake import cli, consent, jobs, setting_up, staff, telemetry, vault, visits
from intake.access import Actor
from intake.config import Settings
from intake.db import db, transaction
from intake.errors import Damaged, NotFound
from intake.i18n import clinic
from intake.vault import BlindIndex, PatientKey, Vault
from tests import builders
from tests.conftest import SERVER
from tests.loglines import log_lines

LOOSE = Vault(bytes(range(32)))  # a vault without a database, for what needs none
ON_SQLITE = pytest.mark.skipif(bool(SERVER), reason="reads SQLite's own files")
PLACES = some.text(max_size=40)


@given(PLACES, some.binary(max_size=300))
def test_what_is_sealed_opens_again_and_shows_nothing_of_itself(place: str, data: bytes) -> None:
    sealed = LOOSE.seal_clinic(place, data)
    assert LOOSE.open_clinic(place, sealed) == data
    assert len(data) < 8 or data not in sealed


@given(PLACES, some.binary(max_size=300))
def test_the_same_sealed_twice_looks_different(place: str, data: bytes) -> None:
    assert LOOSE.seal_clinic(place, data) != LOOSE.seal_clinic(place, data)


@given(some.binary(max_size=60), some.data())
def test_any_one_changed_bit_is_damage(data: bytes, draw: some.DataObject) -> None:
    sealed = LOOSE.seal_clinic("place", data)
    at = draw.draw(some.integers(0, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(Damaged):
        LOOSE.open_clinic("place", bytes(changed))


@given(some.binary(max_size=60), some.data())
def test_a_value_cut_off_or_added_to_is_damage(data: bytes, draw: some.DataObject) -> None:
    sealed = LOOSE.seal_clinic("place", data)
    with pytest.raises(Damaged):
        LOOSE.open_clinic("place", sealed[: draw.draw(some.integers(0, len(sealed) - 1))])
    with pytest.raises(Damaged):
        LOOSE.open_clinic("place", sealed + draw.draw(some.binary(min_size=1, max_size=9)))


@given(some.tuples(PLACES, PLACES).filter(lambda pair: pair[0] != pair[1]))
def test_a_value_moved_to_another_place_is_damage(pair: tuple[str, str]) -> None:
    with pytest.raises(Damaged):
        LOOSE.open_clinic(pair[1], LOOSE.seal_clinic(pair[0], b"x"))


def test_another_clinics_key_opens_nothing() -> None:
    other = Vault(bytes(32))
    patient = uuid4()
    with pytest.raises(Damaged):
        other.open_clinic("place", LOOSE.seal_clinic("place", b"x"))
    with pytest.raises(Damaged):
        other.unwrap(patient, LOOSE.wrap(patient, bytes(32)))
    assert other.token("name", "farida") != LOOSE.token("name", "farida")


def test_a_patients_key_put_into_another_patients_row_is_damage() -> None:
    with pytest.raises(Damaged):
        LOOSE.unwrap(uuid4(), LOOSE.wrap(uuid4(), bytes(32)))


# ---- The key file ----


def test_a_new_key_is_readable_by_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "vault.key"
    Vault.create_file(path)
    first = path.read_text("ascii")
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(FileExistsError):
        Vault.create_file(path)
    assert path.read_text("ascii") == first
    assert [file.name for file in path.parent.iterdir()] == ["vault.key"]
    assert Vault.from_file(path).open_clinic("p", Vault.from_file(path).seal_clinic("p", b"x")) == b"x"


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o600 | 0o020, 0o644])
def test_a_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "vault.key"
    Vault.create_file(path)
    path.chmod(mode)
    with pytest.raises(PermissionError, match="may be read by others"):
        Vault.from_file(path)


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vault.key"
    path.write_text(text, "ascii")
    path.chmod(0o400)
    with pytest.raises(ValueError, match=r"key must be 32 bytes|non-hexadecimal"):
        Vault.from_file(path)


def test_a_clinic_whose_key_is_lost_does_not_get_a_new_one_by_starting(settings: Settings) -> None:
    from intake import create_app

    (settings.keys / "vault.key").unlink()
    with pytest.raises(FileNotFoundError):
        create_app(settings)
    assert not (settings.keys / "vault.key").exists()


def test_setting_up_again_leaves_every_key_as_it_was(settings: Settings) -> None:
    before = {path: path.read_bytes() for path in settings.keys.rglob("*") if path.is_file()}
    setting_up.make_keys(settings)
    assert {path: path.read_bytes() for path in settings.keys.rglob("*") if path.is_file()} == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in before if path.suffix == ".key"} == {0o400}


# ---- Patients ----


@pytest.fixture
def patient(in_app: Flask) -> UUID:
    with transaction():
        return vault.new_patient_key()


def test_a_patients_value_opens_for_that_patient_at_that_place_only(patient: UUID) -> None:
    with transaction():
        other = vault.new_patient_key()
    sealed = vault.seal(patient, "response|body|1", b"private")
    assert vault.open_(patient, "response|body|1", sealed) == b"private"
    for wrong in ((other, "response|body|1"), (patient, "response|body|2"), (patient, "response|bod|y1")):
        with pytest.raises(Damaged):
            vault.open_(*wrong, sealed)


def test_erasure_ends_reading_and_finding_and_leaves_everybody_else_alone(patient: UUID) -> None:
    with transaction():
        other = vault.new_patient_key()
        for one in (patient, other):
            vault.index_patient(one, name="Farida Sheikh", phone="98400 00421", born_on=date(1968, 3, 4))
    mine, theirs = (vault.seal(one, "place", b"private") for one in (patient, other))
    with transaction():
        vault.destroy_patient_key(patient)
    with pytest.raises(NotFound):
        vault.open_(patient, "place", mine)
    with pytest.raises(NotFound):
        vault.seal(patient, "place", b"more")
    assert vault.find_patients(name="Farida") == {other}
    assert vault.find_patients(phone="0421") == vault.find_patients(born_on=date(1968, 3, 4)) == {other}
    assert vault.open_(other, "place", theirs) == b"private"
    row = db.session.get_one(PatientKey, patient)
    assert row.wrapped is None and row.destroyed_at is not None
    assert not db.session.scalars(select(BlindIndex).where(BlindIndex.patient_id == patient)).all()


def test_erasing_twice_or_somebody_unknown_is_refused(patient: UUID) -> None:
    with transaction():
        vault.destroy_patient_key(patient)
    for gone in (patient, uuid4()):
        with pytest.raises(NotFound), transaction():
            vault.destroy_patient_key(gone)


def in_files(data: Path, secret: bytes) -> list[str]:
    """The files of the database that hold these bytes."""
    return sorted(path.name for path in data.glob("intake.db*") if secret in path.read_bytes())


def sealed_bytes(patient: UUID) -> bytes:
    wrapped = bytes(db.session.get_one(PatientKey, patient).wrapped or b"")
    db.session.rollback()
    assert len(wrapped) > 32
    return wrapped


@ON_SQLITE
def test_an_erased_key_is_gone_from_the_database_and_its_log_at_once(patient: UUID, data: Path) -> None:
    wrapped = sealed_bytes(patient)
    with transaction():
        vault.index_patient(patient, name="Farida Sheikh")
    token = vault.the_vault().token("name", "farida")
    assert in_files(data, wrapped) and in_files(data, token), "while the clinic works"
    with transaction():
        vault.destroy_patient_key(patient)
    assert in_files(data, wrapped) == in_files(data, token) == []
    assert (data / "intake.db-wal").stat().st_size == 0


@ON_SQLITE
def test_an_erasure_that_fails_destroys_nothing_and_empties_no_log(patient: UUID, data: Path) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        vault.destroy_patient_key(patient)
        raise ZeroDivisionError
    with transaction():
        vault.index_patient(patient, name="Farida Sheikh")
    assert (data / "intake.db-wal").stat().st_size > 0
    assert vault.open_(patient, "place", vault.seal(patient, "place", b"x")) == b"x"


@ON_SQLITE
def test_where_somebody_still_reads_the_old_state_the_worker_finishes_the_erasure(
    in_app: Flask, patient: UUID, data: Path
) -> None:
    wrapped = sealed_bytes(patient)
    with sqlite3.connect(data / "intake.db", isolation_level=None) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM patient_key").fetchone()
        with transaction():
            vault.destroy_patient_key(patient)
        assert in_files(data, wrapped), "the reader may still ask for it"
        reader.execute("COMMIT")
    reader.close()
    cli.work(in_app, threading.Event(), once=True)
    assert in_files(data, wrapped) == []


# ---- Finding ----


@pytest.fixture
def known(in_app: Flask) -> Iterator[dict[UUID, str]]:
    people = {
        "Farida Sheikh": ("+91 98400 00421", date(1968, 3, 4)),
        "फ़रीदा शेख़": ("९८४०० ००५२२", date(1990, 12, 31)),
        "Zoë Łukasiewicz Ng": ("022-2367 1234", date(2001, 2, 28)),
        "STRASSER, Jo": ("7777", date(1950, 1, 1)),
    }
    ids = {}
    with transaction():
        for name, (phone, born_on) in people.items():
            ids[vault.new_patient_key()] = name
            vault.index_patient(list(ids)[-1], name=name, phone=phone, born_on=born_on)
    yield ids


def found(known: dict[UUID, str], **what: object) -> list[str]:
    return sorted(known[one] for one in vault.find_patients(**what))  # type: ignore[arg-type]


FOUND = [
    ("Farida", "Farida Sheikh"),
    ("FAR", "Farida Sheikh"),
    ("shei far", "Farida Sheikh"),
    ("  sheikh  ", "Farida Sheikh"),
    ("\uff26arida", "Farida Sheikh"),
    ("शेख़", "फ़रीदा शेख़"),
    ("फ़री", "फ़रीदा शेख़"),
    ("\u095eरीदा", "फ़रीदा शेख़"),
    ("\u092b\u093cरीदा", "फ़रीदा शेख़"),
    ("शे\u200dख", "फ़रीदा शेख़"),
    ("zoë", "Zoë Łukasiewicz Ng"),
    ("zoe\u0308", "Zoë Łukasiewicz Ng"),
    ("ŁUK", "Zoë Łukasiewicz Ng"),
    ("ng", "Zoë Łukasiewicz Ng"),
    ("straßer", "STRASSER, Jo"),
    ("jo", "STRASSER, Jo"),
]


def test_a_name_is_found_by_the_beginning_of_its_words(known: dict[UUID, str]) -> None:
    assert [(typed, found(known, name=typed)) for typed, _ in FOUND] == [(typed, [who]) for typed, who in FOUND]


def test_too_little_or_something_else_finds_nobody(known: dict[UUID, str]) -> None:
    for typed in ["", "  ", "fa", "n", "arida", "faridaa", "far xyz", "शे", "%", "far_"]:
        assert found(known, name=typed) == [], typed


def test_a_phone_is_found_whole_or_by_its_last_four_digits_in_any_script(known: dict[UUID, str]) -> None:
    for typed in ["0421", "9840000421", "98400 00421", "+91 (98400) 00421", "०४२१", "９８４００００４２１"]:
        assert found(known, phone=typed) == ["Farida Sheikh"], typed


def test_a_phone_kept_in_devanagari_is_found_in_latin_digits(known: dict[UUID, str]) -> None:
    assert found(known, phone="9840000522") == found(known, phone="0522") == ["फ़रीदा शेख़"]


def test_another_part_of_a_phone_finds_nobody(known: dict[UUID, str]) -> None:
    for typed in ["421", "98400", "0000421", "no number", "²³⁴⁵"]:
        assert found(known, phone=typed) == [], typed


def test_a_date_of_birth_is_found_exactly_and_all_that_is_given_must_fit(known: dict[UUID, str]) -> None:
    born_on = date(1968, 3, 4)
    assert found(known, born_on=born_on) == found(known, born_on=born_on, name="sheikh") == ["Farida Sheikh"]
    assert found(known, born_on=date(1968, 4, 3)) == found(known, born_on=born_on, name="zoë") == []
    assert found(known) == []


def test_a_changed_name_is_found_by_the_new_one_and_still_by_the_old(known: dict[UUID, str]) -> None:
    patient = next(iter(known))
    with transaction():
        vault.index_patient(patient, name="Farida Kazi")
        vault.index_patient(patient, name="Farida Kazi")
    assert found(known, name="kazi") == found(known, name="sheikh") == ["Farida Sheikh"]


@given(some.text(max_size=80))
def test_any_name_whatever_finds_itself(name: str) -> None:
    words = set(vault._name_words(name))
    assert words.issuperset(vault._words(name))
    assert all(len(word) <= vault.LONGEST_PREFIX for word in words)


# ---- Canary: nothing private lies in the clear ----

CANARY = {
    "id.name": "Quokkalina Zanzibarsson",
    "id.dob": "1947-08-29",
    "ct.mobile": "9123407589",
    "ct.ec_name": "Wombatius Zanzibarsson",
    "ct.ec_phone": "9123407590",
    "bi.change": "Tasmanian platypus whispers",
}
TYPED = ("Quokkalina", "Zanzibarsson", "1947-08-29", "9123407589", "9123407590", "Wombatius", "platypus whispers")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every line of every log while a test runs."""
    with log_lines() as written:
        yield written


@pytest.mark.skipif(bool(SERVER), reason="reads the database's own files")
def test_after_a_whole_visit_no_private_word_lies_anywhere_in_the_clear(app: Flask, data: Path) -> None:
    given_answers = dict(builders.HEALTHY) | CANARY
    visit_id = builders.a_signed_visit(app, given_answers, name=CANARY["id.name"], phone=CANARY["ct.mobile"])
    with app.test_request_context():
        doctor = Actor("staff", visits.get_visit(visit_id).doctor_id, frozenset())
        member = staff.get_member(visits.get_visit(visit_id).doctor_id)
        named = {"id": str(member.id), "name": member.name, "registration_no": member.registration_no}
        part = {"doctor": named, "decisions": [], "words": "Echidna seen"}
        with transaction():
            consent.decide(clinic(), visit_id, consent.Kind.COUNTERSIGNED, part, by=doctor)
        assert jobs.run_due()
        assert not jobs.list_unfinished()
        db.session.remove()
        wal = (data / "intake.db-wal").stat().st_size
        assert wal, "the write-ahead log is looked at too"
        private = [word.encode(code) for word in (*TYPED, "Echidna") for code in ("utf-8", "utf-16-le")]
        stored = [path for path in data.rglob("*") if path.is_file()]
        assert any("files" in path.parts for path in stored)
        leaks = [(path.name, word) for path in stored for word in private if word in path.read_bytes()]
    assert leaks == []


def test_a_crash_leaves_its_kind_and_place_in_the_log_and_not_what_somebody_typed(lines: list[str]) -> None:
    try:
        raise ValueError(f"cannot read {CANARY['id.name']}\n{{'forged': 'line'}}")
    except ValueError as error:
        telemetry.log.error("crash", exc_info=error)
    telemetry.note("refused", code="x\r\n{}\x1b[31m")
    first, second = (json.loads(line) for line in lines[-2:])
    assert first["error"] == "ValueError" and first["where"].startswith("test_vault.py:")
    assert not [line for line in lines if CANARY["id.name"] in line or "\n" in line or "\x1b" in line]
    assert second["code"] == "x\r\n{}\x1b[31m"


def test_nonces_do_not_repeat() -> None:
    sealed = {LOOSE.seal_clinic("p", b"")[2:14] for _ in range(20_000)}
    assert len(sealed) == 20_000


def test_a_damaged_key_hides_what_is_sealed_under_it_and_not_the_visit(app: Flask) -> None:
    visit_id = builders.a_visit(app)
    with app.test_request_context():
        patient_id = visits.get_visit(visit_id).patient_id
        with transaction():
            row = db.session.get(PatientKey, patient_id)
            assert row is not None and row.wrapped is not None
            row.wrapped = row.wrapped[:-1] + bytes([row.wrapped[-1] ^ 1])
        assert visits.get_visit(visit_id).patient_id == patient_id
        with pytest.raises(Damaged):
            visits.facts_of(patient_id)
