"""A real time-stamping service for the tests: `openssl ts` behind a small HTTP server, with an authority of its own.

It lies in the ways the tests ask for, and can be down, slow, or of another authority.
"""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_policy = 1.2.3.4.1
digests = sha256
serial = {folder}/serial
ess_cert_id_chain = no
ess_cert_id_alg = sha256
signer_digest = sha256
accuracy = secs:1
"""


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def real_now() -> datetime:
    """The system's time, which `openssl ts` stamps with."""
    return datetime.now(UTC).replace(microsecond=0)


class Authority:
    """A root and its list of revoked certificates, and the certificates for stamping that it issues."""

    def __init__(self, folder: Path, name: str, list_url: str) -> None:
        folder.mkdir(parents=True)
        self.folder, self.list_url = folder, list_url
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = real_now()
        self.root = (
            self._begun(self.name, self.key.public_key(), now - timedelta(days=400), now + timedelta(days=9000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = folder / "authority.pem"
        self.pem.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        self.revoked: list[int] = []

    def _begun(
        self, subject: x509.Name, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, since: datetime, until: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )

    def issue(self, name: str, days: int, key: Key | None = None) -> "Stamper":
        """A certificate for stamping with so many days left, for a new key on P-256 where none is given."""
        key, now = key or ec.generate_private_key(ec.SECP256R1()), real_now()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(self.list_url)], None, None, None)
        certificate = (
            self._begun(subject, key.public_key(), now - timedelta(days=300), now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.CRLDistributionPoints([point]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Stamper(self.folder / name.replace(" ", "-"), certificate, key)

    def revocation_list(self) -> bytes:
        """The list as it stands, for a week, in DER."""
        now = real_now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(now - timedelta(hours=1))
            .next_update(now + timedelta(days=7))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for serial in self.revoked:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(days=1))
            builder = builder.add_revoked_certificate(one.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Stamper:
    """Who stamps: a certificate and its key as `openssl ts` wants them."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: Key) -> None:
        folder.mkdir()
        self.folder, self.certificate = folder, certificate
        (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        self._lock = threading.Lock()

    def reply(self, query: bytes) -> bytes:
        """The answer to a query, by `openssl ts`."""
        with self._lock:  # the serial number is one file
            asked, said = self.folder / "query.tsq", self.folder / "reply.tsr"
            asked.write_bytes(query)
            command = ["openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf", "-section", "tsa"]
            command += ["-signer", self.folder / "cert.pem", "-inkey", self.folder / "key.pem"]
            command += ["-queryfile", asked, "-out", said]
            subprocess.run(command, check=True, capture_output=True)
            return said.read_bytes()


@dataclass
class Service:
    """The service on its address. `lie` is what it does instead of answering rightly."""

    url: str
    authority: Authority
    stranger: Stamper
    stamper: Stamper
    lie: str = ""
    asked: int = 0
    lists: dict[str, bytes] = field(default_factory=dict)  # of other authorities, by path
    let_go: threading.Event = field(default_factory=threading.Event)

    def answer(self, query: bytes) -> bytes:
        """What the service says to a query."""
        self.asked += 1
        if self.lie == "other digest":
            query = _changed(query, digest=b"\x07" * 32)
        elif self.lie == "other nonce":
            query = _changed(query, nonce=1)
        elif self.lie == "refusal":
            query = query[:20]
        elif self.lie == "garbage":
            return b"<html>Welcome to the hotel's network</html>"
        elif self.lie == "endless":
            return b"\x30" * (1024 * 1024)
        reply = (self.stranger if self.lie == "stranger" else self.stamper).reply(query)
        if self.lie == "broken":
            return reply[:-9] + bytes([reply[-9] ^ 1]) + reply[-8:]
        return reply


def _changed(query: bytes, digest: bytes = b"", nonce: int | None = None) -> bytes:
    asked = tsp.TimeStampReq.load(query)
    if digest:
        asked["message_imprint"]["hashed_message"] = digest
    if nonce is not None:
        asked["nonce"] = nonce
    return bytes(asked.dump(force=True))


class Handler(BaseHTTPRequestHandler):
    """What the service says over HTTP: stamps to who posts, the authority's list to who gets."""

    service: Service

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if self.service.lie == "hanging":
            self.service.let_go.wait(30)
        if self.service.lie == "error 500":
            self.send_error(500)
        elif self.service.lie == "redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
        else:
            self._send(self.service.answer(query), "application/timestamp-reply")

    def do_GET(self) -> None:
        if self.path in self.service.lists:
            self._send(self.service.lists[self.path], "application/pkix-crl")
            return
        is_none = self.service.lie == "no list"
        self._send(b"nothing of the kind" if is_none else self.service.authority.revocation_list(), "text/plain")

    def _send(self, data: bytes, kind: str) -> None:
        try:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked was killed, or waited no longer

    def log_message(self, *_args: object) -> None:
        return


@contextmanager
def served(folder: Path) -> Iterator[Service]:
    """A service that listens on loopback until the block ends."""
    handler = type("Handler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    url = f"http://127.0.0.1:{server.server_port}"
    authority = Authority(folder / "authority", "Test Time Authority", f"{url}/revoked.crl")
    stranger = Authority(folder / "stranger", "Test Time Authority", f"{url}/revoked.crl").issue("Test TSA", 3000)
    service = Service(f"{url}/stamp", authority, stranger, authority.issue("Test TSA", 3000))
    handler.service = service
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _usage(*allowed: str) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in allowed for name in names})
