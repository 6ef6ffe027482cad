"""Signals: a worklist's page, and one signal with its reports. What is disclosed follows from role and purpose."""

import base64
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import Field, TypeAdapter

from app import looking
from app.api import places
from app.api.deps import DebtHelpViewer, Pools, Viewer
from app.errors import problems
from app.gate import Gate, Look, LookRefused, NotInScope
from signals.cases import Stage
from signals.report import Category, Kind, Period, Slug, UrgentFlag, Wire

# Where a page ended: urgent, deadline, priority, signal.
PLACE = TypeAdapter(tuple[bool, date, Annotated[int, Field(ge=0, le=1_000_000)], uuid.UUID])

router = APIRouter(prefix="/signals", tags=["signals"])


class Search(Wire):
    """Which signals to list: all of a pilot, or those of one tray, month or rule."""

    pilot_id: Slug
    tray: Slug | None = None
    period: Period | None = None
    rule: Annotated[str, Field(max_length=80)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=400, description="`next` of the page before")] | None = None


class Signal(Wire):
    """What the rules found for one household in one month. Members beyond the purpose's level are null.

    `case_id`, `case_stage`, `case_worker`: the case of its household, an open one where there is one, and to whom it is
    assigned.
    """

    signal_id: uuid.UUID
    household_id: uuid.UUID
    period: Period
    tray: str
    rules: tuple[str, ...]
    urgent: bool
    priority: int
    received_on: date
    deadline: date
    categories: tuple[Category, ...] | None
    creditors: int | None
    rule_set: str | None
    amount_euros: int | None
    months: int | None
    district: str | None
    explanation: dict[str, Any] | None
    case_id: uuid.UUID | None
    case_stage: Stage | None
    case_worker: Slug | None


class SealedDetails(Wire):
    """What only the municipality opens, and what proves that the creditor wrote it (base64, JWS)."""

    sent: str
    wrapped_key: str
    contact: str
    part: int
    proof: str
    manifest: str
    key_envelope: str


class ReportOfHousehold(Wire):
    """One report behind a signal."""

    report_id: uuid.UUID
    creditor_id: Slug
    period: Period
    kind: Kind
    category: Category
    amount_euros: int
    months: int
    arrears_since: date
    since_derived: bool
    reported_on: date
    social_collection: dict[str, Any]
    urgent: tuple[UrgentFlag, ...]
    sealed: SealedDetails | None


AReport = TypeVar("AReport", bound=ReportOfHousehold)


class SignalPage(Wire):
    """A page of signals, urgent first, then by deadline; `next` is null on the last page."""

    signals: tuple[Signal, ...]
    next: str | None
    unkeyed: Annotated[
        int | None, Field(description="Reports of the pilot that wait until the desk makes their match keys")
    ]


class SignalWithReports(Wire):
    """One signal with the household's reports, newest first. `doubtful`: a person should look at a link behind it."""

    signal: Signal
    reports: tuple[ReportOfHousehold, ...]
    doubtful: bool | None


def look(viewer: Viewer, pilot: str) -> Look:
    """The caller's wish to look, in the gate's words."""
    caller = viewer.caller
    return Look(
        pilot,
        caller.organisation_id,
        caller.role,
        viewer.actor,
        viewer.purpose,
        viewer.proof,
        told=lambda leaves: viewer.promise(pilot, leaves),
    )


@router.post("/_search", responses=problems(LookRefused))
def search_signals(search: Search, viewer: DebtHelpViewer, pools: Pools) -> SignalPage:
    """A page of the worklist. The page's households are named in the access event before it is read."""
    asks: dict[str, Any] = {"ask": "worklist", "limit": search.limit}
    asks |= {name: value for name in ("tray", "period", "rule") if (value := getattr(search, name)) is not None}
    if search.cursor is not None:
        asks["after"] = places.read(search.cursor, PLACE, pointer="/cursor")
    with Gate(pools).open(look(viewer, search.pilot_id), asks) as scope:
        rows, place, unkeyed = looking.worklist_page(scope)
        cases = looking.cases_of_signals(scope)
    found = tuple(_signal(row, cases) for row in rows)
    return SignalPage(signals=found, next=places.written(place), unkeyed=unkeyed)


@router.get("/{signalId}", responses=problems(NotInScope, LookRefused))
def read_signal(
    signal_id: Annotated[uuid.UUID, Path(alias="signalId")],
    pilot_id: Annotated[Slug, Query(alias="pilotId")],
    viewer: DebtHelpViewer,
    pools: Pools,
) -> SignalWithReports:
    """Show one signal to a debt-help worker of the municipality that it was made for."""
    with Gate(pools).open(look(viewer, pilot_id), {"ask": "signal", "signal": str(signal_id)}) as scope:
        signal = looking.one_signal(scope)
        cases = looking.cases_of_signals(scope)
        reports = looking.reports_of_signal(scope)
        doubtful = looking.signal_is_doubtful(scope)
    return SignalWithReports(
        signal=_signal(dict(signal), cases),
        reports=tuple(report_of(dict(row), ReportOfHousehold) for row in reports),
        doubtful=doubtful,
    )


def report_of(row: dict[str, Any], kind: type[AReport]) -> AReport:
    """A row with a report as it travels, its sealed details in base64 where they are disclosed."""
    sealed = {name: row.pop(name) for name in SealedDetails.model_fields}
    if None in sealed.values():
        return kind.model_validate({**row, "sealed": None})
    for name in ("wrapped_key", "contact", "proof", "key_envelope"):
        sealed[name] = base64.b64encode(sealed[name]).decode()
    return kind.model_validate({**row, "sealed": sealed})


def _signal(row: Mapping[str, Any], cases: Mapping[Any, Mapping[str, Any]]) -> Signal:
    case = cases.get(row["signal_id"], {})
    about = {"case_id": case.get("case_id"), "case_stage": case.get("stage"), "case_worker": case.get("worker")}
    return Signal.model_validate({**row, **about})
