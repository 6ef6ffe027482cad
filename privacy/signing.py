"""Signatures: Ed25519 as JWS (RFC 7515, RFC 9864), keys as JWK, and the fingerprints that people compare."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from privacy.errors import PrivacyError
from privacy.framing import framed

ALGORITHM = "Ed25519"


class NotSigned(PrivacyError):
    """A signature is missing, wrong, or by another key than the one expected."""

    code = "not-signed"


def new_signing_key() -> dict[str, Any]:
    """Make an Ed25519 key as a private JWK with its thumbprint (RFC 7638) as `kid`."""
    key = OKPKey.generate_key("Ed25519", private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint()}


def public_jwk(private: dict[str, Any]) -> dict[str, Any]:
    """The public half of a private JWK, with the same `kid`."""
    return {**OKPKey.import_key(private).as_dict(private=False), "kid": private["kid"]}


def sign(payload: bytes, private: dict[str, Any], kind: str) -> str:
    """Sign bytes as a compact JWS; `kind` (header `typ`) keeps a signature from passing for one of another sort."""
    header = {"alg": ALGORITHM, "kid": private["kid"], "typ": kind}
    return jws.serialize_compact(header, payload, OKPKey.import_key(private), algorithms=[ALGORITHM])


def verify(token: str, public: dict[str, Any], kind: str) -> bytes:
    """The signed bytes. Raises NotSigned when the signature, the key or the kind is another."""
    try:
        signed = jws.deserialize_compact(token, OKPKey.import_key(public), algorithms=[ALGORITHM])
    except (JoseError, ValueError, KeyError) as error:  # the last: a key on another curve
        raise NotSigned(f"not signed by the expected key ({type(error).__name__})") from None
    if signed.headers().get("typ") != kind:
        raise NotSigned(f"signed as something else than {kind}")
    return signed.payload


def payload_unchecked(token: str) -> bytes:
    """What a compact JWS says, whoever signed it. Raises ValueError or IndexError where it is none."""
    payload = token.split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


def fingerprint(publics: Iterable[bytes]) -> str:
    """What people read to each other over the telephone: 12 groups of 5 digits (199 bits) over all keys given."""
    digest = int.from_bytes(hashlib.sha256(framed("vroegsein/fingerprint/v1", *sorted(publics))).digest(), "big")
    digits = f"{digest % 10**60:060d}"
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))
