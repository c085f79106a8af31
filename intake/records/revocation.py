"""The clinic's list of revoked certificates (CRL, RFC 5280): issued by its root, kept beside the keys, new each day.

Nothing is ever revoked in it, for a lost key ends with everything else of the clinic. That it says so, signed and
dated, is what a checker asks for once the certificates have ended.
"""

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from intake import clock, telemetry
from intake.errors import NotAllowed
from intake.records.certificates import FOLDER, ClinicKeys, read_root_key

LIST_FILE = "root.crl"
LIST_LIFE = timedelta(days=30)
LIST_RENEWED = timedelta(days=1)


def the_list(keys: ClinicKeys) -> bytes:
    """The clinic's list in DER: for 30 days, issued a day ago at most where the root's private key is at hand.

    Without that key the kept list serves until it ends; then NotAllowed("seal.no_root_key"). Raises PermissionError and
    ValueError as `ClinicKeys.load` does.
    """
    path, now = keys.folder / LIST_FILE, clock.now()
    kept = path.read_bytes() if path.is_file() else b""
    if kept:
        one = x509.load_der_x509_crl(kept)
        since, until = one.last_update_utc, one.next_update_utc
        is_ours = one.is_signature_valid(keys.root.public_key())  # type: ignore[arg-type]  # a root of ours is EC
        if is_ours and since <= now < since + LIST_RENEWED:
            return kept
        is_good = is_ours and until is not None and since <= now < until
    else:
        is_good = False
    try:
        private = read_root_key(keys)
    except FileNotFoundError as error:
        if is_good:
            return kept
        raise NotAllowed("seal.no_root_key") from error
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(keys.root.subject)
        .last_update(now)
        .next_update(now + LIST_LIFE)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    _replace(keys, made)
    return made


def root_list_ends_at(directory: Path) -> datetime | None:
    """When the list that is kept in `directory`/seal ends; None where there is none that can be read."""
    try:
        return x509.load_der_x509_crl((directory / FOLDER / LIST_FILE).read_bytes()).next_update_utc
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        telemetry.log.warning("seal.list_unreadable", exc_info=error)
        return None


def _replace(keys: ClinicKeys, made: bytes) -> None:
    """The new list in place of the old, whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{LIST_FILE}-", dir=keys.folder)
    with open(descriptor, "wb") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, keys.folder / LIST_FILE)
