"""A desk's work with the service: pulling the worklist, showing one signal, recording consent."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from client.desk_pilot import pilot_key_name
from client.home import Home, HomeUnusable
from client.oauth import ServiceLogin
from client.opening import OpenedReport, open_report
from client.service import Service
from privacy import hybrid
from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.identity import Contact
from privacy.matchkeys import match_keys
from privacy.pilot_document import PilotDocument
from privacy.request_proof import prove_request
from signals.consents import Consent, Withdrawal
from signals.pilot import Role
from signals.report import Category

PAGE = 100
PATIENCE = 180.0  # seconds for a change of basis to take effect
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
CONSENT = "vroegsein/consent/v1"


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


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """For what a resident consented, which notice was shown (name and version), from when until when."""

    category: Category
    notice: str
    given_on: date
    valid_until: date


def record_consent(
    home: Home, service: Service, document: PilotDocument, contact: Contact, given: ConsentGiven
) -> dict[str, Any]:
    """Record a resident's consent; the service gets match keys and a sealed identity. Answers once it holds."""
    recipient = base64.b64decode(document.recipient)
    purpose = (CONSENT, document.pilot.id, given.category.value)
    sealed = hybrid.seal(json.dumps(contact.as_json()).encode(), recipient, *purpose)
    consent = Consent(
        category=given.category,
        given_on=given.given_on,
        valid_until=given.valid_until,
        notice=given.notice,
        given_by="desk",
        keys=match_keys(_pilot_key(home, document), [contact], document.epoch),
        sealed=sealed.hex(),
    )
    done = service.post("/consents", consent.model_dump(mode="json", by_alias=True), pilotId=document.pilot.id)
    return _in_force(service, document.pilot.id, done)


def withdraw_consent(
    home: Home, service: Service, document: PilotDocument, contact: Contact, category: Category
) -> dict[str, Any]:
    """Withdraw a resident's consent, from now. Answers once nothing that rested on it is shown any more."""
    withdrawal = Withdrawal(
        category=category,
        withdrawn_on=datetime.now(AMSTERDAM).date(),
        keys=match_keys(_pilot_key(home, document), [contact], document.epoch),
    )
    body = withdrawal.model_dump(mode="json", by_alias=True)
    done = service.post("/consent-withdrawals", body, pilotId=document.pilot.id)
    return _in_force(service, document.pilot.id, done)


def _in_force(service: Service, pilot_id: str, done: dict[str, Any]) -> dict[str, Any]:
    """Wait a while longer for a change that the service is still busy with, such as behind a large delivery."""
    until = time.monotonic() + PATIENCE
    while done["state"] == "waiting" and time.monotonic() < until:
        time.sleep(1)
        done = service.get(f"/basis-changes/{done['changeId']}", pilotId=pilot_id)
    return done


def _pilot_key(home: Home, document: PilotDocument) -> bytes:
    return home.secret(pilot_key_name(document.pilot.id, document.epoch))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
