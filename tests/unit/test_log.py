"""The log's form: the growing tree is the full tree, and a leaf binds kind, term, salt and event."""

import hashlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import merkle
from privacy.log import GrowingTree, canonical, commitment, leaf, peak_places
from tests.budget import examples

SALT = bytes(range(32))
BODY: dict[str, Any] = {"kind": "access", "actor": "ab12", "households": ["h2", "h1"], "refused": None, "n": 3}
DAY = date(2031, 1, 2)
hashes = st.binary(min_size=32, max_size=32)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(hashes, max_size=130))
def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_the_full_tree(leaves: list[bytes]) -> None:
    tree = GrowingTree()
    assert tree.root() == merkle.EMPTY_ROOT
    for count, new in enumerate(leaves, start=1):
        tree.append(new)
        assert (tree.size, tree.root()) == (count, merkle.root(leaves[:count]))


@given(st.lists(hashes, min_size=1, max_size=70))
def test_what_append_returns_are_the_full_subtrees_each_once(leaves: list[bytes]) -> None:
    tree, nodes = GrowingTree(), {}
    for new in leaves:
        for level, position, node in tree.append(new):
            assert (level, position) not in nodes
            nodes[level, position] = node
    full = {
        (level, position): merkle.root(leaves[position << level : (position + 1) << level])
        for level in range(len(leaves).bit_length())
        for position in range(len(leaves) >> level)
    }
    assert nodes == full


@given(st.lists(hashes, max_size=70), st.lists(hashes, min_size=1, max_size=9))
def test_a_tree_grows_on_from_its_stored_peaks(before: list[bytes], after: list[bytes]) -> None:
    tree, nodes = GrowingTree(), {}
    for new in before:
        nodes.update({(level, position): node for level, position, node in tree.append(new)})
    again = GrowingTree(len(before), {level: nodes[level, position] for level, position in peak_places(len(before))})
    assert again == tree
    for new in after:
        again.append(new)
    assert again.root() == merkle.root(before + after)


@pytest.mark.parametrize(
    ("size", "places"),
    [
        (0, []),
        (1, [(0, 0)]),
        (2, [(1, 0)]),
        (3, [(0, 2), (1, 0)]),
        (6, [(1, 2), (2, 0)]),
        (8, [(3, 0)]),
        (13, [(0, 12), (2, 2), (3, 0)]),
    ],
)
def test_peaks_stand_where_the_binary_digits_of_the_size_say(size: int, places: list[tuple[int, int]]) -> None:
    assert peak_places(size) == places


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=6))
@settings(max_examples=examples(200))
def test_a_canonical_event_reads_back_and_says_the_same_whatever_the_order(body: dict[str, Any]) -> None:
    assert json.loads(canonical(body)) == body
    assert canonical(dict(reversed(body.items()))) == canonical(body)
    assert b" " not in canonical({"a": [1, {"b": True}], "c": None})


def test_canonical_is_as_rfc_8785_writes_it() -> None:
    body = {"peach": "\u20ac", "b": {"z": '\u0001\n"\\/', "a": []}, "a": [False, None, -7]}
    assert canonical(body) == '{"a":[false,null,-7],"b":{"a":[],"z":"\\u0001\\n\\"\\\\/"},"peach":"€"}'.encode()


@pytest.mark.parametrize("fraction", [float("nan"), float("inf")])
def test_what_is_no_json_gets_no_canonical_form(fraction: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"amount": fraction})


def test_a_commitment_binds_every_part_of_the_event_and_the_salt() -> None:
    others = [{**BODY, name: "altered"} for name in BODY] + [{**BODY, "more": 1}, {"kind": "access"}]
    found = {commitment(SALT, BODY), *(commitment(SALT, other) for other in others), commitment(bytes(32), BODY)}
    assert len(found) == len(others) + 2


def test_a_commitment_does_not_tell_the_event_to_who_guesses_it() -> None:
    """Events are guessable (a household, a purpose); only the salt keeps a commitment from being tried out."""
    committed = commitment(SALT, BODY)
    assert committed not in {hashlib.sha256(canonical(BODY)).digest(), commitment(b"", BODY)}


def test_a_leaf_binds_kind_term_and_commitment() -> None:
    one = leaf("access", DAY, bytes(32))
    assert len({one, leaf("shown", DAY, bytes(32)), leaf("access", date(2031, 1, 3), bytes(32))}) == 3
    assert leaf("access", DAY, bytes(31) + b"\1") != one
    assert leaf("access2031", date(1, 1, 2), bytes(32)) != leaf("access", date(2031, 1, 2), bytes(32))
