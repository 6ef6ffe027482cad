"""A look is proven by a request of its own, and by no other that the desk signed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.main import create_app
from privacy.request_proof import ASKS, asked, looks_not_asked_for, prove_request, signed_at
from privacy.signing import new_signing_key, public_jwk

KEY, OTHER = new_signing_key(), new_signing_key()
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
VIEWER = {"actor": "ab" * 8, "purpose": "worklist"}
SIGNAL = "1a2b3c4d-0000-4000-8000-000000000000"
SEARCH = json.dumps({"pilotId": "aland", "limit": 50}).encode()


def proof(method: str = "POST", target: str = "/v1/signals/_search", body: bytes = SEARCH, **changed: Any) -> str:
    key, now = changed.pop("key", KEY), changed.pop("now", NOW)
    return prove_request(key, method, target, body, {**VIEWER, **changed}, now)


def event(request: str, index: int = 0, *, ask: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    asks = {**(ask or {"ask": "worklist", "limit": 50}), "request": request}
    body = {**VIEWER, "organisation": "town-a", "pilot": "aland", "at": NOW.isoformat(), "asks": asks, **changed}
    return {"leafIndex": index, "kind": "access", "body": body}


def not_asked_for(*events: dict[str, Any]) -> list[int]:
    return looks_not_asked_for(list(events), public_jwk(KEY), "town-a")


def test_a_look_on_its_own_request_is_proven() -> None:
    of_signal = proof("GET", f"/v1/signals/{SIGNAL}?pilotId=aland", b"")
    assert not_asked_for(event(proof()), event(of_signal, 1, ask={"ask": "signal", "signal": SIGNAL})) == []


@pytest.mark.parametrize(
    "request_made",
    [
        "",
        "e30.e30.e30",
        proof(key=OTHER),
        proof(actor="cd" * 8),
        proof(purpose="offer-help"),
        proof(body=SEARCH.replace(b"aland", b"bland")),
        proof(body=b""),
        proof("GET", "/v1/pilots/aland/documents/newest", b""),
        proof("GET", f"/v1/signals/{SIGNAL}?pilotId=aland", b""),
        proof(now=NOW - timedelta(minutes=11)),
    ],
    ids=[
        *("none", "no signature", "another key", "another person", "another purpose", "another pilot", "no pilot"),
        *("a document fetched", "one signal", "another moment"),
    ],
)
def test_another_request_makes_no_look(request_made: str) -> None:
    assert not_asked_for(event(request_made, 7)) == [7]


def test_a_request_for_one_signal_opens_no_other() -> None:
    made = proof("GET", f"/v1/signals/{SIGNAL}?pilotId=aland", b"")
    other = {"ask": "signal", "signal": SIGNAL.replace("1a2b", "ffff")}
    assert not_asked_for(event(made, 3, ask=other)) == [3]


def test_when_a_proof_says_that_it_was_signed_is_read_without_a_key_or_not_at_all() -> None:
    assert signed_at(proof()) == NOW
    for unreadable in (
        "",
        "e30.e30.e30",
        "a.b",
        "e30.!.e30",
        "e30.eyJhdCI6MX0.e30",
        "e30.eyJhdCI6IjIwMjYtMTEtMDEifQ.e30",
    ):
        assert signed_at(unreadable) is None


def test_a_request_is_good_for_one_look() -> None:
    made = proof()
    assert not_asked_for(event(made, 0), event(made, 1)) == [1]


def test_every_operation_that_wants_a_proof_is_known_by_its_question() -> None:
    wanting = {
        f"{method.upper()} /v1{path}".replace("{signalId}", "{signal}")
        .replace("{doubtId}", "{doubt}")
        .replace("{backtestId}", "{backtest}")
        .replace("{proposalId}", "{proposal}")
        for path, item in create_app().openapi()["paths"].items()
        for method, operation in item.items()
        if any(parameter["name"] == "Vroegsein-Request-Proof" for parameter in operation.get("parameters", []))
    }
    assert wanting == set(ASKS.values())


def test_what_is_no_look_or_is_past_its_term_needs_no_request() -> None:
    delivery = {"leafIndex": 0, "kind": "delivery", "body": {"pilot": "aland"}}
    assert not_asked_for(delivery, {"leafIndex": 1, "kind": "access", "body": None}) == []


def test_a_request_is_known_by_what_it_asks_and_one_that_is_no_look_by_nothing() -> None:
    assert asked("POST", "/v1/signals/_search") == {"ask": "worklist"}
    assert asked("GET", f"/v1/signals/{SIGNAL}?pilotId=aland") == {"ask": "signal", "signal": SIGNAL}
    for method, target in (
        ("GET", "/v1/signals/_search/x"),
        ("GET", "/v1/checkpoints/newest"),
        ("PUT", "/v1/consents"),
    ):
        assert asked(method, target) is None


def test_what_was_refused_to_somebody_else_is_no_look_in_this_desks_name() -> None:
    refused = {**event("", organisation="housing"), "kind": "refusal"}
    own = {**event("", 1), "kind": "refusal"}
    assert not_asked_for(refused, own, event("", 2, organisation="housing")) == [1, 2]
