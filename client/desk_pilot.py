"""How a desk starts a pilot: it signs the pilot document and seals the pilot key to each creditor that it knows."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from client.home import Home
from client.service import Service
from client.trust import envelope_purpose, refuse_older
from privacy import hybrid
from privacy.pilot_document import (
    CreditorKeys,
    FormerCreditor,
    PilotDocument,
    UntrustedDocument,
    creditor_fingerprint,
    jwk_bytes,
    key_check,
    read_own,
)
from privacy.signing import public_jwk
from signals.pilot import Keying, Pilot

FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class Parties:
    """What the operator registered for a pilot; nothing of it is trusted until a person has compared fingerprints."""

    pilot: Pilot
    rule_set_hash: str
    version: int
    creditors: Mapping[str, CreditorKeys]
    log_key: str

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each creditor, to be compared with what the creditor itself reads out."""
        return {name: creditor_fingerprint(keys) for name, keys in self.creditors.items()}


def parties(service: Service, pilot_id: str) -> Parties:
    """Fetch what the operator registered for a pilot of this municipality."""
    found = service.get(f"/pilots/{pilot_id}")
    creditors = {
        name: CreditorKeys(signing=keys["signing"], envelope=keys["envelope"]["hpke"], keying=keys["keying"])
        for name, keys in found["creditors"].items()
    }
    return Parties(
        Pilot.model_validate(found["pilot"]), found["ruleSetHash"], found["version"], creditors, found["logKey"]
    )


def sign_pilot(home: Home, service: Service, found: Parties) -> PilotDocument:
    """Sign and publish the next version of the pilot document, and put the pilot key ready for every creditor in it.

    Whoever calls this has had the fingerprints compared by a person. A creditor that left stays out, until it is
    registered with a new signing key.

    Raises:
        UntrustedDocument: the log is signed by another key than in the version before.
    """
    standing = own_document(home, service, found.pilot.id) if found.version else None
    if standing is not None and standing.log_key != found.log_key:
        raise UntrustedDocument("the service's log has another key than the one you signed for: ask the operator why")
    former, epoch = (standing.former, standing.epoch) if standing is not None else ({}, FIRST_EPOCH)
    creditors = {
        name: keys
        for name, keys in found.creditors.items()
        if name not in former or jwk_bytes(keys.signing) != jwk_bytes(former[name].signing)
    }
    recipient = hybrid.public_key(home.secret("recipient.key"))
    key_name = pilot_key_name(found.pilot.id, epoch)
    if not home.has(key_name):
        home.keep(key_name, secrets.token_bytes(32))
    document = PilotDocument(
        version=found.version + 1,
        pilot=found.pilot,
        desk=home.settings.organisation,
        signing=public_jwk(home.jwk("signing.jwk")),
        recipient=base64.b64encode(recipient).decode(),
        recipient_key=hybrid.key_id(recipient),
        recovery=base64.b64encode(home.secret("recovery.public")).decode(),
        creditors=creditors,
        former=former,
        epoch=epoch,
        key_check=key_check(found.pilot.id, epoch, home.secret(key_name)),
        rule_set_hash=found.rule_set_hash,
        log_key=found.log_key,
    )
    _publish(home, service, document)
    seal_pilot_key(home, service, document)
    return document


def seal_pilot_key(home: Home, service: Service, document: PilotDocument) -> None:
    """Put the pilot key of the document's epoch ready for every creditor in it that makes its own match keys.

    Repeating it is safe.
    """
    pilot_id, epoch = document.pilot.id, document.epoch
    secret = home.secret(pilot_key_name(pilot_id, epoch))
    for name, keys in document.creditors.items():
        if keys.keying is Keying.DESK:
            continue
        sealed = hybrid.seal(secret, base64.b64decode(keys.envelope), *envelope_purpose(pilot_id, name, epoch))
        body = {"envelope": base64.b64encode(sealed).decode(), "epoch": epoch}
        service.put(f"/pilots/{pilot_id}/key-envelopes/{name}", body)


def expel(
    home: Home, service: Service, pilot_id: str, creditor: str, today: date, *, compromised: bool
) -> PilotDocument:
    """Sign a document without a creditor's keys: nothing that it signs is taken up any more.

    What it sent before stays, and opens; where its keys are `compromised` the desk marks it. Repeating it changes
    nothing but the mark.

    Raises:
        UntrustedDocument: the document names no such creditor.
    """
    standing = own_document(home, service, pilot_id)
    named, former = standing.creditors.get(creditor), standing.former.get(creditor)
    if named is None and former is None:
        raise UntrustedDocument(f"your pilot document names no creditor {creditor}")
    if named is not None:
        left = FormerCreditor(signing=named.signing, left_on=today, compromised=compromised)
    else:
        assert former is not None
        left = former.model_copy(update={"compromised": compromised or former.compromised})
    changes = {
        "creditors": {name: keys for name, keys in standing.creditors.items() if name != creditor},
        "former": {**standing.former, creditor: left},
    }
    return sign_anew(home, service, standing, changes)


def sign_anew(home: Home, service: Service, standing: PilotDocument, changes: Mapping[str, Any]) -> PilotDocument:
    """Sign and publish the next version of a document of this desk's, with other values for some of its members.

    Terms and creditors stay as they were signed, so that no fingerprint has to be compared.
    """
    document = standing.model_copy(update={**changes, "version": standing.version + 1})
    _publish(home, service, document)
    return document


def _publish(home: Home, service: Service, document: PilotDocument) -> None:
    signed = document.signed(home.jwk("signing.jwk"))
    service.put(f"/pilots/{document.pilot.id}/documents/{document.version}", {"document": signed})


def own_document(home: Home, service: Service, pilot_id: str) -> PilotDocument:
    """The newest pilot document, checked against this desk's own keys. Raises UntrustedDocument, NotSigned."""
    return own_signed_document(home, service, pilot_id)[0]


def own_signed_document(home: Home, service: Service, pilot_id: str) -> tuple[PilotDocument, str]:
    """The newest pilot document, checked, and as the desk signed it. Raises UntrustedDocument, NotSigned."""
    token: str = service.get(f"/pilots/{pilot_id}/documents/newest")["document"]
    document = read_own(token, public_jwk(home.jwk("signing.jwk")))
    if document.pilot.id != pilot_id:
        raise UntrustedDocument(f"the service handed out the document of another pilot than {pilot_id}")
    refuse_older(home, document)
    return document, token


def pilot_key_name(pilot_id: str, epoch: int) -> str:
    """Where a pilot key is kept."""
    return f"pilot-{pilot_id}-{epoch}.key"
