"""Access tokens: short-lived signed JWTs (RFC 9068) that the service issues and itself checks."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from app.identity.registry import RegisteredKey
from app.identity.roles import SCOPES, Role
from privacy.signing import ALGORITHM

SKEW = timedelta(seconds=5)  # between the clocks of two machines that run the service


class TokenRefused(Exception):
    """An access token is not one of ours, or no longer valid."""


class ScopeRefused(Exception):
    """The key's role does not allow a scope that was asked for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: proven, for as long as the access token lasts."""

    organisation_id: str
    role: Role
    scopes: frozenset[str]
    token_id: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token as it goes out; `lifetime` counts from now, `scopes` are those granted."""

    text: str = field(repr=False)
    lifetime: timedelta
    scopes: frozenset[str]


class AccessTokens:
    """Issues and checks access tokens of one issuer with one key."""

    def __init__(
        self,
        issuer: str,
        key: OKPKey,
        lifetime: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the service's public URL as `issuer` and its private key; tokens are good for its `/v1` alone."""
        self._issuer, self._audience = issuer, f"{issuer}/v1"
        self._key, self._kid = key, key.thumbprint()
        self._public = OKPKey.import_key(key.public_key)
        self._lifetime = lifetime
        self._now = now

    def issue(self, key: RegisteredKey, wanted: frozenset[str] = frozenset()) -> IssuedToken:
        """Make a token for the holder of `key`, who must have proven itself just before.

        Args:
            key: the registered key that signed the assertion.
            wanted: the scopes asked for; none means all of the key's role.

        Raises:
            ScopeRefused: a scope is not for this role.
        """
        allowed = SCOPES[key.role]
        if not wanted <= allowed:
            raise ScopeRefused
        scopes = wanted or allowed
        now = int(self._now().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": key.organisation_id,
            "client_id": key.organisation_id,  # RFC 9068
            "azp": key.organisation_id,  # NLgov assurance profile for OAuth 2.0
            "iat": now,
            "exp": now + int(self._lifetime.total_seconds()),
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(scopes)),
            "role": key.role.value,
        }
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self._kid}
        return IssuedToken(jwt.encode(header, claims, self._key, algorithms=[ALGORITHM]), self._lifetime, scopes)

    def check(self, token: str) -> Caller:
        """Who holds `token`.

        Raises:
            TokenRefused: it was not issued here, for here, or is over; the caller needs a new one.
        """
        try:
            found = jwt.decode(token, self._public, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
            raise TokenRefused from None
        if found.header.get("typ") != "at+jwt" or found.header.get("kid") != self._kid:
            raise TokenRefused
        now = self._now().timestamp()
        claims: dict[str, Any] = found.claims
        try:
            meant = claims["iss"] == self._issuer and claims["aud"] == self._audience
            current = claims["iat"] - SKEW.total_seconds() <= now < claims["exp"]
            role = Role(claims["role"])
            caller = Caller(claims["sub"], role, frozenset(claims["scope"].split()) & SCOPES[role], claims["jti"])
        except (KeyError, ValueError):  # signed here, but by a release that says it in other words
            raise TokenRefused from None
        if not (meant and current):
            raise TokenRefused
        return caller
