"""The access log, for a privacy officer: who looked, for whom, why, at what. Reading it is itself an event in it."""

import time
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from app import looking
from app.api.deps import Pools, PrivacyOfficerViewer
from app.api.signals import look
from app.db.sessions import Login
from app.errors import problems
from app.gate import Gate, LookRefused
from signals.report import Hex32, Slug, Wire

router = APIRouter(prefix="/access-events", tags=["access-events"])
WAIT_SECONDS = 3.0  # less than an access event lasts


class LoggedEvent(Wire):
    """One leaf of the tree and, until the end of its term, the event and salt that it commits to."""

    leaf_index: int
    kind: str
    keep_until: date
    commitment: Hex32
    leaf_hash: Hex32
    salt: Hex32 | None
    body: dict[str, Any] | None


class TreeHead(Wire):
    """The tree as it stands: how many leaves, which root (RFC 6962)."""

    tree_size: int
    root: Hex32
    sealed_at: datetime


class LogPage(Wire):
    """Events in the order of the tree; `next` is the `after` of the following page, null on the last one."""

    events: tuple[LoggedEvent, ...]
    head: TreeHead | None
    next: int | None


@router.get("", responses=problems(LookRefused))
def list_access_events(
    pilot_id: Annotated[Slug, Query(alias="pilotId")],
    viewer: PrivacyOfficerViewer,
    pools: Pools,
    after: Annotated[int, Query(ge=-1, le=2**53, description="Leaf behind which to start")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> LogPage:
    """A page of the pilot's log, from the oldest event on; the last page goes up to this very look."""
    with Gate(pools).open(
        look(viewer, pilot_id), {"ask": "log", "after": after, "limit": limit}, Login.AUDITOR
    ) as scope:
        rows, head = looking.log_page(scope)
        until = time.monotonic() + WAIT_SECONDS
        while len(rows) < limit and not (head and head["holds_this_look"]) and time.monotonic() < until:
            time.sleep(0.1)
            rows, head = looking.log_page(scope)
        if rows:
            scope.shown.append(f"{rows[0]['leaf_index']}-{rows[-1]['leaf_index']}")
    events = tuple(LoggedEvent.model_validate(dict(row)) for row in rows)
    last = events[-1].leaf_index if len(events) == limit else None
    return LogPage(events=events, head=_head(dict(head)) if head else None, next=last)


def _head(row: dict[str, Any]) -> TreeHead:
    return TreeHead(tree_size=row["tree_size"], root=row["root"], sealed_at=row["sealed_at"])
