"""Talking to the service: one call per request, and its problem documents in plain words."""

import base64
import hashlib
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpx

from client.oauth import ServiceLogin

TIMEOUT = httpx.Timeout(120, connect=10)


class ServiceRefused(Exception):
    """The service said no. `problem` is its problem document (RFC 9457); `status` the HTTP status."""

    code = "service-refused"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.kind = str(problem.get("type", "")).rsplit("/", 1)[-1]
        self.rule = str(problem.get("rule", ""))
        places = [
            f"{mistake.get('pointer') or mistake.get('parameter') or mistake.get('header')}: {mistake.get('detail')}"
            for mistake in problem.get("errors", [])
        ]
        said = " ".join(str(problem[name]) for name in ("title", "detail") if problem.get(name))
        super().__init__("; ".join([said or f"HTTP {status}", *places]))


class ServiceUnreachable(Exception):
    """There was no answer. Nothing is lost: run the same command again later."""

    code = "service-unreachable"


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that this process trusts; reading them takes longer than most requests do."""
    return httpx.create_ssl_context()


class Service:
    """A logged-in connection to the service."""

    def __init__(
        self,
        url: str,
        login: ServiceLogin,
        headers: Mapping[str, str] | None = None,
        prove: Callable[[str, str, bytes], Mapping[str, str]] = lambda _method, _target, _body: {},
        check: Callable[[httpx.Request, httpx.Response, Mapping[str, Any]], None] = lambda _asked, _answer, _found: (
            None
        ),
    ) -> None:
        """Connect.

        Args:
            url: address of the service.
            login: whose tokens.
            headers: for all requests.
            prove: gives further headers for one request, from its method, its target and its body.
            check: sees each answer with its JSON, and raises when it must not be used.
        """
        # Connections that were refused are tried again, never requests that were sent.
        transport = httpx.HTTPTransport(verify=_trusted(), retries=3)
        self._http = httpx.Client(
            base_url=f"{url}/v1", auth=login, headers=headers, timeout=TIMEOUT, transport=transport
        )
        self._prove, self._check = prove, check

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """GET a resource. Raises ServiceRefused, ServiceUnreachable; so do the others."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """POST JSON."""
        return self._call("POST", path, params=query, json=body)

    def post_if(self, path: str, seen: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """POST JSON to what has this entity tag; refused (412) where it has another by now."""
        return self._call("POST", path, params=query, json=body, headers={"If-Match": seen})

    def put(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        """PUT JSON."""
        return self._call("PUT", path, params=query, json=body)

    def put_lines(self, path: str, body: bytes, **query: str) -> dict[str, Any]:
        """PUT NDJSON with the hash of its bytes (RFC 9530)."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = {"Content-Type": "application/x-ndjson", "Content-Digest": f"sha-256=:{digest}:"}
        return self._call("PUT", path, params=query, content=body, headers=headers)

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        try:
            request = self._http.build_request(method, path, **arguments)
            request.headers.update(self._prove(method, request.url.raw_path.decode(), request.content))
            answer = self._http.send(request)
        except httpx.TransportError as error:
            reason = type(error).__name__
            raise ServiceUnreachable(f"the service at {self._http.base_url} does not answer ({reason})") from None
        try:
            found = answer.json()
        except ValueError:
            found = None
        found = found if isinstance(found, dict) else None
        if not answer.is_success:
            raise ServiceRefused(answer.status_code, found or {})
        if found is None:  # the log-in page of a network, or another server at that address
            raise ServiceUnreachable(f"what answers at {self._http.base_url} is not the service")
        self._check(request, answer, found)
        return found
