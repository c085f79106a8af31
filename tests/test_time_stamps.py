"""The time service (RFC 3161): what it answers is checked before anybody relies on it, and nobody waits for it long."""

import asyncio
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from intake import clock
from intake.config import BadSetting, Settings
from intake.errors import DomainError, Invalid, NotAllowed
from intake.time_stamps import FAR_OFF, QUIET, TimeService, check, read_authorities
from tests import tsa

DIGEST = sha256(b"a record").digest()


@pytest.fixture
def service(time_service: tsa.Service) -> TimeService:
    return client_of(time_service)


def client_of(server: tsa.Service, seconds: float = 5) -> TimeService:
    authorities = read_authorities(server.authority.pem.read_bytes())
    return TimeService(server.url, authorities, frozenset({"127.0.0.1"}), seconds)


def test_a_time_stamp_says_when_and_who_and_can_be_checked_by_anybody(
    service: TimeService, time_service: tsa.Service
) -> None:
    token = service.stamp(DIGEST)
    assert abs(token.at - clock.now()) < FAR_OFF and token.who == "Test TSA"
    assert token.until == time_service.stamper.certificate.not_valid_after_utc
    assert [one.subject.native["common_name"] for one in token.chain] == ["Test TSA", "Test Time Authority"]
    assert check(token.der, DIGEST, service.authorities).at == token.at


def test_a_time_stamp_is_good_for_its_digest_alone_and_only_under_its_authority(
    service: TimeService, time_service: tsa.Service
) -> None:
    der = service.stamp(DIGEST).der
    with pytest.raises(Invalid, match="other_digest"):
        check(der, sha256(b"another record").digest(), service.authorities)
    strangers = time_service.authority.folder.parent / "stranger" / "authority.pem"
    with pytest.raises(Invalid, match="unknown_authority"):
        check(der, DIGEST, read_authorities(strangers.read_bytes()))
    assert check(der, DIGEST, ()).chain == ()


LIES = {
    "other digest": "time_stamp.other_digest",
    "other nonce": "time_stamp.other_nonce",
    "stranger": "time_stamp.unknown_authority",
    "broken": "time_stamp.broken",
    "garbage": "time_stamp.not_a_token",
    "endless": "time_stamp.too_large",
    "refusal": "time_stamp.no_answer",
    "error 500": "time_stamp.no_answer",
    "redirect": "time_stamp.no_answer",
}


@pytest.mark.parametrize("lie", LIES)
def test_each_kind_of_lie_is_refused_with_its_code(lie: str, service: TimeService, time_service: tsa.Service) -> None:
    time_service.lie = lie
    with pytest.raises(DomainError) as refusal:
        service.stamp(DIGEST)
    assert refusal.value.code == LIES[lie]


def test_a_service_that_hangs_is_waited_for_so_long_and_no_longer(time_service: tsa.Service) -> None:
    time_service.lie = "hanging"
    with pytest.raises(NotAllowed, match="no_answer") as refusal:
        client_of(time_service, seconds=0.2).stamp(DIGEST)
    assert refusal.value.facts == {"error": "TimeoutError"}


def test_a_service_that_is_not_there_gives_no_answer(time_service: tsa.Service) -> None:
    gone = TimeService("http://127.0.0.1:9/stamp", client_of(time_service).authorities, frozenset())
    with pytest.raises(NotAllowed, match="no_answer"):
        gone.stamp(DIGEST)


def test_a_time_far_from_our_clock_is_refused(service: TimeService) -> None:
    for ours in (clock.now() + 2 * FAR_OFF, clock.now() - 2 * FAR_OFF):
        with clock.frozen(ours), pytest.raises(Invalid, match="time_far_off"):
            service.stamp(DIGEST)


def test_who_cannot_wait_asks_a_service_that_failed_again_only_after_a_while(
    service: TimeService, time_service: tsa.Service
) -> None:
    time_service.lie = "error 500"
    with pytest.raises(NotAllowed):
        asyncio.run(service.ask_at_once(DIGEST))
    assert not service.is_quick
    with clock.frozen(clock.now() + QUIET):
        assert service.is_quick


def test_lists_of_revoked_certificates_come_from_allowed_hosts_alone_and_must_be_lists(
    service: TimeService, time_service: tsa.Service
) -> None:
    token = service.stamp(DIGEST)
    assert len(asyncio.run(service.lists_for(token))) == 1
    elsewhere = TimeService(service.url, service.authorities, frozenset({"authority.example"}))
    with pytest.raises(Invalid, match="no_list"):
        asyncio.run(elsewhere.lists_for(token))
    time_service.lie = "no list"
    with pytest.raises(Invalid, match="no_list"):
        asyncio.run(client_of(time_service).lists_for(token))


def test_a_service_whose_certificate_was_revoked_is_refused(service: TimeService, time_service: tsa.Service) -> None:
    time_service.authority.revoked.append(time_service.stamper.certificate.serial_number)
    with pytest.raises(Invalid, match="revoked"):
        asyncio.run(service.lists_for(service.stamp(DIGEST)))


@given(garbage=st.binary(max_size=300))
def test_any_bytes_at_all_are_no_time_stamp(garbage: bytes) -> None:
    with pytest.raises(Invalid):
        check(garbage, DIGEST, ())


def test_settings_name_the_service_its_authority_and_the_hosts_of_lists(time_service: tsa.Service) -> None:
    table = {"url": "https://time.example:8443/tsa", "authority": str(time_service.authority.pem)}
    found = Settings.from_mapping({"time_stamps": table}).time_stamps
    assert found is not None and found.hosts == {"time.example"}
    found = Settings.from_mapping({"time_stamps": table | {"hosts": ["crl.example"]}}).time_stamps
    assert found is not None and found.hosts == {"crl.example"}
    (der := time_service.authority.pem.with_name("authority.der")).write_bytes(
        x509.load_pem_x509_certificate(time_service.authority.pem.read_bytes()).public_bytes(Encoding.DER)
    )
    (key := der.with_name("no-certificate.pem")).write_text("-----BEGIN X-----\nAAAA\n-----END X-----\n", "ascii")
    for wrong in (
        {"authority": str(der)},
        {"authority": str(key)},
        {"url": "ftp://time.example/"},
        {"url": "https://somebody:secret@time.example/"},
        {"url": ""},
        {"authority": "/nowhere/authority.pem"},
        {"authority": ""},
        {"hosts": "crl.example"},
        {"hosts": ["a b"]},
        {"key": "x"},
    ):
        with pytest.raises(BadSetting, match="time_stamps") as refusal:
            Settings.from_mapping({"time_stamps": table | wrong})
        assert "secret" not in str(refusal.value) and "\n" not in str(refusal.value)
