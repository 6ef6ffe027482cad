"""Changes of basis: what residents say at a desk or to a creditor. The linker does each under the pilot's lock."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from app.completion import WRITE_EVENT, RuleSets, lock_pilot
from app.endings import end_contracts
from app.erasing import erase
from app.handing_over import hand_over
from app.known_clients import put_on_list, take_off_list
from app.link_deciding import decide_link
from app.objections import No, all_keys, decide, pause_contract, say_no, stop_contract
from app.rekeying import key, rekey
from privacy.errors import PrivacyError
from signals.consents import (
    BASIS_CHANGE,
    Consent,
    ContractEndings,
    ContractObjection,
    Decision,
    DeskChange,
    Erasure,
    HandOver,
    Keyed,
    KnownClientRemoval,
    KnownClients,
    LinkDecided,
    Objection,
    Rectification,
    Refusal,
    Rekeyed,
    Withdrawal,
)
from signals.days import AMSTERDAM
from signals.pilot import Pilot
from signals.report import MatchKeys


class ChangeUnknown(PrivacyError):
    """There is no such change of basis in this pilot."""

    code = "change-unknown"


# What the log says of a change, beside its kind, id and outcome.
TOLD = {
    "category",
    "objection",
    "decision",
    "list_id",
    "complete",
    "ground",
    "wrong",
    "epoch",
    "report_ids",
    "to_pilot",
    "answer",
    "why",
}
WAITING = sa.text("""
    SELECT body, creditor_id FROM privacy.basis_change
    WHERE pilot_id = :pilot AND change_id = :change AND done_at IS NULL FOR UPDATE
""")
# The keys were needed to find the reports and are not kept beside what was done with them.
DONE = sa.text("""
    UPDATE privacy.basis_change SET done_at = clock_timestamp(), outcome = :outcome, body = '{}'
    WHERE pilot_id = :pilot AND change_id = :change
""")
INSERT = sa.text("""
    INSERT INTO privacy.consent
      (pilot_id, consent_id, category, given_on, valid_until, notice, given_by, sealed, recorded_at)
    VALUES (:pilot, :id, :category, :given_on, :valid_until, :notice, :given_by, :sealed, clock_timestamp())
""")
INSERT_KEYS = sa.text("""
    INSERT INTO privacy.consent_key (pilot_id, key, consent_id, strong, birth)
    VALUES (:pilot, :key, :consent, :strong, :birth) ON CONFLICT DO NOTHING
""")
# Looked up key by key: the planner, whose statistics say nothing of a pilot's first days, else reads all for each.
# A no reaches as far as no birth date objects; a yes (app/basis_check.py) only as far as a birth date agrees.
_ASKED = """
    unnest(CAST(:keys AS uuid[]), CAST(:strong AS boolean[]), CAST(:births AS uuid[])) AS asked (key, strong, birth)
"""
WITHDRAW = sa.text(f"""
    WITH met AS MATERIALIZED (
        SELECT DISTINCT k.consent_id FROM {_ASKED} CROSS JOIN LATERAL (
            SELECT consent_id FROM privacy.consent_key
            WHERE pilot_id = :pilot AND key = asked.key AND strong = asked.strong
              AND (strong OR (birth = asked.birth) IS NOT FALSE) OFFSET 0
        ) AS k
    )
    UPDATE privacy.consent SET withdrawn_on = :withdrawn_on
    WHERE pilot_id = :pilot AND category = :category AND withdrawn_on IS NULL
      AND consent_id = ANY (ARRAY(SELECT consent_id FROM met))
""")  # noqa: S608 - words of this file only
SAID_NO_SINCE = sa.text(f"""
    WITH met AS MATERIALIZED (
        SELECT DISTINCT k.objection_id FROM {_ASKED} CROSS JOIN LATERAL (
            SELECT objection_id FROM privacy.objection_key
            WHERE pilot_id = :pilot AND key = asked.key AND strong = asked.strong
              AND (strong OR (birth = asked.birth) IS NOT FALSE) OFFSET 0
        ) AS k
    )
    SELECT EXISTS (
        SELECT FROM privacy.objection
        WHERE pilot_id = :pilot AND objection_id = ANY (ARRAY(SELECT objection_id FROM met)) AND state = 'stands'
          AND creditor_id IS NULL AND coalesce(category, :category) = :category AND since > :given_on)
""")  # noqa: S608 - words of this file only


def carry_out(connection: sa.Connection, pilot_id: str, change_id: uuid.UUID, rule_sets: RuleSets) -> bool:
    """Carry out one change that waits, in the caller's transaction. Returns False when somebody else did so already."""
    pilot = lock_pilot(connection, pilot_id)
    row = connection.execute(WAITING, {"pilot": pilot_id, "change": change_id}).one_or_none()
    if row is None:
        return False
    change = BASIS_CHANGE.validate_python(row.body)
    today = datetime.now(UTC).astimezone(AMSTERDAM).date()
    if isinstance(change, ContractObjection):
        no = No("objection", "stands", today, creditor=row.creditor_id)
        stop_contract(connection, pilot, rule_sets, change_id, no, change.reference)
        outcome, told = "recorded", {"creditor": row.creditor_id}
    elif isinstance(change, ContractEndings):
        end_contracts(connection, pilot, rule_sets, row.creditor_id, change)
        told = {"creditor": row.creditor_id, **change.model_dump(mode="json", include={"ending", "ended_on"})}
        outcome, told["contracts"] = "recorded", len(change.references)
    else:
        outcome = _of_desk(connection, pilot, change_id, change, rule_sets, today)
        told = change.model_dump(mode="json", include=TOLD)
        if isinstance(change, KnownClients):
            told["clients"] = len(change.clients)
    connection.execute(DONE, {"pilot": pilot_id, "change": change_id, "outcome": outcome})
    body = {"change": str(change_id), "outcome": outcome, **told}
    connection.execute(
        WRITE_EVENT, {"pilot": pilot_id, "event": uuid.uuid4(), "kind": f"basis-{change.kind}", "body": body}
    )
    return True


def _of_desk(
    connection: sa.Connection, pilot: Pilot, change_id: uuid.UUID, change: DeskChange, rule_sets: RuleSets, today: date
) -> str:
    """Carry out what a desk recorded; returns the outcome. A no that is dated ahead holds from today."""
    match change:
        case Consent():
            return _record(connection, pilot.id, change_id, change)
        case Withdrawal():
            found = _withdraw(connection, pilot.id, change)
            since, outcome = min(change.withdrawn_on, today), "withdrawn" if found else "no consent found"
        case Refusal():
            since, outcome = min(change.refused_on, today), "refused"
        case Objection():
            no = No("objection", "pending", min(change.objected_on, today), sealed=bytes.fromhex(change.sealed))
            say_no(connection, pilot, rule_sets, change_id, no, change.keys)
            return "paused"
        case Erasure() | Rectification():
            return _of_officer(connection, pilot, change_id, change, rule_sets, today)
        case LinkDecided() | Decision():
            return _of_case(connection, pilot, change_id, change, rule_sets)
        case KnownClients() | KnownClientRemoval() | Rekeyed() | Keyed() | HandOver():
            return _of_pilot(connection, pilot, change, rule_sets, today)
    sealed = bytes.fromhex(change.sealed)
    no = No(change.kind, "stands", since, change.category.value, sealed=sealed)
    say_no(connection, pilot, rule_sets, change_id, no, change.keys)
    return outcome


def _of_case(
    connection: sa.Connection, pilot: Pilot, change_id: uuid.UUID, change: LinkDecided | Decision, rule_sets: RuleSets
) -> str:
    if isinstance(change, LinkDecided):
        return decide_link(connection, pilot, rule_sets, change_id, change)
    return change.decision if decide(connection, pilot, rule_sets, change) else "no such objection"


def _of_officer(
    connection: sa.Connection,
    pilot: Pilot,
    change_id: uuid.UUID,
    change: Erasure | Rectification,
    rule_sets: RuleSets,
    today: date,
) -> str:
    if isinstance(change, Erasure):
        erase(connection, pilot, rule_sets, change_id, change, today)
        return "erased"
    no = No("rectification", "pending", min(change.asked_on, today), sealed=bytes.fromhex(change.sealed))
    found = pause_contract(connection, pilot, rule_sets, change_id, change.report, no)
    return "paused" if found else "no such report"


def _of_pilot(
    connection: sa.Connection,
    pilot: Pilot,
    change: KnownClients | KnownClientRemoval | Rekeyed | Keyed | HandOver,
    rule_sets: RuleSets,
    today: date,
) -> str:
    if isinstance(change, Rekeyed):
        return rekey(connection, pilot, rule_sets, change.epoch)
    if isinstance(change, Keyed):
        return key(connection, pilot, rule_sets, change.epoch)
    if isinstance(change, HandOver):
        return hand_over(connection, pilot, rule_sets, change)
    if isinstance(change, KnownClients):
        return put_on_list(connection, pilot, rule_sets, change, today)
    return take_off_list(connection, pilot, rule_sets, change)


def _record(connection: sa.Connection, pilot_id: str, consent_id: uuid.UUID, consent: Consent) -> str:
    """Record a consent, unless the resident has said no on a later day."""
    given: dict[str, Any] = {
        "pilot": pilot_id,
        "id": consent_id,
        "category": consent.category.value,
        "given_on": consent.given_on,
    }
    if connection.execute(SAID_NO_SINCE, {**given, **_asked(consent.keys)}).scalar_one():
        return "said no since"
    shown = {"valid_until": consent.valid_until, "notice": consent.notice, "given_by": consent.given_by}
    connection.execute(INSERT, {**given, **shown, "sealed": bytes.fromhex(consent.sealed)})
    if keys := all_keys(consent.keys):
        connection.execute(INSERT_KEYS, [{**key, "pilot": pilot_id, "consent": consent_id} for key in keys])
    return "recorded"


def _withdraw(connection: sa.Connection, pilot_id: str, withdrawal: Withdrawal) -> int:
    values = {
        "pilot": pilot_id,
        "category": withdrawal.category.value,
        "withdrawn_on": withdrawal.withdrawn_on,
        **_asked(withdrawal.keys),
    }
    return connection.execute(WITHDRAW, values).rowcount


def _asked(keys: MatchKeys) -> dict[str, list[Any]]:
    rows = all_keys(keys)
    columns = {"keys": "key", "strong": "strong", "births": "birth"}
    return {name: [row[column] for row in rows] for name, column in columns.items()}
