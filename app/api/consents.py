"""Consents of residents, recorded, refused and withdrawn by a desk."""

from fastapi import APIRouter, Response

from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed
from app.api.deps import ConsentRecorder, Pools
from app.errors import problems
from app.gate import LookRefused
from signals.consents import Consent, Refusal, Withdrawal

router = APIRouter(tags=["consents"])
RESPONSES = NOTED | problems(LookRefused)


@router.post("/consents", status_code=201, responses=RESPONSES)
def record_consent(
    consent: Consent, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Record a resident's consent for one category. One that is older than a no of this resident is not recorded.

    202 when it is not in force within eight seconds: `/v1/basis-changes/{changeId}` tells when it is.
    """
    return changed(pools, viewer, pilot_id, consent, response)


@router.post("/consent-refusals", status_code=201, responses=RESPONSES)
def record_refusal(
    refusal: Refusal, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Record that a resident refuses: reports of that category are shut out, now and when they are sent again."""
    return changed(pools, viewer, pilot_id, refusal, response)


@router.post("/consent-withdrawals", status_code=201, responses=RESPONSES)
def withdraw_consent(
    withdrawal: Withdrawal, pilot_id: PilotQuery, viewer: ConsentRecorder, pools: Pools, response: Response
) -> BasisChange:
    """Withdraw it: the resident's reports of that category are shut out and the household is judged afresh."""
    return changed(pools, viewer, pilot_id, withdrawal, response)
