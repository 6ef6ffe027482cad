"""The access log's form: events, their salted commitments, and the tree that grows by them (RFC 6962).

A leaf holds in clear the kind of event and the day until which it is kept, and a commitment to the event: SHA-256 over
a random salt and the event's canonical JSON. Event and salt can go at the end of their term; every proof still holds.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from privacy.framing import framed
from privacy.merkle import EMPTY_ROOT, leaf_hash, node_hash

# One writer for all: `json.dumps` makes a new one for each call.
_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def canonical(body: dict[str, Any]) -> bytes:
    """RFC 8785 for what events hold: text, whole numbers, true, false, null, lists and objects (no fractions)."""
    return _CANONICAL.encode(body).encode()


def commitment(salt: bytes, body: dict[str, Any]) -> bytes:
    """What binds the log to an event without telling it: SHA-256 over the salt (32 bytes) and the canonical event."""
    return hashlib.sha256(framed("vroegsein/event/v1", salt, canonical(body))).digest()


def leaf(kind: str, keep_until: date, committed: bytes) -> bytes:
    """The leaf hash of one event."""
    return leaf_hash(framed("vroegsein/log-leaf/v1", kind, keep_until.isoformat(), committed))


@dataclass(slots=True)
class GrowingTree:
    """A Merkle tree by its right edge: `peaks` holds the hash of each full subtree, by level, largest level last."""

    size: int = 0
    peaks: dict[int, bytes] = field(default_factory=dict)

    def append(self, new: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; returns the subtrees that became full: (level, position in its level, hash)."""
        full = [(0, self.size, new)]
        level, position, node = 0, self.size, new
        while position % 2:  # the left sister is a peak: together they are one full subtree a level up
            node = node_hash(self.peaks.pop(level), node)
            level, position = level + 1, position // 2
            full.append((level, position, node))
        self.peaks[level] = node
        self.size += 1
        return full

    def root(self) -> bytes:
        """The tree's root: the peaks folded from the smallest to the largest."""
        folded: bytes | None = None
        for level in sorted(self.peaks):
            folded = self.peaks[level] if folded is None else node_hash(self.peaks[level], folded)
        return EMPTY_ROOT if folded is None else folded


def peak_places(size: int) -> list[tuple[int, int]]:
    """Where the peaks of a tree of `size` leaves stand: (level, position), one for each binary digit of the size."""
    return [(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1]
