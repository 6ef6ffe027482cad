"""Pilots: what a desk signs, and what it and its creditors fetch."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from app import publishing
from app.api.deps import AnyCaller, CreditorKeyFetcher, LogKey, PilotKeySender, PilotPublisher, Pools, RulesCaller
from app.errors import problems
from app.publishing import CreditorUnknown, PilotUnknown, VersionTaken
from privacy.checkpoints import log_vkey
from privacy.signing import NotSigned
from signals.pilot import Keying, Pilot
from signals.report import Base64, Hex32, Slug, Wire

router = APIRouter(prefix="/pilots", tags=["pilots"])

PilotId = Annotated[Slug, Path(description="The pilot's short name")]
Version = Annotated[int, Path(ge=1, le=1_000_000)]
Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", max_length=500_000)]


class PublicKeys(Wire):
    """A creditor's public keys as the operator registered them; the desk checks their fingerprint before it signs."""

    signing: dict[str, Any]
    envelope: dict[str, Any]
    keying: Keying


class Parties(Wire):
    """What a desk puts in the document that it signs."""

    pilot: dict[str, Any]
    rule_set_hash: Hex32
    version: int
    creditors: dict[str, PublicKeys]
    log_key: Annotated[str, Field(description="C2SP verifier key of the pilot's log")]


class SignedDocument(Wire):
    """A signed pilot document (JWS, typ vroegsein/pilot/v1)."""

    document: Token


class StandingDocument(SignedDocument):
    """The newest signed pilot document."""

    version: int


class RunningRuleSet(Wire):
    """The rule set that a pilot runs, as it was registered; its hash is the one in the signed pilot document."""

    rule_set: str
    hash: Hex32
    text: str


class KeyEnvelope(Wire):
    """The pilot key of one epoch, sealed to one creditor (HPKE, base64). The service can't open it."""

    envelope: Base64
    epoch: Annotated[int, Field(ge=1, le=9999)]


class KeyEnvelopes(Wire):
    """A creditor's sealed pilot keys, newest epoch first."""

    key_envelopes: tuple[KeyEnvelope, ...]


@router.get("/{pilotId}", responses=problems(PilotUnknown))
def read_pilot(
    pilot_id: Annotated[Slug, Path(alias="pilotId")], caller: PilotPublisher, pools: Pools, log_key: LogKey
) -> Parties:
    """What a desk needs to sign the pilot document of its own pilot."""
    found = publishing.parties(pools, caller.organisation_id, pilot_id)
    pilot: Pilot = found["pilot"]
    return Parties.model_validate(
        {**found, "pilot": pilot.model_dump(mode="json"), "log_key": log_vkey(pilot_id, log_key)}
    )


@router.get("/{pilotId}/documents/newest", responses=problems(PilotUnknown))
def read_newest_document(
    pilot_id: Annotated[Slug, Path(alias="pilotId")], caller: AnyCaller, pools: Pools
) -> StandingDocument:
    """The newest signed pilot document, for all who take part."""
    version, document = publishing.document_for(pools, caller.organisation_id, pilot_id)
    return StandingDocument(version=version, document=document)


@router.get("/{pilotId}/rule-set", responses=problems(PilotUnknown))
def read_rule_set(
    pilot_id: Annotated[Slug, Path(alias="pilotId")], caller: RulesCaller, pools: Pools
) -> RunningRuleSet:
    """The rule set by which one's own pilot runs, with its frames."""
    name, rule_set_hash, text = publishing.rule_set_of(pools, caller.organisation_id, pilot_id)
    return RunningRuleSet(rule_set=name, hash=rule_set_hash, text=text)


@router.put("/{pilotId}/documents/{version}", responses=problems(PilotUnknown, VersionTaken, NotSigned))
def put_document(
    pilot_id: Annotated[Slug, Path(alias="pilotId")],
    version: Version,
    document: SignedDocument,
    caller: PilotPublisher,
    pools: Pools,
) -> StandingDocument:
    """Publish a version of the signed pilot document; repeating it is safe."""
    publishing.publish(pools, caller.organisation_id, pilot_id, version, document.document)
    return StandingDocument(version=version, document=document.document)


@router.put("/{pilotId}/key-envelopes/{organisationId}", responses=problems(PilotUnknown, CreditorUnknown))
def put_key_envelope(
    pilot_id: Annotated[Slug, Path(alias="pilotId")],
    organisation_id: Annotated[Slug, Path(alias="organisationId")],
    envelope: KeyEnvelope,
    caller: PilotKeySender,
    pools: Pools,
) -> KeyEnvelope:
    """Put the sealed pilot key ready for one creditor; repeating it is safe."""
    raw = base64.b64decode(envelope.envelope)
    publishing.put_envelope(pools, caller.organisation_id, pilot_id, organisation_id, envelope.epoch, raw)
    return envelope


@router.get("/{pilotId}/key-envelopes")
def read_key_envelopes(
    pilot_id: Annotated[Slug, Path(alias="pilotId")], caller: CreditorKeyFetcher, pools: Pools
) -> KeyEnvelopes:
    """The caller's own sealed pilot keys; empty where there are none."""
    found = publishing.envelopes_of(pools, caller.organisation_id, pilot_id)
    return KeyEnvelopes(
        key_envelopes=tuple(KeyEnvelope(epoch=epoch, envelope=base64.b64encode(raw).decode()) for epoch, raw in found)
    )
