"""A key that seals, with what stands behind it: the clinic's own, or one that another authority certified (PKCS #12).

A key on a token is opened by `tokens.py`; which seal is in use, and what with one that is out of order, `keeping.py`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from intake.config import OutsideSeal
from intake.errors import NotReady
from intake.records.certificates import ECDSA, FOLDER, ClinicKeys, fingerprint, has_signed, is_issued_by
from intake.records.trust import KNOWN, read_certificates

SHORTEST_RSA = 2048  # bits (ETSI TS 119 312, 6.2)
PROBE = b"intake: does this key sign?"


@dataclass(frozen=True)
class Seal:
    """A key that seals. `chain` are the certificates between it and its root; `is_slow` where each signature asks a
    device, so that no patient's page may wait for it."""

    certificate: x509.Certificate
    root: x509.Certificate
    sign: Callable[[bytes], bytes] = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    is_slow: bool = False

    def check(self) -> None:
        """Try the key and its certificate. Raises NotReady with what is wrong: another kind of key than records take,
        a certificate that is not for signatures, or another key than the certificate's."""
        public = self.certificate.public_key()
        is_taken = (isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1)) or (
            isinstance(public, rsa.RSAPublicKey) and public.key_size >= SHORTEST_RSA
        )
        if not is_taken:
            raise NotReady("seal.kind_of_key")
        try:
            usage = self.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
            is_for_signing = usage.content_commitment
        except x509.ExtensionNotFound:
            is_for_signing = False
        if not is_for_signing:
            raise NotReady("seal.not_for_signing")
        if not has_signed(self.certificate, PROBE, self.sign(PROBE)):
            raise NotReady("seal.key_differs")


def own(keys: ClinicKeys) -> Seal:
    """The seal that the clinic's own root certified."""
    return Seal(keys.seal, keys.root, software(keys.private))


def software(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    """Signs with a key that is in memory, with SHA-256: ECDSA in DER, or RSA (PKCS #1 v1.5)."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return lambda data: private.sign(data, ECDSA)
    return lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA256())


def from_pkcs12(where: OutsideSeal) -> Seal:
    """The seal of a PKCS #12 file (RFC 7292). Raises NotReady with what is missing or cannot be used."""
    assert where.pkcs12 is not None and where.password_file is not None  # noqa: S101  # the settings see to it
    password = read_secret(where.password_file)
    data = _read(where.pkcs12)
    try:
        found = pkcs12.load_pkcs12(data, password.encode())
    except ValueError as error:
        raise NotReady("seal.wrong_password", file=str(where.pkcs12)) from error
    if found.cert is None or not isinstance(found.key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise NotReady("seal.kind_of_key", file=str(where.pkcs12))
    certificate = found.cert.certificate
    chain, root = path_of(certificate, [*(one.certificate for one in found.additional_certs), *chain_file(where)])
    return Seal(certificate, root, software(found.key), chain)


def path_of(
    certificate: x509.Certificate, given: Sequence[x509.Certificate]
) -> tuple[tuple[x509.Certificate, ...], x509.Certificate]:
    """The certificates between this one and its root, and the root, picked from those given.
    Raises NotReady("seal.chain_incomplete")."""
    chain: list[x509.Certificate] = []
    last = certificate
    for _ in range(len(given)):
        above = next((one for one in given if is_issued_by(one, last)), None)
        if above is None:
            break
        if is_issued_by(above, above):
            return tuple(chain), above
        chain.append(above)
        last = above
    raise NotReady("seal.chain_incomplete")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate says that it gives others (RFC 5280, 4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def chain_file(where: OutsideSeal) -> tuple[x509.Certificate, ...]:
    """The certificates of the settings' `chain`; none where none is named. Raises NotReady."""
    if where.chain is None:
        return ()
    _read(where.chain)
    try:
        return read_certificates(where.chain)
    except ValueError as error:
        raise NotReady("seal.no_certificate", file=str(where.chain)) from error


def read_secret(path: Path) -> str:
    """The first line of a password's or PIN's file. Raises NotReady where it is not there, cannot be read, or may be
    read by others."""
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        raise NotReady("seal.file_missing", file=str(path)) from error
    if mode & 0o077:
        raise NotReady("seal.open_to_others", file=str(path))
    try:
        return _read(path).decode().split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError as error:
        raise NotReady("seal.unreadable", file=str(path)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotReady("seal.file_missing", file=str(path)) from error
    except OSError as error:
        raise NotReady("seal.unreadable", file=str(path)) from error


def remember(directory: Path, seal: Seal) -> None:
    """Keep the certificates of a seal from elsewhere beside the clinic's root, so that what it sealed can be checked
    when it is replaced; twice is once."""
    folder = directory / FOLDER / KNOWN
    final = folder / f"{fingerprint(seal.certificate)[:32]}.pem"
    if final.exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    made = final.with_name(f".{final.name}-{os.getpid()}")
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in (seal.certificate, *seal.chain, seal.root))
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    made.rename(final)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
