"""Whose certificates count on a record: the clinic's roots, and those of a seal that another authority certified.

Reads public files alone, so that records can be checked while every key is out of order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from intake.records.certificates import FOLDER, doctor_of, fingerprint, generations, is_issued_by

KNOWN, FORMER = (
    "known",
    "roots",
)  # seals from elsewhere; earlier roots with their seals


@dataclass(frozen=True)
class Trust:
    """What records are checked against. A root of the clinic's own certifies seals and doctors. A root of somebody
    else's counts for the seals this clinic used (`pinned`) alone: the same authority certifies strangers too."""

    roots: tuple[x509.Certificate, ...]
    outside: tuple[x509.Certificate, ...] = ()
    pinned: frozenset[str] = frozenset()
    lists: tuple[x509.CertificateRevocationList, ...] = ()  # the last ones of earlier roots
    seals: tuple[tuple[x509.Certificate, ...], ...] = ()

    @classmethod
    def load(cls, directory: Path) -> "Trust":
        """What `directory`/seal holds: roots, and every seal's certificate with its chain, the newest last.

        Raises FileNotFoundError without a root, ValueError where a file is no certificate, or no list.
        """
        folder = directory / FOLDER
        roots = [x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())]
        former = [x509.load_pem_x509_certificate(path.read_bytes()) for path in sorted((folder / FORMER).glob("*.pem"))]
        roots += [one for one in former if is_issued_by(one, one)]
        earlier = [(one,) for one in former if not is_issued_by(one, one)]  # the seals that those certified
        lists = [x509.load_der_x509_crl(path.read_bytes()) for path in sorted((folder / FORMER).glob("*.crl"))]
        known = [read_certificates(path) for path in sorted((folder / KNOWN).glob("*.pem"))]
        own = [path / "seal.pem" for path in generations(folder)]
        seals = [(x509.load_pem_x509_certificate(path.read_bytes()),) for path in own if path.is_file()]
        return cls(
            roots=tuple(roots),
            outside=tuple({fingerprint(chain[-1]): chain[-1] for chain in known}.values()),
            pinned=frozenset(fingerprint(chain[0]) for chain in known),
            lists=tuple(lists),
            seals=(*earlier, *seals, *(chain[:-1] for chain in known)),
        )

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """Every root, for a library that looks for a path to one."""
        return (*self.roots, *self.outside)

    def stands_behind(self, certificate: x509.Certificate, chain: Sequence[x509.Certificate] = ()) -> bool:
        """Whether the certificate is a seal's or a doctor's of this clinic; says nothing of when it is in force.

        A doctor's is issued by a root of the clinic's own. A seal's leads to a root over exactly the certificates of
        its chain.
        """
        if doctor_of(certificate) is not None:
            return not chain and any(is_issued_by(root, certificate) for root in self.roots)
        if leads_to(self.roots, certificate, chain) is not None:
            return True
        return fingerprint(certificate) in self.pinned and leads_to(self.outside, certificate, chain) is not None

    def unknown_root_of(self, certificate: x509.Certificate, chain: Sequence[x509.Certificate] = ()) -> str:
        """The root that a certificate says it leads to, where that is none of these: its name and its key's identifier,
        which tells it from others of that name. Empty where it names one of these, which then did not issue it, where
        it names none but itself, and where its chain is none.

        Nobody but the certificate says so: it may be an earlier root of the clinic, or a stranger's with its name.
        """
        last = _last_of(certificate, chain)
        if last is None or last.issuer == last.subject:
            return ""
        key = _issuers_key(last)
        if any(root.subject == last.issuer and key in ("", _own_key(root)) for root in self.anchors):
            return ""
        names = last.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else last.issuer.rfc4514_string()
        return f"{name}, key {key or 'not named'}"


def leads_to(
    roots: Iterable[x509.Certificate], certificate: x509.Certificate, chain: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The root to which a certificate leads over every one of these, in whatever order they come; None where there is
    none, or where one is not needed, as a root among them is not."""
    last = _last_of(certificate, chain)
    return next((root for root in roots if is_issued_by(root, last)), None) if last else None


def _last_of(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The certificate that a root would have to issue, over every one of these; None where they are no chain."""
    rest, last = list(chain), certificate
    if any(is_issued_by(one, one) for one in rest):
        return None
    while rest:
        above = next((one for one in rest if is_issued_by(one, last)), None)
        if above is None:
            return None
        rest.remove(above)
        last = above
    return last


def _issuers_key(certificate: x509.Certificate) -> str:
    """The identifier of the issuer's key, in hex; empty where the certificate has none that can be read."""
    try:
        named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ""
    return named.hex() if named else ""


def _own_key(root: x509.Certificate) -> str:
    """The identifier of a root's key, in hex; empty where it has none that can be read."""
    try:
        return root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ""


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, in its order. Raises OSError, ValueError where there is none."""
    return tuple(x509.load_pem_x509_certificates(path.read_bytes()))


def as_trust(root: "x509.Certificate | Trust") -> Trust:
    """One root as what is trusted."""
    return root if isinstance(root, Trust) else Trust((root,))
