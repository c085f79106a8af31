"""Whose certificates count on a record: the clinic's roots, and those of a seal that another authority certified.

Reads public files alone, so that records can be checked while every key is out of order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

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
    seals: tuple[tuple[x509.Certificate, ...], ...] = ()

    @classmethod
    def load(cls, directory: Path) -> "Trust":
        """What `directory`/seal holds: roots, and every seal's certificate with its chain, the newest last.

        Raises FileNotFoundError without a root, ValueError where a file is no certificate.
        """
        folder = directory / FOLDER
        roots = [x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())]
        former = [x509.load_pem_x509_certificate(path.read_bytes()) for path in sorted((folder / FORMER).glob("*.pem"))]
        roots += [one for one in former if is_issued_by(one, one)]
        earlier = [(one,) for one in former if not is_issued_by(one, one)]  # the seals that those certified
        known = [read_certificates(path) for path in sorted((folder / KNOWN).glob("*.pem"))]
        own = [path / "seal.pem" for path in generations(folder)]
        seals = [(x509.load_pem_x509_certificate(path.read_bytes()),) for path in own if path.is_file()]
        return cls(
            roots=tuple(roots),
            outside=tuple({fingerprint(chain[-1]): chain[-1] for chain in known}.values()),
            pinned=frozenset(fingerprint(chain[0]) for chain in known),
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


def leads_to(
    roots: Iterable[x509.Certificate], certificate: x509.Certificate, chain: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The root to which a certificate leads over every one of these, in whatever order they come; None where there is
    none, or where one is not needed, as a root among them is not."""
    rest, last = list(chain), certificate
    if any(is_issued_by(one, one) for one in rest):
        return None
    while rest:
        above = next((one for one in rest if is_issued_by(one, last)), None)
        if above is None:
            return None
        rest.remove(above)
        last = above
    return next((root for root in roots if is_issued_by(root, last)), None)


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, in its order. Raises OSError, ValueError where there is none."""
    return tuple(x509.load_pem_x509_certificates(path.read_bytes()))


def as_trust(root: "x509.Certificate | Trust") -> Trust:
    """One root as what is trusted."""
    return root if isinstance(root, Trust) else Trust((root,))
