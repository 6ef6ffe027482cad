"""The description of the API (OpenAPI 3.1): made from the routes alone, without settings, keys, database or network."""

from functools import cache
from importlib.metadata import version as package_version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.errors import described, problems
from app.problems import InvalidInput, NotAcceptable, NotAuthenticated, Problem, ScopeMissing, UnsupportedMediaType
from privacy.promises import HEADER as PROMISE

BASE = "/v1"
LOOKED = ("200", "201", "202", "403", "404", "409", "412")  # what a look, or a refused one, is answered with
Operation = dict[str, Any]
CONTACT = {
    "name": "The Vroegsein developers",
    "url": "https://vroegsein.example/contact",
    "email": "vroegsein@vroegsein.example",
}
DESCRIPTION = """Early warning of payment arrears. Creditors send pseudonymised reports, sealed for the municipality;
the service combines them into signals; a municipality reads and opens its own, and every look is logged.

Callers are organisations: they prove themselves at `/tokens` with a signed assertion and send the access token along.
Errors are problem documents (RFC 9457), with all mistakes in the input at once."""


@cache
def version() -> str:
    """The version of the API, which is the package's: major.minor.patch."""
    return package_version("vroegsein")


def describe(app: FastAPI, server: str = "") -> dict[str, Any]:
    """Describe the routes of `app`, as they are reached at `server` (scheme and host; "" for wherever it was read).

    What holds for every operation is added here, so that no route can forget it: the version header, the problems that
    the edge makes, and 400 where the framework says 422.
    """
    document = get_openapi(
        title="Vroegsein",
        version=version(),
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        servers=[{"url": f"{server}{BASE}"}],
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
    )
    document["info"]["contact"] = CONTACT  # FastAPI's own way asks for a package that checks e-mail addresses
    document["paths"] = {path.removeprefix(BASE): item for path, item in document["paths"].items()}
    for item in document["paths"].values():
        for method, operation in item.items():
            _complete(operation, method)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    components["headers"] = {
        "API-Version": {
            "description": "Version of the API that answered",
            "schema": {"type": "string", "examples": [version()]},
        },
        PROMISE: {
            "description": "The log's promise to tell of this look, signed (JWS, typ vroegsein/promise/v1); on a"
            " refusal where there is a log to tell it in",
            "schema": {"type": "string"},
        },
    }
    return document


def _complete(operation: Operation, method: str) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    body = "requestBody" in operation
    if body or method in ("post", "put", "patch") or operation.get("parameters"):
        _add(answers, problems(InvalidInput))
    if "security" in operation:
        _add(answers, problems(NotAuthenticated, ScopeMissing))
    if body:
        _add(answers, problems(UnsupportedMediaType))
        _add(answers, {413: described(413, ["`body-too-large`: The body is too large."])})
    _add(answers, problems(NotAcceptable))
    for answer in answers.values():
        answer.setdefault("headers", {})["API-Version"] = {"$ref": "#/components/headers/API-Version"}
    if any(parameter["name"] == "Vroegsein-Request-Proof" for parameter in operation.get("parameters", [])):
        for status in {*LOOKED} & {*answers}:
            answers[status]["headers"][PROMISE] = {"$ref": f"#/components/headers/{PROMISE}"}
    operation["responses"] = dict(sorted(answers.items()))


def _add(answers: dict[str, Any], rows: dict[int | str, dict[str, Any]]) -> None:
    for status, row in rows.items():
        known = answers.setdefault(str(status), row)
        if known is not row:
            known["description"] = f"{known['description']}\n\n{row['description']}"
