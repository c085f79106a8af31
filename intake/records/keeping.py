"""The running clinic's seal: which one is in use, opened when it is first needed, looked at again when it was out of
order or renewed; and its renewal. A key that is out of order stops no page: what needs it waits, with its reason."""

from pathlib import Path

from cryptography import x509

from intake import audit, clock, telemetry
from intake.access import SYSTEM
from intake.config import OutsideSeal, Settings
from intake.errors import DomainError, NotAllowed, NotReady
from intake.records import rules
from intake.records.certificates import FOLDER, ClinicKeys, fingerprint
from intake.records.seal import PadesSealer, Parts, signer_for, the_sealer
from intake.records.seals import PROBE, Seal, chain_file, from_pkcs12, is_authority, own, remember
from intake.records.tokens import from_pkcs11
from intake.records.trust import FORMER, KNOWN, Trust
from intake.time_stamps import TimeService

Names = tuple[tuple[str, ...], ...]


class ClinicSealer(PadesSealer):
    """The seal of a data folder. What could not be opened is tried again whenever it is next needed."""

    def __init__(self, directory: Path, outside: OutsideSeal | None = None, time: TimeService | None = None) -> None:
        self.time = time
        self._directory, self._outside = directory, outside
        self._opened: Parts | None = None
        self._trusted: Trust | None = None
        self._names: Names = ()

    def parts(self) -> Parts:
        """As they were opened; opened now where they are not. Raises NotReady with what is wrong."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    @property
    def trust(self) -> Trust:
        """What records are checked against, which needs no private key. Raises NotReady without a root."""
        if self._trusted is None:
            self._trusted = self._read_trust()
        return self._trusted

    def refresh(self) -> None:
        """Take up a seal that was renewed or put in meanwhile. Raises NotReady where its folder cannot be read."""
        names = self._list()
        if names != self._names:
            self._opened = self._trusted = None
            self._names = names

    def sign_at_once(self, evidence: bytes) -> bytes:
        """The present seal's signature, unless a device must be asked or the seal is out of order. Raises NotReady."""
        self.refresh()
        return super().sign_at_once(evidence)

    def verify_evidence(self, evidence: bytes, signature: bytes) -> bool:
        """Whether a seal of this clinic, the present one or one before it, signed exactly these bytes. Raises NotReady
        where its folder cannot be read and never was."""
        try:
            self.refresh()
        except NotReady as error:
            if self._trusted is None:
                raise
            telemetry.note("seal.not_open", code=error.code)  # whose seals count was read before
        return super().verify_evidence(evidence, signature)

    def kept_certificate(self) -> x509.Certificate | None:
        """The certificate of a token that is not open, from public files: the one given last of those that it was used
        with and its chain's file. None where the seal has to be opened for it. Raises NotReady."""
        if self._opened is not None or self._outside is None or self._outside.pkcs11_module is None:
            return None
        given = [one[0] for one in self.trust.seals if fingerprint(one[0]) in self.trust.pinned]
        given += [one for one in chain_file(self._outside)[:1] if not is_authority(one)]
        return max(given, key=lambda one: one.not_valid_before_utc, default=None)

    def _list(self) -> Names:
        folder = self._directory / FOLDER
        try:
            return tuple(_names(one) for one in (folder, folder / KNOWN, folder / FORMER))
        except OSError as error:
            raise NotReady("seal.unreadable", file=str(error.filename)) from error

    def _open(self) -> Parts:
        try:
            keys = ClinicKeys.load(self._directory)
        except FileNotFoundError as error:
            raise NotReady("seal.file_missing", file=str(error.filename)) from error
        except PermissionError as error:
            raise NotReady("seal.open_to_others", file=str(error)) from error
        except (OSError, ValueError) as error:
            raise NotReady("seal.unreadable", file=str(self._directory / FOLDER)) from error
        present = self._present(keys)
        present.check()
        if self._outside is not None:
            try:
                remember(self._directory, present)
            except OSError as error:
                raise NotReady("seal.unreadable", file=str(error.filename)) from error
            self._names = self._list()
        self._trusted = self._read_trust()
        return Parts(keys, present, self._trusted, signer_for(present))

    def _present(self, keys: ClinicKeys) -> Seal:
        if self._outside is None:
            return own(keys)
        return from_pkcs12(self._outside) if self._outside.pkcs12 else from_pkcs11(self._outside, self._directory)

    def _read_trust(self) -> Trust:
        try:
            return Trust.load(self._directory)
        except (OSError, ValueError) as error:
            raise NotReady("seal.unreadable", file=str(self._directory / FOLDER)) from error


def _names(folder: Path) -> tuple[str, ...]:
    """What lies in a folder, without what is half written; nothing where there is none."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")))


def the_clinic_sealer() -> ClinicSealer:
    """The running application's sealer, as what may have to be opened anew."""
    sealer = the_sealer()
    if not isinstance(sealer, ClinicSealer):
        raise TypeError("this application seals with keys of its own")
    return sealer


def try_seal() -> str:
    """Try the seal as it is now: that its key signs, that its certificate verifies that, leads to a trusted root and
    covers now. Gives the code of what is wrong, "" where nothing is."""
    sealer = the_clinic_sealer()
    try:
        sealer.refresh()
        signature = sealer.sign_evidence(PROBE)
        seal = sealer.present
        if not sealer.verify_evidence(PROBE, signature):
            return "seal.key_differs"
        return "" if sealer.trust.stands_behind(seal.certificate, seal.chain) else "seal.chain_incomplete"
    except DomainError as error:
        return error.code


def renew_seal(settings: Settings, *, by_itself: bool = False) -> ClinicKeys | None:
    """Renew the clinic's own seal where its certificate ends within 90 days, by itself within 30; note it in the log.

    None where it is not the worker's turn yet, or where the seal is another authority's, which renews it itself. Raises
    NotAllowed("seal.renewed_too_early") and NotAllowed("seal.not_ours_to_renew"), and what `ClinicKeys.renew` does.
    """
    if settings.seal is not None:
        if by_itself:
            return None
        raise NotAllowed("seal.not_ours_to_renew")
    keys = ClinicKeys.load(settings.keys)
    left = keys.seal.not_valid_after_utc - clock.now()
    if left >= (rules.RENEWED_BY_ITSELF if by_itself else rules.MAY_BE_RENEWED):
        if by_itself:
            return None
        raise NotAllowed("seal.renewed_too_early", until=keys.seal.not_valid_after_utc.isoformat())
    made = keys.renew()
    audit.record("seal.renewed", "seal", by=SYSTEM, certificate=made.seal_fingerprint, before=keys.seal_fingerprint)
    return made


def certificates_in_use() -> dict[str, x509.Certificate]:
    """The certificates whose end the clinic must know of: `root`, the clinic's own, which certifies doctors, and `seal`
    as it is in use, for which no token is asked that was used before; without it where it cannot be opened. Raises
    NotReady where the root cannot be read."""
    sealer = the_clinic_sealer()
    sealer.refresh()
    found = {"root": sealer.trust.roots[0]}
    try:
        return {"seal": sealer.kept_certificate() or sealer.present.certificate, **found}
    except NotReady as error:
        telemetry.note("seal.not_open", code=error.code)
        return found
