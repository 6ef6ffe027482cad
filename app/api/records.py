"""Records of a period, for giving account of it: a desk makes the national delivery and the evaluation from them."""

import uuid
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from app import looking
from app.api.basis_changes import PilotQuery
from app.api.deps import AccountGiver, Pools
from app.api.sealings import BEGINNING
from app.api.signals import ReportOfHousehold, look, report_of
from app.errors import problems
from app.gate import Gate, LookRefused
from signals.cases import Entry
from signals.monthly_table import Repetition
from signals.report import Wire

router = APIRouter(tags=["records"])


class RecordedReport(ReportOfHousehold):
    """A report with the household that it is in now, what its month was, and the case that it belongs to."""

    received_on: date
    household_id: uuid.UUID | None
    repetition: Repetition
    case_id: uuid.UUID | None


class RecordedCase(Wire):
    """A case with all that was written in it."""

    case_id: uuid.UUID
    opened_on: date
    entries: tuple[Entry, ...]


class Records(Wire):
    """A page of reports by id, and the cases of those; a case may be in several pages. `next` is null on the last."""

    reports: tuple[RecordedReport, ...]
    cases: tuple[RecordedCase, ...]
    next: uuid.UUID | None


@router.get("/records", responses=problems(LookRefused))
def list_records(
    pilot_id: PilotQuery,
    first_day: Annotated[date, Query(alias="firstDay", description="First reference date")],
    last_day: Annotated[date, Query(alias="lastDay", description="Last reference date; both days are included")],
    viewer: AccountGiver,
    pools: Pools,
    behind: Annotated[uuid.UUID, Query(description="`next` of the page before")] = BEGINNING,
) -> Records:
    """Reports of a period, and earlier ones that a case holds. Sealed details only under a purpose of level contact."""
    asks = {"ask": "records", "first": str(first_day), "last": str(last_day), "behind": str(behind)}
    with Gate(pools).open(look(viewer, pilot_id), asks) as scope:
        reports, cases = looking.records(scope)
    found = tuple(report_of(dict(row), RecordedReport) for row in reports)
    return Records(
        reports=found,
        cases=tuple(RecordedCase.model_validate(dict(row)) for row in cases),
        next=found[-1].report_id if len(found) == looking.RECORDS_PAGE else None,
    )
