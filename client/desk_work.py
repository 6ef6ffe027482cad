"""A desk's work with the service: pulling the worklist, showing one signal."""

import hmac
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from client import desk_cases
from client.desk_pilot import own_document
from client.desk_plans import Planner, newest_of_cases, running_rule_set, shown_case
from client.home import Home, HomeUnusable
from client.oauth import ServiceLogin
from client.opening import OpenedReport, open_report
from client.promises import demand_proofs, keep_promise
from client.service import Service, ServiceRefused, ServiceUnreachable
from privacy.errors import PrivacyError
from privacy.framing import framed
from privacy.pilot_document import PilotDocument
from privacy.promises import HEADER
from privacy.request_proof import asked, pilot_named, prove_request
from signals.cases import Stage
from signals.frames import Plan
from signals.pilot import Role
from signals.rulesets import parse_rule_set

PAGE = 100
_log = logging.getLogger("vroegsein.desk")


@dataclass(frozen=True, slots=True)
class Opened:
    """One signal with its reports, opened: each either opened or the reason why it could not be.

    `doubtful`: a person should look at a link behind it (client/desk_links.py).
    """

    signal: dict[str, Any]
    reports: tuple[tuple[dict[str, Any], OpenedReport | PrivacyError], ...]
    doubtful: bool = False


def desk_service(home: Home, role: Role, user: str, purpose: str) -> Service:
    """A connection in one role, for one person at the keyboard and one purpose; both go into the log.

    The service knows the person by a pseudonym that only this desk can resolve. Each request is signed, so that the
    log can show that this desk asked for it. An answer without the log's promise to tell of it is refused (Unpromised);
    the first one in each pilot brings earlier promises to book, and those that were broken are told on standard error.
    """
    settings = home.settings
    actor = pseudonym(home, user)
    login = ServiceLogin(settings.service_url, settings.organisation, home.jwk(f"auth-{role.value}.jwk"))
    signing = home.jwk("signing.jwk")

    def prove(method: str, target: str, body: bytes) -> dict[str, str]:
        viewer = {"actor": actor, "purpose": purpose}
        return {"Vroegsein-Request-Proof": prove_request(signing, method, target, body, viewer, datetime.now(UTC))}

    documents: dict[str, PilotDocument] = {}

    def check(request: httpx.Request, answer: httpx.Response, found: Mapping[str, Any]) -> None:
        target = request.url.raw_path.decode()
        question = asked(request.method, target)
        if question is None:
            return
        pilot = pilot_named(target, request.content)
        if pilot not in documents:
            documents[pilot] = own_document(home, service, pilot)
            _bring_to_book(home, service, documents[pilot])
        proof, promise = request.headers["Vroegsein-Request-Proof"], answer.headers.get(HEADER, "")
        leaves = 1 if question["ask"] == "break-glass" else 2  # it shows nothing
        keep_promise(home, documents[pilot], proof, promise, found, datetime.now(UTC), leaves=leaves)

    viewer = {"Vroegsein-Actor": actor, "Vroegsein-Purpose": purpose}
    service = Service(settings.service_url, login, viewer, prove, check)
    return service


def pseudonym(home: Home, user: str) -> str:
    """By what the service knows somebody at this desk's keyboard."""
    return hmac.digest(home.secret("actors.key"), framed("vroegsein/actor/v1", user), "sha256")[:16].hex()


def pull(
    home: Home, service: Service, pilot_id: str, advance: Callable[[int], None] = lambda _n: None
) -> tuple[int, int]:
    """Fetch every signal of the pilot, without contact details, for `desk list`; where frames plan, open cases too.

    Returns how many, and how many reports are in none of them because they wait to be keyed (`desk key`).
    """
    signals, cursor = [], None
    while True:
        search = {"pilotId": pilot_id, "limit": PAGE} | ({"cursor": cursor} if cursor else {})
        page = service.post("/signals/_search", search)
        signals += page["signals"]
        advance(len(page["signals"]))
        cursor = page["next"]
        if cursor is None:
            break
    kept: dict[str, Any] = {"at": _now(), "signals": signals, "ruleSet": None, "cases": {}}
    rule_set = running_rule_set(service, own_document(home, service, pilot_id))
    if rule_set is not None and rule_set.frames:
        kept["ruleSet"] = rule_set.model_dump(mode="json", exclude_none=True)
        if any(signal["caseStage"] not in {None, Stage.NEW, Stage.CLOSED} for signal in signals):
            cases = desk_cases.listed(home, service, pilot_id, desk_cases.Wanted())
            kept["cases"] = {case["caseId"]: case for case in cases}
    home.keep_private(f"pulled/{pilot_id}.json", json.dumps(kept).encode())
    return len(signals), int(page["unkeyed"] or 0)


def pulled(home: Home, pilot_id: str) -> tuple[datetime, list[dict[str, Any]]]:
    """What was pulled last, and when. Raises HomeUnusable when nothing was."""
    found = _pulled(home, pilot_id)
    return datetime.fromisoformat(found["at"]), found["signals"]


def planner_pulled(home: Home, pilot_id: str) -> Planner:
    """What was pulled last for plans: the rule set where it has frames, and the open cases."""
    found = _pulled(home, pilot_id)
    if not found.get("ruleSet"):
        return Planner()
    return Planner(parse_rule_set(json.dumps(found["ruleSet"]), pilot_id), found["cases"])


def signals_of_cases(home: Home, pilot_id: str) -> Mapping[str, Mapping[str, Any]]:
    """By case, its newest signal of those that were pulled last; none where nothing was pulled."""
    try:
        _at, signals = pulled(home, pilot_id)
    except HomeUnusable:
        return {}
    return newest_of_cases(signals)


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
    return Opened(found["signal"], tuple(reports), bool(found["doubtful"]))


def plan(service: Service, document: PilotDocument, signal: Mapping[str, Any]) -> Plan | None:
    """The plan of a shown signal by its tray's frame, if any; with its case where that was taken up: one more look."""
    planner = Planner(running_rule_set(service, document))
    found = planner.of(signal, None)
    if found is None or signal["caseStage"] in {None, Stage.NEW}:
        return found
    return planner.of(signal, shown_case(service.get(f"/cases/{signal['caseId']}", pilotId=document.pilot.id)))


def whole_signal_id(home: Home, pilot_id: str, start: str) -> str:
    """The id of the pulled signal that begins so. Raises HomeUnusable when there is none, or several."""
    start = start.strip().rstrip("…").lower()
    if len(start) == 36:
        return start
    _at, signals = pulled(home, pilot_id)
    found = [signal["signalId"] for signal in signals if signal["signalId"].startswith(start)]
    if len(found) != 1:
        raise HomeUnusable(f"{len(found)} signals begin with {start}: give more characters, as `desk list` shows them")
    return str(found[0])


def _pulled(home: Home, pilot_id: str) -> dict[str, Any]:
    file = home.path / "pulled" / f"{pilot_id}.json"
    if not file.exists():
        raise HomeUnusable("nothing was pulled yet: run `vroegsein desk pull` first")
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def _bring_to_book(home: Home, service: Service, document: PilotDocument) -> None:
    """Demand what the log promised before. Who helps residents goes on, whatever comes of it: an audit stops there."""
    try:
        broken = demand_proofs(home, service, document, datetime.now(UTC))
    except (PrivacyError, ServiceRefused, ServiceUnreachable) as error:
        _log.error("the log could not be held to its promises: %s", error)
        return
    for promise in broken:
        _log.error(
            "THE LOG BROKE A PROMISE: %s. Keep %s as evidence; tell your privacy officer: vroegsein desk audit",
            promise.why,
            promise.kept.file,
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
