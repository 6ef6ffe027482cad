"""Problem documents (RFC 9457): how every error of the API looks on the wire, and the errors that the edge makes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


class InputMistake(BaseModel):
    """One thing wrong with the input: where it stands (one of the three) and what is expected; never what was sent."""

    model_config = ConfigDict(frozen=True)

    pointer: str | None = Field(None, description="Place in the body (JSON Pointer, RFC 6901)")
    parameter: str | None = Field(None, description="Name of a query, path or form parameter")
    header: str | None = Field(None, description="Name of a header")
    code: str = Field(description="Kind of mistake, the same for the same rule", examples=["missing"])
    detail: str = Field(description="What is expected", examples=["is required"])


class Problem(BaseModel):
    """What went wrong, as RFC 9457 words it."""

    type: str = Field(description="`/problems/` and the error's code", examples=["/problems/not-found"])
    title: str = Field(description="The kind of problem; the same words each time")
    status: int = Field(ge=400, le=599, description="The HTTP status of this answer")
    detail: str = Field(description="What happened this time and what to do about it")
    instance: str | None = Field(
        None, description="Names this occurrence, for whoever looks it up in the service's log"
    )
    errors: list[InputMistake] | None = Field(None, description="All mistakes in the input at once")


class AppError(Exception):
    """The edge refuses a request. Subclasses name a public `code`; their docstring opens with the problem's title."""

    code: ClassVar[str]

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[InputMistake] = (),
        headers: Mapping[str, str] | None = None,
        extension: Mapping[str, str] | None = None,
    ) -> None:
        """Say what happened.

        Args:
            detail: a sentence for the caller; without one the title is repeated.
            errors: the mistakes in the input, all of them.
            headers: headers that the answer needs (`WWW-Authenticate`, `Retry-After`).
            extension: further members of the problem document, such as OAuth's `error`.
        """
        super().__init__(detail)
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extension = dict(extension or {})


class InvalidInput(AppError):
    """The request has mistakes in it."""

    code = "invalid-input"


class NotAuthenticated(AppError):
    """Who is calling is not known."""

    code = "not-authenticated"


class ScopeMissing(AppError):
    """The access token does not allow this."""

    code = "scope-missing"


class NotAcceptable(AppError):
    """The answer has no form that the request accepts."""

    code = "not-acceptable"


class UnsupportedMediaType(AppError):
    """The body is of a kind that is not read here."""

    code = "unsupported-media-type"


def title_of(error: type[Exception]) -> str:
    """The first line of the error's docstring, as the title of its problems."""
    return (error.__doc__ or error.__name__).strip().splitlines()[0]


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    instance: str | None = None,
    errors: Sequence[InputMistake] = (),
    headers: Mapping[str, str] | None = None,
    extension: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Write a problem document as an answer. `detail` goes out as it stands: nothing of a person may be in it."""
    document = Problem(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=detail or title,
        instance=instance,
        errors=list(errors) or None,
    )
    content: dict[str, Any] = {**document.model_dump(exclude_none=True), **(extension or {})}
    return JSONResponse(content, status, dict(headers or {}), media_type=MEDIA_TYPE)


PLAIN: dict[int, tuple[str, str, str]] = {
    400: ("unreadable-request", "The request can't be read.", "Look at the form of the body."),
    404: ("not-found", "There is nothing at this address.", "Look at the path: addresses end without a slash."),
    405: ("method-not-allowed", "This method is not for this address.", "The header Allow names the methods."),
    413: ("body-too-large", "The body is too large.", "Send it in smaller parts."),
    500: ("internal-error", "Something went wrong in the service.", "Name the instance when you ask about it."),
    503: ("unavailable", "The service can't answer now.", "Try again in a moment."),
}


def plain_problem(
    status: int, *, headers: Mapping[str, str] | None = None, instance: str | None = None
) -> JSONResponse:
    """The problem for a bare status, in constant words: for errors that come without words of ours."""
    phrase = HTTPStatus(status).phrase
    code, title, detail = PLAIN.get(status, (phrase.lower().replace(" ", "-").replace("'", ""), f"{phrase}.", ""))
    return problem_response(status, code, title, detail, headers=headers, instance=instance)
