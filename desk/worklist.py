"""The worklist: a page of signals straight from the service, without names."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from client.desk_cases import PURPOSE as WORKLIST
from client.service import Service
from client.words import TRAY
from desk.asking import AWorker, TheDesk, worker
from desk.desk import Desk
from desk.sessions import Session
from signals.days import AMSTERDAM
from signals.explaining import reason_line
from signals.explanation import Explanation

router = APIRouter()
PAGE = 25
SOON_DAYS = 7
MONTHS_BACK = 6


@router.get("/", dependencies=[Depends(worker)])
def home() -> Response:
    """A worker begins at the worklist."""
    return RedirectResponse("/worklist", 303)


@router.get("/worklist")
def worklist(
    desk: TheDesk,
    session: AWorker,
    tray: str | None = None,
    month: str | None = None,
    after: str | None = None,
) -> Response:
    """One page of signals of a tray and a month. The service logs the look, with the households on the page."""
    with desk.connections.use(session.user.name, WORKLIST) as service:
        month = month or _newest(desk, service)
        page = service.post("/signals/_search", _search(desk, tray, month, after, PAGE))
        rows = [_row(desk, service, signal, session) for signal in page["signals"]]
    wanted = {"tray": tray, "month": month}
    return desk.pages.show(
        "worklist",
        session.lang,
        session=session,
        pilot=desk.pilot_id,
        rows=rows,
        tray=tray,
        trays=[(name, _url(wanted | {"tray": name})) for name in (None, *TRAY)],
        month=month,
        months=[(one, _url(wanted | {"month": one})) for one in _months(_today()) if one != month],
        next_url=_url(wanted | {"after": page["next"]}) if page["next"] else None,
        first_url=_url(wanted) if after else None,
        unkeyed=page["unkeyed"] or 0,
        other_url=_url(wanted | {"after": after, "lang": "nl" if session.lang == "en" else "en"}),
    )


def urgency(*, urgent: bool, deadline: date, today: date) -> tuple[str, int]:
    """How pressing a signal is, as a key of the desk's words, and how many days it is overdue (0: it is not)."""
    late = max(0, (today - deadline).days)
    if urgent:
        return "urgent", late
    return ("this_week" if deadline < today + timedelta(days=SOON_DAYS) else "usual"), late


def _row(desk: Desk, service: Service, signal: Mapping[str, Any], session: Session) -> dict[str, Any]:
    deadline = date.fromisoformat(signal["deadline"])
    word, late = urgency(urgent=signal["urgent"], deadline=deadline, today=_today())
    told = signal["explanation"] and Explanation.model_validate(signal["explanation"])
    name = signal["caseWorker"] or ""
    return {
        "id": signal["signalId"],
        "code": signal["signalId"][:8],
        "what": reason_line(told, session.lang) if told else "",
        "tray": signal["tray"],
        "district": desk.connections.postcode4(service, signal["district"]),
        "deadline": deadline,
        "urgency": word,
        "late": late,
        "stage": signal["caseStage"],
        "mine": name == session.user.name,
        "who": desk.shown_as(name),
    }


def _newest(desk: Desk, service: Service) -> str:
    """The newest month that has signals, of the last ones; else last month."""
    months = _months(_today())
    for month in months:
        if service.post("/signals/_search", _search(desk, None, month, None, 1))["signals"]:
            return month
    return months[1]


def _search(desk: Desk, tray: str | None, month: str, after: str | None, limit: int) -> dict[str, Any]:
    search = {"pilotId": desk.pilot_id, "limit": limit, "tray": tray, "period": month, "cursor": after}
    return {name: value for name, value in search.items() if value}


def _months(today: date) -> list[str]:
    """This month and those before it, as periods."""
    count = today.year * 12 + today.month - 1
    return [f"{one // 12}-{one % 12 + 1:02}" for one in range(count, count - MONTHS_BACK, -1)]


def _url(query: Mapping[str, str | None]) -> str:
    return "/worklist?" + urlencode({name: value for name, value in query.items() if value})


def _today() -> date:
    return datetime.now(AMSTERDAM).date()
