"""What a worker does with a signal: takes it up, sees the contact details, writes down attempts and the result."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from client import desk_cases
from client.desk_cases import PURPOSE as WORKLIST
from client.desk_cases import CannotFollow, SomebodyWrote
from client.desk_work import Opened, show
from client.opening import OpenedReport
from client.service import Service
from client.words import contact_lines
from desk.asking import AWorker, Filled, NotFilledIn, TheDesk, filled_in
from desk.connections import OFFER_HELP
from desk.desk import Desk
from desk.holding import told_entries
from desk.sessions import Session
from desk.signal_page import look_at, page_of
from signals.cases import ENTRY, Assigned, Entry, Reopened, Stage, TakenUp
from signals.days import AMSTERDAM

router = APIRouter(prefix="/signals/{signal_id}")
SHOWN_SECONDS = 5 * 60
WRITTEN = frozenset({"attempt", "accepted", "spoken", "closed"})  # by a form of the signal's page
CONFLICT = 409


@router.post("/take")
def take(signal_id: uuid.UUID, desk: TheDesk, session: AWorker, filled: Filled) -> Response:
    """Take the signal up, reopen its case or take it over: afterwards it is this worker's alone.

    Of two who press at once the second one is told who was first.
    """
    with desk.connections.use(session.user.name, WORKLIST) as service:
        case_id, _new = desk_cases.open_case(desk.home, service, desk.pilot_id, str(signal_id))
        found = service.get(f"/cases/{case_id}", pilotId=desk.pilot_id)
        seen = int(found["case"]["entries"])
        known = _number(filled.get("seen", "")) if filled.get("case") == case_id else 0
        if seen != known:  # somebody wrote since the page was made
            return _told_of(desk, session, service, signal_id, found["entries"][known:])
        mine = Assigned(on=_today(), worker=session.user.name)
        before: dict[str, list[Entry]] = {Stage.NEW: [TakenUp(on=_today())], Stage.CLOSED: [Reopened(on=_today())]}
        try:
            for entry in [*before.get(found["case"]["stage"], []), mine]:
                written = desk_cases.written_after(service, desk.pilot_id, case_id, entry, seen)
                seen = int(written["case"]["entries"])
        except SomebodyWrote as wrote:
            return _told_of(desk, session, service, signal_id, wrote.entries)
        except CannotFollow:
            seen_now = look_at(desk, service, signal_id)
            return page_of(desk, session, service, seen_now, CONFLICT, refused="cannot_follow")
    return RedirectResponse(f"/signals/{signal_id}#contact", 303)


@router.post("/contact", dependencies=[Depends(filled_in)])
def contact(signal_id: uuid.UUID, desk: TheDesk, session: AWorker) -> Response:
    """Fetch and open the contact details: the look is in the service's log before they are here. None is kept."""
    with desk.connections.use(session.user.name, WORKLIST) as service:
        seen = look_at(desk, service, signal_id)
        if seen.case is None or not seen.case["live"] or not seen.held_by(desk, session.user.name).mine:
            return page_of(desk, session, service, seen, CONFLICT)
        with desk.connections.use(session.user.name, OFFER_HELP) as asking:
            opened = show(desk.home, asking, desk.connections.document(asking), str(signal_id))
        at = datetime.now(UTC)
        return page_of(
            desk,
            session,
            service,
            seen,
            contacts=_contacts(opened),
            shown_at=at,
            until=at + timedelta(seconds=SHOWN_SECONDS),
            shown_seconds=SHOWN_SECONDS,
        )


@router.post("/entries")
def write(signal_id: uuid.UUID, desk: TheDesk, session: AWorker, filled: Filled) -> Response:
    """Write down one thing that was done, after the entries that its writer saw."""
    entry, seen = _entry(filled), _number(filled.get("seen", ""))
    with desk.connections.use(session.user.name, WORKLIST) as service:
        signal = service.get(f"/signals/{signal_id}", pilotId=desk.pilot_id)["signal"]
        if signal["caseId"] is None or signal["caseId"] != filled.get("case"):
            seen_now = look_at(desk, service, signal_id)
            return page_of(desk, session, service, seen_now, CONFLICT, refused="cannot_follow")
        try:
            desk_cases.written_after(service, desk.pilot_id, signal["caseId"], entry, seen)
        except SomebodyWrote as wrote:
            return _told_of(desk, session, service, signal_id, wrote.entries)
        except CannotFollow:
            seen_now = look_at(desk, service, signal_id)
            return page_of(desk, session, service, seen_now, CONFLICT, refused="cannot_follow")
    return RedirectResponse(f"/signals/{signal_id}#done", 303)


def _told_of(
    desk: Desk, session: Session, service: Service, signal_id: uuid.UUID, entries: Sequence[Mapping[str, Any]]
) -> Response:
    others = told_entries(desk, entries, session.user.name)
    seen = look_at(desk, service, signal_id)
    return page_of(desk, session, service, seen, CONFLICT, refused="somebody_wrote", others=others)


def _contacts(opened: Opened) -> list[dict[str, Any]]:
    """Each report with whom to contact; one that could not be opened says why, by its code."""
    rows = []
    for row, report in opened.reports:
        about = {"creditor": row["creditorId"], "category": row["category"], "period": row["period"]}
        if isinstance(report, OpenedReport):
            details = report.details
            about |= {"lines": contact_lines(details), "contract": str(details["contract"])}
            about |= {"cents": int(details["amount_cents"]), "compromised": report.compromised, "trouble": None}
            rows.append(about)
        else:
            rows.append({**about, "trouble": report.code})
    return rows


def _entry(filled: dict[str, str]) -> Entry:
    """The entry of a form; what it names besides is left out. Raises NotFilledIn."""
    if filled.get("kind") not in WRITTEN:
        raise NotFilledIn
    said: dict[str, Any] = {"kind": filled["kind"], "on": _today().isoformat()}
    if filled["kind"] == "attempt":
        said |= {"contact": filled.get("contact"), "dayPart": filled.get("day_part") or None}
        said |= {"reached": {"yes": True, "no": False}.get(filled.get("reached", ""))}
    elif filled["kind"] == "accepted":
        said |= {"threatened": filled.get("threatened") == "yes"}
    elif filled["kind"] == "closed":
        said |= {"result": filled.get("result")}
    try:
        return ENTRY.validate_python(said)
    except ValidationError:
        raise NotFilledIn from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise NotFilledIn
    return int(text)


def _today() -> date:
    return datetime.now(AMSTERDAM).date()
