"""Taking up a whole delivery: in one transaction, under the pilot's lock, from staged lines to signals and receipt."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.basis_check import check_fresh, forget
from app.case_reports import join_cases
from app.snapshots import look_over, shut_out_withdrawn
from app.stages import stage
from privacy.log import GrowingTree
from privacy.receipts import DELIVERY_EVENT, Receipt
from signals.days import AMSTERDAM
from signals.doubts import note_judged, note_linked
from signals.judging import judge
from signals.linking import link, touch_neighbours
from signals.linking_known import mark_known_clients
from signals.pilot import Pilot
from signals.rulesets import RuleSet
from signals.settling import settle, touch_contracts

RuleSets = Callable[[sa.Connection, str], RuleSet]
WRITE_EVENT = sa.text("SELECT privacy.write_event(:pilot, :event, :kind, :body)").bindparams(
    sa.bindparam("body", type_=JSONB)
)

# The reports of this delivery, once each: a reference that stands in two parts counts where it stood first.
FRESH = (
    """
    CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS
    SELECT DISTINCT ON (report_id) report_id, part, line, sent, sent::jsonb AS r, wrapped_key, contact, proof
    FROM intake.staged_report WHERE pilot_id = :pilot AND delivery_id = :delivery
    ORDER BY report_id, part, line
    """,
    """
    CREATE TEMPORARY TABLE fresh_key ON COMMIT DROP AS
    SELECT f.report_id, k.value::uuid AS key, true AS strong, NULL::uuid AS birth
    FROM fresh f, jsonb_array_elements_text(f.r #> '{keys,strong}') AS k (value) WHERE :keyed
    UNION
    SELECT f.report_id, (k.value ->> 'key')::uuid, false, (k.value ->> 'birth')::uuid
    FROM fresh f, jsonb_array_elements(f.r #> '{keys,weak}') AS k (value) WHERE :keyed
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
# What the receipt is about: the leaf of each report that was taken, whatever its resident said, in order of the lines.
TAKEN = """
    SELECT leaf FROM (
        SELECT DISTINCT ON (report_id) part, line, leaf FROM intake.staged_report
        WHERE pilot_id = :pilot AND delivery_id = :delivery ORDER BY report_id, part, line) AS taken
    ORDER BY part, line
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
DELIVERED_BEFORE = sa.text("""
    SELECT EXISTS (SELECT FROM intake.delivery WHERE pilot_id = :pilot AND creditor_id = :creditor
                   AND period = :period AND state = 'completed')
""")
# Reports of this delivery that stand already, and say now that they are of somebody else or live elsewhere.
CORRECTED = sa.text("""
    WITH standing AS MATERIALIZED (
        SELECT f.report_id, f.r -> 'keys' AS said, r.* FROM fresh f CROSS JOIN LATERAL (
            SELECT dwelling, street_dwelling, building, has_addition FROM signals.report
            WHERE pilot_id = :pilot AND report_id = f.report_id OFFSET 0
        ) AS r
    ), lost AS (
        SELECT s.report_id, k.key, k.strong, k.birth FROM standing s CROSS JOIN LATERAL (
            SELECT key, strong, birth FROM signals.report_key
            WHERE pilot_id = :pilot AND report_id = s.report_id OFFSET 0
        ) AS k
        EXCEPT SELECT report_id, key, strong, birth FROM fresh_key
    )
    INSERT INTO touched_report
    SELECT report_id FROM lost UNION
    SELECT report_id FROM standing
    WHERE (dwelling, street_dwelling, building, has_addition)
       <> ((said ->> 'dwelling')::uuid, (said ->> 'streetDwelling')::uuid, (said ->> 'building')::uuid,
           (said ->> 'hasAddition')::boolean)
""")
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
        CASE WHEN NOT :keyed THEN 'unkeyed'
             WHEN EXISTS (SELECT FROM paused p WHERE p.report_id = fresh.report_id) THEN 'paused' ELSE 'live' END
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
    """
    INSERT INTO touched_report SELECT report_id FROM fresh UNION SELECT report_id FROM signals.report
    WHERE pilot_id = :pilot AND report_id = ANY (ARRAY(SELECT report_id FROM without_basis))
    ON CONFLICT DO NOTHING
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


def begin_touched(connection: sa.Connection) -> None:
    """Begin `touched_report (report_id)`, a temporary table: the reports that a change concerns, for `relink`."""
    connection.execute(sa.text("DROP TABLE IF EXISTS touched_report"))
    connection.execute(sa.text("CREATE TEMPORARY TABLE touched_report (report_id uuid PRIMARY KEY) ON COMMIT DROP"))


def relink(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets) -> None:
    """Cluster, mark, settle and judge afresh what the reports in `touched_report` concern (signals/).

    What doubts come of it is looked at later (app/reviewing.py).
    """
    touch_contracts(connection, pilot.id)
    _relink(connection, pilot, rule_sets)


def rejudge(
    connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets, mark: Callable[[sa.Connection, str], None]
) -> None:
    """Judge afresh where `mark` (signals/) changes what reports count for; who they are about stays as it is."""
    connection.execute(sa.text("DROP TABLE IF EXISTS touched_household"))
    connection.execute(
        sa.text("CREATE TEMPORARY TABLE touched_household (household_id uuid PRIMARY KEY) ON COMMIT DROP")
    )
    mark(connection, pilot.id)
    judge(connection, pilot.id, rule_sets(connection, pilot.rule_set))
    note_judged(connection, pilot.id, uuid.uuid4())


def _relink(connection: sa.Connection, pilot: Pilot, rule_sets: RuleSets) -> None:
    run = uuid.uuid4()
    with stage("link"):
        link(connection, pilot.id, run)
        for statement in HOUSEHOLDS_OF_SEALED:
            connection.execute(sa.text(statement), {"pilot": pilot.id, "run": run})
        join_cases(connection, pilot.id)
    with stage("rules"):
        mark_known_clients(connection, pilot.id)
        settle(connection, pilot.id)
        judge(connection, pilot.id, rule_sets(connection, pilot.rule_set))
        note_linked(connection, pilot.id, run)


def complete_delivery(
    connection: sa.Connection,
    pilot_id: str,
    delivery: uuid.UUID,
    rule_sets: RuleSets,
    log_key: dict[str, Any],
    now: datetime,
) -> bool:
    """Take up one delivery, in the caller's transaction. Returns False when somebody else did so already."""
    pilot = lock_pilot(connection, pilot_id)
    row = connection.execute(
        sa.text("""
            SELECT creditor_id, period, category, state, manifest, NOT EXISTS (
                SELECT FROM intake.part WHERE pilot_id = :pilot AND delivery_id = :delivery AND epoch = 0) AS keyed
            FROM intake.delivery WHERE pilot_id = :pilot AND delivery_id = :delivery
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
        "keyed": row.keyed,
        "received_on": now.astimezone(AMSTERDAM).date(),
    }
    with stage("merge"):
        for statement in (*FRESH, REPEATED):
            connection.execute(sa.text(statement), values)
        look_over(connection, values, pilot.retention.report_days)
        check_fresh(connection, pilot, values)
        shut_out_withdrawn(connection, values)
        for statement in SHUT_OUT:
            connection.execute(sa.text(statement), values)
        _touch_neighbours_of_corrected(connection, values)
        for statement in TAKE_UP:
            connection.execute(sa.text(statement), values)
        _refresh_statistics(connection)
    _relink(connection, pilot, rule_sets)
    with stage("finish"):
        forget(connection, pilot_id)
        _finish(connection, values, row.manifest, log_key, now)
    return True


def _touch_neighbours_of_corrected(connection: sa.Connection, values: dict[str, Any]) -> None:
    """Begin `touched_report` with all whom a corrected report kept apart or together before it is replaced."""
    begin_touched(connection)
    if connection.execute(DELIVERED_BEFORE, values).scalar_one() and connection.execute(CORRECTED, values).rowcount:
        touch_neighbours(connection, values["pilot"])


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
    connection: sa.Connection, values: dict[str, Any], manifest: str, log_key: dict[str, Any], now: datetime
) -> None:
    """Count, write the event, sign the receipt, let the staged lines go. A report that was shut out counts as taken."""
    tree = GrowingTree()
    for leaf in connection.execute(sa.text(TAKEN), values, execution_options={"yield_per": 5_000}).scalars():
        tree.append(leaf)
    refused = connection.execute(
        sa.text("""
            SELECT count(DISTINCT (part, line)) FROM intake.refused_row
            WHERE pilot_id = :pilot AND delivery_id = :delivery
        """),
        values,
    ).scalar_one()
    said = {
        "delivery": str(values["delivery"]),
        "creditor": values["creditor"],
        "period": values["period"],
        "category": values["category"],
        "accepted": tree.size,
        "refused": refused,
        "manifest": hashlib.sha256(manifest.encode()).hexdigest(),
        "root": tree.root().hex(),
    }
    event = {"pilot": values["pilot"], "event": uuid.uuid4(), "kind": DELIVERY_EVENT, "body": said}
    connection.execute(WRITE_EVENT, event)
    written = connection.execute(
        sa.text("SELECT body, keep_until, salt FROM privacy.event WHERE pilot_id = :pilot AND event_id = :event"), event
    ).one()
    receipt = Receipt.model_validate(
        {"event": written.body, "keep_until": written.keep_until, "salt": written.salt.hex()}
    )
    connection.execute(
        sa.text("""
            UPDATE intake.delivery
            SET state = 'completed', completed_at = :now, accepted = :accepted, refused = :refused,
                receipt = :receipt, leaf_hash = :leaf
            WHERE pilot_id = :pilot AND delivery_id = :delivery
        """),
        {
            **values,
            "now": now,
            "accepted": tree.size,
            "refused": refused,
            "receipt": receipt.signed(log_key),
            "leaf": receipt.leaf_hash(),
        },
    )
    connection.execute(
        sa.text("DELETE FROM intake.staged_report WHERE pilot_id = :pilot AND delivery_id = :delivery"), values
    )
