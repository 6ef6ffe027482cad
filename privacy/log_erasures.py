"""Erasures from the log: which events go before their day, by leaf hash, signed by the desk over exactly those.

The leaf of an erasure stays with its event, so whoever verifies the log sees why others are missing, and that it was
the municipality that asked. Reasons are a closed list: free text could name whoever the erasure is about, for good.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from privacy.promises import LEAF
from privacy.signing import NotSigned, sign, verify

SIGNED_AS = "vroegsein/log-erasure/v1"
KIND = "log-erasure"
MOST = 100  # leaves that one erasure names


class Reason(StrEnum):
    """Why events go before their day."""

    NAMES_SOMEBODY = "names-somebody"  # somebody's data were written where none belong
    ORDERED = "ordered"  # a court or the supervisor ordered it
    RESIDENT_ASKED = "resident-asked"  # art. 17 GDPR


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a desk asks for: the leaf hashes (hex, sorted, each once) of the events that are to go."""

    pilot: str
    leaves: tuple[str, ...]
    reason: Reason
    at: datetime

    def signed(self, private: dict[str, Any]) -> str:
        """The erasure as a JWS by the desk's signing key."""
        said = {
            "at": self.at.isoformat(timespec="seconds"),
            "leaves": list(self.leaves),
            "pilot": self.pilot,
            "reason": self.reason.value,
        }
        return sign(json.dumps(said, sort_keys=True, separators=(",", ":")).encode(), private, SIGNED_AS)


def read_erasure(token: str, pilot: str, public: dict[str, Any]) -> Erasure:
    """Check an erasure against a desk's public key (JWK).

    Raises:
        NotSigned: not signed by that key, for another pilot, or of a form that this program does not know.
    """
    try:
        said = json.loads(verify(token, public, SIGNED_AS))
        leaves = tuple(said["leaves"])
        erasure = Erasure(said["pilot"], leaves, Reason(said["reason"]), datetime.fromisoformat(said["at"]))
        known = leaves == tuple(sorted(set(leaves))) and all(LEAF.fullmatch(leaf) for leaf in leaves)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known or not 0 < len(erasure.leaves) <= MOST:
        raise NotSigned("this is no erasure of a form that this program knows")
    if erasure.pilot != pilot:
        raise NotSigned("this erasure is about another pilot's log")
    return erasure


def erased_leaves(
    events: Iterable[Mapping[str, Any]], pilot: str, public: dict[str, Any]
) -> tuple[frozenset[str], tuple[int, ...]]:
    """The leaf hashes that the log's erasures name, and the leaf indexes of erasures that the desk did not sign."""
    named: set[str] = set()
    unsigned: list[int] = []
    for event in events:
        if event["kind"] != KIND or not event["body"]:
            continue
        try:
            named.update(read_erasure(str(event["body"].get("signed", "")), pilot, public).leaves)
        except NotSigned:
            unsigned.append(int(event["leafIndex"]))
    return frozenset(named), tuple(unsigned)
