"""Telling callers apart, put together for one running service."""

from dataclasses import dataclass

from app.identity.assertions import AssertionCheck
from app.identity.registry import AssertionLedger, KeyRegistry
from app.identity.signing_key import load_signing_key
from app.identity.tokens import AccessTokens
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """What the token endpoint and the check of every call need (`app.state.identity`)."""

    assertions: AssertionCheck
    tokens: AccessTokens


def make_identity(settings: Settings, registry: KeyRegistry, ledger: AssertionLedger) -> Identity:
    """Put it together from the settings and the key file.

    Raises:
        SigningKeyUnusable: the key file is missing or unsafe; the service must not start.
    """
    key = load_signing_key(settings.signing_key_file)
    return Identity(
        AssertionCheck(settings.token_url, registry, ledger),
        AccessTokens(settings.public_url, key, settings.token_lifetime),
    )
