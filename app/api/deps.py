"""What routes say about their callers: who, in which role, and for which purpose."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2, SecurityScopes

from app.db.sessions import Sessions
from app.identity.roles import MEANING
from app.identity.service import Identity
from app.identity.tokens import Caller, TokenRefused
from app.problems import InputMistake, InvalidInput, NotAcceptable, NotAuthenticated, ScopeMissing, UnsupportedMediaType
from app.refused_looks import AsSent, note_refused
from privacy.promises import HEADER, Promise, request_hash
from privacy.request_proof import CLOCKS_APART, signed_at
from signals.report import Slug

ANSWERS = ("application/json", "application/x-ndjson")  # what the API answers in, problems aside

_oauth = OAuth2(
    scheme_name="ClientCredentials",
    description="Access token from `/v1/tokens`, proven by `private_key_jwt` (RFC 7523)",
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl="/v1/tokens", scopes=MEANING)),
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person at a desk: the caller's organisation vouches for `actor`, a pseudonym that only it can resolve."""

    caller: Caller
    actor: str
    purpose: str
    proof: str  # the desk's signature on this request (privacy/request_proof.py); the log's readers check it
    promise: Callable[[str, tuple[str, ...]], None]  # puts the log's promise of a pilot's leaves on the answer


def identity(request: Request) -> Identity:
    """What tells callers apart in this running service."""
    found: Identity = request.app.state.identity
    return found


async def _calling(request: Request, needs: SecurityScopes, _token: Annotated[str | None, Depends(_oauth)]) -> Caller:
    """The caller behind the bearer token, which must hold every scope that the route names."""
    lines = request.headers.getlist("authorization")
    scheme, _, token = lines[0].partition(" ") if len(lines) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(
            "Send an access token in the header Authorization; /v1/tokens gives one.",
            headers={"WWW-Authenticate": 'Bearer realm="vroegsein"'},
        )
    try:
        caller = identity(request).tokens.check(token)
    except TokenRefused:
        raise NotAuthenticated(
            "The access token is not valid, or no longer: ask for a new one at /v1/tokens.",
            headers={"WWW-Authenticate": 'Bearer realm="vroegsein", error="invalid_token"'},
        ) from None
    if not caller.scopes.issuperset(needs.scopes):
        if sessions := getattr(request.app.state, "sessions", None):
            await run_in_threadpool(note_refused, sessions, caller, await _as_sent(request))
        raise ScopeMissing(
            f"This needs a token with the scope {needs.scope_str}.",
            headers={
                "WWW-Authenticate": f'Bearer realm="vroegsein", error="insufficient_scope", scope="{needs.scope_str}"'
            },
        )
    return caller


Actor = Annotated[
    str,
    Header(
        alias="Vroegsein-Actor",
        pattern="^[0-9a-f]{16,64}$",
        description="Who acts: the desk's own pseudonym for its user, in lower-case hexadecimal",
    ),
]
Purpose = Annotated[
    Slug,
    Header(alias="Vroegsein-Purpose", description="What for, in the words of the pilot document; goes into the log"),
]
Proof = Annotated[
    str,
    Header(
        alias="Vroegsein-Request-Proof",
        pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
        max_length=4_000,
        description="The request, signed by the desk (JWS, typ vroegsein/request/v1); goes into the log",
    ),
]


async def _viewing(
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(_calling)],
    actor: Actor,
    purpose: Purpose,
    proof: Proof,
) -> Viewer:
    """The person and the purpose behind a request that reads about households or the log."""
    names = ("Vroegsein-Actor", "Vroegsein-Purpose", "Vroegsein-Request-Proof")
    twice = [name for name in names if len(request.headers.getlist(name)) > 1]
    if twice:  # which of the two would the log name?
        raise InvalidInput(
            errors=[InputMistake(header=name, code="repeated", detail="is there twice") for name in twice]
        )
    _refuse_other_times(proof)

    def promise(pilot: str, leaves: tuple[str, ...]) -> None:
        promised = Promise(pilot, request_hash(proof), leaves, datetime.now(UTC))
        # In the request's state too: an error is answered without this response (app/errors.py).
        request.state.promise = promised.signed(request.app.state.promise_key)
        response.headers[HEADER] = request.state.promise

    return Viewer(caller, actor, purpose, proof, promise)


def _refuse_other_times(proof: str) -> None:
    """Refuse what a wrong clock signed, before it is a look: the log could never show that the desk asked for it."""
    at = signed_at(proof)
    # half of what the log's readers allow: the look comes a moment later, and its event bears the database's time
    if at is not None and abs(at - datetime.now(UTC)) > CLOCKS_APART / 2:
        detail = "was signed minutes ago or ahead of time: set the clock of the machine that signs"
        raise InvalidInput(errors=[InputMistake(header="Vroegsein-Request-Proof", code="clock", detail=detail)])


async def _as_sent(request: Request) -> AsSent:
    body = await request.body() if request.method == "POST" else b""
    return AsSent(request.method, request.url.path, request.url.query, body, request.headers)


def require(scope: str) -> Any:  # noqa: ANN401 - FastAPI's marker has no public type
    """Mark a `Caller` argument: the token must hold `scope` (401 without a token, 403 without the scope)."""
    return Security(_calling, scopes=[scope])


def require_viewer(scope: str) -> Any:  # noqa: ANN401 - FastAPI's marker has no public type
    """Mark a `Viewer` argument: `scope` as in `require`, and the headers with actor and purpose (400 without)."""
    return Security(_viewing, scopes=[scope])


CreditorCaller = Annotated[Caller, require("deliveries:write")]
CreditorReader = Annotated[Caller, require("deliveries:read")]
FeedbackReader = Annotated[Caller, require("feedback:read")]
CreditorKeyFetcher = Annotated[Caller, require("keys:read")]
DebtHelpViewer = Annotated[Viewer, require_viewer("signals:read")]
CreditorObjector = Annotated[Caller, require("objections:write")]
CaseReader = Annotated[Viewer, require_viewer("cases:read")]
CaseWriter = Annotated[Viewer, require_viewer("cases:write")]
LinkReviewer = Annotated[Viewer, require_viewer("links:review")]
ConsentRecorder = Annotated[Viewer, require_viewer("consents:write")]
BasisChangeAsker = Annotated[Caller, require("basis-changes:read")]
ResidentAnswerer = Annotated[Viewer, require_viewer("residents:read")]
ResidentCorrector = Annotated[Viewer, require_viewer("residents:write")]
PilotPublisher = Annotated[Caller, require("pilots:write")]
PilotKeySender = Annotated[Caller, require("keys:write")]
KeyKeeper = Annotated[Viewer, require_viewer("keys:write")]
PrivacyOfficerViewer = Annotated[Viewer, require_viewer("log:read")]
LogEraser = Annotated[Viewer, require_viewer("log:erase")]
AccountGiver = Annotated[Viewer, require_viewer("records:read")]
CreditorsReader = Annotated[Caller, require("creditors:read")]
MonitorReader = Annotated[Caller, require("monitor:read")]
RulesViewer = Annotated[Viewer, require_viewer("rules:write")]
RulesCaller = Annotated[Caller, require("rules:write")]
LogWitness = Annotated[Caller, require("log:witness")]
OperatorCaller = Annotated[Caller, require("registry:read")]


async def accepts_our_answers(request: Request) -> None:
    """Refuse a request that accepts nothing of what the API answers in (406); for all routes."""
    accept = request.headers.get("accept", "*/*")
    ranges = [part.split(";") for part in accept.lower().split(",")]
    wanted = {kind.strip() for kind, *words in ranges if not any(word.replace(" ", "") == "q=0" for word in words)}
    if not wanted & {"*/*", "application/*", *ANSWERS}:
        raise NotAcceptable(f"Answers come as {' or '.join(ANSWERS)}: name one in the header Accept.")


def takes(*media_types: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency for routes that read the raw body: anything but `media_types` is refused (415)."""

    async def checked(request: Request) -> None:
        _refuse_other_bodies(request, media_types)

    return checked


async def takes_json_where_read(request: Request) -> None:
    """Refuse a body that is not JSON where the route reads JSON (415); for all routes."""
    if getattr(request.scope.get("route"), "body_field", None) is not None:
        _refuse_other_bodies(request, ("application/json",))


async def holds_no_nul(request: Request) -> None:
    """Refuse the character NUL in addresses and in JSON (400): PostgreSQL can't store it in text; for all routes."""
    mistakes = []
    if "%00" in str(request.url) or "\0" in request.url.path:
        mistakes.append(InputMistake(code="nul", detail="the address must hold no NUL character"))
    reads_json = getattr(request.scope.get("route"), "body_field", None) is not None
    body = await request.body() if reads_json else b""
    if b"\\u0000" in body or b"\0" in body:  # the second: JSON in UTF-16, which Python also reads, is full of them
        mistakes.append(InputMistake(pointer="", code="nul", detail="must hold no NUL character"))
    if mistakes:
        raise InvalidInput(errors=mistakes)


def _refuse_other_bodies(request: Request, media_types: tuple[str, ...]) -> None:
    empty = request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in media_types and (sent or not empty):
        raise UnsupportedMediaType(f"The body must be {' or '.join(media_types)}: say so in the header Content-Type.")


AnyCaller = Annotated[Caller, Security(_calling)]


def pools(request: Request) -> Sessions:
    """The database sessions of this running service."""
    found: Sessions = request.app.state.sessions
    return found


Pools = Annotated[Sessions, Depends(pools)]


def log_key(request: Request) -> dict[str, Any]:
    """The public half of the key that signs the log's checkpoints."""
    found: dict[str, Any] = request.app.state.log_key
    return found


LogKey = Annotated[dict[str, Any], Depends(log_key)]


async def raw_body(request: Request) -> bytes:
    """The body as it came, for routes that read it themselves; the route's size limit holds."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]
