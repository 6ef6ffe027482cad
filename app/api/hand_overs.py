"""A household that moved: the desk says which reports it delivered to another municipality's pilot."""

from fastapi import APIRouter, Response

from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed
from app.api.deps import ConsentRecorder, Pools
from app.errors import problems
from app.gate import LookRefused
from signals.consents import HandOver

router = APIRouter(tags=["hand-overs"])


@router.post("/hand-overs", status_code=201, responses=NOTED | problems(LookRefused))
def hand_over_reports(
    hand_over: HandOver, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Note that reports were handed over: they leave the worklist; an answer to the resident says where they went."""
    return changed(pools, viewer, pilot_id, hand_over, response)
