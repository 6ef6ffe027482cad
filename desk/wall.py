"""What every request meets first and every answer carries: the host's name, headers, and silence about faults."""

import logging
import traceback

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Nobody else learns where somebody came from. By `no-referrer` a browser would send our own forms with the
    # Origin "null", as those of another site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_log = logging.getLogger("vroegsein.desk")


class Wall:
    """ASGI middleware, outermost. A fault is told by its kind and place alone: its words may hold a resident's data."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a name that somebody pointed here, pass the rest on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if Headers(scope=scope).getlist("host") not in [[host] for host in self._hosts]:
            await PlainTextResponse("misdirected", 421)(scope, receive, with_headers)
            return
        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:  # noqa: BLE001 - whatever it is, its words stay unsaid
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("a fault of the desk: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            if not begun:
                await PlainTextResponse("Er ging iets mis. / Something went wrong.", 500)(scope, receive, with_headers)
