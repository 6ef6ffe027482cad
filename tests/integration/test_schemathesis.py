"""Requests made up from the description of the API, good and bad: whatever comes, the answer is one it promises."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    CoveragePhaseConfig,
    FuzzingPhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import registry
from app.db.passfiles import OWNER
from app.db.sessions import SERVING, Sessions, make_engine
from app.identity.roles import SCOPES, Role
from app.main import Service, create_app
from privacy.signing import new_signing_key, public_jwk
from tests.budget import examples
from tests.callers import URL, VIEWER, World, ask, bearer, make_world
from tests.conftest import Database

EXAMPLES = examples(12)  # of random content for each operation, beside those for each border of its schema
CONFIG = SchemathesisConfig(
    seed=1,
    projects=ProjectsConfig(
        default=ProjectConfig(
            generation=GenerationConfig(max_examples=EXAMPLES, with_security_parameters=False, deterministic=True),
            phases=PhasesConfig(
                coverage=CoveragePhaseConfig(unexpected_methods={"delete"}), fuzzing=FuzzingPhaseConfig(enabled=True)
            ),
        )
    ),
)


@schemathesis.serializer("application/x-ndjson")
def _lines(_context: object, made_up: object) -> bytes:
    """Whatever was made up for the lines of a part, as bytes."""
    return made_up if isinstance(made_up, bytes) else json.dumps(made_up).encode()


ROOT = Path(__file__).parents[2]
EXAMPLE = [ROOT / "signals" / "data" / "default.yaml", *sorted((ROOT / "examples" / "registry").glob("*.yaml"))]
ORGANISATION = {
    Role.CREDITOR: "woonstichting",
    Role.DEBT_HELP: "gemeente-waterbeek",
    Role.PRIVACY_OFFICER: "gemeente-waterbeek",
    Role.OPERATOR: "operator",
}
PURPOSE = {Role.DEBT_HELP: "offer-help", Role.PRIVACY_OFFICER: "audit"}
SLUG = re.compile(r"[a-z][a-z0-9-]{1,62}\Z")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def service(world: World, module_database: Database) -> Iterator[Service]:
    engine = make_engine(module_database.conninfo(OWNER), pool_size=1)
    with engine.begin() as connection:
        registry.carry_out(connection, registry.plan(connection, EXAMPLE))
    engine.dispose()
    app = world.app()
    app.state.promise_key = new_signing_key()
    app.state.log_key = public_jwk(app.state.promise_key)
    app.state.sessions = Sessions(lambda login: module_database.conninfo(login.value), SERVING)
    with pytest.MonkeyPatch.context() as patched:
        for module in ("basis_changes", "access_events", "log_erasures"):
            patched.setattr(f"app.api.{module}.WAIT_SECONDS", 0)  # no linker runs here that could be waited for
        yield app
    app.state.sessions.close()


requests = schemathesis.openapi.from_dict(create_app().openapi(), config=CONFIG)


def role_for(operation: dict[str, Any]) -> Role | None:
    """The role whose tokens get into an operation; None where no token is needed."""
    wanted = [set(needs["ClientCredentials"]) for needs in operation.get("security", [])]
    return next((role for role in Role if wanted and wanted[0] <= SCOPES[role]), None)


def _name_the_real_pilot(part: Any) -> None:
    """A made-up name that could be a pilot's becomes that of one that runs: otherwise nothing gets past the gate."""
    if isinstance(part, dict) and isinstance(part.get("pilotId"), str) and SLUG.match(part["pilotId"]):
        part["pilotId"] = "waterbeek"


def _name_a_real_purpose(headers: Any, role: Role | None) -> None:
    if role in PURPOSE and headers and SLUG.match(headers.get("Vroegsein-Purpose") or ""):
        headers["Vroegsein-Purpose"] = PURPOSE[role]


@requests.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_description_promises(
    case: schemathesis.Case[Any], service: Service, world: World
) -> None:
    role = role_for(case.operation.definition.raw)
    for part in (case.query, case.path_parameters, case.body):
        _name_the_real_pilot(part)
    _name_a_real_purpose(case.headers, role)
    answer = case.call_and_validate(
        base_url=f"{URL}/v1",
        app=service,
        headers=bearer(world.token(role, ORGANISATION[role])) if role else None,
        checks=[
            not_a_server_error,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
            *([status_code_conformance] if case.method.lower() != "delete" else []),
        ],
    )
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["type"].startswith("/problems/")
        assert problem["title"]
        assert problem["detail"]


def test_no_operation_but_health_and_tokens_answers_without_a_token(service: Service, world: World) -> None:
    for path, item in service.openapi()["paths"].items():
        for method, operation in item.items():
            wrong = next(role for role in Role if role is not role_for(operation))
            at = "/v1" + re.sub(r"\{.*?\}", "00000000-0000-4000-8000-000000000000", path)
            if "security" in operation:
                assert ask(service, method, at, headers=VIEWER).status_code == 401, (method, path)
                if operation["security"][0]["ClientCredentials"]:
                    answer = ask(service, method, at, headers={**bearer(world.token(wrong)), **VIEWER})
                    assert answer.status_code == 403, (method, path)
