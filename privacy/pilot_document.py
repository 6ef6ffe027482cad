"""The signed pilot document: the root of trust between a municipality's desk and its creditors.

The desk signs it; the service only keeps and hands it on. It holds the keys of all who take part, so that the service
can slip in none of its own: creditors know the desk by a fingerprint that they typed in, the desk each creditor alike.
"""

import base64
import hashlib
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.recipients import Recipients
from privacy.signing import NotSigned, fingerprint, payload_unchecked, sign, verify
from signals.documents import Document
from signals.pilot import Keying, Pilot
from signals.report import NOT_KEYED, Base64, Hex32, Slug

SIGNED_AS = "vroegsein/pilot/v1"


class UntrustedDocument(PrivacyError):
    """A pilot document, or the pilot key handed out beside it, is not the desk's.

    The fingerprint that was typed in is not the one of the keys in the document, the key is not the one it names, or a
    newer document was seen before.
    """

    code = "untrusted-document"


class CreditorKeys(Document):
    """The keys by which one creditor signs its deliveries and gets the pilot key, if it gets one."""

    signing: dict[str, Any]
    envelope: Base64
    keying: Keying = Keying.CREDITOR


class FormerCreditor(Document):
    """A creditor that left: by its key the desk still checks what it sent before, and no delivery completes any more.

    `compromised`: somebody else may have had the key, so that whatever it sent is marked wherever a desk opens it.
    """

    signing: dict[str, Any]
    left_on: date
    compromised: bool


class PilotDocument(Document):
    """What a desk signs: the pilot's terms, its own keys, the creditors' keys, the key epoch, the rule set's hash.

    `recipient` opens what is sealed to the municipality, and so does `recovery`, whose private half is kept offline.
    `log_key` is the log's verifier key (privacy/checkpoints.py): from the first signature on, no other is believed.
    """

    version: Annotated[int, Field(ge=1)]
    pilot: Pilot
    desk: Slug
    signing: dict[str, Any]
    recipient: Base64
    recipient_key: str
    recovery: Base64
    creditors: dict[Slug, CreditorKeys]
    former: dict[Slug, FormerCreditor] = Field(default_factory=dict)
    epoch: Annotated[int, Field(ge=1, le=9999)]
    key_check: Hex32
    rule_set_hash: Hex32
    log_key: Annotated[str, Field(pattern=r"^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$")]

    def fingerprint(self) -> str:
        """What a creditor types in, over the desk's signing and recovery keys.

        The recipient key is under the signature, and may be replaced without a telephone call.
        """
        return desk_fingerprint(self.signing, self.recovery)

    def signed_by(self, creditor: str, token: str, kind: str) -> tuple[bytes, str, bool]:
        """What a creditor signed, by which key (`x` of its JWK), and whether somebody else may have had that.

        Raises:
            NotSigned: by no key of that creditor that this document names.
        """
        former, named = self.former.get(creditor), self.creditors.get(creditor)
        if former is not None:
            try:
                return verify(token, former.signing, kind), str(former.signing["x"]), former.compromised
            except NotSigned:
                if named is None:
                    raise
        if named is None:
            raise NotSigned(f"{creditor} is not in the pilot document that this desk signed")
        return verify(token, named.signing, kind), str(named.signing["x"]), False

    def epoch_of(self, creditor: str) -> int:
        """Of which epoch the match keys are that a creditor sends; NOT_KEYED where the desk makes them."""
        named = self.creditors.get(creditor)
        return NOT_KEYED if named is not None and named.keying is Keying.DESK else self.epoch

    @property
    def recipients(self) -> Recipients:
        """To whom creditors and desk seal."""
        return Recipients(base64.b64decode(self.recipient), base64.b64decode(self.recovery))

    def signed(self, private: dict[str, Any]) -> str:
        """The document as a JWS, signed with the desk's key."""
        return sign(self.model_dump_json().encode(), private, SIGNED_AS)


def jwk_bytes(public: dict[str, Any]) -> bytes:
    """The parts of a JWK that make the key, for fingerprints (as in RFC 7638, other members don't count)."""
    return framed(str(public["kty"]), str(public["crv"]), str(public["x"]))


def key_check(pilot: str, epoch: int, key: bytes) -> str:
    """What a signed document says of the pilot key without telling it (32 random bytes: there is nothing to guess).

    Everybody can seal to a creditor's public key. Without this the service could hand out a pilot key of its own making
    and try out whom the match keys under it belong to.
    """
    return hashlib.sha256(framed("vroegsein/pilot-key-check/v1", pilot, str(epoch), key)).hexdigest()


def desk_fingerprint(signing: dict[str, Any], recovery: str) -> str:
    """What a creditor types in for one desk, over its signing key and its recovery key (base64)."""
    return fingerprint([jwk_bytes(signing), recovery.encode()])


def creditor_fingerprint(keys: CreditorKeys) -> str:
    """What a desk types in for one creditor, over its signing and envelope keys."""
    return fingerprint([jwk_bytes(keys.signing), keys.envelope.encode()])


def read_own(token: str, signing: dict[str, Any]) -> PilotDocument:
    """Check a desk's own signed pilot document by its signing key. Raises UntrustedDocument, NotSigned."""
    if jwk_bytes(_claimed(token).signing) != jwk_bytes(signing):
        raise UntrustedDocument("the keys in this pilot document are not those of the fingerprint of this desk")
    return PilotDocument.model_validate_json(verify(token, signing, SIGNED_AS))


def read_signed(token: str, expected_fingerprint: str) -> PilotDocument:
    """Check a signed pilot document against the fingerprint that was typed in. Raises UntrustedDocument, NotSigned."""
    claimed = _claimed(token)
    if _digits(claimed.fingerprint()) != _digits(expected_fingerprint):
        raise UntrustedDocument("the keys in this pilot document are not those of the fingerprint that was typed in")
    return PilotDocument.model_validate_json(verify(token, claimed.signing, SIGNED_AS))


def _claimed(token: str) -> PilotDocument:
    """What a token says it is, whoever signed it. Raises UntrustedDocument."""
    try:
        claimed = PilotDocument.model_validate_json(payload_unchecked(token))
        jwk_bytes(claimed.signing)
    except (ValueError, KeyError, IndexError):  # pydantic's and binascii's errors are kinds of the first
        raise UntrustedDocument("this is not a pilot document of a version that this program knows") from None
    return claimed


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
