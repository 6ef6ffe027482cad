"""A resident's no: a refusal, a withdrawal, an objection; what it stops at once, and what stays stopped.

Each leaves a row with the resident's match keys, so that next month's snapshot brings nothing back. It takes along the
keys and contracts of all reports that it stopped, also those that were only linked to the resident.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.basis_check import check_touched, forget
from app.completion import RuleSets, begin_touched, relink
from signals.consents import Decision
from signals.pilot import Pilot
from signals.report import MatchKeys


@dataclass(frozen=True, slots=True)
class No:
    """What is said no to: no category or creditor means all of them. `sealed` is who says it, where a desk knows."""

    kind: str
    state: str
    since: date
    category: str | None = None
    creditor: str | None = None
    sealed: bytes | None = None


INSERT = sa.text("""
    INSERT INTO privacy.objection
      (pilot_id, objection_id, kind, state, category, creditor_id, since, recorded_at, sealed)
    VALUES (:pilot, :objection, :kind, :state, :category, :creditor, :since, clock_timestamp(), :sealed)
""")
INSERT_KEYS = sa.text("""
    INSERT INTO privacy.objection_key (pilot_id, key, objection_id, strong, birth, of_contract)
    VALUES (:pilot, :key, :objection, :strong, :birth, :of_contract) ON CONFLICT DO NOTHING
""")
# The same contract's objection, sent once more, is the same objection.
OF_CONTRACT = sa.text("""
    SELECT o.objection_id FROM privacy.objection o
    JOIN privacy.objection_key k ON k.pilot_id = o.pilot_id AND k.objection_id = o.objection_id
    WHERE o.pilot_id = :pilot AND o.creditor_id = :creditor AND k.key = :reference AND k.strong
    ORDER BY o.objection_id LIMIT 1
""")
CONTRACT_OF = sa.text("""
    SELECT creditor_id, category, reference FROM signals.report WHERE pilot_id = :pilot AND report_id = :report
""")
TOUCH_CONTRACT = """
    INSERT INTO touched_report SELECT report_id FROM signals.report
    WHERE pilot_id = :pilot AND creditor_id = :creditor AND reference = :reference
"""
# Looked up key by key: the planner, whose statistics say nothing of a pilot's first days, else reads all for each.
# All reports of whoever was linked to the resident, not only those that meet the keys directly.
TOUCH = """
    WITH asked AS MATERIALIZED (
        SELECT key, strong, birth FROM privacy.objection_key
        WHERE pilot_id = :pilot AND objection_id = :objection ORDER BY key
    ), agreed AS MATERIALIZED (
        SELECT organisation_id FROM registry.agreement WHERE pilot_id = :pilot
    ), met AS MATERIALIZED (
        SELECT k.report_id FROM asked CROSS JOIN LATERAL (
            SELECT report_id FROM signals.report_key
            WHERE pilot_id = :pilot AND key = asked.key AND strong = asked.strong
              AND (strong OR (birth = asked.birth) IS NOT FALSE) OFFSET 0
        ) AS k
        UNION
        SELECT r.report_id FROM asked CROSS JOIN agreed CROSS JOIN LATERAL (
            SELECT report_id FROM signals.report
            WHERE pilot_id = :pilot AND creditor_id = agreed.organisation_id AND reference = asked.key OFFSET 0
        ) AS r WHERE asked.strong
    ), direct AS MATERIALIZED (
        SELECT r.* FROM met CROSS JOIN LATERAL (
            SELECT report_id, person_id, category, creditor_id FROM signals.report
            WHERE pilot_id = :pilot AND report_id = met.report_id OFFSET 0
        ) AS r
        WHERE coalesce(CAST(:met_at AS text), r.creditor_id) = r.creditor_id
    ), person AS MATERIALIZED (
        SELECT DISTINCT person_id FROM direct WHERE person_id IS NOT NULL
    ), theirs AS MATERIALIZED (
        SELECT report_id, category, creditor_id FROM direct
        UNION
        SELECT r.* FROM person CROSS JOIN LATERAL (
            SELECT report_id, category, creditor_id FROM signals.report
            WHERE pilot_id = :pilot AND person_id = person.person_id OFFSET 0
        ) AS r
    )
    INSERT INTO touched_report SELECT report_id FROM theirs
    WHERE coalesce(CAST(:category AS text), category) = category
      AND coalesce(CAST(:creditor AS text), creditor_id) = creditor_id
      AND report_id <> ALL (CAST(:spared AS uuid[]))
"""
# Weak keys only with their veto: without one, the resident's objection would stop a parent of the same initial too.
TAKE_ALONG = """
    WITH touched AS MATERIALIZED (SELECT report_id FROM touched_report ORDER BY report_id)
    INSERT INTO privacy.objection_key (pilot_id, key, objection_id, strong, birth, of_contract)
    SELECT :pilot, key, :objection, strong, birth, of_contract FROM (
        SELECT k.key, k.strong, k.birth, false AS of_contract FROM touched CROSS JOIN LATERAL (
            SELECT key, strong, birth FROM signals.report_key
            WHERE pilot_id = :pilot AND report_id = touched.report_id AND (strong OR birth IS NOT NULL) OFFSET 0
        ) AS k
        UNION ALL
        SELECT r.reference, true, NULL, true FROM touched CROSS JOIN LATERAL (
            SELECT reference FROM signals.report WHERE pilot_id = :pilot AND report_id = touched.report_id OFFSET 0
        ) AS r
    ) AS found ON CONFLICT DO NOTHING
"""
# What a report that is spared has too is no sign of the one who said no: a twin has her name's keys.
NOT_OF_SPARED = """
    DELETE FROM privacy.objection_key o USING signals.report_key k
    WHERE o.pilot_id = :pilot AND o.objection_id = :objection AND k.pilot_id = :pilot AND k.key = o.key
      AND k.report_id = ANY (CAST(:spared AS uuid[]))
"""
PLACE = (
    """
    INSERT INTO signals.shut_out (pilot_id, report_id, delivery_id)
    SELECT :pilot, report_id, delivery_id FROM without_basis JOIN checked USING (report_id) ON CONFLICT DO NOTHING
    """,
    """
    WITH placed AS MATERIALIZED (
        SELECT report_id, CASE WHEN EXISTS (SELECT FROM without_basis w WHERE w.report_id = checked.report_id)
                               THEN 'shut_out'
                               WHEN state NOT IN ('live', 'paused') THEN state
                               WHEN EXISTS (SELECT FROM paused p WHERE p.report_id = checked.report_id)
                               THEN 'paused' ELSE 'live' END AS state
        FROM checked
    )
    UPDATE signals.report r SET state = placed.state FROM placed
    WHERE r.pilot_id = :pilot AND r.report_id = placed.report_id AND r.state <> placed.state
    """,
)
DECIDE = sa.text("""
    UPDATE privacy.objection SET state = :state, decided_on = :decided_on
    WHERE pilot_id = :pilot AND objection_id = :objection AND state = 'pending'
""")
FORGET_KEYS = sa.text("DELETE FROM privacy.objection_key WHERE pilot_id = :pilot AND objection_id = :objection")


def say_no(
    connection: sa.Connection,
    pilot: Pilot,
    rule_sets: RuleSets,
    objection: uuid.UUID,
    no: No,
    keys: MatchKeys,
    spared: Sequence[uuid.UUID] = (),
) -> None:
    """Record what a desk heard, and stop the resident's reports that it is about, but for those that are `spared`."""
    _insert(connection, pilot.id, objection, no, all_keys(keys))
    _carry_through(connection, pilot, rule_sets, objection, no, spared)


def pause_contract(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, objection: uuid.UUID, report: uuid.UUID, no: No
) -> bool:
    """Record that a report is said to be wrong, and pause its contract's reports. False: there is no such report.

    `no` has yet to learn which creditor and category it is about.
    """
    of = {"pilot": pilot.id, "report": report}
    found = connection.execute(CONTRACT_OF, of).one_or_none()
    if found is None:
        return False
    about = replace(no, category=found.category, creditor=found.creditor_id)
    _insert(connection, pilot.id, objection, about, _contract(found.reference))
    begin_touched(connection)
    connection.execute(sa.text(TOUCH_CONTRACT), {**of, "creditor": found.creditor_id, "reference": found.reference})
    recheck(connection, pilot, rule_sets)
    return True


def stop_contract(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, objection: uuid.UUID, no: No, reference: str
) -> None:
    """Record what a creditor heard: no report of its about this contract, or this resident, is used any more."""
    of = {"pilot": pilot.id, "creditor": no.creditor, "reference": uuid.UUID(reference)}
    standing = connection.execute(OF_CONTRACT, of).scalar_one_or_none()
    if standing is None:
        _insert(connection, pilot.id, objection, no, _contract(reference))
    _carry_through(connection, pilot, rule_sets, standing or objection, no)


def decide(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, decision: Decision) -> bool:
    """Carry out what a person decided. False: no such objection waits for a decision in this pilot.

    Reports that come back are held against all else that was said, as if they came in now.
    """
    values: dict[str, Any] = {
        "pilot": pilot.id,
        "objection": decision.objection,
        "state": "stands" if decision.decision == "upheld" else "dismissed",
        "decided_on": decision.decided_on,
        "spared": [],
        **dict.fromkeys(("category", "creditor", "met_at")),
    }
    if not connection.execute(DECIDE, values).rowcount:
        return False
    begin_touched(connection)
    connection.execute(sa.text(TOUCH), values)
    if decision.decision == "dismissed":  # what binds nobody recognises nobody
        connection.execute(FORGET_KEYS, values)
    recheck(connection, pilot, rule_sets)
    return True


def all_keys(keys: MatchKeys) -> list[dict[str, Any]]:
    """Match keys as rows of a table of keys."""
    found: list[dict[str, Any]] = [{"key": key, "strong": True, "birth": None} for key in keys.strong]
    return found + [{"key": weak.key, "strong": False, "birth": weak.birth} for weak in keys.weak]


def _contract(reference: uuid.UUID | str) -> list[dict[str, Any]]:
    """A contract by its creditor's own reference, which no new pilot key changes."""
    return [{"key": reference, "strong": True, "birth": None, "of_contract": True}]


def _insert(connection: sa.Connection, pilot_id: str, objection: uuid.UUID, no: No, keys: list[dict[str, Any]]) -> None:
    where = {"pilot": pilot_id, "objection": objection}
    said = {"kind": no.kind, "state": no.state, "since": no.since, "sealed": no.sealed}
    connection.execute(INSERT, {**where, **said, "category": no.category, "creditor": no.creditor})
    if keys:
        connection.execute(INSERT_KEYS, [{"of_contract": False, **where, **key} for key in keys])


def _carry_through(
    connection: sa.Connection,
    pilot: Pilot,
    rule_sets: RuleSets,
    objection: uuid.UUID,
    no: No,
    spared: Sequence[uuid.UUID] = (),
) -> None:
    values: Mapping[str, Any] = {
        "pilot": pilot.id,
        "objection": objection,
        "category": no.category,
        "creditor": no.creditor,
        # A creditor names a contract of its own: what another sent under the same number is another contract.
        "met_at": no.creditor,
        "spared": list(spared),
    }
    begin_touched(connection)
    connection.execute(sa.text(TOUCH), values)
    connection.execute(sa.text(TAKE_ALONG), values)
    if spared:
        connection.execute(sa.text(NOT_OF_SPARED), values)
    recheck(connection, pilot, rule_sets)


def recheck(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets) -> None:
    """Live, paused or shut out, for the reports in `touched_report`; then households and signals without the others."""
    check_touched(connection, pilot)
    for statement in PLACE:
        connection.execute(sa.text(statement), {"pilot": pilot.id})
    relink(connection, pilot, rule_sets)
    forget(connection, pilot.id)
