"""The log's promise on an answer: which leaves tell of this look, and that they will be in the tree within a minute.

Signed by the log's own key, so whoever holds a promise and a later checkpoint that lacks its leaves holds a proof that
the log was changed, against one and the same key (as a certificate's timestamp in Certificate Transparency, RFC 6962).
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from privacy.checkpoints import log_public
from privacy.errors import PrivacyError
from privacy.signing import NotSigned, sign, verify

SIGNED_AS = "vroegsein/promise/v1"
HEADER = "Vroegsein-Promise"
LEAF = re.compile("[0-9a-f]{64}")
TERM = timedelta(minutes=1)  # within which an event is sealed; the sealer takes a second or two


class Unpromised(PrivacyError):
    """An answer about households came without the log's promise to tell of it, or with another look's."""

    code = "unpromised"


@dataclass(frozen=True, slots=True)
class Promise:
    """What the log promised: `leaves` are leaf hashes (hex), first that of the look, then that of what it showed.

    A break-glass shows nothing, and has one.

    `request` is the SHA-256 (hex) of the desk's request proof, which is good for one look: no promise serves twice.
    """

    pilot: str
    request: str
    leaves: tuple[str, ...]
    at: datetime

    def signed(self, private: dict[str, Any]) -> str:
        """The promise as a JWS by the log's key."""
        said = {
            "at": self.at.isoformat(timespec="seconds"),
            "leaves": list(self.leaves),
            "pilot": self.pilot,
            "request": self.request,
        }
        return sign(json.dumps(said, sort_keys=True, separators=(",", ":")).encode(), private, SIGNED_AS)


def request_hash(request_proof: str) -> str:
    """By what a promise names the request that it answers: SHA-256 over the request proof as sent (hex)."""
    return hashlib.sha256(request_proof.encode()).hexdigest()


def read_promise(token: str, pilot: str, vkey: str) -> Promise:
    """Check a promise against the log's verifier key, as the signed pilot document names it.

    Raises:
        Unpromised: not signed by that key, another pilot's, or of a form that this program does not know.
    """
    try:
        said = json.loads(verify(token, log_public(vkey), SIGNED_AS))
        at = datetime.fromisoformat(said["at"])
        promise = Promise(said["pilot"], said["request"], tuple(said["leaves"]), at)
        known = at.tzinfo is not None and all(LEAF.fullmatch(leaf) for leaf in promise.leaves)
    except NotSigned:
        raise Unpromised("the promise is not signed by the log's key of the pilot document") from None
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise Unpromised("this is no promise of a form that this program knows")
    if promise.pilot != pilot:
        raise Unpromised("this is a promise of another pilot's log")
    return promise


def told_otherwise(promise: Promise, looked: dict[str, Any] | None, shown: dict[str, Any] | None) -> str | None:
    """What the promised events tell that is not this look, or None when they tell of it.

    `looked` and `shown` are the events' bodies, of the first leaf and of the second; None where they are gone.
    """
    if looked is not None:
        request = str((looked.get("asks") or {}).get("request", ""))
        if request_hash(request) != promise.request:
            return "the first promised event is not of this request"
        if looked.get("kind") != ("access" if len(promise.leaves) == 2 else "break-glass"):
            return "the first promised event is of another kind"
    if shown is not None and shown.get("kind") != "shown":
        return "the second promised event does not tell what was shown"
    if looked is not None and shown is not None and shown.get("access") != looked.get("event"):
        return "the second promised event is of another look"
    return None
