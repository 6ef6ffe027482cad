"""Break-glass at the desk: saying why, and what the log tells of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from client.service import Service

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """One break-glass of the log, and the looks under it, in the order of the log."""

    leaf: int
    body: dict[str, Any]
    at: datetime
    until: datetime
    looks: tuple[dict[str, Any], ...]


def break_the_glass(service: Service, pilot_id: str, reason: str) -> datetime:
    """Say why (10 to 500 characters); returns until when this person may look under the connection's purpose."""
    answer = service.post("/break-glasses", {"pilotId": pilot_id, "reason": reason})
    return datetime.fromisoformat(answer["until"])


def recent_break_glasses(events: Sequence[dict[str, Any]], now: datetime) -> list[BrokenGlass]:
    """Those that are open or were opened in the last thirty days: what is open first, then the newest.

    An event whose term has ended has no contents any more, and is not told of.
    """
    looks: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event["body"] and (glass := event["body"].get("break_glass")):
            looks.setdefault(glass, []).append(event)
    found = [
        BrokenGlass(
            event["leafIndex"],
            event["body"],
            datetime.fromisoformat(event["body"]["at"]),
            datetime.fromisoformat(event["body"]["until"]),
            tuple(looks.get(event["body"]["event"], ())),
        )
        for event in events
        if event["kind"] == "break-glass" and event["body"]
    ]
    recent = [glass for glass in found if glass.until > now or glass.at > now - RECENT]
    return sorted(recent, key=lambda glass: (glass.until > now, glass.at), reverse=True)
