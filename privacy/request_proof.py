"""A desk's signature on each request that looks at something: the service can't invent a look in a desk's name.

It goes into the access event, so whoever reads the log sees which looks the municipality really asked for.
"""

import base64
import hashlib
import json
import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from privacy.signing import NotSigned, sign, verify

SIGNED_AS = "vroegsein/request/v1"
CLOCKS_APART = timedelta(minutes=10)
# Which request asks for what; a desk signs others too (it fetches documents), and none of those makes a look.
ASKS = {
    "worklist": "POST /v1/signals/_search",
    "signal": "GET /v1/signals/{signal}",
    "break-glass": "POST /v1/break-glasses",
    "log": "GET /v1/access-events",
    "consent": "POST /v1/consents",
    "refusal": "POST /v1/consent-refusals",
    "withdrawal": "POST /v1/consent-withdrawals",
    "objection": "POST /v1/objections",
    "decision": "POST /v1/objection-decisions",
    "objections": "GET /v1/objections",
    "log-erasure": "POST /v1/log-erasures",
    "known-clients": "POST /v1/known-clients",
    "known-client-removal": "POST /v1/known-client-removals",
    "known-client-list": "GET /v1/known-clients",
    "resident": "POST /v1/residents/_search",
    "erasure": "POST /v1/erasures",
    "rectification": "POST /v1/rectifications",
    "link-doubts": "GET /v1/link-doubts",
    "link-doubt": "GET /v1/link-doubts/{doubt}",
    "link-decision": "POST /v1/link-decisions",
    "cases": "GET /v1/cases",
    "case": "GET /v1/cases/{case}",
    "open-case": "POST /v1/cases",
    "case-entry": "POST /v1/cases/{case}/entries",
    "records": "GET /v1/records",
    "backtest": "POST /v1/backtests",
    "backtest-result": "GET /v1/backtests/{backtest}/result",
    "rule-set-proposal": "POST /v1/rule-set-proposals",
    "rule-set-shadow": "GET /v1/rule-set-proposals/{proposal}/months",
    "rule-set-activation": "POST /v1/rule-set-activations",
    "sealings": "GET /v1/sealings",
    "replace-sealings": "PUT /v1/sealings",
    "rekey": "GET /v1/rekeyings",
    "stage-rekeying": "POST /v1/rekeyings",
    "rekeying": "POST /v1/rekeying-completions",
    "keying": "POST /v1/keying-completions",
    "hand-over": "POST /v1/hand-overs",
}


NAMED = ("signal", "doubt", "case", "backtest", "proposal")  # in the paths above, and in the questions that the log has


def prove_request(
    private: dict[str, Any], method: str, target: str, body: bytes, viewer: dict[str, str], now: datetime
) -> str:
    """Sign one request: its method, target (path and query), the hash of its body, its pilot, who acts and why, when.

    `viewer`: `actor` and `purpose`, as in the headers. A random number makes each proof good for one look.
    """
    said = {
        **viewer,
        "method": method,
        "target": target,
        "pilot": pilot_named(target, body),
        "body": hashlib.sha256(body).hexdigest(),
        "at": now.isoformat(timespec="seconds"),
        "nonce": secrets.token_hex(16),
    }
    return sign(json.dumps(said, sort_keys=True, separators=(",", ":")).encode(), private, SIGNED_AS)


def signed_at(proof: str) -> datetime | None:
    """When a proof says that it was signed, unproven as yet; None where it does not say so readably."""
    try:
        payload = proof.split(".")[1]
        at = datetime.fromisoformat(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["at"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return at if at.tzinfo is not None else None


def asked(method: str, target: str) -> dict[str, str] | None:
    """The question that a request to `target` (path and query) asks, in the words of the log; None: it is no look."""
    said = f"{method} {urlsplit(target).path}"
    for ask, form in ASKS.items():
        if met := re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", form), said):
            return {"ask": ask, **met.groupdict()}
    return None


def looks_not_asked_for(events: list[dict[str, Any]], public: dict[str, Any], desk: str) -> list[int]:
    """The leaf index of every look that does not rest on a request of its own, signed by the desk's key `public`.

    A look is not proven when the signature is missing, another's, was used before, or is for another pilot, person,
    purpose, question, signal or moment than the event says. What was refused to an organisation other than `desk` is no
    look in its name.
    """
    used: set[str] = set()
    found = []
    for event in events:
        body = event["body"]
        if not body or event["kind"] not in {"access", "refusal", "break-glass"}:
            continue
        if event["kind"] == "refusal" and body.get("organisation") != desk:
            continue
        said = _said(body, public)
        if said is None or said["nonce"] in used:
            found.append(int(event["leafIndex"]))
        else:
            used.add(said["nonce"])
    return found


def _said(body: dict[str, Any], public: dict[str, Any]) -> dict[str, Any] | None:
    """What the desk signed, where it fits the event."""
    asks = body.get("asks") or {}
    try:
        said: dict[str, Any] = json.loads(verify(str(asks.get("request", "")), public, SIGNED_AS))
        apart = abs(datetime.fromisoformat(said["at"]) - datetime.fromisoformat(body["at"]))
        asked = ASKS[asks["ask"]].format_map({name: asks.get(name) for name in NAMED})
        fits = (
            all(said[name] == body[name] for name in ("pilot", "actor", "purpose"))
            and f"{said['method']} {urlsplit(said['target']).path}" == asked
            and apart <= CLOCKS_APART
            and bool(said["nonce"])
        )
    except (NotSigned, ValueError, KeyError, TypeError):
        return None
    return said if fits else None


def pilot_named(target: str, body: bytes) -> str:
    """The pilot that a request names: in its query, or in its body where it searches; "" where in neither."""
    if named := parse_qs(urlsplit(target).query).get("pilotId"):
        return named[0]
    return str(json.loads(body).get("pilotId", "")) if body else ""
