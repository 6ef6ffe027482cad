"""`POST /v1/tokens`: an organisation proves itself by a signed assertion and gets an access token (RFC 6749, 7523)."""

from typing import Annotated, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from app.api.deps import identity, takes
from app.errors import problems
from app.identity.assertions import AssertionRefused
from app.identity.refusals import ClientUnproven, GrantUnsupported, ScopeNotForRole, TokenError
from app.identity.service import Identity
from app.identity.tokens import ScopeRefused

GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"

router = APIRouter(prefix="/tokens", tags=["tokens"])


class TokenAnswer(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token, not one
    expires_in: int
    scope: str


async def _form(request: Request) -> dict[str, str]:
    """The form's parameters, each once. Tokens and assertions in the query string are refused: logs keep those."""
    if request.url.query:
        raise TokenError("Send the parameters in the body: a query string ends up in logs.")
    if "authorization" in request.headers:
        raise TokenError("Prove yourself with client_assertion alone, without the header Authorization.")
    try:
        pairs = parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise TokenError("The body is not a form.") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise TokenError("A parameter is there twice.")
    return form


Form = Annotated[dict[str, str], Depends(_form)]

_SCHEMA = {
    "type": "object",
    "required": ["grant_type", "client_assertion_type", "client_assertion"],
    "properties": {
        "grant_type": {"type": "string", "enum": [GRANT]},
        "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
        "client_assertion": {
            "type": "string",
            "description": "JWT signed with the organisation's registered key (Ed25519 or ES256); iss and sub: the "
            "organisation, aud: the URL of this endpoint, exp: at most 5 minutes ahead, iat, jti: used once",
        },
        "scope": {"type": "string", "description": "Scopes with a space between; without it all of the key's role"},
    },
}


@router.post(
    "",
    dependencies=[Depends(takes(FORM))],
    max_body_size=16 * 1024,
    responses=problems(TokenError, ClientUnproven, GrantUnsupported, ScopeNotForRole),
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _SCHEMA}}}},
)
def request_token(form: Form, known: Annotated[Identity, Depends(identity)]) -> TokenAnswer:
    """Give an access token to the holder of a registered key."""
    if "client_secret" in form:
        raise TokenError("There are no client secrets here: prove yourself with client_assertion.")
    if "grant_type" not in form:
        raise TokenError("grant_type is required.")
    if form["grant_type"] != GRANT:
        raise GrantUnsupported(f"grant_type must be {GRANT}.")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise TokenError(f"client_assertion_type must be {ASSERTION_TYPE}, and client_assertion is required.")
    try:
        key = known.assertions.key_behind(form["client_assertion"])
        if form.get("client_id", key.organisation_id) != key.organisation_id:
            raise _unproven()
        token = known.tokens.issue(key, frozenset(form.get("scope", "").split()))
    except AssertionRefused:
        raise _unproven() from None
    except ScopeRefused:
        raise ScopeNotForRole("The key's role does not allow every scope that was asked for.") from None
    return TokenAnswer(
        access_token=token.text,
        expires_in=int(token.lifetime.total_seconds()),
        scope=" ".join(sorted(token.scopes)),
    )


def _unproven() -> ClientUnproven:
    """The same words whatever was wrong: which organisations and keys there are is nobody's to find out."""
    return ClientUnproven(
        "The assertion was refused. Look at the registered key, its organisation, the audience and this clock's time.",
        headers={"WWW-Authenticate": 'Bearer realm="vroegsein"'},
    )
