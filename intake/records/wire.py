"""How a snapshot goes to the engine's process and a PDF comes back: frames of bytes, and plain JSON in them. Who starts
that process is `engine.py`; what it does is `rendering.py`. No pickle: what comes back can do nothing but be read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from struct import Struct
from typing import IO, Any, get_args, get_origin, get_type_hints

from intake.records.rules import Snapshot

LENGTH = Struct(">I")
MOST_BYTES = 64 * 1024 * 1024  # a record of a thousand pages is smaller


class Cut(Exception):
    """The other side ended in the middle of a message, or sent what no side of ours sends."""


def send(pipe: IO[bytes], head: Mapping[str, Any], body: bytes = b"") -> None:
    """Write one message: what is said about it, as JSON, then bytes. Raises BrokenPipeError."""
    said = json.dumps(head).encode()
    pipe.write(LENGTH.pack(len(said)) + said + LENGTH.pack(len(body)) + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message, or None where the other side ended between two. Raises Cut."""
    said = _frame(pipe)
    if said is None:
        return None
    body = _frame(pipe)
    try:
        head = json.loads(said)
    except ValueError as error:
        raise Cut from error
    if body is None or not isinstance(head, dict):
        raise Cut
    return head, body


def _frame(pipe: IO[bytes]) -> bytes | None:
    """The next bytes with their length before them; None at the end."""
    if not (prefix := pipe.read(LENGTH.size)):
        return None
    if len(prefix) < LENGTH.size:
        raise Cut
    (length,) = LENGTH.unpack(prefix)
    if length > MOST_BYTES or len(data := pipe.read(length)) < length:
        raise Cut
    return data


def to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as what JSON can hold."""
    return asdict(snapshot) | {"sealed_at": snapshot.sealed_at.isoformat()}


def to_snapshot(plain: Mapping[str, Any]) -> Snapshot:
    """The snapshot again. Raises Invalid where it does not hold what its outcome claims."""
    made: Snapshot = _read(Snapshot, plain)
    return made


def _read(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        kinds = get_type_hints(kind)
        return kind(**{name: _read(kinds[name], part) for name, part in value.items()})  # type: ignore[operator]
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        return tuple(_read(inner[0], part) for part in value)
    if inner:  # X | None
        return None if value is None else _read(inner[0], value)
    return datetime.fromisoformat(value) if kind is datetime else kind(value)
