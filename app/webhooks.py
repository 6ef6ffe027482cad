"""Calling a creditor's webhook: at a public address that was checked, over TLS, briefly, and without hearing it out."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import httpx

from app.public_addresses import NotPublic, addresses_of, public_only

WHOLE_CALL = 10.0  # seconds, from the first packet to the status
EACH_STEP = httpx.Timeout(5.0)


class Failure(StrEnum):
    """Why a call did not succeed. No more is kept of it: an answer could say anything."""

    UNKNOWN_HOST = "unknown-host"
    NOT_PUBLIC = "not-public"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    REDIRECT = "redirect"
    CLIENT_ERROR = "client-error"
    SERVER_ERROR = "server-error"
    NO_HTTP = "no-http"


def direct() -> httpx.AsyncBaseTransport:
    """Connections of one's own, whatever proxy the environment names: a proxy would look the name up again."""
    return httpx.AsyncHTTPTransport(trust_env=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """How webhooks are called. Tests put in how a name is looked up, and what carries a request to its address."""

    addresses: Callable[[str], list[str]] = addresses_of
    transport: Callable[[], httpx.AsyncBaseTransport] = direct

    def call(self, url: str, body: bytes, headers: Mapping[str, str], turn: int) -> Failure | None:
        """Post once; None when the answer was 2xx. `turn`: which attempt, so that each of several addresses has one."""
        host = httpx.URL(url).host
        try:
            found = public_only(self.addresses(host))
        except NotPublic:
            return Failure.NOT_PUBLIC
        except (OSError, UnicodeError):
            return Failure.UNKNOWN_HOST
        # To the address that was checked and no other: asked once more, its name server could name another one.
        at = httpx.URL(url).copy_with(host=found[turn % len(found)])
        return asyncio.run(self._post(at, host, body, headers))

    async def _post(self, at: httpx.URL, host: str, body: bytes, headers: Mapping[str, str]) -> Failure | None:
        sent = {"User-Agent": "vroegsein", "Accept-Encoding": "identity", **headers, "Host": host}
        try:
            async with (
                asyncio.timeout(WHOLE_CALL),
                httpx.AsyncClient(
                    transport=self.transport(), trust_env=False, follow_redirects=False, timeout=EACH_STEP
                ) as client,
                # The certificate has to be the host's, not the address's. What is answered is not read.
                client.stream("POST", at, content=body, headers=sent, extensions={"sni_hostname": host}) as answer,
            ):
                return _failure(answer.status_code)
        except (TimeoutError, httpx.TimeoutException):
            return Failure.TIMEOUT
        except httpx.ConnectError as error:
            return Failure.TLS if _is_tls(error) else Failure.UNREACHABLE
        except httpx.NetworkError:
            return Failure.UNREACHABLE
        except httpx.HTTPError:
            return Failure.NO_HTTP


def _failure(status: int) -> Failure | None:
    by_class = {2: None, 3: Failure.REDIRECT, 4: Failure.CLIENT_ERROR, 5: Failure.SERVER_ERROR}
    return by_class.get(status // 100, Failure.NO_HTTP)


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
