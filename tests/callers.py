"""Callers for tests: a registry and a ledger in memory, organisations with keys, and a service that knows them."""

import asyncio
import hashlib
import hmac
import json
import secrets
import threading
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from app.identity.assertions import AssertionCheck
from app.identity.registry import RegisteredKey
from app.identity.roles import Role
from app.identity.service import Identity
from app.identity.tokens import AccessTokens
from app.main import Service, create_app
from privacy.signing import new_signing_key

URL = "http://127.0.0.1:8000"
TOKEN_URL = f"{URL}/v1/tokens"
VIEWER = {
    "Vroegsein-Actor": "0123456789abcdef",
    "Vroegsein-Purpose": "offer-help",
    "Vroegsein-Request-Proof": "e30.e30.e30",
}


@dataclass
class MemoryRegistry:
    keys: dict[tuple[str, str], RegisteredKey] = field(default_factory=dict)

    def auth_key(self, organisation_id: str, kid: str) -> RegisteredKey | None:
        return self.keys.get((organisation_id, kid))

    def add(self, key: RegisteredKey) -> None:
        self.keys[key.organisation_id, key.kid] = key


@dataclass
class MemoryLedger:
    used: dict[tuple[str, str], datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, organisation_id: str, jti: str, expires_at: datetime) -> bool:
        with self.lock:
            return self.used.setdefault((organisation_id, jti), expires_at) is expires_at


class At(int):
    """A moment in a claim: so many seconds from now."""


@dataclass
class Organisation:
    """An organisation with a key of its own; `assertion` makes what it proves itself with, changed as a test wants."""

    name: str
    role: Role
    private: dict[str, Any]

    @property
    def registered(self) -> RegisteredKey:
        key = ECKey if self.private["kty"] == "EC" else OKPKey
        public = key.import_key(self.private).as_dict(private=False)
        return RegisteredKey(self.name, self.private["kid"], self.role, public)

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(datetime.now(UTC).timestamp())
        usual = {"iss": self.name, "sub": self.name, "aud": TOKEN_URL, "iat": now, "exp": now + 60}
        merged = {**usual, "jti": secrets.token_urlsafe(16), **changed}
        return {
            name: now + value if isinstance(value, At) else value for name, value in merged.items() if value is not ...
        }

    def assertion(self, header: dict[str, Any] | None = None, key: Any = None, **changed: Any) -> str:
        """A signed assertion; `...` as the value of a claim leaves it out."""
        algorithm = "ES256" if self.private["kty"] == "EC" else "Ed25519"
        head = {"alg": algorithm, "kid": self.private["kid"], **(header or {})}
        signer = key or (ECKey if self.private["kty"] == "EC" else OKPKey).import_key(self.private)
        return jwt.encode(head, self.claims(**changed), signer, algorithms=[head["alg"]])


def organisation(name: str = "woonstad", role: Role = Role.CREDITOR) -> Organisation:
    return Organisation(name, role, new_signing_key())


@dataclass
class World:
    """A service that tells callers apart, without a database."""

    registry: MemoryRegistry
    ledger: MemoryLedger
    identity: Identity

    def register(self, who: Organisation, **changed: Any) -> Organisation:
        self.registry.add(replace(who.registered, **changed))
        return who

    def token(self, role: Role, name: str = "woonstad") -> str:
        who = organisation(name, role)
        return self.identity.tokens.issue(who.registered).text

    def app(self) -> Service:
        app = create_app()
        app.state.identity = self.identity
        return app


def make_world(lifetime: timedelta = timedelta(minutes=5), url: str = URL) -> World:
    registry, ledger = MemoryRegistry(), MemoryLedger()
    tokens = AccessTokens(url, OKPKey.import_key(new_signing_key()), lifetime)
    return World(registry, ledger, Identity(AssertionCheck(f"{url}/v1/tokens", registry, ledger), tokens))


def forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A JWT put together by hand, as an attacker would: without a signature, or with an HMAC under `secret`."""
    body = ".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}." + (_b64(hmac.digest(secret, body.encode(), hashlib.sha256)) if secret else "")


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def ask(app: Service, method: str, path: str, **how: Any) -> httpx.Response:
    """One request to `app` in this process; an exception that leaves the app fails the test."""

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
            return await client.request(method, path, **how)

    return asyncio.run(send())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
