"""People's decisions on links: carried out for good, kept as long as reports rest on them, gone with an erasure."""

import uuid
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from app.completion import RuleSets, begin_touched, relink
from signals.consents import LinkDecided
from signals.linking_decided import touch_decided
from signals.linking_decisions import Contract
from signals.pilot import Pilot

# What is shut out rests on nothing any more; what is paused may come back.
CONTRACTS = sa.text("""
    SELECT creditor_id, reference, max(period) AS period FROM signals.report
    WHERE pilot_id = :pilot AND report_id = ANY (:reports) AND state <> 'shut_out' GROUP BY creditor_id, reference
""")
REST_OF_PERSON = sa.text("""
    WITH person AS MATERIALIZED (
        SELECT DISTINCT person_id FROM signals.report
        WHERE pilot_id = :pilot AND report_id = ANY (:reports) AND person_id IS NOT NULL
    )
    SELECT r.creditor_id, r.reference, max(r.period) AS period FROM person CROSS JOIN LATERAL (
        SELECT creditor_id, reference, period FROM signals.report
        WHERE pilot_id = :pilot AND person_id = person.person_id AND state = 'live' OFFSET 0
    ) AS r GROUP BY r.creditor_id, r.reference
""")
INSERT = sa.text("""
    INSERT INTO privacy.link_decision (pilot_id, decision_id, decided_at, actor, why)
    VALUES (:pilot, :decision, clock_timestamp(), :actor, :why)
""")
INSERT_CONTRACT = sa.text("""
    INSERT INTO privacy.link_decision_contract (pilot_id, decision_id, side, creditor_id, reference)
    VALUES (:pilot, :decision, :side, :creditor, :reference)
""")
# A home in common makes one household of two persons.
ONE_HOUSEHOLD = sa.text("""
    SELECT count(DISTINCT r.household_id) = 1 AND count(DISTINCT c.side) = 2
    FROM privacy.link_decision_contract c JOIN signals.report r
      ON r.pilot_id = c.pilot_id AND r.creditor_id = c.creditor_id AND r.reference = c.reference AND r.state = 'live'
    WHERE c.pilot_id = :pilot AND c.decision_id = :decision
""")
NAMED = sa.text("""
    SELECT creditor_id, reference FROM privacy.link_decision_contract
    WHERE pilot_id = :pilot AND decision_id = ANY (:ids)
""")
REMOVE = tuple(
    sa.text(f"DELETE FROM privacy.{table} WHERE pilot_id = :pilot AND decision_id = ANY (:ids)")  # noqa: S608 - words of this file only
    for table in ("link_decision_contract", "link_decision")
)
# Contracts of which an erasure has stopped the reports; it holds them by their creditor's own reference.
ERASED = sa.text("""
    SELECT DISTINCT c.creditor_id, c.reference FROM privacy.objection_key k JOIN privacy.link_decision_contract c
      ON c.pilot_id = k.pilot_id AND c.reference = k.key
    WHERE k.pilot_id = :pilot AND k.objection_id = :objection AND k.of_contract
""")
FORGET_CONTRACT = sa.text("""
    DELETE FROM privacy.link_decision_contract
    WHERE pilot_id = :pilot AND creditor_id = :creditor AND reference = :reference
""")
SAYING_NOTHING = sa.text("""
    SELECT d.decision_id FROM privacy.link_decision d WHERE d.pilot_id = :pilot AND (
        SELECT count(*) FROM privacy.link_decision_contract c
        WHERE c.pilot_id = :pilot AND c.decision_id = d.decision_id) < 2
""")


def decide_link(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, decision_id: uuid.UUID, change: LinkDecided
) -> str:
    """Carry out what somebody decided who saw both sides, in the caller's transaction under the pilot's lock.

    Returns "one person", "two persons", or "two persons, one household" where they live at one address; where nothing
    is done, "no such report", "nothing else linked" or "one contract" (a contract is one person's).
    """
    one, other = _contracts(connection, pilot.id, change.one), _contracts(connection, pilot.id, change.other)
    if not one or (change.other and not other):
        return "no such report"
    if not change.other:
        rest = _newest(connection.execute(REST_OF_PERSON, {"pilot": pilot.id, "reports": list(change.one)}))
        other = {contract: period for contract, period in rest.items() if contract not in one}
        if not other:
            return "nothing else linked"
    for contract in one.keys() & other.keys():  # with the side that has its newest report
        del (other if other[contract] <= one[contract] else one)[contract]
    if not one or not other:
        return "one contract"
    values = {"pilot": pilot.id, "decision": decision_id}
    connection.execute(INSERT, {**values, "actor": change.actor, "why": change.why.value})
    apart = change.answer == "different"
    connection.execute(
        INSERT_CONTRACT,
        [
            {**values, "side": side if apart else 1, "creditor": creditor, "reference": reference}
            for side, contracts in enumerate((one, other), 1)
            for creditor, reference in contracts
        ],
    )
    begin_touched(connection)
    touch_decided(connection, pilot.id, {*one, *other})
    relink(connection, pilot, rule_sets)
    if not apart:
        return "one person"
    same_home = connection.execute(ONE_HOUSEHOLD, values).scalar_one()
    return "two persons, one household" if same_home else "two persons"


def forget_decisions(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, ids: Collection[uuid.UUID]) -> int:
    """Take decisions away, and link without them; returns how many."""
    values = {"pilot": pilot.id, "ids": list(ids)}
    named = {(row.creditor_id, row.reference) for row in connection.execute(NAMED, values)}
    begin_touched(connection)
    touch_decided(connection, pilot.id, named)
    count = 0
    for statement in REMOVE:
        count = connection.execute(statement, values).rowcount
    relink(connection, pilot, rule_sets)
    return count


def forget_erased(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, objection: uuid.UUID) -> None:
    """Take the contracts of erased reports out of decisions; what then names fewer than two says nothing and goes."""
    erased = [
        (row.creditor_id, row.reference)
        for row in connection.execute(ERASED, {"pilot": pilot.id, "objection": objection})
    ]
    if not erased:
        return
    begin_touched(connection)
    touch_decided(connection, pilot.id, set(erased))
    connection.execute(
        FORGET_CONTRACT,
        [{"pilot": pilot.id, "creditor": creditor, "reference": reference} for creditor, reference in erased],
    )
    silent = connection.execute(SAYING_NOTHING, {"pilot": pilot.id}).scalars().all()
    for statement in REMOVE:
        connection.execute(statement, {"pilot": pilot.id, "ids": silent})
    relink(connection, pilot, rule_sets)


def _contracts(connection: sa.Connection, pilot_id: str, reports: Collection[uuid.UUID]) -> dict[Contract, str]:
    """The contracts of reports, each with the newest month among these."""
    return _newest(connection.execute(CONTRACTS, {"pilot": pilot_id, "reports": list(reports)}))


def _newest(rows: sa.CursorResult[Any]) -> dict[Contract, str]:
    return {(row.creditor_id, row.reference): row.period for row in rows}
