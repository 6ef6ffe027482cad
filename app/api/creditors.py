"""Creditors: who of a pilot delivered which months, for its municipality."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Path

from app.api.deps import CreditorsReader, Pools
from app.creditors import creditors_of
from app.errors import problems
from app.publishing import PilotUnknown
from signals.report import Category, Period, Slug, Wire

router = APIRouter(prefix="/pilots", tags=["creditors"])


class TakenDelivery(Wire):
    """A delivery that was taken up: of which month and category, when, and how many reports; 0 says "nobody"."""

    period: Period
    category: Category
    completed_at: datetime
    accepted: int


class Creditor(Wire):
    """A creditor with an agreement: from when until when, for which categories, and its deliveries, newest first."""

    creditor_id: Slug
    name: str
    starts: date
    ends: date
    categories: tuple[Category, ...]
    deliveries: tuple[TakenDelivery, ...]


class Creditors(Wire):
    """The creditors of a pilot, by their short names."""

    creditors: tuple[Creditor, ...]


@router.get("/{pilotId}/creditors", responses=problems(PilotUnknown))
def list_creditors(
    pilot_id: Annotated[Slug, Path(alias="pilotId")], caller: CreditorsReader, pools: Pools
) -> Creditors:
    """Who delivered what and when, of the caller's own pilot; who is silent shows by what is missing."""
    found = creditors_of(pools, caller.organisation_id, pilot_id)
    return Creditors.model_validate({"creditors": found})
