"""Contact details as ciphertext for the municipality: the envelope around one delivery and around each report in it.

A fresh delivery key is sealed once to the municipality (privacy/recipients.py). Each report has a random key of its
own, wrapped by the delivery key, so that one report is shredded by deleting 60 bytes. Associated data ties every
ciphertext to its pilot, creditor, reference, recipient key and to the hash of all that travels in clear, so that
nothing can be moved to, or altered beside, another report.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.recipients import Recipients, unseal

PADDED_TO = 512  # bytes: the length of a name or of a note says nothing
_ONE_TIME_NONCE = bytes(12)  # right for a key that seals exactly one message
_NONCE = 12
_KEY = 32
_DELIVERY = "vroegsein/delivery-key/v1"
_CHECK = "vroegsein/delivery-key-check/v1"
_REPORT = "vroegsein/report/v1"


class AlteredReport(PrivacyError):
    """A sealed report does not fit what travels beside it: somebody altered or moved one of the two."""

    code = "altered-report"


@dataclass(frozen=True, slots=True)
class SealedReport:
    """What travels with one report: its key, wrapped (60 bytes), and the details under that key."""

    wrapped_key: bytes
    contact: bytes

    def hash(self) -> bytes:
        """What stands for both where they are signed for."""
        return hashlib.sha256(framed(self.wrapped_key, self.contact)).digest()


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """One delivery's key, and the binding that every ciphertext of the delivery carries.

    `recipient_key` names the municipality's key of the day of sealing. The binding keeps it when that key is replaced.
    """

    key: bytes
    pilot: str
    creditor: str
    recipient_key: str
    _cipher: AESGCM = field(init=False, compare=False)
    _about: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Take up the key once, not for each report."""
        object.__setattr__(self, "_cipher", AESGCM(self.key))
        object.__setattr__(self, "_about", framed(_REPORT, self.pilot, self.creditor))

    @classmethod
    def new(cls, pilot: str, creditor: str, recipient_key: str) -> "Envelope":
        """Make a delivery key that was never used."""
        return cls(AESGCM.generate_key(256), pilot, creditor, recipient_key)

    def sealed_to(self, recipients: Recipients, content_hash: str) -> bytes:
        """Seal the delivery key to the municipality, for this delivery alone."""
        return recipients.seal(self.key, *_purpose(self.pilot, self.creditor, self.recipient_key, content_hash))

    def check(self) -> str:
        """What the creditor signs of the delivery key without telling it (32 random bytes: there is nothing to guess).

        By this the key is known as the creditor's, whoever sealed it last.
        """
        return hashlib.sha256(framed(_CHECK, self.key)).hexdigest()

    @classmethod
    def opened(
        cls, sealed: bytes, private: bytes, pilot: str, creditor: str, recipient_key: str, content_hash: str
    ) -> "Envelope":
        """Open a delivery's envelope. Raises hybrid.NotForThisKey when any part of the binding differs."""
        key = unseal(sealed, private, *_purpose(pilot, creditor, recipient_key, content_hash))
        return cls(key, pilot, creditor, recipient_key)

    def seal(self, details: bytes, reference: str, sent: bytes) -> SealedReport:
        """Seal one report's details (JSON); `sent` is the canonical report in clear that travels beside them."""
        fresh = os.urandom(_KEY + _NONCE)
        report_key, nonce = fresh[:_KEY], fresh[_KEY:]
        bound = self._bound(reference, sent)
        padded = details.ljust(-(-len(details) // PADDED_TO) * PADDED_TO)
        return SealedReport(
            wrapped_key=nonce + self._cipher.encrypt(nonce, report_key, bound),
            contact=AESGCM(report_key).encrypt(_ONE_TIME_NONCE, padded, bound),
        )

    def open(self, sealed: SealedReport, reference: str, sent: bytes) -> dict[str, str | int]:
        """Open one report's details. Raises AlteredReport."""
        bound = self._bound(reference, sent)
        nonce, wrapped = sealed.wrapped_key[:_NONCE], sealed.wrapped_key[_NONCE:]
        try:
            report_key = self._cipher.decrypt(nonce, wrapped, bound)
            text = AESGCM(report_key).decrypt(_ONE_TIME_NONCE, sealed.contact, bound)
            details = json.loads(text)
        except (InvalidTag, ValueError):
            raise AlteredReport("the report or its sealed details were altered, or belong to another report") from None
        if not isinstance(details, dict):
            raise AlteredReport("the sealed details do not have the form of this version")
        return details

    def _bound(self, reference: str, sent: bytes) -> bytes:
        return self._about + framed(reference, self.recipient_key, hashlib.sha256(sent).digest())


def _purpose(pilot: str, creditor: str, recipient_key: str, content_hash: str) -> tuple[str, ...]:
    return (_DELIVERY, pilot, creditor, recipient_key, content_hash)


def rekeyed_leaf(sent: bytes, sealed: SealedReport, creditor: str, category: str, period: str) -> bytes:
    """What the desk's signature covers of a report that it gave other match keys: also whose it is, and of when."""
    return report_leaf(sent, sealed) + hashlib.sha256(framed(creditor, category, period)).digest()


def report_leaf(sent: bytes, sealed: SealedReport) -> bytes:
    """What the creditor's signature covers of one report: the clear text and the ciphertext, each by its hash."""
    return hashlib.sha256(sent).digest() + sealed.hash()
