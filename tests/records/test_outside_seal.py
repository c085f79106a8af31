"""A seal of another authority, from a PKCS #12 file or on a token: a whole visit sealed with it; and what is wrong with
it stops no patient, loses nothing, and is said in a sentence.

Longer than 400 lines: what is told apart on a token and in a file needs the same authority and clinic.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from intake import cli_health, clock, consent, create_app, jobs, records
from intake.cli import demo_settings, main, toml
from intake.config import BadSetting, Settings
from intake.db import db
from intake.errors import NotReady
from intake.health import sentence_of
from intake.records import Fault, Trust, verify
from intake.records.certificates import ClinicKeys, fingerprint
from intake.records.keeping import ClinicSealer
from intake.records.seals import from_pkcs12
from intake.records.signed_bytes import places
from tests.builders import a_signed_visit
from tests.conftest import SERVER, StrictClient, settings_for, sign_in
from tests.endings import countersigned, record_id_of, work_done
from tests.records.authorities import PIN, SOFTHSM, Authority, Private, Token, secret

Opened = Callable[[dict[str, str]], Flask]


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def private() -> Private:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    """This test's clinic with a table [seal] in its settings."""
    made: list[Flask] = []

    def open_with(seal: dict[str, str]) -> Flask:
        more = {"database_url": settings.database_url} if SERVER else {}
        made.append(create_app(settings_for(settings.data, seal=seal, **more)))
        made[-1].test_client_class = StrictClient
        return made[-1]

    yield open_with
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def a_record(app: Flask) -> bytes:
    """A visit from its signature to its sealed, countersigned record."""
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    work_done(app)
    with app.app_context():
        assert not jobs.list_unfinished(), [job.error for job in jobs.list_unfinished()]
        return records.open_pdf(record_id_of(app, visit_id))


def assert_sealed(pdf: bytes, settings: Settings, authority: Authority, name: str, tmp_path: Path) -> None:
    """The clinic, a stranger with both roots, and poppler find both signatures good; one root alone is not enough."""
    own = ClinicKeys.load(settings.keys).root
    for trust in (Trust.load(settings.keys), Trust((own, authority.root))):
        found = verify(pdf, trust)
        assert found.problems == () and [one.who for one in found.signatures] == [name, "Dr Ananya Rao"]
    for known, lacking in ((own, "Trust Services root, key "), (authority.root, "Kesari Skin & Hair root, key ")):
        found = verify(pdf, known)
        assert found.problems == (Fault.UNKNOWN_ROOT,) and [root[:-40] for root in found.unknown_roots] == [lacking]
    seal, doctor = places(pdf)
    assert seal.message is not None and seal.message.chain == (authority.issuing,)
    assert doctor.message is not None and doctor.message.chain == ()
    (tmp_path / "r.pdf").write_bytes(pdf)
    told = subprocess.run(["pdfsig", "-nocert", tmp_path / "r.pdf"], capture_output=True, text=True, check=True).stdout
    assert told.count("Signature is Valid") == told.count("ETSI.CAdES.detached") == 2
    for path, root in (("own.pem", own), ("outside.pem", authority.root)):
        (tmp_path / path).write_bytes(root.public_bytes(Encoding.PEM))
    roots = [word for path in ("own.pem", "outside.pem") for word in ("--root", str(tmp_path / path))]
    said = CliRunner().invoke(main, ["verify", *roots, str(tmp_path / "r.pdf")])
    assert said.exit_code == 0 and f"signed by {name}" in said.output, said.output


@pytest.mark.parametrize("kind", ["EC P-256", "RSA 3072"])
def test_a_visit_is_sealed_with_the_key_of_a_pkcs12_file(
    kind: str, opened: Opened, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    is_ec = kind == "EC P-256"
    private: Private = ec.generate_private_key(ec.SECP256R1()) if is_ec else rsa.generate_private_key(65537, 3072)
    app = opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private)))
    pdf = a_record(app)
    assert_sealed(pdf, settings, authority, "Kesari e-seal", tmp_path)
    with app.app_context():
        assert records.try_seal() == ""
    page = sign_in(app, "admin@demo.example").get("/health").text
    assert "Another authority certified the seal" in page and "CN=Trust Services CA 1" in page


def test_a_changed_or_shortened_message_of_such_a_seal_is_found(
    opened: Opened, settings: Settings, authority: Authority, private: Private, tmp_path: Path
) -> None:
    pdf = a_record(opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private))))
    trust = Trust.load(settings.keys)
    gap = places(pdf)[0]
    message = bytes.fromhex(gap.gap[1:-1].decode())
    for place in range(0, len(message.rstrip(b"\0")), 41):
        changed = bytearray(message)
        changed[place] ^= 1
        forged = pdf[: gap.start + 1] + bytes(changed).hex().upper().encode() + pdf[gap.end - 1 :]
        assert not verify(forged, trust).is_genuine, place


def test_a_stranger_certified_by_the_same_authority_is_not_the_clinic(
    opened: Opened, settings: Settings, authority: Authority, private: Private, tmp_path: Path
) -> None:
    app = opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private)))
    a_record(app)
    stranger = ec.generate_private_key(ec.SECP256R1())
    theirs = authority.seal("Kesari e-seal", stranger)
    trust = Trust.load(settings.keys)
    assert trust.stands_behind(authority.seal("Kesari e-seal", private)) is False  # not the one that was used
    assert not trust.stands_behind(theirs, (authority.issuing,))
    with app.app_context():
        used = records.certificates_in_use()["seal"]
    assert trust.stands_behind(used, (authority.issuing,))
    assert not trust.stands_behind(used, ()) and not trust.stands_behind(used, (authority.issuing, authority.root))


def test_records_of_the_own_seal_and_of_one_from_elsewhere_stay_genuine_whichever_is_in_use(
    app: Flask, opened: Opened, settings: Settings, authority: Authority, private: Private, tmp_path: Path
) -> None:
    first = a_record(app)
    outside = opened(authority.pkcs12(tmp_path / "p12", private, authority.seal("Kesari e-seal", private)))
    waiting = a_signed_visit(app)  # signed under the own seal, sealed under the other one
    second = a_record(outside)
    countersigned(outside, waiting)
    work_done(outside)
    with outside.app_context():
        third = records.open_pdf(record_id_of(outside, waiting))
    (tmp_path / "p12" / "seal.p12").unlink()
    trust = Trust.load(settings.keys)
    assert [verify(pdf, trust).problems for pdf in (first, second, third)] == [(), (), ()]
    with app.app_context():
        assert list(consent.check_all(Counter())) == []


def wrong_password(folder: Path) -> None:
    secret(folder / "password", "something else")


def missing_file(folder: Path) -> None:
    (folder / "seal.p12").unlink()


def open_password(folder: Path) -> None:
    (folder / "password").chmod(0o444)


def no_password(folder: Path) -> None:
    (folder / "password").unlink()


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (wrong_password, "seal.wrong_password"),
        (missing_file, "seal.file_missing"),
        (open_password, "seal.open_to_others"),
        (no_password, "seal.file_missing"),
    ],
)
def test_what_is_wrong_with_the_file_stops_no_patient_and_its_record_waits(
    break_it: Callable[[Path], None],
    code: str,
    opened: Opened,
    authority: Authority,
    private: Private,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    clock_at: Callable[[Any], None],
) -> None:
    folder = tmp_path / "p12"
    values = authority.pkcs12(folder, private, authority.seal("Kesari e-seal", private))
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    break_it(folder)
    app = opened(values)
    assert cli_health.try_keys(app, "worker") == {"seal": code}
    assert sentence_of(code) in capsys.readouterr().err
    visit_id = a_signed_visit(app)  # the patient signs
    countersigned(app, visit_id)
    assert work_done(app) >= 1
    with app.app_context():
        waiting = {job.name: job for job in jobs.list_unfinished()}
        assert {job.error for job in waiting.values()} <= {code, "seal.statement_not_signed"}
        assert code in {job.error for job in waiting.values()}
        assert all(job.given_up_at is None and job.tries == 0 for job in waiting.values())
    for path, data in kept.items():
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(0o400)
    for _ in range(3):  # a signature first, then the record
        clock_at(clock.now() + timedelta(seconds=31))
        work_done(app)
    with app.app_context():
        assert not jobs.list_unfinished()
        assert records.verify_record(record_id_of(app, visit_id)).is_genuine


def test_a_certificate_without_its_chain_or_not_for_signing_is_told_apart(
    authority: Authority, private: Private, tmp_path: Path, settings: Settings
) -> None:
    sealed = authority.seal("Kesari e-seal", private)
    bare = authority.pkcs12(tmp_path / "bare", private, sealed, whole=False)
    with pytest.raises(NotReady, match=r"seal\.chain_incomplete"):
        from_pkcs12(seal_of(settings, bare))
    whole = from_pkcs12(seal_of(settings, {**bare, "chain": str(authority.chain(tmp_path / "chain.pem"))}))
    assert (whole.chain, whole.root) == ((authority.issuing,), authority.root)
    other = authority.seal("Kesari TLS", private, is_for_signing=False)
    with pytest.raises(NotReady, match=r"seal\.not_for_signing"):
        from_pkcs12(seal_of(settings, authority.pkcs12(tmp_path / "tls", private, other))).check()
    small = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(NotReady, match=r"seal\.kind_of_key"):
        from_pkcs12(seal_of(settings, authority.pkcs12(tmp_path / "384", small, authority.seal("X", small)))).check()


def seal_of(settings: Settings, values: dict[str, str]) -> Any:
    return settings_for(settings.data, seal=values).seal


@pytest.mark.parametrize(
    ("seal", "words"),
    [
        ({}, "seal: name either"),
        ({"pkcs12": "/a", "pkcs11_module": "/b"}, "seal: name either"),
        ({"pkcs12": "/a"}, "seal.password_file"),
        ({"pkcs12": "/a", "password_file": "b"}, "seal.password_file: 'b' must be a whole path"),
        ({"pkcs12": "/a", "password_file": "/b", "password": "x"}, "seal.password: no such setting"),
        ({"pkcs11_module": "/a", "token": "t", "key": "k"}, "seal.pin_file"),
        ("x", "seal: must be a table"),
    ],
)
def test_a_table_of_the_seal_that_cannot_be_used_stops_the_start(seal: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        settings_for(tmp_path, seal=seal)
    assert words in str(refused.value)


def test_no_setting_of_the_seal_comes_from_the_environment() -> None:
    with pytest.raises(BadSetting, match="INTAKE_SEAL"):
        Settings.read({"INTAKE_SEAL": "x"})


# ---- On a token ----


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    assert SOFTHSM is not None, "softhsm2 is one of the packages that make setup installs"
    made = Token(tmp_path / "token")
    monkeypatch.setenv("SOFTHSM2_CONF", str(made.conf))
    return made


def test_a_visit_is_sealed_by_a_token_whose_key_cannot_be_taken_out(
    token: Token, opened: Opened, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    private = token.make_key(tmp_path)
    sealed = authority.seal("Kesari token seal", private)
    app = opened(token.settings(authority.chain(tmp_path / "chain.pem", sealed)))
    visit_id = a_signed_visit(app)
    with app.app_context():  # no page waits for a device: the worker signs what the patient signed
        stated = consent.find_statement(visit_id, consent.Kind.SIGNED)
        assert stated is not None and stated.signature == b""
        assert [job.name for job in jobs.list_unfinished()] == ["consent.sign"]
    work_done(app)
    assert_sealed(a_record(app), settings, authority, "Kesari token seal", tmp_path)
    [on_token] = pkcs11.lib(str(SOFTHSM)).get_tokens(token_label="clinic")
    with on_token.open() as session:
        [key] = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
        assert key[pkcs11.Attribute.EXTRACTABLE] is False and key[pkcs11.Attribute.SENSITIVE] is True
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]


def test_a_token_pulled_out_loses_nothing_and_what_waits_is_sealed_when_it_is_back(
    token: Token, opened: Opened, authority: Authority, tmp_path: Path, clock_at: Callable[[Any], None]
) -> None:
    sealed = authority.seal("Kesari token seal", token.make_key(tmp_path))
    app = opened(token.settings(authority.chain(tmp_path / "chain.pem", sealed)))
    with app.app_context():
        assert records.try_seal() == ""
    token.pull_out()
    visit_id = a_signed_visit(app)
    countersigned(app, visit_id)
    for _ in range(15):  # more often than a job is tried
        clock_at(clock.now() + timedelta(seconds=31))
        work_done(app)
    with app.app_context():
        assert {job.given_up_at for job in jobs.list_unfinished()} == {None}
        assert "seal.token_missing" in {job.error for job in jobs.list_unfinished()}
        assert records.try_seal() == "seal.token_missing"
    token.plug_in()
    for _ in range(3):
        clock_at(clock.now() + timedelta(seconds=31))
        work_done(app)
    with app.app_context():
        assert not jobs.list_unfinished()
        assert records.verify_record(record_id_of(app, visit_id)).is_genuine


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"token": "another"}, "seal.token_missing"),
        ({"key": "another"}, "seal.token_key_missing"),
        ({"pkcs11_module": "/nowhere/module.so"}, "seal.module_missing"),
        ({"pkcs11_module": __file__}, "seal.module_missing"),
        ({"pin_file": "/nowhere/pin"}, "seal.file_missing"),
    ],
)
def test_what_is_wrong_with_a_token_is_told_apart(
    changed: dict[str, str], code: str, token: Token, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    sealed = authority.seal("Kesari token seal", token.make_key(tmp_path))
    values = {**token.settings(authority.chain(tmp_path / "chain.pem", sealed)), **changed}
    with pytest.raises(NotReady) as refused:
        ClinicSealer(settings.keys, seal_of(settings, values)).sign_evidence(b"x")
    assert refused.value.code == code and sentence_of(code)


def test_a_wrong_pin_is_refused_and_said_without_the_pin(
    token: Token, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    sealed = authority.seal("Kesari token seal", token.make_key(tmp_path))
    values = token.settings(authority.chain(tmp_path / "chain.pem", sealed))
    secret(token.pin_file, "111111")
    with pytest.raises(NotReady) as refused:
        ClinicSealer(settings.keys, seal_of(settings, values)).sign_evidence(b"x")
    assert refused.value.code == "seal.wrong_pin"
    assert PIN not in repr(refused.value.facts) and "111111" not in repr(refused.value.facts)


def test_a_refused_pin_is_not_tried_again_until_its_file_is_another(
    token: Token, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    sealed = authority.seal("Kesari token seal", token.make_key(tmp_path))
    secret(token.pin_file, "111111")
    sealer = ClinicSealer(
        settings.keys, seal_of(settings, token.settings(authority.chain(tmp_path / "chain.pem", sealed)))
    )
    with pytest.raises(NotReady, match=r"seal\.wrong_pin"):
        sealer.sign_evidence(b"x")
    token.pull_out()
    with pytest.raises(NotReady, match=r"seal\.wrong_pin"):  # the token is not even looked for
        sealer.sign_evidence(b"x")
    token.plug_in()
    secret(token.pin_file, PIN)
    assert sealer.sign_evidence(b"x")


TRY = """
import sys
from pathlib import Path
from intake.config import Settings
from intake.errors import NotReady
from intake.records import ClinicSealer
settings = Settings.from_env()
try:
    ClinicSealer(settings.keys, settings.seal).sign_evidence(b"x")
    print("signed")
except NotReady as error:
    print(error.code)
"""


def test_a_refused_pin_is_not_tried_by_another_process_either_until_its_file_is_another(
    token: Token, settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    sealed = authority.seal("Kesari token seal", token.make_key(tmp_path))
    values = token.settings(authority.chain(tmp_path / "chain.pem", sealed))
    file = tmp_path / "intake.toml"
    file.write_text(toml(demo_settings(settings.data, 8000) | {"seal": values}), "utf-8")

    def tried() -> str:
        env = {**os.environ, "INTAKE_SETTINGS": str(file)}
        return subprocess.run([sys.executable, "-c", TRY], env=env, capture_output=True, text=True, check=True).stdout

    secret(token.pin_file, "111111")
    assert tried() == "seal.wrong_pin\n"
    kept = settings.keys / "refused-pin"
    assert kept.stat().st_mode & 0o777 == 0o600 and "111111" not in kept.read_text("utf-8")
    token.pull_out()
    assert tried() == "seal.wrong_pin\n", "the token is not even looked for"
    token.plug_in()
    secret(token.pin_file, PIN)
    assert tried() == "signed\n" and not kept.exists()


def test_whose_certificate_is_on_a_token_is_known_without_asking_the_token(
    token: Token, opened: Opened, authority: Authority, tmp_path: Path
) -> None:
    sealed = authority.seal("Kesari token seal", token.make_key(tmp_path))
    values = token.settings(authority.chain(tmp_path / "chain.pem", sealed))
    token.pull_out()
    with opened(values).app_context():  # from the chain's file, before it was ever used
        assert records.certificates_in_use()["seal"] == sealed
    token.plug_in()
    with opened(values).app_context():
        assert records.try_seal() == ""
    (tmp_path / "chain.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    token.pull_out()
    with opened(values).app_context():  # from what it was used with
        assert records.certificates_in_use()["seal"] == sealed


def test_the_certificates_of_a_seal_from_elsewhere_are_kept_once(
    settings: Settings, authority: Authority, private: Private, tmp_path: Path
) -> None:
    sealed = authority.seal("Kesari e-seal", private)
    values = authority.pkcs12(tmp_path / "p12", private, sealed)
    for _ in range(2):
        ClinicSealer(settings.keys, seal_of(settings, values)).sign_evidence(b"x")
    [kept] = (settings.keys / "seal" / "known").iterdir()
    assert x509.load_pem_x509_certificates(kept.read_bytes()) == [sealed, authority.issuing, authority.root]
    assert fingerprint(sealed).startswith(kept.stem)
