"""Monthly tables: what of a pilot may leave it, with small numbers left out, for its municipality."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app import monthly_tables
from app.api.deps import MonitorReader, Pools
from app.errors import problems
from app.publishing import PilotUnknown
from signals.monthly_table import MonthlyTable
from signals.report import Period, Slug, Wire

router = APIRouter(prefix="/pilots", tags=["monthly-tables"])


class MonthlyTables(Wire):
    """A pilot's monthly tables, newest first; empty where no month is closed yet."""

    monthly_tables: tuple[MonthlyTable, ...]


@router.get("/{pilotId}/monthly-tables", responses=problems(PilotUnknown))
def list_monthly_tables(
    pilot_id: Annotated[Slug, Path(alias="pilotId")],
    caller: MonitorReader,
    pools: Pools,
    period: Annotated[Period | None, Query(description="Only this month")] = None,
) -> MonthlyTables:
    """The tables as they were made, once, when their month was closed: asking again gives the same figures."""
    found = monthly_tables.tables_of(pools, caller.organisation_id, pilot_id, period)
    return MonthlyTables(monthly_tables=tuple(found))
