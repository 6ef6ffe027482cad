"""Cases at a desk: opened from a signal, shown, continued by entries, inside an access event.

What an entry may be follows from those before it (signals/cases.py); who writes after others wrote is told so.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.gate import NotInScope, Scope
from app.problems import AppError
from app.waking import wake_linker
from signals.cases import ENTRY, Case, Entry, Reopened, Stage, Struck, case_of, followed
from signals.days import AMSTERDAM

CASES = sa.text("SELECT * FROM gate.cases()")
ENTRIES = sa.text("SELECT * FROM gate.case_entries()")
OPEN = sa.text("SELECT case_id, opened FROM gate.open_case()")
ADD = sa.text(
    "SELECT gate.add_case_entry(:after, :entry, :stage, :result, :due, :worker, :partner, :joins)"
).bindparams(sa.bindparam("entry", type_=JSONB))


class CaseChanged(AppError):
    """Somebody wrote in the case since you saw it."""

    code = "case-changed"


class IfMatchMissing(AppError):
    """Say by If-Match what you saw of the case."""

    code = "if-match-missing"


def etag(entries: int) -> str:
    """The entity tag of a case: how many entries it has."""
    return f'"{entries}"'


def opened(scope: Scope) -> tuple[UUID, bool]:
    """Open the case that the event asks for, or find the one that stands; and whether it is new. Raises NotInScope."""
    row = scope.connection.execute(OPEN).one_or_none()
    if row is None:
        raise NotInScope("there is no such signal in this pilot")
    wake_linker(scope.connection, scope.pilot)
    scope.shown.append(str(row.case_id))
    return row.case_id, row.opened


def the_case(scope: Scope) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The case that the event named, and its entries. Raises NotInScope."""
    row = scope.connection.execute(CASES).mappings().one_or_none()
    if row is None:
        raise NotInScope("there is no such case in this pilot")
    entries = [
        {**entry, "entry": ENTRY.validate_python(entry["body"])}
        for entry in scope.connection.execute(ENTRIES).mappings()
    ]
    scope.shown.append(str(row["case_id"]))
    return dict(row), entries


def continued(scope: Scope, entry: Entry, seen: str, now: datetime) -> None:
    """Write one more entry; `seen` is the entity tag of what its writer saw.

    Raises:
        CaseChanged: there are other entries by now; nothing was written.
        IllegalEntry: it can't follow those that are there.
        NotInScope: there is no such case.
    """
    row, entries = the_case(scope)
    if seen != etag(row["entries"]):
        raise _changed(row["entries"])
    before = [one["entry"] for one in entries]
    case = followed(row["opened_on"], before, entry, now.astimezone(AMSTERDAM).date())
    values = {
        "after": row["entries"],
        "entry": entry.model_dump(mode="json", by_alias=True),
        "stage": case.stage.value,
        "result": case.closed.result.value if case.closed else None,
        "due": due(case, row["offer_by"]),
        "worker": case.assigned.worker if case.assigned else None,
        "partner": case.assigned.partner if case.assigned else None,
        "joins": isinstance(entry, Reopened | Struck) and case.stage is not Stage.CLOSED,
    }
    if scope.connection.execute(ADD, values).scalar_one() is None:
        raise _changed(scope.connection.execute(CASES).mappings().one()["entries"])
    if values["joins"]:
        wake_linker(scope.connection, scope.pilot)


def due(case: Case, offer_by: date) -> date | None:
    """The last day for what has one: the offer, until somebody sought contact; the conversation once it is accepted."""
    if case.stage in {Stage.NEW, Stage.TAKEN_UP} and not case.attempts:
        return offer_by
    return case.conversation_due


def folded(row: dict[str, Any], entries: list[dict[str, Any]]) -> Case:
    """What the case is after its entries."""
    return case_of(row["opened_on"], [one["entry"] for one in entries])


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def _changed(entries: int) -> CaseChanged:
    return CaseChanged(
        f"It has {entries} {'entry' if entries == 1 else 'entries'} by now: look again, then write.",
        headers={"ETag": etag(entries)},
    )
