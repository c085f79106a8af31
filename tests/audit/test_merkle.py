"""The tree of RFC 6962: the vectors of the Certificate Transparency reference, and its own definition."""

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake.audit import merkle
from intake.audit.rules import leaf_hash

# The eight leaves, roots and paths that the tests of the Certificate Transparency reference use.
LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS: list[tuple[int, int, list[str]]] = [
    (0, 1, []),
    (
        *(0, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(5, 8),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        *(1, 5),
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY: list[tuple[int, int, list[str]]] = [
    (1, 1, []),
    (
        *(1, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(6, 8),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        *(2, 5),
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
SIZES = some.integers(1, 130)


def unhex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def mth(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962, section 2.1 defines it, by halves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return merkle.node_hash(mth(leaves[:half]), mth(leaves[half:]))


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_inclusion_proofs_are_those_of_the_reference(index: int, size: int, path: list[str]) -> None:
    assert merkle.inclusion_proof(index, size, LEAVES) == unhex(path)
    assert merkle.verify_inclusion(index, size, LEAVES[index], unhex(path), bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference(first: int, second: int, path: list[str]) -> None:
    assert merkle.consistency_proof(first, second, LEAVES) == unhex(path)
    roots = bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second])
    assert merkle.verify_consistency(first, second, *roots, unhex(path))


@given(some.integers(0, 130))
def test_the_root_is_what_the_standard_defines(size: int) -> None:
    assert merkle.root_of(leaves_of(size)) == mth(leaves_of(size))


@given(some.data(), SIZES)
def test_every_leaf_is_proved_and_no_other_leaf_place_size_or_root_is(data: some.DataObject, size: int) -> None:
    index = data.draw(some.integers(0, size - 1))
    leaves = leaves_of(size)
    root, path = mth(leaves), merkle.inclusion_proof(index, size, iter(leaves))
    assert len(path) <= (size - 1).bit_length()
    assert merkle.verify_inclusion(index, size, leaves[index], path, root)
    assert not merkle.verify_inclusion(index, size, leaf_hash(b"another"), path, root)
    assert not merkle.verify_inclusion(index, size, leaves[index], path, leaf_hash(b"another"))
    assert not merkle.verify_inclusion(index, size, leaves[index], [*path, root], root)
    other = data.draw(some.integers(0, size + 3).filter(lambda place: place != index))
    assert not merkle.verify_inclusion(other, size, leaves[index], path, root)
    if path:
        at = data.draw(some.integers(0, len(path) - 1))
        changed = [*path[:at], leaf_hash(path[at]), *path[at + 1 :]]
        assert not merkle.verify_inclusion(index, size, leaves[index], changed, root)
        assert not merkle.verify_inclusion(index, size, leaves[index], path[:-1], root)


@given(some.data(), SIZES)
def test_every_beginning_is_proved_and_no_other_history_is(data: some.DataObject, second: int) -> None:
    first = data.draw(some.integers(1, second))
    leaves = leaves_of(second)
    roots = mth(leaves[:first]), mth(leaves)
    path = merkle.consistency_proof(first, second, iter(leaves))
    assert merkle.verify_consistency(first, second, *roots, path)
    changed = data.draw(some.integers(0, first - 1))
    history = [*leaves[:changed], leaf_hash(b"another"), *leaves[changed + 1 :]]
    forged = merkle.consistency_proof(first, second, history)
    assert not merkle.verify_consistency(first, second, roots[0], mth(history), forged)
    assert not merkle.verify_consistency(first, second, roots[0], mth(history), path)
    assert not merkle.verify_consistency(first, second, *roots, [*path, roots[0]])
    if path:
        assert not merkle.verify_consistency(first, second, *roots, path[:-1])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(index, size, LEAVES)
    assert not merkle.verify_inclusion(index, size, LEAVES[0], [], LEAVES[0])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_there_is_no_consistency_with_nothing_and_with_less(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="does not extend"):
        merkle.consistency_proof(first, second, LEAVES)
    assert not merkle.verify_consistency(first, second, LEAVES[0], LEAVES[0], [])


def test_too_few_leaves_make_no_proof() -> None:
    with pytest.raises(ValueError, match="needed"):
        merkle.inclusion_proof(0, 8, LEAVES[:7])
    with pytest.raises(ValueError, match="needed"):
        merkle.consistency_proof(3, 8, LEAVES[:7])


def test_a_large_tree_needs_no_more_memory_than_a_small_one() -> None:
    size = 100_000
    tracemalloc.start()
    path = merkle.inclusion_proof(77_777, size, (leaf_hash(str(number).encode()) for number in range(size)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(path) == 17 and peak < 100_000
