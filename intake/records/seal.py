"""The clinic's seal: its keys and certificates, sealing a PDF (PAdES B-B) and evidence, and checking both.

What it is worth: within the clinic's own trust it shows any change and whose seal it is. The root is the clinic's own,
so the seal is not a qualified one (Regulation (EU) 910/2014, art. 3 (27)), and the time is the clinic's clock.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import current_app
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from intake import clock
from intake.errors import NotAllowed
from intake.records.pdf_fixes import SEAL_FIELD

FOLDER = "seal"
ROOT_LIFE = timedelta(days=20 * 365 + 5)
SEAL_LIFE = timedelta(days=3 * 365 + 1)
SLACK = timedelta(hours=1)  # a clock that is set back a little must not find its own certificate unborn
RESERVED = 4096  # hex digits kept free for the signature, which takes about 2,400
ECDSA = ec.ECDSA(hashes.SHA256())
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class Sealer(Protocol):
    """Whoever can set the clinic's seal."""

    def seal(self, pdf: bytes) -> bytes:
        """Return the PDF with the seal in it."""

    def sign_evidence(self, evidence: bytes) -> bytes:
        """Return a detached signature over canonical evidence."""


@dataclass(frozen=True)
class ClinicKeys:
    """The clinic's root and its seal. The root's private key stays in its file until the next certificate."""

    root: x509.Certificate
    seal: x509.Certificate
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def root_fingerprint(self) -> str:
        """SHA-256 of the root certificate, to be printed and kept on paper."""
        return _fingerprint(self.root)

    @property
    def seal_fingerprint(self) -> str:
        """SHA-256 of the seal's certificate; tells which certificate a signature over evidence needs."""
        return _fingerprint(self.seal)

    @classmethod
    def create(cls, directory: Path, clinic_name: str) -> "ClinicKeys":
        """Make the keys in `directory`/seal unless they are there, and return them: a root for 20 years, a seal for 3.

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
        return cls.load(directory)

    @classmethod
    def load(cls, directory: Path) -> "ClinicKeys":
        """Read the keys of `directory`/seal.

        Raises FileNotFoundError without them, PermissionError when others may read the private key, ValueError when it
        belongs to another certificate.
        """
        folder = directory / FOLDER
        key_file = folder / "seal.key"
        if (mode := key_file.stat().st_mode & 0o777) & 0o077:
            raise PermissionError(f"{key_file} may be read by others (mode {mode:o}); it must be 0400")
        private = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
        seal = x509.load_pem_x509_certificate((folder / "seal.pem").read_bytes())
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != seal.public_key():
            raise ValueError(f"{key_file} is not the key of seal.pem")
        return cls(root, seal, private)


def _fingerprint(certificate: x509.Certificate) -> str:
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
        _certificate(root_name, root_key, now, ROOT_LIFE)
        .issuer_name(root_name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    seal = (
        _certificate(seal_name, seal_key, now, SEAL_LIFE)
        .issuer_name(root_name)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature", "content_commitment"), critical=True)
        .add_extension(authority, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "root.key": root_key.private_bytes(*plain),
        "root.pem": root.public_bytes(pem),
        "seal.key": seal_key.private_bytes(*plain),
        "seal.pem": seal.public_bytes(pem),
    }


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
    name: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


class PadesSealer:
    """Seals with keys that stay loaded: reading them anew would cost more than the signature."""

    def __init__(self, keys: ClinicKeys) -> None:
        self.keys = keys
        self._signer = _LoadedSigner(keys)

    @classmethod
    def load(cls, directory: Path) -> "PadesSealer":
        """A sealer with the keys of `directory`/seal. Raises what ClinicKeys.load does."""
        return cls(ClinicKeys.load(directory))

    def seal(self, pdf: bytes) -> bytes:
        """Certify a PDF as PAdES B-B (ETSI EN 319 142-1) in its prepared field; later signatures may be added, no more.

        Raises NotAllowed when the seal's certificate has ended.
        """
        now = self._in_force()
        details = PdfSignatureMetadata(
            field_name=SEAL_FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.FILL_FORMS,
            reason="Sealed record",
        )
        signer = _TimedSigner(details, self._signer)
        signer.moment = now
        return bytes(signer.sign_pdf(_PlainWriter(BytesIO(pdf)), bytes_reserved=RESERVED).getvalue())

    def sign_evidence(self, evidence: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 over the bytes, in DER. Raises NotAllowed when the seal's certificate has ended."""
        self._in_force()
        return self.keys.private.sign(evidence, ECDSA)

    def verify_evidence(self, evidence: bytes, signature: bytes) -> bool:
        """Whether this clinic's present seal signed exactly these bytes."""
        return verify_evidence(evidence, signature, self.keys.seal)

    def verify(self, pdf: bytes) -> "Verdict":
        """What can be said of a PDF that should carry this clinic's seal."""
        return verify(pdf, self.keys.root)

    def _in_force(self) -> datetime:
        now = clock.now()
        if not self.keys.seal.not_valid_before_utc <= now < self.keys.seal.not_valid_after_utc:
            raise NotAllowed("seal.not_in_force", until=self.keys.seal.not_valid_after_utc.isoformat())
        return now


class _LoadedSigner(Signer):
    """pyHanko's own signer parses the private key for each signature."""

    def __init__(self, keys: ClinicKeys) -> None:
        # The root is left out of the file: whoever checks must have it from elsewhere, or it proves nothing.
        super().__init__(signing_cert=_asn1(keys.seal), cert_registry=SimpleCertificateStore(), embed_roots=False)
        self._private = keys.private

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise ValueError(f"the seal signs SHA-256, not {digest_algorithm}")
        return self._private.sign(data, ECDSA)


class _TimedSigner(PdfSigner):
    """Signs with our clock's time; pyHanko asks the system."""

    moment: datetime

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.moment
        return session


class _PlainWriter(IncrementalPdfFileWriter):
    """Leaves our metadata alone: pyHanko rewrites it and loses the form that archives' checkers read."""

    def _update_meta(self) -> None:
        return


def _asn1(certificate: x509.Certificate) -> Any:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def verify_evidence(evidence: bytes, signature: bytes, certificate: x509.Certificate) -> bool:
    """Whether the certificate's key signed exactly these bytes."""
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    try:
        public.verify(signature, evidence, ECDSA)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class Verdict:
    """What the signatures of a PDF say. `sealed_at` is the clinic's clock; `problem` names what stopped the check."""

    intact: bool
    trusted: bool
    covers_whole_file: bool
    signatures: int = 0
    signer: str = ""
    sealed_at: datetime | None = None
    sha256: str = ""
    problem: str = ""

    @property
    def is_genuine(self) -> bool:
        """Whether not a byte changed since this clinic sealed the file."""
        return self.intact and self.trusted and self.covers_whole_file


def verify(pdf: bytes, root: x509.Certificate) -> Verdict:
    """Check every signature of a PDF against one root, offline; a changed byte anywhere is found. Never raises.

    A certificate counts as it stood at the time the signature claims: sealed records outlive the seal's three years.
    That the claim is true, only the log and the record's row can say.
    """
    sha = sha256(pdf).hexdigest()
    try:
        signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
        if not signatures:
            return Verdict(False, False, False, sha256=sha, problem="no signature")
        results = [_check(signature, pdf, root) for signature in signatures]
    except Exception as error:  # a damaged file may fail anywhere in a parser; that is the finding
        return Verdict(False, False, False, sha256=sha, problem=type(error).__name__)
    return Verdict(
        intact=all(intact for intact, _, _ in results),
        trusted=all(trusted for _, trusted, _ in results),
        covers_whole_file=results[-1][2],
        signatures=len(signatures),
        signer=str(signatures[0].signer_cert.subject.native.get("common_name", "")),
        sealed_at=signatures[0].self_reported_timestamp,
        sha256=sha,
    )


def _check(signature: EmbeddedPdfSignature, pdf: bytes, root: x509.Certificate) -> tuple[bool, bool, bool]:
    """(intact, trusted, covers the whole file) of one signature."""
    context = ValidationContext(
        trust_roots=[_asn1(root)],
        moment=signature.self_reported_timestamp,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    status = validate_pdf_signature(signature, context)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    intact = status.intact and status.valid and _is_exact(signature, pdf) and (whole or status.docmdp_ok is True)
    return bool(intact), bool(status.trusted), whole


def _is_exact(signature: EmbeddedPdfSignature, pdf: bytes) -> bool:
    """Whether the place of the signature, which no signature can cover, holds the one form we write, then zeros.

    A message can be spelled in several ways and say the same; only the parts named here are neither signed nor checked.
    """
    data, info = signature.signed_data, signature.signer_info
    unsigned = [
        data["version"].native,
        info["version"].native,
        *(used["algorithm"].native for used in data["digest_algorithms"]),
    ]
    if unsigned != ["v1", "v1", "sha256"]:
        return False
    _, before, after, _ = (int(number) for number in signature.byte_range)
    message = cms.ContentInfo.load(signature.pkcs7_content)
    exact = bytes(message.dump(force=True))
    return pdf[before:after] == b"<" + exact.hex().upper().encode().ljust(after - before - 2, b"0") + b">"


def the_sealer() -> PadesSealer:
    """The running application's sealer, its key loaded."""
    sealer: PadesSealer = current_app.extensions["intake_signer"]
    return sealer
