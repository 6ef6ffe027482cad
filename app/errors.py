"""The only table from error class to HTTP status, and how errors become problem documents."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.basis import ChangeUnknown
from app.cases import CaseChanged, IfMatchMissing
from app.gate import LookRefused, NotInScope
from app.identity.refusals import ClientUnproven, GrantUnsupported, ScopeNotForRole, TokenError
from app.input_mistakes import mistakes_in
from app.intake import DeliveryUnknown
from app.intake_rules import DeliveryRefused
from app.part_reading import PartUnreadable
from app.problems import (
    MEDIA_TYPE,
    InvalidInput,
    NotAcceptable,
    NotAuthenticated,
    ScopeMissing,
    UnsupportedMediaType,
    plain_problem,
    problem_response,
    title_of,
)
from app.proposing import ProposalUnknown, SamePerson
from app.proving import NotInLog
from app.publishing import CreditorUnknown, PilotUnknown, VersionTaken
from privacy.checkpoints import CheckpointRefused
from privacy.hybrid import NotForThisKey
from privacy.notices import NoticeRefused
from privacy.pilot_document import UntrustedDocument
from privacy.promises import HEADER, Unpromised
from privacy.receipts import ReceiptRefused
from privacy.report_proof import ProofRefused
from privacy.sealing import AlteredReport
from privacy.signing import NotSigned
from signals.cases import IllegalEntry

STATUS: dict[type[Exception], int] = {
    # who calls
    NotAuthenticated: 401,
    ScopeMissing: 403,
    TokenError: 400,
    ClientUnproven: 401,
    GrantUnsupported: 400,
    ScopeNotForRole: 400,
    # what they sent
    InvalidInput: 400,
    NotAcceptable: 406,
    UnsupportedMediaType: 415,
    NotSigned: 400,
    UntrustedDocument: 400,
    # deliveries
    DeliveryRefused: 409,
    DeliveryUnknown: 404,
    PartUnreadable: 400,
    # pilot documents
    PilotUnknown: 404,
    CreditorUnknown: 404,
    VersionTaken: 409,
    ProposalUnknown: 404,
    SamePerson: 403,
    # the log
    NotInLog: 404,
    CheckpointRefused: 400,
    # changes of basis
    ChangeUnknown: 404,
    # cases
    IllegalEntry: 409,
    CaseChanged: 412,
    IfMatchMissing: 428,
    # looks
    NotInScope: 404,
    LookRefused: 403,
}

# Raised where contents are opened, which is never here: one that gets to the edge is a fault of ours, a bare 500.
NEVER_HERE: frozenset[type[Exception]] = frozenset(
    {AlteredReport, NoticeRefused, NotForThisKey, ProofRefused, ReceiptRefused, Unpromised}
)


def handle_errors(app: FastAPI) -> None:
    """Make every expected error of `app` leave as a problem document; app/last_net.py takes the others."""
    for error in STATUS:
        app.add_exception_handler(error, _expected)
    app.add_exception_handler(RequestValidationError, _invalid_input)
    app.add_exception_handler(HTTPException, _bare_status)


def problems(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that can raise `errors`: one row per status, which names them."""
    rows: dict[int, list[str]] = {}
    for error in errors:
        rows.setdefault(STATUS[error], []).append(f"`{error.code}`: {title_of(error)}")  # type: ignore[attr-defined]  # every class in the table has one, tests say
    return {status: described(status, lines) for status, lines in rows.items()}


def described(status: int, lines: list[str]) -> dict[str, Any]:
    """One row of an operation's answers: a problem document for `status`, with a line per code."""
    schema = {"$ref": "#/components/schemas/Problem"}
    text = "\n\n".join(lines) or HTTPStatus(status).phrase
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}


async def _expected(request: Request, error: Exception) -> Response:
    rule = getattr(error, "rule", None)
    promise = getattr(request.state, "promise", None)
    return problem_response(
        STATUS[type(error)],
        error.code,  # type: ignore[attr-defined]  # every class in the table has one, tests say
        title_of(type(error)),
        str(error),
        errors=getattr(error, "errors", ()),
        headers={**(getattr(error, "headers", None) or {}), **({HEADER: promise} if promise else {})},
        extension={**getattr(error, "extension", {}), **({"rule": rule} if rule else {})},
    )


async def _invalid_input(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    mistakes = mistakes_in(error.errors())
    detail = f"{len(mistakes)} {'mistake' if len(mistakes) == 1 else 'mistakes'}: `errors` says where and what."
    return problem_response(400, InvalidInput.code, title_of(InvalidInput), detail, errors=mistakes)


async def _bare_status(_request: Request, error: Exception) -> Response:
    """An error of the framework: its own words are left out, they may quote what was sent."""
    assert isinstance(error, HTTPException)
    return plain_problem(error.status_code, headers=error.headers)
