"""Feedback: what a creditor may know of its own reports, fetched by itself."""

import uuid
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app import feedback, notices
from app.api.basis_changes import PilotQuery
from app.api.deps import FeedbackReader, Pools
from app.errors import problems
from app.problems import InputMistake, InvalidInput
from app.webhooks import Failure
from signals.feedback import Feedback
from signals.report import Category, Hex16, Period, Wire

router = APIRouter(tags=["feedback"])

NewerThan = Annotated[
    str | None,
    Query(alias="newerThan", max_length=60, description="`next` of the page before, or of last week"),
]


class ReportFeedback(Feedback):
    """What is told of one report: a later row about the same reference and month takes the place of an earlier one."""

    reference: Hex16
    period: Period
    category: Category
    batch: Annotated[date, Field(description="The day on which it was told")]


class FeedbackPage(Wire):
    """Feedback in the order in which it was told. `next`: where the next page begins; null where this one is empty."""

    feedback: tuple[ReportFeedback, ...]
    next: str | None


@router.get("/feedback", responses=problems(InvalidInput))
def list_feedback(
    pilot_id: PilotQuery, caller: FeedbackReader, pools: Pools, newer_than: NewerThan = None
) -> FeedbackPage:
    """What is told of the caller's own reports; a report of which nothing is told is in no page.

    It comes on Mondays. Of the other reports a creditor counts itself: four weeks after receipt they count as not
    reached.
    """
    rows = feedback.told_to(pools, caller.organisation_id, pilot_id, _told_before(newer_than))
    told = tuple(
        ReportFeedback(
            reference=row["reference"].hex,
            **{name: row[name] for name in ("period", "category", "batch", "status", "since", "pause_until")},
        )
        for row in rows
    )
    return FeedbackPage(feedback=told, next=f"{rows[-1]['batch']}.{rows[-1]['report_id']}" if rows else None)


class SentNotice(Wire):
    """A notice to the caller's webhook: its event's id, how often it was tried, and why it failed the last time."""

    notice_id: uuid.UUID
    batch: date
    state: notices.State
    attempts: int
    failure: Failure | None
    next_at: Annotated[datetime | None, Field(description="When it is tried again; null: not any more")]
    delivered_at: datetime | None


class SentNotices(Wire):
    """The notices of the last three months, newest batch first; none where no webhook is registered."""

    notices: tuple[SentNotice, ...]


@router.get("/feedback/notices")
def list_notices(pilot_id: PilotQuery, caller: FeedbackReader, pools: Pools) -> SentNotices:
    """How the notices to the caller's own webhook fared. One that was given up is sent again to another webhook."""
    return SentNotices.model_validate({"notices": notices.notices_of(pools, caller.organisation_id, pilot_id)})


def _told_before(place: str | None) -> tuple[date, uuid.UUID] | None:
    if place is None:
        return None
    batch, _, report = place.partition(".")
    try:
        return date.fromisoformat(batch), uuid.UUID(report)
    except ValueError:
        mistake = InputMistake(parameter="newerThan", code="place", detail="must be `next` of an earlier page")
        raise InvalidInput(errors=[mistake]) from None
