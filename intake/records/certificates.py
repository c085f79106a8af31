"""The clinic's certificates: its root, its seal, and one for each doctor, all EC P-256; making, keeping, reading them.

A doctor's private key is kept by `doctor_keys.py`; a seal from elsewhere is `seals.py`, signing `seal.py`, checking
`verifying.py`.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from intake import clock
from intake.errors import NotReady

FOLDER = "seal"
PLAIN = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
ECDSA = ec.ECDSA(hashes.SHA256())
DOCTOR = "Doctor"  # the title (X.520, 2.5.4.12) that tells a doctor's certificate from the seal's
ROOT_LIFE = timedelta(days=20 * 365 + 5)
SEAL_LIFE = timedelta(days=3 * 365 + 1)
DOCTOR_LIFE = timedelta(days=3 * 365 + 1)
GENERATION = re.compile(r"seal-([1-9][0-9]{0,4})")  # a renewed seal's folder; the first lies beside the root
UNPRINTABLE = re.compile(r"[^A-Za-z0-9 '()+,./:=?-]")
SLACK = timedelta(hours=1)  # a clock that is set back a little must not find its own certificate unborn
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@dataclass(frozen=True)
class Doctor:
    """A doctor as a certificate names them."""

    name: str
    registration_no: str = ""


@dataclass(frozen=True)
class ClinicKeys:
    """The clinic's root and its seal. The root's private key stays in its file until the next certificate."""

    root: x509.Certificate
    seal: x509.Certificate
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    folder: Path = field(repr=False)

    @property
    def root_fingerprint(self) -> str:
        """SHA-256 of the root certificate, to be printed and kept on paper."""
        return fingerprint(self.root)

    @property
    def seal_fingerprint(self) -> str:
        """SHA-256 of the seal's certificate; tells which certificate a signature over evidence needs."""
        return fingerprint(self.seal)

    @classmethod
    def create(cls, directory: Path, clinic_name: str) -> "ClinicKeys":
        """Make the keys in `directory`/seal unless they are there, and return them as `load` does."""
        cls.create_files(directory, clinic_name)
        return cls.load(directory)

    @staticmethod
    def create_files(directory: Path, clinic_name: str) -> None:
        """Make the keys in `directory`/seal unless they are there: a root for 20 years, a seal for 3.

        All of them or none, also after a crash; two processes that start at once get the same ones. Both are EC P-256.
        """
        final = directory / FOLDER
        if not final.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=directory))
            try:
                for name, data in _new_files(clinic_name, clock.now()).items():
                    _write(made / name, data)
                _sync(made)
                made.rename(final)
                _sync(directory)
            except OSError:
                if not final.exists():
                    raise
            finally:
                shutil.rmtree(made, ignore_errors=True)

    @classmethod
    def load(cls, directory: Path) -> "ClinicKeys":
        """Read the keys of `directory`/seal.

        The seal is the newest of those that were made. Raises FileNotFoundError without them, PermissionError when
        others may read the private key, ValueError when it belongs to another certificate.
        """
        folder = directory / FOLDER
        root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
        newest = generations(folder)[-1]
        seal = x509.load_pem_x509_certificate((newest / "seal.pem").read_bytes())
        private = _read_key(newest / "seal.key", seal)
        return cls(root, seal, private, folder)

    def renew(self, number: int | None = None) -> "ClinicKeys":
        """Make the seal a new key with a certificate from now for 3 years, no longer than the root's; gives the keys as
        they are then. The certificate before stays for verifying, its private key is destroyed.

        All or nothing, also after a crash; of those that make the seal of the same `number` at once (the next one
        where none is named) one wins, and all get its keys. Raises what `issue` does, and OSError.
        """
        number = number or len(generations(self.folder)) + 1
        root_key, life = self._root_key(SEAL_LIFE)
        private = ec.generate_private_key(ec.SECP256R1())
        certificate = _leaf(self.seal.subject, private.public_key(), clock.now(), life, self.root.subject, root_key)
        made = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=self.folder))
        final = self.folder / f"{FOLDER}-{number}"
        try:
            _write(made / "seal.key", private.private_bytes(*PLAIN))
            _write(made / "seal.pem", certificate.public_bytes(serialization.Encoding.PEM))
            _sync(made)
            made.rename(final)
            _sync(self.folder)
        except OSError:
            if not final.exists():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
        keys = ClinicKeys.load(self.folder.parent)
        for old in generations(self.folder)[:-1]:
            (old / "seal.key").unlink(missing_ok=True)
        return keys

    def issue(self, doctor: Doctor, public: ec.EllipticCurvePublicKey) -> x509.Certificate:
        """A certificate for a doctor's key, from now for 3 years, but no longer than the root's.

        Raises NotReady("seal.no_root_key") where the root's private key is not there and
        NotReady("seal.root_not_in_force") when the root has ended; PermissionError and ValueError like `load`.
        """
        root_key, life = self._root_key(DOCTOR_LIFE)
        return _leaf(_doctor_name(self.root, doctor), public, clock.now(), life, self.root.subject, root_key)

    def _root_key(self, life: timedelta) -> tuple[ec.EllipticCurvePrivateKey, timedelta]:
        """The root's private key, read for a certificate alone, and how long that one may live."""
        now = clock.now()
        if not self.root.not_valid_before_utc <= now < self.root.not_valid_after_utc:
            raise NotReady("seal.root_not_in_force", until=self.root.not_valid_after_utc.isoformat())
        try:
            root_key = read_root_key(self)
        except FileNotFoundError as error:
            raise NotReady("seal.no_root_key") from error
        return root_key, min(life, self.root.not_valid_after_utc - now)


def generations(folder: Path) -> list[Path]:
    """The folders that hold a seal of the clinic's own, the newest last: the root's own, then those of renewals."""
    found = ((GENERATION.fullmatch(path.name), path) for path in folder.iterdir())
    renewed = sorted((int(name[1]), path) for name, path in found if name)
    return [folder, *(path for _, path in renewed)]


def read_root_key(keys: ClinicKeys) -> ec.EllipticCurvePrivateKey:
    """The root's private key, for one certificate or list. Raises FileNotFoundError where it is kept elsewhere, and
    PermissionError and ValueError like `ClinicKeys.load`."""
    return _read_key(keys.folder / "root.key", keys.root)


def doctor_of(certificate: x509.Certificate) -> Doctor | None:
    """The doctor whom a certificate names, or None where it is not a doctor's."""
    if _first(certificate, NameOID.TITLE) != DOCTOR:
        return None
    return Doctor(_first(certificate, NameOID.COMMON_NAME), _first(certificate, NameOID.SERIAL_NUMBER))


def as_certified(doctor: Doctor) -> Doctor:
    """The doctor as a certificate has room for them: 64 bytes for the name and for the registration number, and in the
    number "?" for what a PrintableString has no letter for (X.520, 6.2.9; X.680, 41.4)."""
    number = UNPRINTABLE.sub("?", doctor.registration_no.strip())
    return Doctor(_cut(" ".join(doctor.name.split()), 64), number[:64])


def common_name(certificate: x509.Certificate) -> str:
    """Whose certificate it is, as a person would read it."""
    return _first(certificate, NameOID.COMMON_NAME)


def _first(certificate: x509.Certificate, part: x509.ObjectIdentifier) -> str:
    return next((str(one.value) for one in certificate.subject.get_attributes_for_oid(part)), "")


def _doctor_name(root: x509.Certificate, doctor: Doctor) -> x509.Name:
    named = as_certified(doctor)
    parts = (
        (NameOID.ORGANIZATION_NAME, _first(root, NameOID.ORGANIZATION_NAME)),
        (NameOID.TITLE, DOCTOR),
        (NameOID.SERIAL_NUMBER, named.registration_no),
        (NameOID.COMMON_NAME, named.name),
    )
    return x509.Name([x509.NameAttribute(part, value) for part, value in parts if value])


def _read_key(path: Path, certificate: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    if (mode := path.stat().st_mode & 0o777) & 0o077:
        raise PermissionError(f"{path} may be read by others (mode {mode:o}); it must be 0400")
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != certificate.public_key():
        raise ValueError(f"{path} is not the key of {path.stem}.pem")
    return private


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in 64 hex characters."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _new_files(clinic_name: str, now: datetime) -> Mapping[str, bytes]:
    root_key, seal_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, seal_name = _name(clinic_name, "root"), _name(clinic_name, "seal")
    root = (
        _certificate(root_name, root_key.public_key(), now, ROOT_LIFE)
        .issuer_name(root_name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    seal = _leaf(seal_name, seal_key.public_key(), now, SEAL_LIFE, root_name, root_key)
    pem = serialization.Encoding.PEM
    return {
        "root.key": root_key.private_bytes(*PLAIN),
        "root.pem": root.public_bytes(pem),
        "seal.key": seal_key.private_bytes(*PLAIN),
        "seal.pem": seal.public_bytes(pem),
    }


def _leaf(
    name: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
    issuer: x509.Name,
    root_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A certificate for signing documents, under the root."""
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    return (
        _certificate(name, public, now, life)
        .issuer_name(issuer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature", "content_commitment"), critical=True)
        .add_extension(authority, critical=False)
        .sign(root_key, hashes.SHA256())
    )


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in USAGES})


def _name(clinic_name: str, role: str) -> x509.Name:
    """X.520 has room for 64 in either part, which the library counts in bytes."""
    name = clinic_name.strip() or "Clinic"
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(name, 64)),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{_cut(name, 63 - len(role))} {role}"),
        ]
    )


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _certificate(
    name: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def as_asn1(certificate: x509.Certificate) -> Any:
    """The certificate as pyHanko takes it."""
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def has_signed(certificate: x509.Certificate, data: bytes, signature: bytes) -> bool:
    """Whether the certificate's key signed exactly these bytes with SHA-256: ECDSA in DER, or RSA (PKCS #1 v1.5)."""
    public = certificate.public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, data, ECDSA)
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def is_issued_by(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the root issued the certificate; says nothing of when it is in force."""
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True
