"""The arithmetic of verify.py, which has no library under it: published vectors, the edges that checkers are known to
miss, and the library for cryptography as an oracle."""

import ast
import datetime
import importlib.util
import sys
from datetime import timedelta
from hashlib import new, sha256
from pathlib import Path
from types import ModuleType

import pytest
from asn1crypto import core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import settings as property_tests
from hypothesis import strategies as some

from intake.archive.bundle import OWN
from intake.audit import verify_consistency, verify_inclusion
from intake.audit.merkle import consistency_proof, inclusion_proof, root_of
from tests import tsa

SOURCE = (OWN / "verify.py").read_text("utf-8")


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle_arithmetic", OWN / "verify.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


v = _loaded()
KEYS = [ec.derive_private_key(number, ec.SECP256R1()) for number in (1, 2, 0xC0FFEE, v.P_256.n - 1)]
RSA_KEY = rsa.generate_private_key(65537, 2048)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
POINT = bytes.fromhex(
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
SAMPLE = (
    0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
    0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
)
TEST = (
    0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
    0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
)
RFC_8032 = [  # section 7.1, tests 1 to 3: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
        "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
        "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.UncompressedPoint
    return key.public_key().public_bytes(serialization.Encoding.X962, form)


def test_it_needs_python_3_9_and_nothing_but_its_standard_library() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 9))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    assert not {"subprocess", "socket", "ctypes", "urllib"} & {name.split(".")[0] for name in names}


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_is_that_of_the_standard(public: str, message: str, signature: str) -> None:
    key, text, signed = (bytes.fromhex(one) for one in (public, message, signature))
    assert v.ed25519_holds(key, text, signed)
    assert not v.ed25519_holds(key, text + b"x", signed)
    s = int.from_bytes(signed[32:], "little") + v.L
    assert not v.ed25519_holds(key, text, signed[:32] + s.to_bytes(32, "little")), "a second form of the same signature"
    for wrong in (b"", key[:31], b"\xff" * 32):
        assert not v.ed25519_holds(wrong, text, signed)
    assert not v.ed25519_holds(key, text, signed + b"\0")


@pytest.mark.parametrize(("message", "numbers"), [(b"sample", SAMPLE), (b"test", TEST)])
def test_ecdsa_is_that_of_the_standard(message: bytes, numbers: tuple[int, int]) -> None:
    """RFC 6979, A.2.5: P-256 with SHA-256."""
    assert v.ecdsa_holds(POINT, message, encode_dss_signature(*numbers))
    assert not v.ecdsa_holds(POINT, message + b"x", encode_dss_signature(*numbers))


R, S = SAMPLE
BAD_NUMBERS = [
    (0, S),
    (R, 0),
    (0, 0),
    (v.P_256.n, S),
    (R, v.P_256.n),
    (R + v.P_256.n, S),
    (R, S + v.P_256.n),
    (-R, S),
    (R, -S),
    (1, 1),
    (S, R),
]


@pytest.mark.parametrize("numbers", BAD_NUMBERS)
def test_numbers_out_of_range_are_no_signature(numbers: tuple[int, int]) -> None:
    inner = b"".join(core.Integer(number).dump() for number in numbers)
    assert not v.ecdsa_holds(POINT, b"sample", b"\x30" + bytes([len(inner)]) + inner)


def test_a_signature_has_one_spelling() -> None:
    good = encode_dss_signature(*SAMPLE)
    r = good[4 : 4 + good[3]]
    spellings = [
        good + b"\0",
        b"\x30\x81" + good[1:],
        b"\x30" + bytes([good[1] + 1]) + b"\x02" + bytes([good[3] + 1]) + b"\0" + r + good[4 + good[3] :],
        b"\x31" + good[1:],
        good[:-1],
        b"",
        b"\x30\x00",
        b"\x30\x80" + good[2:] + b"\0\0",
        good[:4] + good[5:],
    ]
    assert v.ecdsa_holds(POINT, b"sample", good)
    assert not any(v.ecdsa_holds(POINT, b"sample", one) for one in spellings)


def test_a_key_that_is_no_point_of_the_curve_signs_nothing() -> None:
    good = encode_dss_signature(*SAMPLE)
    x, y = POINT[1:33], POINT[33:]
    larger = (int.from_bytes(x, "big") + v.P_256.p).to_bytes(33, "big")
    keys = [
        b"\x04" + x + y[:-1] + bytes([y[-1] ^ 1]),
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        b"\x04" + larger + y,
        b"\x02" + x,
        b"\x00",
        b"",
        b"\x06" + x + y,
        POINT + b"\0",
    ]
    assert not any(v.ecdsa_holds(key, b"sample", good) for key in keys)


changes = some.one_of(some.none(), some.tuples(some.integers(0, 500), some.integers(1, 255)))


def changed(data: bytes, change: tuple[int, int] | None) -> bytes:
    if change is None:
        return data
    place = change[0] % len(data)
    return data[:place] + bytes([data[place] ^ change[1]]) + data[place + 1 :]


@property_tests(max_examples=60)
@given(some.sampled_from(KEYS), some.binary(max_size=200), changes)
def test_ecdsa_says_what_the_library_says(
    key: ec.EllipticCurvePrivateKey, message: bytes, change: tuple[int, int] | None
) -> None:
    signature = changed(key.sign(message, ec.ECDSA(hashes.SHA256())), change)
    try:
        key.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        is_good = True
    except InvalidSignature:
        is_good = False
    assert v.ecdsa_holds(point(key), message, signature) is is_good
    assert is_good is (change is None)


@property_tests(max_examples=60)
@given(some.binary(min_size=32, max_size=32), some.binary(max_size=200), changes)
def test_ed25519_says_what_the_library_says(seed: bytes, message: bytes, change: tuple[int, int] | None) -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    signature = changed(key.sign(message), change)
    try:
        key.public_key().verify(signature, message)
        is_good = True
    except InvalidSignature:
        is_good = False
    assert v.ed25519_holds(key.public_key().public_bytes_raw(), message, signature) is is_good


@property_tests(max_examples=40)
@given(some.binary(max_size=200), changes, some.booleans())
def test_rsa_says_what_the_library_says(message: bytes, change: tuple[int, int] | None, is_pss: bool) -> None:
    scheme = PSS if is_pss else padding.PKCS1v15()
    numbers = RSA_KEY.public_key().public_numbers()
    signature = changed(RSA_KEY.sign(message, scheme, hashes.SHA256()), change)
    holds = v.rsa_pss_holds if is_pss else v.rsa_pkcs1_holds
    assert holds(numbers.n, numbers.e, message, signature) is (change is None)
    assert not holds(numbers.n, numbers.e, message, signature + b"\0")
    assert not holds(numbers.n, numbers.e, message, b"\0" * 256)


@pytest.mark.parametrize("hashed", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()], ids=["P-256", "P-384"])
def test_both_curves_with_each_hash_are_those_of_the_library(curve: ec.EllipticCurve, hashed: str) -> None:
    kind = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[hashed]
    key, numbers = ec.generate_private_key(curve), v.P_384 if curve.name == "secp384r1" else v.P_256
    signature = key.sign(b"m", ec.ECDSA(kind))
    assert v.ecdsa_holds(point(key), b"m", signature, numbers, hashed)
    assert not v.ecdsa_holds(point(key), b"n", signature, numbers, hashed)
    assert not any(v.ecdsa_holds(point(key), b"m", signature, numbers, other) for other in v.INFOS if other != hashed)
    other = v.P_256 if numbers is v.P_384 else v.P_384
    assert not v.ecdsa_holds(point(key), b"m", signature, other, hashed), "a point of the other curve"
    public, rsa_signature = RSA_KEY.public_key().public_numbers(), RSA_KEY.sign(b"m", padding.PKCS1v15(), kind)
    held = [name for name in v.INFOS if v.rsa_pkcs1_holds(public.n, public.e, b"m", rsa_signature, name)]
    assert held == [hashed]


@pytest.mark.parametrize("hashed", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384"])
def test_stamps_of_each_kind_of_service_are_read(kind: str, hashed: str, tmp_path: Path) -> None:
    """The imprint, the digest of the message and the signature each with the same hash, by a service's own program."""
    made = {"RSA": RSA_KEY, "P-256": KEYS[2], "P-384": ec.derive_private_key(7, ec.SECP384R1())}
    authority = tsa.Authority(tmp_path / "a", "Authority", "http://localhost/list")
    stamper = authority.issue("Stamper", 10, made[kind])
    settings = stamper.folder / "tsa.cnf"
    text = settings.read_text().replace("digests = sha256", "digests = sha256, sha384, sha512")
    settings.write_text(text.replace("signer_digest = sha256", f"signer_digest = {hashed}"))
    imprint = {"hash_algorithm": {"algorithm": hashed}, "hashed_message": new(hashed, b"one two").digest()}
    query = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
    token = tsp.TimeStampResp.load(stamper.reply(query.dump()))["time_stamp_token"].dump()
    before = tsa.real_now()
    stamp = v.TimeStamp(v.one_der(token, v.SEQUENCE), [b"one ", b"two"], "It")
    assert abs((stamp.at - before).total_seconds()) < 60 and stamp.certificate.name == "Stamper"
    root = v.Certificate(authority.root.public_bytes(serialization.Encoding.DER))
    assert v.authority_of(stamp.certificate, [root], {root.fingerprint}, stamp.at) is root
    assert v.authority_of(stamp.certificate, [root], {stamp.certificate.fingerprint}, stamp.at) is None
    assert v.authority_of(stamp.certificate, [root], {root.fingerprint}, root.ends + timedelta(days=1)) is None
    with pytest.raises(v.Wrong) as found:
        v.TimeStamp(v.one_der(token, v.SEQUENCE), [b"one two!"], "It")
    assert found.value.code == "time_stamp_of_another"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A time stamp of two words."""
    stamper = tsa.Authority(tmp_path_factory.mktemp("tsa") / "a", "Authority", "http://localhost/list").issue("S", 10)
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256(b"one two").digest()}
    query = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
    return bytes(tsp.TimeStampResp.load(stamper.reply(query.dump()))["time_stamp_token"].dump())


@property_tests(max_examples=80)
@given(some.integers(0, 5000), some.integers(1, 255))
def test_a_stamp_with_a_byte_changed_is_refused_or_says_the_same(token: bytes, place: int, change: int) -> None:
    try:
        found = v.TimeStamp(v.read_der(changed(token, (place, change)))[0], [b"one two"], "It")
    except (v.Wrong, ValueError):
        return
    right = v.TimeStamp(v.one_der(token, v.SEQUENCE), [b"one two"], "It")
    assert (found.at, found.certificate.key.whole) == (right.at, right.certificate.key.whole)


@pytest.mark.parametrize(
    ("purposes", "is_critical", "is_for_time"),
    [
        ([ExtendedKeyUsageOID.TIME_STAMPING], True, True),
        ([ExtendedKeyUsageOID.TIME_STAMPING], False, False),
        ([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH], True, False),
        ([ExtendedKeyUsageOID.SERVER_AUTH], True, False),
        ([], True, False),
    ],
)
def test_a_certificate_for_time_stamps_is_for_nothing_else(
    purposes: list[x509.ObjectIdentifier], is_critical: bool, is_for_time: bool
) -> None:
    """RFC 3161, 2.3."""
    now, name = tsa.real_now(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stamper")])
    builder = x509.CertificateBuilder(name, name, RSA_KEY.public_key(), 77, now, now + timedelta(days=9))
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), is_critical)
    der = builder.sign(RSA_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert v.Certificate(der).is_for_time is is_for_time


def certified(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, **more: object
) -> object:
    """A certificate as verify.py reads it: an authority's unless `ca` is false, with a limit of issuers below it."""
    now = tsa.real_now()
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (issuer, name)]
    builder = x509.CertificateBuilder(*names, key.public_key(), 77, now, now + timedelta(days=9))
    is_ca, limit = bool(more.get("ca", True)), more.get("limit")
    assert limit is None or isinstance(limit, int)
    builder = builder.add_extension(x509.BasicConstraints(is_ca, limit if is_ca else None), True)
    if more.get("usage"):
        builder = builder.add_extension(tsa._usage(str(more["usage"])), True)
    if more.get("names"):
        builder = builder.add_extension(x509.NameConstraints([x509.DNSName("example.org")], None), True)
    return v.Certificate(builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


def test_who_may_not_issue_certificates_issued_none() -> None:
    """RFC 5280, 6.1.4: no authority, no right to certify, too many below it, a condition that is not known here."""
    one, two, three = KEYS[:3]
    below = certified("Below", two, "Top", one)
    last = certified("Last", three, "Below", two, ca=False)
    top = certified("Top", one, "Top", one)
    now = tsa.real_now() + timedelta(minutes=1)
    assert v.leads_to([top], last, [below], now) is top and v.leads_to([top], below, [], now) is top
    assert v.leads_to([top], last, [], now) is None and v.leads_to([top], below, [below], now) is None
    assert v.leads_to([top], last, [below], now + timedelta(days=10)) is None
    for wrong in ({"ca": False}, {"usage": "digital_signature"}, {"limit": 0}, {"names": True}):
        assert v.leads_to([certified("Top", one, "Top", one, **wrong)], last, [below], now) is None, wrong
    assert v.leads_to([certified("Top", one, "Top", one, usage="key_cert_sign", limit=1)], last, [below], now)
    assert v.leads_to([certified("Top", three, "Top", three)], last, [below], now) is None, "the name alone"


def test_rsa_padding_that_leaves_room_for_a_forgery_is_refused() -> None:
    """What is left behind the hash, or too little padding before it: how Bleichenbacher forged with exponent 3."""
    numbers, private = RSA_KEY.public_key().public_numbers(), RSA_KEY.private_numbers().d
    tail = b"\0" + v.SHA256_INFO + sha256(b"m").digest()
    whole = b"\0\1" + b"\xff" * (254 - len(tail)) + tail
    short = (b"\0\1" + b"\xff" * 8 + tail).ljust(256, b"\0")
    other = b"\0\2" + whole[2:]
    results = []
    for message in (whole, short, other):
        signature = pow(int.from_bytes(message, "big"), private, numbers.n).to_bytes(256, "big")
        results.append(v.rsa_pkcs1_holds(numbers.n, numbers.e, b"m", signature))
    assert results == [True, False, False]


def test_a_certificate_is_read_as_the_library_reads_it() -> None:
    now = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.TITLE, "Doctor"), x509.NameAttribute(NameOID.COMMON_NAME, "Dr Ä")])
    for key in (KEYS[2], RSA_KEY):
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), 77, now, now + datetime.timedelta(days=99 * 365))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        read = v.read_pem(made.public_bytes(serialization.Encoding.PEM))
        assert read.fingerprint == made.fingerprint(hashes.SHA256()).hex()
        assert (read.begins, read.ends) == (made.not_valid_before_utc, made.not_valid_after_utc)
        assert (read.name, read.is_doctors, read.is_authority) == ("Dr Ä", True, True)
        assert read.has_signed(read.signed, read.algorithm, read.signature)
        assert not read.has_signed(read.signed + b"\0", read.algorithm, read.signature)


@given(some.binary(max_size=60))
def test_whatever_is_no_der_is_refused_and_never_read_past_its_end(data: bytes) -> None:
    try:
        node, rest = v.read_der(data)
    except ValueError:
        return
    assert node.whole + rest == data and node.whole.endswith(node.content)


@given(some.integers(1, 40), some.data())
def test_its_proofs_are_those_of_the_log(size: int, data: some.DataObject) -> None:
    leaves = [sha256(bytes([number])).digest() for number in range(size)]
    index, first = data.draw(some.integers(0, size - 1)), data.draw(some.integers(1, size))
    path, root = inclusion_proof(index, size, leaves), root_of(leaves)
    way, old = consistency_proof(first, size, leaves), root_of(leaves[:first])
    assert v.is_included(index, size, leaves[index], path, root)
    assert v.is_consistent(first, size, old, root, way)
    place = data.draw(some.integers(-1, size))
    assert v.is_included(place, size, leaves[index], path, root) is verify_inclusion(
        place, size, leaves[index], path, root
    )
    for wrong in (way[1:], [*way, root], way[::-1]):
        assert v.is_consistent(first, size, old, root, wrong) is verify_consistency(first, size, old, root, wrong)
