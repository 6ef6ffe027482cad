"""Merkle trees against the published Certificate Transparency vectors, the definition of RFC 6962, and forgeries."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.merkle import EMPTY_ROOT, leaf_hash, levels, proof, root, root_from_proof
from tests.budget import examples

# The eight leaf inputs and the roots over the first one, two, … of them, as in CT's merkle_tree_test.cc.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# Leaf (from 0), size of the tree, path: the same file's inclusion proofs.
PATHS = (
    (0, 1, ()),
    (
        0,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        5,
        8,
        (
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
    (
        1,
        5,
        (
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ),
    ),
)
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in INPUTS]
MOST = 40


def tree_head(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there: by recursion, without the code under test."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree_head(entries[:split]) + tree_head(entries[split:])).digest()


def entries(size: int) -> list[bytes]:
    return [str(number).encode() for number in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root([]) == EMPTY_ROOT == bytes.fromhex(EMPTY)


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_proofs_are_those_of_certificate_transparency(index: int, size: int, path: tuple[str, ...]) -> None:
    assert [step.hex() for step in proof(levels(LEAVES[:size]), index)] == list(path)
    assert root_from_proof(LEAVES[index], index, size, [bytes.fromhex(step) for step in path]) == root(LEAVES[:size])


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_roots_follow_the_definition(found: list[bytes]) -> None:
    assert root([leaf_hash(entry) for entry in found]) == tree_head(found)


@pytest.mark.parametrize("size", range(1, MOST))
def test_every_leaf_of_every_small_tree_has_a_proof_that_leads_to_the_root(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in entries(size)]
    tree, expected = levels(leaves), tree_head(entries(size))
    for index, leaf in enumerate(leaves):
        assert root_from_proof(leaf, index, size, proof(tree, index)) == expected


@pytest.mark.parametrize("size", range(1, MOST))
def test_a_proof_is_good_for_one_leaf_at_one_place_only(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in entries(size)]
    tree, expected = levels(leaves), root(leaves)
    for index in {0, size // 2, size - 1}:
        path = proof(tree, index)
        for other in range(-1, size + 2):
            if other != index:
                assert root_from_proof(leaves[index], other, size, path) != expected
        assert root_from_proof(leaf_hash(b"another"), index, size, path) != expected


@given(st.integers(1, 200), st.data())
@settings(max_examples=examples(200))
def test_an_altered_shortened_or_lengthened_proof_does_not_lead_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries(size)]
    index = data.draw(st.integers(0, size - 1))
    path, expected = proof(levels(leaves), index), root(leaves)
    wrong = [[*path, bytes(32)], [bytes(32), *path]]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        wrong += [path[:-1], path[1:], [*path[:at], bytes(32), *path[at + 1 :]], [*path[:at], *path[at + 1 :]]]
    for forged in wrong:
        assert root_from_proof(leaves[index], index, size, forged) != expected


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    """Without the prefixes a tree of two leaves would have the root of one leaf that is their two hashes."""
    assert root(LEAVES[:2]) != root([leaf_hash(LEAVES[0] + LEAVES[1])])
    assert root(LEAVES[:2]) != hashlib.sha256(LEAVES[0] + LEAVES[1]).digest()


def test_a_place_outside_the_tree_is_no_place() -> None:
    assert root_from_proof(LEAVES[0], 0, 0, []) is None
    assert root_from_proof(LEAVES[0], 1, 1, []) is None
    assert root_from_proof(LEAVES[0], -1, 1, []) is None
