"""What a running service opens: its database sessions, and what tells its callers apart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from fastapi import FastAPI

from app.db.sessions import Login, Sessions
from app.identity.registry import RegisteredKey
from app.identity.roles import Role
from app.identity.service import make_identity
from app.identity.signing_key import load_private_jwk
from app.main import Opening
from app.settings import Settings
from privacy.signing import public_jwk


@dataclass(frozen=True, slots=True)
class DatabaseKeys:
    """The registered keys and the used assertions, in the database (app/identity/registry.py)."""

    sessions: Sessions

    def auth_key(self, organisation_id: str, kid: str) -> RegisteredKey | None:
        """The key that the organisation signs in with, or None."""
        with self.sessions.begin(Login.OPENER) as connection:
            row = connection.execute(
                sa.text("""
                    SELECT role, public, state FROM registry.organisation_key
                    WHERE organisation_id = :organisation AND kid = :kid AND use = 'auth'
                """),
                {"organisation": organisation_id, "kid": kid},
            ).one_or_none()
        if row is None:
            return None
        return RegisteredKey(organisation_id, kid, Role(row.role), row.public, row.state)

    def use(self, organisation_id: str, jti: str, expires_at: datetime) -> bool:
        """Note an assertion as used; False when it was used before."""
        with self.sessions.begin(Login.OPENER) as connection:
            fresh: bool = connection.execute(
                sa.text("SELECT registry.use_assertion(:organisation, :jti, :expires)"),
                {"organisation": organisation_id, "jti": jti, "expires": expires_at},
            ).scalar_one()
        return fresh


def serving(sessions: Sessions) -> Opening:
    """The opening that `create_app` takes: refuses to serve with logins that row-level security does not bind."""

    @asynccontextmanager
    async def opened(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
        sessions.check()
        keys = DatabaseKeys(sessions)
        app.state.promise_key = load_private_jwk(settings.log_key_file)
        app.state.log_key = public_jwk(app.state.promise_key)
        app.state.sessions = sessions
        app.state.identity = make_identity(settings, keys, keys)
        try:
            yield
        finally:
            sessions.close()

    return opened
