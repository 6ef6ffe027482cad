"""Receipts: what the service signs when a delivery was taken up. A receipt opens the leaf that the log holds of it.

Receipts are signed with the log's key, which the signed pilot document names: what is signed here holds no line break,
what is signed as a checkpoint always does, so neither passes for the other. Until the leaf is sealed the signature is
the promise that it will be; who holds a receipt whose leaf is not in the log can show that the promise was broken.
"""

import hashlib
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from privacy.checkpoints import log_public
from privacy.compact import compact
from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.log import commitment, leaf
from privacy.merkle import leaf_hash
from privacy.signing import sign, verify
from signals.documents import Document
from signals.report import Category, Hex32, Period, Slug

SIGNED_AS = "vroegsein/receipt/v1"
DELIVERY_EVENT = "delivery"
_DETAILS = framed("vroegsein/details/v1")


class ReceiptRefused(PrivacyError):
    """A receipt does not have the form of this version, or is of something else than it should be."""

    code = "receipt-refused"


class Delivered(Document):
    """The event of a delivery that was taken up, as it is in the log.

    `accepted` reports were taken, those of whom a resident said no among them; `root` is the RFC 6962 root over their
    leaves in the order of parts and lines; `manifest` is the SHA-256 of what the creditor signed. `at` is the moment by
    the service's clock (UTC).
    """

    accepted: Annotated[int, Field(ge=0, strict=True)]
    at: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$")]
    category: Category
    creditor: Slug
    delivery: str
    event: str
    kind: Literal["delivery"]
    manifest: Hex32
    period: Period
    pilot: Slug
    refused: Annotated[int, Field(ge=0, strict=True)]
    root: Hex32


class Receipt(Document):
    """The event, and what makes its leaf: the last day of the event in the log and the leaf's salt."""

    event: Delivered
    keep_until: date
    salt: Hex32

    def leaf_hash(self) -> bytes:
        """The hash of the leaf that the log must hold."""
        committed = commitment(bytes.fromhex(self.salt), self.event.model_dump(mode="json"))
        return leaf(DELIVERY_EVENT, self.keep_until, committed)

    def signed(self, private: dict[str, Any]) -> str:
        """The receipt as a JWS, signed with the log's key."""
        return sign(self.model_dump_json().encode(), private, SIGNED_AS)


def read_receipt(token: str, log_key: str) -> Receipt:
    """Check a signed receipt against the log's verifier key of the pilot document.

    Raises:
        NotSigned: signed with another key, altered, or no signed text at all.
        ReceiptRefused: signed, but not a receipt of this version.
        CheckpointRefused: the verifier key is none.
    """
    signed = verify(token, log_public(log_key), SIGNED_AS)
    try:
        return Receipt.model_validate_json(signed)
    except ValidationError:
        raise ReceiptRefused("this is not a receipt of a version that this program knows") from None


def details_commitment(salt: bytes, details: dict[str, str | int]) -> str:
    """What a report says of its sealed details without telling them: SHA-256 over a salt (16 bytes) and their RFC 8785.

    AES-GCM binds nobody: a ciphertext can be made that two keys open to two texts. This does, for a creditor that
    shows a judge what it reported. The salt is sealed with the details, so that the desk compares.
    """
    return commitment_to(salt, compact(dict(sorted(details.items()))))


def commitment_to(salt: bytes, canonical: bytes) -> str:
    """The same, of details that are written already."""
    return hashlib.sha256(_DETAILS + framed(salt, canonical)).hexdigest()


def report_leaf_hash(sent: bytes, sealed_hash: bytes) -> bytes:
    """A report's leaf in the receipt's root, where the ciphertext is known by its hash alone (privacy/sealing.py)."""
    return leaf_hash(hashlib.sha256(sent).digest() + sealed_hash)
