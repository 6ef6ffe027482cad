"""Every error leaves as a problem document in constant words, and none of them tells what was sent or what broke."""

import asyncio
import logging
import pkgutil
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from pydantic_core import PydanticCustomError

import app as app_package
import privacy
import signals
from app.api.deps import CreditorCaller, DebtHelpViewer, PrivacyOfficerViewer, takes
from app.errors import NEVER_HERE, STATUS, problems
from app.identity.roles import Role
from app.input_mistakes import mistakes_in
from app.last_net import where
from app.main import Service
from app.problems import AppError, title_of
from app.security_headers import HEADERS
from privacy.errors import PrivacyError
from signals.errors import SignalsError
from signals.report import Report, Wire
from tests.callers import VIEWER, World, ask, bearer, make_world

SECRET = "Jansen-van-Waterbeek"
probe = APIRouter(prefix="/probes")


class Sample(Wire):
    name: Annotated[str, Field(pattern="^[a-z]+$")]
    how_many: Annotated[int, Field(ge=1, le=9)]


@probe.post("/_search")
def search(sample: Sample, page_size: Annotated[int, Query(alias="pageSize", ge=1)] = 1) -> Sample:
    return sample


@probe.get("/broken")
def broken() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


@probe.get("/half")
def half() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        yield b"1\n"
        raise RuntimeError(SECRET)

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@probe.put("/raw", dependencies=[Depends(takes("application/x-ndjson"))], max_body_size=2_000_000)
async def raw(request: Request) -> int:
    return sum([len(piece) async for piece in request.stream()])


@probe.put("/unread")
async def unread() -> int:
    return 1


@probe.get("/creditor")
def for_creditors(caller: CreditorCaller) -> str:
    return caller.organisation_id


@probe.post("/viewer")
def for_desks(viewer: DebtHelpViewer, number: Annotated[int, Body(ge=3)] = 3) -> list[str]:
    return [viewer.caller.organisation_id, viewer.actor, viewer.purpose]


@probe.get("/log")
def for_privacy_officers(viewer: PrivacyOfficerViewer) -> str:
    return viewer.purpose


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def service(world: World) -> Service:
    app = world.app()
    app.include_router(probe, prefix="/v1")
    return app


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of `answer`, checked for what every one of them has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert HEADERS.items() <= {name: answer.headers.get(name) for name in HEADERS}.items()
    assert answer.headers["api-version"]
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert SECRET not in answer.text
    return document


# --- the table


def every(base: type[Exception]) -> Iterator[type[Exception]]:
    for error in base.__subclasses__():
        yield error
        yield from every(error)


def test_every_error_that_a_caller_may_see_has_a_status_a_code_and_a_title() -> None:
    for package in (app_package, privacy, signals):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    found = [
        error
        for base in (AppError, PrivacyError, SignalsError)
        for error in every(base)
        if error.__module__.split(".")[0] in ("app", "privacy", "signals")  # a desk's own errors reach no caller
    ]
    assert len(found) > 10
    unplaced = [error.__name__ for error in found if (error in STATUS) == (error in NEVER_HERE)]
    assert unplaced == [], "put these in STATUS (app/errors.py) or, if they can't get to a route, in NEVER_HERE"
    codes = [error.__dict__["code"] for error in found]
    assert len(set(codes)) == len(codes)
    for error in found:
        assert error.__dict__["code"] == error.__dict__["code"].lower().replace("_", "-").replace(" ", "-")
        assert title_of(error).endswith((".", ":")) or title_of(error)[0].isupper()


def test_each_expected_error_leaves_with_its_status_and_words() -> None:
    thrower = APIRouter()

    @thrower.get("/thrown/{index}")
    def throw(index: int) -> None:
        kind = list(STATUS)[index]
        error = kind.__new__(kind)
        error.args = ("what to do next",)
        raise error

    service = make_world().app()
    service.include_router(thrower)
    for index, (kind, status) in enumerate(STATUS.items()):
        document = problem(ask(service, "GET", f"/thrown/{index}"), status, kind.code)  # type: ignore[attr-defined]  # all have one
        assert (document["title"], document["detail"]) == (title_of(kind), "what to do next")


def test_the_answers_of_a_route_name_its_errors_by_status() -> None:
    rows = problems(*STATUS)
    assert set(rows) == set(STATUS.values())
    for kind, status in STATUS.items():
        assert f"`{kind.code}`" in rows[status]["description"]  # type: ignore[attr-defined]  # all have one


# --- input


def test_all_mistakes_are_told_at_once_with_their_places_and_without_what_was_sent(service: Service) -> None:
    sent = {"name": SECRET, "howMany": 77, "jansen": 1, SECRET: 1}
    document = problem(ask(service, "POST", f"/v1/probes/_search?pageSize={SECRET}", json=sent), 400, "invalid-input")
    assert sorted(document["errors"], key=str) == sorted(
        [
            {"parameter": "pageSize", "code": "int-parsing", "detail": "must be a whole number"},
            {"pointer": "/name", "code": "string-pattern-mismatch", "detail": "must match ^[a-z]+$"},
            {"pointer": "/howMany", "code": "less-than-equal", "detail": "must be at most 9"},
            *[{"pointer": "", "code": "extra-forbidden", "detail": "has a member that is not known here"}] * 2,
        ],
        key=str,
    )


MARKED = st.recursive(
    st.sampled_from([SECRET, f"2026-02-{SECRET}", 10**30, -1, 0.5, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([SECRET, "keys", "weak"]), inner),
    max_leaves=6,
)


@given(
    sent=st.dictionaries(st.sampled_from(["reference", "kind", "socialCollection", "keys", "urgent", SECRET]), MARKED)
)
def test_no_mistake_in_a_report_quotes_it(sent: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        Report.model_validate(sent)
    findings = caught.value.errors()  # type: ignore[attr-defined]  # pydantic's own subclass of ValueError
    told = [mistake.model_dump_json() for mistake in mistakes_in(findings)]
    assert len(told) == len(findings)
    assert not any(SECRET in mistake for mistake in told)


def test_a_mistake_that_a_validator_words_itself_is_told_in_its_words() -> None:
    error = PydanticCustomError("before-the-start", "must not lie before the start")
    finding = {"type": error.type, "loc": ("body", "day"), "msg": error.message(), "input": SECRET}
    assert [mistake.detail for mistake in mistakes_in([finding])] == ["must not lie before the start"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"name": "' + SECRET.encode(), "invalid-input"),
        (b"", "invalid-input"),
        (b"[" * 100_000, "unreadable-request"),
        (b'"\xff"', "unreadable-request"),
        (b"9" * 10_000, "unreadable-request"),
        (b"null", "invalid-input"),
    ],
)
def test_a_body_that_is_not_json_is_400(service: Service, body: bytes, code: str) -> None:
    answer = ask(service, "POST", "/v1/probes/_search", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_a_body_of_another_kind_is_415(service: Service, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    sent = ask(service, "POST", "/v1/probes/_search", content=b'{"name": "a", "howMany": 1}', headers=headers)
    problem(sent, 415, "unsupported-media-type")
    raw_sent = ask(service, "PUT", "/v1/probes/raw", content=b"{}\n", headers={"Content-Type": "application/json"})
    problem(raw_sent, 415, "unsupported-media-type")


def test_json_may_name_its_charset(service: Service) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    sent = ask(service, "POST", "/v1/probes/_search", content=b'{"name": "a", "howMany": 1}', headers=headers)
    assert sent.status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("text/html, application/*;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0, text/csv", 406),
        (SECRET, 406),
    ],
)
def test_an_answer_that_is_not_acceptable_is_406(service: Service, accept: str, status: int) -> None:
    answer = ask(service, "GET", "/v1/health", headers={"Accept": accept})
    if status == 406:
        problem(answer, 406, "not-acceptable")
    assert answer.status_code == status


# --- addresses


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/health/", "/v1/nothing", "/v2/health", f"/v1/{SECRET}", "//"]
)
def test_an_unknown_address_and_a_trailing_slash_are_404(service: Service, path: str) -> None:
    problem(ask(service, "GET", path), 404, "not-found")


def test_another_method_is_405_and_names_those_that_there_are(service: Service) -> None:
    answer = ask(service, "DELETE", "/v1/health")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


# --- size


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 10_000):
        yield b"1" * 10_000


@pytest.mark.parametrize("path", ["raw", "unread"])
def test_a_body_that_says_it_is_too_large_is_413(service: Service, path: str) -> None:
    answer = ask(
        service,
        "PUT",
        f"/v1/probes/{path}",
        content=b"1" * 2_000_001,
        headers={"Content-Type": "application/x-ndjson"},
    )
    problem(answer, 413, "body-too-large")


def test_a_body_that_does_not_say_its_size_is_counted_as_it_comes(service: Service) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    fits = ask(service, "PUT", "/v1/probes/raw", content=_in_pieces(1_990_000), headers=headers)
    assert fits.json() == 1_990_000  # more than the default, less than this route's own limit
    problem(
        ask(service, "PUT", "/v1/probes/raw", content=_in_pieces(2_010_000), headers=headers), 413, "body-too-large"
    )
    headers = {"Content-Type": "application/json"}
    answer = ask(service, "POST", "/v1/probes/_search", content=_in_pieces(1_100_000), headers=headers)
    problem(answer, 413, "body-too-large")


# --- what nobody expected


def test_a_fault_is_a_bare_500_and_the_log_holds_its_id_and_place_but_nothing_that_was_sent(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    document = problem(ask(service, "GET", f"/v1/probes/broken?name={SECRET}"), 500, "internal-error")
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    said = record.getMessage()
    assert document["instance"].removeprefix("urn:uuid:") in said
    assert "builtins.RuntimeError at " in said
    assert " broken < " in said
    assert " | from builtins.ValueError at " in said
    assert SECRET not in caplog.text


def test_a_fault_half_way_does_not_pass_for_a_whole_answer(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()  # a caller that stays on the line and sends nothing more
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/probes/half", "headers": [], "query_string": b""}
    asyncio.run(service({**scope, "http_version": "1.1", "scheme": "http", "server": ("x", 1)}, receive, send))
    bodies = [message for message in sent if message["type"] == "http.response.body"]
    assert [(message["body"], message["more_body"]) for message in bodies] == [(b"1\n", True)]
    assert SECRET not in caplog.text


def test_a_group_of_faults_is_named_one_by_one() -> None:
    group = ExceptionGroup(SECRET, [ValueError(SECRET), KeyError(SECRET)])
    assert where(group).count("builtins.") == 3
    assert SECRET not in where(group)


# --- who calls


def test_without_a_token_nobody_gets_in(service: Service) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}):
        answer = ask(service, "GET", "/v1/probes/creditor", headers=headers)
        problem(answer, 401, "not-authenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_bad_token_is_401_and_says_so(service: Service) -> None:
    answer = ask(service, "GET", "/v1/probes/creditor", headers=bearer(SECRET))
    problem(answer, 401, "not-authenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_in_the_query_string_is_not_looked_at(service: Service, world: World) -> None:
    token = world.token(Role.CREDITOR)
    problem(ask(service, "GET", f"/v1/probes/creditor?access_token={token}"), 401, "not-authenticated")


def test_two_tokens_are_none(service: Service, world: World) -> None:
    lines = [("Authorization", f"Bearer {world.token(role)}") for role in (Role.CREDITOR, Role.OPERATOR)]
    problem(ask(service, "GET", "/v1/probes/creditor", headers=lines), 401, "not-authenticated")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "creditor", Role.CREDITOR),
        ("POST", "viewer", Role.DEBT_HELP),
        ("GET", "log", Role.PRIVACY_OFFICER),
    ],
)
def test_each_role_gets_to_its_own_and_no_further(
    service: Service, world: World, role: Role, method: str, path: str, allowed: Role
) -> None:
    answer = ask(service, method, f"/v1/probes/{path}", headers={**bearer(world.token(role)), **VIEWER})
    if role is allowed:
        assert answer.status_code == 200
    else:
        problem(answer, 403, "scope-missing")
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_desk_names_who_looks_and_why(service: Service, world: World) -> None:
    headers = {**bearer(world.token(Role.DEBT_HELP, "waterbeek")), **VIEWER}
    answer = ask(service, "POST", "/v1/probes/viewer", headers=headers)
    assert answer.json() == ["waterbeek", "0123456789abcdef", "offer-help"]


def test_a_look_without_person_or_purpose_is_refused_with_the_other_mistakes(service: Service, world: World) -> None:
    headers = {**bearer(world.token(Role.DEBT_HELP)), "Vroegsein-Actor": SECRET}
    answer = ask(service, "POST", "/v1/probes/viewer", headers=headers, json=1)
    document = problem(answer, 400, "invalid-input")
    assert document["errors"] == [
        {"header": "Vroegsein-Actor", "code": "string-pattern-mismatch", "detail": "must match ^[0-9a-f]{16,64}$"},
        {"header": "Vroegsein-Purpose", "code": "missing", "detail": "is required"},
        {"header": "Vroegsein-Request-Proof", "code": "missing", "detail": "is required"},
        {"pointer": "", "code": "greater-than-equal", "detail": "must be at least 3"},
    ]


@pytest.mark.parametrize(
    "actor", ["", "0123456789abcde", "0123456789ABCDEF", "0" * 65, "0123456789abcdef\n", "jan jansen"]
)
def test_a_person_is_a_pseudonym_and_nothing_else(service: Service, world: World, actor: str) -> None:
    headers = [*bearer(world.token(Role.DEBT_HELP)).items(), ("Vroegsein-Purpose", "offer-help")]
    answer = ask(service, "POST", "/v1/probes/viewer", headers=[*headers, ("Vroegsein-Actor", actor)])
    assert problem(answer, 400, "invalid-input")["errors"][0]["header"] == "Vroegsein-Actor"


def test_two_persons_at_once_are_refused(service: Service, world: World) -> None:
    headers = [*{**bearer(world.token(Role.DEBT_HELP)), **VIEWER}.items(), ("Vroegsein-Actor", "f" * 16)]
    document = problem(ask(service, "POST", "/v1/probes/viewer", headers=headers), 400, "invalid-input")
    assert document["errors"] == [{"header": "Vroegsein-Actor", "code": "repeated", "detail": "is there twice"}]


def test_who_looks_is_not_asked_before_who_calls_is_known(service: Service) -> None:
    problem(ask(service, "POST", "/v1/probes/viewer", json=1), 401, "not-authenticated")


@pytest.mark.parametrize(
    ("path", "body"), [("_search", '"\\u0000"'), ("_search?pageSize=%00", "1"), ("creditor?name=a%00", ""), ("%00", "")]
)
def test_nul_is_refused_before_the_database_sees_it(service: Service, world: World, path: str, body: str) -> None:
    method = "POST" if body else "GET"
    headers = {"Content-Type": "application/json", **bearer(world.token(Role.CREDITOR))} if body else {}
    answer = ask(service, method, f"/v1/probes/{path}", content=body, headers=headers)
    if path == "%00":
        problem(answer, 404, "not-found")
    else:
        assert {"code": "nul"}.items() <= problem(answer, 400, "invalid-input")["errors"][0].items()


def test_json_in_another_encoding_than_utf_8_is_refused(service: Service) -> None:
    body = '{"name": "a", "howMany": 1}'.encode("utf-16")
    answer = ask(service, "POST", "/v1/probes/_search", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 400, "invalid-input")
