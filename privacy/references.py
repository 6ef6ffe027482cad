"""Names for contracts, rows and reports that say nothing to whoever lacks the creditor's secret."""

import hashlib
import hmac
import uuid
from collections.abc import Iterable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from privacy.framing import framed


def reference(secret: bytes, pilot: str, contract: str) -> str:
    """The opaque reference of a contract: HMAC-SHA-256 under the creditor's own secret, 16 bytes in hexadecimal.

    The pilot is in it, so the same contract has unrelated references in two pilots.
    """
    return References(secret, pilot).of(contract)


class References:
    """The creditor's secret at work on many contracts of one pilot."""

    def __init__(self, secret: bytes, pilot: str) -> None:
        """`secret` is the creditor's own, and `pilot` the pilot's id."""
        self._keyed = HMAC(secret, SHA256())  # copied for each: half the work is done by then
        self._keyed.update(framed("vroegsein/reference/v1", pilot))

    def of(self, contract: str) -> str:
        """The opaque reference of a contract, as `reference` makes it."""
        keyed = self._keyed.copy()
        keyed.update(framed(contract))
        return keyed.finalize()[:16].hex()


def content_hash(secret: bytes, pilot: str, rows: Iterable[bytes]) -> str:
    """What makes two pushes the same delivery: an HMAC over the canonical rows, whatever their order (32 bytes, hex).

    Sealing is random, so the bytes on the wire differ each time; a plain hash would let the operator try out rows.
    """
    keyed = hmac.new(secret, framed("vroegsein/content/v1", pilot), "sha256")
    for row in sorted(rows):
        keyed.update(framed(row))
    return keyed.hexdigest()


def report_id(pilot: str, creditor: str, period: str, reference: str) -> uuid.UUID:
    """The id of a report: the same for the same (pilot, creditor, reference, period), in whatever order they arrive."""
    digest = hashlib.sha256(framed("vroegsein/report-id/v1", pilot, creditor, reference, period)).digest()
    return uuid.UUID(bytes=digest[:16])
