"""Cases at the desk: listed by what is due, opened from a signal, shown, and continued from what was shown.

Which entries of a case were shown is kept here, ids and counts alone, so that whoever writes says what it saw.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from client.home import Home, HomeUnusable
from client.service import Service, ServiceRefused
from privacy.errors import PrivacyError
from signals.cases import ENTRY, Entry, Stage

PURPOSE = "worklist"  # as a pilot document is to call it; one that shows facts is enough
PAGE = 200
MOST_KEPT = 5_000


class SomebodyWrote(PrivacyError):
    """Somebody wrote in the case since it was shown; `entries` is what, and nothing of one's own was written."""

    code = "somebody-wrote"

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("somebody wrote in this case since it was shown to you: look again")
        self.entries = tuple(entries)


class CannotFollow(PrivacyError):
    """The entry can't follow those that are there; `case` says what could."""

    code = "cannot-follow"

    def __init__(self, case: Mapping[str, Any], detail: str) -> None:
        super().__init__(detail)
        self.case = case


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases to list: without a stage all that are not closed."""

    stage: Stage | None = None
    worker: str | None = None
    due_by: date | None = None


def listed(home: Home, service: Service, pilot_id: str, wanted: Wanted) -> list[dict[str, Any]]:
    """The cases that are wanted, what is due first."""
    asks: dict[str, str | int] = {"pilotId": pilot_id, "limit": PAGE}
    asks |= {"stage": wanted.stage.value} if wanted.stage else {}
    asks |= {"worker": wanted.worker} if wanted.worker else {}
    asks |= {"dueBy": wanted.due_by.isoformat()} if wanted.due_by else {}
    found: list[dict[str, Any]] = []
    place: str | None = None
    while place is not None or not found:
        page = service.get("/cases", **asks, **({"place": place} if place else {}))
        found += page["cases"]
        place = page["next"]
        if place is None:
            break
    _keep(home, pilot_id, {case["caseId"]: None for case in found})
    return found


def show(home: Home, service: Service, pilot_id: str, case_id: str) -> dict[str, Any]:
    """Fetch one case with its entries, and remember how much of it was seen."""
    found = service.get(f"/cases/{case_id}", pilotId=pilot_id)
    _keep(home, pilot_id, {case_id: found["case"]["entries"]})
    return found


def open_case(home: Home, service: Service, pilot_id: str, signal_id: str) -> tuple[str, bool]:
    """Open a signal's case, or find the one that stands; returns its id and whether it is new."""
    found = service.post("/cases", {"signalId": signal_id}, pilotId=pilot_id)
    _keep(home, pilot_id, {found["caseId"]: 0 if found["opened"] else None})
    return str(found["caseId"]), bool(found["opened"])


def add(home: Home, service: Service, pilot_id: str, case_id: str, entry: Entry) -> dict[str, Any]:
    """Write one entry after those that were shown; returns the case as it is then.

    Raises:
        HomeUnusable: the case was not shown yet.
        SomebodyWrote: there are others by now.
        CannotFollow: it can't follow them.
    """
    seen = _kept(home, pilot_id).get(case_id)
    if seen is None:
        raise HomeUnusable(f"look at the case before you write in it: vroegsein desk cases show {case_id[:8]}")
    written = written_after(service, pilot_id, case_id, entry, seen)
    _keep(home, pilot_id, {case_id: written["case"]["entries"]})
    return written


def written_after(service: Service, pilot_id: str, case_id: str, entry: Entry, seen: int) -> dict[str, Any]:
    """Write one entry in a case that was shown with `seen` entries; returns the case as it is then.

    Raises:
        SomebodyWrote: there are others by now.
        CannotFollow: it can't follow them.
    """
    body = {"entry": ENTRY.dump_python(entry, mode="json", by_alias=True)}
    try:
        return service.post_if(f"/cases/{case_id}/entries", f'"{seen}"', body, pilotId=pilot_id)
    except ServiceRefused as refused:
        if refused.kind not in {"case-changed", "illegal-entry"}:
            raise
        now = service.get(f"/cases/{case_id}", pilotId=pilot_id)
        if refused.kind == "case-changed":
            raise SomebodyWrote([one for one in now["entries"] if one["number"] > seen]) from None
        raise CannotFollow(now, str(refused.problem.get("detail", ""))) from None


def whole_case_id(home: Home, pilot_id: str, start: str) -> str:
    """The id of the case that was listed or shown and begins so. Raises HomeUnusable when there is none, or several."""
    start = start.strip().rstrip("…").lower()
    if len(start) == 36:
        return start
    found = [case for case in _kept(home, pilot_id) if case.startswith(start)]
    if len(found) != 1:
        raise HomeUnusable(
            f"{len(found)} cases begin with {start}: see `vroegsein desk cases list`, or give more of it"
        )
    return found[0]


def _kept(home: Home, pilot_id: str) -> dict[str, int | None]:
    file = home.path / _name(pilot_id)
    found: dict[str, int | None] = json.loads(file.read_bytes()) if file.exists() else {}
    return found


def _keep(home: Home, pilot_id: str, seen: Mapping[str, int | None]) -> None:
    """Note how many entries of each case were shown; None where only that it is there, which takes nothing back."""
    kept = _kept(home, pilot_id)
    for case, entries in seen.items():
        before = kept.pop(case, None)
        kept[case] = before if entries is None else entries
    newest = dict(list(kept.items())[-MOST_KEPT:])
    home.keep_private(_name(pilot_id), json.dumps(newest).encode())


def _name(pilot_id: str) -> str:
    return f"pulled/{pilot_id}-cases.json"
