"""Cases: opened from a signal, listed by what is due, continued by entries. Who writes says what it saw (If-Match)."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import Field, TypeAdapter, ValidationError

from app import cases, looking
from app.api import places
from app.api.basis_changes import PilotQuery
from app.api.deps import CaseReader, CaseWriter, Pools
from app.api.signals import look
from app.cases import CaseChanged, IfMatchMissing
from app.db.sessions import Login
from app.errors import problems
from app.gate import Gate, LookRefused, NotInScope
from signals.cases import ENTRY, Attempt, Entry, IllegalEntry, Result, Stage, case_of
from signals.cases import Case as Folded
from signals.report import Period, Slug, Wire

# Where a page ended: the day that is due, the case.
PLACE = TypeAdapter(tuple[date | None, uuid.UUID])
CaseId = Annotated[uuid.UUID, Path(alias="caseId")]
_TAG = {"ETag": {"schema": {"type": "string"}, "description": "How many entries the case has, in quotes"}}
TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": _TAG}}
WRITTEN: dict[int | str, dict[str, Any]] = {201: {"headers": _TAG}, 412: {"headers": _TAG}}

router = APIRouter(prefix="/cases", tags=["cases"])


def _both(
    one: dict[int | str, dict[str, Any]], other: dict[int | str, dict[str, Any]]
) -> dict[int | str, dict[str, Any]]:
    """The answers of both, member by member."""
    return {status: one.get(status, {}) | other.get(status, {}) for status in {**one, **other}}


class NewCase(Wire):
    """From which signal a case is opened: it is about the reports of that signal's household."""

    signal_id: uuid.UUID


class OpenedCase(Wire):
    """The signal's case; `opened` is false where it stood already."""

    case_id: uuid.UUID
    opened: bool


class Case(Wire):
    """A case as its entries leave it. Of the two due days, at most one is there: an offer's, then a conversation's."""

    case_id: uuid.UUID
    opened_on: date
    opened_by: str
    entries: Annotated[int, Field(description="How many; the number in its ETag")]
    stage: Stage
    result: Result | None
    offer_due: date | None
    conversation_due: date | None
    worker: Slug | None
    partner: Slug | None
    reports: int
    taken_up_on: date | None
    attempts: Annotated[tuple[Attempt, ...], Field(description="Contact that was sought, without what was struck")]


class CasePage(Wire):
    """A page of cases, what is due first; `next` is null on the last page."""

    cases: tuple[Case, ...]
    next: str | None


class WrittenEntry(Wire):
    """One entry, when it was written down and by whom (the desk's pseudonym)."""

    number: int
    entry: Entry
    written_at: datetime
    actor: str


class ContinuedCase(Wire):
    """A case with its entries; `live`: how many of its reports count now; what may come next."""

    case: Case
    live: int
    entries: tuple[WrittenEntry, ...]
    legal: tuple[str, ...]
    legal_results: tuple[Result, ...]


class SignalOfCase(Wire):
    """A signal of a household in which reports of the case are now."""

    signal_id: uuid.UUID
    period: Period
    tray: str
    urgent: bool
    received_on: date
    deadline: date


class CaseWithSignals(ContinuedCase):
    """A case with its entries and the signals that it is about, newest first."""

    signals: tuple[SignalOfCase, ...]


class NewEntry(Wire):
    """What to write down."""

    entry: Entry


STANDING: dict[int | str, dict[str, Any]] = {200: {"description": "The case that stands", "model": OpenedCase}}


@router.post(
    "",
    status_code=201,
    responses=STANDING | problems(NotInScope, LookRefused),
)
def open_case(new: NewCase, pilot_id: PilotQuery, viewer: CaseWriter, pools: Pools, response: Response) -> OpenedCase:
    """Open a case for a signal: about all its household's reports that are in none. One that is open goes on."""
    asks = {"ask": "open-case", "signal": str(new.signal_id), "case": str(uuid.uuid4())}
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        case_id, opened = cases.opened(scope)
    if not opened:
        response.status_code = 200
    return OpenedCase(case_id=case_id, opened=opened)


@router.get("", responses=problems(LookRefused))
def list_cases(
    pilot_id: PilotQuery,
    viewer: CaseReader,
    pools: Pools,
    stage: Annotated[Stage | None, Query(description="Only these; else all that are not closed")] = None,
    worker: Annotated[Slug | None, Query(description="Only what is assigned to this worker or team")] = None,
    due_by: Annotated[date | None, Query(alias="dueBy", description="Only what is due on this day or before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    place: Annotated[str | None, Query(max_length=200, description="`next` of the page before")] = None,
) -> CasePage:
    """Cases of a pilot, what is due first. The page's cases and their reports are named in the access event."""
    asks: dict[str, Any] = {"ask": "cases", "limit": limit}
    wanted = {"stage": stage, "worker": worker, "due_by": due_by.isoformat() if due_by else None}
    asks |= {name: value for name, value in wanted.items() if value is not None}
    if place is not None:
        asks["after"] = places.read(place, PLACE, parameter="place")
    with Gate(pools).open(look(viewer, pilot_id), asks) as scope:
        rows, ended = looking.cases_page(scope)
    return CasePage(cases=tuple(_case(row, _listed(row)) for row in rows), next=places.written(ended))


@router.get("/{caseId}", responses=TAGGED | problems(NotInScope, LookRefused))
def read_case(
    case_id: CaseId, pilot_id: PilotQuery, viewer: CaseReader, pools: Pools, response: Response
) -> CaseWithSignals:
    """Show one case with its entries; its ETag is what a writer sends back as If-Match."""
    with Gate(pools).open(look(viewer, pilot_id), {"ask": "case", "case": str(case_id)}) as scope:
        row, entries = cases.the_case(scope)
        signals = looking.signals_of_case(scope)
    response.headers["ETag"] = cases.etag(row["entries"])
    return CaseWithSignals(
        **_continued(row, entries), signals=tuple(SignalOfCase.model_validate(dict(signal)) for signal in signals)
    )


@router.post(
    "/{caseId}/entries",
    status_code=201,
    responses=_both(WRITTEN, problems(NotInScope, LookRefused, IllegalEntry, CaseChanged, IfMatchMissing)),
)
def add_case_entry(
    case_id: CaseId,
    new: NewEntry,
    pilot_id: PilotQuery,
    viewer: CaseWriter,
    pools: Pools,
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match", description="ETag of the case as it was seen")] = None,
) -> ContinuedCase:
    """Write one entry after those that were seen. What others wrote meanwhile is never lost: look again first."""
    if if_match is None:
        raise IfMatchMissing("Send the case's ETag, as you saw it, in the header If-Match.")
    asks = {"ask": "case-entry", "case": str(case_id), "entry": new.entry.kind}
    refusal: CaseChanged | IllegalEntry | None = None
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        try:
            cases.continued(scope, new.entry, if_match, cases.now())
        except (CaseChanged, IllegalEntry) as error:
            refusal = error
        row, entries = cases.the_case(scope)
    if refusal is not None:
        raise refusal
    response.headers["ETag"] = cases.etag(row["entries"])
    return ContinuedCase(**_continued(row, entries))


def _listed(row: dict[str, Any]) -> Folded:
    """What a listed case is. One with an entry that can't be, of a stolen login, must not hide all others."""
    try:
        return case_of(row["opened_on"], [ENTRY.validate_python(body) for body in row["bodies"]])
    except (IllegalEntry, ValidationError):
        return Folded(row["opened_on"])


def _case(row: dict[str, Any], case: Folded) -> Case:
    more: dict[str, Any] = {"offer_due": None, "conversation_due": None}
    more["conversation_due" if row["stage"] == Stage.ACCEPTED else "offer_due"] = row["due"]
    more |= {"taken_up_on": case.taken_up_on, "attempts": case.attempts}
    return Case.model_validate({name: (more | row)[name] for name in Case.model_fields})


def _continued(row: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    case = cases.folded(row, entries)
    written = tuple(WrittenEntry(**{name: one[name] for name in WrittenEntry.model_fields}) for one in entries)
    return {
        "case": _case(row, case),
        "live": row["live"],
        "entries": written,
        "legal": case.legal(),
        "legal_results": case.legal_results(),
    }
