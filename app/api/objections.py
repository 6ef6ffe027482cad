"""Objections of residents: recorded and decided at a desk, or passed on by the creditor that received one."""

import uuid
from datetime import date
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from sqlalchemy.dialects.postgresql import JSONB

from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed, wait_for
from app.api.deps import ConsentRecorder, CreditorObjector, Pools
from app.api.signals import look
from app.db.sessions import Login, Sessions
from app.errors import problems
from app.gate import Gate, LookRefused
from app.intake import as_creditor
from app.intake_rules import DeliveryRefused, refuse_strangers
from app.waking import wake_linker
from signals.consents import ContractEndings, ContractObjection, Decision, Objection
from signals.report import Category, Slug, Wire

router = APIRouter(tags=["objections"])

LEAVE = sa.text("""
    INSERT INTO privacy.basis_change (pilot_id, change_id, kind, body, creditor_id)
    VALUES (:pilot, :change, :kind, :body, :creditor)
""").bindparams(sa.bindparam("body", type_=JSONB))
DONE = sa.text("""
    SELECT done_at IS NOT NULL FROM privacy.basis_change
    WHERE pilot_id = :pilot AND change_id = :change AND creditor_id = :creditor
""")
LIST = sa.text("SELECT * FROM gate.objections()")


class RecordedObjection(Wire):
    """A no that a resident said: no category or creditor means all; `sealed` opens at the municipality alone."""

    objection_id: uuid.UUID
    kind: Literal["refusal", "withdrawal", "objection", "erasure", "rectification"]
    state: Literal["pending", "stands", "dismissed"]
    category: Category | None
    creditor_id: Slug | None
    since: date
    decided_on: date | None
    sealed: str | None


class Objections(Wire):
    """What residents said no to, oldest first, at most 500."""

    objections: tuple[RecordedObjection, ...]


@router.post("/objections", status_code=201, responses=NOTED | problems(LookRefused))
def record_objection(
    objection: Objection, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Record an objection (art. 21 GDPR): all of the resident's reports are paused until a person decides."""
    return changed(pools, viewer, pilot_id, objection, response)


@router.post("/objection-decisions", status_code=201, responses=NOTED | problems(LookRefused))
def decide_objection(
    decision: Decision, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Decide about an objection: upheld, the reports are shut out for good; dismissed, they come back."""
    return changed(pools, viewer, pilot_id, decision, response)


@router.get("/objections", responses=problems(LookRefused))
def list_objections(
    pilot_id: PilotQuery,
    viewer: ConsentRecorder,
    pools: Pools,
    state: Annotated[Literal["pending", "stands", "dismissed"], Query()] = "pending",
) -> Objections:
    """The objections that wait for a decision, or those that stand or were dismissed."""
    with Gate(pools).open(look(viewer, pilot_id), {"ask": "objections", "state": state}, Login.RECORDER) as scope:
        rows = scope.connection.execute(LIST).mappings().all()
        scope.shown += [str(row["objection_id"]) for row in rows]
    return Objections(objections=tuple(RecordedObjection.model_validate(dict(row)) for row in rows))


@router.post("/contract-objections", status_code=201, responses=NOTED | problems(DeliveryRefused))
def pass_on_objection(
    objection: ContractObjection, pilot_id: PilotQuery, caller: CreditorObjector, pools: Pools, response: Response
) -> BasisChange:
    """Pass on an objection about one contract: the caller's reports of that resident stop.

    The answer is the same whether there are such reports or not.
    """
    return leave_and_wait(pools, caller.organisation_id, pilot_id, objection, response)


def leave_and_wait(
    pools: Sessions, creditor: str, pilot_id: str, said: ContractObjection | ContractEndings, response: Response
) -> BasisChange:
    """Leave for the linker what a creditor says of its own contracts, and wait for it. Raises DeliveryRefused."""
    change_id = uuid.uuid4()
    with as_creditor(pools, creditor) as connection:
        refuse_strangers(connection, creditor, pilot_id)
        body = said.model_dump(mode="json", by_alias=True)
        values = {"pilot": pilot_id, "change": change_id, "kind": said.kind, "body": body, "creditor": creditor}
        connection.execute(LEAVE, values)
        wake_linker(connection, pilot_id)
    return wait_for(lambda: _done(pools, creditor, pilot_id, change_id), response)


def _done(pools: Sessions, creditor: str, pilot_id: str, change_id: uuid.UUID) -> BasisChange:
    with as_creditor(pools, creditor) as connection:
        values = {"pilot": pilot_id, "change": change_id, "creditor": creditor}
        done = connection.execute(DONE, values).scalar_one()
    return BasisChange(change_id=change_id, state="done" if done else "waiting", outcome="recorded" if done else None)
