"""An authority that is not the clinic's: a root, an authority below it, the seals it certifies; in files, on tokens."""

import os
import subprocess
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from intake import clock

PASSWORD = "eine lange Parole, mit Umlaut: ü"
PIN = "492817"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
SOFTHSM = next((Path(path) for path in MODULES if Path(path).is_file()), None)
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """A national authority in small: its root certifies an issuing authority, and that one certifies seals. Its
    lists of revoked certificates are at `lists`, as root.crl and issuing.crl; without it no certificate names one."""

    def __init__(self, lists: str = "") -> None:
        self.lists = lists
        self.root_key, self.issuing_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
        self.root = certificate("Trust Services root", self.root_key, None, self.root_key, is_ca=True)
        self.issuing = certificate(
            "Trust Services CA 1",
            self.issuing_key,
            self.root,
            self.root_key,
            is_ca=True,
            list_url=lists and f"{lists}/root.crl",
        )

    def revocation_lists(self, *revoked: x509.Certificate) -> dict[str, bytes]:
        """Both lists in DER by their paths; `revoked` are seals that were taken back."""
        both = {"/root.crl": (self.root, self.root_key, ()), "/issuing.crl": (self.issuing, self.issuing_key, revoked)}
        return {path: _list(issuer, key, those) for path, (issuer, key, those) in both.items()}

    def seal(self, name: str, private: Private, *, days: int = 730, is_for_signing: bool = True) -> x509.Certificate:
        """A certificate for somebody's seal."""
        return certificate(
            name,
            private,
            self.issuing,
            self.issuing_key,
            days=days,
            is_for_signing=is_for_signing,
            list_url=self.lists and f"{self.lists}/issuing.crl",
        )

    def pkcs12(self, folder: Path, private: Private, sealed: x509.Certificate, *, whole: bool = True) -> dict[str, str]:
        """A PKCS #12 file with its password's file, as settings; with the chain inside, or with none."""
        folder.mkdir(exist_ok=True)
        rest = [self.issuing, self.root] if whole else []
        locked = BestAvailableEncryption(PASSWORD.encode())
        data = pkcs12.serialize_key_and_certificates(b"seal", private, sealed, rest, locked)
        (folder / "seal.p12").write_bytes(data)
        secret(folder / "password", PASSWORD)
        return {"pkcs12": str(folder / "seal.p12"), "password_file": str(folder / "password")}

    def chain(self, path: Path, *before: x509.Certificate) -> Path:
        """A file of the certificates above a seal."""
        path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (*before, self.issuing, self.root)))
        return path


def certificate(
    name: str,
    private: Private,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    days: int = 3650,
    is_ca: bool = False,
    is_for_signing: bool = True,
    list_url: str = "",
) -> x509.Certificate:
    """A certificate from an hour before now; its own issuer where none is named."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = {
        **dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False),
        **{"decipher_only": False, "digital_signature": not is_ca, "content_commitment": is_for_signing and not is_ca},
        **{"key_cert_sign": is_ca, "crl_sign": is_ca},
    }
    now = clock.now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if list_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(list_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _list(issuer: x509.Certificate, key: ec.EllipticCurvePrivateKey, revoked: Iterable[x509.Certificate]) -> bytes:
    now = clock.now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=7))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now - timedelta(minutes=30)).build())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def secret(path: Path, text: str) -> Path:
    """A file that its owner alone may read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o400), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return path


class Token:
    """A token in software whose folder can be taken away, as a stick is pulled out. SOFTHSM2_CONF must name `conf`."""

    def __init__(self, folder: Path) -> None:
        self.tokens, self.away, self.conf = folder / "tokens", folder / "away", folder / "softhsm2.conf"
        self.tokens.mkdir(parents=True)
        self.conf.write_text(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self._run("--init-token", "--free", "--label", "clinic", "--so-pin", "80192837", "--pin", PIN)
        self.pin_file = secret(folder / "pin", PIN)

    def make_key(self, folder: Path) -> Private:
        """Put a key on it and give a copy to certify; what is on it can never be read out again."""
        private = ec.generate_private_key(ec.SECP256R1())
        file = folder / "import.pem"
        file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._run("--import", file, "--token", "clinic", "--pin", PIN, "--label", "seal", "--id", "A1")
        file.unlink()
        return private

    def pull_out(self) -> None:
        self.tokens.rename(self.away)
        self.tokens.mkdir()

    def plug_in(self) -> None:
        self.tokens.rmdir()
        self.away.rename(self.tokens)

    def settings(self, chain: Path) -> dict[str, str]:
        """The table of settings for it."""
        return {
            "pkcs11_module": str(SOFTHSM),
            "token": "clinic",
            "key": "seal",
            "pin_file": str(self.pin_file),
            "chain": str(chain),
        }

    def _run(self, *words: object) -> None:
        command = ["softhsm2-util", *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "SOFTHSM2_CONF": str(self.conf)})
