"""Proofs over a log that grows: that a leaf is in it, and that a later log holds an earlier one unchanged (RFC 6962).

A proof is a list of subtree hashes. Which ones, follows from the sizes alone; a ragged subtree is folded from the full
ones, which are all that is stored.
"""

from collections.abc import Callable, Iterable, Sequence

from privacy.merkle import node_hash, root_from_proof

Place = tuple[int, int]
"""A full subtree: its level (0: a leaf), and its position in that level."""
Span = tuple[int, int]
"""A run of leaves that is one node of the tree: the first, and the one behind the last."""


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The nodes that prove leaf `index` in a tree of `size` leaves, from the leaf upwards (RFC 6962, 2.1.1)."""
    spans: list[Span] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """The nodes that prove a tree of `first` leaves to be the beginning of one of `second` (RFC 6962, 2.1.2)."""
    if first in {0, second}:
        return []
    spans: list[Span] = []
    low, high, whole = 0, second, True
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low, whole = middle, False
    return ([] if whole else [(low, high)]) + spans[::-1]


def places(span: Span) -> list[Place]:
    """The full subtrees that a node is folded from, from left to right."""
    low, high = span
    found = []
    while low < high:
        level = min((low & -low).bit_length() - 1 if low else high.bit_length(), (high - low).bit_length() - 1)
        found.append((level, low >> level))
        low += 1 << level
    return found


def fold(spans: Iterable[Span], node: Callable[[Place], bytes]) -> list[bytes]:
    """The hashes of these nodes; `node` gives those of full subtrees."""
    proof = []
    for span in spans:
        *left, last = [node(place) for place in places(span)]
        for hashed in reversed(left):
            last = node_hash(hashed, last)
        proof.append(last)
    return proof


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows the leaf at that place under that root."""
    return root_from_proof(leaf, index, size, proof) == root


def is_extension(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows the first tree to be the beginning of the second (RFC 9162, section 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not proof and (first == 0 or first_root == second_root)
    path = list(proof)
    if first & (first - 1) == 0:  # a full tree is itself the first node of its proof
        path.insert(0, first_root)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for hashed in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(hashed, old), node_hash(hashed, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, hashed)
        node, last = node >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


def _split(size: int) -> int:
    """The largest power of two below `size`: how many leaves the left half has."""
    return 1 << ((size - 1).bit_length() - 1)
