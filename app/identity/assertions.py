"""Client assertions (`private_key_jwt`, RFC 7523): a caller proves that it holds its organisation's registered key."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import ECKey, OKPKey

from app.identity.registry import AssertionLedger, KeyRegistry, RegisteredKey

LIFE = timedelta(minutes=5)  # the furthest ahead that an assertion may expire
LEEWAY = timedelta(seconds=30)  # how far a caller's clock may be off
ALGORITHMS = {"OKP": "Ed25519", "EC": "ES256"}  # by kind of key; nothing symmetric, and never "none"
_ORGANISATION = re.compile(r"[a-z][a-z0-9-]{1,62}\Z")
_KID = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_JTI = re.compile(r"[\x21-\x7e]{16,128}\Z")
_log = logging.getLogger("vroegsein.identity")


class Refusal(StrEnum):
    """Why an assertion was refused: for the service's own log alone. Towards the caller all of them look the same."""

    UNREADABLE = "unreadable"
    ALGORITHM = "algorithm-not-allowed"
    NAMES_NOBODY = "iss-sub-or-kid-unusable"
    UNKNOWN_KEY = "unknown-key"
    REVOKED_KEY = "revoked-key"
    SIGNATURE = "signature-wrong"
    AUDIENCE = "wrong-audience"
    TIMES = "times-missing-or-unusable"
    EXPIRED = "expired"
    TOO_FAR_AHEAD = "expires-too-far-ahead"
    NOT_YET_VALID = "not-yet-valid"
    JTI = "jti-missing-or-unusable"
    REPLAYED = "replayed"


class AssertionRefused(Exception):
    """An assertion does not prove who calls; `reason` says why, and is not for the caller."""

    def __init__(self, reason: Refusal, key: RegisteredKey | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.key = key


@dataclass(frozen=True, slots=True)
class AssertionCheck:
    """Checks assertions that were made for `token_url`, against the keys of `registry`."""

    token_url: str
    registry: KeyRegistry
    ledger: AssertionLedger
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def key_behind(self, assertion: str) -> RegisteredKey:
        """The registered key that signed `assertion`, which counts as used from here on.

        The log gets the reason of a refusal, and the organisation only where its key is registered: before that the
        name is whatever the caller wrote.

        Raises:
            AssertionRefused: the assertion proves nothing.

        Source: RFC 7523 section 3; NLgov assurance profile for OAuth 2.0 (private_key_jwt).
        """
        try:
            return self._check(assertion)
        except AssertionRefused as refused:
            organisation = refused.key.organisation_id if refused.key else "-"
            _log.warning("assertion refused: reason=%s organisation=%s", refused.reason.value, organisation)
            raise

    def _check(self, assertion: str) -> RegisteredKey:
        header, named = _read_unproven(assertion)
        if header.get("alg") not in ALGORITHMS.values():
            raise AssertionRefused(Refusal.ALGORITHM)
        key = self._registered(header, named)
        claims = _proven_claims(assertion, header, key)
        if claims.get("aud") not in (self.token_url, [self.token_url]):
            raise AssertionRefused(Refusal.AUDIENCE, key)
        expires = self._check_times(claims, key)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not _JTI.match(jti):
            raise AssertionRefused(Refusal.JTI, key)
        if not self.ledger.use(key.organisation_id, jti, expires + LEEWAY):
            raise AssertionRefused(Refusal.REPLAYED, key)
        return key

    def _registered(self, header: Mapping[str, Any], named: Mapping[str, Any]) -> RegisteredKey:
        organisation, kid = named.get("iss"), header.get("kid")
        if (
            not isinstance(organisation, str)
            or organisation != named.get("sub")
            or not _ORGANISATION.match(organisation)
            or not isinstance(kid, str)
            or not _KID.match(kid)
        ):
            raise AssertionRefused(Refusal.NAMES_NOBODY)
        key = self.registry.auth_key(organisation, kid)
        if key is None:
            raise AssertionRefused(Refusal.UNKNOWN_KEY)
        if key.status != "active":
            raise AssertionRefused(Refusal.REVOKED_KEY, key)
        return key

    def _check_times(self, claims: Mapping[str, Any], key: RegisteredKey) -> datetime:
        """When the assertion expires; `exp` and `iat` are required, `nbf` is not."""
        now = self.now()
        expires, issued = _moment(claims.get("exp")), _moment(claims.get("iat"))
        starts = _moment(claims["nbf"]) if "nbf" in claims else issued
        if expires is None or issued is None or starts is None or expires <= issued:
            raise AssertionRefused(Refusal.TIMES, key)
        if expires <= now - LEEWAY:
            raise AssertionRefused(Refusal.EXPIRED, key)
        if expires > now + LIFE + LEEWAY:
            raise AssertionRefused(Refusal.TOO_FAR_AHEAD, key)
        if issued < now - LIFE - LEEWAY:
            raise AssertionRefused(Refusal.TIMES, key)
        if max(issued, starts) > now + LEEWAY:
            raise AssertionRefused(Refusal.NOT_YET_VALID, key)
        return expires


def _read_unproven(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as anybody may have written them: good for looking up a key and for nothing else."""
    try:
        parts = jws.extract_compact(assertion.encode("ascii"))
        header, claims = parts.headers(), json.loads(parts.payload or b"")
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise AssertionRefused(Refusal.UNREADABLE) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise AssertionRefused(Refusal.UNREADABLE)
    return header, claims


def _proven_claims(assertion: str, header: Mapping[str, Any], key: RegisteredKey) -> Mapping[str, Any]:
    """The claims, once the registered key's own algorithm and no other confirms the signature."""
    kind = key.public_jwk["kty"]
    algorithm = ALGORITHMS[kind]
    if header.get("alg") != algorithm:
        raise AssertionRefused(Refusal.ALGORITHM, key)
    public = (OKPKey if kind == "OKP" else ECKey).import_key(dict(key.public_jwk))
    try:
        return jwt.decode(assertion, public, algorithms=[algorithm]).claims
    except BadSignatureError:
        raise AssertionRefused(Refusal.SIGNATURE, key) from None
    except (JoseError, ValueError):
        raise AssertionRefused(Refusal.UNREADABLE, key) from None


def _moment(claim: object) -> datetime | None:
    """A NumericDate (RFC 7519) as a moment; None for what is none (text, true, NaN, the year 300000)."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        return None
    try:
        return datetime.fromtimestamp(claim, UTC)
    except (ValueError, OverflowError, OSError):
        return None
