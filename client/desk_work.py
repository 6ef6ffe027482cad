"""A desk's work with the service: pulling the worklist, showing one signal."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from client.home import Home, HomeUnusable
from client.oauth import ServiceLogin
from client.opening import OpenedReport, open_report
from client.service import Service
from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.pilot_document import PilotDocument
from privacy.request_proof import prove_request
from signals.pilot import Role

PAGE = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """One signal with its reports, opened: each either opened or the reason why it could not be."""

    signal: dict[str, Any]
    reports: tuple[tuple[dict[str, Any], OpenedReport | PrivacyError], ...]


def desk_service(home: Home, role: Role, user: str, purpose: str) -> Service:
    """A connection in one role, for one person at the keyboard and one purpose; both go into the log.

    The service knows the person by a pseudonym that only this desk can resolve. Each request is signed, so that the
    log can show that this desk asked for it.
    """
    settings = home.settings
    actor = hmac.digest(home.secret("actors.key"), framed("vroegsein/actor/v1", user), "sha256")[:16].hex()
    login = ServiceLogin(settings.service_url, settings.organisation, home.jwk(f"auth-{role.value}.jwk"))
    signing = home.jwk("signing.jwk")

    def prove(method: str, target: str, body: bytes) -> dict[str, str]:
        viewer = {"actor": actor, "purpose": purpose}
        return {"Vroegsein-Request-Proof": prove_request(signing, method, target, body, viewer, datetime.now(UTC))}

    viewer = {"Vroegsein-Actor": actor, "Vroegsein-Purpose": purpose}
    return Service(settings.service_url, login, viewer, prove)


def pull(home: Home, service: Service, pilot_id: str, advance: Callable[[int], None] = lambda _n: None) -> int:
    """Fetch every signal of the pilot, without contact details, for `desk list`; returns how many."""
    signals, cursor = [], None
    while True:
        search = {"pilotId": pilot_id, "limit": PAGE} | ({"cursor": cursor} if cursor else {})
        page = service.post("/signals/_search", search)
        signals += page["signals"]
        advance(len(page["signals"]))
        cursor = page["next"]
        if cursor is None:
            break
    home.keep_private(f"pulled/{pilot_id}.json", json.dumps({"at": _now(), "signals": signals}).encode())
    return len(signals)


def pulled(home: Home, pilot_id: str) -> tuple[datetime, list[dict[str, Any]]]:
    """What was pulled last, and when. Raises HomeUnusable when nothing was."""
    file = home.path / "pulled" / f"{pilot_id}.json"
    if not file.exists():
        raise HomeUnusable("nothing was pulled yet: run `vroegsein desk pull` first")
    found = json.loads(file.read_bytes())
    return datetime.fromisoformat(found["at"]), found["signals"]


def show(home: Home, service: Service, document: PilotDocument, signal_id: str) -> Opened:
    """Fetch one signal and open its reports. Nothing of what is opened is stored."""
    found = service.get(f"/signals/{signal_id}", pilotId=document.pilot.id)
    private = home.secret("recipient.key")
    reports: list[tuple[dict[str, Any], OpenedReport | PrivacyError]] = []
    for row in found["reports"]:
        try:
            reports.append((row, open_report(row, document, private)))
        except PrivacyError as error:
            reports.append((row, error))
    return Opened(found["signal"], tuple(reports))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
