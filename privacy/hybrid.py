"""Sealing a short secret to somebody's public key: HPKE (RFC 9180) with the post-quantum hybrid MLKEM768-X25519.

Whoever keeps today's ciphertext for a quantum computer still has to break ML-KEM-768; whoever breaks ML-KEM still has
to break X25519. The library's `info` carries what other systems put in associated data, because it has no `aad`.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from privacy.errors import PrivacyError
from privacy.framing import framed

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_MLKEM_SEED, _MLKEM_PUBLIC, _X25519 = 64, 1184, 32  # bytes


class NotForThisKey(PrivacyError):
    """An envelope does not open: another key, another purpose, or altered bytes. Which of these can't be told."""

    code = "not-for-this-key"


def new_private_key() -> bytes:
    """Make a private key: 64 bytes ML-KEM seed, then 32 bytes X25519. Keep it in a file with mode 0600."""
    return MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> bytes:
    """The public half: 1184 bytes ML-KEM-768, then 32 bytes X25519. Raises ValueError on other lengths."""
    mlkem, x25519 = _private_halves(private)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """Name a public key: the first 16 bytes of its SHA-256, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()[:32]


def seal(secret: bytes, recipient: bytes, *purpose: str | bytes) -> bytes:
    """Seal `secret` to a public key for exactly this purpose (a list of words that the opener must name alike)."""
    if len(recipient) != _MLKEM_PUBLIC + _X25519:
        raise ValueError("not a public key of this kind")
    key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(recipient[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(recipient[_MLKEM_PUBLIC:]),
    )
    return SUITE.encrypt(secret, key, info=framed(*purpose))


def unseal(sealed: bytes, private: bytes, *purpose: str | bytes) -> bytes:
    """Open what was sealed to this key for this purpose. Raises NotForThisKey."""
    try:
        return SUITE.decrypt(sealed, MLKEM768X25519PrivateKey(*_private_halves(private)), info=framed(*purpose))
    except (InvalidTag, ValueError):
        raise NotForThisKey("the envelope was made for another key or purpose, or was altered") from None


def _private_halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    if len(private) != _MLKEM_SEED + _X25519:
        raise ValueError("not a private key of this kind")
    return (
        MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED]),
        X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED:]),
    )
