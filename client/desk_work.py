"""A desk's work with the service: pulling the worklist, showing one signal, reading the log."""

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from client.home import Home, HomeUnusable
from client.oauth import ServiceLogin
from client.opening import OpenedReport, open_report
from client.service import Service
from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.log import GrowingTree, commitment, leaf
from privacy.pilot_document import PilotDocument
from signals.pilot import Role

PAGE = 100


class LogAltered(PrivacyError):
    """The log that the service shows does not add up: an event was altered, dropped, moved or invented."""

    code = "log-altered"


@dataclass(frozen=True, slots=True)
class Opened:
    """One signal with its reports, opened: each either opened or the reason why it could not be."""

    signal: dict[str, Any]
    reports: tuple[tuple[dict[str, Any], OpenedReport | PrivacyError], ...]


@dataclass(frozen=True, slots=True)
class CheckedLog:
    """The whole log of a pilot, recomputed leaf by leaf."""

    events: tuple[dict[str, Any], ...]
    tree_size: int
    root: str


def desk_service(home: Home, role: Role, user: str, purpose: str) -> Service:
    """A connection in one role, for one person at the keyboard and one purpose; both go into the log.

    The service knows the person by a pseudonym that only this desk can resolve.
    """
    settings = home.settings
    actor = hmac.digest(home.secret("actors.key"), framed("vroegsein/actor/v1", user), "sha256")[:16].hex()
    login = ServiceLogin(settings.service_url, settings.organisation, home.jwk(f"auth-{role.value}.jwk"))
    return Service(settings.service_url, login, {"Vroegsein-Actor": actor, "Vroegsein-Purpose": purpose})


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


def read_log(service: Service, pilot_id: str) -> CheckedLog:
    """Fetch the whole log and recompute it from the events themselves.

    Raises:
        LogAltered: a leaf is not the one of its event, or the leaves do not give the root.
    """
    tree, events = GrowingTree(), []
    head: dict[str, Any] | None = None
    for page in _log_pages(service, pilot_id):
        head = page["head"]
        for event in page["events"]:
            events.append(event)
            tree.append(_recomputed(event, tree.size))
            if head and tree.size == head["treeSize"] and tree.root().hex() != head["root"]:
                raise LogAltered("the events do not give the root that the log shows")
    if tree.size < (head["treeSize"] if head else 0):
        raise LogAltered("events are missing at the end of the log")
    return CheckedLog(tuple(events), tree.size, tree.root().hex())


def _recomputed(event: dict[str, Any], index: int) -> bytes:
    """The leaf's hash, from the event itself where its term has not ended."""
    committed = bytes.fromhex(event["commitment"])
    if event["body"] is not None and commitment(bytes.fromhex(event["salt"]), event["body"]) != committed:
        raise LogAltered(f"event {event['leafIndex']} is not the one that the log holds")
    hashed = leaf(event["kind"], date.fromisoformat(event["keepUntil"]), committed)
    if event["leafIndex"] != index or hashed.hex() != event["leafHash"]:
        raise LogAltered(f"leaf {event['leafIndex']} was altered, dropped or moved")
    return hashed


def _log_pages(service: Service, pilot_id: str) -> Iterator[dict[str, Any]]:
    after: int | None = -1
    while after is not None:
        page = service.get("/access-events", pilotId=pilot_id, after=after, limit=1000)
        yield page
        after = page["next"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
