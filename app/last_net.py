"""The last net around the whole service: every error leaves as a problem document, and none tells of a request."""

import logging
import traceback
import uuid

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import MEDIA_TYPE, plain_problem

_log = logging.getLogger("vroegsein.errors")


class LastNet:
    """ASGI middleware around everything, the framework's own error answers included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass requests on; replace bare errors, and answer what nobody caught with a 500 and an id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        incident = str(uuid.uuid4())
        started = replaced = False

        async def checked(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 400 and not _is_problem(message):
                    replaced = True
                    instance = f"urn:uuid:{incident}" if message["status"] >= 500 else None
                    await plain_problem(message["status"], instance=instance)(scope, receive, send)
                    return
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, checked)
        except ClientDisconnect:
            _log.info("the caller hung up")
        except Exception as error:  # noqa: BLE001 - the last net: further out the server would log what was sent
            _log.error("unexpected error %s: %s", incident, where(error))
            if not started:
                await plain_problem(500, instance=f"urn:uuid:{incident}")(scope, receive, send)


def where(error: BaseException) -> str:
    """The kinds of `error` and of what caused it, with file, line and function: no messages, they may quote data."""
    told: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:  # task groups make circles: a group can stand in its own member's context
            continue
        seen.add(id(one))
        told.append(f"{type(one).__module__}.{type(one).__qualname__} at {_places(one)}")
        waiting.extend(one.exceptions if isinstance(one, BaseExceptionGroup) else ())
        waiting.append(one.__cause__ if one.__suppress_context__ else one.__context__)
    return " | from ".join(told)


def _places(error: BaseException) -> str:
    """Where it was raised, then our own part of the way there."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames[:-1] if "site-packages" not in frame.filename]
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed([*ours, *frames[-1:]]))


def _is_problem(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(MEDIA_TYPE.encode())
        for name, value in message.get("headers", ())
    )
