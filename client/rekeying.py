"""The desk makes match keys out of what only it can open, and signs them: under a new pilot key, or the first ones.

Old and new keys never stand side by side: what is left here waits at the service until it is whole, and then takes the
place of the old keys together. So links survive, and who has the old pilot key finds nothing under it any more.
Reports of creditors that get no pilot key come without match keys; each joins the others once it is keyed here.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.cells import postcode_digits
from client.desk_basis import recorded
from client.desk_pilot import pilot_key_name, seal_pilot_key, sign_anew
from client.home import Home
from client.opening import REKEYED_AS, OpenedReport, contact_of, open_report
from client.resealing import OWN, pages, sealed_for
from client.service import Service
from privacy import merkle
from privacy.compact import compact
from privacy.errors import PrivacyError
from privacy.hybrid import NotForThisKey
from privacy.matchkeys import district_key, match_keys
from privacy.pilot_document import PilotDocument, key_check
from privacy.recipients import unseal
from privacy.sealing import Envelope, SealedReport, rekeyed_leaf
from privacy.signing import sign
from signals.consents import Keyed, Rekeyed
from signals.report import Category, Manifest, MatchKeys, PartSummary, Report

NODES = 200  # consents, nos and listings in one request
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: reports and nodes with new keys, the reports that did not open, and what the service says.

    `closed` are consents, nos and listings that did not open: nothing is carried out while there are any. Nor is it for
    reports, unless a person decided that they go.
    """

    reports: int
    nodes: int
    unopened: tuple[str, ...]
    closed: tuple[str, ...]
    outcome: str


def begin_epoch(home: Home, service: Service, standing: PilotDocument) -> PilotDocument:
    """Make a pilot key, sign the document that names it, and put it ready for every creditor in that document."""
    epoch = standing.epoch + 1
    name = pilot_key_name(standing.pilot.id, epoch)
    if not home.has(name):
        home.keep(name, secrets.token_bytes(32))
    check = key_check(standing.pilot.id, epoch, home.secret(name))
    document = sign_anew(home, service, standing, {"epoch": epoch, "key_check": check})
    seal_pilot_key(home, service, document)
    return document


def rekey(
    home: Home,
    service: Service,
    document: PilotDocument,
    advance: Callable[[int], None] = lambda _n: None,
    *,
    shut_out: bool = False,
) -> Outcome:
    """Give all reports, consents, nos and listings match keys of the document's epoch. Safe to repeat.

    Args:
        home: the desk's home, with the pilot key of that epoch.
        service: logged in for the role debt-help, with a purpose that discloses contact details.
        document: the newest pilot document.
        advance: told how many more reports were dealt with.
        shut_out: a person has decided that reports that do not open are to go; else they hold up the whole.
    """
    seal_pilot_key(home, service, document)  # in case it broke off there
    for _attempt in range(ATTEMPTS):  # what came in meanwhile has its turn
        done = _rekey_once(home, service, document, advance, shut_out=shut_out)
        if done.outcome != "incomplete" or done.closed or done.unopened:
            break
    return done


def _rekey_once(
    home: Home, service: Service, document: PilotDocument, advance: Callable[[int], None], *, shut_out: bool
) -> Outcome:
    key, private = home.secret(pilot_key_name(document.pilot.id, document.epoch)), home.secret(OWN)
    nodes, closed = _nodes(service, document, key, private)
    for start in range(0, len(nodes), NODES):
        _leave(home, service, document, "2000-01", [], nodes[start : start + NODES])
    count, unopened = _leave_reports(home, service, document, advance, shut_out=shut_out)
    outcome = "incomplete"
    if not closed and (shut_out or not unopened):
        done = recorded(service, document, "/rekeying-completions", Rekeyed(epoch=document.epoch))
        outcome = str(done["outcome"] or done["state"])
    return Outcome(count, len(nodes), tuple(unopened), tuple(closed), outcome)


def key(
    home: Home,
    service: Service,
    document: PilotDocument,
    advance: Callable[[int], None] = lambda _n: None,
    *,
    shut_out: bool = False,
) -> Outcome:
    """Give all reports that came without match keys their first. Safe to repeat, and for two at once.

    Args: as of `rekey`. What does not open stays as it is, unless `shut_out` says that it goes, and holds up nothing.
    """
    count, closed, outcome = 0, dict[str, None](), "keyed"
    for _attempt in range(ATTEMPTS):  # what came in, or was corrected, meanwhile has its turn
        staged, unopened = _leave_reports(home, service, document, advance, shut_out=shut_out, unkeyed=True)
        closed |= dict.fromkeys(unopened)
        if outcome != "keyed" or not (staged or (unopened and shut_out)):
            break
        done = recorded(service, document, "/keying-completions", Keyed(epoch=document.epoch))
        outcome = str(done["outcome"] or done["state"])
        count += staged
    return Outcome(count, 0, tuple(closed), (), outcome)


def _leave_reports(
    home: Home,
    service: Service,
    document: PilotDocument,
    advance: Callable[[int], None],
    *,
    shut_out: bool,
    unkeyed: bool = False,
) -> tuple[int, list[str]]:
    """Leave new match keys for each report; how many there are, and the ids of those that do not open."""
    key, private = home.secret(pilot_key_name(document.pilot.id, document.epoch)), home.secret(OWN)
    count, unopened = 0, list[str]()
    for page in _reports(service, document.pilot.id, unkeyed=unkeyed):
        ready: list[_Ready] = []
        refused: list[str] = []
        for row in page:
            try:
                ready.append(_Ready(row, open_report(row, document, private), key, document.epoch))
            except (PrivacyError, ValueError):  # the second: details of another form, a creditor's own doing
                refused.append(row["reportId"])
        period = max(row["period"] for row in page)
        gone = [{"nodeId": identity, "keys": None} for identity in refused] if shut_out else []
        if ready or gone:
            _leave(home, service, document, period, ready, gone)
        unopened += refused
        count += len(ready)
        advance(len(page))
    return count, unopened


def forget_others(home: Home, document: PilotDocument) -> None:
    """Remove this pilot's keys of earlier epochs: nothing stands under them any more."""
    for epoch in range(1, document.epoch):
        (home.path / "keys" / pilot_key_name(document.pilot.id, epoch)).unlink(missing_ok=True)


class _Ready:
    """One report under the newest pilot key: the same words but for match keys and district, the same details."""

    def __init__(self, row: Mapping[str, Any], found: OpenedReport, key: bytes, epoch: int) -> None:
        self.row, self.details = row, {**found.details, "salt": found.salt, "signer": found.signer}
        contact = found.contact
        digits = postcode_digits(contact.postcode, contact.address)
        changes = {
            "keys": match_keys(key, [contact], epoch),
            "district": district_key(key, digits) if digits else secrets.token_hex(16),
        }
        self.report: Report = found.report.model_copy(update=changes)


def _leave(
    home: Home,
    service: Service,
    document: PilotDocument,
    period: str,
    ready: Sequence[_Ready],
    nodes: Sequence[Mapping[str, Any]],
) -> None:
    """Leave some of it at the service, signed as one delivery of the desk's."""
    hashed = secrets.token_hex(32)
    envelope = Envelope.new(document.pilot.id, document.desk, document.recipient_key)
    sealed = [envelope.seal(compact(one.details), one.report.reference, one.report.canonical()) for one in ready]
    leaves = [merkle.leaf_hash(_leaf(one, its)) for one, its in zip(ready, sealed, strict=True)]
    tree, key_envelope = merkle.levels(leaves), envelope.sealed_to(document.recipients, hashed)
    manifest = Manifest(
        category=Category.OTHER,
        content_hash=hashed,
        creditor=document.desk,
        delivery_key_check=envelope.check(),
        key_envelope_sha256=hashlib.sha256(key_envelope).hexdigest(),
        parts=(PartSummary(number=1, sha256="0" * 64, accepted=len(ready), root=merkle.root(leaves).hex()),),
        period=period,
        pilot=document.pilot.id,
        recipient_key=document.recipient_key,
    )
    reports = [
        {
            "reportId": one.row["reportId"],
            "sent": one.report.canonical().decode(),
            "wrappedKey": _text(its.wrapped_key),
            "contact": _text(its.contact),
            "proof": _text(index.to_bytes(4, "big") + b"".join(merkle.proof(tree, index))),
        }
        for index, (one, its) in enumerate(zip(ready, sealed, strict=True))
    ]
    signed = sign(manifest.model_dump_json(by_alias=True).encode(), home.jwk("signing.jwk"), REKEYED_AS)
    body = {"rekeying": signed, "keyEnvelope": _text(key_envelope), "reports": reports, "nodes": list(nodes)}
    service.post("/rekeyings", body, pilotId=document.pilot.id)


def _leaf(one: _Ready, sealed: SealedReport) -> bytes:
    about = (one.row["creditorId"], one.row["category"], one.row["period"])
    return rekeyed_leaf(one.report.canonical(), sealed, *about)


def _nodes(
    service: Service, document: PilotDocument, key: bytes, private: bytes
) -> tuple[list[dict[str, Any]], list[str]]:
    """New match keys for every consent, no and listing, and the ids of those that do not open."""
    found: list[dict[str, Any]] = []
    closed: list[str] = []
    pilot_id = document.pilot.id
    for sealing in (sealing for page in pages(service, pilot_id) for sealing in page):
        if sealing["kind"] == "delivery":
            continue
        purpose = sealed_for(sealing, pilot_id)
        try:
            details = json.loads(unseal(base64.b64decode(sealing["sealed"]), private, *purpose))
            keys: MatchKeys = match_keys(key, [contact_of(details)], document.epoch)
        except (NotForThisKey, ValueError):
            closed.append(sealing["sealingId"])
            continue
        found.append({"nodeId": sealing["sealingId"], "keys": keys.model_dump(mode="json", by_alias=True)})
    return found, closed


def _reports(service: Service, pilot_id: str, *, unkeyed: bool) -> Iterator[list[dict[str, Any]]]:
    behind: dict[str, str] = {}
    while True:
        page = service.get("/rekeyings", pilotId=pilot_id, unkeyed=str(unkeyed).lower(), **behind)
        if page["reports"]:
            yield page["reports"]
        if page["next"] is None:
            return
        behind = {"behind": page["next"]}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
