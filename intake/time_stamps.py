"""Trusted time (RFC 3161): asking a time-stamping service, and checking what somebody stamped, also years later.

What is stamped and where a token is kept is left to the rooms. This is the one module that calls out of the clinic.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from asn1crypto import algos, cms, core, crl, pem, tsp, x509
from flask import Flask, current_app
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from intake import clock
from intake.errors import DomainError, Invalid, NotAllowed

# What it finds is told by a code; the library would write each finding to the log as well, with its whole stack.
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)
SECONDS = 10.0  # for a whole answer, however slowly it trickles
AT_ONCE = 1.5  # seconds, where something else waits for it
QUIET = timedelta(minutes=10)  # for so long nobody waits for a service that was too slow
LARGEST_TOKEN = 64 * 1024  # bytes; services send 2 to 8 kB
USUAL_TOKEN = 12 * 1024
MARGIN = 256  # a service's answers differ by a few bytes
LARGEST_LIST = 512 * 1024  # bytes; a list of revoked certificates is kept inside every record
FAR_OFF = timedelta(minutes=5)
LIST_KEPT = timedelta(hours=1)
HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


@dataclass(frozen=True)
class Token:
    """A time stamp that was checked: when, by whom, until when its signer's certificate is in force, and that
    certificate with those above it. `chain` is empty where nobody said which authorities count."""

    der: bytes = field(repr=False)
    at: datetime
    who: str
    until: datetime
    chain: tuple[Any, ...] = field(repr=False, default=())


def read_authorities(data: bytes) -> tuple[Any, ...]:
    """The certificates of a PEM file. Raises ValueError where there is none."""
    return tuple(x509.Certificate.load(der) for _, _, der in pem.unarmor(data, multiple=True))


def check(der: bytes, digest: bytes, authorities: Sequence[Any], lists: Sequence[Any] | None = None) -> Token:
    """The token in these bytes, a time stamp of this SHA-256 digest; its certificates count as they stood at its time.

    With `lists` each certificate below an authority must be on none of them, and each must have its own. Raises
    Invalid("time_stamp.not_a_token"), "time_stamp.other_digest", "time_stamp.broken" where the signature does not hold,
    and "time_stamp.unknown_authority". With no authorities the last is not asked.
    """
    return asyncio.run(checked(der, digest, authorities, lists))


async def checked(der: bytes, digest: bytes, authorities: Sequence[Any], lists: Sequence[Any] | None = None) -> Token:
    """`check` for whoever has an event loop already."""
    signed, said, signer = _read(der)
    imprint = said["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].native != "sha256" or imprint["hashed_message"].native != digest:
        raise Invalid("time_stamp.other_digest")
    at = said["gen_time"].native
    context = ValidationContext(
        trust_roots=list(authorities),
        other_certs=[one.chosen for one in signed["certificates"]],
        moment=at if lists is None else None,
        crls=list(lists or ()),
        allow_fetching=False,
        revocation_mode="soft-fail" if lists is None else "hard-fail",
    )
    try:
        found = await validate_tst_signed_data(signed, context, lambda _name: digest)
        status = TimestampSignatureStatus(**found)
    except Exception as error:  # what somebody else sent may fail anywhere in the library; that is the finding
        raise Invalid("time_stamp.broken") from error
    if not (status.intact and status.valid):
        raise Invalid("time_stamp.broken")
    if authorities and not status.trusted:
        raise Invalid("time_stamp.unknown_authority")
    path = status.validation_path
    chain = tuple(reversed(list(path.iter_certs(include_root=True)))) if path and authorities else ()
    who = signer.subject.native.get("common_name") or signer.subject.human_friendly
    return Token(der, at, str(who), signer.not_valid_after, chain)


def _imprint_of(der: bytes) -> bytes:
    imprint: bytes = _read(der)[1]["message_imprint"]["hashed_message"].native
    return imprint


def _read(der: bytes) -> tuple[Any, Any, Any]:
    """A token's signed data, what it says, and its signer's certificate; only the one DER form is taken."""
    try:
        info = cms.ContentInfo.load(der, strict=True)
        signed = info["content"]
        said = signed["encap_content_info"]["content"].parsed
        (signer_info,) = signed["signer_infos"]
        sid = signer_info["sid"].chosen
        (signer,) = (
            one.chosen
            for one in signed["certificates"]
            if (one.chosen.issuer, one.chosen.serial_number) == (sid["issuer"], sid["serial_number"].native)
        )
        is_one = isinstance(said, tsp.TSTInfo) and said["gen_time"].native.tzinfo is not None
    except Exception as error:  # bytes that are no token may fail anywhere in the decoder; that is the finding
        raise Invalid("time_stamp.not_a_token") from error
    if not is_one:
        raise Invalid("time_stamp.not_a_token")
    return signed, said, signer


@dataclass(frozen=True)
class TimeService:
    """A time-stamping service, the authorities that must stand behind it, and the hosts from which lists of revoked
    certificates may be fetched."""

    url: str
    authorities: tuple[Any, ...] = field(repr=False)
    hosts: frozenset[str]
    seconds: float = SECONDS
    _sizes: list[int] = field(default_factory=list, repr=False, compare=False)
    _slow: list[datetime] = field(default_factory=list, repr=False, compare=False)
    _lists: dict[str, tuple[datetime, Any]] = field(default_factory=dict, repr=False, compare=False)

    def stamp(self, digest: bytes) -> Token:
        """A time stamp of a SHA-256 digest, asked for now and checked.

        Raises NotAllowed("time_stamp.no_answer") where the service is silent, slow, refuses or answers with an error;
        Invalid with what `check` says, or "time_stamp.other_nonce", "time_stamp.time_far_off" (more than 5 minutes from
        our clock), "time_stamp.too_large".
        """
        return asyncio.run(self.ask(digest))

    @property
    def size(self) -> int:
        """How many bytes to keep free for a time stamp: a few more than the last took, or what any may take."""
        return self._sizes[-1] + MARGIN if self._sizes else USUAL_TOKEN

    @property
    def is_quick(self) -> bool:
        """Whether something may wait for it: it did not fail `ask_at_once` in the last ten minutes."""
        return not self._slow or not self._slow[-1] <= clock.now() < self._slow[-1] + QUIET

    async def ask_at_once(self, digest: bytes) -> Token:
        """Like `ask`, within a second and a half; where that fails it is not `is_quick` for ten minutes."""
        try:
            return await self.ask(digest, min(AT_ONCE, self.seconds))
        except DomainError:
            self._slow[:] = [clock.now()]
            raise

    async def ask(self, digest: bytes, seconds: float = 0) -> Token:
        """The same for whoever has an event loop already."""
        nonce = secrets.randbits(63)
        asked = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {
                    "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                    "hashed_message": digest,
                },
                "nonce": nonce,
                "cert_req": True,
            }
        )
        answer = await self._fetch(self.url, LARGEST_TOKEN, asked.dump(), seconds)
        der = _token_of(answer, nonce)
        token = await checked(der, digest, self.authorities, None)
        if abs(token.at - clock.now()) > FAR_OFF:
            raise Invalid("time_stamp.time_far_off", at=token.at.isoformat())
        self._sizes[:] = [len(der)]
        return token

    async def lists_for(self, token: Token) -> list[Any]:
        """The lists of revoked certificates for a token's signer and those above it, each at most an hour old here.

        Raises Invalid("time_stamp.no_list") where a certificate names none at an allowed host or what is there is none,
        Invalid("time_stamp.revoked") where a list names it or does not cover now, and what `stamp` does for the way
        there.
        """
        lists = [await self._list(one) for one in token.chain[:-1]]
        try:
            await checked(token.der, _imprint_of(token.der), self.authorities, lists)
        except Invalid as error:
            raise Invalid("time_stamp.revoked") from error
        return lists

    async def lists_of(self, path: Sequence[Any]) -> list[Any]:
        """The lists for a signer's certificate and those above it up to a root, the last; none where one of them is at
        no allowed host, or where they do not show that each certificate is good now.

        Raises NotAllowed("time_stamp.no_answer") where a host is silent: then it is worth while to wait.
        """
        signer, *above, root = path
        try:
            lists = [await self._list(one) for one in path[:-1]]
            context = ValidationContext(
                trust_roots=[root], other_certs=above, crls=lists, allow_fetching=False, revocation_mode="hard-fail"
            )
            await CertificateValidator(signer, validation_context=context).async_validate_usage(set())
        except (Invalid, ValidationError, PathBuildingError):
            return []
        return lists

    async def _list(self, certificate: Any) -> Any:
        points = certificate.crl_distribution_points or []
        url = next((one.url for one in points if one.url and (urlsplit(one.url).hostname or "") in self.hosts), None)
        if url is None:
            raise Invalid("time_stamp.no_list")
        fetched_at, found = self._lists.get(url, (None, None))
        if fetched_at is None or not fetched_at <= clock.now() < fetched_at + LIST_KEPT:
            data = await self._fetch(url, LARGEST_LIST)
            try:
                found = crl.CertificateList.load(data, strict=True)
                found.native  # noqa: B018  # it is read lazily, and what is none must be found here
            except (ValueError, TypeError) as error:
                raise Invalid("time_stamp.no_list") from error
            self._lists[url] = clock.now(), found
        return found

    async def _fetch(self, url: str, largest: int, body: bytes | None = None, seconds: float = 0) -> bytes:
        """What a host answers: at once, whole, without a redirect, in so many bytes at most."""
        timeout = aiohttp.ClientTimeout(total=seconds or self.seconds)
        method, headers = ("POST", HEADERS) if body is not None else ("GET", {})
        data = bytearray()
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
                session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise NotAllowed("time_stamp.no_answer", status=answer.status)
                async for piece in answer.content.iter_chunked(16 * 1024):
                    data += piece
                    if len(data) > largest:
                        raise Invalid("time_stamp.too_large")
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            raise NotAllowed("time_stamp.no_answer", error=type(error).__name__) from error
        return bytes(data)


class _Reply(core.Sequence):  # type: ignore[misc]  # asn1crypto is not typed
    """An answer (RFC 3161, 2.4.2). The library's own has no room for a refusal, in which there is no token."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


def _token_of(answer: bytes, nonce: int) -> bytes:
    """The token of an answer to our question (RFC 3161, 2.4.2)."""
    try:
        reply = _Reply.load(answer, strict=True)
        status, token = str(reply["status"]["status"].native), reply["time_stamp_token"]
        der: bytes = token.dump()
    except (ValueError, TypeError) as error:
        raise Invalid("time_stamp.not_a_token") from error
    if status not in ("granted", "granted_with_mods"):
        raise NotAllowed("time_stamp.no_answer", status=status)
    if _read(der)[1]["nonce"].native != nonce:
        raise Invalid("time_stamp.other_nonce")
    return der


def init_app(app: Flask) -> None:
    """Read the authorities for this application. Raises OSError or ValueError where their file cannot be read."""
    chosen = app.config["INTAKE"].time_stamps
    app.extensions["intake_time_service"] = chosen and TimeService(
        chosen.url, read_authorities(chosen.authority.read_bytes()), chosen.hosts
    )


def the_authorities() -> tuple[Any, ...]:
    """The authorities whose time stamps count here; none where the clinic named none."""
    service = the_time_service()
    return service.authorities if service else ()


def the_time_service() -> TimeService | None:
    """The running application's, or None where the clinic has none."""
    return the_service_of(current_app)


def the_service_of(app: Flask) -> TimeService | None:
    """An application's."""
    service: TimeService | None = app.extensions["intake_time_service"]
    return service
