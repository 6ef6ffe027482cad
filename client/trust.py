"""What a creditor trusts: the pilot document behind the fingerprint that it typed in, and the key sealed to it."""

import base64
from dataclasses import dataclass

from client.checking import CategoryTerms, SendingTerms
from client.home import Home, HomeUnusable, creditor_keys
from client.service import Service
from privacy import hybrid
from privacy.pilot_document import PilotDocument, UntrustedDocument, key_check, read_signed
from privacy.recipients import Recipients
from signals.pilot import Keying, Pilot

PILOT_KEY = "vroegsein/pilot-key/v1"


@dataclass(frozen=True, slots=True, repr=False)
class JoinedPilot:
    """A pilot that this creditor takes part in: the document as the desk signed it, and the pilot key.

    No key: the desk makes this creditor's match keys.
    """

    document: PilotDocument
    key: bytes | None

    @property
    def id(self) -> str:
        """The pilot's id."""
        return self.document.pilot.id

    @property
    def recipients(self) -> Recipients:
        """The municipality's public keys that details are sealed to."""
        return self.document.recipients


def join(home: Home, service: Service, pilot_id: str, typed: str | None = None) -> JoinedPilot:
    """Fetch and check the pilot document, and the pilot key where this creditor gets one and it isn't here yet.

    Args:
        home: the creditor's home.
        service: logged in as that creditor.
        pilot_id: which pilot.
        typed: the desk's fingerprint as it was typed in just now; without one, the one that the settings hold.

    Raises:
        HomeUnusable: no fingerprint was typed in for this pilot.
        UntrustedDocument: the document is not that desk's, older than one seen before, does not name this creditor's
            own keys, or names another pilot key than the one handed out.
        NotForThisKey: the sealed pilot key can't be opened.
    """
    settings = home.settings
    document, _token = signed_document(home, service, pilot_id, typed)
    named, own = document.creditors.get(settings.organisation), creditor_keys(home)
    if named is None or (named.signing, named.envelope) != (own.signing, own.envelope):
        raise UntrustedDocument("this pilot document does not name your keys: ask the municipality to sign a new one")
    if named.keying is Keying.DESK:
        return JoinedPilot(document, None)
    name = f"pilot-{pilot_id}-{document.epoch}.key"
    kept = home.has(name)
    key = home.secret(name) if kept else _open_envelope(home, service, document, settings.organisation)
    if key_check(pilot_id, document.epoch, key) != document.key_check:
        raise UntrustedDocument("the pilot key here is not the one that the municipality signed for: tell it, by phone")
    if not kept:
        home.keep(name, key)
    return JoinedPilot(document, key)


def signed_document(home: Home, service: Service, pilot_id: str, typed: str | None = None) -> tuple[PilotDocument, str]:
    """The newest pilot document, checked against the desk's fingerprint, and as the desk signed it.

    It may no longer name this creditor's keys. Raises HomeUnusable, UntrustedDocument, NotSigned as `join`.
    """
    fingerprint = typed or home.settings.pilots.get(pilot_id)
    if fingerprint is None:
        raise HomeUnusable(f"pilot {pilot_id} was not joined: run `vroegsein creditor join {pilot_id}`")
    token: str = service.get(f"/pilots/{pilot_id}/documents/newest")["document"]
    document = read_signed(token, fingerprint)
    if document.pilot.id != pilot_id:
        raise UntrustedDocument(f"the service handed out the document of another pilot than {pilot_id}")
    refuse_older(home, document)
    return document, token


def refuse_older(home: Home, document: PilotDocument) -> None:
    """Remember the newest version that was seen here of a pilot's document, and take no older one again.

    An old one names keys and terms that the desk has signed off since. Raises UntrustedDocument.
    """
    seen = home.path / "seen" / document.pilot.id
    newest = int(seen.read_text(encoding="ascii")) if seen.exists() else 0
    if document.version < newest:
        raise UntrustedDocument(
            f"the service handed out version {document.version} of the pilot document, and version {newest} was seen "
            "here before: tell the municipality, by phone"
        )
    if document.version > newest:
        home.keep_private(f"seen/{document.pilot.id}", str(document.version).encode())


def sending_terms(pilot: Pilot) -> SendingTerms:
    """What the pilot lets a creditor send, in the words of the check."""
    return SendingTerms(
        postcodes=frozenset(pilot.postcodes) if pilot.postcodes else None,
        categories={
            category: CategoryTerms(
                min_amount_cents=terms.minimum_euros * 100, min_months=terms.minimum_months, min_days=terms.minimum_days
            )
            for category, terms in pilot.categories.items()
        },
        first_day=pilot.starts,
        last_day=pilot.ends,
    )


def envelope_purpose(pilot_id: str, creditor: str, epoch: int) -> tuple[str, ...]:
    """What a pilot key's envelope is bound to."""
    return (PILOT_KEY, pilot_id, creditor, str(epoch))


def _open_envelope(home: Home, service: Service, document: PilotDocument, creditor: str) -> bytes:
    pilot_id, epoch = document.pilot.id, document.epoch
    envelopes = service.get(f"/pilots/{pilot_id}/key-envelopes")["keyEnvelopes"]
    found = next((envelope["envelope"] for envelope in envelopes if envelope["epoch"] == epoch), None)
    if found is None:
        raise HomeUnusable("the municipality has not put the pilot key ready for you yet: ask for it, then try again")
    sealed = base64.b64decode(found)
    return hybrid.unseal(sealed, home.secret("envelope.key"), *envelope_purpose(pilot_id, creditor, epoch))
