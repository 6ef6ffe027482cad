"""Who asks: the session behind a request, the role that a page needs, and forms that are ours."""

import hmac
from typing import Annotated, cast
from urllib.parse import parse_qs

from fastapi import Depends, Request

from client.words import Lang
from desk.desk import Desk
from desk.sessions import Session
from desk.users import DeskRole

COOKIE = "vroegsein_desk"
MOST_BYTES = 10_000


class SignInFirst(Exception):
    """Nobody is signed in, or not any more."""


class NotYourRole(Exception):
    """Who is signed in has another role than the page needs."""

    def __init__(self, session: Session) -> None:
        super().__init__("another role")
        self.session = session


class Forged(Exception):
    """A form that did not come from one of our own pages."""


class NotFilledIn(Exception):
    """A form in which something is missing, or that holds what could not be chosen."""


def desk_of(request: Request) -> Desk:
    """The running desk."""
    return cast("Desk", request.app.state.desk)


TheDesk = Annotated[Desk, Depends(desk_of)]


def lang_of(request: Request, session: Session | None = None) -> Lang:
    """The language that was chosen: in the address, else before in this session, else Dutch."""
    asked = request.query_params.get("lang")
    if asked in {"nl", "en"}:
        return cast("Lang", asked)
    return session.lang if session else "nl"


def signed_in(request: Request, desk: TheDesk) -> Session:
    """Who is signed in, whatever the role. Raises SignInFirst."""
    session = desk.sessions.find(request.cookies.get(COOKIE))
    if session is None:
        raise SignInFirst
    session.lang = lang_of(request, session)
    return session


def worker(session: Annotated[Session, Depends(signed_in)]) -> Session:
    """A debt-help worker. Raises SignInFirst, NotYourRole."""
    if DeskRole.WORKER not in session.user.roles:
        raise NotYourRole(session)
    return session


async def filled_in(request: Request, desk: TheDesk) -> dict[str, str]:
    """The fields of a form that came from a page of this desk itself. Raises Forged.

    Every POST of the desk depends on it. The browser says where the form stood (Origin), and the form holds the token
    of its session, or of the sign-in page. Raises SignInFirst for a session that is over.
    """
    own = f"http://{request.headers.get('host')}"
    said = request.headers.getlist("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    kind = request.headers.get("content-type", "").partition(";")[0]
    if said != [own] or site != "same-origin" or kind != "application/x-www-form-urlencoded":
        raise Forged
    text = b""
    async for piece in request.stream():
        text += piece
        if len(text) > MOST_BYTES:
            raise Forged
    filled = {name: values[-1] for name, values in parse_qs(text.decode("utf-8", "replace")).items()}
    token = desk.sign_in_csrf if request.url.path == "/sign-in" else signed_in(request, desk).csrf
    if not hmac.compare_digest(filled.get("csrf", "").encode(), token.encode()):
        raise Forged
    return filled


AWorker = Annotated[Session, Depends(worker)]
SignedIn = Annotated[Session, Depends(signed_in)]
Filled = Annotated[dict[str, str], Depends(filled_in)]
