"""Logging in at the service: proves the organisation with its key and keeps a fresh access token on each request."""

import secrets
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
RENEW_SECONDS = 30  # before the token ends, so that no request travels with one that ends on the way
SERVICE_ALLOWS_SECONDS = 30  # how far clocks may be apart: app/identity/assertions.py


class LoginRefused(Exception):
    """The service gives no access token. The message says what to look at; it holds no key and no token."""

    code = "login-refused"


class ServiceLogin(httpx.Auth):
    """`httpx.Client(auth=ServiceLogin(…))`: every request carries an access token, fetched and renewed as needed.

    For synchronous clients; threads may share one. Tokens are kept in memory alone.
    """

    def __init__(self, service_url: str, organisation_id: str, private_jwk: Mapping[str, Any], scope: str = "") -> None:
        """Say who logs in where.

        Args:
            service_url: the service's public URL without a path, exactly as the service itself knows it.
            organisation_id: the organisation that the operator registered.
            private_jwk: its private key for logging in (Ed25519, or EC P-256) with the `kid` of the registered one.
            scope: what to ask for, with spaces between; "" for all that the key's role allows.
        """
        self._token_url = f"{service_url.rstrip('/')}/v1/tokens"
        self._organisation, self._scope = organisation_id, scope
        self._kid = str(private_jwk["kid"])
        self._key, self._algorithm = _key_and_algorithm(private_jwk)
        self._token, self._ends = "", 0.0
        self._lock = Lock()

    def __repr__(self) -> str:
        """Names who logs in where, and never a key or token."""
        return f"ServiceLogin({self._organisation!r} at {self._token_url!r})"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send `request` with a token; where the service no longer knows the token, once more with a new one.

        Raises:
            LoginRefused: the service gives no token.
        """
        with self._lock:
            if time.monotonic() >= self._ends:
                self._keep((yield self._token_request(request)))
            token = self._token
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        # A service that got a new signing key knows none of its old tokens. A body that was streamed is gone by now.
        if answer.status_code == 401 and isinstance(request.stream, httpx.ByteStream):
            with self._lock:
                if self._token == token:
                    self._keep((yield self._token_request(request)))
                request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Not for asynchronous clients: the lock would stop the event loop."""
        raise NotImplementedError("ServiceLogin is for httpx.Client")

    def _token_request(self, behind: httpx.Request) -> httpx.Request:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        if self._scope:
            form["scope"] = self._scope
        headers = {"Accept": "application/json"}
        # the extensions hold the client's time-outs: without them a silent service would hold a delivery up for ever
        return httpx.Request("POST", self._token_url, data=form, headers=headers, extensions=behind.extensions)

    def assertion(self) -> str:
        """A new client assertion (RFC 7523): good for one minute and for one use."""
        now = int(time.time())
        claims = {
            "iss": self._organisation,
            "sub": self._organisation,
            "aud": self._token_url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(24),
        }
        header = {"alg": self._algorithm, "typ": "JWT", "kid": self._kid}
        return jwt.encode(header, claims, self._key, algorithms=[self._algorithm])

    def _keep(self, answer: httpx.Response) -> None:
        answer.read()
        if answer.status_code != 200:
            raise LoginRefused(self._explain(answer))
        try:
            told = answer.json()
            token, seconds = str(told["access_token"]), int(told["expires_in"])
        except (ValueError, KeyError, TypeError):
            raise LoginRefused(f"what answers at {self._token_url} is not the service") from None
        self._token = token
        self._ends = time.monotonic() + seconds - RENEW_SECONDS

    def _explain(self, answer: httpx.Response) -> str:
        apart = _seconds_apart(answer)
        try:
            said = str(answer.json()["detail"])
        except (ValueError, KeyError, TypeError):
            said = "(no explanation)"
        words = [
            f"{self._token_url} gives {self._organisation} no access token ({answer.status_code}): {said}",
            f"The key that logs in is {self._kid}: the operator must have registered it for {self._organisation}.",
        ]
        if abs(apart) > SERVICE_ALLOWS_SECONDS:
            words.append(f"This machine's clock is {abs(apart)} seconds {'ahead' if apart > 0 else 'behind'}: set it.")
        return "\n".join(words)


def _key_and_algorithm(private_jwk: Mapping[str, Any]) -> tuple[OKPKey | ECKey, str]:
    kind = (private_jwk.get("kty"), private_jwk.get("crv"))
    if kind == ("OKP", "Ed25519"):
        return OKPKey.import_key(dict(private_jwk)), "Ed25519"
    if kind == ("EC", "P-256"):
        return ECKey.import_key(dict(private_jwk)), "ES256"
    raise ValueError("the key for logging in must be of the kind Ed25519 or EC P-256")


def _seconds_apart(answer: httpx.Response) -> int:
    """How far this machine's clock is ahead of the service's (below 0: behind), as far as the answer tells."""
    try:
        return round(time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp())
    except (KeyError, ValueError):
        return 0
