"""Merkle trees as in Certificate Transparency (RFC 6962, section 2.1): roots and inclusion proofs."""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry. The prefix keeps an entry from passing for an inner node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All full and ragged levels of the tree over leaf hashes, the leaves first. A lone last node moves up as it is."""
    tree = [list(leaves)]
    while len(tree[-1]) > 1:
        below = tree[-1]
        above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            above.append(below[-1])
        tree.append(above)
    return tree


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's root over leaf hashes; of no leaves, the hash of nothing."""
    return levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def proof(tree: list[list[bytes]], index: int) -> list[bytes]:
    """The inclusion proof of leaf `index` in a tree made by `levels`: sister hashes from the leaf upwards."""
    path = []
    for level in tree[:-1]:
        sister = index ^ 1
        if sister < len(level):
            path.append(level[sister])
        index //= 2
    return path


def root_from_proof(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a proof leads to (RFC 9162, section 2.1.3.2), or None when it can't be a proof for this place."""
    if not 0 <= index < size:
        return None
    node, last = leaf, size - 1
    for sister in path:
        if last == 0:
            return None
        if index % 2 or index == last:
            node = node_hash(sister, node)
            while index % 2 == 0:  # a lone node moved up until it found a sister
                index, last = index // 2, last // 2
        else:
            node = node_hash(node, sister)
        index, last = index // 2, last // 2
    return node if last == 0 else None
