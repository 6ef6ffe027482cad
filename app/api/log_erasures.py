"""Erasing events of the log before their day, asked for by a privacy officer and signed by the desk."""

import time
import uuid
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.api.deps import LogEraser, Pools
from app.api.signals import look
from app.db.sessions import Login, Sessions
from app.errors import problems
from app.gate import Gate, LookRefused
from app.log_erasing import signed_by_one_of
from app.publishing import PilotUnknown, refuse_others, signing_keys
from app.waking import wake_linker
from privacy.log_erasures import Erasure
from privacy.signing import NotSigned
from signals.report import Slug, Wire

router = APIRouter(tags=["access-events"])
WAIT_SECONDS = 8.0

ASK = sa.text("SELECT gate.ask_erasure(:signed)")
OUTCOME = sa.text("SELECT privacy.erasure_outcome(:pilot, :erasure)")


class ErasureAsked(Wire):
    """Which events are to go, as the desk signed it (JWS, typ vroegsein/log-erasure/v1)."""

    erasure: Annotated[str, Field(max_length=20_000)]


class LogErasure(Wire):
    """An erasure from the log: `done` once the contents of its events are gone, else `waiting`."""

    erasure_id: uuid.UUID
    state: Literal["done", "waiting"]
    outcome: str | None


NOTED: dict[int | str, dict[str, Any]] = {202: {"description": "Noted, and not carried out yet", "model": LogErasure}}


@router.post("/log-erasures", status_code=201, responses=NOTED | problems(LookRefused, PilotUnknown, NotSigned))
def erase_events(
    asked: ErasureAsked,
    pilot_id: Annotated[Slug, Query(alias="pilotId")],
    viewer: LogEraser,
    pools: Pools,
    response: Response,
) -> LogErasure:
    """Erase the contents of events before their day. Their leaves stay, and so does the event that tells of it."""
    erasure = _checked(pools, viewer.caller.organisation_id, pilot_id, asked.erasure)
    erasure_id = uuid.uuid4()
    asks = {"ask": "log-erasure", "erasure": str(erasure_id), "leaves": list(erasure.leaves)}
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        scope.connection.execute(ASK, {"signed": asked.erasure})
        wake_linker(scope.connection, pilot_id)
    until = time.monotonic() + WAIT_SECONDS
    while (outcome := _outcome(pools, pilot_id, erasure_id)) is None:
        if time.monotonic() > until:
            response.status_code = 202
            break
        time.sleep(0.1)
    return LogErasure(erasure_id=erasure_id, state="done" if outcome else "waiting", outcome=outcome)


def _checked(pools: Sessions, municipality: str, pilot: str, signed: str) -> Erasure:
    with pools.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot)
        erasure = signed_by_one_of(signing_keys(connection, municipality), pilot, signed)
    if erasure is None:
        raise NotSigned("not an erasure that a registered key of this municipality signed for this pilot")
    return erasure


def _outcome(pools: Sessions, pilot: str, erasure: uuid.UUID) -> str | None:
    with pools.begin(Login.OPENER) as connection:
        found: str | None = connection.execute(OUTCOME, {"pilot": pilot, "erasure": erasure}).scalar_one()
    return found
