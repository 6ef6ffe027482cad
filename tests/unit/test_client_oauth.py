"""The client's side of logging in: a fresh token on each request, and words that help when there is none."""

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey

from app.identity.roles import Role
from app.identity.tokens import AccessTokens
from client.oauth import LoginRefused, ServiceLogin
from privacy.signing import new_signing_key
from tests.callers import URL, VIEWER, Organisation, World, ask, make_world, organisation
from tests.unit.test_errors import probe


class Line:
    """A synchronous client whose requests reach a service in this process; counts what it carries."""

    def __init__(self, world: World) -> None:
        self.app = world.app()
        self.app.include_router(probe, prefix="/v1")
        self.paths: list[str] = []
        self.change: dict[str, str] = {}

    def _carry(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        assert "timeout" in request.extensions
        content = request.read()
        answer = ask(self.app, request.method, str(request.url), content=content, headers=request.headers)
        return httpx.Response(answer.status_code, headers={**answer.headers, **self.change}, content=answer.content)

    def client(self, who: Organisation, **how: Any) -> httpx.Client:
        login = ServiceLogin(URL, who.name, who.private, **how)
        return httpx.Client(base_url=f"{URL}/v1", auth=login, transport=httpx.MockTransport(self._carry))


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def line(world: World) -> Line:
    return Line(world)


def test_every_request_carries_a_token_and_one_token_serves_many(world: World, line: Line) -> None:
    with line.client(world.register(organisation())) as client:
        assert [client.get("/probes/creditor").json() for _ in range(3)] == ["woonstad"] * 3
    assert line.paths == ["/v1/tokens", *["/v1/probes/creditor"] * 3]


def test_an_elliptic_curve_key_logs_in_too(world: World, line: Line) -> None:
    key = ECKey.generate_key("P-256", private=True)
    who = Organisation("nutsbedrijf", Role.CREDITOR, {**key.as_dict(private=True), "kid": key.thumbprint()})
    with line.client(world.register(who)) as client:
        assert client.get("/probes/creditor").json() == "nutsbedrijf"


def test_other_kinds_of_key_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        ServiceLogin(URL, "woonstad", {"kty": "oct", "k": "c2VjcmV0", "kid": "x"})


def test_a_token_is_renewed_before_it_ends(world: World, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("client.oauth.time.monotonic", lambda: now[0])
    with line.client(world.register(organisation())) as client:
        client.get("/probes/creditor")
        now[0] += 269
        client.get("/probes/creditor")
        assert line.paths.count("/v1/tokens") == 1
        now[0] += 2
        client.get("/probes/creditor")
        assert line.paths.count("/v1/tokens") == 2


def test_a_service_with_a_new_key_is_asked_for_a_new_token_once(world: World, line: Line) -> None:
    with line.client(world.register(organisation("desk", Role.DEBT_HELP))) as client:
        assert client.post("/probes/viewer", json=3, headers=VIEWER).status_code == 200
        key = OKPKey.import_key(new_signing_key())
        fresh = AccessTokens(URL, key, timedelta(minutes=5))
        object.__setattr__(world.identity, "tokens", fresh)
        assert client.post("/probes/viewer", json=4, headers=VIEWER).status_code == 200
        assert line.paths.count("/v1/tokens") == 2


def test_a_scope_that_is_missing_is_not_asked_for_again_and_again(world: World, line: Line) -> None:
    with line.client(world.register(organisation()), scope="keys:read") as client:
        assert client.get("/probes/creditor").status_code == 403
    assert line.paths.count("/v1/tokens") == 1


def test_a_refusal_names_organisation_and_key_and_shows_neither_key_nor_assertion(world: World, line: Line) -> None:
    who = organisation()
    with line.client(who) as client, pytest.raises(LoginRefused) as caught:
        client.get("/probes/creditor")
    said = str(caught.value)
    assert f"registered it for {who.name}" in said
    assert who.private["kid"] in said
    assert who.private["d"] not in said
    assert "eyJ" not in said
    assert "clock" not in said.splitlines()[-1]


@pytest.mark.parametrize(("offset", "words"), [(-420, "4[12]. seconds ahead"), (420, "4[12]. seconds behind")])
def test_a_clock_that_is_off_is_named(world: World, line: Line, offset: int, words: str) -> None:
    line.change = {"Date": format_datetime(datetime.now(UTC) + timedelta(seconds=offset), usegmt=True)}
    with line.client(organisation()) as client, pytest.raises(LoginRefused, match=words):
        client.get("/probes/creditor")


def test_what_is_not_json_is_a_refusal_too() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(502, text="<html>"))
    who = organisation()
    with (
        httpx.Client(auth=ServiceLogin(URL, who.name, who.private), transport=transport) as client,
        pytest.raises(LoginRefused, match="502"),
    ):
        client.get(URL)


def test_no_two_assertions_are_alike_and_a_login_shows_no_key() -> None:
    who = organisation()
    login = ServiceLogin(URL, who.name, who.private)
    assert login.assertion() != login.assertion()
    assert who.private["d"] not in repr(login)


def test_threads_share_one_token(world: World, line: Line) -> None:
    with line.client(world.register(organisation())) as client:
        threads = [threading.Thread(target=client.get, args=("/probes/creditor",)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert line.paths.count("/v1/tokens") == 1


def test_an_asynchronous_client_is_refused_rather_than_served_without_a_token() -> None:
    who = organisation()
    with pytest.raises(NotImplementedError):
        ServiceLogin(URL, who.name, who.private).async_auth_flow(httpx.Request("GET", URL))
