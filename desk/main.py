"""The desk's web app: a municipality's own pages on top of `client`, for browsers on this machine."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from client.home import Home, HomeUnusable
from client.oauth import LoginRefused
from client.service import ServiceRefused, ServiceUnreachable
from desk import signal_page, signing_in, working, worklist
from desk.asking import COOKIE, Forged, NotFilledIn, NotYourRole, SignInFirst, desk_of, lang_of
from desk.connections import Connections
from desk.desk import Desk
from desk.pages import STATIC
from desk.sessions import Sessions
from desk.users import Users
from desk.wall import Wall
from privacy.errors import PrivacyError

_log = logging.getLogger("vroegsein.desk")


def create_app(home: Home, pilot_id: str, users: Users, port: int, sessions: Sessions | None = None) -> ASGIApp:
    """The app for one pilot, reached at 127.0.0.1 and this port. It opens no connection before somebody asks."""
    hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))
    app = FastAPI(openapi_url=None)
    app.state.desk = Desk(home, pilot_id, users, hosts, sessions or Sessions(), Connections(home, pilot_id))
    app.mount("/static", StaticFiles(directory=STATIC))
    for part in (signing_in, worklist, signal_page, working):
        app.include_router(part.router)
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    app.router.on_shutdown.append(app.state.desk.connections.close)
    return Wall(app, hosts)


def _said(request: Request, title: str, status: int, **more: object) -> Response:
    desk = desk_of(request)
    session = desk.sessions.find(request.cookies.get(COOKIE), touch=False)
    shown = {"title": title, "roles": (), "code": None, "session": session, **more}
    return desk.pages.show("said", lang_of(request, session), status, **shown)


def _sign_in_first(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/sign-in?why=locked", 303)


def _not_your_role(request: Request, error: Exception) -> Response:
    roles = error.session.user.roles if isinstance(error, NotYourRole) else ()
    return _said(request, "not_your_role", 403, roles=roles)


def _forged(request: Request, _error: Exception) -> Response:
    return _said(request, "forged", 403)


def _not_filled_in(request: Request, _error: Exception) -> Response:
    return _said(request, "not_filled_in", 422)


def _not_there(request: Request, _error: Exception) -> Response:
    return _said(request, "not_there", 404)


def _plain(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return _said(request, "not_there", status)


def _trouble(request: Request, error: Exception) -> Response:
    """What the service or a check said no to. Its code is shown; its words may hold what is nobody's to read here."""
    if isinstance(error, ServiceRefused) and error.kind in {"not-in-scope", "invalid-input"}:
        return _not_there(request, error)
    code = error.kind if isinstance(error, ServiceRefused) else str(getattr(error, "code", "trouble"))
    _log.warning("a page could not be shown: %s", code)
    return _said(request, "trouble", 502, code=code)


_ANSWERS = {
    SignInFirst: _sign_in_first,
    NotYourRole: _not_your_role,
    Forged: _forged,
    NotFilledIn: _not_filled_in,
    RequestValidationError: _not_there,
    HTTPException: _plain,
    ServiceRefused: _trouble,
    ServiceUnreachable: _trouble,
    LoginRefused: _trouble,
    HomeUnusable: _trouble,
    PrivacyError: _trouble,
}
