"""Replacing a desk's key: all that is sealed to the municipality is opened with the old key and sealed to the new.

A delivery's reports hang on one delivery key, so that only that is sealed anew. What is opened here goes back under the
same purpose, to the desk itself: nothing that the service says is believed for it.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.desk_basis import CONSENT, OBJECTION
from client.desk_pilot import own_document, sign_anew
from client.home import Home, HomeUnusable
from client.known_clients import KNOWN_CLIENT
from client.service import Service
from privacy import hybrid
from privacy.pilot_document import PilotDocument
from privacy.recipients import unseal
from privacy.sealing import Envelope
from privacy.signing import payload_unchecked
from signals.report import Manifest

OWN, OLD = "recipient.key", "recipient-old.key"


@dataclass(frozen=True, slots=True)
class Resealed:
    """What became of a pilot's sealings: how many there are, how many were renewed, and which the key does not open."""

    found: int
    renewed: int
    left: tuple[str, ...]


def begin_rotation(home: Home) -> None:
    """Make a new key, and keep the old one beside it until `end_rotation`. Goes on where one was begun before."""
    if not home.has(OLD):
        home.keep(OLD, home.secret(OWN))
    if home.secret(OLD) == home.secret(OWN):
        home.keep_private(f"keys/{OWN}", hybrid.new_private_key())


def begin_recovery(home: Home, recovery: bytes) -> None:
    """Make a new key where the old one is lost. Raises HomeUnusable when `recovery` is not this desk's."""
    if hybrid.public_key(recovery) != home.secret("recovery.public"):
        raise HomeUnusable("this recovery key is another one than the pilot documents of this desk name")
    if not home.has(OWN):
        home.keep(OWN, hybrid.new_private_key())


def end_rotation(home: Home) -> None:
    """Forget the old key: nothing is sealed to it any more."""
    (home.path / "keys" / OLD).unlink(missing_ok=True)


def reseal(
    home: Home,
    service: Service,
    pilot_id: str,
    olds: Sequence[bytes],
    advance: Callable[[int], None] = lambda _n: None,
) -> Resealed:
    """Publish a pilot document that names this desk's key, and seal everything of the pilot to it. Safe to repeat.

    Args:
        home: the desk's home, with its new key.
        service: logged in for the role debt-help.
        pilot_id: which pilot.
        olds: private keys that open what is not sealed to the new one yet: the old, or the recovery key.
        advance: told how many more sealings were dealt with.

    Raises:
        UntrustedDocument: the standing pilot document is not this desk's.
    """
    own = home.secret(OWN)
    document = _naming(home, service, pilot_id, own)
    found = renewed = 0
    for page in pages(service, pilot_id):
        new = []
        for sealing in page:
            again = None if _opened(sealing, document, [own]) else _opened(sealing, document, olds)
            if again is not None:
                new.append({"sealingId": sealing["sealingId"], "sealed": base64.b64encode(again).decode()})
        if new:
            renewed += service.put("/sealings", {"sealings": new}, pilotId=pilot_id)["replaced"]
        found += len(page)
        advance(len(page))
    again_read = (sealing for page in pages(service, pilot_id) for sealing in page)
    left = tuple(sealing["sealingId"] for sealing in again_read if not _opened(sealing, document, [own]))
    return Resealed(found, renewed, left)


def _naming(home: Home, service: Service, pilot_id: str, own: bytes) -> PilotDocument:
    """The newest pilot document, once it names this key: from then on creditors seal to it."""
    recipient, standing = hybrid.public_key(own), own_document(home, service, pilot_id)
    changes = {
        "recipient": base64.b64encode(recipient).decode(),
        "recipient_key": hybrid.key_id(recipient),
        "recovery": base64.b64encode(home.secret("recovery.public")).decode(),
    }
    if all(getattr(standing, name) == value for name, value in changes.items()):
        return standing
    return sign_anew(home, service, standing, changes)


def _opened(sealing: dict[str, Any], document: PilotDocument, privates: Sequence[bytes]) -> bytes | None:
    """The same contents, sealed to the document's recipients; None where none of the keys opens it."""
    pilot_id, sealed = document.pilot.id, base64.b64decode(sealing["sealed"])
    for private in privates:
        try:
            if sealing["kind"] == "delivery":
                said = Manifest.model_validate_json(payload_unchecked(sealing["manifest"]))
                about = (pilot_id, said.creditor, said.recipient_key, said.content_hash)
                return Envelope.opened(sealed, private, *about).sealed_to(document.recipients, said.content_hash)
            purpose = sealed_for(sealing, pilot_id)
            return document.recipients.seal(unseal(sealed, private, *purpose), *purpose)
        except (hybrid.NotForThisKey, ValueError):  # the second: a manifest of another form
            continue
    return None


def sealed_for(sealing: Mapping[str, Any], pilot_id: str) -> tuple[str, ...]:
    """What a statement of a resident's identity was sealed for: a consent, a no, or the knock-out list."""
    if sealing["kind"] == "consent":
        return CONSENT, pilot_id, str(sealing["category"])
    return (KNOWN_CLIENT if sealing["kind"] == "known-client" else OBJECTION), pilot_id


def pages(service: Service, pilot_id: str) -> Iterator[list[dict[str, Any]]]:
    """Everything that is sealed to the municipality beside reports, page by page."""
    behind: dict[str, str] = {}
    while True:
        page = service.get("/sealings", pilotId=pilot_id, **behind)
        yield page["sealings"]
        if page["next"] is None:
            return
        behind = {"behind": page["next"]}
