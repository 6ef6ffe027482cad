"""What a resident may ask (GDPR art. 15 to 17), for the privacy officer: all that is held, its erasure, a correction.

The service knows no names: the desk sends match keys and opens what comes back, and a person there says whose it is.
"""

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from app import looking
from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed
from app.api.deps import Pools, ResidentAnswerer, ResidentCorrector
from app.api.known_clients import ListedClient
from app.api.objections import RecordedObjection
from app.api.signals import ReportOfHousehold, look, report_of
from app.errors import problems
from app.gate import Gate, LookRefused, NotInScope
from signals.cases import Result, Stage
from signals.consents import Erasure, LinkReason, Rectification
from signals.report import Category, MatchKeys, Period, Slug, Wire
from signals.rights import IdentityCheck

router = APIRouter(tags=["residents"])


class ResidentSearch(Wire):
    """Whom it is about, by match keys, and how it was checked that the one who asks is that resident."""

    pilot_id: Slug
    identity: IdentityCheck
    keys: MatchKeys


class HeldReport(ReportOfHousehold):
    """One report that meets the keys, those that are paused included; `settled_on`: since when it is settled."""

    creditor: str | None
    received_on: date
    state: Literal["live", "paused", "shut_out", "unkeyed", "handed_over"]
    settled_on: date | None


class HeldSignal(Wire):
    """A signal that rests on such a report: `reports` and `judged` are these alone.

    `explanation` is null where reports of others in the household count too.
    """

    signal_id: uuid.UUID
    period: Period
    received_on: date
    reports: tuple[uuid.UUID, ...]
    judged: tuple[dict[str, Any], ...]
    explanation: dict[str, Any] | None


class HeldConsent(Wire):
    """A consent that meets the keys."""

    consent_id: uuid.UUID
    category: Category
    given_on: date
    valid_until: date
    notice: str
    given_by: str
    withdrawn_on: date | None
    sealed: str


class HandOverOfReport(Wire):
    """To which pilot a report was handed over, because the household moved, and whose that is."""

    report_id: uuid.UUID
    to_pilot: Slug
    to_municipality: str | None


class HeldLinkDecision(Wire):
    """What somebody decided about links of these reports: one person's, or (`apart`) also others that are not."""

    decision_id: uuid.UUID
    decided_at: datetime
    why: LinkReason
    apart: bool
    reports: tuple[uuid.UUID, ...]


class HeldCase(Wire):
    """A case about such reports: what was done, never by whom. `reports` are those that meet the keys."""

    case_id: uuid.UUID
    opened_on: date
    stage: Stage
    result: Result | None
    reports: tuple[uuid.UUID, ...]
    entries: tuple[dict[str, Any], ...]


class LookAtResident(Wire):
    """A look that named one of these reports, or a household that it was in: by which function, never by whom."""

    at: datetime
    organisation_id: Slug
    organisation: str | None
    role: str
    purpose: str
    basis: str | None
    level: str
    reports: tuple[uuid.UUID, ...]


class HeldOfResident(Wire):
    """All that meets a resident's match keys, also loosely: whose it is shows when the desk opens it."""

    reports: tuple[HeldReport, ...]
    signals: tuple[HeldSignal, ...]
    consents: tuple[HeldConsent, ...]
    objections: tuple[RecordedObjection, ...]
    known_clients: tuple[ListedClient, ...]
    hand_overs: tuple[HandOverOfReport, ...]
    link_decisions: tuple[HeldLinkDecision, ...]
    cases: tuple[HeldCase, ...]
    looks: tuple[LookAtResident, ...]
    municipality: str
    unkeyed: Annotated[
        int, Field(description="Reports of the pilot that wait to be keyed: whose they are nobody knows")
    ]
    terms_kept_on: date | None


@router.post("/residents/_search", responses=problems(NotInScope, LookRefused))
def search_residents(search: ResidentSearch, viewer: ResidentAnswerer, pools: Pools) -> HeldOfResident:
    """All that is held about one resident. The access event names the reports and how the identity was checked."""
    asks = {"ask": "resident", "identity": search.identity.value}
    with Gate(pools).open(look(viewer, search.pilot_id), asks, keys=search.keys) as scope:
        held = looking.held_of_resident(scope)
    reports = tuple(report_of(dict(row), HeldReport) for row in held.pop("reports"))
    return HeldOfResident.model_validate({**held, "reports": reports})


@router.post("/erasures", status_code=201, responses=NOTED | problems(LookRefused))
def erase_resident(
    erasure: Erasure, pilot_id: PilotQuery, viewer: ResidentCorrector, pools: Pools, response: Response
) -> BasisChange:
    """Erase a resident's reports, consents and sealed identity; match keys stay, so that they don't come back."""
    return changed(pools, viewer, pilot_id, erasure, response)


@router.post("/rectifications", status_code=201, responses=NOTED | problems(LookRefused))
def request_rectification(
    rectification: Rectification, pilot_id: PilotQuery, viewer: ResidentCorrector, pools: Pools, response: Response
) -> BasisChange:
    """Note that a resident says a report is wrong: its contract's reports are paused until somebody has decided."""
    return changed(pools, viewer, pilot_id, rectification, response)
