"""Headers that every answer carries, errors included (NL API Design Rules: security-headers, version-header)."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class SecurityHeaders:
    """ASGI middleware, outermost: whatever made the answer, it leaves with these headers and the API's version."""

    def __init__(self, app: ASGIApp, version: str) -> None:
        self._app = app
        self._headers = {**HEADERS, "API-Version": version}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass requests on, and add the headers to their answers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, with_headers)
