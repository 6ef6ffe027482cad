"""Looks that were refused at the door: a known caller whose token does not allow them. The log tells of these too.

Who can't be told (no token, or none that is valid) is in no pilot's log, and a request with mistakes in it is no look.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.db.sessions import Login, Sessions
from app.identity.tokens import Caller
from privacy.request_proof import NAMED, asked, pilot_named

NOTE = sa.text("""
    SELECT privacy.note_refusal(:pilot, :organisation, :role, :actor, :purpose, :asks, 'scope-missing')
""").bindparams(sa.bindparam("asks", type_=JSONB))
SLUG = re.compile(r"[a-z0-9-]{1,63}")
ACTOR = re.compile(r"[0-9a-f]{16,64}")
PROOF = re.compile(r"[\w.-]{1,4000}", re.ASCII)
ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class AsSent:
    """A request as it came, before anything of it was checked."""

    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]


def note_refused(sessions: Sessions, caller: Caller, sent: AsSent) -> None:
    """Write the refusal into the log of the pilot that the request names; what is not in form is left out."""
    target = f"{sent.path}?{sent.query}"
    asks: dict[str, Any] | None = asked(sent.method, target)
    try:
        pilot = pilot_named(target, sent.body)
    except (ValueError, AttributeError, RecursionError):  # the body is no JSON, or no object
        return
    if asks is None or not SLUG.fullmatch(pilot):
        return
    for name in NAMED:
        if not ID.fullmatch(asks.get(name, "0" * 36)):
            del asks[name]
    asks["request"] = _in_form(PROOF, sent.headers.get("Vroegsein-Request-Proof", ""))
    values = {
        "pilot": pilot,
        "organisation": caller.organisation_id,
        "role": caller.role,
        "actor": _in_form(ACTOR, sent.headers.get("Vroegsein-Actor", "")),
        "purpose": _in_form(SLUG, sent.headers.get("Vroegsein-Purpose", "")),
        "asks": asks,
    }
    with sessions.begin(Login.OPENER) as opener:
        opener.execute(NOTE, values)


def _in_form(form: re.Pattern[str], value: str) -> str:
    return value if form.fullmatch(value) else ""
