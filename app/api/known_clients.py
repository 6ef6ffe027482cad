"""The knock-out list: who is in debt help already, as the municipality says. No creditor sees anything of it."""

import uuid
from datetime import date
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed
from app.api.deps import ConsentRecorder, Pools
from app.api.signals import look
from app.db.sessions import Login
from app.errors import problems
from app.gate import Gate, LookRefused
from signals.consents import KnownClientRemoval, KnownClients
from signals.report import Wire

router = APIRouter(tags=["known-clients"])
MOST = 200  # in a page, as the function has it

LIST = sa.text("SELECT client_id, until, recorded_on, sealed FROM gate.known_clients()")


class ListedClient(Wire):
    """An entry of the knock-out list; `sealed` opens at the municipality alone."""

    client_id: uuid.UUID
    until: date
    recorded_on: date
    sealed: str


class KnockOutList(Wire):
    """Entries of the knock-out list in the order of their ids, at most 200; `next` where more may follow."""

    clients: tuple[ListedClient, ...]
    next: uuid.UUID | None


@router.post("/known-clients", status_code=201, responses=NOTED | problems(LookRefused))
def push_known_clients(
    clients: KnownClients, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Put people on the knock-out list; the part of a list that says `complete` takes off all who are not on it."""
    return changed(pools, viewer, pilot_id, clients, response)


@router.post("/known-client-removals", status_code=201, responses=NOTED | problems(LookRefused))
def remove_known_client(
    removal: KnownClientRemoval, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Take somebody off the knock-out list; signals become as if that entry had never been there."""
    return changed(pools, viewer, pilot_id, removal, response)


@router.get("/known-clients", responses=problems(LookRefused))
def list_known_clients(
    pilot_id: PilotQuery,
    viewer: ConsentRecorder,
    pools: Pools,
    behind: Annotated[uuid.UUID | None, Query(description="`next` of the page before")] = None,
) -> KnockOutList:
    """The knock-out list, page by page; who it is opens at the municipality alone."""
    asks = {"ask": "known-client-list", "behind": str(behind) if behind else None}
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        rows = scope.connection.execute(LIST).mappings().all()
        scope.shown += [str(row["client_id"]) for row in rows]
    clients = tuple(ListedClient.model_validate(dict(row)) for row in rows)
    return KnockOutList(clients=clients, next=clients[-1].client_id if len(clients) == MOST else None)
