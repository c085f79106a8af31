"""The clinic's seal and a doctor's signature: setting both in a PDF (PAdES B-B), and signing evidence.

What they are worth: within the clinic's own trust they show any change and whose they are. The root is the clinic's
own, so neither is a qualified one (Regulation (EU) 910/2014, art. 3 (12) and (27)), and the time is the clinic's clock.
"""

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Protocol

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from flask import current_app
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from intake import clock, telemetry
from intake.errors import DomainError, Invalid, NotAllowed
from intake.records.certificates import ECDSA, ClinicKeys, as_asn1, doctor_of, has_signed
from intake.records.pdf_fixes import DOCTOR_FIELD, SEAL_FIELD
from intake.records.signed_bytes import low
from intake.records.verifying import Fault, Verdict, verify
from intake.time_stamps import TimeService

RESERVED = 4096  # hex digits kept free for the signature, which takes about 2,400


class Sealer(Protocol):
    """Whoever can set the clinic's seal."""

    def seal(self, pdf: bytes) -> bytes:
        """Return the PDF with the seal in it."""

    def sign_evidence(self, evidence: bytes) -> bytes:
        """Return a detached signature over canonical evidence."""


class PadesSealer:
    """Seals with keys that stay loaded: reading them anew would cost more than the signature."""

    def __init__(self, keys: ClinicKeys, time: TimeService | None = None) -> None:
        self.keys, self.time = keys, time
        self._signer = _LoadedSigner(keys.seal, keys.private)

    @classmethod
    def load(cls, directory: Path, time: TimeService | None = None) -> "PadesSealer":
        """A sealer with the keys of `directory`/seal. Raises what ClinicKeys.load does."""
        return cls(ClinicKeys.load(directory), time)

    def seal(self, pdf: bytes) -> bytes:
        """Certify a PDF as PAdES B-B (ETSI EN 319 142-1) in its prepared field; later signatures may be added, no more.

        Where a time service answers at once, the signature is stamped by it (B-T); nothing waits for one that does not.
        Raises NotAllowed when the seal's certificate has ended.
        """
        details = PdfSignatureMetadata(
            field_name=SEAL_FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.FILL_FORMS,
            reason="Sealed record",
        )
        return _signed(pdf, details, self._signer, self._in_force(), self.time)

    def countersign(self, pdf: bytes, certificate: x509.Certificate, private: ec.EllipticCurvePrivateKey) -> bytes:
        """Add a doctor's signature (PAdES B-B, or B-T like `seal`) to a sealed PDF in its prepared field, whose lock
        ends all changes.

        Raises NotAllowed when the doctor's certificate has ended, or where the file as it stands is not what the seal
        alone left.
        """
        now, doctor = _in_force(certificate), doctor_of(certificate)
        if doctor is None or verify(pdf, self.keys.root).problems != (Fault.DOCTOR_SIGNATURE_MISSING,):
            raise NotAllowed("seal.not_to_be_countersigned")
        details = PdfSignatureMetadata(
            field_name=DOCTOR_FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            docmdp_permissions=MDPPerm.NO_CHANGES,
            name=doctor.name,
            reason="Countersigned record",
        )
        return _signed(pdf, details, _LoadedSigner(certificate, private), now, self.time)

    def sign_evidence(self, evidence: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 over the bytes, in DER. Raises NotAllowed when the seal's certificate has ended."""
        self._in_force()
        return self.keys.private.sign(evidence, ECDSA)

    def verify_evidence(self, evidence: bytes, signature: bytes) -> bool:
        """Whether this clinic's present seal signed exactly these bytes."""
        return has_signed(self.keys.seal, evidence, signature)

    def verify(self, pdf: bytes) -> Verdict:
        """What can be said of a PDF that should carry this clinic's seal."""
        return verify(pdf, self.keys.root, self.time.authorities if self.time else ())

    def _in_force(self) -> datetime:
        return _in_force(self.keys.seal)


def _in_force(certificate: x509.Certificate) -> datetime:
    """Now, if the certificate may sign now. Raises NotAllowed."""
    now = clock.now()
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise NotAllowed("seal.not_in_force", until=certificate.not_valid_after_utc.isoformat())
    return now


def _signed(
    pdf: bytes, details: PdfSignatureMetadata, signer: Signer, now: datetime, time: TimeService | None = None
) -> bytes:
    if time is not None and time.is_quick:
        try:
            return _signed_in_field(
                pdf, _TimedSigner(details, signer, timestamper=AtOnce(time)), now, RESERVED + 2 * time.size
            )
        except DomainError as refusal:  # the record is sealed all the same; its whole file is stamped later
            telemetry.note("seal.without_time_stamp", code=refusal.code)
    return _signed_in_field(pdf, _TimedSigner(details, signer), now, RESERVED)


def _signed_in_field(pdf: bytes, timed: "_TimedSigner", now: datetime, reserved: int) -> bytes:
    timed.moment = now
    done = timed.sign_pdf(PlainWriter(BytesIO(pdf)), existing_fields_only=True, bytes_reserved=reserved)
    return bytes(done.getvalue())


class AtOnce(TimeStamper):
    """pyHanko's way to our time service: what it answers is checked before it is used."""

    def __init__(self, time: TimeService) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.time, self.room = time, time.size

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """The time stamp of a SHA-256 digest. Raises what TimeService.ask_at_once does, and
        Invalid("time_stamp.too_large") where there is no room for it."""
        token = await self.time.ask_at_once(message_digest)
        if len(token.der) > self.room:
            raise Invalid("time_stamp.too_large")
        return cms.ContentInfo.load(token.der)


class _LoadedSigner(Signer):
    """pyHanko's own signer parses the private key for each signature."""

    def __init__(self, certificate: x509.Certificate, private: ec.EllipticCurvePrivateKey) -> None:
        # The root is left out of the file: whoever checks must have it from elsewhere, or it proves nothing.
        super().__init__(signing_cert=as_asn1(certificate), cert_registry=SimpleCertificateStore(), embed_roots=False)
        self._private = private

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise ValueError(f"the seal signs SHA-256, not {digest_algorithm}")
        return low(self._private.sign(data, ECDSA))


class _TimedSigner(PdfSigner):
    """Signs with our clock's time; pyHanko asks the system."""

    moment: datetime

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.moment
        return session


class PlainWriter(IncrementalPdfFileWriter):
    """Leaves our metadata alone: pyHanko rewrites it and loses the form that archives' checkers read."""

    def _update_meta(self) -> None:
        return


def the_sealer() -> PadesSealer:
    """The running application's sealer, its key loaded."""
    sealer: PadesSealer = current_app.extensions["intake_signer"]
    return sealer
