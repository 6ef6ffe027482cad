"""One signal: why it is there and what to do first, its reports, what was done. No names: those come on asking."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from client.case_words import due_of
from client.desk_cases import PURPOSE as WORKLIST
from client.service import Service
from desk.asking import AWorker, TheDesk
from desk.desk import Desk
from desk.holding import Hold, first_thing, held_by, told_entries
from desk.sessions import Session
from signals.explaining import explain
from signals.explanation import Explanation

router = APIRouter()


@router.get("/signals/{signal_id}")
def signal_page(signal_id: uuid.UUID, desk: TheDesk, session: AWorker) -> Response:
    """The page of one signal; the service logs the look."""
    with desk.connections.use(session.user.name, WORKLIST) as service:
        return page_of(desk, session, service, look_at(desk, service, signal_id))


@dataclass(frozen=True, slots=True)
class Seen:
    """A signal and its case, as the service showed them: each a look."""

    found: dict[str, Any]
    case: dict[str, Any] | None

    def held_by(self, desk: Desk, me: str) -> Hold:
        """Who holds its case."""
        return held_by(desk, self.case and self.case["case"], self.case["entries"] if self.case else (), me)


def look_at(desk: Desk, service: Service, signal_id: uuid.UUID) -> Seen:
    """Fetch a signal and its case. Raises ServiceRefused, ServiceUnreachable."""
    found = service.get(f"/signals/{signal_id}", pilotId=desk.pilot_id)
    case_id = found["signal"]["caseId"]
    return Seen(found, service.get(f"/cases/{case_id}", pilotId=desk.pilot_id) if case_id else None)


def page_of(desk: Desk, session: Session, service: Service, seen: Seen, status: int = 200, **more: object) -> Response:
    """The page of one signal as it was seen; `more` is what an action adds to it, such as contact details."""
    found, case, signal = seen.found, seen.case, seen.found["signal"]
    hold = seen.held_by(desk, session.user.name)
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
    other = f"/signals/{signal['signalId']}?lang={'nl' if session.lang == 'en' else 'en'}"
    usual = {"session": session, "pilot": desk.pilot_id, "other_url": other}
    return desk.pages.show("signal", session.lang, status, **{**usual, **shown, **more})


def _due(case: dict[str, Any] | None, signal: dict[str, Any]) -> date:
    due, _what = due_of(case["case"], "nl") if case else (None, "")
    return due or date.fromisoformat(signal["deadline"])
