"""Changes of basis: left for the linker, which carries each out; the answer waits for it."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.dialects.postgresql import JSONB

from app.api.deps import BasisChangeAsker, Pools, Viewer
from app.api.signals import look
from app.basis import ChangeUnknown
from app.db.sessions import Login, Sessions
from app.errors import problems
from app.gate import Gate
from app.problems import InputMistake, InvalidInput
from app.publishing import PilotUnknown, newest_document, refuse_others
from app.waking import wake_linker
from signals.consents import DeskChange, Statement
from signals.report import Slug, Wire

router = APIRouter(prefix="/basis-changes", tags=["basis-changes"])
PilotQuery = Annotated[Slug, Query(alias="pilotId")]
WAIT_SECONDS = 8.0
TOLD = {
    "category",
    "objection",
    "list_id",
    "ground",
    "identity",
    "report",
    "wrong",
    "report_ids",
    "to_pilot",
    "answer",
    "why",
}  # what the access event says of a change


class BasisChange(Wire):
    """A change of basis: `done` once it holds for every read that starts from now on, else `waiting`."""

    change_id: uuid.UUID
    state: Literal["done", "waiting"]
    outcome: str | None


NOTED: dict[int | str, dict[str, Any]] = {202: {"description": "Noted, and not in force yet", "model": BasisChange}}

LEAVE = sa.text("SELECT gate.leave_change(:body)").bindparams(sa.bindparam("body", type_=JSONB))
STATE = sa.text("SELECT done, outcome FROM gate.change_state(:pilot, :change)")


@router.get("/{changeId}", responses=problems(PilotUnknown, ChangeUnknown))
def read_basis_change(
    change_id: Annotated[uuid.UUID, Path(alias="changeId")],
    pilot_id: PilotQuery,
    caller: BasisChangeAsker,
    pools: Pools,
) -> BasisChange:
    """Whether a change of basis holds by now. Says nothing about a resident."""
    with pools.begin(Login.OPENER) as connection:
        refuse_others(connection, caller.organisation_id, pilot_id)
    return _state(pools, pilot_id, change_id)


def changed(
    pools: Sessions,
    viewer: Viewer,
    pilot_id: str,
    change: DeskChange,
    response: Response,
    reports: Sequence[uuid.UUID] = (),
) -> BasisChange:
    """Leave a desk's change, inside an access event, and wait for it; the answer becomes a 202 when that takes long.

    `reports`: what the event names of reports, where the change itself says more of them.
    """
    change_id = uuid.uuid4()
    told = change.model_dump(mode="json", include=TOLD)
    if reports:
        told["reports"] = [str(report) for report in reports]
    with Gate(pools).open(
        look(viewer, pilot_id), {"ask": change.kind, "change": str(change_id), **told}, Login.RECORDER
    ) as scope:
        _refuse_other_epoch(pools, pilot_id, change)
        scope.connection.execute(LEAVE, {"body": change.model_dump(mode="json", by_alias=True)})
        wake_linker(scope.connection, pilot_id)
        scope.shown.append(str(change_id))
    return wait_for(lambda: _state(pools, pilot_id, change_id), response)


def _refuse_other_epoch(pools: Sessions, pilot_id: str, change: DeskChange) -> None:
    """Keys under a pilot key that was replaced meet nothing any more. Raises InvalidInput."""
    if not isinstance(change, Statement):
        return
    with pools.begin(Login.OPENER) as connection:
        document = newest_document(connection, pilot_id)
    if document is None or document.epoch != change.keys.epoch:
        detail = "must be of the newest pilot document's epoch: fetch it and make the keys anew"
        raise InvalidInput(errors=[InputMistake(pointer="/keys/epoch", code="other-epoch", detail=detail)])


def wait_for(ask: Callable[[], BasisChange], response: Response) -> BasisChange:
    """Ask until the change is done, for a few seconds; after those the answer is a 202."""
    until = time.monotonic() + WAIT_SECONDS
    while (found := ask()).state == "waiting":
        if time.monotonic() > until:
            response.status_code = 202
            break
        time.sleep(0.05)
    return found


def _state(pools: Sessions, pilot_id: str, change_id: uuid.UUID) -> BasisChange:
    with pools.begin(Login.RECORDER) as connection:
        row = connection.execute(STATE, {"pilot": pilot_id, "change": change_id}).one_or_none()
    if row is None:
        raise ChangeUnknown("there is no such change of basis in this pilot")
    return BasisChange(change_id=change_id, state="done" if row.done else "waiting", outcome=row.outcome)
