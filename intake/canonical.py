"""The canonical bytes of a JSON value (RFC 8785), which are what is signed and hashed. The library for them takes a
quarter of the time of a signature, so what Python's own encoder writes the same way is left to that.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import rfc8785

_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
LARGEST = 2**53 - 1  # of an integer (RFC 8785 section 3.2.2.3)
SMALL, LARGE = 1e-4, 1e16  # between them the shortest digits of a number stand without an exponent in both


class _Otherwise(Exception):
    """A value that Python's encoder would write in another way, or at all where it must be refused."""


def canonical(value: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON object by RFC 8785. Raises rfc8785.CanonicalizationError or UnicodeEncodeError for what has
    none: a number out of range, a name that is no string, half of a surrogate pair, a value that JSON does not know."""
    try:
        return _ENCODE(_plain(value)).encode()
    except _Otherwise:
        return rfc8785.dumps(value)


def _plain(value: Any) -> Any:
    """The value with whole numbers as such; by exact type, for a kind of string may be encoded as something else."""
    make = _KINDS.get(type(value))
    if make is None:
        raise _Otherwise
    return make(value)


def _same(value: Any) -> Any:
    return value


def _integer(value: int) -> int:
    if -LARGEST <= value <= LARGEST:
        return value
    raise _Otherwise


def _number(value: float) -> float:
    if value.is_integer() and -LARGEST <= value <= LARGEST:
        return int(value)
    if SMALL <= abs(value) < LARGE:
        return value
    raise _Otherwise


def _array(value: Iterable[Any]) -> list[Any]:
    return [_plain(one) for one in value]


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    # By code point, as Python sorts, is the order by UTF-16 only below the surrogates.
    if all(type(name) is str and name.isascii() for name in value):
        return {name: _plain(one) for name, one in value.items()}
    raise _Otherwise


_KINDS: dict[type, Callable[[Any], Any]] = {
    str: _same,
    bool: _same,
    type(None): _same,
    int: _integer,
    float: _number,
    list: _array,
    tuple: _array,
    dict: _object,
}
