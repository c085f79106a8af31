"""A seal on a token or another device that speaks PKCS #11: its key signs there and never leaves it.

Needs the extra `pkcs11`. The PIN is read from its file when the token is opened, and kept nowhere.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from intake.config import OutsideSeal
from intake.errors import NotReady
from intake.records.seals import Seal, chain_file, path_of, read_secret


def from_pkcs11(where: OutsideSeal) -> Seal:
    """The seal on a token: the private key and the certificate of the name that the settings say; where the token has
    no certificate, the first of the chain's file. Raises NotReady with what is missing or refused."""
    token, chain = _Token(where), chain_file(where)
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


_refused: set[tuple[str, int, int]] = set()
"""PINs that were refused, by the state of their file: most tokens lock after three, and what waits asks often."""


@dataclass
class _Token:
    """One token, opened when it is first asked and again after it failed. Its calls come one at a time."""

    where: OutsideSeal
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
                    self._session = _open(self.where)
                yield self._session
            except NotReady:  # a token that was pulled out shows as one without its key
                self._session = None
                raise
            except exceptions.PKCS11Error as error:
                self._session = None
                is_pin = isinstance(error, exceptions.PinIncorrect | exceptions.PinLenRange | exceptions.PinInvalid)
                if is_pin:
                    _refused.add(_as_it_is(self.where))
                code = "wrong_pin" if is_pin else "pin_locked" if isinstance(error, exceptions.PinLocked) else ""
                raise NotReady(f"seal.{code or 'token_failed'}", reason=type(error).__name__) from error


def _as_it_is(where: OutsideSeal) -> tuple[str, int, int]:
    """A token and the present state of its PIN's file, without the PIN."""
    assert where.pin_file is not None  # noqa: S101  # the settings see to it
    file = where.pin_file.stat()
    return where.token, file.st_ino, file.st_mtime_ns


def _open(where: OutsideSeal) -> Any:
    import pkcs11

    assert where.pin_file is not None  # noqa: S101  # the settings see to it
    pin = read_secret(where.pin_file)
    if _as_it_is(where) in _refused:
        raise NotReady("seal.wrong_pin")
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
    return tokens[0].open(user_pin=pin)
