"""Proofs out of the log, checked as somebody else would: from the JSON alone, with SHA-256 and Ed25519."""

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask

from intake import audit
from intake.access import SYSTEM
from intake.audit.service import leaves
from intake.db import transaction
from intake.errors import Damaged, DomainError, NotFound
from tests.audit.tampering import change, rewrite


def grown(*steps: int) -> list[int]:
    """A log that was signed after each of these numbers of entries; gives the sizes signed."""
    sizes = []
    for entries in steps:
        for turn in range(entries):
            with transaction():
                audit.record("turn", "x", by=SYSTEM, turn=turn)
        made = audit.checkpoint()
        assert made is not None
        sizes.append(made.size)
    return sizes


def opened(note: str, vkey: str) -> tuple[str, int, bytes]:
    """(origin, size, root) of a note, its signature checked with nothing of ours."""
    text, _, line = note.rpartition("\n\n")
    name, key_id, key = vkey.split("+", 2)
    _dash, signer, signed = line.split()
    raw = b64decode(signed)
    assert signer == name and raw[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(b64decode(key)[1:]).verify(raw[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    return origin, int(size), b64decode(root)


def root_from(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """The root to which a path leads, by halves from the top, as RFC 6962 defines it."""
    if size == 1:
        assert not path
        return leaf
    half = 1 << ((size - 1).bit_length() - 1)
    if index < half:
        return sha256(b"\x01" + root_from(index, half, leaf, path[:-1]) + path[-1]).digest()
    return sha256(b"\x01" + path[-1] + root_from(index - half, size - half, leaf, path[:-1])).digest()


def through_json(proof: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(json.dumps(proof))
    assert sent == proof
    return sent


def test_every_entry_is_proved_in_every_checkpoint_that_holds_it(in_app: Flask) -> None:
    sizes = grown(3, 1, 4)
    for size in sizes:
        for seq in range(1, size + 1):
            proof = through_json(audit.proof_of(seq, size))
            origin, signed_size, root = opened(proof["checkpoint"], proof["vkey"])
            assert signed_size == proof["size"] == size and proof["vkey"].startswith(f"{origin}+")
            leaf = sha256(b"\x00" + proof["entry"].encode()).digest()
            assert json.loads(proof["entry"])["seq"] == seq == proof["index"] + 1
            assert root_from(proof["index"], size, leaf, [b64decode(step) for step in proof["path"]]) == root
    assert audit.proof_of(1)["size"] == sizes[-1]


def test_each_checkpoint_is_proved_to_go_on_from_the_one_before(in_app: Flask) -> None:
    sizes = grown(2, 1, 6)
    proof = through_json(audit.consistency_of(sizes[0]))
    (_, first, old), (_, second, new) = (opened(proof[name], proof["vkey"]) for name in ("first", "second"))
    assert (first, second) == (sizes[0], sizes[2])
    assert audit.verify_consistency(first, second, old, new, [b64decode(step) for step in proof["path"]])
    assert audit.consistency_of(sizes[1], sizes[1])["path"] == []


def test_what_is_not_kept_is_not_proved(in_app: Flask) -> None:
    with pytest.raises(NotFound, match=r"audit\.no_checkpoint"):
        audit.proof_of(1)
    sizes = grown(2)
    with transaction():
        audit.record("turn", "x", by=SYSTEM)
    for seq, code in ((sizes[0] + 1, "audit.no_checkpoint"), (sizes[0] + 2, "audit.no_entry"), (0, "audit.no_entry")):
        with pytest.raises(NotFound) as refusal:
            audit.proof_of(seq)
        assert refusal.value.code == code
    for pair in ((sizes[0] + 1, None), (sizes[0], sizes[0] + 1)):
        with pytest.raises(NotFound, match=r"audit\.no_checkpoint"):
            audit.consistency_of(*pair)


def test_a_log_that_is_not_the_one_that_was_signed_gives_no_proof(in_app: Flask) -> None:
    sizes = grown(4, 4)
    change("audit_entry", "UPDATE audit_entry SET leaf = chain WHERE seq = 2")
    for refused in (lambda: audit.proof_of(1), lambda: audit.consistency_of(sizes[0])):
        with pytest.raises(Damaged, match=r"audit\.history_differs"):
            refused()
    rewrite(lambda links: links[:-2])
    assert len(list(leaves())) == sizes[1] - 2
    with pytest.raises(DomainError, match=r"audit\.log_cut_off"):
        audit.proof_of(1)


def test_all_entries_about_a_subject_are_proved_at_once_as_each_would_be(in_app: Flask) -> None:
    first, second = grown(3, 6)
    with transaction():
        audit.record("turn", "y", by=SYSTEM)
    audit.checkpoint()
    for size, entries in ((first, 3), (second, 9)):
        proofs = through_json(audit.proofs_of("x", size))
        assert len(proofs["entries"]) == entries and proofs["size"] == size
        for one in proofs["entries"]:
            alone = audit.proof_of(one["index"] + 1, size)
            assert (one["entry"], one["path"]) == (alone["entry"], alone["path"])
    assert audit.proofs_of("nobody", second)["entries"] == []
    with pytest.raises(NotFound) as refused:
        audit.proofs_of("x", first + 1)
    assert refused.value.code == "audit.no_checkpoint"


def test_entries_are_not_proved_out_of_a_log_that_was_rewritten_or_cut_off(in_app: Flask) -> None:
    (size,) = grown(4)
    rewrite(lambda links: links[:-2])
    with pytest.raises(Damaged) as refused:
        audit.proofs_of("x", size)
    assert refused.value.code == "audit.log_cut_off"
