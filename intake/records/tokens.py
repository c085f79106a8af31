"""A seal on a token or another device that speaks PKCS #11: its key signs there and never leaves it.

Needs the extra `pkcs11`. The PIN is read from its file when the token is opened, and kept nowhere; that one was refused
is, for every process.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from intake import telemetry
from intake.config import OutsideSeal
from intake.errors import NotReady
from intake.records.seals import Seal, chain_file, path_of, read_secret

REFUSED_FILE = "refused-pin"


def from_pkcs11(where: OutsideSeal, directory: Path) -> Seal:
    """The seal on a token: the private key and the certificate of the name that the settings say; where the token has
    no certificate, the first of the chain's file. That a PIN was refused is kept in `directory`. Raises NotReady with
    what is missing or refused."""
    token, chain = _Token(where, directory / REFUSED_FILE), chain_file(where)
    data = token.certificate()
    if data is None and not chain:
        raise NotReady("seal.no_certificate")
    try:
        certificate = x509.load_der_x509_certificate(data) if data is not None else chain[0]
    except ValueError as error:
        raise NotReady("seal.no_certificate") from error
    token.is_rsa = not isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    between, root = path_of(certificate, [one for one in chain if one != certificate])
    return Seal(certificate, root, token.sign, between, is_slow=True)


_refused: set[str] = set()
"""PINs that were refused in this process, by the state of their file, should that not be kept."""


@dataclass
class _Token:
    """One token, opened when it is first asked and again after it failed. Its calls come one at a time."""

    where: OutsideSeal
    refused: Path
    is_rsa: bool = False
    _session: Any = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def certificate(self) -> bytes | None:
        """The certificate beside the key, in DER, or None."""
        from pkcs11 import Attribute, ObjectClass

        with self._opened() as session:
            wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: self.where.key}
            found = [bytes(one[Attribute.VALUE]) for one in session.get_objects(wanted)]
        return found[0] if found else None

    def sign(self, data: bytes) -> bytes:
        """The key's signature with SHA-256: ECDSA P-256 in DER, or RSA (PKCS #1 v1.5)."""
        from pkcs11 import Attribute, Mechanism, ObjectClass
        from pkcs11.util.ec import encode_ecdsa_signature

        with self._opened() as session:
            wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: self.where.key}
            keys = list(session.get_objects(wanted))
            if len(keys) != 1:
                raise NotReady("seal.token_key_missing", found=len(keys))
            if self.is_rsa:
                return bytes(keys[0].sign(data, mechanism=Mechanism.SHA256_RSA_PKCS))
            # Not every token hashes by itself, so it is given the digest.
            return bytes(encode_ecdsa_signature(keys[0].sign(sha256(data).digest(), mechanism=Mechanism.ECDSA)))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The token's session. One that failed is dropped: the next call looks for the token anew."""
        try:
            from pkcs11 import exceptions
        except ImportError as error:
            raise NotReady("seal.token_software_missing") from error
        with self._lock:
            try:
                if self._session is None:
                    self._session = _open(self.where, self.refused)
                yield self._session
            except NotReady:  # a token that was pulled out shows as one without its key
                self._session = None
                raise
            except exceptions.PKCS11Error as error:
                self._session = None
                code = "pin_locked" if isinstance(error, exceptions.PinLocked) else "token_failed"
                raise NotReady(f"seal.{code}", reason=type(error).__name__) from error


def _as_it_is(where: OutsideSeal, pin_file: Path) -> str:
    """A token and the present state of its PIN's file, without the PIN."""
    file = pin_file.stat()
    return json.dumps([where.token, file.st_ino, file.st_mtime_ns])


def _open(where: OutsideSeal, refused: Path) -> Any:
    """The token's session, after its PIN was taken. Most tokens lock after three wrong PINs, so one that was refused is
    not given again by any process until its file is another; processes take turns, so that not each tries it once."""
    from pkcs11 import exceptions

    assert where.pin_file is not None  # noqa: S101  # the settings see to it
    with _turn(refused.parent):
        read_secret(where.pin_file)  # what is wrong with the file is said before its state is asked
        state = _as_it_is(where, where.pin_file)
        if state in _refused or state == _kept(refused):
            raise NotReady("seal.wrong_pin")
        token = _find(where)
        try:
            session = token.open(user_pin=read_secret(where.pin_file))
        except (exceptions.PinIncorrect, exceptions.PinLenRange, exceptions.PinInvalid) as error:
            _refused.add(state)
            _keep(refused, state)
            raise NotReady("seal.wrong_pin", reason=type(error).__name__) from error
        _keep(refused, "")
    return session


def _find(where: OutsideSeal) -> Any:
    import pkcs11

    if where.pkcs11_module is None or not where.pkcs11_module.is_file():
        raise NotReady("seal.module_missing", file=str(where.pkcs11_module))
    try:
        library = pkcs11.lib(str(where.pkcs11_module))
    except RuntimeError as error:  # it is no module, or one that does not begin
        raise NotReady("seal.module_missing", file=str(where.pkcs11_module)) from error
    library.reinitialize()  # a module lists the tokens it found when it began
    tokens = [token for token in library.get_tokens(token_label=where.token)]
    if len(tokens) != 1:
        raise NotReady("seal.token_missing", found=len(tokens))
    return tokens[0]


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NotReady("seal.unreadable", file=str(folder)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _kept(refused: Path) -> str:
    try:
        return refused.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:  # it may say that the PIN was refused
        raise NotReady("seal.unreadable", file=str(refused)) from error


def _keep(refused: Path, state: str) -> None:
    """Write down which PIN was refused; an empty state that none is."""
    try:
        if not state:
            refused.unlink(missing_ok=True)
            return
        made = refused.with_name(f".{refused.name}")  # processes take turns
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        made.replace(refused)
    except OSError as error:  # this process remembers it all the same
        telemetry.log.error("seal.refused_pin_not_kept", exc_info=error)
