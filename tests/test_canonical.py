"""Canonical bytes: those of RFC 8785, whoever writes them, and a refusal of what has none."""

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as some

from intake.canonical import canonical

WORDS = some.text(some.characters(codec="utf-8"), max_size=12)
NUMBERS = some.integers(-(2**53) + 1, 2**53 - 1) | some.floats(allow_nan=False, allow_infinity=False)
VALUES = some.recursive(
    some.none() | some.booleans() | NUMBERS | WORDS,
    lambda inside: some.lists(inside, max_size=4) | some.dictionaries(WORDS, inside, max_size=4),
    max_leaves=12,
)


@given(some.dictionaries(WORDS, VALUES, max_size=5))
@example({"whole": 120.0, "zero": -0.0, "small": 1e-05, "smaller": 1e-7, "large": 1e16, "larger": 1e21, "e": 1.5e300})
@example({"\U0001f600": 1, "\ufb33": 2, "\u20ac": 3, "a": 4})
@example({"said": 'a "quoted" \\ line\n\t\x00\x1f\x7f/\u2028'})
@example({"points": [(1, 2.5), (3, 4.25)]})
def test_the_bytes_are_those_of_the_library_and_mean_the_same(value: dict[str, Any]) -> None:
    body = canonical(value)
    assert body == rfc8785.dumps(value)
    # A large number has its digits written out, and is a whole one to Python then.
    assert json.loads(body, parse_int=float) == json.loads(json.dumps(value), parse_int=float)


@pytest.mark.parametrize(
    "value",
    [
        {"n": 2**53},
        {"n": -(2**53)},
        {"n": math.nan},
        {"n": math.inf},
        {1: "a name that is no string"},
        {"a": b"bytes"},
        {"a": object()},
    ],
)
def test_what_has_no_canonical_bytes_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


def test_half_of_a_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical({"a": "\ud83d"})
