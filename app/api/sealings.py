"""What is sealed to a municipality and not part of a report: delivery keys, and who consented, said no or is listed.

A desk that replaces its key fetches all of it and puts it back, sealed anew. The service opens none of it.
"""

import base64
import uuid
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import Field

from app.api.basis_changes import PilotQuery
from app.api.deps import KeyKeeper, Pools
from app.api.signals import look
from app.db.sessions import Login
from app.errors import problems
from app.gate import Gate, LookRefused
from signals.report import Base64, Category, Wire

router = APIRouter(prefix="/sealings", tags=["sealings"])
PAGE = 200
BEGINNING = uuid.UUID(int=0)

LIST = sa.text("SELECT sealing_id, kind, sealed, category, manifest FROM gate.sealed_to_municipality(:behind, :limit)")
REPLACE = sa.text("SELECT gate.replace_sealed(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[]))")


class Sealing(Wire):
    """Something sealed to the municipality, and what opening it takes: a consent's category, a delivery's manifest."""

    sealing_id: uuid.UUID
    kind: Literal["delivery", "consent", "objection", "known-client"]
    sealed: Base64
    category: Category | None
    manifest: str | None


class Sealings(Wire):
    """A page of it, by id; `next` is null on the last page."""

    sealings: tuple[Sealing, ...]
    next: uuid.UUID | None


class NewSealing(Wire):
    """The same contents, sealed anew."""

    sealing_id: uuid.UUID
    sealed: Base64


class Replacement(Wire):
    """What takes the place of what stands."""

    sealings: Annotated[tuple[NewSealing, ...], Field(min_length=1, max_length=PAGE)]


class Replaced(Wire):
    """How many were replaced; ids that are not of this pilot, and another length, replace nothing."""

    replaced: int


@router.get("", responses=problems(LookRefused))
def list_sealings(
    pilot_id: PilotQuery,
    viewer: KeyKeeper,
    pools: Pools,
    behind: Annotated[uuid.UUID, Query(description="`next` of the page before")] = BEGINNING,
) -> Sealings:
    """A page of all that is sealed to the municipality beside reports, at most 200."""
    asks = {"ask": "sealings", "behind": str(behind)}
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        rows = scope.connection.execute(LIST, {"behind": behind, "limit": PAGE}).mappings().all()
        scope.shown += [str(row["sealing_id"]) for row in rows]
    page = tuple(Sealing.model_validate({**row, "sealed": base64.b64encode(row["sealed"]).decode()}) for row in rows)
    return Sealings(sealings=page, next=page[-1].sealing_id if len(page) == PAGE else None)


@router.put("", responses=problems(LookRefused))
def replace_sealings(replacement: Replacement, pilot_id: PilotQuery, viewer: KeyKeeper, pools: Pools) -> Replaced:
    """Put back what was sealed anew. Repeating it is safe."""
    new = {str(sealing.sealing_id): base64.b64decode(sealing.sealed) for sealing in replacement.sealings}
    asks = {"ask": "replace-sealings", "count": len(new)}
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        replaced = scope.connection.execute(REPLACE, {"ids": list(new), "sealed": list(new.values())}).scalar_one()
        scope.shown += list(new)
    return Replaced(replaced=replaced)
