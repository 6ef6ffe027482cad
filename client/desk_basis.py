"""What a desk records for a resident: consent, refusal, withdrawal, objection, and the decision about one.

The service gets match keys made here, and who it is sealed to this desk; each answers once it holds for every read.
"""

import json
import time
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from client.desk_pilot import pilot_key_name
from client.home import Home
from client.service import Service
from privacy.errors import PrivacyError
from privacy.identity import Contact
from privacy.matchkeys import match_keys
from privacy.pilot_document import PilotDocument
from privacy.recipients import unseal
from signals.consents import Consent, Decision, DeskChange, LinkChoice, Objection, Refusal, Withdrawal
from signals.days import AMSTERDAM
from signals.report import Category, MatchKeys

PATIENCE = 180.0  # seconds for a change of basis to take effect
CONSENT, OBJECTION = "vroegsein/consent/v1", "vroegsein/objection/v1"


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """For what a resident consented, which notice was shown (name and version), from when until when, and how."""

    category: Category
    notice: str
    given_on: date
    valid_until: date
    given_by: Literal["desk", "writing", "telephone"] = "desk"


def record_consent(
    home: Home, service: Service, document: PilotDocument, contact: Contact, given: ConsentGiven
) -> dict[str, Any]:
    """Record a resident's consent for one category."""
    consent = Consent(
        category=given.category,
        given_on=given.given_on,
        valid_until=given.valid_until,
        notice=given.notice,
        given_by=given.given_by,
        keys=keys_of(home, document, contact),
        sealed=sealed_to_desk(document, contact, CONSENT, document.pilot.id, given.category.value),
    )
    return recorded(service, document, "/consents", consent)


def refuse_consent(
    home: Home, service: Service, document: PilotDocument, contact: Contact, category: Category
) -> dict[str, Any]:
    """Record that a resident refuses, from now on, that arrears of a category are reported."""
    keys, sealed = keys_of(home, document, contact), sealed_to_desk(document, contact, OBJECTION, document.pilot.id)
    refusal = Refusal(category=category, refused_on=today(), keys=keys, sealed=sealed)
    return recorded(service, document, "/consent-refusals", refusal)


def withdraw_consent(
    home: Home, service: Service, document: PilotDocument, contact: Contact, category: Category
) -> dict[str, Any]:
    """Withdraw a resident's consent, from now."""
    keys, sealed = keys_of(home, document, contact), sealed_to_desk(document, contact, OBJECTION, document.pilot.id)
    withdrawal = Withdrawal(category=category, withdrawn_on=today(), keys=keys, sealed=sealed)
    return recorded(service, document, "/consent-withdrawals", withdrawal)


def record_objection(home: Home, service: Service, document: PilotDocument, contact: Contact) -> dict[str, Any]:
    """Record a resident's objection (art. 21 GDPR), from now: all reports are paused until somebody decides."""
    keys, sealed = keys_of(home, document, contact), sealed_to_desk(document, contact, OBJECTION, document.pilot.id)
    return recorded(service, document, "/objections", Objection(objected_on=today(), keys=keys, sealed=sealed))


def decide_objection(
    service: Service, document: PilotDocument, objection: uuid.UUID, decision: Literal["upheld", "dismissed"]
) -> dict[str, Any]:
    """Decide about an objection: its reports are erased, or come back."""
    decided = Decision(objection=objection, decision=decision, decided_on=today())
    return recorded(service, document, "/objection-decisions", decided)


def objections(
    home: Home, service: Service, document: PilotDocument, state: str = "pending"
) -> list[tuple[dict[str, Any], dict[str, Any] | PrivacyError | None]]:
    """The objections in a state, each with who it is: opened here, why it can't be, or None where a creditor told."""
    private, pilot_id = home.secret("recipient.key"), document.pilot.id
    found: list[tuple[dict[str, Any], dict[str, Any] | PrivacyError | None]] = []
    for row in service.get("/objections", pilotId=pilot_id, state=state)["objections"]:
        try:
            sealed = row["sealed"] and unseal(bytes.fromhex(row["sealed"]), private, OBJECTION, pilot_id)
            found.append((row, json.loads(sealed) if sealed else None))
        except PrivacyError as error:
            found.append((row, error))
    return found


def recorded(service: Service, document: PilotDocument, path: str, change: DeskChange | LinkChoice) -> dict[str, Any]:
    """Send a change, and wait a while longer where the service is still busy, such as behind a large delivery."""
    pilot_id = document.pilot.id
    done = service.post(path, change.model_dump(mode="json", by_alias=True), pilotId=pilot_id)
    until = time.monotonic() + PATIENCE
    while done["state"] == "waiting" and time.monotonic() < until:
        time.sleep(1)
        done = service.get(f"/basis-changes/{done['changeId']}", pilotId=pilot_id)
    return done


def keys_of(home: Home, document: PilotDocument, contact: Contact) -> MatchKeys:
    """A resident's match keys, under the pilot key."""
    return match_keys(home.secret(pilot_key_name(document.pilot.id, document.epoch)), [contact], document.epoch)


def sealed_to_desk(document: PilotDocument, contact: Contact, *purpose: str) -> str:
    """Who a resident is, sealed to the municipality for one purpose; hexadecimal."""
    return document.recipients.seal(json.dumps(contact.as_json()).encode(), *purpose).hex()


def today() -> date:
    """The day in the Netherlands."""
    return datetime.now(AMSTERDAM).date()
