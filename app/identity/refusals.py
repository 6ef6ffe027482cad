"""What the token endpoint answers when it gives no token: problems that carry OAuth's own words (RFC 6749, 5.2)."""

from collections.abc import Mapping
from typing import ClassVar

from app.problems import AppError


class TokenError(AppError):
    """A token can't be given."""

    code = "token-request-unusable"
    oauth: ClassVar[str] = "invalid_request"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers=headers, extension={"error": self.oauth, "error_description": detail})


class ClientUnproven(TokenError):
    """The client assertion does not prove who calls."""

    code = "client-unproven"
    oauth = "invalid_client"


class GrantUnsupported(TokenError):
    """Tokens are given for client credentials alone."""

    code = "grant-unsupported"
    oauth = "unsupported_grant_type"


class ScopeNotForRole(TokenError):
    """The key's role does not allow a scope that was asked for."""

    code = "scope-not-for-role"
    oauth = "invalid_scope"
