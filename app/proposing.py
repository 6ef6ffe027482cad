"""Rule sets that a municipality proposes and activates by itself: one person proposes, another one activates.

The database holds the two apart (a constraint, and both functions that change something): who they are, the access
events say. What the activating person signs is the next pilot document, with the rule set's name and hash and nothing
else changed. The linker then carries it out under the pilot's lock and judges all of the pilot anew.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.completion import WRITE_EVENT, RuleSets, lock_pilot
from app.db.sessions import Login, Sessions
from app.last_net import where
from app.publishing import VersionTaken, newest_document, refuse_others, signed_by_one_of, signing_keys
from privacy.errors import PrivacyError
from privacy.pilot_document import UntrustedDocument
from signals.judging import judge_all
from signals.pilot import Pilot
from signals.report import Wire

_log = logging.getLogger("vroegsein.linker")

ACTIVATIONS = """
    SELECT pilot_id, proposal_id AS id FROM registry.rule_set_proposal WHERE state = 'activating'
    ORDER BY activated_at, proposal_id
"""
LIST = sa.text("""
    SELECT proposal_id, rule_set, encode(hash, 'hex') AS hash, text, proposed_at, proposed_by, state, activated_at,
           activated_by
    FROM registry.rule_set_proposal WHERE pilot_id = :pilot ORDER BY proposed_at DESC, proposal_id LIMIT 50
""")
ONE = sa.text("""
    SELECT rule_set, encode(hash, 'hex') AS hash FROM registry.rule_set_proposal
    WHERE pilot_id = :pilot AND proposal_id = :proposal AND state = 'proposed'
""")
STANDS = sa.text("SELECT encode(hash, 'hex') FROM registry.rule_set WHERE rule_set = :name")
TERMS = sa.text("SELECT document FROM registry.pilot WHERE pilot_id = :pilot")
WAITING = sa.text("""
    SELECT rule_set, encode(hash, 'hex') AS hash, proposed_by, activated_by FROM registry.rule_set_proposal
    WHERE pilot_id = :pilot AND proposal_id = :proposal AND state = 'activating'
""")
ACTIVATE = sa.text("SELECT registry.activate_rule_set(:pilot, :proposal)")
FAILED = sa.text("""
    UPDATE registry.rule_set_proposal SET state = 'failed' WHERE pilot_id = :pilot AND proposal_id = :proposal
""")
NO_SHADOW = sa.text("DELETE FROM signals.rule_set_shadow WHERE pilot_id = :pilot AND proposal_id = :proposal")
LOOK_AT_ALL = sa.text("INSERT INTO signals.review_due (pilot_id, run_id) VALUES (:pilot, :run)")


class ProposalUnknown(PrivacyError):
    """There is no such proposed rule set in this pilot, or it was activated already."""

    code = "proposal-unknown"


class SamePerson(PrivacyError):
    """Who proposed a rule set does not activate it."""

    code = "same-person"


class Proposal(Wire):
    """A proposed rule set. `proposed_by`, `activated_by`: the desk's pseudonyms of two persons."""

    proposal_id: uuid.UUID
    rule_set: str
    hash: str
    text: str
    proposed_at: datetime
    proposed_by: str
    state: str
    activated_at: datetime | None
    activated_by: str | None


def proposals_of(sessions: Sessions, municipality: str, pilot_id: str) -> Sequence[Proposal]:
    """The pilot's newest 50 proposals, for its municipality. Raises PilotUnknown."""
    with sessions.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        rows = connection.execute(LIST, {"pilot": pilot_id}).mappings()
        return [Proposal.model_validate(dict(row)) for row in rows]


def refuse_taken_name(sessions: Sessions, name: str, rule_set_hash: str) -> None:
    """Raise VersionTaken where another rule set stands under that name: a changed one is a new version."""
    with sessions.begin(Login.OPENER) as connection:
        standing = connection.execute(STANDS, {"name": name}).scalar_one_or_none()
    if standing not in (None, rule_set_hash):
        raise VersionTaken(f"{name} stands with other contents: a changed rule set is a new version")


def check_activation(sessions: Sessions, pilot_id: str, proposal: uuid.UUID, signed: str) -> int:
    """The version of the signed document, where it fits the proposal. The caller looks in this pilot already.

    Raises:
        ProposalUnknown.
        NotSigned: not signed by a registered signing key of the municipality.
        VersionTaken: not the next version.
        UntrustedDocument: it changes something else than the rule set, or the registered terms are not what was signed.
    """
    with sessions.begin(Login.OPENER) as connection:
        row = connection.execute(ONE, {"pilot": pilot_id, "proposal": proposal}).one_or_none()
        if row is None:
            raise ProposalUnknown("there is no such proposal, or it was activated already")
        registered = Pilot.model_validate(connection.execute(TERMS, {"pilot": pilot_id}).scalar_one())
        document = signed_by_one_of(signed, signing_keys(connection, registered.municipality))
        standing = newest_document(connection, pilot_id)
    if standing is None or document.version != standing.version + 1:
        raise VersionTaken(f"the next version is {1 if standing is None else standing.version + 1}")
    terms = standing.pilot.model_copy(update={"rule_set": row.rule_set})
    changes = {"version": document.version, "pilot": terms, "rule_set_hash": row.hash}
    if document != standing.model_copy(update=changes):
        raise UntrustedDocument("an activation changes the rule set of the pilot document, its hash, and nothing else")
    if registered != standing.pilot:
        raise UntrustedDocument("the registered terms are not those that the desk signed: vroegsein desk sign")
    return document.version


def activate(connection: sa.Connection, pilot_id: str, proposal: uuid.UUID, rule_sets: RuleSets) -> bool:
    """Carry out one activation, in the caller's transaction: register, publish, judge all of the pilot anew.

    One that came too late (another document was published meanwhile) is marked as failed. Returns False when somebody
    else did it already.
    """
    pilot = lock_pilot(connection, pilot_id)
    of: dict[str, Any] = {"pilot": pilot_id, "proposal": proposal}
    row = connection.execute(WAITING, of).one_or_none()
    if row is None:
        return False
    trial = connection.begin_nested()
    try:
        connection.execute(ACTIVATE, of)
        trial.commit()
    except sa.exc.IntegrityError as error:
        trial.rollback()
        _log.error("rule set proposal %s of pilot %s can't be activated: %s", proposal, pilot_id, where(error))
        connection.execute(FAILED, of)
        outcome = "failed"
    else:
        connection.execute(NO_SHADOW, of)
        judge_all(connection, pilot_id, rule_sets(connection, row.rule_set))
        connection.execute(LOOK_AT_ALL, {"pilot": pilot_id, "run": uuid.uuid4()})
        outcome = "activated"
    body = {
        "proposal": str(proposal),
        "rule_set": row.rule_set,
        "hash": row.hash,
        "before": pilot.rule_set,
        "proposed_by": row.proposed_by,
        "activated_by": row.activated_by,
        "outcome": outcome,
    }
    event = {"pilot": pilot_id, "event": uuid.uuid4(), "kind": "rule-set", "body": body}
    connection.execute(WRITE_EVENT, event)
    return True
