"""The Merkle tree over the log (RFC 6962): roots, inclusion and consistency proofs, and checking both. Pure.

Leaves come in order, once, and only the roots of full subtrees are held: 20 hashes for a million entries.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

Range = tuple[int, int]
EMPTY_ROOT = sha256().digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962, section 2.1: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows by one leaf hash at a time; holds the roots of its full subtrees, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def copy(self) -> "Tree":
        """One that grows on its own."""
        other = Tree()
        other.size, other._roots = self.size, list(self._roots)
        return other

    def add(self, leaf: bytes) -> None:
        """Let the tree grow by a leaf hash."""
        node, full = leaf, self.size
        while full & 1:
            node, full = node_hash(self._roots.pop(), node), full >> 1
        self._roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over the leaves so far (MTH of RFC 6962, section 2.1)."""
        if not self._roots:
            return EMPTY_ROOT
        *larger, node = self._roots
        for left in reversed(larger):
            node = node_hash(left, node)
        return node


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def inclusion_proof(index: int, size: int, leaves: Iterable[bytes]) -> list[bytes]:
    """The path from leaf `index` (the first is 0) to the root of `size` leaves, leaf upward (RFC 6962, 2.1.1).

    Reads the first `size` leaf hashes, once. Raises ValueError where there is no such leaf, or too few are given.
    """
    return inclusion_proofs([index], size, leaves)[0]


def inclusion_proofs(indexes: Sequence[int], size: int, leaves: Iterable[bytes]) -> list[list[bytes]]:
    """The same for several leaves, in the order asked for; the leaf hashes are read once for all of them."""
    paths = [_ranges(index, size) for index in indexes]
    found = _hashes({one for path in paths for one in path}, leaves)
    return [[found[one] for one in path] for path in paths]


def _ranges(index: int, size: int) -> list[Range]:
    """Which leaves each step of a path stands for, leaf upward."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return path[::-1]


def consistency_proof(first: int, second: int, leaves: Iterable[bytes]) -> list[bytes]:
    """What shows that a tree of `second` leaves begins with one of `first` (RFC 6962, 2.1.2); empty for the same tree.

    Reads the first `second` leaf hashes, once. Raises ValueError unless 0 < first <= second, or where there are fewer.
    """
    if not 0 < first <= second:
        raise ValueError(f"a tree of {second} does not extend one of {first}")
    low, high, path = 0, second, []
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    if low:
        path.append((low, high))
    found = _hashes(path, leaves)
    return [found[one] for one in path[::-1]]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _hashes(ranges: Iterable[Range], leaves: Iterable[bytes]) -> dict[Range, bytes]:
    """The roots over these ranges of leaves, which may overlap; each leaf is read once."""
    found: dict[Range, bytes] = {}
    waiting, growing = sorted(ranges, reverse=True), list[tuple[int, int, Tree]]()
    last, place, coming = max((high for _, high in waiting), default=0), 0, iter(leaves)
    while place < last:
        if (leaf := next(coming, None)) is None:
            raise ValueError(f"{last} leaves are needed, and there are {place}")
        while waiting and waiting[-1][0] == place:
            growing.append((*waiting.pop(), Tree()))
        place += 1
        for low, high, tree in growing:
            tree.add(leaf)
            if high == place:
                found[low, high] = tree.root()
        growing = [one for one in growing if one[1] > place]
    return found


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from this leaf hash at `index` to the root of `size` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or (steps := _sides(index, size - 1, path)) is None:
        return False
    node = leaf
    for step, is_left in steps:
        node = node_hash(step, node) if is_left else node_hash(node, step)
    return node == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path shows that the tree with the second root begins with that of the first (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    known, *rest = [first_root, *path] if first & (first - 1) == 0 else [*path] or [b""]
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if (steps := _sides(place, last, rest)) is None:
        return False
    old = new = known
    for step, is_left in steps:
        old = node_hash(step, old) if is_left else old
        new = node_hash(step, new) if is_left else node_hash(new, step)
    return old == first_root and new == second_root


def _sides(place: int, last: int, path: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Each step upward from `place` among `last` + 1 nodes, with whether it stands on the left; None for a path that is
    too short or too long."""
    steps = []
    for step in path:
        if last == 0:
            return None
        is_left = bool(place & 1) or place == last
        while is_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
        steps.append((step, is_left))
    return steps if last == 0 else None
