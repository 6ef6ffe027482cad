"""What telling callers apart needs from the database: registered keys, and the assertions that were used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from app.identity.roles import Role


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """An organisation's public key for logging in, as the operator registered it.

    `public_jwk` is OKP/Ed25519 or EC/P-256 (RFC 7517, 8037); its private counterpart never leaves the organisation.
    """

    organisation_id: str
    kid: str
    role: Role
    public_jwk: Mapping[str, Any]
    status: Literal["active", "revoked"] = "active"


class KeyRegistry(Protocol):
    """Looks up registered keys."""

    def auth_key(self, organisation_id: str, kid: str) -> RegisteredKey | None:
        """The key that the organisation registered under `kid`, revoked ones too; None when there is none."""


class AssertionLedger(Protocol):
    """Remembers the assertions that were used, so that none is used twice."""

    def use(self, organisation_id: str, jti: str, expires_at: datetime) -> bool:
        """Note `jti` as used; False when it was used before.

        Committed before it returns, and atomic: of two calls at once with the same `jti` one gets False. Called only
        after the signature was checked, or anybody could fill it. May forget a `jti` after `expires_at` (aware).
        """
