"""Sealing what is private: AES-256-GCM under a key per patient, itself wrapped by the clinic's key.

Every private column and file passes through here; destroying a patient's wrapped key erases all of it at once.
The clinic's key comes from a 0400 file. What rows mean is left to the rooms.
"""

import hmac
import os
import secrets
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from sqlalchemy import ColumnElement, ForeignKey, Row, Select, SQLColumnExpression, bindparam, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from intake import clock
from intake.db import Base, db, fetch, leave_no_trace, new_id, remembered
from intake.errors import Damaged, Fault, NotFound

VERSION = b"v1"
NONCE = 12
SHORTEST_PREFIX = 3  # code points; shorter would let a name be guessed letter by letter
LONGEST_PREFIX = 24
PATIENT_KEYS, WRAPPED_KEYS = "patient keys", "wrapped keys"


class PatientKey(Base):
    """A patient's data key, wrapped by the clinic's key. `destroyed_at` with no key is what erasure leaves."""

    __tablename__ = "patient_key"
    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes | None]
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


_WRAPPED = select(PatientKey.wrapped).where(PatientKey.patient_id == bindparam("patient"))
_ERASED = _WRAPPED.where(PatientKey.wrapped.is_(None), PatientKey.destroyed_at.is_not(None))


class BlindIndex(Base):
    """Keyed hashes of search words; tells nothing without the clinic's key."""

    __tablename__ = "blind_index"
    kind: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[bytes] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient_key.patient_id"), primary_key=True, index=True)


class Vault:
    """Holds the clinic's key, seals and opens. One for each application."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise ValueError("the clinic's key must be 32 bytes")
        self._clinic = AESGCM(_derive(master, b"intake wrap"))
        self._index = _derive(master, b"intake blind index")

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """Read the clinic's key. Raises PermissionError where others may read it, ValueError when it is not a key."""
        return cls(bytes.fromhex(read_key_file(path)))

    @staticmethod
    def create_file(path: Path) -> None:
        """Make a new clinic key. Raises FileExistsError rather than overwrite one."""
        write_key_file(path, secrets.token_hex(32))

    def wrap(self, patient_id: UUID, key: bytes) -> bytes:
        """A patient's key under the clinic's."""
        return _encrypt(self._clinic, key, b"patient_key|" + patient_id.bytes)

    def unwrap(self, patient_id: UUID, wrapped: bytes) -> bytes:
        """The patient's key. Raises Damaged with another clinic's key or another patient's row."""
        return _decrypt(self._clinic, wrapped, b"patient_key|" + patient_id.bytes)

    def seal_clinic(self, place: str, data: bytes) -> bytes:
        """Seal what belongs to the clinic and to no patient, such as a signing key."""
        return _encrypt(self._clinic, data, place.encode())

    def open_clinic(self, place: str, sealed: bytes) -> bytes:
        """Open what `seal_clinic` sealed at this place. Raises Damaged."""
        return _decrypt(self._clinic, sealed, place.encode())

    def token(self, kind: str, word: str) -> bytes:
        """The blind-index token of one normalised word."""
        return hmac.new(self._index, f"{kind}|{word}".encode(), sha256).digest()[:16]


def read_key_file(path: Path) -> str:
    """The one line of a key's file. Raises FileNotFoundError, PermissionError where others may read it."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise PermissionError(f"{path} may be read by others (mode {mode:o}); it must be 0400")
    return path.read_text("ascii").strip()


def write_key_file(path: Path, line: str) -> None:
    """Make a key's file, readable by this user alone. Raises FileExistsError rather than overwrite one.

    Whole and on the disk, its name too, before anything is done with the key.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="ascii") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(made, path)  # unlike a rename, a link never replaces what is there
    finally:
        made.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def the_vault() -> Vault:
    """The running application's vault."""
    vault: Vault = current_app.extensions["intake_vault"]
    return vault


def try_key() -> str:
    """Try the clinic's key: that it opens what it sealed, and the newest patient's key. Gives the code of what is wrong
    ("vault.other_key": the database was made with another), "" where nothing is."""
    key, place = the_vault(), "self-test"
    newest = select(PatientKey.patient_id, PatientKey.wrapped).where(PatientKey.wrapped.is_not(None))
    row = fetch(newest.order_by(PatientKey.created_at.desc()).limit(1)).first()
    try:
        if key.open_clinic(place, key.seal_clinic(place, b"intake")) != b"intake":
            return "vault.broken"
        if row is not None:
            key.unwrap(row.patient_id, row.wrapped)
    except Damaged:
        return "vault.other_key"
    return ""


def new_patient_key() -> UUID:
    """Begin a patient: make the id and its key. Everything private of that patient is sealed under it."""
    patient_id = new_id()
    wrapped = the_vault().wrap(patient_id, AESGCM.generate_key(256))
    db.session.add(PatientKey(patient_id=patient_id, wrapped=wrapped, created_at=clock.now(), destroyed_at=None))
    db.session.flush()
    return patient_id


def destroy_patient_key(patient_id: UUID) -> None:
    """Erase: nothing sealed for this patient can ever be opened again, and no search finds it. Raises NotFound.

    On SQLite the commit is followed by a checkpoint, so that the wrapped key is gone from the database and from its
    write-ahead log; where a reader holds that up, the worker does it within the hour. PostgreSQL keeps the old row
    until VACUUM, and its bytes until the page and the WAL are used again. Backups keep the key as long as themselves.
    """
    row = db.session.get(PatientKey, patient_id)
    if row is None or row.wrapped is None:
        raise NotFound("vault.no_patient_key", patient_id=patient_id)
    row.wrapped, row.destroyed_at = None, clock.now()
    for kind in (WRAPPED_KEYS, PATIENT_KEYS):
        remembered(kind).pop(patient_id, None)
    db.session.execute(delete(BlindIndex).where(BlindIndex.patient_id == patient_id))
    leave_no_trace()


def seal(patient_id: UUID, place: str, data: bytes) -> bytes:
    """Encrypt for one patient at one place ("table|column|row id"); a value moved elsewhere will not open."""
    return _encrypt(_patient_cipher(patient_id), data, place.encode())


def open_(patient_id: UUID, place: str, sealed: bytes) -> bytes:
    """Decrypt. Raises Damaged for any changed or moved byte, NotFound after erasure."""
    return _decrypt(_patient_cipher(patient_id), sealed, place.encode())


@dataclass(frozen=True)
class Opened:
    """A row with what is sealed in it: `data`, or None where it does not open. `is_erased` where it never will."""

    row: Row[*tuple[Any, ...]]
    data: bytes | None
    is_erased: bool = False


def open_each(query: Select[*tuple[Any, ...]], patient_id: SQLColumnExpression[UUID], place: str) -> Iterator[Opened]:
    """Every row that a query finds, with what is sealed in it opened, a few hundred at a time; remembers nothing.

    The query's first two columns are the id that stands in the row's place ("table|column" and the id), and what is
    sealed there.
    """
    keys = query.add_columns(patient_id, PatientKey.wrapped, PatientKey.destroyed_at)
    keys = keys.outerjoin(PatientKey, PatientKey.patient_id == patient_id)
    with fetch(keys.execution_options(yield_per=200)) as rows:
        for row in rows:
            row_id, sealed, *_rest, patient, wrapped, destroyed_at = row
            if wrapped is None:
                yield Opened(row, None, is_erased=destroyed_at is not None)
                continue
            try:
                cipher = AESGCM(the_vault().unwrap(patient, wrapped))
                yield Opened(row, _decrypt(cipher, sealed, f"{place}|{row_id}".encode()))
            except Damaged:
                yield Opened(row, None)


def open_once(patient_id: UUID, place: str, sealed: bytes) -> bytes:
    """What `open_` does, without remembering the patient's key; for who opens everybody's. Raises like it."""
    if (wrapped := fetch(_WRAPPED, patient=patient_id).scalar()) is None:
        raise NotFound("vault.no_patient_key", patient_id=patient_id)
    return _decrypt(AESGCM(the_vault().unwrap(patient_id, wrapped)), sealed, place.encode())


def erased(patient_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """The same for a query over rows of many patients: whether the key of the patient in a column was destroyed."""
    is_gone = (PatientKey.patient_id == patient_id, PatientKey.wrapped.is_(None), PatientKey.destroyed_at.is_not(None))
    return select(PatientKey.patient_id).where(*is_gone).exists()


def is_erased(patient_id: UUID) -> bool:
    """Whether the patient's key was destroyed, so that nothing of theirs opens again."""
    return fetch(_ERASED, patient=patient_id).first() is not None


def check_each(
    query: Select[*tuple[Any, ...]], patient_id: SQLColumnExpression[UUID], place: str, count: Counter[str]
) -> Iterator[Fault]:
    """What `open_each` cannot open, as "<table>.not_opened"; counts the table's rows, and the erased ones apart."""
    table = place.partition("|")[0]
    for opened in open_each(query, patient_id, place):
        count[table] += 1
        count["erased"] += opened.is_erased
        if opened.data is None and not opened.is_erased:
            yield Fault(f"{table}.not_opened", f"{table} {opened.row[0]}")


def with_key(query: Select[*tuple[Any, ...]], patient_id: SQLColumnExpression[UUID]) -> Select[*tuple[Any, ...]]:
    """A query that also asks for the wrapped key of the patient it finds, for `remember_key`."""
    return query.add_columns(PatientKey.wrapped).outerjoin(PatientKey, PatientKey.patient_id == patient_id)


def remember_key(patient_id: UUID, wrapped: bytes | None) -> None:
    """Spare this request another look for a patient's key, as it is stored: None where there is none. Whether it is
    sound shows when something is opened with it."""
    remembered(WRAPPED_KEYS)[patient_id] = wrapped


def index_patient(patient_id: UUID, *, name: str = "", phone: str = "", born_on: date | None = None) -> None:
    """Make a patient findable by these values, beside those already indexed."""
    vault = the_vault()
    wanted = {("name", vault.token("name", word)) for word in _name_words(name)}
    wanted |= {("phone", vault.token("phone", word)) for word in _phone_words(phone)}
    if born_on:
        wanted.add(("born_on", vault.token("born_on", born_on.isoformat())))
    indexed = select(BlindIndex.kind, BlindIndex.token).where(BlindIndex.patient_id == patient_id)
    have = {(kind, bytes(token)) for kind, token in db.session.execute(indexed)}
    for kind, token in sorted(wanted - have):
        db.session.add(BlindIndex(kind=kind, token=token, patient_id=patient_id))


def find_patients(*, name: str = "", phone: str = "", born_on: date | None = None) -> set[UUID]:
    """Patients matching all given values: each word of the name by prefix (3 letters or more, or a whole shorter word),
    the phone whole or by its last 4 digits, the date of birth exactly. Nothing usable given finds nobody."""
    vault, found = the_vault(), []
    tokens = [("name", vault.token("name", word)) for word in _words(name)]
    if digits := _digits(phone):
        tokens.append(("phone", vault.token("phone", digits if len(digits) == 4 else digits[-10:])))
    if born_on:
        tokens.append(("born_on", vault.token("born_on", born_on.isoformat())))
    for kind, token in tokens:
        query = select(BlindIndex.patient_id).where(BlindIndex.kind == kind, BlindIndex.token == token)
        found.append(set(db.session.scalars(query)))
    return set.intersection(*found) if found else set()


def _words(name: str) -> list[str]:
    """A name as it is compared: compatible forms, cases and invisible joiners made one (Unicode's NFKC_Casefold)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(letter for letter in folded if unicodedata.category(letter) != "Cf")
    return [word[:LONGEST_PREFIX] for word in seen.split()][:12]


def _name_words(name: str) -> Iterable[str]:
    for word in _words(name):
        yield word
        yield from (word[:end] for end in range(SHORTEST_PREFIX, len(word)))


def _digits(phone: str) -> str:
    return "".join(str(unicodedata.digit(c)) for c in phone if c.isdigit() and unicodedata.digit(c, None) is not None)


def _phone_words(phone: str) -> Iterable[str]:
    if digits := _digits(phone):
        yield digits[-10:]
        if len(digits) >= 4:
            yield digits[-4:]


def _patient_cipher(patient_id: UUID) -> AESGCM:
    ciphers: dict[UUID, AESGCM] = remembered(PATIENT_KEYS)
    if (cipher := ciphers.get(patient_id)) is None:
        wrapped: bytes | None = remembered(WRAPPED_KEYS).get(patient_id) or fetch(_WRAPPED, patient=patient_id).scalar()
        if wrapped is None:
            raise NotFound("vault.no_patient_key", patient_id=patient_id)
        cipher = ciphers[patient_id] = AESGCM(the_vault().unwrap(patient_id, wrapped))
    return cipher


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(master)


def _encrypt(cipher: AESGCM, data: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return VERSION + nonce + cipher.encrypt(nonce, data, VERSION + b"|" + place)


def _decrypt(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    if sealed[:2] != VERSION:
        raise Damaged("vault.unknown_version")
    nonce, body = sealed[2 : 2 + NONCE], sealed[2 + NONCE :]
    try:
        return cipher.decrypt(nonce, body, VERSION + b"|" + place)
    except (InvalidTag, ValueError):  # a value cut off inside its nonce is a ValueError
        raise Damaged("vault.not_intact") from None
