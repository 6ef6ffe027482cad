"""Proofs over a growing log: Certificate Transparency's vectors, every small tree, and forged proofs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.merkle import leaf_hash, levels, proof, root
from privacy.proofs import consistency_spans, fold, inclusion_spans, is_extension, is_included, places
from tests.budget import examples
from tests.unit.test_merkle import LEAVES

MOST = 40
CONSISTENCY = [  # of the Certificate Transparency test set
    (1, 1, ()),
    (
        1,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        6,
        8,
        (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (
        2,
        5,
        (
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ),
    ),
]


def tree(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def consistency(leaves: list[bytes], first: int) -> list[bytes]:
    return fold(consistency_spans(first, len(leaves)), lambda place: node(leaves, place))


def node(leaves: list[bytes], place: tuple[int, int]) -> bytes:
    level, position = place
    run = leaves[position << level : (position + 1) << level]
    assert len(run) == 1 << level, "only full subtrees are stored"
    return root(run)


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(
    first: int, second: int, path: tuple[str, ...]
) -> None:
    leaves = list(LEAVES[:second])
    assert [step.hex() for step in consistency(leaves, first)] == list(path)
    assert is_extension(first, root(leaves[:first]), second, root(leaves), [bytes.fromhex(step) for step in path])


@pytest.mark.parametrize("size", range(1, MOST))
def test_inclusion_proofs_from_stored_nodes_are_those_of_the_whole_tree(size: int) -> None:
    leaves = tree(size)
    for index in range(size):
        found = fold(inclusion_spans(index, size), lambda place: node(leaves, place))
        assert found == proof(levels(leaves), index)
        assert is_included(leaves[index], index, size, found, root(leaves))


@pytest.mark.parametrize("size", range(1, MOST))
def test_every_beginning_of_every_small_tree_is_proven(size: int) -> None:
    leaves = tree(size)
    for first in range(size + 1):
        assert is_extension(first, root(leaves[:first]), size, root(leaves), consistency(leaves, first))


@given(st.integers(1, 90), st.data())
@settings(max_examples=examples(200))
def test_a_log_that_changed_its_past_is_no_extension(second: int, data: st.DataObject) -> None:
    leaves = tree(second)
    first = data.draw(st.integers(1, second))
    seen = root(leaves[:first])
    at = data.draw(st.integers(0, first - 1))
    forged = [*leaves[:at], leaf_hash(b"altered"), *leaves[at + 1 :]]
    assert not is_extension(first, seen, second, root(forged), consistency(forged, first))
    assert not is_extension(first, seen, second, root(forged), consistency(leaves, first))


@given(st.integers(2, 90), st.data())
@settings(max_examples=examples(200))
def test_an_altered_shortened_or_lengthened_proof_shows_nothing(second: int, data: st.DataObject) -> None:
    leaves = tree(second)
    first = data.draw(st.integers(1, second - 1))
    found = consistency(leaves, first)
    at = data.draw(st.integers(0, len(found) - 1))
    wrong = [found[:-1], found[1:], [*found, bytes(32)], [*found[:at], bytes(32), *found[at + 1 :]]]
    for forged in wrong:
        assert not is_extension(first, root(leaves[:first]), second, root(leaves), forged)


def test_a_shorter_log_is_no_extension() -> None:
    leaves = tree(5)
    assert not is_extension(5, root(leaves), 3, root(leaves[:3]), [])
    assert not is_extension(-1, b"", 3, root(leaves[:3]), [])


@given(st.integers(0, 500), st.integers(1, 500))
def test_places_are_full_subtrees_that_cover_a_span(low: int, length: int) -> None:
    covered = [leaf for level, at in places((low, low + length)) for leaf in range(at << level, (at + 1) << level)]
    assert covered == list(range(low, low + length))
