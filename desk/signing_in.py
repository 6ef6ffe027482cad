"""Signing in and out. For the demonstration alone: somebody chooses a name, and nothing proves it."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from client.words import Lang
from desk.asking import COOKIE, Filled, NotFilledIn, SignedIn, TheDesk, filled_in, lang_of

router = APIRouter()
SEE_OTHER = 303


@router.get("/sign-in")
def sign_in_page(request: Request, desk: TheDesk) -> Response:
    """Who are you? The page says that it is a demonstration."""
    why = request.query_params.get("why")
    lang = lang_of(request)
    return desk.pages.show(
        "sign_in",
        lang,
        users=desk.users.users,
        csrf=desk.sign_in_csrf,
        why=why if why in {"locked", "signed_out"} else "",
        other_url=f"/sign-in?lang={'nl' if lang == 'en' else 'en'}",
    )


@router.post("/sign-in")
def sign_in(request: Request, desk: TheDesk, filled: Filled) -> Response:
    """A new session with a new token; the browser's earlier one ends."""
    user = desk.users.named(filled.get("user", ""))
    if user is None:
        raise NotFilledIn
    lang: Lang = "en" if filled.get("lang") == "en" else "nl"
    token = desk.sessions.begin(user, lang, request.cookies.get(COOKIE))
    answer = RedirectResponse("/", SEE_OTHER)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
    return answer


@router.post("/sign-out", dependencies=[Depends(filled_in)])
def sign_out(request: Request, desk: TheDesk, session: SignedIn) -> Response:
    """End the session."""
    desk.sessions.end(request.cookies.get(COOKIE))
    answer = RedirectResponse(f"/sign-in?why=signed_out&lang={session.lang}", SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")
    return answer


@router.get("/locked")
def locked(request: Request, desk: TheDesk) -> Response:
    """Where a page that stood still goes by itself; it does not count as using the session."""
    session = desk.sessions.find(request.cookies.get(COOKIE), touch=False)
    return desk.pages.show("locked", lang_of(request, session))
