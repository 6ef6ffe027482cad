"""To whom a municipality has things sealed: its own key, and a recovery key that is kept offline.

What is sealed is two envelopes of one length, one behind the other; either private key opens its own. So a desk that
lost its key loses nothing, and the service sees no difference between the two.
"""

from dataclasses import dataclass

from privacy import hybrid


@dataclass(frozen=True, slots=True)
class Recipients:
    """The two public keys of a municipality, as its signed pilot document names them."""

    own: bytes
    recovery: bytes

    def seal(self, secret: bytes, *purpose: str | bytes) -> bytes:
        """Seal `secret` to both keys for exactly this purpose."""
        return b"".join(hybrid.seal(secret, key, *purpose) for key in (self.own, self.recovery))


def unseal(sealed: bytes, private: bytes, *purpose: str | bytes) -> bytes:
    """Open what was sealed to a municipality with either of its private keys. Raises hybrid.NotForThisKey."""
    half, odd = divmod(len(sealed), 2)
    if odd:
        raise hybrid.NotForThisKey("the envelope was altered: its two halves differ in length")
    try:
        return hybrid.unseal(sealed[:half], private, *purpose)
    except hybrid.NotForThisKey:
        return hybrid.unseal(sealed[half:], private, *purpose)
