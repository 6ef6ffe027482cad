"""Doubtful links whose answer would change a signal: listed, opened with both sides, decided by whoever saw them."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from app import looking
from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed
from app.api.deps import LinkReviewer, Pools
from app.api.signals import ReportOfHousehold, look, report_of
from app.errors import problems
from app.gate import Gate, LookRefused, NotInScope
from signals.consents import LinkChoice, LinkDecided
from signals.report import Period, Wire

router = APIRouter(tags=["links"])


class LinkDoubt(Wire):
    """Whether two sides are one person. `linked`: they count as one now. `changes`: what the other answer would change.

    `changes` names, for each month in which signals would change, those that would go and those that would come.
    """

    doubt_id: uuid.UUID
    kind: str
    linked: bool
    period: Period
    changes: tuple[dict[str, Any], ...]


class LinkDoubts(Wire):
    """The doubts of the newest two months, newest first, at most 50 of `asked`.

    `waiting` are still to be tried out; `complete`: none are, and nothing has changed since they were looked for.
    """

    doubts: tuple[LinkDoubt, ...]
    asked: int
    waiting: int
    complete: bool


class LinkDoubtWithReports(Wire):
    """One doubt with a report of each contract on both sides."""

    doubt: LinkDoubt
    one: tuple[ReportOfHousehold, ...]
    other: tuple[ReportOfHousehold, ...]


@router.get("/link-doubts", responses=problems(NotInScope, LookRefused))
def list_link_doubts(pilot_id: PilotQuery, viewer: LinkReviewer, pools: Pools) -> LinkDoubts:
    """Doubtful links whose answer would change a signal that is still worked on. No reports: those come with one."""
    with Gate(pools).open(look(viewer, pilot_id), {"ask": "link-doubts"}) as scope:
        rows, counted = looking.link_doubts(scope)
    if counted is None:
        raise NotInScope("the answer took longer than a look may: ask once more")
    return LinkDoubts(
        doubts=tuple(map(_doubt, rows)),
        asked=counted["asked"],
        waiting=counted["waiting"],
        complete=not counted["waiting"] and not counted["due"],
    )


@router.get("/link-doubts/{doubtId}", responses=problems(NotInScope, LookRefused))
def read_link_doubt(
    doubt_id: Annotated[uuid.UUID, Path(alias="doubtId")], pilot_id: PilotQuery, viewer: LinkReviewer, pools: Pools
) -> LinkDoubtWithReports:
    """Show both sides of one doubt, with their sealed details."""
    with Gate(pools).open(look(viewer, pilot_id), {"ask": "link-doubt", "doubt": str(doubt_id)}) as scope:
        row, reports = looking.link_doubt(scope)
    of_one = set(row["one"])
    opened = [report_of(dict(report), ReportOfHousehold) for report in reports]
    return LinkDoubtWithReports(
        doubt=_doubt(row),
        one=tuple(report for report in opened if report.report_id in of_one),
        other=tuple(report for report in opened if report.report_id not in of_one),
    )


@router.post("/link-decisions", status_code=201, responses=NOTED | problems(LookRefused))
def decide_link(
    choice: LinkChoice, pilot_id: PilotQuery, viewer: LinkReviewer, pools: Pools, response: Response
) -> BasisChange:
    """Decide whether reports are one person's or two persons'; next month's of the same contracts keep to it."""
    decided = LinkDecided(**choice.model_dump(), actor=viewer.actor)
    return changed(pools, viewer, pilot_id, decided, response, (*choice.one, *choice.other))


def _doubt(row: Any) -> LinkDoubt:  # noqa: ANN401 - a row's mapping
    return LinkDoubt.model_validate({name: row[name] for name in LinkDoubt.model_fields})
