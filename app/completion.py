"""Taking up a whole delivery: in one transaction, under the pilot's lock, from staged lines to signals and receipt."""

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.basis_check import check_fresh, forget
from privacy.signing import sign
from signals.judging import judge
from signals.linking import link
from signals.linking_known import mark_known_clients
from signals.pilot import Pilot
from signals.rulesets import RuleSet

RECEIPT_SIGNED_AS = "vroegsein/receipt/v1"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

RuleSets = Callable[[sa.Connection, str], RuleSet]
WRITE_EVENT = sa.text("SELECT privacy.write_event(:pilot, :event, :kind, :body)").bindparams(
    sa.bindparam("body", type_=JSONB)
)

# The reports of this delivery, once each: a reference that stands in two parts counts where it stood first.
FRESH = (
    """
    CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS
    SELECT DISTINCT ON (report_id) report_id, part, sent, sent::jsonb AS r, wrapped_key, contact, proof
    FROM intake.staged_report WHERE pilot_id = :pilot AND delivery_id = :delivery
    ORDER BY report_id, part, line
    """,
    """
    CREATE TEMPORARY TABLE fresh_key ON COMMIT DROP AS
    SELECT f.report_id, k.value::uuid AS key, true AS strong, NULL::uuid AS birth
    FROM fresh f, jsonb_array_elements_text(f.r #> '{keys,strong}') AS k (value)
    UNION
    SELECT f.report_id, (k.value ->> 'key')::uuid, false, (k.value ->> 'birth')::uuid
    FROM fresh f, jsonb_array_elements(f.r #> '{keys,weak}') AS k (value)
    """,
    "ANALYZE fresh",
    "ANALYZE fresh_key",
)
REPEATED = """
    INSERT INTO intake.refused_row
    SELECT pilot_id, delivery_id, part, line, '/report/reference', 'repeated' FROM (
        SELECT pilot_id, delivery_id, part, line,
               row_number() OVER (PARTITION BY report_id ORDER BY part, line) AS nth
        FROM intake.staged_report WHERE pilot_id = :pilot AND delivery_id = :delivery) AS ranked
    WHERE nth > 1 ON CONFLICT DO NOTHING
"""
SHUT_OUT = (
    """
    INSERT INTO signals.shut_out SELECT :pilot, report_id, :delivery FROM without_basis ON CONFLICT DO NOTHING
    """,
    "DELETE FROM fresh_key WHERE report_id IN (SELECT report_id FROM without_basis)",
    "DELETE FROM fresh WHERE report_id IN (SELECT report_id FROM without_basis)",
    # An earlier version of it may stand: a correction told more, and now a no is recognised.
    """
    UPDATE signals.report SET state = 'shut_out'
    WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM without_basis))
    """,
)
TAKE_UP = (
    """
    INSERT INTO signals.report (pilot_id, report_id, creditor_id, delivery_id, reference, period, kind, category,
        amount_euros, months, arrears_since, since_derived, reported_on, received_on, social_collection, urgent,
        district, dwelling, street_dwelling, building, has_addition, state)
    SELECT :pilot, report_id, :creditor, :delivery, (r ->> 'reference')::uuid, :period, r ->> 'kind', :category,
        (r ->> 'amountEuros')::int, (r ->> 'months')::int, (r ->> 'arrearsSince')::date,
        (r ->> 'sinceDerived')::boolean, (r ->> 'reportedOn')::date, :received_on, r -> 'socialCollection',
        ARRAY(SELECT jsonb_array_elements_text(r -> 'urgent')), (r ->> 'district')::uuid,
        (r #>> '{keys,dwelling}')::uuid, (r #>> '{keys,streetDwelling}')::uuid, (r #>> '{keys,building}')::uuid,
        (r #>> '{keys,hasAddition}')::boolean,
        CASE WHEN EXISTS (SELECT FROM paused p WHERE p.report_id = fresh.report_id) THEN 'paused' ELSE 'live' END
    FROM fresh
    ON CONFLICT (pilot_id, report_id) DO UPDATE SET
        delivery_id = excluded.delivery_id, kind = excluded.kind, category = excluded.category,
        amount_euros = excluded.amount_euros, months = excluded.months, arrears_since = excluded.arrears_since,
        since_derived = excluded.since_derived, reported_on = excluded.reported_on,
        social_collection = excluded.social_collection, urgent = excluded.urgent, district = excluded.district,
        dwelling = excluded.dwelling, street_dwelling = excluded.street_dwelling, building = excluded.building,
        has_addition = excluded.has_addition, state = excluded.state
    """,
    "DELETE FROM signals.report_key WHERE pilot_id = :pilot AND report_id IN (SELECT report_id FROM fresh)",
    """
    INSERT INTO signals.report_key (pilot_id, key, report_id, strong, birth)
    SELECT :pilot, key, report_id, strong, birth FROM fresh_key ORDER BY key ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO signals.sealed_report (pilot_id, report_id, sent, wrapped_key, contact, part, proof)
    SELECT :pilot, report_id, sent, wrapped_key, contact, part, proof FROM fresh
    ON CONFLICT (pilot_id, report_id) DO UPDATE SET
        sent = excluded.sent, wrapped_key = excluded.wrapped_key, contact = excluded.contact, part = excluded.part,
        proof = excluded.proof
    """,
    # A report of a contract that was reported before is an update, in whatever order the two arrived.
    """
    WITH f AS MATERIALIZED (SELECT (r ->> 'reference')::uuid AS reference FROM fresh)
    UPDATE signals.report SET kind = 'update'
    WHERE pilot_id = :pilot AND kind = 'early' AND report_id = ANY (ARRAY(
        SELECT of_contract.report_id FROM f CROSS JOIN LATERAL (
            SELECT report_id, period, min(period) OVER () AS first FROM signals.report
            WHERE pilot_id = :pilot AND creditor_id = :creditor AND reference = f.reference OFFSET 0) AS of_contract
        WHERE of_contract.period > of_contract.first))
    """,
    """
    CREATE TEMPORARY TABLE touched_report (report_id uuid PRIMARY KEY) ON COMMIT DROP
    """,
    """
    INSERT INTO touched_report SELECT report_id FROM fresh UNION SELECT report_id FROM signals.report
    WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM without_basis))
    """,
    "ANALYZE touched_report",
)
HOUSEHOLDS_OF_SEALED = (
    """
    UPDATE signals.sealed_report AS s SET household_id = r.household_id
    FROM signals.report r
    WHERE s.pilot_id = :pilot AND r.pilot_id = s.pilot_id AND r.report_id = s.report_id
      AND r.household_id IN (SELECT household_id FROM touched_household)
      AND s.household_id IS DISTINCT FROM r.household_id
    """,
    # What is paused belongs to no household, or a look at that household would reach its sealed details.
    """
    UPDATE signals.sealed_report AS s SET household_id = NULL
    FROM signals.link_change c
    WHERE s.pilot_id = :pilot AND c.pilot_id = s.pilot_id AND c.report_id = s.report_id
      AND c.run_id = :run AND c.new_household IS NULL
    """,
)


def lock_pilot(connection: sa.Connection, pilot: str) -> Pilot:
    """Take the pilot's lock for this transaction: completions and changes of basis take turns."""
    document = connection.execute(
        sa.text("SELECT document FROM registry.pilot WHERE pilot_id = :pilot FOR UPDATE"), {"pilot": pilot}
    ).scalar_one()
    return Pilot.model_validate(document)


def relink(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets) -> None:
    """Cluster, mark and judge afresh what the reports in `touched_report` concern (signals/linking.py, judging.py)."""
    run = uuid.uuid4()
    link(connection, pilot.id, run)
    for statement in HOUSEHOLDS_OF_SEALED:
        connection.execute(sa.text(statement), {"pilot": pilot.id, "run": run})
    mark_known_clients(connection, pilot.id)
    judge(connection, pilot.id, rule_sets(connection, pilot.rule_set))


def complete_delivery(
    connection: sa.Connection,
    pilot_id: str,
    delivery: uuid.UUID,
    rule_sets: RuleSets,
    receipt_key: dict[str, Any],
    now: datetime,
) -> bool:
    """Take up one delivery, in the caller's transaction. Returns False when somebody else did so already."""
    pilot = lock_pilot(connection, pilot_id)
    row = connection.execute(
        sa.text("""
            SELECT creditor_id, period, category, state, manifest FROM intake.delivery
            WHERE pilot_id = :pilot AND delivery_id = :delivery
        """),
        {"pilot": pilot_id, "delivery": delivery},
    ).one()
    if row.state != "completing":
        return False
    values = {
        "pilot": pilot_id,
        "delivery": delivery,
        "creditor": row.creditor_id,
        "period": row.period,
        "category": row.category,
        "received_on": now.astimezone(AMSTERDAM).date(),
    }
    for statement in (*FRESH, REPEATED):
        connection.execute(sa.text(statement), values)
    check_fresh(connection, pilot, values)
    for statement in (*SHUT_OUT, *TAKE_UP):
        connection.execute(sa.text(statement), values)
    _refresh_statistics(connection)
    relink(connection, pilot, rule_sets)
    forget(connection, pilot_id)
    _finish(connection, values, row.manifest, receipt_key, now)
    return True


def _refresh_statistics(connection: sa.Connection) -> None:
    """After a large delivery, tell the planner; else it takes the tables for as small as they were."""
    grown = connection.execute(
        sa.text("""
            SELECT (SELECT count(*) FROM fresh) * 5 > max(reltuples) FROM pg_catalog.pg_class
            WHERE oid = 'signals.report'::regclass
        """)
    ).scalar_one()
    if grown:
        connection.execute(sa.text("ANALYZE signals.report, signals.report_key, signals.sealed_report"))


def _finish(
    connection: sa.Connection, values: dict[str, Any], manifest: str, receipt_key: dict[str, Any], now: datetime
) -> None:
    """Count, sign the receipt, write the event, let the staged lines go. A report that was shut out counts as taken."""
    counts = connection.execute(
        sa.text("""
            SELECT
              (SELECT count(DISTINCT report_id) FROM intake.staged_report
               WHERE pilot_id = :pilot AND delivery_id = :delivery) AS accepted,
              (SELECT count(DISTINCT (part, line)) FROM intake.refused_row
               WHERE pilot_id = :pilot AND delivery_id = :delivery) AS refused
        """),
        values,
    ).one()
    said = {
        "delivery": str(values["delivery"]),
        "pilot": values["pilot"],
        "creditor": values["creditor"],
        "period": values["period"],
        "category": values["category"],
        "accepted": counts.accepted,
        "refused": counts.refused,
        "manifest": hashlib.sha256(manifest.encode()).hexdigest(),
        "at": now.isoformat(timespec="seconds"),
    }
    receipt = sign(json.dumps(said, sort_keys=True).encode(), receipt_key, RECEIPT_SIGNED_AS)
    connection.execute(
        sa.text("""
            UPDATE intake.delivery
            SET state = 'completed', completed_at = :now, accepted = :accepted, refused = :refused, receipt = :receipt
            WHERE pilot_id = :pilot AND delivery_id = :delivery
        """),
        {**values, "now": now, "accepted": counts.accepted, "refused": counts.refused, "receipt": receipt},
    )
    connection.execute(
        sa.text("DELETE FROM intake.staged_report WHERE pilot_id = :pilot AND delivery_id = :delivery"), values
    )
    event = {"pilot": values["pilot"], "event": uuid.uuid4(), "kind": "delivery", "body": said}
    connection.execute(WRITE_EVENT, event)
