"""`POST /v1/tokens`: one way in, and one answer for all that don't get in."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.tokens import ASSERTION_TYPE
from app.identity.roles import Role
from app.main import Service
from tests.callers import URL, At, Organisation, World, ask, forged, make_world, organisation

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def service(world: World) -> Service:
    return world.app()


@pytest.fixture
def creditor(world: World) -> Organisation:
    return world.register(organisation())


def form(who: Organisation, **changed: str | None) -> dict[str, str]:
    usual = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": who.assertion(),
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def test_a_registered_organisation_gets_a_token_of_its_role(
    service: Service, world: World, creditor: Organisation
) -> None:
    answer = ask(service, "POST", "/v1/tokens", data=form(creditor))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 300)
    assert told["scope"] == "deliveries:read deliveries:write feedback:read keys:read objections:write"
    assert world.identity.tokens.check(told["access_token"]).organisation_id == creditor.name


def test_less_than_the_role_allows_may_be_asked_for(service: Service, world: World, creditor: Organisation) -> None:
    told = ask(service, "POST", "/v1/tokens", data=form(creditor, scope="keys:read")).json()
    assert told["scope"] == "keys:read"
    assert world.identity.tokens.check(told["access_token"]).scopes == {"keys:read"}


@pytest.mark.parametrize("scope", ["signals:read", "deliveries:read log:read", "everything", "*"])
def test_more_than_the_role_allows_is_refused(service: Service, creditor: Organisation, scope: str) -> None:
    answer = ask(service, "POST", "/v1/tokens", data=form(creditor, scope=scope))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_every_bad_assertion_gets_the_same_answer(service: Service, world: World, creditor: Organisation) -> None:
    revoked = world.register(organisation("gestopt"), status="revoked")
    stranger = organisation("onbekend")
    used = creditor.assertion()
    ask(service, "POST", "/v1/tokens", data=form(creditor, client_assertion=used))
    bad = [
        used,
        stranger.assertion(),
        revoked.assertion(),
        creditor.assertion(aud="https://elsewhere.example"),
        creditor.assertion(exp=At(-60), iat=At(-120)),
        creditor.assertion(iat=At(100), exp=At(160)),
        creditor.assertion(jti=...),
        forged({"alg": "none", "kid": creditor.private["kid"]}, creditor.claims()),
        forged({"alg": "HS256", "kid": creditor.private["kid"]}, creditor.claims(), b"secret"),
        "nonsense",
    ]
    answers = [ask(service, "POST", "/v1/tokens", data=form(creditor, client_assertion=one)) for one in bad]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].json().items() >= {"type": "/problems/client-unproven", "error": "invalid_client"}.items()
    assert answers[0].json()["error_description"] == answers[0].json()["detail"]


def test_a_client_id_must_be_the_assertions_own(service: Service, creditor: Organisation) -> None:
    assert ask(service, "POST", "/v1/tokens", data=form(creditor, client_id=creditor.name)).status_code == 200
    other = ask(service, "POST", "/v1/tokens", data=form(creditor, client_id="another"))
    assert (other.status_code, other.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"client_assertion_type": "urn:other"}, "invalid_request"),
        ({"client_assertion_type": None}, "invalid_request"),
        ({"client_assertion": None}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"client_secret": "geheim"}, "invalid_request"),
    ],
)
def test_other_ways_in_are_closed(
    service: Service, creditor: Organisation, changed: dict[str, str | None], error: str
) -> None:
    answer = ask(service, "POST", "/v1/tokens", data=form(creditor, **changed))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_parameter_that_is_there_twice_is_refused(service: Service, creditor: Organisation) -> None:
    body = f"{urlencode(form(creditor))}&grant_type=client_credentials"
    answer = ask(service, "POST", "/v1/tokens", content=body, headers={"Content-Type": FORM})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_an_assertion_in_the_query_string_is_refused_and_not_used(
    service: Service, world: World, creditor: Organisation
) -> None:
    answer = ask(service, "POST", "/v1/tokens?scope=keys:read", data=form(creditor))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = ask(service, "POST", "/v1/tokens", params=form(creditor), headers={"Content-Type": FORM})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert world.ledger.used == {}


def test_two_ways_of_proving_oneself_at_once_are_refused(service: Service, creditor: Organisation) -> None:
    answer = ask(service, "POST", "/v1/tokens", data=form(creditor), headers={"Authorization": "Basic eDp5"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_form_that_is_json_or_too_large_is_refused(service: Service, creditor: Organisation) -> None:
    assert ask(service, "POST", "/v1/tokens", json=form(creditor)).status_code == 415
    assert ask(service, "POST", "/v1/tokens", data=form(creditor, scope="x" * 20_000)).status_code == 413


@given(body=st.binary(max_size=300))
def test_any_bytes_get_a_problem_and_no_token(body: bytes) -> None:
    answer = ask(make_world().app(), "POST", "/v1/tokens", content=body, headers={"Content-Type": FORM})
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")


def test_a_desk_and_a_privacy_officer_get_their_own(service: Service, world: World) -> None:
    officers = (
        "basis-changes:read creditors:read log:erase log:read log:witness monitor:read residents:read residents:write"
    )
    for role, scope in ((Role.PRIVACY_OFFICER, officers), (Role.OPERATOR, "registry:read")):
        who = world.register(organisation(f"een-{role}", role))
        assert ask(service, "POST", "/v1/tokens", data=form(who)).json()["scope"] == scope
    assert world.identity.assertions.token_url == f"{URL}/v1/tokens"
