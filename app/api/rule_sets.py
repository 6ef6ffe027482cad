"""A pilot's own rule sets: proposed by one person of the municipality, activated by another."""

import hashlib
import uuid
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path

from app.api.backtests import RuleSetText, read_candidate
from app.api.basis_changes import PilotQuery
from app.api.deps import Pools, RulesCaller, RulesViewer
from app.api.pilots import Token
from app.api.signals import look
from app.db.sessions import Login
from app.errors import problems
from app.gate import Gate, LookRefused
from app.proposing import (
    Proposal,
    ProposalUnknown,
    SamePerson,
    check_activation,
    proposals_of,
    refuse_taken_name,
)
from app.publishing import PilotUnknown, VersionTaken
from app.waking import wake_linker
from privacy.pilot_document import UntrustedDocument
from privacy.signing import NotSigned
from signals.backtest_counts import MonthCompared
from signals.report import Hex32, Wire

router = APIRouter(tags=["rule-sets"])
REFUSALS = (LookRefused, ProposalUnknown, SamePerson, VersionTaken, NotSigned, UntrustedDocument)
PROPOSE = sa.text("SELECT gate.propose_rule_set(:text)")
SHADOW = sa.text("SELECT counts FROM gate.rule_set_shadow()")
ACTIVATE = sa.text("SELECT gate.activate_rule_set(:version, :jws)")


class ProposedRuleSet(Wire):
    """A rule set to propose, as YAML or JSON."""

    rule_set: RuleSetText


class Proposed(Wire):
    """What was proposed: `hash` is what a pilot document names."""

    proposal_id: uuid.UUID
    rule_set: str
    hash: Hex32


class Proposals(Wire):
    """The newest 50, newest first."""

    proposals: tuple[Proposal, ...]


class Shadow(Wire):
    """The months that were delivered since a proposal, each as in a back-test; empty where none was counted yet."""

    months: tuple[MonthCompared, ...]


class Activation(Wire):
    """Which proposal, and the next version of the signed pilot document with its rule set and hash."""

    proposal_id: uuid.UUID
    document: Token


class Activating(Wire):
    """It waits for the linker; `GET /v1/rule-set-proposals` tells when it is done."""

    proposal_id: uuid.UUID
    state: Literal["activating"]


@router.post("/rule-set-proposals", status_code=201, responses=problems(LookRefused, VersionTaken))
def propose_rule_set(proposed: ProposedRuleSet, pilot_id: PilotQuery, viewer: RulesViewer, pools: Pools) -> Proposed:
    """Propose a rule set for one's own pilot. Nothing is judged by it before somebody else activates it."""
    rule_set = read_candidate(proposed.rule_set)
    rule_set_hash = rule_set.hash().hex()
    proposal = uuid.uuid4()
    asks: dict[str, Any] = {
        "ask": "rule-set-proposal",
        "proposal": str(proposal),
        "rule_set": rule_set.name,
        "hash": rule_set_hash,
        "sent": hashlib.sha256(proposed.rule_set.encode()).hexdigest(),
    }
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        refuse_taken_name(pools, rule_set.name, rule_set_hash)
        scope.connection.execute(PROPOSE, {"text": proposed.rule_set})
        scope.shown.append(str(proposal))
    return Proposed(proposal_id=proposal, rule_set=rule_set.name, hash=rule_set_hash)


@router.get("/rule-set-proposals", responses=problems(PilotUnknown))
def list_rule_set_proposals(pilot_id: PilotQuery, caller: RulesCaller, pools: Pools) -> Proposals:
    """What was proposed for one's own pilot, by whom, and what became of it. Nothing about residents."""
    return Proposals(proposals=tuple(proposals_of(pools, caller.organisation_id, pilot_id)))


@router.get("/rule-set-proposals/{proposalId}/months", responses=problems(LookRefused))
def read_rule_set_shadow(
    proposal_id: Annotated[uuid.UUID, Path(alias="proposalId")],
    pilot_id: PilotQuery,
    viewer: RulesViewer,
    pools: Pools,
) -> Shadow:
    """What a proposed rule set would have made of the months delivered since, in exact counts; none of it is used."""
    asks = {"ask": "rule-set-shadow", "proposal": str(proposal_id)}
    with Gate(pools).open(look(viewer, pilot_id), asks) as scope:
        found = scope.connection.execute(SHADOW).scalars().all()
        scope.shown.append(str(proposal_id))
    return Shadow(months=tuple(MonthCompared.model_validate(month) for month in found))


@router.post("/rule-set-activations", status_code=202, responses=problems(*REFUSALS))
def activate_rule_set(activation: Activation, pilot_id: PilotQuery, viewer: RulesViewer, pools: Pools) -> Activating:
    """Activate what a colleague proposed. The linker registers it, publishes the document and judges all anew."""
    asks: dict[str, Any] = {
        "ask": "rule-set-activation",
        "proposal": str(activation.proposal_id),
        "sent": hashlib.sha256(activation.document.encode()).hexdigest(),
    }
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        version = check_activation(pools, pilot_id, activation.proposal_id, activation.document)
        refused = scope.connection.execute(ACTIVATE, {"version": version, "jws": activation.document}).scalar_one()
        scope.shown.append(str(activation.proposal_id))
        if refused is None:
            wake_linker(scope.connection, pilot_id)
    if refused == "same-person":
        raise SamePerson("somebody else of the municipality activates what you proposed")
    if refused is not None:
        raise ProposalUnknown("there is no such proposal, or it was activated already")
    return Activating(proposal_id=activation.proposal_id, state="activating")
