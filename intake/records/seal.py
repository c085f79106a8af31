"""The clinic's seal and a doctor's signature: setting both in a PDF (PAdES B-B), and signing evidence.

What they are worth: within the trust that stands behind the root they show any change and whose they are. With the
clinic's own root neither is a qualified one (Regulation (EU) 910/2014, art. 3 (12) and (27)); the time is its clock.
"""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Protocol

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.constants import ISO32002
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from intake import clock, telemetry
from intake.errors import Damaged, DomainError, Invalid, NotAllowed, NotReady
from intake.records.certificates import ClinicKeys, as_asn1, doctor_of, has_signed
from intake.records.pdf_fixes import DOCTOR_FIELD, SEAL_FIELD
from intake.records.seals import Seal, own, software
from intake.records.signed_bytes import low
from intake.records.trust import Trust
from intake.records.verdict import Fault, Verdict
from intake.records.verifying import verify
from intake.time_stamps import TimeService

RESERVED = 4096  # hex digits kept free for the signature, which takes about 2,400
LONGEST_RSA_SIGNATURE = 2048  # hex digits; of a key of 8,192 bits


class Sealer(Protocol):
    """Whoever can set the clinic's seal."""

    def seal(self, pdf: bytes) -> bytes:
        """Return the PDF with the seal in it."""

    def sign_evidence(self, evidence: bytes) -> bytes:
        """Return a detached signature over canonical evidence."""


@dataclass(frozen=True)
class Parts:
    """What a sealer needs, opened."""

    keys: ClinicKeys
    present: Seal
    trust: Trust
    signer: "_SealSigner"


class PadesSealer:
    """Seals with keys that stay loaded: reading them anew would cost more than the signature."""

    def __init__(
        self,
        keys: ClinicKeys,
        seal: Seal | None = None,
        trust: Trust | None = None,
        time: TimeService | None = None,
    ) -> None:
        present = seal or own(keys)
        self.time = time
        self._fixed = Parts(keys, present, trust or Trust((keys.root,), seals=((keys.seal,),)), _SealSigner(present))

    @classmethod
    def load(cls, directory: Path, time: TimeService | None = None) -> "PadesSealer":
        """A sealer with the keys of `directory`/seal. Raises what ClinicKeys.load does."""
        return cls(ClinicKeys.load(directory), time=time)

    def parts(self) -> Parts:
        """Keys, seal and trust as they are open now. Raises NotReady where one is out of order."""
        return self._fixed

    @property
    def keys(self) -> ClinicKeys:
        """The clinic's own root and seal."""
        return self.parts().keys

    @property
    def present(self) -> Seal:
        """The seal that is in use."""
        return self.parts().present

    @property
    def trust(self) -> Trust:
        """What records are checked against."""
        return self.parts().trust

    def seal(self, pdf: bytes) -> bytes:
        """Certify a PDF as PAdES B-B (ETSI EN 319 142-1) in its prepared field; later signatures may be added, no more.

        Where a time service answers at once, the signature is stamped by it (B-T); nothing waits for one that does not.
        Raises NotReady when the seal's certificate has ended.
        """
        details = PdfSignatureMetadata(
            field_name=SEAL_FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.FILL_FORMS,
            reason="Sealed record",
        )
        signer = self.parts().signer
        return _signed(pdf, details, signer, self._in_force(), self.time, RESERVED + signer.more_than_own)

    def countersign(self, pdf: bytes, certificate: x509.Certificate, private: ec.EllipticCurvePrivateKey) -> bytes:
        """Add a doctor's signature (PAdES B-B, or B-T like `seal`) to a sealed PDF in its prepared field, whose lock
        ends all changes.

        Raises NotAllowed when the doctor's certificate has ended, or where the file as it stands is not what the seal
        alone left.
        """
        now, doctor = _in_force(certificate), doctor_of(certificate)
        if doctor is None or verify(pdf, self.trust).problems != (Fault.DOCTOR_SIGNATURE_MISSING,):
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
        """The present seal's signature with SHA-256: ECDSA P-256 in DER, or RSA (PKCS #1 v1.5).
        Raises NotReady when its certificate has ended."""
        self._in_force()
        return self.present.sign(evidence)

    def sign_at_once(self, evidence: bytes) -> bytes:
        """The same, unless a device must be asked. Raises NotReady."""
        if self.present.is_slow:
            raise NotReady("seal.signed_by_the_worker")
        return self.sign_evidence(evidence)

    def verify_evidence(self, evidence: bytes, signature: bytes) -> bool:
        """Whether a seal of this clinic, the present one or one before it, signed exactly these bytes."""
        return any(has_signed(one[0], evidence, signature) for one in reversed(self.trust.seals))

    def signers_of(self, evidence: bytes, signature: bytes) -> tuple[bytes, ...]:
        """The certificates (DER) that whoever checks a statement needs beside the present seal's: none where that one
        signed it, else those of the seal that did, its own first. Raises Damaged where none of ours signed it."""
        if has_signed(self.present.certificate, evidence, signature):
            return ()
        for one in reversed(self.trust.seals):
            if has_signed(one[0], evidence, signature):
                return tuple(certificate.public_bytes(Encoding.DER) for certificate in one)
        raise Damaged("seal.statement_not_ours")

    def verify(self, pdf: bytes) -> Verdict:
        """What can be said of a PDF that should carry this clinic's seal."""
        return verify(pdf, self.trust, self.time.authorities if self.time else ())

    def _in_force(self) -> datetime:
        return _in_force(self.present.certificate)


def _in_force(certificate: x509.Certificate) -> datetime:
    """Now, if the certificate may sign now. Raises NotReady."""
    now = clock.now()
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise NotReady("seal.not_in_force", until=certificate.not_valid_after_utc.isoformat())
    return now


def _signed(
    pdf: bytes,
    details: PdfSignatureMetadata,
    signer: Signer,
    now: datetime,
    time: TimeService | None = None,
    reserved: int = RESERVED,
) -> bytes:
    if time is not None and time.is_quick:
        try:
            timed = _TimedSigner(details, signer, timestamper=AtOnce(time))
            return _signed_in_field(pdf, timed, now, reserved + 2 * time.size)
        except NotReady:  # the seal's own key, and no fault of the service
            raise
        except DomainError as refusal:  # the record is sealed all the same; its whole file is stamped later
            telemetry.note("seal.without_time_stamp", code=refusal.code)
    return _signed_in_field(pdf, _TimedSigner(details, signer), now, reserved)


def _signed_in_field(pdf: bytes, timed: "_TimedSigner", now: datetime, reserved: int) -> bytes:
    timed.moment = now
    writer = PlainWriter(BytesIO(pdf))
    if timed.signature_meta.certify:
        # Named now, whatever key the seal has: the doctor's signature, ECDSA too, may add nothing but itself.
        writer.ensure_output_version((2, 0))  # type: ignore[no-untyped-call]
        writer.register_extension(ISO32002)
    done = timed.sign_pdf(writer, existing_fields_only=True, bytes_reserved=reserved)
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


class _SealSigner(Signer):
    """Signs with a seal that is open; pyHanko's own signers parse the private key for each signature."""

    def __init__(self, seal: Seal) -> None:
        # The root is left out of the file: whoever checks must have it from elsewhere, or it proves nothing.
        between = SimpleCertificateStore.from_certs([as_asn1(one) for one in seal.chain])
        super().__init__(signing_cert=as_asn1(seal.certificate), cert_registry=between, embed_roots=False)
        self._seal = seal

    @property
    def more_than_own(self) -> int:
        """How many hex digits more its message may take than one of a certificate of the clinic's own."""
        if not self._seal.chain and isinstance(self._seal.certificate.public_key(), ec.EllipticCurvePublicKey):
            return 0
        certificates = (self._seal.certificate, *self._seal.chain)
        return 2 * sum(len(one.public_bytes(Encoding.DER)) for one in certificates) + LONGEST_RSA_SIGNATURE

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise ValueError(f"the seal signs SHA-256, not {digest_algorithm}")
        signature = self._seal.sign(data)
        return (
            low(signature) if isinstance(self._seal.certificate.public_key(), ec.EllipticCurvePublicKey) else signature
        )


class _LoadedSigner(_SealSigner):
    """Signs with a doctor's key, which the clinic's root certified."""

    def __init__(self, certificate: x509.Certificate, private: ec.EllipticCurvePrivateKey) -> None:
        super().__init__(Seal(certificate, certificate, software(private)))


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


def signer_for(seal: Seal) -> "_SealSigner":
    """What signs PDFs with a seal."""
    return _SealSigner(seal)


def the_sealer() -> PadesSealer:
    """The running application's sealer."""
    sealer: PadesSealer = current_app.extensions["intake_signer"]
    return sealer
