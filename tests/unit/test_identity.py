"""Telling callers apart: what proves an organisation, what does not, and what its access token is good for."""

import json
import logging
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from app.identity.assertions import AssertionRefused, Refusal
from app.identity.roles import MEANING, SCOPES, Role
from app.identity.tokens import AccessTokens, ScopeRefused, TokenRefused
from privacy.signing import new_signing_key
from tests.callers import (
    TOKEN_URL,
    URL,
    At,
    Organisation,
    World,
    forged,
    make_world,
    organisation,
)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def creditor(world: World) -> Organisation:
    return world.register(organisation())


def jwt_claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def refusal(world: World, assertion: str) -> Refusal:
    with pytest.raises(AssertionRefused) as caught:
        world.identity.assertions.key_behind(assertion)
    return caught.value.reason


# --- assertions


def test_a_registered_key_proves_its_organisation(world: World, creditor: Organisation) -> None:
    assert world.identity.assertions.key_behind(creditor.assertion()) == creditor.registered


def test_an_elliptic_curve_key_proves_its_organisation_too(world: World) -> None:
    key = ECKey.generate_key("P-256", private=True)
    who = world.register(Organisation("nutsbedrijf", Role.CREDITOR, {**key.as_dict(private=True), "kid": "ec-1"}))
    assert world.identity.assertions.key_behind(who.assertion()).organisation_id == "nutsbedrijf"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": "https://elsewhere.example/v1/tokens"}, Refusal.AUDIENCE),
        ({"aud": URL}, Refusal.AUDIENCE),
        ({"aud": [TOKEN_URL, "https://elsewhere.example"]}, Refusal.AUDIENCE),
        ({"aud": ...}, Refusal.AUDIENCE),
        ({"exp": At(-40), "iat": At(-100)}, Refusal.EXPIRED),
        ({"exp": At(400)}, Refusal.TOO_FAR_AHEAD),
        ({"exp": ...}, Refusal.TIMES),
        ({"exp": "soon"}, Refusal.TIMES),
        ({"exp": True}, Refusal.TIMES),
        ({"exp": 1e300}, Refusal.TIMES),
        ({"exp": float("nan")}, Refusal.TIMES),
        ({"iat": ...}, Refusal.TIMES),
        ({"iat": At(-3600)}, Refusal.TIMES),
        ({"iat": At(50), "exp": At(60)}, Refusal.NOT_YET_VALID),
        ({"nbf": At(50)}, Refusal.NOT_YET_VALID),
        ({"nbf": "now"}, Refusal.TIMES),
        ({"jti": ...}, Refusal.JTI),
        ({"jti": "short"}, Refusal.JTI),
        ({"jti": 12345678901234567890}, Refusal.JTI),
        ({"sub": "somebody-else"}, Refusal.NAMES_NOBODY),
        ({"iss": "somebody-else"}, Refusal.NAMES_NOBODY),
        ({"iss": "some\0body", "sub": "some\0body"}, Refusal.NAMES_NOBODY),
        ({"iss": 7, "sub": 7}, Refusal.NAMES_NOBODY),
        ({"iss": "unknown-one", "sub": "unknown-one"}, Refusal.UNKNOWN_KEY),
    ],
)
def test_claims_that_are_not_right_prove_nothing(
    world: World, creditor: Organisation, changed: dict[str, Any], reason: Refusal
) -> None:
    assert refusal(world, creditor.assertion(**changed)) is reason


def test_clocks_may_be_half_a_minute_apart(world: World, creditor: Organisation) -> None:
    world.identity.assertions.key_behind(creditor.assertion(iat=At(25), exp=At(85), nbf=At(25)))
    world.identity.assertions.key_behind(creditor.assertion(iat=At(-80), exp=At(-20)))


def test_an_assertion_works_once(world: World, creditor: Organisation) -> None:
    assertion = creditor.assertion()
    world.identity.assertions.key_behind(assertion)
    assert refusal(world, assertion) is Refusal.REPLAYED
    assert refusal(world, creditor.assertion(jti=jwt_claims(assertion)["jti"])) is Refusal.REPLAYED


def test_a_used_jti_is_remembered_for_as_long_as_it_could_be_accepted(world: World, creditor: Organisation) -> None:
    assertion = creditor.assertion(exp=At(100))
    world.identity.assertions.key_behind(assertion)
    assert list(world.ledger.used.values()) == [datetime.fromtimestamp(jwt_claims(assertion)["exp"] + 30, UTC)]


def test_another_key_proves_nothing_and_uses_up_no_jti(world: World, creditor: Organisation) -> None:
    other = OKPKey.import_key(new_signing_key())
    assert refusal(world, creditor.assertion(key=other)) is Refusal.SIGNATURE
    assert world.ledger.used == {}


def test_a_key_that_travels_along_is_not_trusted(world: World, creditor: Organisation) -> None:
    other = OKPKey.import_key(new_signing_key())
    assertion = creditor.assertion(header={"jwk": other.as_dict(private=False)}, key=other)
    assert refusal(world, assertion) is Refusal.SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS256", "EdDSA", "Ed448", None, 7])
def test_other_algorithms_are_refused_before_anything_is_looked_up(
    world: World, creditor: Organisation, algorithm: object
) -> None:
    world.registry.keys.clear()
    header = {"alg": algorithm, "kid": creditor.private["kid"]}
    assert refusal(world, forged(header, creditor.claims())) is Refusal.ALGORITHM


def test_the_public_key_is_no_hmac_secret(world: World, creditor: Organisation) -> None:
    public = OKPKey.import_key(creditor.private).as_pem(private=False)
    for algorithm in ("HS256", "Ed25519"):
        header = {"alg": algorithm, "kid": creditor.private["kid"]}
        assert refusal(world, forged(header, creditor.claims(), public)) in (Refusal.ALGORITHM, Refusal.SIGNATURE)


def test_the_algorithm_must_be_the_registered_keys_own(world: World, creditor: Organisation) -> None:
    other = ECKey.generate_key("P-256", private=True)
    assertion = creditor.assertion(header={"alg": "ES256"}, key=other)
    assert refusal(world, assertion) is Refusal.ALGORITHM


@pytest.mark.parametrize("kid", ["another-key", "../keys", "", None])
def test_an_unknown_key_is_refused(world: World, creditor: Organisation, kid: object) -> None:
    token = forged({"alg": "Ed25519", "kid": kid}, creditor.claims())
    assert refusal(world, token) in (Refusal.UNKNOWN_KEY, Refusal.NAMES_NOBODY)


def test_a_revoked_key_is_refused(world: World) -> None:
    who = world.register(organisation(), status="revoked")
    assert refusal(world, who.assertion()) is Refusal.REVOKED_KEY


def test_another_organisations_key_proves_nothing(world: World, creditor: Organisation) -> None:
    other = world.register(organisation("waterleiding"))
    assert refusal(world, other.assertion(iss=creditor.name, sub=creditor.name)) is Refusal.UNKNOWN_KEY


@given(st.one_of(st.text(), st.from_regex(r"\A[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\Z")))
def test_nonsense_is_refused_and_nothing_else_happens(nonsense: str) -> None:
    world = make_world()
    assert refusal(world, nonsense) in (Refusal.UNREADABLE, Refusal.ALGORITHM)


@pytest.mark.parametrize("header", [["alg"], "alg", {"alg": "Ed25519", "crit": ["exp"], "kid": "k"}, 3, None])
@pytest.mark.parametrize("claims", [[], "iss", None, 1])
def test_json_of_another_form_is_refused(world: World, header: Any, claims: Any) -> None:
    assert refusal(world, forged(header, claims)) is Refusal.UNREADABLE


@given(data=st.data())
def test_one_changed_character_proves_nothing(data: st.DataObject) -> None:
    world = make_world()
    assertion = world.register(organisation()).assertion()
    place = data.draw(st.integers(0, len(assertion) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.").filter(lambda letter: letter != assertion[place]))
    with pytest.raises(AssertionRefused):
        world.identity.assertions.key_behind(assertion[:place] + other + assertion[place + 1 :])
    assert world.ledger.used == {}


def test_the_log_says_why_and_names_only_registered_organisations(
    world: World, creditor: Organisation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vroegsein")
    refusal(world, creditor.assertion(exp=At(-40), iat=At(-100)))
    refusal(world, creditor.assertion(iss="jan-jansen", sub="jan-jansen"))
    assert [record.getMessage() for record in caplog.records] == [
        "assertion refused: reason=expired organisation=woonstad",
        "assertion refused: reason=unknown-key organisation=-",
    ]


# --- access tokens


def tokens(key: OKPKey | None = None, url: str = URL, now: Callable[[], datetime] | None = None) -> AccessTokens:
    made = key or OKPKey.import_key(new_signing_key())
    return AccessTokens(url, made, timedelta(minutes=5), now or (lambda: datetime.now(UTC)))


def test_a_token_says_who_may_do_what_where_and_how_long() -> None:
    known = tokens()
    issued = known.issue(organisation().registered)
    claims = jwt_claims(issued.text)
    assert (
        claims.items()
        >= {
            "iss": URL,
            "aud": f"{URL}/v1",
            "sub": "woonstad",
            "azp": "woonstad",
            "client_id": "woonstad",
            "role": "creditor",
            "scope": "deliveries:read deliveries:write feedback:read keys:read objections:write",
        }.items()
    )
    assert claims["exp"] - claims["iat"] == 300
    assert issued.text not in repr(issued)
    caller = known.check(issued.text)
    assert (caller.organisation_id, caller.role, caller.scopes) == ("woonstad", Role.CREDITOR, SCOPES[Role.CREDITOR])
    assert caller.token_id == claims["jti"]


def test_no_two_tokens_have_the_same_id() -> None:
    known, key = tokens(), organisation().registered
    assert known.check(known.issue(key).text).token_id != known.check(known.issue(key).text).token_id


@given(role=st.sampled_from(Role), wanted=st.frozensets(st.sampled_from(sorted(MEANING))))
def test_a_key_gets_exactly_the_scopes_of_its_role(role: Role, wanted: frozenset[str]) -> None:
    known, key = tokens(), organisation(role=role).registered
    if wanted <= SCOPES[role]:
        assert known.check(known.issue(key, wanted).text).scopes == (wanted or SCOPES[role])
    else:
        with pytest.raises(ScopeRefused):
            known.issue(key, wanted)


def test_every_scope_belongs_to_a_role_and_is_explained() -> None:
    assert {scope for scopes in SCOPES.values() for scope in scopes} == MEANING.keys()


def test_a_token_ends() -> None:
    key = OKPKey.import_key(new_signing_key())
    text = tokens(key).issue(organisation().registered).text
    later = datetime.now(UTC) + timedelta(minutes=5)
    tokens(key, now=lambda: later - timedelta(seconds=2)).check(text)
    with pytest.raises(TokenRefused):
        tokens(key, now=lambda: later).check(text)
    with pytest.raises(TokenRefused):
        tokens(key, now=lambda: later - timedelta(minutes=6)).check(text)


def test_a_token_of_another_key_or_service_is_refused() -> None:
    key = OKPKey.import_key(new_signing_key())
    text = tokens(key).issue(organisation().registered).text
    for other in (tokens(), tokens(key, url="https://other.example")):
        with pytest.raises(TokenRefused):
            other.check(text)


@pytest.mark.parametrize("changed", [{"aud": "https://other.example/v1"}, {"iss": "https://other.example"}])
def test_a_jwt_of_the_same_key_for_elsewhere_is_no_token(changed: dict[str, str]) -> None:
    key = OKPKey.import_key(new_signing_key())
    known = tokens(key)
    claims = {**jwt_claims(known.issue(organisation().registered).text), **changed}
    header = {"alg": "Ed25519", "kid": key.thumbprint(), "typ": "at+jwt"}
    with pytest.raises(TokenRefused):
        known.check(jwt.encode(header, claims, key, algorithms=["Ed25519"]))


@pytest.mark.parametrize("kind", ["JWT", "jwt", None])
def test_a_jwt_of_another_sort_is_no_token(kind: str | None) -> None:
    key = OKPKey.import_key(new_signing_key())
    known = tokens(key)
    claims = jwt_claims(known.issue(organisation().registered).text)
    header = {"alg": "Ed25519", "kid": key.thumbprint(), **({"typ": kind} if kind else {})}
    with pytest.raises(TokenRefused):
        known.check(jwt.encode(header, claims, key, algorithms=["Ed25519"], default_type=None))


def test_a_token_without_signature_or_with_an_hmac_is_refused() -> None:
    key = OKPKey.import_key(new_signing_key())
    known = tokens(key)
    claims = jwt_claims(known.issue(organisation().registered).text)
    for algorithm, secret in (("none", None), ("HS256", key.as_pem(private=False)), ("Ed25519", b"x")):
        header = {"alg": algorithm, "kid": key.thumbprint(), "typ": "at+jwt"}
        with pytest.raises(TokenRefused):
            known.check(forged(header, claims, secret))


def test_an_assertion_is_no_token(world: World, creditor: Organisation) -> None:
    with pytest.raises(TokenRefused):
        world.identity.tokens.check(creditor.assertion())


@given(st.text())
def test_nonsense_is_no_token(nonsense: str) -> None:
    with pytest.raises(TokenRefused):
        tokens().check(nonsense)
