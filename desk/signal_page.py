"""One signal: why it is there and what to do first, its reports, what was done. No names: those come on asking."""

import uuid
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from client.case_words import due_of
from client.service import Service
from desk.asking import AWorker, TheDesk
from desk.connections import WORKLIST
from desk.desk import Desk
from desk.holding import first_thing, held_by, told_entries
from desk.sessions import Session
from signals.explaining import explain
from signals.explanation import Explanation

router = APIRouter()


@router.get("/signals/{signal_id}")
def signal_page(signal_id: uuid.UUID, desk: TheDesk, session: AWorker) -> Response:
    """The page of one signal; the service logs the look."""
    with desk.connections.use(session.user.name, WORKLIST) as service:
        return show_signal(desk, session, service, signal_id)


def show_signal(
    desk: Desk, session: Session, service: Service, signal_id: uuid.UUID, status: int = 200, **more: object
) -> Response:
    """The page of one signal as it is now; `more` is what an action adds to it, such as contact details."""
    found = service.get(f"/signals/{signal_id}", pilotId=desk.pilot_id)
    signal = found["signal"]
    case = service.get(f"/cases/{signal['caseId']}", pilotId=desk.pilot_id) if signal["caseId"] else None
    hold = held_by(desk, case and case["case"], case["entries"] if case else (), session.user.name)
    said = explain(Explanation.model_validate(signal["explanation"]), session.lang) if signal["explanation"] else []
    first, part = first_thing(case)
    if hold.name and not hold.mine:
        first = "first_held"
    shown: dict[str, Any] = {
        "signal": signal,
        "code": signal["signalId"][:8],
        "district": desk.connections.postcode4(service, signal["district"]),
        "doubtful": found["doubtful"],
        "why": said[:1],
        "sentences": said[1:],
        "reports": found["reports"],
        "case": case and case["case"],
        "live": case["live"] if case else 1,
        "legal": case["legal"] if case else [],
        "legal_results": case["legalResults"] if case else [],
        "entries": told_entries(desk, case["entries"], session.user.name) if case else [],
        "hold": hold,
        "first": first,
        "part": part,
        "by": _due(case, signal),
        "contacts": None,
        "others": None,
        "refused": None,
    }
    other = f"/signals/{signal_id}?lang={'nl' if session.lang == 'en' else 'en'}"
    usual = {"session": session, "pilot": desk.pilot_id, "other_url": other}
    return desk.pages.show("signal", session.lang, status, **{**usual, **shown, **more})


def _due(case: dict[str, Any] | None, signal: dict[str, Any]) -> date:
    due, _what = due_of(case["case"], "nl") if case else (None, "")
    return due or date.fromisoformat(signal["deadline"])
