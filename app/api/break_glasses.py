"""Break-glass: somebody says why, and may look under a purpose for emergencies for a while."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from app.api.deps import DebtHelpViewer, Pools
from app.api.signals import look
from app.errors import problems
from app.gate import Gate, LookRefused
from signals.report import Slug, Wire

router = APIRouter(prefix="/break-glasses", tags=["signals"])

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=500),
    Field(description="Why; the privacy officer reads it. It stands in the log's event and nowhere else"),
]


class NewBreakGlass(Wire):
    """What is asked for; the purpose is the one in the header."""

    pilot_id: Slug
    reason: Reason


class BreakGlass(Wire):
    """Until when the caller may look under the purpose."""

    until: datetime


@router.post("", status_code=201, responses=problems(LookRefused))
def open_break_glass(asked: NewBreakGlass, viewer: DebtHelpViewer, pools: Pools) -> BreakGlass:
    """Break the glass: this person may look under this purpose, for as long as the pilot document gives it."""
    return BreakGlass(until=Gate(pools).break_glass(look(viewer, asked.pilot_id), asked.reason))
