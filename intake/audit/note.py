"""Signed notes and checkpoints in the forms of C2SP (signed-note, tlog-checkpoint), and the log's own Ed25519 key.

Which checkpoints there are, and whether they fit the log, is left to checkpoints.py.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from intake.errors import Damaged, Invalid
from intake.vault import read_key_file, write_key_file

LOG_KEY = "log.key"  # the name of its file, beside the other keys
ED25519 = b"\x01"  # signed-note's identifier of this kind of key
PRIVATE = "PRIVATE+KEY"  # how the first implementation of signed notes (Go's sumdb/note) writes a private key
NAME = re.compile(r"[^\s+]+")
SIGNATURE_LINE = re.compile(r"— ([^\s+]+) (\S+)")
TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


@dataclass(frozen=True)
class Verifier:
    """The public half of a log's key under its name. `str()` gives the verifier key to be printed and kept (vkey)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || 0x0A || 0x01 || public key)."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """The verifier of a vkey. Raises Invalid("audit.not_a_vkey")."""
        name, key_id, key = _split_key(vkey, "audit.not_a_vkey")
        verifier = cls(name, key)
        if key_id != verifier.key_id.hex():
            raise Invalid("audit.not_a_vkey")
        return verifier

    def open(self, note: str) -> str:
        """The text of a note that this key signed; other keys' signatures beside it count for nothing.

        Raises Invalid("audit.not_a_note"), Invalid("audit.other_key") where this key did not sign it, and
        Damaged("audit.bad_signature") where it says so and the text is another.
        """
        text, signatures = split_note(note)
        ours = [signed[4:] for name, signed in signatures if (name, signed[:4]) == (self.name, self.key_id)]
        if not ours:
            raise Invalid("audit.other_key")
        for signature in ours:
            try:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
            except InvalidSignature:
                raise Damaged("audit.bad_signature") from None
        return text


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text, which ends with a newline, and its signatures as (key name, key id and signature).

    Checks no signature. Raises Invalid("audit.not_a_note").
    """
    text, blank, lines = note.rpartition("\n\n")
    found = [SIGNATURE_LINE.fullmatch(line) for line in lines.removesuffix("\n").split("\n")]
    if not blank or not text or not lines.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in note):
        raise Invalid("audit.not_a_note")
    signatures = [(line[1], _bytes(line[2], "audit.not_a_note")) for line in found if line]
    if len(signatures) != len(found) or any(len(signed) <= 4 for _, signed in signatures):
        raise Invalid("audit.not_a_note")
    return text + "\n", signatures


def _split_key(key: str, code: str) -> tuple[str, str, bytes]:
    """(name, key id, 32 bytes) of an encoded key."""
    name, _, rest = key.partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = _bytes(encoded, code)
    if not NAME.fullmatch(name) or not re.fullmatch("[0-9a-f]{8}", key_id) or len(raw) != 33 or raw[:1] != ED25519:
        raise Invalid(code)
    return name, key_id, raw[1:]


def _bytes(encoded: str, code: str) -> bytes:
    try:
        raw = b64decode(encoded, validate=True)
    except (BadBase64, ValueError):
        raise Invalid(code) from None
    if b64encode(raw).decode() != encoded:  # one spelling for the same bytes
        raise Invalid(code)
    return raw


@dataclass(frozen=True)
class LogKey:
    """The key with which the clinic signs the state of its log; apart from the seal's, so that neither says the other's
    words. Its name stays what it was when the key was made."""

    verifier: Verifier
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "LogKey":
        """The key of this seed (RFC 8032). Raises ValueError for a name that signed notes do not take."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a key")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(Verifier(name, private.public_key().public_bytes_raw()), private)

    @classmethod
    def parse(cls, encoded: str) -> "LogKey":
        """The key as its file holds it. Raises Invalid("audit.not_a_key")."""
        if not encoded.startswith(f"{PRIVATE}+"):
            raise Invalid("audit.not_a_key")
        name, key_id, seed = _split_key(encoded.removeprefix(f"{PRIVATE}+"), "audit.not_a_key")
        key = cls.from_seed(name, seed)
        if key_id != key.verifier.key_id.hex():
            raise Invalid("audit.not_a_key")
        return key

    @property
    def encoded(self) -> str:
        """The private key as one line."""
        seed = b64encode(ED25519 + self.private.private_bytes_raw()).decode()
        return f"{PRIVATE}+{self.verifier.name}+{self.verifier.key_id.hex()}+{seed}"

    @classmethod
    def create(cls, path: Path, host: str) -> "LogKey":
        """Make the key's file unless it is there, and return the key; two processes that start at once get the same.

        It is called HOST/log/ and the beginning of the public key's hash: a clinic's host may be called like another's,
        and a log that goes on under another key is another log.
        """
        if not path.exists():
            private = Ed25519PrivateKey.generate()
            public = sha256(private.public_key().public_bytes_raw()).hexdigest()
            with suppress(FileExistsError):
                write_key_file(path, cls.from_seed(f"{host}/log/{public[:8]}", private.private_bytes_raw()).encoded)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "LogKey":
        """Read the key. Raises FileNotFoundError, PermissionError where others may read it,
        Invalid("audit.not_a_key")."""
        return cls.parse(read_key_file(path))

    def sign(self, text: str) -> str:
        """A signed note of this text, which ends with a newline (Ed25519: the same text is the same note)."""
        signed = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n— {self.verifier.name} {b64encode(signed).decode()}\n"


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries it has, and the root over them (tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text to be signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint of a note's text; extension lines are passed over.

        Raises Invalid("audit.not_a_checkpoint").
        """
        if (found := TEXT.fullmatch(text)) is None:
            raise Invalid("audit.not_a_checkpoint")
        return cls(found[1], int(found[2]), _bytes(found[3], "audit.not_a_checkpoint"))
