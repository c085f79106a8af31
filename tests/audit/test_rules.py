"""The form of an entry and the chain: pure, so that anybody can check a log with nothing but this file's knowledge."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as some

from intake.audit import rules
from intake.audit.rules import GENESIS, Link, first_broken, is_sound

INDIA = timezone(timedelta(hours=5, minutes=30))
NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=INDIA)


def a_log(length: int = 5) -> tuple[list[Link], tuple[int, bytes]]:
    """A sound log and its head."""
    links, previous = [], GENESIS
    for seq in range(1, length + 1):
        said = (seq, NOON + timedelta(seconds=seq), "consent.signed", f"visit-{seq}", "tablet:1")
        body = rules.body(*said, {"tries": seq, "ok": True, "code": "é"})
        leaf = rules.leaf_hash(body)
        chain = rules.chain_hash(previous, leaf)
        links.append(Link(*said, body, leaf, previous, chain))
        previous = chain
    return links, (length, previous)


def test_an_entry_has_one_byte_form_with_its_moment_in_utc() -> None:
    body = rules.body(7, NOON, "visit.called", "v", "staff:1", {"b": 2, "a": True})
    assert body == (
        b'{"actor":"staff:1","at":"2026-11-23T06:30:00.123456Z","event":"visit.called",'
        b'"facts":{"a":true,"b":2},"seq":7,"subject":"v"}'
    )


@given(
    some.text(some.characters(codec="utf-8"), max_size=20),
    some.dictionaries(
        some.text(some.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=8),
        some.text(some.characters(codec="utf-8"), max_size=20)
        | some.integers(-(2**53) + 1, 2**53 - 1)
        | some.booleans(),
        max_size=6,
    ),
)
def test_the_bytes_of_an_entry_are_those_of_rfc_8785(word: str, facts: dict[str, Any]) -> None:
    body = rules.body(7, NOON, word, word, word, facts)
    said = {"actor": word, "at": "2026-11-23T06:30:00.123456Z", "event": word, "seq": 7, "subject": word}
    assert body == rfc8785.dumps(said | {"facts": facts})


def test_the_leaf_is_that_of_rfc_6962() -> None:
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"  # its test vector for an empty leaf
    assert rules.leaf_hash(b"").hex() == empty
    assert rules.chain_hash(GENESIS, b"x") == sha256(GENESIS + b"x").digest()


def test_a_commitment_says_nothing_without_its_salt() -> None:
    data = b"private"
    assert rules.commitment(b"1" * 16, data) != rules.commitment(b"2" * 16, data)
    assert rules.commitment(b"1" * 16, data) == sha256(b"1" * 16 + data).hexdigest()


@pytest.mark.parametrize("length", [0, 1, 5])
def test_a_sound_log_has_no_broken_entry(length: int) -> None:
    assert first_broken(*a_log(length)) is None


def forged(link: Link, **changes: Any) -> Link:
    """The entry with other columns and everything that can be worked out from them worked out anew."""
    changed = replace(link, **changes)
    facts = json.loads(changed.body)["facts"]
    body = rules.body(changed.seq, changed.at, changed.event, changed.subject, changed.actor, facts)
    leaf = rules.leaf_hash(body)
    return replace(changed, body=body, leaf=leaf, chain=rules.chain_hash(changed.previous, leaf))


CHANGES: list[dict[str, Any]] = [
    {"at": NOON},
    {"event": "consent.declined"},
    {"subject": "visit-9"},
    {"actor": "system"},
    {"body": b'{"facts":{}}'},
    {"body": b"\xff"},
    {"body": b"[]"},
    {"leaf": bytes(32)},
    {"previous": bytes([1]) * 32},
    {"chain": bytes(32)},
]


@pytest.mark.parametrize("at", [1, 3, 5])
@pytest.mark.parametrize("changes", CHANGES, ids=lambda c: next(iter(c)))
def test_a_changed_entry_is_named(at: int, changes: dict[str, Any]) -> None:
    links, head = a_log()
    links[at - 1] = replace(links[at - 1], **changes)
    assert first_broken(links, head) == at


@pytest.mark.parametrize("at", [1, 3, 4])
def test_an_entry_forged_with_all_its_own_hashes_breaks_the_one_after_it(at: int) -> None:
    links, head = a_log()
    links[at - 1] = forged(links[at - 1], event="consent.declined")
    assert is_sound(links[at - 1])
    assert first_broken(links, head) == at + 1


def test_the_last_entry_forged_with_its_hashes_does_not_fit_the_head() -> None:
    links, head = a_log()
    links[4] = forged(links[4], actor="system")
    assert first_broken(links, head) == 6


@pytest.mark.parametrize("at", [1, 3])
def test_a_removed_entry_is_named(at: int) -> None:
    links, head = a_log()
    del links[at - 1]
    assert first_broken(links, head) == at


def test_two_exchanged_entries_are_named_by_the_first_of_them() -> None:
    links, head = a_log()
    links[1], links[2] = links[2], links[1]
    assert first_broken(links, head) == 2
    links, head = a_log()
    links[1], links[2] = replace(links[2], seq=2), replace(links[1], seq=3)
    assert first_broken(links, head) == 2


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_a_log_cut_off_at_its_end_is_named_by_the_first_that_is_missing(kept: int) -> None:
    links, head = a_log()
    assert first_broken(links[:kept], head) == kept + 1


def test_an_entry_added_past_the_head_is_named() -> None:
    longer, _ = a_log(6)
    _, head = a_log(5)
    assert first_broken(longer, head) == 6


def test_an_entry_that_is_there_twice_is_named() -> None:
    links, head = a_log()
    assert first_broken([*links[:3], links[2], *links[3:]], head) == 4


@given(
    some.integers(0, 4), some.integers(0, 31), some.sampled_from(["leaf", "previous", "chain"]), some.integers(1, 255)
)
def test_any_changed_byte_of_any_hash_is_found(entry: int, byte: int, column: str, change: int) -> None:
    links, head = a_log()
    value = bytearray(getattr(links[entry], column))
    value[byte] ^= change
    links[entry] = replace(links[entry], **{column: bytes(value)})
    assert first_broken(links, head) == entry + 1
